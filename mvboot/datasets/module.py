"""Samples for a training loop: a data set, its order, and a Lightning data module."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from mvboot.datasets.reader import SampleReader
from mvboot.datasets.sample import Sample, View, concatenated

Key = tuple[int, int]
"""Epoch and place of a sample."""


class SampleDataset(Dataset[Sample]):
    """Samples by (epoch, place); every change is drawn from seed, epoch and place alone.

    So a run is the same for any number of workers, and each epoch changes pictures anew.
    """

    def __init__(
        self, reader: SampleReader, views: Sequence[tuple[View, ...]], seed: int = 0
    ) -> None:
        self.reader = reader
        self.views = views
        self.seed = seed

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.views)

    def __getitem__(self, key: Key | int) -> Sample:
        """Read one sample; a plain place is that of epoch 0."""
        epoch, place = key if isinstance(key, tuple) else (0, key)
        rng = np.random.default_rng([self.seed, epoch, place])
        return self.reader.read(self.views[place], rng)


class EpochOrder(Sampler[Key]):
    """All places of a data set in an order that is random but follows from seed and epoch.

    ``wanted`` is the length of an epoch: fewer leave some out, more go round again in another
    order; None: each once. ``rank`` of ``world`` processes takes its own share, all of one
    length. `set_epoch` is called by Lightning.
    """

    def __init__(
        self, count: int, seed: int = 0, wanted: int | None = None, rank: int = 0, world: int = 1
    ) -> None:
        self.count = count
        self.seed = seed
        self.epoch = 0
        self.wanted = count if wanted is None else wanted
        self.share = slice(rank, (self.wanted // world) * world, world)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of samples of an epoch."""
        return len(range(self.wanted)[self.share])

    def __iter__(self) -> Iterator[Key]:
        """Yield the keys of an epoch; each time round counts as an epoch for the changes."""
        rounds = math.ceil(self.wanted / self.count)
        turns = range(self.epoch * rounds, (self.epoch + 1) * rounds)
        orders = [
            np.random.default_rng([self.seed, turn]).permutation(self.count) for turn in turns
        ]
        for place in range(self.wanted)[self.share]:
            turn, index = divmod(place, self.count)
            yield turns[turn], int(orders[turn][index])


class CaptureData(LightningDataModule):
    """Training and validation batches; a batch is one `Sample` with a group for each sample.

    With several devices set the trainer's ``use_distributed_sampler`` to False: the order here
    already gives each its share.

    Parameters
    ----------
    train, validation
        Readers of the two splits; without the second it is the first without augmentation and
        with all fields.
    train_views, validation_views
        Views of every sample (`sample_views`).
    batch_size
        Samples a batch; each has as many views as its entry says.
    workers
        Processes that read; 0 reads in the process that trains.
    epoch_size
        At most so many samples an epoch; None: all.
    seed
        Of the order and of every change.
    """

    def __init__(
        self,
        train: SampleReader,
        train_views: Sequence[tuple[View, ...]],
        validation: SampleReader | None = None,
        validation_views: Sequence[tuple[View, ...]] = (),
        batch_size: int = 8,
        workers: int = 0,
        epoch_size: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.train = SampleDataset(train, train_views, seed)
        plain = replace(train, augmentation=None, all_fields=True)
        self.validation = SampleDataset(validation or plain, validation_views, seed)
        self.batch_size = batch_size
        self.workers = workers
        self.epoch_size = epoch_size

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return batches in a new order each epoch."""
        trainer = self.trainer
        rank, world = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        limit = min(len(self.train), self.epoch_size or len(self.train))
        order = EpochOrder(len(self.train), self.train.seed, limit, rank, world)
        return self._loader(self.train, sampler=order)

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return batches in order."""
        return self._loader(self.validation)

    def _loader(self, dataset: SampleDataset, **order: Any) -> DataLoader[Sample]:
        return DataLoader(
            dataset,
            self.batch_size,
            num_workers=self.workers,
            collate_fn=concatenated,
            persistent_workers=self.workers > 0,
            **order,
        )
