"""Samples: cameras stay exact in original pixels through every crop and augmentation."""

import numpy as np
import pytest
import torch

from mvboot.datasets import (
    Appearance,
    Augmentation,
    Capture,
    CaptureWriter,
    Mirror,
    SampleReader,
    View,
)
from mvboot.errors import InputError

STILL = Appearance(brightness=0, contrast=0, saturation=0, colour=0, blur_px=0, noise=0)
STRONG = Augmentation(shift=0.2, scale=0.4, turn_deg=90, flip=0.5, appearance=STILL)
MIRROR = Mirror({"hand_left": "hand_right"})
VIEWS = (View("cam0", 0), View("cam2", 0), View("cam0", 1))


class Swapped(Mirror):
    """A mirror that swaps the two parts of the test's fields without a template."""

    def of(self, seen):
        from dataclasses import replace

        part = np.array([0, 2, 1], np.uint8)[seen.part]
        return replace(seen, part=part)


@pytest.fixture
def reader(capture_folder):
    return SampleReader(
        Capture.open(capture_folder), size=64, stride=4, augmentation=STRONG,
        mirror=Swapped(MIRROR.keypoints),
    )  # fmt: skip


def xyz_of(tools, frame):
    return np.array(list(tools["POINTS"].values())) + [0.01 * frame, 0, 0]


@pytest.mark.parametrize("seed", range(12))
def test_known_points_project_onto_the_augmented_keypoints(reader, tools, seed):
    sample = reader.read(VIEWS, np.random.default_rng(seed))
    order = MIRROR.order(sample.keypoint_names) if sample.mirrored[0] else [0, 1, 2]
    assert len(set(sample.mirrored.tolist())) == 1  # all views together
    for i, view in enumerate(sample.views):
        projected = sample.cameras[i].project(xyz_of(tools, view.frame))[order]
        assert sample.crops[i].is_mirrored == bool(sample.mirrored[i])
        in_crop = sample.crops[i].to_crop(projected)
        assert np.abs(in_crop - sample.keypoints[i].numpy()).max() < 1e-6
        back = sample.keypoints_in_original[i].numpy()
        assert np.abs(back - projected).max() < 1e-6
    assert sample.confidence.min() == pytest.approx(0.9)


def test_both_mirrored_and_unmirrored_were_tried(reader):
    drawn = [bool(reader.read(VIEWS[:1], np.random.default_rng(s)).mirrored[0]) for s in range(12)]
    assert 2 < sum(drawn) < 10


@pytest.mark.parametrize("seed", range(6))
def test_epipolar_geometry_holds_between_augmented_views(reader, seed):
    """With left and right swapped in both views a name is one place, and its rays still meet."""
    sample = reader.read((View("cam1", 2), View("cam3", 2)), np.random.default_rng(seed))
    a, b = sample.cameras
    flat_a, flat_b = (
        camera.undistort(px)
        for camera, px in zip((a, b), sample.keypoints_in_original, strict=True)
    )
    from mvboot.geometry import epipolar_distance, fundamental_matrix

    assert epipolar_distance(fundamental_matrix(a, b), flat_a, flat_b).max() < 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_picture_mask_field_and_crop_agree(reader, tools, tmp_path, seed):
    """Colours and charts are made of their pixels' places: both tell where they came from."""
    rig = tools["ring"](1, size=(tools["W"], tools["H"]))
    y, x = np.mgrid[: tools["H"], : tools["W"]]
    picture = np.stack([4 * x, 4 * y, np.full_like(x, 128)], -1).astype(np.uint8)
    field = tools["field_of"]("cam0", 0)
    with CaptureWriter(tmp_path / "c", rig, template=tools["MESH"]) as writer:
        writer.files.write_picture("cam0", 0, picture)
        writer.files.write_mask("cam0", 0, field.foreground)
        writer.files.write_field(field)
    reader = SampleReader(
        Capture.open(tmp_path / "c"), size=64, stride=4, margin=0.0,
        augmentation=STRONG, mirror=Swapped({}),
    )  # fmt: skip
    sample = reader.read([View("cam0", 0)], np.random.default_rng(seed))

    wanted = sample.crops[0].centers()
    inside = ((wanted > 1) & (wanted < (tools["W"] - 2, tools["H"] - 2))).all(-1)
    shown = sample.images[0].permute(1, 2, 0).numpy()[..., :2] / 4
    assert np.abs(shown - wanted)[inside].max() < 0.35  # rounding to 1/4 px in the colours

    whole = field.at(wanted)
    assert (np.abs(sample.masks[0].numpy() - whole.foreground) > 0.5).mean() < 0.02

    cells = sample.cells_in_original(4)[0].numpy()
    tensors = sample.fields
    known = tensors.known[0].numpy()
    assert 20 < known.sum() < known.size
    uv = tensors.coordinates[0].permute(1, 2, 0).numpy() * (tools["W"], tools["H"])
    assert np.abs(uv - cells)[known].max() <= 0.5 + 1e-4  # the nearest pixel of the field
    right = cells[..., 0] > tools["W"] / 2 - 0.5
    swapped = bool(sample.mirrored[0])
    sure = known & (np.abs(cells[..., 0] - tools["W"] / 2 + 0.5) > 1)
    assert ((tensors.part[0].numpy() == 2) == (right ^ swapped))[sure].all()
    assert not tensors.part[0].numpy()[~known].any()


def test_without_a_generator_nothing_changes(reader):
    first, second = reader.read(VIEWS), reader.read(VIEWS)
    torch.testing.assert_close(first.images, second.images, rtol=0, atol=0)
    assert not first.mirrored.any()
    assert all(crop.original_from_crop[0, 1] == 0 for crop in first.crops)


def test_the_same_generator_gives_the_same_sample(reader, capture_folder):
    loud = SampleReader(reader.capture, 64, augmentation=Augmentation())
    first, second, third = (loud.read(VIEWS, np.random.default_rng(s)) for s in (3, 3, 4))
    torch.testing.assert_close(first.images, second.images, rtol=0, atol=0)
    torch.testing.assert_close(first.keypoints, second.keypoints, rtol=0, atol=0)
    assert (first.images != third.images).any()


def test_fields_that_are_no_labels_stay_hidden(capture_folder):
    capture = Capture.open(capture_folder)  # frames 0 to 2 are labelled
    views = (View("cam0", 2), View("cam0", 5))
    sample = SampleReader(capture, 64).read(views)
    assert sample.labelled.tolist() == [True, False]
    assert sample.fields.present.tolist() == [True, False]
    assert sample.fields.known[0].any() and not sample.fields.known[1].any()
    assert not sample.fields.confidence[1].any() and sample.fields.confidence[0].all()
    everything = SampleReader(capture, 64, all_fields=True).read(views)
    assert everything.labelled.tolist() == [True, False]
    assert everything.fields.present.all()
    assert SampleReader(capture, 64).read(views[1:]).fields is None


def test_a_capture_with_pictures_only(tools, tmp_path):
    rig = tools["ring"](2)
    with CaptureWriter(tmp_path / "c", rig) as writer:
        for name in rig.names:
            writer.files.write_picture(name, 0, tools["numbered"](0))
    sample = SampleReader(Capture.open(tmp_path / "c"), size=32).read([View("cam1", 0)])
    assert sample.images.shape == (1, 3, 32, 32)
    assert sample.fields is None and not sample.has_mask.any()
    assert sample.keypoints.shape == (1, 0, 2)
    assert sample.crops[0].scale == 2  # the whole picture, its longer side fills the crop
    np.testing.assert_allclose(sample.crops[0].to_original([15.5, 15.5]), [31.5, 23.5])


def test_missing_keypoints_are_nan_with_no_weight(tools, tmp_path):
    rig = tools["ring"](2)
    found = tools["detections"](rig, [0, 1])
    found.xy[0, 0, 0, 1] = np.nan
    found.confidence[0, 0, 0, 1] = np.nan
    folder = tools["write_capture"](tmp_path / "c", rig, range(3))
    from mvboot.formats.keypoints2d_table import write_keypoints2d

    write_keypoints2d(found, folder / "keypoints.parquet")
    sample = SampleReader(Capture.open(folder), 64).read([View("cam0", 0), View("cam0", 2)])
    assert sample.keypoints.isnan().any(-1).tolist() == [[False, True, False], [True] * 3]
    assert sample.confidence[0].tolist() == pytest.approx([0.9, 0, 0.9])
    assert not sample.confidence[1].any()


def test_what_a_reader_refuses(reader, tools, tmp_path):
    capture = reader.capture
    with pytest.raises(InputError, match="64 px has no cells of 5 px"):
        SampleReader(capture, 64, 5)
    with pytest.raises(InputError, match="give a mirror, or flip 0"):
        SampleReader(capture, 64, augmentation=STRONG)
    with pytest.raises(InputError, match="mirror image hand_up, but"):
        SampleReader(capture, 64, augmentation=STRONG, mirror=Mirror({"nose": "hand_up"}))
    with pytest.raises(InputError, match="no individual 'tom'"):
        SampleReader(capture, 64, individual="tom")
    with pytest.raises(InputError, match="no picture of frame 99"):
        reader.read([View("cam0", 99)])


def test_several_individuals_are_chosen_from(tools, tmp_path):
    from dataclasses import replace

    from mvboot.formats.keypoints2d_table import write_keypoints2d

    rig = tools["ring"](2)
    one = tools["detections"](rig, [0])
    both = replace(
        one,
        individuals=("mia", "tom"),
        xy=np.concatenate([one.xy, one.xy + 10], 2),
        confidence=np.concatenate([one.confidence] * 2, 2),
    )
    folder = tools["write_capture"](tmp_path / "c", rig, range(1))
    write_keypoints2d(both, folder / "keypoints.parquet")
    capture = Capture.open(folder)
    with pytest.raises(InputError, match="keypoints are of mia, tom; choose one"):
        SampleReader(capture, 64)
    mia, tom = (
        SampleReader(capture, 64, individual=name).read([View("cam0", 0)])
        for name in ("mia", "tom")
    )
    torch.testing.assert_close(tom.keypoints_in_original, mia.keypoints_in_original + 10)
    torch.testing.assert_close(tom.keypoints, mia.keypoints)  # cut about each of them
