"""Fixtures shared by all tests."""

import os
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mvboot.datasets import Capture, CaptureWriter, Splits
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at

torch.set_num_threads(1)


@pytest.fixture
def shapes_unchecked():
    """Switch off the check of annotated shapes, where a test hands in wrong ones on purpose."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real recordings; tests that need it are skipped where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MVBOOT_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real recordings not found in {folder}; set MVBOOT_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def elsewhere():
    """Return keypoints of which one means another spot in one camera, so many px lower."""

    def displaced(keypoints, camera, keypoint, px):
        off = replace(keypoints, xy=keypoints.xy.copy())
        at = keypoints.cameras.index(camera), keypoints.keypoints.index(keypoint)
        off.xy[at[0], ..., at[1], 1] += px
        return off

    return displaced


@pytest.fixture(scope="session")
def ball():
    """A sphere in a ring of cameras, whose fields are known exactly."""
    from shapes import make_ball  # most tests need none of it

    return make_ball()


@pytest.fixture(scope="session")
def sheet():
    """A flat sheet, whose fields are known exactly."""
    from shapes import make_sheet

    return make_sheet()


DOTS = {"red": (0.3, 0.0, 0.1), "green": (-0.2, 0.3, 0.0), "blue": (0.0, -0.3, -0.2)}
DOT_PX = 3.0
WIDTH, HEIGHT = 120, 96


def dot_rig(cameras=4):
    """Return a ring of cameras with lenses that distort."""
    found = {}
    for c in range(cameras):
        angle = 2 * np.pi * c / cameras + 0.3
        center = np.array([3 * np.cos(angle), 3 * np.sin(angle), 0.5 + 0.4 * (c % 2)])
        R = looking_at(center, np.zeros(3))
        K = [[150, 0, WIDTH / 2], [0, 150, HEIGHT / 2], [0, 0, 1]]
        found[f"cam{c}"] = Camera.from_opencv(K, [-0.1, 0, 0, 0], R, -R @ center, (WIDTH, HEIGHT))
    return Rig(found, units="m")


def dot_picture(places):
    """Return a picture with one coloured dot at each place (3, 2)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    gaps = (x[..., None] - places[:, 0]) ** 2 + (y[..., None] - places[:, 1]) ** 2
    return (40 + 200 * np.exp(-gaps / (2 * DOT_PX**2))).round().astype(np.uint8)


def filmed_dots(folder, frames=24, cameras=4, masks=False, labelled=None):
    """Write a capture of three dots that turn and move, with exact labels in every picture."""
    rig, rng = dot_rig(cameras), np.random.default_rng(0)
    truth = np.zeros((frames, 3, 3))
    splits = Splits(
        train=tuple(range(frames * 2 // 3)), validation=(*range(frames * 2 // 3, frames),)
    )
    with CaptureWriter(folder, rig, fps=30.0, splits=splits, labelled=labelled) as writer:
        for frame in range(frames):
            R = Rotation.from_euler(
                "zyx", rng.uniform([-180, -40, -40], [180, 40, 40]), degrees=True
            )
            truth[frame] = R.apply(np.array(list(DOTS.values()))) + rng.uniform(-0.15, 0.15, 3)
            for name in rig.names:
                places = rig[name].project(truth[frame])
                writer.files.write_picture(name, frame, dot_picture(places))
                if masks:
                    y, x = np.mgrid[:HEIGHT, :WIDTH]
                    gap = np.hypot(x[..., None] - places[:, 0], y[..., None] - places[:, 1]).min(-1)
                    writer.files.write_mask(name, frame, (gap < 12).astype(np.float32))
        xy = np.stack([rig[name].project(truth)[:, None] for name in rig.names])
        writer.write_keypoints(
            Keypoints2D(
                rig.names, np.arange(frames), ("dots",), tuple(DOTS), xy, np.ones(xy.shape[:-1])
            )
        )
    return Capture.open(folder)


@pytest.fixture(scope="session")
def film_dots():
    """Return the maker of such captures."""
    return filmed_dots
