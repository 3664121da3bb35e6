"""What a run reads: labelled pictures, and groups of views of one instant."""

from collections.abc import Sequence

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from mvboot.datasets import Augmentation, Capture, Mirror, SampleReader, sample_views
from mvboot.datasets.capture import Split
from mvboot.datasets.module import EpochOrder, SampleDataset
from mvboot.datasets.sample import Sample, View, concatenated
from mvboot.errors import InputError
from mvboot.training.config import TrainSettings


class TrainingData(LightningDataModule):
    """Batches ``{"labelled": Sample, "views": Sample}`` of one capture, the second if wanted.

    Parameters
    ----------
    capture
        What was filmed.
    settings
        The run; an epoch is as many steps as lie between two validations.
    multiview
        Whether groups of views are read.
    labelled
        Another capture whose labels are used instead, or None.

    Raises
    ------
    InputError
        No labelled picture of the chosen cameras, or no group of cameras.
    """

    def __init__(
        self,
        capture: Capture,
        settings: TrainSettings,
        multiview: bool,
        labelled: Capture | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        source = labelled or capture
        self.labelled = SampleDataset(
            self._reader(source, augmented=True), labelled_views(source, settings), settings.seed
        )
        self.views: SampleDataset | None = None
        self.warnings: tuple[str, ...] = ()
        if multiview:
            groups, self.warnings = sample_views(capture, "train", settings.matching.views)
            self.views = SampleDataset(
                self._reader(capture, augmented=True), groups, settings.seed + 1
            )
        self.validation = SampleDataset(
            self._reader(capture, augmented=False), self._validation_views(capture), settings.seed
        )

    def train_dataloader(self) -> dict[str, DataLoader[Sample]]:
        """Return batches in a new order each epoch, one of each kind a step."""
        settings = self.settings
        loaders = {"labelled": self._loader(self.labelled, settings.batch)}
        if self.views is not None:
            loaders["views"] = self._loader(self.views, settings.groups)
        return loaders

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return groups of views of held-out frames, by all cameras, in order."""
        return DataLoader(self.validation, 1, collate_fn=concatenated)

    def _reader(self, capture: Capture, augmented: bool) -> SampleReader:
        settings = self.settings
        template, mirror = capture.template, None
        if template is not None and template.symmetry is not None:
            mirror = Mirror.of_template(template)
        flip = settings.flip if mirror is not None else 0.0
        return SampleReader(
            capture,
            settings.size,
            settings.stride,
            settings.margin,
            augmentation=Augmentation(flip=flip) if augmented else None,
            mirror=mirror,
            all_fields=not augmented,
            kind=settings.kind if template is not None else None,
        )

    def _loader(self, dataset: SampleDataset, batch: int) -> DataLoader[Sample]:
        trainer = self.trainer
        rank, world = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        wanted = batch * self.settings.validate_every
        order = EpochOrder(len(dataset), dataset.seed, rank=rank, world=world, wanted=wanted)
        return DataLoader(
            dataset,
            batch,
            sampler=order,
            num_workers=self.settings.workers,
            collate_fn=concatenated,
            persistent_workers=self.settings.workers > 0,
        )

    def _validation_views(self, capture: Capture) -> Sequence[tuple[View, ...]]:
        split: Split = "validation" if len(capture.split("validation")) else "train"
        return sample_views(capture, split, self.settings.matching.views)[0]


def labelled_views(capture: Capture, settings: TrainSettings) -> list[tuple[View, ...]]:
    """Return the labelled pictures that train, one a sample; InputError where there are none."""
    unknown = sorted(set(settings.label_cameras) - set(capture.training_cameras))
    if unknown:
        raise InputError(
            f"label_cameras: {unknown[0]} is no camera that trains; there are "
            f"{', '.join(capture.training_cameras)}"
        )
    cameras = settings.label_cameras or capture.training_cameras
    found: list[tuple[View, ...]] = [
        (View(camera, frame),)
        for frame in capture.split("train").tolist()
        for camera in cameras
        if capture.has(camera, frame) and capture.is_labelled(camera, frame)
    ]
    if not found:
        raise InputError(
            f"no training frame of {', '.join(cameras)} has a dense label (fields/, labelled:)",
            where=capture.folder,
        )
    return found
