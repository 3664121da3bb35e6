"""3D keypoints with everything that can go wrong in them."""

import numpy as np
import pytest

from mvboot import Keypoints3D


@pytest.fixture
def solved():
    return keypoints3d(individuals=2, keypoints=3)


@pytest.fixture
def make_solved():
    return keypoints3d


def keypoints3d(individuals, keypoints, frames=3, cameras=9, **changes):
    """Return random points; keypoint 0 is never accepted, others now and then not."""
    rng = np.random.default_rng(0)
    shape = (frames, individuals, keypoints)
    refused = rng.random(shape) < 0.2
    refused[..., 0] = True
    refused[1] = False
    refused[1, :, 0] = True
    blank = np.where(refused, np.nan, 1.0)
    root = rng.normal(size=(*shape, 3, 3))
    given = dict(
        frames=np.arange(frames) + 10,
        individuals=("mia", "tom", "kim")[:individuals],
        keypoints=tuple(f"k{i}" for i in range(keypoints)),
        units="m",
        xyz=rng.normal(size=(*shape, 3)) * blank[..., None],
        error_px=rng.uniform(0.1, 3, shape) * blank,
        residual=rng.uniform(1e-4, 3e-3, shape) * blank,
        score=rng.uniform(0.1, 1, shape) * blank,
        covariance=root @ root.swapaxes(-1, -2) * blank[..., None, None],
        inliers=(rng.random((cameras, *shape)) < 0.6) & ~refused,
        reason=np.where(refused, "too few agreeing views", "").astype(object),
        cameras=tuple(f"cam {i}" for i in range(cameras)),
        fps=25.0,
        up="z",
        provenance={"version": "0", "inputs": {"ä.csv": "12"}},
    )
    return Keypoints3D(**(given | changes))
