"""Order, epochs, workers and Lightning."""

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer

from mvboot.datasets import Augmentation, Capture, SampleReader, sample_views
from mvboot.datasets.module import CaptureData, EpochOrder, SampleDataset


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


def data(capture, workers=0, **settings):
    reader = SampleReader(capture, size=32, augmentation=Augmentation())
    views, held = (sample_views(capture, split)[0] for split in ("train", "validation"))
    return CaptureData(
        reader, views, validation_views=held, batch_size=4, workers=workers, **settings
    )


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


def test_a_sample_depends_on_its_key_alone(capture):
    dataset = data(capture).train
    assert isinstance(dataset, SampleDataset) and len(dataset) == 24
    first = dataset[2, 5]
    dataset[0, 1]
    torch.testing.assert_close(dataset[2, 5].images, first.images, rtol=0, atol=0)
    assert (dataset[3, 5].images != first.images).any()
    torch.testing.assert_close(dataset[5].images, dataset[0, 5].images, rtol=0, atol=0)


def test_workers_change_nothing(capture):
    alone = list(data(capture).train_dataloader())
    shared = list(data(capture, workers=2).train_dataloader())
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
        self.seen, self.validated = [], []

    def training_step(self, batch, index):
        self.seen.append((self.current_epoch, batch.views, batch.images.sum().item()))
        return self.weight.sum()

    def validation_step(self, batch, index):
        self.validated.append((batch.views, batch.images.sum().item()))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def test_lightning_trains_on_it(capture, tmp_path):
    watcher = Watcher()
    trainer = Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(watcher, datamodule=data(capture, epoch_size=8))
    assert [epoch for epoch, _, _ in watcher.seen] == [0, 0, 1, 1]
    assert watcher.seen[0][1] != watcher.seen[2][1]  # another order each epoch
    assert {view.frame for _, views, _ in watcher.seen for view in views} <= set(range(8))
    assert len(watcher.validated) == 4 and watcher.validated[:2] == watcher.validated[2:]
    assert {view.frame for views, _ in watcher.validated for view in views} == {10, 11}
