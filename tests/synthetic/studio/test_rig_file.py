"""Rig files that cannot film what they are asked to, or that do it in another unit."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.formats.rigs import save_rig
from mvboot.geometry import Pose
from mvboot.synthetic.rigs import synthetic_rig
from mvboot.synthetic.studio.rig_file import Stay, read_rig_file

RIG = synthetic_rig("ring", 3, (96, 96), np.random.default_rng(0))
MOVING = synthetic_rig("moving", 2, (96, 96), np.random.default_rng(0), frames=range(5))


def stay(frames=(0, 2, 4)):
    """Return a person's height of places about the origin."""
    turn = np.linspace(0, 2 * np.pi, 12)
    ring = np.stack([0.3 * np.cos(turn), 0.3 * np.sin(turn), np.linspace(0, 1.7, 12)], -1)
    return Stay(1.0, 1.75, np.array(frames), np.repeat(ring[None], len(frames), axis=0))


def read(rig, tmp_path, frames=5):
    save_rig(rig, tmp_path / "rig.yaml")
    return read_rig_file(tmp_path / "rig.yaml", frames, stay())


@pytest.mark.parametrize("camera", [RIG["cam_01"], MOVING["cam_01"]], ids=["still", "moving"])
def test_the_size_in_pictures_is_that_of_each_frame(camera):
    """Also of as many places as frames."""
    some = stay()
    some = replace(
        some, places=np.roll(some.places[:, ::5], 1, axis=1) * [[[1.0]], [[0.8]], [[0.9]]]
    )
    assert some.places.shape == (3, 3, 3)
    sizes = []
    for frame, places in zip(some.frames, some.places, strict=True):
        pixels = camera.at(int(frame)).project(places)
        pixels = pixels[((pixels > -0.5) & (pixels < 95.5)).all(-1)]
        sizes.append(np.ptp(pixels, axis=0).max() if len(pixels) else 0)
    assert some.size_px(camera) == pytest.approx(max(sizes), abs=1e-9) and max(sizes) > 0


@pytest.mark.parametrize("rig", [RIG, MOVING], ids=["still", "moving"])
@pytest.mark.parametrize("units", ["m", "cm", "mm"])
def test_a_sound_rig_has_no_warning_in_any_unit(rig, units, tmp_path):
    found, warning = read(rig.in_units(units), tmp_path)
    assert warning is None and found.units == "m"
    for name in rig.names:
        np.testing.assert_allclose(
            found[name].at(2).center.numpy(), rig[name].at(2).center.numpy(), atol=1e-6
        )


@pytest.mark.parametrize("rig", [RIG, MOVING], ids=["still", "moving"])
@pytest.mark.parametrize("true, stated", [("mm", "m"), ("cm", "m"), ("m", "mm"), ("m", "cm")])
def test_a_false_unit_is_refused_and_the_right_one_guessed(rig, true, stated, tmp_path):
    with pytest.raises(InputError) as error:
        read(replace(rig.in_units(true), units=stated), tmp_path)
    said = str(error.value)
    assert "rig.yaml: " in said and all(name in said for name in rig.names)
    assert f"read as {stated}; were they {true}, {len(rig)} of {len(rig)} cameras" in said


def test_a_camera_that_looks_away_is_named(tmp_path):
    turned = RIG["cam_02"].cam_from_world
    away = RIG["cam_02"].with_pose(Pose.from_rotation([0, np.pi, 0], np.zeros(3)) @ turned)
    rig = replace(RIG, cameras={**RIG.cameras, "cam_02": away})
    found, warning = read(rig, tmp_path)
    assert len(found) == 3
    assert "no subject is ever in the pictures of cam_02 (" in warning
    assert "units" not in warning


def test_a_camera_among_the_subjects_is_named(tmp_path):
    pose = RIG["cam_01"].cam_from_world
    among = RIG["cam_01"].with_pose(Pose(pose.R, -pose.rotate(pose.R.new_tensor([0.5, 0, 1.0]))))
    warning = read(replace(RIG, cameras={**RIG.cameras, "cam_01": among}), tmp_path)[1]
    assert "subjects move where cam_01 stands" in warning and "units" not in warning


@pytest.mark.parametrize(
    "rig, frames, words",
    [
        (replace(RIG, up=None), 5, "up is not stated"),
        (replace(RIG, up="-y"), 5, "up is -y"),
        (MOVING, 6, "cam_01 has no pose for some"),
        (
            replace(RIG, cameras={"a": replace(RIG["cam_01"], size=None)}),
            5,
            "camera a states no size",
        ),
    ],
)
def test_rigs_that_lack_something_are_refused(rig, frames, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read(rig, tmp_path, frames)
