"""What a dense run reads: labelled pictures, and groups of views or relabelled ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning import Trainer
from torch.utils.data import DataLoader

from mvboot.datasets import Augmentation, Capture, Mirror, SampleReader, sample_views
from mvboot.datasets.module import SampleDataset
from mvboot.datasets.sample import Sample, View
from mvboot.errors import InputError
from mvboot.sides import left_right_pairs
from mvboot.training.batches import RunData, validation_views
from mvboot.training.dense.rounds import Round, Rounds
from mvboot.training.dense.settings import TrainSettings
from mvboot.training.sources import (
    common_template,
    label_cameras,
    labelled_views,
    of_template,
    require_alike_keypoints,
    unused,
)

ROUNDS = "rounds"


class TrainingData(RunData):
    """Batches ``{"labelled": Sample, ...}``, and what the method adds to them.

    That is ``"views"``, groups of views of one instant, for epipolar training, and
    ``"relabelled"``, as many single views with computed labels, for bootstrapping; these are made
    by the averaged network in the folder ``rounds`` of the run whenever a round begins.

    Parameters
    ----------
    capture
        What was filmed.
    settings
        The run; an epoch is as many steps as lie between two validations.
    labelled
        Captures whose labels are used instead, each picture equally often; none: its own.

    Raises
    ------
    InputError
        No template, several templates or keypoints, no labelled picture of the chosen cameras, no
        group of cameras.
    """

    def __init__(
        self, capture: Capture, settings: TrainSettings, labelled: Sequence[Capture] = ()
    ) -> None:
        super().__init__(settings)
        self.settings: TrainSettings = settings
        sources = tuple(labelled) or (capture,)
        cameras = label_cameras(sources, settings)
        views = [labelled_views(source, cameras) for source in sources]
        self.template = common_template(sources, capture)
        require_alike_keypoints(sources)
        self.labelled = self._labelled(sources, views)
        groups, warnings = self._groups(capture)
        self.warnings = (*unused(sources, cameras), *warnings)
        own = capture.folder.resolve() in [source.folder.resolve() for source in sources]
        known = of_template(capture.labelled_by(cameras if own else ()), self.template)
        self.rounds: Rounds | None = None
        self.news: Round | None = None
        if settings.matches:
            reader = self._reader(known, augmented=True)
            self.views = SampleDataset(reader, groups, settings.seed + 1)
        if settings.relabels:
            self.rounds = Rounds(settings, known)
        self.renewed = self.rounds is not None
        self.validation = SampleDataset(
            self._reader(capture, augmented=False),
            validation_views(capture, settings.matching.views),
            settings.seed,
        )

    def train_dataloader(self) -> Mapping[str, DataLoader[Sample]]:
        """Return batches in a new order each epoch, one of each kind a step."""
        loaders = dict(super().train_dataloader())
        if self.rounds is not None:
            pictures = self.settings.groups * self.settings.matching.views
            loaders["relabelled"] = self._loader(self._relabelled(self.rounds), pictures)
        return loaders

    def _labelled(
        self, sources: Sequence[Capture], views: Sequence[list[tuple[View, ...]]]
    ) -> SampleDataset:
        readers = [self._reader(source, augmented=True) for source in sources]
        first, *others = zip(readers, views, strict=True)
        found = SampleDataset(*first, self.settings.seed)
        for reader, own in others:
            found.extend(reader, own)
        return found

    def _relabelled(self, rounds: Rounds) -> SampleDataset:
        """Return the views of the round that the run is in, labelled anew where it begins."""
        trainer = self.trainer
        assert trainer is not None
        folder = Path(trainer.default_root_dir) / ROUNDS
        number = rounds.at(trainer.global_step)
        if self.news is None or self.news.round != number:
            self.news = self._begun(rounds, number, trainer, folder)
        capture, views = rounds.views(number, folder)
        return SampleDataset(self._reader(capture, augmented=True), views, self.settings.seed + 2)

    def _begun(self, rounds: Rounds, number: int, trainer: Trainer, folder: Path) -> Round:
        if trainer.global_step > rounds.first_step(number):
            return rounds.read(number, folder)
        found = None
        if trainer.is_global_zero:
            network: Any = trainer.lightning_module.average
            found = rounds.label(number, network, folder)
        found = trainer.strategy.broadcast(found)
        assert found is not None
        for logger in trainer.loggers:
            logger.log_metrics(
                {f"{ROUNDS}/{name}": value for name, value in found.figures.items()},
                trainer.global_step,
            )
        return found

    def _reader(self, capture: Capture, augmented: bool) -> SampleReader:
        settings = self.settings
        names = () if capture.keypoints is None else capture.keypoints.keypoints
        pairs = left_right_pairs(names)
        plain = self.template.symmetry is None
        mirror = None if plain else Mirror.of_template(self.template, pairs)
        flip = settings.flip if mirror is not None else 0.0
        return SampleReader(
            of_template(capture, self.template),
            settings.size,
            settings.stride,
            settings.margin,
            augmentation=Augmentation(flip=flip) if augmented else None,
            mirror=mirror,
            all_fields=not augmented,
            kind=settings.kind,
        )

    def _groups(self, capture: Capture) -> tuple[Sequence[tuple[View, ...]], tuple[str, ...]]:
        if self.settings.method == "supervised":
            return (), ()
        temporal, size = self.settings.temporal, self.settings.matching.views
        if temporal.weight == 0:
            return sample_views(capture, "train", size)
        if temporal.reading == "flow":
            return followed_views(capture, size, temporal.step)
        groups, warnings = sample_views(capture, "train", size)
        return [(*views, *views) for views in groups], warnings


def followed_views(
    capture: Capture, size: int, step: int
) -> tuple[list[tuple[View, ...]], tuple[str, ...]]:
    """Return `sample_views` with those ``step`` frames later; InputError where there are none."""
    groups, warnings = sample_views(capture, "train", size, (step,))
    if all(view.frame == views[0].frame for views in groups for view in views):
        raise InputError(
            f"no training frame has another {step} frames later (temporal.step); choose another "
            "step, or temporal.reading=warp",
            where=capture.folder,
        )
    return groups, warnings
