"""The work of ``mvboot train``."""

import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback, RichProgressBar

from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.datasets import Capture
from mvboot.errors import InputError
from mvboot.files import require_free
from mvboot.formats.rigs import load_rig
from mvboot.report.triangulation import write_json
from mvboot.training.config import TrainConfig
from mvboot.training.data import TrainingData
from mvboot.training.run import CHECKPOINT, MODEL, networks, train

CONFIG, SUMMARY = "config.yaml", "summary.json"


def plan(config: TrainConfig, overwrite: bool, resume: bool, say: Output) -> dict[str, Any]:
    """Say what would be trained, after the same checks that a run makes."""
    _checkpoint(config, overwrite, resume)
    capture, labelled, teacher = _opened(config)
    networks(config.settings, capture, labelled, teacher)
    data = _data(config, capture, labelled)
    found = {
        "labelled_pictures": len(data.labelled),
        "groups_of_views": 0 if data.views is None else len(data.views),
        "validation_groups": len(data.validation),
        "steps": config.steps,
        "warnings": list(data.warnings),
    }
    say.say(
        f"would train {config.steps} steps ({config.method}) into {config.out}: "
        f"{found['labelled_pictures']} labelled pictures, {found['groups_of_views']} groups of "
        f"views, validated on {found['validation_groups']}"
    )
    return found


def run(config: TrainConfig, overwrite: bool, resume: bool, say: Output) -> dict[str, Any]:
    """Train, and return the summary."""
    checkpoint = _checkpoint(config, overwrite, resume)
    capture, labelled, teacher = _opened(config)
    for warning in _data(config, capture, labelled).warnings:
        say.warn(warning)
    networks(config.settings, capture, labelled, teacher)  # what is wrong is said before writing
    dump_yaml(config.model_dump(mode="json", exclude_none=True), config.out / CONFIG)
    started = time.monotonic()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        found = train(
            config.settings, capture, config.out, teacher, labelled, checkpoint, _watched(say)
        )
    summary = {
        "method": config.method,
        "steps": config.steps,
        "seconds": round(time.monotonic() - started, 1),
        **{name: found[name] for name in sorted(found)},
        "files": [MODEL, CHECKPOINT, "logs/metrics.csv"],
    }
    write_json(summary, config.out / SUMMARY)
    _describe(summary, config.out, say)
    return summary


def _opened(config: TrainConfig) -> tuple[Capture, Capture | None, Path | None]:
    """Return the capture, the one with the labels if it is another, and the teacher's file."""
    rig = None if config.rig is None else load_rig(config.rig)
    labelled = None if config.labels is None else Capture.open(config.labels)
    teacher = config.teacher
    if teacher is not None and teacher.is_dir():
        teacher = teacher / MODEL
    return Capture.open(config.data, rig), labelled, teacher


def _data(config: TrainConfig, capture: Capture, labelled: Capture | None) -> TrainingData:
    return TrainingData(capture, config.settings, config.method != "supervised", labelled)


def _checkpoint(config: TrainConfig, overwrite: bool, resume: bool) -> Path | None:
    """Return the checkpoint to go on from; InputError where ``out`` is not as it must be."""
    path = config.out / CHECKPOINT
    if not resume:
        require_free(config.out, overwrite)
        return None
    if not path.is_file():
        raise InputError("there is no run to --resume; start it without", where=config.out)
    return path


def _watched(say: Output) -> tuple[Callback, ...]:
    return (RichProgressBar(leave=False),) if sys.stderr.isatty() and not say.as_json else ()


def _describe(summary: dict[str, Any], out: Path, say: Output) -> None:
    words = {
        "validation/epipolar_px": "hard-match epipolar error on held-out frames {:.2f} px",
        "validation/drift": "drift from the teacher {:.3f}",
        "validation/error": "error against true fields {:.3f}",
    }
    for name, text in words.items():
        if name in summary:
            say.say(text.format(summary[name]))
    say.say(f"wrote {out / MODEL} after {summary['steps']} steps in {summary['seconds']:g} s")
