"""A training run from files to files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, ProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.multiprocessing.spawn import ProcessRaisedException

from mvboot.datasets import Capture
from mvboot.errors import InputError, NothingUsable, QualityMissed
from mvboot.networks import DenseNetwork, frozen_copy, save_network
from mvboot.training.batches import RunData
from mvboot.training.config import RunSettings
from mvboot.training.module import Training
from mvboot.training.tasks import task_of

LOG_EVERY = 10
STRATEGY = "ddp_spawn_find_unused_parameters_true"
"""Of several devices: processes that this one starts and waits for; they begin after all checks."""
MODEL, CHECKPOINT, LOGS = "model.safetensors", "last.ckpt", "logs"


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
            What the task needs and lacks: labels, a template, a teacher that predicts the same.
        """
        task = task_of(settings)
        data = task.data(capture, settings, labelled)
        network = task.network(settings, data, teacher)
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
        NothingUsable
            Views that agree on no point, or losses that are not finite.
        """
        settings = self.settings
        seed_everything(settings.seed, verbose=False)
        task = task_of(settings)
        objective = task.objective(settings, self.network)
        module = Training(self.network, settings, objective, self.teacher)
        trainer = Trainer(
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
        with _errors_of_processes():
            trainer.fit(module, self.data, ckpt_path=resume)
        save_network(
            task.finished(module.average, self.data),
            folder / MODEL,
            {"settings": settings.model_dump(mode="json"), "steps": trainer.max_steps},
        )
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


@contextmanager
def _errors_of_processes() -> Iterator[None]:
    """Raise what a process of several devices raised as an error of ours, where it was one."""
    try:
        yield
    except ProcessRaisedException as error:
        last = str(error).strip().splitlines()[-1]
        for kind in (InputError, NothingUsable, QualityMissed):
            name = f"{kind.__module__}.{kind.__qualname__}: "
            if last.startswith(name):
                raise kind(last.removeprefix(name)) from None
        raise


def _loggers(folder: Path) -> list[Logger]:
    """Return a table, and TensorBoard's events beside it where the extra is installed."""
    loggers: list[Logger] = [CSVLogger(folder, LOGS, version="")]
    with suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(folder, LOGS, version=""))
    return loggers
