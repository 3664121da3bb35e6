"""A training run from files to files."""

from pathlib import Path
from typing import Any

from lightning import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger

from mvboot.datasets import Capture
from mvboot.errors import InputError
from mvboot.networks import DenseNetwork, NetworkConfig, build_network, load_network, save_network
from mvboot.template import Template
from mvboot.training.config import TrainSettings
from mvboot.training.data import TrainingData
from mvboot.training.module import DenseTraining

LOG_EVERY = 10
MODEL, CHECKPOINT, LOGS = "model.safetensors", "last.ckpt", "logs"


def train(
    settings: TrainSettings,
    capture: Capture,
    folder: Path,
    teacher: Path | None = None,
    labelled: Capture | None = None,
    resume: Path | None = None,
    callbacks: tuple[Callback, ...] = (),
    stop_after: int | None = None,
) -> dict[str, Any]:
    """Train a network and write it to ``folder``; return the last validation.

    Parameters
    ----------
    settings
        The run.
    capture
        Views to train on.
    folder
        Where model, checkpoint and logs are written.
    teacher
        Network to start from and to keep near; needed for several views.
    labelled
        Capture with the labels, where they are of other footage.
    resume
        Checkpoint of the same run that goes on exactly where it stopped.
    callbacks
        More of Lightning's, such as a progress bar.
    stop_after
        Stop after so many steps all the same; `resume` goes on.

    Raises
    ------
    InputError
        No template or labels, a teacher of another template or kind, several views without one.
    QualityMissed
        A run whose fields collapse or stretch.
    """
    seed_everything(settings.seed, verbose=False)
    network, known = networks(settings, capture, labelled, teacher)
    multiview = settings.method != "supervised"
    data = TrainingData(capture, settings, multiview, labelled)
    module = DenseTraining(network, settings, known if multiview else None)
    trainer = Trainer(
        max_steps=settings.steps if stop_after is None else stop_after,
        precision=settings.precision,
        gradient_clip_val=settings.clip,
        check_val_every_n_epoch=1,
        num_sanity_val_steps=0,
        log_every_n_steps=min(LOG_EVERY, settings.validate_every),
        logger=_loggers(folder),
        callbacks=[
            ModelCheckpoint(folder, "last", enable_version_counter=False),
            *callbacks,
        ],
        enable_progress_bar=bool(callbacks),
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, data, ckpt_path=resume)
    save_network(
        module.average,
        folder / MODEL,
        {"settings": settings.model_dump(mode="json"), "steps": trainer.global_step},
    )
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def _template(capture: Capture, labelled: Capture | None) -> Template:
    source = labelled or capture
    if source.template is None:
        raise InputError("has no template.npz, so that its labels mean nothing", source.folder)
    return source.template


def networks(
    settings: TrainSettings, capture: Capture, labelled: Capture | None, teacher: Path | None
) -> tuple[DenseNetwork, DenseNetwork | None]:
    """Return the network to train, and the teacher that it starts from.

    InputError where a run needs a teacher and has none, or one that does not fit.
    """
    template = _template(capture, labelled)
    if settings.method != "supervised" and teacher is None:
        raise InputError(
            f"--method {settings.method} needs a --teacher; train one with --method supervised"
        )
    if teacher is None:
        config = NetworkConfig.for_template(
            template, settings.kind, backbone=settings.backbone, stride=settings.stride
        )
        return build_network(config, settings.seed), None
    known = load_network(teacher, template)
    if known.config.target.kind != settings.kind or known.stride != settings.stride:
        raise InputError(
            f"predicts {known.config.target.kind} at stride {known.stride}, the run "
            f"{settings.kind} at {settings.stride}",
            where=teacher,
        )
    return load_network(teacher, template), known


def _loggers(folder: Path) -> list[Logger]:
    return [CSVLogger(folder, LOGS, version="")]
