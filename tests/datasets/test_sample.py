"""Samples and batches of them."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.datasets import Capture, SampleReader, View, concatenated
from mvboot.errors import InputError


@pytest.fixture
def reader(capture_folder):
    return SampleReader(Capture.open(capture_folder), size=32, stride=8)


@pytest.fixture
def batch(reader):
    first = reader.read([View("cam0", 0), View("cam1", 0), View("cam0", 1), View("cam1", 1)])
    return concatenated([first, reader.read([View("cam2", 0), View("cam0", 0)])])


def test_a_batch_is_a_sample_with_groups(batch):
    assert len(batch) == 6 and batch.images.shape == (6, 3, 32, 32)
    assert batch.images.dtype == torch.uint8
    assert batch.group.tolist() == [0, 0, 0, 0, 1, 1]
    assert batch.fields.coordinates.shape == (6, 2, 4, 4) and batch.fields.part.dtype == torch.int64
    assert batch.pairs() == ((0, 1), (2, 3), (4, 5))
    assert batch.steps() == ((0, 2), (1, 3))
    assert batch.original_from_crop.shape == (6, 2, 3)
    assert len(batch.cameras) == len(batch.crops) == 6


def test_samples_without_fields_join_those_with_them(reader):
    with_field, without = reader.read([View("cam0", 0)]), reader.read([View("cam0", 9)])
    assert without.fields is None
    for pair in ([with_field, without], [without, with_field]):
        batch = concatenated(pair)
        assert batch.fields.present.tolist() == [sample.fields is not None for sample in pair]
        assert batch.fields.confidence.shape == (2, 4, 4)
    assert concatenated([without, without]).fields is None


def test_different_samples_are_no_batch(reader):
    sample = reader.read([View("cam0", 0)])
    with pytest.raises(InputError, match="different keypoints"):
        concatenated([sample, replace(sample, keypoint_names=("a", "b", "c"))])
    other = replace(sample, fields=replace(sample.fields, topology="f" * 16))
    with pytest.raises(InputError, match="different kinds or templates"):
        concatenated([sample, other])


def test_pixels_of_cells_and_back(batch):
    cells = batch.cells_in_original(8)
    assert cells.shape == (6, 4, 4, 2) and cells.dtype == torch.float64
    centers = torch.tensor([[3.5, 3.5], [11.5, 27.5]], dtype=torch.float64).expand(6, 2, 2)
    found = batch.to_original(centers)
    torch.testing.assert_close(found[:, 0], cells[:, 0, 0])
    torch.testing.assert_close(found[:, 1], cells[:, 3, 1])
    with pytest.raises(InputError, match="32 x 32 px has no cells of 7 px"):
        batch.cells_in_original(7)


def test_gradients_pass_to_original_pixels(batch):
    px = torch.zeros(6, 3, 2, requires_grad=True)
    batch.to_original(px).sum().backward()
    assert px.grad.abs().min() >= 0 and px.grad.abs().sum() > 0


def test_samples_travel_between_processes(batch):
    back = pickle.loads(pickle.dumps(batch))
    torch.testing.assert_close(back.images, batch.images)
    points = np.array([[0.1, 0.2, 0.3]])
    for a, b in zip(back.cameras, batch.cameras, strict=True):
        np.testing.assert_array_equal(a.project(points), b.project(points))
    assert back.views == batch.views


def test_to_a_device(batch):
    moved = batch.to("meta")
    assert moved.images.device.type == moved.fields.coordinates.device.type == "meta"
    assert moved.keypoints.device.type == "meta" and moved.cameras is batch.cameras
