"""Order, epochs, workers, and how Lightning takes them."""

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer

from mvboot.datasets import Augmentation, Capture, SampleReader, sample_views
from mvboot.datasets.module import EpochOrder, SampleDataset, load


@pytest.fixture
def capture(tools, tmp_path):
    """Return a capture of videos with a varying frame rate and per-frame keypoints."""
    from mvboot import save_rig
    from mvboot.formats.keypoints2d_table import write_keypoints2d

    rig = tools["ring"](3)
    for name in rig.names:
        tools["write_video"](tmp_path / "videos" / f"{name}.mp4", count=12, gop=5)
    save_rig(rig, tmp_path / "rig.yaml")
    write_keypoints2d(tools["detections"](rig, range(12)), tmp_path / "keypoints.parquet")
    (tmp_path / "capture.yaml").write_text("schema: 1\nsplits: {train: 0..7, validation: 10..11}\n")
    return Capture.open(tmp_path)


def data(capture, split="train"):
    reader = SampleReader(capture, size=32, augmentation=Augmentation())
    return SampleDataset(reader, sample_views(capture, split)[0])


def test_orders_follow_from_seed_and_epoch():
    order = EpochOrder(10, seed=3)
    first = list(order)
    assert sorted(place for _, place in first) == list(range(10)) and len(order) == 10
    assert {epoch for epoch, _ in first} == {0} and first == list(order)
    order.set_epoch(1)
    assert [place for _, place in order] != [place for _, place in first]
    assert len(list(EpochOrder(10, wanted=4))) == len(EpochOrder(10, wanted=4)) == 4
    again = list(EpochOrder(10, seed=3, wanted=25))
    assert len(again) == 25 and len(set(again)) == 25, "each time round is another epoch"
    assert sorted(place for turn, place in again if turn == 0) == list(range(10))
    shares = [[place for _, place in EpochOrder(11, 3, rank=rank, world=3)] for rank in range(3)]
    assert [len(share) for share in shares] == [3, 3, 3]
    assert len({place for share in shares for place in share}) == 9
    endless = iter(EpochOrder(10, seed=3, wanted=10**12))
    assert [next(endless) for _ in range(25)] == again, "only as much as is asked for"


def test_a_sample_depends_on_its_key_alone(capture):
    dataset = data(capture)
    assert len(dataset) == 24
    first = dataset[2, 5]
    dataset[0, 1]
    torch.testing.assert_close(dataset[2, 5].images, first.images, rtol=0, atol=0)
    assert (dataset[3, 5].images != first.images).any()
    torch.testing.assert_close(dataset[5].images, dataset[0, 5].images, rtol=0, atol=0)


def test_workers_change_nothing(capture):
    alone = list(load(data(capture), 4))
    shared = list(load(data(capture), 4, workers=2))
    assert [len(batch) for batch in alone] == [8] * 6
    for a, b in zip(alone, shared, strict=True):
        assert a.views == b.views
        torch.testing.assert_close(a.images, b.images, rtol=0, atol=0)
        np.testing.assert_array_equal(a.original_from_crop, b.original_from_crop)


class Watcher(LightningModule):
    """Writes down what it is given."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, index):
        self.seen.append((self.current_epoch, batch.views))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def test_lightning_sets_the_epoch_of_an_order(capture, tmp_path):
    watcher = Watcher()
    trainer = Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
        use_distributed_sampler=False,
    )  # fmt: skip
    trainer.fit(watcher, load(data(capture), 4, wanted=8, trainer=trainer))
    assert [epoch for epoch, _ in watcher.seen] == [0, 0, 1, 1]
    assert watcher.seen[0][1] != watcher.seen[2][1]
    assert {view.frame for _, views in watcher.seen for view in views} <= set(range(8))


def test_an_order_goes_on_where_the_steps_of_a_run_are(capture):
    dataset, trainer = data(capture), Process(0)
    trainer.world_size = 1
    sampler = load(dataset, 4, wanted=12, trainer=trainer).sampler
    first = list(sampler)
    trainer.global_step = 2
    sampler.set_epoch(7)
    assert list(sampler) == first[8:], "the middle of an epoch; its number is Lightning's own"
    trainer.global_step = 3
    second = EpochOrder(24, dataset.seed, 12)
    second.set_epoch(1)
    assert list(sampler) == list(second) and len(sampler) == 12


def test_processes_share_an_epoch_without_overlap(capture):
    dataset = data(capture)
    shares = [
        {view for batch in load(dataset, 4, trainer=Process(rank)) for view in batch.views}
        for rank in range(2)
    ]
    alone = {view for batch in load(dataset, 4) for view in batch.views}
    assert shares[0] | shares[1] == alone
    pairs = [
        {
            tuple(dataset.views[place])
            for _, place in load(dataset, 4, trainer=Process(rank)).sampler
        }
        for rank in range(2)
    ]
    assert not pairs[0] & pairs[1] and len(pairs[0]) == len(pairs[1]) == 12


class Process:
    """One of two processes, as a trainer says it."""

    world_size = 2
    global_step = 0

    def __init__(self, rank):
        self.global_rank = rank
