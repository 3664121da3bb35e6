"""Lightning around one readable training step."""

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.errors import NothingUsable, QualityMissed, Stopped
from mvboot.networks import DenseNetwork, frozen_copy, update_average
from mvboot.training.config import RunSettings
from mvboot.training.interrupts import Interrupts
from mvboot.training.task import Objective, Weighted

MOST_SKIPPED = 20
"""Batches in a row without a finite loss, after which a run has failed."""


class Training(LightningModule):
    """Train a network for what its task asks of it.

    Parameters
    ----------
    network
        What is trained; it starts from the teacher's weights where there is one.
    settings
        The run.
    objective
        The loss, and what is looked at in validation.
    teacher
        Frozen network to keep near, or None.
    interrupts
        When asked, the run is saved at the end of a step and ends by `Stopped`; None: never.
    checkpoint
        Where it is saved then.
    """

    def __init__(
        self,
        network: DenseNetwork,
        settings: RunSettings,
        objective: Objective,
        teacher: DenseNetwork | None = None,
        interrupts: Interrupts | None = None,
        checkpoint: Path = Path("last.ckpt"),
    ) -> None:
        super().__init__()
        self.network = network
        self.average = frozen_copy(network)
        self.teacher = None if teacher is None else frozen_copy(teacher)
        self.settings = settings
        self.objective = objective
        self.interrupts = interrupts or Interrupts()
        self.checkpoint = checkpoint
        self.skipped = 0
        self.skipped_in_a_row = 0

    def on_train_start(self) -> None:
        """Let interrupts wait for the end of a step."""
        self.interrupts.begin()

    # --- the step ---------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, Sample], index: int) -> Tensor | None:
        """Return the loss of a batch."""
        found = self.objective.terms(batch, self.network, self.teacher, self.progress)
        loss = torch.stack([value for group in found.values() for value in group.losses()]).sum()
        self._log(found)
        return self._checked(loss)

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        return self.global_step / self.settings.steps

    def _checked(self, loss: Tensor) -> Tensor | None:
        """Return the loss, or None, which skips the step, where it is not finite."""
        if self._everywhere(bool(torch.isfinite(loss))):
            self.skipped_in_a_row = 0
            return loss
        self.skipped += 1
        self.skipped_in_a_row += 1
        self.log("skipped", float(self.skipped))
        if self.skipped_in_a_row >= MOST_SKIPPED:
            raise NothingUsable(
                f"{MOST_SKIPPED} batches in a row had no finite loss; lower learning_rate, or use "
                "precision=32-true"
            )
        return None

    def _log(self, found: Mapping[str, Weighted]) -> None:
        for group, weighted in found.items():
            for name, value in weighted.terms.losses.items():
                self.log(f"{group}/{name}", value.detach())
            for name, meter in weighted.terms.meters.items():
                self.log(f"{group}/{name}", meter)
            self.log(f"{group}/weight", weighted.weight)
        for name, figure in self.objective.figures(self.progress).items():
            self.log(name, figure)

    # --- validation -------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Start to collect."""
        self._held: dict[str, list[Tensor]] = {}

    def validation_step(self, batch: Sample, index: int) -> None:
        """Look at held-out views with the averaged network."""
        for name, values in self.objective.held(self.average, self.teacher, batch).items():
            self._held.setdefault(name, []).append(values.double())

    def on_validation_epoch_end(self) -> None:
        """Log the mean or median of what was collected; of processes, the mean by their counts."""
        for name, found in self._held.items():
            values = torch.cat(found).to(self.device)
            own = values.new_zeros(2)
            if len(values):
                middle = values.median() if name in self.objective.medians else values.mean()
                own = torch.stack([middle * len(values), middle.new_tensor(float(len(values)))])
            total, count = self.trainer.strategy.reduce(own, reduce_op="sum")
            if count > 0:
                self.log(f"validation/{name}", total / count, prog_bar=True, sync_dist=True)

    # --- around it --------------------------------------------------------------------------

    def on_train_batch_end(self, *_: Any) -> None:
        """Follow with the averaged network, stop a run that degenerates or is interrupted.

        The last step before a validation is not interrupted: Lightning would leave it out.
        """
        decay = min(self.settings.averaging, 1 - 1 / (self.global_step + 1))
        update_average(self.average, self.network, decay)
        fault = self.objective.fault(self.global_step)
        if not self._everywhere(fault is None):
            raise QualityMissed(fault or "another process degenerated")
        asked = self.interrupts.asked
        if not self._everywhere(asked is None) and not self.trainer.is_last_batch:
            self.trainer.save_checkpoint(self.checkpoint)
            raise Stopped(asked or signal.SIGINT)

    def _everywhere(self, holds: bool) -> bool:
        """Whether it holds in all processes: one that stopped alone would leave others waiting."""
        return self.trainer.strategy.reduce_boolean_decision(holds, all=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW with a rate that rises, then falls along a cosine to a twentieth."""
        settings = self.settings
        optimizer = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            settings.learning_rate,
            total_steps=settings.steps + 1,
            pct_start=settings.warmup,
            div_factor=20.0,
            final_div_factor=1.0,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }
