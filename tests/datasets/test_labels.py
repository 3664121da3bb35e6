import numpy as np
import pytest

from mvboot.datasets.labels import (
    labelled_pictures,
    of_views,
    on_axes,
    subject_size_px,
    united,
)
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D


def labels(pictures, value=1.0, cameras=("a", "b"), frames=(1, 2, 3), names=("x", "y")):
    """Return labels of some pictures, all at the same place."""
    xy = np.full((len(cameras), len(frames), 1, len(names), 2), np.nan)
    for camera, frame in pictures:
        xy[cameras.index(camera), frames.index(frame)] = value
    sure = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    return Keypoints2D(cameras, np.array(frames), ("s",), names, xy, sure)


def test_other_axes_hold_the_same_labels():
    one = labels([("a", 1), ("b", 3)])
    moved = on_axes(one, ("c", "b"), [0, 3, 9])
    assert moved.cameras == ("c", "b") and moved.frames.tolist() == [0, 3, 9]
    assert labelled_pictures(moved).tolist() == [[False] * 3, [False, True, False]]
    spread = np.where(one.present[..., None, None], np.eye(2), np.nan)
    stated = Keypoints2D(
        one.cameras, one.frames, one.individuals, one.keypoints, one.xy, one.confidence,
        covariance=spread,
    )  # fmt: skip
    assert np.nansum(on_axes(stated, ("b",), [3]).covariance) == 4


def test_some_views():
    one = labels([("a", 1), ("a", 2), ("b", 1)])
    assert labelled_pictures(of_views(one, ["a"], [2, 7])).sum() == 1
    assert not labelled_pictures(of_views(one, ["c"], [2])).any()


def test_labels_of_people_go_before_pseudo_labels_picture_by_picture():
    people = labels([("a", 1)], value=5.0)
    people.xy[0, 0, 0, 1], people.confidence[0, 0, 0, 1] = np.nan, np.nan  # one was not labelled
    both = united(people, labels([("a", 1), ("b", 4)], 2.0, frames=(1, 4)))
    assert both.frames.tolist() == [1, 2, 3, 4]
    assert labelled_pictures(both).sum() == 2
    assert both.xy[0, 0, 0, 0].tolist() == [5, 5] and np.isnan(both.xy[0, 0, 0, 1]).all()
    assert both.xy[1, 3, 0, 0].tolist() == [2, 2]
    with pytest.raises(InputError, match="cannot be one set"):
        united(people, labels([("a", 1)], names=("x", "z")))


def test_the_size_of_the_subject_in_pictures():
    one = labels([("a", 1), ("b", 2)])
    one.xy[0, 0, 0] = [[0, 0], [30, 4]]
    one.xy[1, 1, 0] = [[0, 0], [3, 50]]
    assert subject_size_px(one) == 40
    one.xy[1, 1, 0, 1] = np.nan
    assert subject_size_px(one) == 30
    with pytest.raises(InputError, match="state threshold_px"):
        subject_size_px(labels([("a", 1)], names=("x",)))
