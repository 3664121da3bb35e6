import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mvboot.surfaces.rigid import rigid_motion

TURN, SHIFT = Rotation.from_rotvec([0.4, -2.0, 0.9]).as_matrix(), np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("flat", [False, True])
def test_a_motion_is_recovered_and_is_no_mirror_image(flat):
    points = np.random.default_rng(0).normal(size=(50, 3)) * [1, 1, 0 if flat else 1]
    R, t = rigid_motion(points, points @ TURN.T + SHIFT)
    np.testing.assert_allclose(R, TURN, atol=1e-9)
    np.testing.assert_allclose(t, SHIFT, atol=1e-9)


def test_wrong_points_count_little():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(200, 3))
    target = points @ TURN.T + SHIFT + 0.001 * rng.normal(size=(200, 3))
    target[:50] += rng.uniform(0, 3, (50, 3))
    R, t = rigid_motion(points, target)
    gap = np.linalg.norm(points[50:] @ R.T + t - target[50:], axis=1)
    assert gap.mean() < 0.003
