"""Exact cameras in OpenCV's own formulas, a moving subject, and a runner for prepare.py."""

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from mvboot.datasets import Capture, public

DATASETS = Path(__file__).parents[3] / "datasets"
SIZE = (64, 48)


@dataclass(frozen=True)
class TrueCamera:
    """K, distortion (k1 k2 p1 p2 k3), rotation and centre; lengths in the download's unit."""

    K: np.ndarray
    dist: np.ndarray
    R: np.ndarray
    C: np.ndarray

    @property
    def t(self):
        return -self.R @ self.C

    def pixels(self, points):
        points = np.asarray(points, float)
        found, _ = cv2.projectPoints(
            points.reshape(-1, 3), cv2.Rodrigues(self.R)[0], self.t, self.K, self.dist
        )
        return found.reshape(*points.shape[:-1], 2)


def true_cameras(count, unit=1.0, distortion=True, size=SIZE):
    """Return cameras around the origin, 3 m away; ``unit``: how many units a metre has."""
    cameras = []
    for c in range(count):
        angle = 2 * np.pi * c / max(count, 3) + 0.3
        C = unit * np.array([3 * np.cos(angle), 3 * np.sin(angle), 0.5 + 0.4 * c])
        z = -C / np.linalg.norm(C)
        x = np.cross(z, [0, 0, 1.0])
        x /= np.linalg.norm(x)
        K = np.array([[70.0 + c, 0, size[0] / 2 + 1.5], [0, 72.0 + c, size[1] / 2 - 1], [0, 0, 1]])
        dist = np.array([-0.21, 0.06, 0.0013, -0.0011, -0.01]) if distortion else np.zeros(5)
        cameras.append(TrueCamera(K, dist, np.stack([x, np.cross(z, x), z]), C))
    return cameras


def moving(frames, joints, unit=1.0):
    """Return joints (F, K, 3) that differ in all frames, within 0.4 m of the origin."""
    base = np.random.default_rng(joints).uniform(-0.3, 0.3, (joints, 3))
    shift = 0.01 * np.asarray(frames, float)[:, None, None] * [1.0, -0.5, 0.3]
    return unit * (base + shift)


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def exact():
    """Return the makers above."""
    return {"true_cameras": true_cameras, "moving": moving, "SIZE": SIZE}


@pytest.fixture
def script(monkeypatch):
    """Return a function that returns the names of datasets/<name>/prepare.py."""

    def names(name):
        monkeypatch.syspath_prepend(str(DATASETS / name))
        return runpy.run_path(str(DATASETS / name / "prepare.py"))

    return names


@pytest.fixture
def prepare(capsys, script):
    """Return a function that runs datasets/<name>/prepare.py and returns code, output, errors."""

    def prepared(name, *arguments):
        code = public.run(script(name)["prepare"], [str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return prepared


@pytest.fixture
def refused(prepare):
    """Return a function that runs a script and checks for one line, code 2, nothing written."""

    def refuse(name, out, *arguments, says=()):
        code, _, err = prepare(name, *arguments, "--out", out)
        assert code == 2, err
        assert err.startswith("mvboot: ") and err.count("\n") == 1, err
        for words in says:
            assert words in err, err
        assert not out.exists()
        assert not list(out.parent.glob(".partial-*"))

    return refuse


@pytest.fixture
def opened():
    """Return a function that checks a capture and returns it with its true keypoints."""

    def check(out):
        capture = Capture.open(out)
        capture.check()
        return capture, capture.truth.keypoints3d

    return check
