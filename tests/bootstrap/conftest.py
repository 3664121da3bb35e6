"""A walker filmed by six cameras, and detectors that know the truth but not quite."""

import os
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mvboot import save_rig
from mvboot.bootstrap.bones import Bone
from mvboot.datasets import Capture
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.keypoints import Keypoints2D
from mvboot.synthetic import articulated_scene

FRAMES, TRAIN, VALIDATION = 60, range(45), range(48, 60)
HELD_OUT = "cam_06"
CAPTURE = f"""schema: 1
splits:
  train: {TRAIN[0]}..{TRAIN[-1]}
  validation: {VALIDATION[0]}..{VALIDATION[-1]}
  held_out_cameras: [{HELD_OUT}]
"""
GROUPS = {
    "back": ["hip", "spine", "withers"],
    "head": ["neck", "nose", "ear_left", "ear_right"],
    "tail": ["tail_mid", "tail_tip"],
}


@pytest.fixture(scope="session")
def walked(tmp_path_factory):
    """Return a capture of blank pictures, the true keypoints in them, and the bones."""
    folder = tmp_path_factory.mktemp("walked")
    scene = articulated_scene(cameras=6, frames=FRAMES, seed=4)
    save_rig(scene.rig, folder / "rig.yaml")
    (folder / "capture.yaml").write_text(CAPTURE)
    width, height = scene.rig["cam_01"].size
    blank = folder / "blank.png"
    cv2.imwrite(str(blank), np.full((height, width, 3), 128, np.uint8))
    for name in scene.rig.names:
        (folder / "images" / name).mkdir(parents=True)
        for frame in range(FRAMES):
            os.link(blank, folder / "images" / name / f"{frame:06d}.png")
    truth = scene.detections(np.random.default_rng(0), noise_px=0.0, outliers=0.0, missing=0.0)
    truth = exactly(truth)
    write_keypoints2d(truth, folder / "truth.parquet")
    return SimpleNamespace(
        folder=folder,
        capture=Capture.open(folder),
        scene=scene,
        truth=truth,
        bones=tuple(Bone(f"{a} {b}", (a, b)) for a, b in scene.edges),
        groups=GROUPS,
    )


def exactly(keypoints):
    """Return keypoints of which all that are there are sure."""
    sure = np.where(keypoints.present, 1.0, np.nan)
    return Keypoints2D(
        keypoints.cameras, keypoints.frames, keypoints.individuals, keypoints.keypoints,
        keypoints.xy, sure,
    )  # fmt: skip


class Learner:
    """A detector in memory whose share of wrong detections falls with the labelled pictures.

    ``outliers`` says it by number of pictures; ``taught`` keeps the labels of each training and
    ``begun`` the round that it goes on from.
    """

    def __init__(self, truth, outliers=lambda pictures: 0.35 if pictures < 12 else 0.1):
        self.truth, self.outliers, self.taught, self.begun = truth, outliers, {}, {}
        self.detections = 0

    def train(self, labels, folder: Path, before=None):
        pictures = int(labels.present.any(axis=(2, 3)).sum())
        self.taught[folder.parent.name] = labels
        self.begun[folder.parent.name] = None if before is None else before.parent.name
        (folder / "pictures.txt").write_text(str(pictures))

    def detect(self, folder: Path, views):
        self.detections += 1
        pictures = int((folder / "pictures.txt").read_text())
        return said(self.truth, self.outliers(pictures), np.random.default_rng(pictures))


def said(truth, outliers, rng, noise_px=1.0):
    """Return what a detector says of true keypoints; wrong ones lie within 100 px."""
    wrong = rng.random(truth.shape) < outliers
    off = np.where(wrong[..., None], rng.uniform(-100, 100, truth.xy.shape), 0.0)
    xy = truth.xy + off + noise_px * rng.standard_normal(truth.xy.shape)
    sure = np.where(wrong, rng.uniform(0.1, 0.7, wrong.shape), rng.uniform(0.6, 1, wrong.shape))
    return Keypoints2D(
        truth.cameras, truth.frames, truth.individuals, truth.keypoints,
        xy, np.where(truth.present, sure, np.nan),
    )  # fmt: skip


@pytest.fixture(scope="session")
def fake():
    """Return the two above."""
    return SimpleNamespace(Learner=Learner, said=said)
