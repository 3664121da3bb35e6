"""Samples for a training loop: a data set, its order, and batches in that order."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

import numpy as np
from lightning import Trainer
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
        self.views = list(views)
        self.readers = [reader] * len(self.views)
        self.seed = seed

    def extend(self, reader: SampleReader, views: Sequence[tuple[View, ...]]) -> None:
        """Add samples of another capture after those that there are."""
        self.views += views
        self.readers += [reader] * len(views)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.views)

    def __getitem__(self, key: Key | int) -> Sample:
        """Read one sample; a plain place is that of epoch 0."""
        epoch, place = key if isinstance(key, tuple) else (0, key)
        rng = np.random.default_rng([self.seed, epoch, place])
        return self.readers[place].read(self.views[place], rng)


class EpochOrder(Sampler[Key]):
    """All places of a data set in an order that is random but follows from seed and epoch.

    ``wanted`` is the length of an epoch: fewer leave some out, more go round again in another
    order; None: each once. ``rank`` of ``world`` processes takes its own share, all of one
    length.
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
        first = self.epoch * math.ceil(self.wanted / self.count)
        for turn, places in groupby(range(self.wanted)[self.share], lambda p: p // self.count):
            order = np.random.default_rng([self.seed, first + turn]).permutation(self.count)
            for place in places:
                yield first + turn, int(order[place % self.count])


class RunOrder(EpochOrder):
    """The order of a run that may have stopped anywhere: its steps say which sample is next.

    ``batch`` samples are a step of the trainer. Lightning calls `set_epoch`, but counts epochs anew
    in a run that goes on.
    """

    def __init__(
        self, trainer: Trainer, batch: int, count: int, seed: int, wanted: int | None
    ) -> None:
        super().__init__(count, seed, wanted, trainer.global_rank, trainer.world_size)
        self.trainer = trainer
        self.batch = batch

    def set_epoch(self, epoch: int) -> None:
        """Leave the epoch where the steps are."""

    def __iter__(self) -> Iterator[Key]:
        """Yield the keys that are left of an epoch."""
        steps = math.ceil(len(self) / self.batch)
        self.epoch, done = divmod(self.trainer.global_step, steps)
        return islice(super().__iter__(), done * self.batch, None)


def load(
    dataset: SampleDataset,
    batch: int,
    wanted: int | None = None,
    workers: int = 0,
    trainer: Trainer | None = None,
) -> DataLoader[Sample]:
    """Return batches in a new order each epoch; a batch is one `Sample` of ``batch`` groups.

    Parameters
    ----------
    dataset
        What is read.
    batch
        Samples of a batch; each has as many views as its entry says.
    wanted
        Samples of an epoch, of all processes together; None: each once.
    workers
        Processes that read; 0 reads in the process that trains.
    trainer
        Says which share of several devices this process takes, and at which step the run is; its
        ``use_distributed_sampler`` must be False. None: all of the first epoch.
    """
    order = (
        EpochOrder(len(dataset), dataset.seed, wanted)
        if trainer is None
        else RunOrder(trainer, batch, len(dataset), dataset.seed, wanted)
    )
    return DataLoader(
        dataset,
        batch,
        sampler=order,
        num_workers=workers,
        collate_fn=concatenated,
        persistent_workers=workers > 0,
    )
