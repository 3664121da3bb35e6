import numpy as np
import pytest

from mvboot.bootstrap.bones import Bone
from mvboot.bootstrap.heuristics import (
    few_inliers,
    hidden,
    jumping,
    misbuilt,
    subject_size,
    unsure,
)

NAMES = ("a", "b", "c", "d")


def walking(frames=6, speed=0.1):
    """Four keypoints that move together."""
    start = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    return start + speed * np.arange(frames)[:, None, None] * np.array([1.0, 0, 0])


def test_the_average_number_of_inliers():
    inliers = np.zeros((3, 3, 2), bool)  # cameras, frames, keypoints
    inliers[:, 0] = True  # 3 and 3
    inliers[:, 1, 0] = True  # 3, and one keypoint was refused
    assert few_inliers(inliers, 2.0).tolist() == [False, True, True]
    assert few_inliers(inliers, 1.5).tolist() == [False, False, True]


def test_the_average_confidence_is_that_of_inliers():
    inliers = np.array([[[True], [True], [False]], [[True], [False], [False]]])
    confidence = np.array([[[0.5], [0.5], [0.9]], [[0.1], [0.0], [0.9]]])
    assert unsure(confidence, inliers, 0.4).tolist() == [True, False, False]
    assert unsure(confidence, inliers, 0.3).tolist() == [False, False, False]


def test_a_keypoint_that_jumps_against_the_others():
    frames = np.arange(6)
    xyz = walking()
    assert not jumping(xyz, frames, 0.01).any(), "all move alike, however fast"
    xyz[2, 3] += [0, 0, 0.5]
    assert jumping(xyz, frames, 0.4).tolist() == [False, False, True, False, False, False]
    assert not jumping(xyz, frames, 0.6).any()


def test_a_keypoint_that_stays_where_it_jumped_to_is_let_be():
    xyz = walking()
    xyz[3:, 3] += [0, 0, 0.5]  # it fits one neighbour on either side of the jump
    assert not jumping(xyz, np.arange(6), 0.4).any()


def test_frames_that_are_no_neighbours_say_nothing():
    xyz = walking()
    xyz[2, 3] += [0, 0, 0.5]
    assert not jumping(xyz, np.array([0, 1, 5, 9, 10, 11]), 0.4).any()
    few = xyz.copy()
    few[:, :2] = np.nan
    assert not jumping(few, np.arange(6), 0.4).any(), "two keypoints have no median"
    assert not jumping(xyz[:1], np.arange(1), 0.4).any()


def test_bones_that_are_too_long_or_too_short():
    xyz = walking()
    bones = (
        Bone("ab", ("a", "b"), 0.8, 1.2),
        Bone("cd", ("c", "d"), longest=1.5),
        Bone("ad", ("a", "d")),
    )
    assert not misbuilt(xyz, NAMES, bones).any()
    xyz[1, 1] += [0.3, 0, 0]
    xyz[2, 1] -= [0.3, 0, 0]
    xyz[3, 3] -= [0.6, 0, 0]
    xyz[4, 0] = np.nan
    assert misbuilt(xyz, NAMES, bones).tolist() == [False, True, True, True, False, False]


def test_frames_that_too_few_views_see():
    usable = np.ones((5, 3), bool)
    usable[3:, 1] = False
    usable[2:, 2] = False
    assert hidden(usable).tolist() == [False, False, True]
    assert hidden(usable[:2]).tolist() == [False, False, False], "a rig of two"


def test_the_size_of_the_subject():
    xyz = walking()
    assert subject_size(xyz) == pytest.approx(np.sqrt(2))
    xyz[0, 1:] = np.nan  # too few points to say
    assert subject_size(xyz) == pytest.approx(np.sqrt(2))
    assert np.isnan(subject_size(np.full((2, 4, 3), np.nan)))
