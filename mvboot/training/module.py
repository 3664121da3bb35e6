"""Lightning around one readable training step."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.errors import NothingUsable, QualityMissed
from mvboot.networks import DenseNetwork, frozen_copy, update_average
from mvboot.training.config import TrainSettings
from mvboot.training.consistency import Consistency
from mvboot.training.meters import Watch
from mvboot.training.objective import Terms, distilled_terms, labelled_terms
from mvboot.training.pseudo import relabelled_terms
from mvboot.training.schedule import Schedule
from mvboot.training.temporal import Coherence
from mvboot.training.validation import Held, held_out

MOST_SKIPPED = 20
"""Batches in a row without a finite loss, after which a run has failed."""


class DenseTraining(LightningModule):
    """Train a dense network on labelled pictures and on groups of views.

    Parameters
    ----------
    network
        What is trained; it starts from the teacher's weights where there is one.
    settings
        The run.
    teacher
        Frozen network that L_R keeps near, or None.
    """

    def __init__(
        self, network: DenseNetwork, settings: TrainSettings, teacher: DenseNetwork | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.average = frozen_copy(network)
        self.teacher = None if teacher is None else frozen_copy(teacher)
        self.settings = settings
        matching, distillation = settings.matching, settings.distillation
        self.sigma = Schedule(matching.sigma_start, matching.sigma_end, matching.sigma_until)
        self.keep = Schedule(distillation.weight_start, distillation.weight_end)
        self.consistency = Consistency(matching)
        self.coherence = Coherence(settings.temporal, matching)
        self.watch = Watch(settings.kind)
        self.skipped = 0
        self.skipped_in_a_row = 0

    def on_train_epoch_start(self) -> None:
        """Put the order of samples where the steps are: a resumed Lightning counts epochs anew."""
        epoch = self.global_step // self.settings.validate_every
        loaders: Any = self.trainer.train_dataloader
        for loader in loaders.values():
            loader.sampler.set_epoch(epoch)

    # --- the step ---------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, Sample], index: int) -> Tensor | None:
        """Return the loss of a batch of labelled pictures and groups of views."""
        found: dict[str, tuple[float, Terms]] = {}
        labelled, views = batch.get("labelled"), batch.get("views")
        if labelled is not None:
            terms = labelled_terms(self.network(labelled.images), labelled, self.settings.unit)
            found["labelled"] = self.settings.labelled, terms
        relabelled = batch.get("relabelled")
        if relabelled is not None:
            terms = relabelled_terms(
                self.network(relabelled.images), relabelled, self.settings.unit
            )
            found["relabelled"] = self.settings.bootstrapping.weight, terms
        if views is not None:
            found |= self._multiview(views)
        weighted: list[Tensor] = []
        for group, (weight, terms) in found.items():
            weighted += [weight * self._share(group, name) * v for name, v in terms.losses.items()]
        loss = torch.stack(weighted).sum()
        self._log(found)
        return self._checked(loss)

    def _multiview(self, views: Sample) -> dict[str, tuple[float, Terms]]:
        """Return L_M, L_T and L_R of groups of views."""
        prediction = self.network(views.images)
        sigma = self.sigma.at(self.progress)
        found = {
            "multiview": (
                self.settings.matching.weight,
                self.consistency.terms(prediction, views, sigma),
            )
        }
        if self.settings.temporal.weight > 0:
            terms = self.coherence.terms(prediction, views, sigma)
            found["temporal"] = self.settings.temporal.weight, terms
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher(views.images)
            self.watch.see(prediction, taught)
            keep = self.keep.at(self.progress)
            found["distilled"] = keep, distilled_terms(prediction, taught, self.settings.unit)
        self.log("sigma", sigma)
        return found

    def _share(self, group: str, name: str) -> float:
        """Return the weight of a term within its group: a teacher's foreground teaches little."""
        heavy = group == "labelled" and name == "foreground"
        return self.settings.foreground if heavy else 1.0

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

    def _log(self, found: Mapping[str, tuple[float, Terms]]) -> None:
        for group, (weight, terms) in found.items():
            for name, value in terms.losses.items():
                self.log(f"{group}/{name}", value.detach())
            for name, meter in terms.meters.items():
                self.log(f"{group}/{name}", meter)
            self.log(f"{group}/weight", weight)

    # --- validation -------------------------------------------------------------------------

    def on_validation_epoch_start(self) -> None:
        """Start to collect."""
        self._held: list[Held] = []

    def validation_step(self, batch: Sample, index: int) -> None:
        """Look at held-out views with the averaged network."""
        taught = None if self.teacher is None else self.teacher(batch.images)
        self._held.append(held_out(self.average(batch.images), taught, batch))

    def on_validation_epoch_end(self) -> None:
        """Log the mean over all cells of what was collected by all processes."""
        for name in ("epipolar_px", "drift", "error"):
            sums = Held.total(self._held, name).to(self.device)
            total, count = self.trainer.strategy.reduce(sums, reduce_op="sum")
            if count > 0:
                self.log(f"validation/{name}", total / count, prog_bar=True, sync_dist=True)

    # --- around it --------------------------------------------------------------------------

    def on_train_batch_end(self, *_: Any) -> None:
        """Follow with the averaged network, and stop a run that degenerates."""
        decay = min(self.settings.averaging, 1 - 1 / (self.global_step + 1))
        update_average(self.average, self.network, decay)
        fault = self.watch.fault(self.global_step)
        if not self._everywhere(fault is None):
            raise QualityMissed(fault or "the fields of another process degenerated")

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
