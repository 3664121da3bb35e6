"""A training run from files to files."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer, seed_everything
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, ProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.multiprocessing.spawn import ProcessRaisedException

from mvboot.datasets import Capture
from mvboot.errors import InputError, MvbootError, NothingUsable, QualityMissed, Stopped
from mvboot.networks import DenseNetwork, frozen_copy, save_network
from mvboot.training.batches import RunData
from mvboot.training.checkpoints import Checkpoints
from mvboot.training.config import RunSettings
from mvboot.training.interrupts import Interrupts
from mvboot.training.module import Training
from mvboot.training.tasks import task_of

LOG_EVERY = 10
STRATEGY = "ddp_spawn_find_unused_parameters_true"
"""Of several devices: processes that this one starts and waits for; they begin after all checks."""
MODEL, CHECKPOINT, LOGS, LOG = "model.safetensors", "last.ckpt", "logs", "metrics.csv"


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A run of which all is read and checked, and nothing written yet; good for one `train`.

    Parameters
    ----------
    settings
        The run.
    data
        What it reads.
    network
        What is trained, as it starts.
    teacher
        Frozen network that it started from, or None.
    """

    settings: RunSettings
    data: RunData
    network: DenseNetwork
    teacher: DenseNetwork | None

    @staticmethod
    def of(
        settings: RunSettings,
        capture: Capture,
        labelled: Sequence[Capture] = (),
        teacher: Path | None = None,
    ) -> "PreparedRun":
        """Read what a run needs.

        Parameters
        ----------
        settings
            The run.
        capture
            Views to train on.
        labelled
            Captures with the labels, where they are of other footage.
        teacher
            Network to start from, and to keep near unless the method is ``supervised``.

        Raises
        ------
        InputError
            What the task needs and lacks: labels, a template, a teacher that predicts the same;
            crops of a size that the network does not take, devices that this machine has not.
        """
        task = task_of(settings)
        data = task.data(capture, settings, labelled)
        network = task.network(settings, data, teacher)
        network.require_size(settings.size, settings.size)
        _require_devices(settings)
        taught = teacher is not None and settings.method != "supervised"
        return PreparedRun(settings, data, network, frozen_copy(network) if taught else None)

    def train(
        self,
        folder: Path,
        resume: Path | None = None,
        callbacks: tuple[Callback, ...] = (),
        stop_after: int | None = None,
    ) -> dict[str, Any]:
        """Train, write the network to ``folder``, and return the last validation.

        Parameters
        ----------
        folder
            Where model, checkpoint, logs and the labels of rounds are written.
        resume
            Checkpoint of the same run that goes on exactly where it stopped.
        callbacks
            More of Lightning's, such as a progress bar.
        stop_after
            Stop after so many steps all the same; `resume` goes on.

        Raises
        ------
        InputError
            A checkpoint to go on from whose round has no labels in ``folder``.
        QualityMissed
            A run whose fields collapse or stretch.
        Stopped
            A signal; a step that was begun is ended, and the checkpoint says where the run stopped.
        NothingUsable
            Views that agree on no point, losses that are not finite, or a network that says
            nothing finite in the end.
        """
        settings = self.settings
        if resume is not None:
            _keep_log(folder / LOGS)
        seed_everything(settings.seed, verbose=False)
        task = task_of(settings)
        objective = task.objective(settings, self.network, self.data)
        interrupts = Interrupts()
        module = Training(
            self.network, settings, objective, self.teacher, interrupts, folder / CHECKPOINT
        )
        trainer = Trainer(
            plugins=[Checkpoints()],
            default_root_dir=folder,
            max_steps=settings.steps if stop_after is None else stop_after,
            accelerator=settings.accelerator,
            devices=settings.devices,
            strategy=STRATEGY if settings.devices > 1 else "auto",
            precision=settings.precision,
            gradient_clip_val=settings.clip,
            check_val_every_n_epoch=1,
            num_sanity_val_steps=0,
            log_every_n_steps=min(LOG_EVERY, settings.validate_every),
            logger=_loggers(folder),
            callbacks=[ModelCheckpoint(folder, "last", enable_version_counter=False), *callbacks],
            enable_progress_bar=any(isinstance(one, ProgressBar) for one in callbacks),
            enable_model_summary=False,
            use_distributed_sampler=False,
            reload_dataloaders_every_n_epochs=int(self.data.renewed),
        )
        with _errors_of_processes(), interrupts:
            trainer.fit(module, self.data, ckpt_path=resume)
        _require_finite(module.average, self.data)
        save_network(
            task.finished(module.average, self.data),
            folder / MODEL,
            {"settings": settings.model_dump(mode="json"), "steps": trainer.max_steps},
        )
        if interrupts.asked is not None:  # in the last step
            raise Stopped(interrupts.asked)
        return {name: float(value) for name, value in trainer.callback_metrics.items()}


def train(
    settings: RunSettings,
    capture: Capture,
    folder: Path,
    teacher: Path | None = None,
    labelled: Sequence[Capture] = (),
    **how: Any,
) -> dict[str, Any]:
    """Prepare a run and train: `PreparedRun.of`, then `PreparedRun.train` with what else is given.

    Returns the last validation; raises what they raise.
    """
    return PreparedRun.of(settings, capture, labelled, teacher).train(folder, **how)


@torch.no_grad()
def _require_finite(network: DenseNetwork, data: RunData) -> None:
    sets = (data.labelled, data.views, data.validation)
    sample = next(one[0] for one in sets if one is not None and len(one))
    said = network(sample.images.to(next(network.parameters()).device))
    values = [value for value in vars(said).values() if isinstance(value, torch.Tensor)]
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise NothingUsable(
            "the network says nothing finite after the last step and is not written; lower "
            "learning_rate"
        )


def _keep_log(folder: Path) -> None:
    """Keep what was logged so far under another name: Lightning deletes it when it goes on."""
    log = folder / LOG
    if log.is_file():
        number = next(n for n in count(1) if not log.with_suffix(f".{n}.csv").exists())
        log.rename(log.with_suffix(f".{number}.csv"))


def _require_devices(settings: RunSettings) -> None:
    """Raise InputError unless this machine has the devices and the precision that are asked for."""
    said = logging.getLogger("lightning.pytorch")
    level = said.level
    said.setLevel(logging.WARNING)  # the run itself says which devices there are
    try:
        Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            strategy=STRATEGY if settings.devices > 1 else "auto",
            precision=settings.precision,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (ValueError, MisconfigurationException) as error:
        raise InputError(
            f"accelerator={settings.accelerator} devices={settings.devices} precision="
            f"{settings.precision} is not possible on this machine: {error}"
        ) from None
    finally:
        said.setLevel(level)


@contextmanager
def _errors_of_processes() -> Iterator[None]:
    """Raise what another process raised, a reader or a device, as the error of ours that it was.

    What comes from there has the words of our error at the end of a traceback.
    """
    try:
        yield
    except (ProcessRaisedException, MvbootError) as error:
        for kind in (InputError, NothingUsable, QualityMissed):
            _, found, words = str(error).partition(f"\n{kind.__module__}.{kind.__qualname__}: ")
            if found:
                raise kind(words.strip()) from None
        raise


def _loggers(folder: Path) -> list[Logger]:
    """Return a table, and TensorBoard's events beside it where the extra is installed."""
    loggers: list[Logger] = [CSVLogger(folder, LOGS, version="")]
    with suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(folder, LOGS, version=""))
    return loggers
