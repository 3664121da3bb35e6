"""Axes from directions, and the floor from points."""

import numpy as np
import pytest

from mvboot import InputError
from mvboot.calib.axes import axes_along, axes_off, floor_plane, on_a_line
from mvboot.rig import UP_AXES

CAMERAS = np.array([[1.0, 0, 2], [0, 1, 2], [-1, 0, -1]])


@pytest.mark.parametrize("up", UP_AXES)
@pytest.mark.parametrize("side", "xyz")
def test_axes_are_right_handed_with_up_exact(up, side):
    upward, given = np.array([0.3, -2.0, 0.4]), np.array([1.0, 0.5, 0.1])
    if side == up[-1]:
        with pytest.raises(InputError, match=f"{side} is the axis of up"):
            axes_along({side: given}, upward, up)
        return
    axes = axes_along({side: given}, upward, up)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes @ upward / np.linalg.norm(upward), UP_AXES[up], atol=1e-15)
    row = axes["xyz".index(side)]
    assert row @ given > 0 and abs(np.cross(upward, given) @ row) < 1e-15


def test_the_first_direction_decides_and_the_other_is_judged():
    skewed = {"x": np.array([2.0, 0, 0]), "y": np.array([1.0, 1.0, 0])}
    axes = axes_along(skewed, np.array([0, 0, 1.0]), "z")
    np.testing.assert_allclose(axes, np.eye(3), atol=1e-15)
    assert axes_off(axes, skewed) == {"x": 0.0, "y": pytest.approx(45)}
    with pytest.raises(InputError, match="x and y with up make a left-handed world: y points"):
        axes_off(axes, skewed | {"y": np.array([0, -1.0, 0])})


def test_a_direction_along_up_is_refused():
    with pytest.raises(InputError, match="direction of x is that of up"):
        axes_along({"x": np.array([0, 0.001, 1.0])}, np.array([0, 0, 1.0]), "z")


def test_the_floor_faces_most_cameras():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    middle, normal = floor_plane(points, CAMERAS)
    np.testing.assert_allclose(middle, [0.5, 0.5, 0])
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(floor_plane(points, -CAMERAS)[1], [0, 0, -1], atol=1e-15)


def test_a_rough_floor_is_fitted():
    points = np.array([[0.0, 0, 0.1], [1, 0, -0.1], [0, 1, -0.1], [1, 1, 0.1]])
    middle, normal = floor_plane(points, CAMERAS)
    np.testing.assert_allclose(middle, [0.5, 0.5, 0], atol=1e-15)
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-15)


@pytest.mark.parametrize(
    "beside, expected", [(0.0, True), (0.005, True), (0.1, False), (1.0, False)]
)
def test_points_on_a_line(beside, expected):
    points = np.array([[0.0, 0, 0], [1, 1, 1], [2, 2, 2 + beside]])
    assert on_a_line(points) is expected
    assert on_a_line(np.ones((3, 3)))
