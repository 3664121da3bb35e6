import numpy as np
import pytest

from mvboot.calib.rays import rays_of
from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D

K = [[70, 0, 32], [0, 70, 24], [0, 0, 1]]


def moving(frames):
    rng = np.random.default_rng(0)
    turn, t = rng.normal(0, 0.1, (2, len(frames), 3))
    return Camera.from_opencv(K, [-0.1, 0, 0, 0], turn, t, frames=frames)


def seen(frames, individuals=("a", "b", "c")):
    shape = (1, len(frames), len(individuals), 3)
    xy = np.random.default_rng(1).uniform(0, 64, (*shape, 2))
    return Keypoints2D(("cam",), np.array(frames), individuals, tuple("xyz"), xy, np.ones(shape))


@pytest.mark.parametrize("camera", [moving([1, 2, 5, 7]), moving([1, 2, 5, 7]).at(2)])
def test_rays_are_those_of_each_frame(camera):
    """Also of as many frames as individuals and keypoints."""
    keypoints = seen([1, 2, 5])
    origin, direction = rays_of(camera, keypoints, 0)
    assert origin.shape == direction.shape == (27, 3)
    for row, frame in enumerate([1, 2, 5]):
        of_frame = slice(9 * row, 9 * row + 9)
        start, way = camera.at(frame).ray(keypoints.xy[0, row].reshape(-1, 2))
        close = {"rtol": 0, "atol": 1e-12}
        np.testing.assert_allclose(origin[of_frame], np.broadcast_to(start, (9, 3)), **close)
        np.testing.assert_allclose(direction[of_frame], way, **close)


def test_a_frame_without_a_pose_is_bad_input():
    with pytest.raises(InputError, match=r"camera cam: .* none for frame 3"):
        rays_of(moving([1, 2, 5]), seen([1, 3, 5]), 0)
