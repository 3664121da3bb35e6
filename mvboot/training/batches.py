"""What a run reads, whatever its task: labelled pictures, groups of views, held-out ones."""

from collections.abc import Mapping, Sequence

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from mvboot.datasets import Capture, sample_views
from mvboot.datasets.capture import Split
from mvboot.datasets.module import SampleDataset, load
from mvboot.datasets.sample import Sample, View, concatenated
from mvboot.training.config import RunSettings


class RunData(LightningDataModule):
    """Batches ``{"labelled": Sample, "views": Sample, ...}`` of those that there are.

    Parameters
    ----------
    settings
        The run; an epoch is as many steps as lie between two validations.
    """

    labelled: SampleDataset | None = None
    """Labelled pictures, ``batch`` of them a step."""
    views: SampleDataset | None = None
    """Groups of views of one instant, ``groups`` of them a step."""
    validation: SampleDataset
    """Groups of views of held-out frames, one a batch."""
    warnings: tuple[str, ...] = ()
    """What a user should know of the data."""
    renewed = False
    """Whether batches come from other files in later epochs; ``news`` says so then."""
    news: object = None

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self.settings = settings

    def train_dataloader(self) -> Mapping[str, DataLoader[Sample]]:
        """Return batches in a new order each epoch, one of each kind a step."""
        kinds = {
            "labelled": (self.labelled, self.settings.batch),
            "views": (self.views, self.settings.groups),
        }
        return {
            name: self._loader(dataset, count)
            for name, (dataset, count) in kinds.items()
            if dataset is not None
        }

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return groups of views of held-out frames, by all cameras, in order."""
        trainer = self.trainer
        rank, world = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        share = range(rank, len(self.validation), world)
        return DataLoader(self.validation, 1, sampler=share, collate_fn=concatenated)

    def _loader(self, dataset: SampleDataset, batch: int) -> DataLoader[Sample]:
        wanted = batch * self.settings.validate_every
        return load(dataset, batch, wanted, self.settings.workers, self.trainer)


def validation_views(capture: Capture, size: int) -> Sequence[tuple[View, ...]]:
    """Return groups of ``size`` cameras of the held-out frames, or of all where none is."""
    split: Split = "validation" if len(capture.split("validation")) else "train"
    return sample_views(capture, split, size)[0]
