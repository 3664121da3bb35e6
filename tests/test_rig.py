from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

K = np.array([[900.0, 1.5, 640.0], [0.0, 880.0, 500.0], [0.0, 0.0, 1.0]])


def camera(k1=-0.1, t=(0.1, 0.2, 3.0), **changes):
    values = {"K": K, "dist": [k1, 0.01, 0, 0], "R": [0.1, 0.2, 0.3], "t": t, "size": (1280, 1024)}
    return Camera.from_opencv(**(values | changes))


@pytest.fixture
def rig():
    return Rig(
        {"left": camera(), "right": camera(t=(-1.0, 0.2, 3.0)), "top": camera(t=(0, -1.0, 3.0))},
        units="m",
        up="z",
    )


@pytest.fixture
def moving(rig):
    frames, rotvec = [4, 5, 8], np.random.default_rng(0).normal(0, 0.1, (3, 3))
    pan = camera(R=rotvec, t=np.ones((3, 3)), frames=frames)
    return replace(rig, cameras={**rig.cameras, "pan": pan})


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("units", ["", "inch", "M", None])
def test_units_are_required(rig, units):
    with pytest.raises(InputError, match="state one of m, cm, mm, um"):
        replace(rig, units=units)


def test_an_empty_rig():
    with pytest.raises(InputError, match="at least one camera"):
        Rig({}, units="m")


def test_an_unknown_up_axis_lists_the_known_ones(rig):
    with pytest.raises(InputError, match="x, y, z, -x, -y, -z, got 'w'"):
        replace(rig, up="w")


def test_unknown_cameras_are_answered_with_the_names(rig):
    for ask in (
        lambda: rig["back"],
        lambda: rig.subset(["left", "back"]),
        lambda: rig.without("back"),
        lambda: rig.fundamental("left", "back"),
    ):
        with pytest.raises(
            InputError, match="no camera 'back' in the rig; it has left, right, top"
        ):
            ask()


def test_leaving_every_camera_out_is_refused(rig):
    with pytest.raises(InputError, match="at least one camera"):
        rig.without("left", "right", "top")


# --- by name ------------------------------------------------------------------------------------


def test_it_is_a_collection_of_names(rig):
    assert len(rig) == 3 and list(rig) == ["left", "right", "top"] == list(rig.names)
    assert "left" in rig and "back" not in rig
    assert rig["left"] is rig.cameras["left"]


def test_subsets_keep_the_order_asked_for(rig):
    assert rig.subset(["top", "left"]).names == ("top", "left")
    assert rig.without("right").names == ("left", "top")
    assert rig.without("right").units == rig.units and rig.without("right").up == rig.up


def test_the_up_vector(rig):
    assert replace(rig, up=None).up_vector is None
    assert rig.up_vector.tolist() == [0, 0, 1]
    assert replace(rig, up="-y").up_vector.tolist() == [0, -1, 0]


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "factor"), [("um", 1e6), ("mm", 1e3), ("cm", 100.0), ("m", 1.0)])
def test_another_unit_changes_no_projection(moving, units, factor):
    other = moving.in_units(units)
    assert other.units == units
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 3))
    for name in moving:
        before, after = moving[name].project(points), other[name].project(factor * points)
        np.testing.assert_allclose(after, before, atol=1e-9)
        torch.testing.assert_close(other[name].center, factor * moving[name].center)


def test_units_there_and_back(rig):
    back = rig.in_units("mm").in_units("m")
    torch.testing.assert_close(back["left"].cam_from_world.t, rig["left"].cam_from_world.t)
    with pytest.raises(InputError, match="unknown unit 'inch'"):
        rig.in_units("inch")


def test_the_fundamental_matrix_has_no_unit(rig):
    torch.testing.assert_close(
        rig.in_units("mm").fundamental("left", "top"), rig.fundamental("left", "top")
    )


# --- moving rigs --------------------------------------------------------------------------------


def test_at_selects_the_pose_of_every_camera(rig, moving):
    assert moving.is_moving and not rig.is_moving
    still = moving.at(5)
    assert not still.is_moving
    torch.testing.assert_close(still["pan"].center, moving["pan"].center[1])
    assert still["left"] is moving["left"]
    assert moving.at([4, 4, 8])["pan"].center.shape == (3, 3)
    with pytest.raises(ValueError, match="none for frame 6"):
        moving.at(6)


def test_a_rig_of_fixed_cameras_is_itself_at_every_frame():
    still = Rig({"a": Camera.from_opencv(np.eye(3))}, units="m")
    assert still.at(3) is still and still.at([1, 2]) is still


def test_moving_cameras_stand_still_at_their_first_frame(rig, moving):
    still = moving.still()
    assert not still.is_moving
    torch.testing.assert_close(still["pan"].center, moving["pan"].center[0])
    assert still["left"] is moving["left"]
    assert (still.units, still.up) == (moving.units, moving.up)
    assert all(rig.still()[name] is rig[name] for name in rig)


# --- fingerprints -------------------------------------------------------------------------------


def changed_cameras():
    eye = np.eye(3)
    return {
        "fx": camera(K=K + 1e-9 * np.diag([1, 0, 0])),
        "skew": camera(K=K * [[1, 0, 1], [0, 1, 1], [0, 0, 1]]),
        "distortion": camera(k1=-0.1000001),
        "count": camera(dist=[-0.1, 0.01, 0, 0, 0]),
        "lens": camera(lens="fisheye"),
        "rotation": camera(R=[0.1, 0.2, 0.3000001]),
        "translation": camera(t=(0.1, 0.2, 3.0000001)),
        "size": camera(size=(1280, 1025)),
        "no size": camera(size=None),
        "frames": camera(R=eye[None], t=np.ones((1, 3)), frames=[0]),
        "other frames": camera(R=eye[None], t=np.ones((1, 3)), frames=[1]),
    }


def test_the_fingerprint_changes_with_every_number(rig):
    prints = {rig.fingerprint()}
    for left in changed_cameras().values():
        prints.add(replace(rig, cameras={**rig.cameras, "left": left}).fingerprint())
    renamed = {name.upper(): camera for name, camera in rig.cameras.items()}
    for other in (
        replace(rig, units="mm"),
        replace(rig, up=None),
        replace(rig, cameras=renamed),
        rig.without("top"),
    ):
        prints.add(other.fingerprint())
    assert len(prints) == 1 + len(changed_cameras()) + 4
    assert all(len(text) == 16 for text in prints)


def test_the_fingerprint_is_of_the_geometry_alone(rig):
    same = Rig(dict(reversed(rig.cameras.items())), "m", "z", provenance={"from": "elsewhere"})
    assert same.fingerprint() == rig.fingerprint()
    posed = {
        name: c.with_pose(c.cam_from_world @ Pose.identity()) for name, c in rig.cameras.items()
    }
    assert replace(rig, cameras=posed).fingerprint() == rig.fingerprint()
