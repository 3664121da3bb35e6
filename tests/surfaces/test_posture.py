import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mvboot.surfaces.posture import (
    Posture,
    hangs_on,
    left_jacobian,
    linearised,
    posed_offsets,
    skew,
    unposed,
)
from mvboot.template import load_template


@pytest.fixture(scope="module", params=["body", "quadruped"])
def template(request):
    return load_template(request.param)


def drawn(template, seed=0):
    rng = np.random.default_rng(seed)
    rest = Posture.rest(template)
    return rest.moved(rng.normal(0, 0.3, rest.numbers.shape))


def posed(template, posture):
    return template.posed(posture.rotations, posture.translation, posture.shape)


def test_the_rest_pose_is_the_template(template):
    found = posed(template, Posture.rest(template))
    np.testing.assert_allclose(found, template.vertices, atol=1e-9)


def test_numbers_and_steps_are_in_the_same_order(template):
    rest, posture = Posture.rest(template), drawn(template)
    again = rest.moved(posture.numbers)
    for name in ("rotations", "translation", "shape"):
        np.testing.assert_array_equal(getattr(again, name), getattr(posture, name))


def test_linearised_points_are_those_of_the_template(template):
    posture, rows = drawn(template), np.arange(0, len(template.vertices), 37)
    found = linearised(template, posture, rows)
    np.testing.assert_allclose(found.points, posed(template, posture)[rows], atol=1e-9)


def test_derivatives_are_those_of_the_template(template):
    posture, rows = drawn(template, 1), np.arange(0, len(template.vertices), 211)
    found = linearised(template, posture, rows).derivative
    step = 1e-6
    for number in range(0, found.shape[2], 4):
        change = np.zeros(found.shape[2])
        change[number] = step
        ahead, back = (posed(template, posture.moved(sign * change))[rows] for sign in (1, -1))
        np.testing.assert_allclose((ahead - back) / (2 * step), found[:, :, number], atol=1e-6)


def test_offsets_posed_and_unposed_again(template):
    posture = drawn(template)
    offsets = np.random.default_rng(2).normal(size=template.vertices.shape)
    turned = posed_offsets(template, posture, offsets)
    np.testing.assert_allclose(unposed(template, posture, turned), offsets, atol=1e-6)
    assert np.linalg.norm(turned - offsets, axis=1).mean() > 0.1


def test_offsets_turn_with_the_whole(template):
    axes = template.skeleton.axes[0]
    rotations = np.zeros_like(template.skeleton.heads)
    rotations[0] = [0.3, 1.0, -0.5]
    R = axes @ Rotation.from_rotvec(rotations[0]).as_matrix() @ axes.T
    posture = Posture(rotations, np.ones(3), np.zeros(template.n_shapes))
    offsets = np.random.default_rng(2).normal(size=template.vertices.shape)
    np.testing.assert_allclose(posed_offsets(template, posture, offsets), offsets @ R.T, atol=1e-5)


def test_what_hangs_on_what(template):
    hangs = hangs_on(template.skeleton)
    np.testing.assert_array_equal(hangs[:, 0], 1)
    for bone, parent in enumerate(template.skeleton.parents):
        expected = hangs[parent].copy() if parent >= 0 else np.zeros(len(hangs))
        expected[bone] += 1
        np.testing.assert_array_equal(hangs[bone], expected)


@pytest.mark.parametrize("size", [0.0, 1e-5, 1e-3, 1.0, 3.0])
def test_the_left_jacobian_is_the_change_of_a_rotation(size):
    turn = size * np.array([0.6, -0.64, 0.48])
    J = left_jacobian(turn)
    for axis in np.eye(3):
        step = 1e-6 * axis
        ahead, back = (Rotation.from_rotvec(turn + sign * step) for sign in (1, -1))
        change = (ahead * back.inv()).as_rotvec() / 2e-6
        np.testing.assert_allclose(J @ axis, change, atol=1e-8)


def test_skew_multiplies_like_the_cross_product():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_allclose((skew(a) @ b[..., None])[..., 0], np.cross(a, b))
