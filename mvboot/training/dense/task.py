"""Dense training as a task: L = L_L + w_M L_M + w_R L_R + w_T L_T of fields (`objective`)."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.errors import InputError
from mvboot.networks import DenseNetwork, DensePrediction, NetworkConfig
from mvboot.training.dense.batches import TrainingData
from mvboot.training.dense.collapse import Watch
from mvboot.training.dense.consistency import Consistency
from mvboot.training.dense.objective import distilled_terms, labelled_terms
from mvboot.training.dense.pseudo_labels import relabelled_terms
from mvboot.training.dense.settings import TrainConfig, TrainSettings
from mvboot.training.dense.temporal import Coherence
from mvboot.training.dense.validation import held_out
from mvboot.training.initial import started
from mvboot.training.schedule import Schedule
from mvboot.training.task import Objective, Task, Weighted


class DenseObjective(Objective):
    """The loss of fields, and a watch that they do not degenerate."""

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        matching, distillation = settings.matching, settings.distillation
        self.sigma = Schedule(matching.sigma_start, matching.sigma_end, matching.sigma_until)
        self.keep = Schedule(distillation.weight_start, distillation.weight_end)
        self.consistency = Consistency(matching)
        self.coherence = Coherence(settings.temporal, matching)
        self.watch = Watch(settings.kind)

    def terms(
        self,
        batch: Mapping[str, Sample],
        network: DenseNetwork,
        teacher: DenseNetwork | None,
        progress: float,
    ) -> Mapping[str, Weighted]:
        """Return L_L of labelled and relabelled pictures, and all terms of groups of views."""
        settings, found = self.settings, {}
        labelled, views = batch.get("labelled"), batch.get("views")
        if labelled is not None:
            terms = labelled_terms(_predicted(network, labelled), labelled, settings.unit)
            # a teacher's foreground teaches little, a label's much
            found["labelled"] = Weighted(
                settings.labelled, terms, {"foreground": settings.foreground}
            )
        relabelled = batch.get("relabelled")
        if relabelled is not None:
            terms = relabelled_terms(_predicted(network, relabelled), relabelled, settings.unit)
            found["relabelled"] = Weighted(settings.bootstrapping.weight, terms)
        if views is not None:
            found |= self._multiview(views, network, teacher, progress)
        return found

    def _multiview(
        self, views: Sample, network: DenseNetwork, teacher: DenseNetwork | None, progress: float
    ) -> dict[str, Weighted]:
        """Return L_M, L_T and L_R of groups of views."""
        settings = self.settings
        prediction, sigma = _predicted(network, views), self.sigma.at(progress)
        terms = self.consistency.terms(prediction, views, sigma)
        found = {"multiview": Weighted(settings.matching.weight, terms)}
        if settings.temporal.weight > 0:
            terms = self.coherence.terms(prediction, views, sigma)
            found["temporal"] = Weighted(settings.temporal.weight, terms)
        if teacher is not None:
            with torch.no_grad():
                taught = _predicted(teacher, views)
            matched = found["multiview"].terms.meters.get("visibility", 0.0)
            self.watch.see(prediction, taught, matched)
            terms = distilled_terms(prediction, taught, settings.unit)
            found["distilled"] = Weighted(self.keep.at(progress), terms)
        return found

    def held(
        self, network: DenseNetwork, teacher: DenseNetwork | None, sample: Sample
    ) -> Mapping[str, Tensor]:
        """Return `held_out` of the views."""
        taught = None if teacher is None else _predicted(teacher, sample)
        return held_out(_predicted(network, sample), taught, sample)

    def figures(self, progress: float) -> Mapping[str, float]:
        """Return the width of matches."""
        return {"sigma": self.sigma.at(progress)} if self.settings.matches else {}

    def fault(self, step: int) -> str | None:
        """Return what is wrong with fields that have degenerated."""
        return self.watch.fault(step)


def _predicted(network: DenseNetwork, sample: Sample) -> DensePrediction:
    found = network(sample.images)
    assert isinstance(found, DensePrediction)
    return found


def _network(settings: TrainSettings, data: TrainingData, teacher: Path | None) -> DenseNetwork:
    """Return the network to train; InputError where it needs a teacher and has none that fits."""
    if settings.method != "supervised" and teacher is None:
        raise InputError(
            f"--method {settings.method} needs a --teacher; train one with --method supervised"
        )
    config = NetworkConfig.for_template(
        data.template, settings.kind, backbone=settings.backbone, stride=settings.stride
    )
    return started(config, settings.seed, teacher, data.template)


DENSE = Task(
    "fields: which point of a template each pixel shows",
    TrainConfig,
    TrainingData,
    _network,
    lambda settings, network, data: DenseObjective(settings),
)
