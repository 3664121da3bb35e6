"""The work of ``mvboot train``."""

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from mvboot.config import dump_yaml, from_options
from mvboot.datasets import Capture
from mvboot.errors import InputError
from mvboot.files import require_free, write_json
from mvboot.formats.rigs import load_rig
from mvboot.inference.crops import boxes_from
from mvboot.stages.output import SILENT, Output
from mvboot.stages.replace_run import forget_previous, replacing, told
from mvboot.stages.resume import checkpoint_of
from mvboot.stages.stage import CONFIG, SUMMARY
from mvboot.training.config import Places
from mvboot.training.run import CHECKPOINT, LOG, LOGS, MODEL, PreparedRun
from mvboot.training.tasks import named_task

LABEL_PX = "validation/label_px"
WORSE = 1.1
"""Times the smallest error on held-out labels that the last may be without a warning."""


def train(
    config: Places | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Train a network, as ``mvboot train`` does.

    Parameters
    ----------
    config
        All settings; or give them by name, as in ``train(task="dense", data="capture",
        out="run", method="supervised")``.
    overwrite
        Replace an earlier run.
    resume
        Go on where the run in ``out`` stopped.

    Returns
    -------
    The content of ``summary.json``; `mvboot.networks.load_network` reads the model.

    Raises
    ------
    InputError
        Bad input, or a run that must stay.
    """
    if config is None:
        config = from_options(settings, named_task(settings.get("task", "dense")).config)
    elif settings:
        given = config.model_dump(exclude_unset=True)
        config = from_options({**given, **settings}, type(config))
    return run(config, overwrite, resume, SILENT)


def plan(config: Places, overwrite: bool, resume: bool, say: Output) -> dict[str, Any]:
    """Say what `run` would train, after the same checks."""
    _checkpoint(config, overwrite, resume)
    data, settings = _prepared(config).data, config.settings
    for warning in data.warnings:
        say.warn(warning)
    found = {
        "labelled_pictures": 0 if data.labelled is None else len(data.labelled),
        "groups_of_views": 0 if data.views is None else len(data.views),
        "validation_groups": len(data.validation),
        "steps": settings.steps,
        "warnings": list(data.warnings),
    }
    say.say(
        f"would train {settings.steps} steps ({settings.task}, {settings.method}) into "
        f"{config.out}: "
        f"{found['labelled_pictures']} labelled pictures, {found['groups_of_views']} groups of "
        f"views, validated on {found['validation_groups']}"
    )
    return found


def run(config: Places, overwrite: bool, resume: bool, say: Output) -> dict[str, Any]:
    """Train, and return the summary."""
    checkpoint = _checkpoint(config, overwrite, resume)
    prepared = _prepared(config)
    for warning in prepared.data.warnings:
        say.warn(warning)
    started = time.monotonic()
    callbacks = (_Rounds(say), _Progress(say))
    anew = replacing(config.out, CHECKPOINT) if checkpoint is None else nullcontext()
    with quiet(), told(config.out, CHECKPOINT, "mvboot train", say.warn), anew:
        dump_yaml(config.model_dump(mode="json"), config.out / CONFIG)
        found = prepared.train(config.out, checkpoint, callbacks)
    forget_previous(config.out)
    settings = config.settings
    summary = {
        "task": settings.task,
        "method": settings.method,
        "steps": settings.steps,
        "seconds": round(time.monotonic() - started, 1),
        **{name: found[name] for name in sorted(found)},
        "files": [MODEL, CHECKPOINT, "logs/metrics.csv"],
    }
    write_json(summary, config.out / SUMMARY)
    _describe(summary, config.out, say)
    worse = worsened(config.out / LOGS / LOG)
    if worse is not None:
        say.warn(worse)
    return summary


def worsened(log: Path) -> str | None:
    """Return a warning where held-out labels were met clearly better before the end of a run."""
    if not log.is_file():
        return None
    lines = pd.read_csv(log)
    if LABEL_PX not in lines:
        return None
    looks = lines.dropna(subset=[LABEL_PX])
    steps, errors = looks["step"].to_numpy(int) + 1, looks[LABEL_PX].to_numpy(float)
    if not len(errors) or errors[-1] <= WORSE * errors.min():
        return None
    return (
        f"held-out labels were met better at step {steps[errors.argmin()]} ({errors.min():.2f} px) "
        f"than at step {steps[-1]} ({errors[-1]:.2f} px): the run went on too long "
        "for its labels, or its views agree on other places than people label; take fewer steps, "
        "more labels, or a lower matching.weight"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's own messages."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        yield


class _Progress(Callback):
    """Shows how far a run is: a bar on a terminal, and a line for each validation."""

    def __init__(self, say: Output) -> None:
        self.say = say
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say that the first step begins."""
        if not trainer.is_global_zero:
            return
        steps = trainer.max_steps
        begun = f"going on after step {trainer.global_step}" if trainer.global_step else "training"
        self.say.say(f"{begun}: {steps} steps, validated every {trainer.num_training_batches}")
        self.bar = self.say.bar(steps, "training")
        self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=trainer.global_step)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the averaged network is worth by now."""
        if self.bar is not None:
            found = ", ".join(_figures(trainer.callback_metrics)) or "nothing to measure"
            self.say.say(f"step {trainer.global_step} of {trainer.max_steps}: {found}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, _: BaseException) -> None:
        """Take the bar away too."""
        self.on_train_end(trainer, pl_module)


class _Rounds(Callback):
    """Says what a round begins with, where labels are made anew in rounds."""

    def __init__(self, say: Output) -> None:
        self.say = say
        self.said: Any = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say it once a round."""
        found = trainer.datamodule.news  # type: ignore[attr-defined]  # what `fit` was given
        if found is not None and found is not self.said and trainer.is_global_zero:
            self.say.say(str(found))
            self.said = found


def _prepared(config: Places) -> PreparedRun:
    rig = None if config.rig is None else load_rig(config.rig)
    labelled = [Capture.open(folder) for folder in config.labels]
    teacher = config.teacher
    if teacher is not None and teacher.is_dir():
        teacher = teacher / MODEL
    capture = Capture.open(config.data, rig)
    if config.crops_from is not None:
        individual = getattr(config, "individual", None)
        capture = capture.with_boxes(boxes_from(config.crops_from, capture, individual))
    return PreparedRun.of(config.settings, capture, labelled, teacher)


def _checkpoint(config: Places, overwrite: bool, resume: bool) -> Path | None:
    """Return the checkpoint to go on from; InputError where ``out`` is not as it must be."""
    if resume and overwrite:
        raise InputError("--resume goes on with a run that --overwrite replaces; choose one")
    if resume:
        return checkpoint_of(config)
    require_free(config.out, overwrite)
    return None


def _figures(found: Mapping[str, Any]) -> list[str]:
    """Return what a validation found in words."""
    words = {
        "validation/epipolar_px": "epipolar error on held-out frames {:.2f} px",
        "validation/drift": "drift from the teacher {:.3f}",
        "validation/error": "error against true fields {:.3f}",
        "validation/label_px": "error on held-out labels {:.2f} px",
        "validation/pck": "held-out keypoints within 0.05 of the box {:.2f}",
    }
    return [text.format(float(found[name])) for name, text in words.items() if name in found]


def _describe(summary: dict[str, Any], out: Path, say: Output) -> None:
    for figure in _figures(summary):
        say.say(figure)
    say.say(f"wrote {out / MODEL} after {summary['steps']} steps in {summary['seconds']:g} s")
