from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D, Keypoints3D


@pytest.fixture
def keypoints():
    """Two cameras, five frames, three individuals, four keypoints; two detections missing."""
    rng = np.random.default_rng(0)
    xy, confidence = rng.uniform(0, 100, (2, 5, 3, 4, 2)), rng.uniform(0, 1, (2, 5, 3, 4))
    for missing in ((0, 1, 2, 3), (1, 4, 0, 0)):
        xy[missing], confidence[missing] = np.nan, np.nan
    return Keypoints2D(
        cameras=("left", "right"),
        frames=np.array([3, 4, 6, 7, 10]),
        individuals=("a", "b", "c"),
        keypoints=("nose", "ear", "paw", "tail"),
        xy=xy,
        confidence=confidence,
        identified=False,
        source={"format": "test"},
    )


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["cameras", "individuals", "keypoints"])
def test_names_must_be_there_and_differ(keypoints, axis):
    with pytest.raises(InputError, match=f"no {axis}"):
        replace(keypoints, **{axis: ()})
    names = getattr(keypoints, axis)
    with pytest.raises(InputError, match=f"{axis} has the name '{names[0]}' twice"):
        replace(keypoints, **{axis: (names[0],) * len(names)})


@pytest.mark.parametrize("frames", [[3, 4, 4, 7, 10], [3, 4, 6, 5, 10]])
def test_frames_must_increase(keypoints, frames):
    with pytest.raises(InputError, match="strictly increasing"):
        replace(keypoints, frames=np.array(frames))


def test_shapes_must_match_the_names(keypoints):
    with pytest.raises(InputError, match=r"\(2, 5, 3, 4\), but xy has shape \(2, 4, 3, 4, 2\)"):
        replace(keypoints, xy=keypoints.xy[:, :4])
    with pytest.raises(InputError, match="confidence"):
        replace(keypoints, confidence=keypoints.confidence[..., None])


PLACE = "in camera right, frame 6, individual b, keypoint tail"


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_pixels_are_placed(keypoints, value):
    with pytest.raises(InputError, match=f"infinite pixel coordinate {PLACE}"):
        replace(keypoints, xy=changed(keypoints.xy, (1, 2, 1, 3, 0), value))


@pytest.mark.parametrize("value", [-0.1, 1.5, np.inf])
def test_confidences_outside_0_to_1_are_placed(keypoints, value):
    with pytest.raises(InputError, match=f"confidence {value:g} {PLACE} is outside"):
        replace(keypoints, confidence=changed(keypoints.confidence, (1, 2, 1, 3), value))


def test_half_a_detection_is_placed(keypoints):
    with pytest.raises(InputError, match=f"NaN together, but are not {PLACE}"):
        replace(keypoints, xy=changed(keypoints.xy, (1, 2, 1, 3, 0), np.nan))
    with pytest.raises(InputError, match=f"NaN together, but are not {PLACE}"):
        replace(keypoints, confidence=changed(keypoints.confidence, (1, 2, 1, 3), np.nan))
    with pytest.raises(InputError, match="NaN together"):
        replace(keypoints, xy=changed(keypoints.xy, (1, 2, 1, 3), np.nan))


# --- views of it --------------------------------------------------------------------------------


def test_shape_and_presence(keypoints):
    assert keypoints.shape == (2, 5, 3, 4)
    assert keypoints.present.sum() == 2 * 5 * 3 * 4 - 2
    assert not keypoints.present[0, 1, 2, 3]


def test_cameras_are_chosen_and_ordered_by_name(keypoints):
    swapped = keypoints.for_cameras(("right", "left"))
    assert swapped.cameras == ("right", "left")
    np.testing.assert_array_equal(swapped.xy, keypoints.xy[::-1])
    np.testing.assert_array_equal(swapped.confidence, keypoints.confidence[::-1])
    assert keypoints.for_cameras(["right"]).shape == (1, 5, 3, 4)
    with pytest.raises(InputError, match="no keypoints for camera top; there are left, right"):
        keypoints.for_cameras(("left", "top"))


def test_renaming_cameras(keypoints):
    assert keypoints.renamed({"left": "cam_1"}).cameras == ("cam_1", "right")
    with pytest.raises(InputError, match="twice"):
        keypoints.renamed({"left": "right"})


def test_above_makes_the_others_missing(keypoints):
    kept = keypoints.above(0.5)
    np.testing.assert_array_equal(kept.present, keypoints.confidence >= 0.5)
    np.testing.assert_array_equal(kept.xy[kept.present], keypoints.xy[kept.present])
    assert np.isnan(kept.confidence[~kept.present]).all()
    np.testing.assert_array_equal(keypoints.above(0.0).present, keypoints.present)


def test_above_keeps_a_detection_exactly_at_the_threshold(keypoints):
    exact = replace(keypoints, confidence=changed(keypoints.confidence, (0, 0, 0, 0), 0.9))
    assert exact.above(0.9).present[0, 0, 0, 0]


def test_largest_takes_the_widest_individual_per_camera_and_frame(keypoints):
    xy = keypoints.xy.copy()
    xy[0, :, 1] *= 10
    xy[1, :, 2] *= 10
    one = replace(keypoints, xy=xy).largest()
    assert one.individuals == ("largest",) and one.identified
    np.testing.assert_array_equal(one.xy[0, :, 0], xy[0, :, 1])
    np.testing.assert_array_equal(one.xy[1, :, 0], xy[1, :, 2])
    np.testing.assert_array_equal(one.confidence[1, :, 0], keypoints.confidence[1, :, 2])


def test_largest_measures_confident_detections_only(keypoints):
    confidence = np.where(keypoints.present, 0.9, np.nan)
    confidence[:, :, 1] = np.where(keypoints.present[:, :, 1], 0.1, np.nan)
    xy = keypoints.xy.copy()
    xy[:, :, 1] *= 100
    xy[:, :, 0] *= 10
    people = replace(keypoints, xy=xy, confidence=confidence)
    np.testing.assert_array_equal(people.largest(0.5).xy[:, :, 0], xy[:, :, 0])
    np.testing.assert_array_equal(people.largest().xy[:, :, 0], xy[:, :, 1])


def test_largest_prefers_a_single_detection_to_nobody(keypoints):
    xy, confidence = np.full_like(keypoints.xy, np.nan), np.full_like(keypoints.confidence, np.nan)
    xy[:, :, 2, 1], confidence[:, :, 2, 1] = 50.0, 0.8
    one = replace(keypoints, xy=xy, confidence=confidence).largest()
    assert one.present[:, :, 0, 1].all() and one.present.sum() == 10


def test_chunks_hold_every_frame_once(keypoints):
    parts = list(keypoints.chunks(points=24))
    assert [len(part.frames) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([part.frames for part in parts]), keypoints.frames)
    np.testing.assert_array_equal(np.concatenate([p.xy for p in parts], axis=1), keypoints.xy)
    assert len(list(keypoints.chunks(points=1))) == 5
    assert len(list(keypoints.chunks(points=10**6))) == 1
    assert parts[0].source == keypoints.source and parts[0].identified == keypoints.identified


def test_samples_are_whole_frames_in_order(keypoints):
    drawn = keypoints.sample(36, np.random.default_rng(0))
    assert len(drawn.frames) == 3
    rows = np.searchsorted(keypoints.frames, drawn.frames)
    np.testing.assert_array_equal(drawn.xy, keypoints.xy[:, rows])
    again = keypoints.sample(36, np.random.default_rng(0))
    np.testing.assert_array_equal(again.frames, drawn.frames)
    everything = keypoints.sample(10**6, np.random.default_rng(0))
    np.testing.assert_array_equal(everything.frames, keypoints.frames)
    assert len(keypoints.sample(1, np.random.default_rng(0)).frames) == 1


def test_slices_are_by_position(keypoints):
    np.testing.assert_array_equal(keypoints.slice_frames(slice(1, 3)).frames, [4, 6])


# --- 3D -----------------------------------------------------------------------------------------


def test_accepted_points_and_their_views():
    inliers = np.zeros((4, 2, 1, 3), dtype=bool)
    inliers[:3, 0, 0, 0] = True
    xyz = np.full((2, 1, 3, 3), np.nan)
    xyz[0, 0, 0] = 1.0
    values = np.zeros((2, 1, 3))
    points = Keypoints3D(
        frames=np.arange(2),
        individuals=("a",),
        keypoints=("x", "y", "z"),
        units="mm",
        xyz=xyz,
        error_px=values,
        residual=values,
        score=values,
        covariance=np.zeros((2, 1, 3, 3, 3)),
        inliers=inliers,
        reason=np.full((2, 1, 3), "", dtype=object),
        cameras=("a", "b", "c", "d"),
    )
    assert points.accepted.sum() == 1 and points.accepted[0, 0, 0]
    assert points.n_views[0, 0].tolist() == [3, 0, 0]


# --- covariances --------------------------------------------------------------------------------


@pytest.fixture
def exact(keypoints):
    """The same detections, each with a covariance of its own."""
    size = 1.0 + np.arange(2 * 5 * 3 * 4).reshape(2, 5, 3, 4)
    covariance = size[..., None, None] * np.array([[2.0, 0.5], [0.5, 1.0]])
    covariance[~keypoints.present] = np.nan
    return replace(keypoints, covariance=covariance)


def test_covariances_go_where_their_detections_go(exact):
    def sizes(some):
        return some.covariance[..., 1, 1]

    whole = sizes(exact)
    np.testing.assert_array_equal(sizes(exact.for_cameras(["right", "left"])), whole[::-1])
    named = replace(exact, identified=True)
    np.testing.assert_array_equal(sizes(named.of("b")), whole[:, :, [1]])
    some = exact.for_keypoints({"tail": "end", "nose": "nose"})
    assert some.keypoints == ("end", "nose")
    np.testing.assert_array_equal(sizes(some), whole[..., [3, 0]])
    np.testing.assert_array_equal(some.xy, exact.xy[:, :, :, [3, 0]])
    with pytest.raises(InputError, match="no keypoint beak; there are nose, ear, paw, tail"):
        exact.for_keypoints({"beak": "nose"})
    np.testing.assert_array_equal(sizes(exact.slice_frames(slice(1, 3))), whole[:, 1:3])
    kept = exact.above(0.5)
    np.testing.assert_array_equal(np.isnan(sizes(kept)), ~kept.present)
    large = exact.largest()
    for c, f in np.ndindex(2, 5):
        chosen = sizes(large)[c, f, 0]
        assert any(np.array_equal(chosen, whole[c, f, i], equal_nan=True) for i in range(3))
    assert exact.largest().covariance.shape == (2, 5, 1, 4, 2, 2)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (np.nan, (1, 2, 0, 3)),
        (1.0, (0, 1, 2, 3)),  # nothing was detected there
        ([[1.0, 2.0], [2.0, 1.0]], (1, 2, 0, 3)),
        ([[1.0, 0.5], [0.4, 1.0]], (1, 2, 0, 3)),
        ([[-1.0, 0.0], [0.0, -1.0]], (1, 2, 0, 3)),
        ([[np.inf, 0.0], [0.0, 1.0]], (1, 2, 0, 3)),
    ],
)
def test_covariances_that_are_none(exact, value, where):
    camera = exact.cameras[where[0]]
    with pytest.raises(InputError, match=f"positive definite.*it is not in camera {camera}"):
        replace(exact, covariance=changed(exact.covariance, where, value))


def test_covariances_of_another_shape(exact):
    with pytest.raises(InputError, match=r"covariance has shape \(2, 5, 3, 4, 2\)"):
        replace(exact, covariance=exact.covariance[..., 0])
