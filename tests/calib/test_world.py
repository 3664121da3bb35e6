"""Worlds of exact scenes, moved by a known similarity and found again."""

import json

import layouts
import numpy as np
import pytest
import torch

from mvboot import InputError, Rig
from mvboot.calib.landmarks import LandmarkSpec
from mvboot.calib.world import (
    WorldFrame,
    from_board,
    from_camera,
    from_landmarks,
    from_measured,
    identity,
    moved,
)
from mvboot.geometry import Pose
from mvboot.synthetic.scene import ring_rig

KNOWN = WorldFrame(Pose.from_rotation((0.4, -0.3, 1.1), (0.5, -0.2, 3.0)), 0.73)
UPS = ("x", "y", "z", "-x", "-y", "-z")


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def rig(rng):
    """Cameras around a floor at z = 0, in metres."""
    return ring_rig(5, radius=2.5, height=1.2, rng=rng)


@pytest.fixture
def lost(rig):
    """The same rig in a world that nobody chose."""
    return moved(rig, KNOWN)


def cloud(rng, count=40):
    return rng.uniform((-0.5, -0.5, 0.0), (0.5, 0.5, 1.0), (count, 3))


def spec(**parts):
    return LandmarkSpec.model_validate(parts)


def seen_by(points, **named):
    """Named points of the true world as they stand in the lost one."""
    return {name: KNOWN.apply(np.array(xyz, dtype=float)) for name, xyz in named.items()} | points


def gap(a, b, points, there):
    """Largest distance in px between points seen by one rig and by the other."""
    pairs = [(a[name].project(points), b[name].project(there)) for name in a.names]
    return max(np.nanmax(np.linalg.norm(first - second, axis=-1)) for first, second in pairs)


def assert_same_world(rig, again, atol=1e-9):
    for name in rig.names:
        np.testing.assert_allclose(again[name].center, rig[name].center, atol=atol)
        np.testing.assert_allclose(
            again[name].cam_from_world.R, rig[name].cam_from_world.R, atol=atol
        )


# --- moving a rig -----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 0.73, 25.0])
def test_what_the_cameras_see_does_not_change(rig, rng, scale):
    frame = WorldFrame(KNOWN.new_from_old, scale)
    points = cloud(rng)
    assert gap(rig, moved(rig, frame), points, frame.apply(points)) < 1e-9


def test_every_pose_of_a_moving_camera_is_moved(rng):
    rig = layouts.tripod(frames=5)
    again = moved(rig, KNOWN)
    assert torch.equal(again["pan"].frames, rig["pan"].frames)
    assert again["pan"].cam_from_world.batch_shape == (5,)
    points = rng.uniform((-0.2, 0, 0.8), (0.2, 1, 1.2), (5, 3))
    for frame in (10, 12, 14):
        assert gap(rig.at(frame), again.at(frame), points, KNOWN.apply(points)) < 1e-9


def test_the_change_is_recorded_with_those_before(rig):
    first = moved(rig, WorldFrame(KNOWN.new_from_old, 2.0, "y", {"what": "test"}))
    second = moved(first, identity("y"))
    assert first.up == second.up == "y" and first.units == rig.units
    record = json.loads(json.dumps(dict(second.provenance)))["world"]
    assert record["what"] == "identity" and record["rig_hash"] == first.fingerprint()
    assert record["before"]["what"] == "test" and record["before"]["scale"] == 2.0
    assert record["before"]["rig_hash"] == rig.fingerprint()
    assert second.provenance["source"] == "synthetic ring"
    undone = np.array(record["before"]["rotation"]) @ KNOWN.new_from_old.R.numpy().T
    np.testing.assert_allclose(undone, np.eye(3), atol=1e-15)


def test_identity_moves_nothing(rig):
    again = moved(rig, identity(rig.up))
    assert again.up == rig.up
    for name in rig.names:
        assert torch.equal(again[name].cam_from_world.R, rig[name].cam_from_world.R)
        assert torch.equal(again[name].cam_from_world.t, rig[name].cam_from_world.t)


def test_points_of_both_kinds(rng):
    points = cloud(rng)
    there = KNOWN.apply(torch.from_numpy(points))
    assert isinstance(there, torch.Tensor)
    np.testing.assert_array_equal(there.numpy(), KNOWN.apply(points))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_a_world_without_a_size_is_refused(scale):
    with pytest.raises(InputError, match="scaled by"):
        WorldFrame(Pose.identity(), scale)


# --- a camera, a board ------------------------------------------------------------------------


def test_the_frame_of_a_camera(rig):
    again = moved(rig, from_camera(rig, "cam_02"))
    pose = again["cam_02"].cam_from_world
    np.testing.assert_allclose(pose.R, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(pose.t, 0, atol=1e-12)
    assert again.up is None and again.provenance["world"]["camera"] == "cam_02"
    with pytest.raises(InputError, match="no camera 'cam_9'"):
        from_camera(rig, "cam_9")


def test_the_frame_of_a_moving_camera_is_its_first():
    rig = layouts.tripod()
    again = moved(rig, from_camera(rig, "pan"))
    np.testing.assert_allclose(again["pan"].cam_from_world.t[0], 0, atol=1e-12)
    assert float(again["pan"].cam_from_world.t[4].norm()) > 0.01
    assert again.provenance["world"]["frame"] == 10


LYING = Pose.from_rotation([[1, 0, 0], [0, -1, 0], [0, 0, -1]], [0.2, 0.3, 0.0])
"""A board on the floor of `ring_rig`: its x along x, its upper edge towards y, face up."""


def test_a_board_on_the_floor_is_the_world(rig, lost):
    """The board's frame has y down the print and z into the floor."""
    seen = Pose(KNOWN.new_from_old.R @ LYING.R, KNOWN.apply(LYING.t))
    frame = from_board(seen)
    again = moved(lost, frame)
    assert again.up == "z" and frame.scale == 1.0
    for name in rig.names:
        wanted = 0.73 * (rig[name].center - LYING.t)
        np.testing.assert_allclose(again[name].center, wanted, atol=1e-12)
    corner = KNOWN.apply(np.array([0.2, 0.3, 0.0]))
    along = KNOWN.apply(np.array([0.3, 0.3, 0.0]))
    upwards = KNOWN.apply(np.array([0.2, 0.4, 0.0]))
    above = KNOWN.apply(np.array([0.2, 0.3, 0.1]))
    there = frame.apply(np.stack([corner, along, upwards, above])) / 0.073
    np.testing.assert_allclose(there, [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("up", UPS)
def test_a_board_with_another_axis_up(rig, up):
    frame = from_board(LYING, up)
    again = moved(rig, frame)
    above = frame.apply(np.array([0.2, 0.3, 1.0]))
    np.testing.assert_allclose(above, again.up_vector, atol=1e-12)
    right = "y" if up[-1] == "x" else "x"
    ahead = frame.apply(np.array([1.2, 0.3, 0.0]))
    np.testing.assert_allclose(ahead, np.eye(3)["xyz".index(right)], atol=1e-12)
    assert torch.linalg.det(frame.new_from_old.R) == pytest.approx(1)


def test_a_board_that_does_not_lie_level(rig):
    frame = from_board(LYING, None)
    assert moved(rig, frame).up is None
    assert torch.equal(frame.new_from_old.R, from_board(LYING).new_from_old.R)


# --- landmarks --------------------------------------------------------------------------------

NAMED = {
    "a": (0, 0, 0),
    "b": (0.4, 0, 0),
    "c": (0, 0.3, 0),
    "d": (0.5, 0.5, 0),
    "top": (0, 0, 0.8),
    "beside": (0.3, 0, 0.2),
}
X, Y, UP = {"x": ["a", "b"]}, {"y": ["a", "c"]}, {"up": ["a", "top"]}
FLOOR = {"floor": ["a", "b", "c", "d"]}
LENGTH = {"length": {"between": ["a", "b"], "is": "400 mm"}}


@pytest.mark.parametrize("directions", [X, Y, {**X, **Y}, {"x": ["a", "beside"]}])
@pytest.mark.parametrize("level", [UP, FLOOR])
def test_landmarks_find_the_world(rig, lost, rng, directions, level):
    points = seen_by({}, **NAMED)
    frame = from_landmarks(lost, points, spec(origin="a", **directions, **level, **LENGTH))
    again = moved(lost, frame)
    assert_same_world(rig, again)
    assert frame.scale == pytest.approx(1 / 0.73) and again.up == "z"
    some = cloud(rng)
    assert gap(rig, again, some, some) < 1e-8
    assert frame.description["length"]["was"] == pytest.approx(0.4 * 0.73)
    json.dumps(frame.as_dict())


def test_without_a_length_the_scale_stays(lost):
    frame = from_landmarks(lost, seen_by({}, **NAMED), spec(origin="a", **X, **UP))
    assert frame.scale == 1.0 and "length" not in frame.description


def test_lengths_are_in_the_units_of_the_rig(rig, lost):
    in_mm = lost.in_units("mm")
    points = {name: 1000 * xyz for name, xyz in seen_by({}, **NAMED).items()}
    wanted = spec(origin="a", **X, **FLOOR, **LENGTH)
    frame = from_landmarks(in_mm, points, wanted)
    assert frame.scale == pytest.approx(1 / 0.73)
    assert_same_world(rig.in_units("mm"), moved(in_mm, frame), atol=1e-6)


@pytest.mark.parametrize("up", UPS)
def test_landmarks_with_another_axis_up(lost, up):
    side = "y" if up[-1] == "x" else "x"
    wanted = spec(origin="a", **{side: ["a", "b"]}, **UP, **LENGTH)
    frame = from_landmarks(lost, seen_by({}, **NAMED), wanted, up)
    there = frame.apply(KNOWN.apply(np.array([[0, 0, 1.0], [1.0, 0, 0]])))
    np.testing.assert_allclose(there[0], moved(lost, frame).up_vector, atol=1e-12)
    np.testing.assert_allclose(there[1], np.eye(3)["xyz".index(side)], atol=1e-12)
    assert torch.linalg.det(frame.new_from_old.R) == pytest.approx(1)


def test_the_origin_is_a_mean_and_drops_to_the_floor(lost):
    points = seen_by({}, **NAMED)
    mean = from_landmarks(lost, points, spec(origin=["b", "c"], **X, **UP))
    np.testing.assert_allclose(mean.apply(KNOWN.apply(np.array([0.2, 0.15, 0]))), 0, atol=1e-12)
    dropped = from_landmarks(lost, points, spec(origin="top", **X, **FLOOR))
    np.testing.assert_allclose(dropped.apply(points["a"]), 0, atol=1e-12)


def test_up_is_the_side_of_the_cameras(rig):
    below = moved(rig, WorldFrame(Pose.from_rotation((np.pi, 0, 0), (0, 0, 0))))
    points = {name: np.array(xyz) * (1, -1, -1) for name, xyz in NAMED.items()}
    frame = from_landmarks(below, points, spec(origin="a", **X, **FLOOR))
    assert_same_world(rig, moved(below, frame))


def test_floor_residuals_and_axes_that_are_off(rig):
    points = {name: np.array(xyz, dtype=float) for name, xyz in NAMED.items()}
    points["d"] = points["d"] + (0, 0, 0.02)
    points["c"] = np.array([0.03, 0.3, 0])
    frame = from_landmarks(rig, points, spec(origin="a", **X, **Y, **FLOOR))
    residuals = frame.description["floor_residuals"]
    assert sum(residuals.values()) == pytest.approx(0, abs=1e-12)
    assert 0.001 < max(residuals.values()) < 0.02 and residuals["d"] > 0
    off = frame.description["axes_off_deg"]
    assert off["y"] == pytest.approx(np.degrees(np.arctan(0.1)), abs=1.0) and off["x"] < 3


@pytest.mark.parametrize(
    "parts, points, message",
    [
        ({"origin": "q", **X, **UP}, {}, "origin: no point 'q'; there are a, b, c, d, top"),
        ({"origin": "a", "x": ["a", "q"], **UP}, {}, "x: no point 'q'"),
        ({"origin": "a", **X, **UP}, {"b": [np.nan] * 3}, "x: point 'b' is missing"),
        ({"origin": "a", **X, **UP}, {"b": NAMED["a"]}, "x: 'a' and 'b' are at the same place"),
        ({"origin": "a", "x": ["a", "top"], **UP}, {}, "direction of x is that of up"),
        ({"origin": "a", "z": ["a", "b"], **UP}, {}, "z is the axis of up"),
        ({"origin": "a", **X, "y": ["c", "a"], **UP}, {}, "left-handed world"),
        ({"origin": "a", **Y, "floor": ["a", "b", "d"]}, {"d": (1, 0, 0)}, "on one line"),
        (
            {"origin": "a", **X, **UP, "length": {"between": ["a", "c"], "is": "1 m"}},
            {"c": NAMED["a"]},
            "'a' and 'c' are 0 apart",
        ),
    ],
)
def test_landmarks_that_define_no_world(rig, parts, points, message):
    with pytest.raises(InputError, match=message):
        from_landmarks(rig, NAMED | points, spec(**parts))


def test_cameras_on_both_sides_of_the_floor(rig):
    center = np.array([0.0, 0.0, -3.0])
    below = layouts.camera_at(center, (0, 0, 0))
    both = Rig({"above": rig["cam_01"], "below": below}, "m")
    with pytest.raises(InputError, match="as many cameras are above the floor as below"):
        from_landmarks(both, NAMED, spec(origin="a", **X, **FLOOR))
    from_landmarks(both, NAMED, spec(origin="a", **X, **UP))


# --- measured points --------------------------------------------------------------------------

FLAT = {"a": (0, 0, 0), "b": (0.4, 0, 0), "c": (0, 0.3, 0)}
SOLID = NAMED


@pytest.mark.parametrize("truth", [FLAT, SOLID], ids=["three on the floor", "six"])
@pytest.mark.parametrize("units, factor", [("m", 1), ("mm", 1000)])
def test_measured_points_find_the_world(rig, lost, truth, units, factor):
    measured = {name: factor * np.array(xyz) for name, xyz in truth.items()}
    frame = from_measured(lost, seen_by({}, **NAMED), measured, units, up="z")
    again = moved(lost, frame)
    assert_same_world(rig, again)
    assert frame.scale == pytest.approx(1 / 0.73) and again.up == "z" and again.units == "m"
    assert frame.description["units"] == units
    assert max(frame.description["residuals"].values()) < 1e-9 * factor
    json.dumps(frame.as_dict())


def test_noise_is_averaged_and_told(rig, lost, rng):
    names = [f"p{i}" for i in range(200)]
    truth = dict(zip(names, cloud(rng, 200), strict=True))
    noise = 0.002 * rng.standard_normal((200, 3))
    points = {name: KNOWN.apply(truth[name] + noise[i]) for i, name in enumerate(names)}
    frame = from_measured(lost, points, truth, "m")
    assert frame.scale == pytest.approx(1 / 0.73, rel=2e-3)
    residuals = np.array(list(frame.description["residuals"].values()))
    assert np.sqrt((residuals**2).mean()) == pytest.approx(0.002 * np.sqrt(3), rel=0.1)
    assert_same_world(rig, moved(lost, frame), atol=5e-3)


def test_a_fixed_scale_only_turns_and_shifts(rig):
    frame = WorldFrame(KNOWN.new_from_old, 1.0)
    points = {name: frame.apply(np.array(xyz, dtype=float)) for name, xyz in SOLID.items()}
    shrunk = {name: 0.99 * np.array(xyz) for name, xyz in SOLID.items()}
    free = from_measured(rig, points, shrunk, "m")
    fixed = from_measured(rig, points, shrunk, "m", fix_scale=True)
    assert free.scale == pytest.approx(0.99) and fixed.scale == 1.0
    assert fixed.description["measured_scale"] == pytest.approx(0.99)
    np.testing.assert_allclose(fixed.new_from_old.R, frame.new_from_old.R.T, atol=1e-9)
    assert max(fixed.description["residuals"].values()) > 1e-3
    with pytest.raises(InputError, match=r"do not fit .* they are 0.99 times the rig's lengths"):
        from_measured(rig, points, shrunk, "m", max_error=1e-3, fix_scale=True)


def test_a_wrong_measurement_is_named(lost):
    points = seen_by({}, **NAMED)
    truth = {name: 1000 * np.array(xyz) for name, xyz in NAMED.items()}
    truth["top"] = truth["top"] + (0, 120, 0)
    with pytest.raises(InputError, match=r"allowed are 20.3 mm\): without point 'top' the others"):
        from_measured(lost, points, truth, "mm")
    three = {name: truth[name] for name in ("a", "b", "top")}
    with pytest.raises(InputError, match=r"point '\w+' is off most; measure and click again"):
        from_measured(lost, points, three, "mm", max_error=2)
    frame = from_measured(lost, points, truth, "mm", max_error=100)
    assert max(frame.description["residuals"].values()) < 100


def test_mirrored_measurements_are_told(lost):
    mirrored = {name: np.array(xyz) * (1, -1, 1) for name, xyz in SOLID.items()}
    with pytest.raises(InputError, match="are mirrored"):
        from_measured(lost, seen_by({}, **NAMED), mirrored, "m")


@pytest.mark.parametrize(
    "truth, units, message",
    [
        (FLAT, "inch", "one of m, cm, mm, um, got 'inch'"),
        ({"a": (0, 0, 0), "b": (1, 0, 0)}, "m", "three measured points or more, there are 2"),
        ({**FLAT, "q": (1, 1, 1)}, "m", "no point 'q'; there are a, b"),
        ({**FLAT, "d": (1, np.nan, 1)}, "m", "measured coordinates: point 'd' is missing"),
        ({"a": (0, 0, 0), "b": (1, 0, 0), "c": (2, 0, 0)}, "m", "lie on one line"),
        ({"a": (1, 1, 1), "b": (1, 1, 1), "c": (1, 1, 1)}, "m", "lie on one line"),
    ],
)
def test_measurements_that_define_no_world(lost, truth, units, message):
    with pytest.raises(InputError, match=message):
        from_measured(lost, seen_by({}, **NAMED), truth, units)


def test_points_on_a_line_are_refused(lost):
    points = {"a": (0, 0, 0), "b": (1, 0, 0), "c": (2, 0, 0)}
    with pytest.raises(InputError, match="a, b, c lie on one line"):
        from_measured(lost, points, FLAT, "m")
    missing = seen_by({"c": np.full(3, np.nan)}, a=(0, 0, 0), b=(0.4, 0, 0))
    with pytest.raises(InputError, match="measured points: point 'c' is missing"):
        from_measured(lost, missing, FLAT, "m")


def test_an_unknown_up_axis(lost):
    for call in (
        lambda: from_board(LYING, "w"),
        lambda: from_landmarks(lost, NAMED, spec(origin="a", **X, **UP), "up"),
        lambda: from_measured(lost, seen_by({}, **NAMED), FLAT, "m", up="q"),
        lambda: identity(""),
    ):
        with pytest.raises(InputError, match="up must be one of x, y, z"):
            call()
