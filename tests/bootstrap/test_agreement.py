from dataclasses import replace

import numpy as np
import pytest

from mvboot.bootstrap import Bootstrapping, BootstrapSettings
from mvboot.bootstrap.agreement import described, label_gaps
from mvboot.bootstrap.labels import of_views, on_axes

CAMERAS = ("cam_01", "cam_02", "cam_03", "cam_04")
FRAMES = [3, 9, 20]


@pytest.fixture
def labels(walked):
    return of_views(walked.truth, CAMERAS, FRAMES)


def elsewhere(labels, camera, keypoint, px):
    """Return labels of which one keypoint means another spot in one camera."""
    off = replace(labels, xy=labels.xy.copy())
    off.xy[labels.cameras.index(camera), ..., labels.keypoints.index(keypoint), 1] += px
    return off


def selector_of(walked, fake, labels, **settings):
    held = of_views(walked.truth, walked.capture.cameras, range(48, 60))
    return Bootstrapping(
        BootstrapSettings.model_validate({"window": 9, **settings}),
        walked.capture, labels, held, fake.Learner(walked.truth), walked.groups, walked.bones,
    ).selector  # fmt: skip


def test_exact_labels_agree(walked, labels):
    gaps = label_gaps(walked.capture.rig, labels, 3.0)
    assert gaps.shape == (6, len(labels.keypoints))
    assert np.nanmax(gaps[:4]) < 1e-6 and np.isfinite(gaps[:4]).all()
    assert np.isnan(gaps[4:]).all(), "nobody labelled these cameras"
    assert described(gaps, labels, 3.0) == ""


def test_the_view_that_means_another_spot_is_found(walked, labels):
    gaps = label_gaps(walked.capture.rig, elsewhere(labels, "cam_02", "nose", 15.0), 3.0)
    nose = labels.keypoints.index("nose")
    assert gaps[1, nose] == pytest.approx(15.0, abs=0.5)
    gaps[1, nose] = 0.0
    assert np.nanmax(gaps) < 0.5
    found = label_gaps(walked.capture.rig, elsewhere(labels, "cam_02", "nose", 15.0), 3.0)
    assert described(found, labels, 3.0).startswith("cam_02: nose 15.")


def test_two_labelled_cameras_cannot_tell(walked, labels):
    two = of_views(elsewhere(labels, "cam_02", "nose", 15.0), CAMERAS[:2], FRAMES)
    assert np.isnan(label_gaps(walked.capture.rig, two, 3.0)).all()


def test_views_of_which_no_two_agree_are_infinitely_far(walked, labels):
    off = replace(labels, xy=labels.xy.copy())
    nose = labels.keypoints.index("nose")
    off.xy[:4, :, 0, nose] += 400 * np.array([[-1.0, 1], [1, 1], [1, -1], [-1, -1]])[:, None]
    gaps = label_gaps(walked.capture.rig, off, 0.5)
    assert np.isinf(gaps[:4, nose]).all()
    assert "cam_01: nose" in described(gaps, labels, 3.0)


def test_what_means_another_spot_is_neither_used_nor_labelled_anew(walked, fake, labels):
    off = elsewhere(labels, "cam_02", "nose", 15.0)
    train = walked.capture.split("train").tolist()
    detections = on_axes(
        elsewhere(walked.truth, "cam_02", "nose", 15.0), walked.capture.training_cameras, train
    )
    nose, second = labels.keypoints.index("nose"), 1
    chosen = selector_of(walked, fake, off).choose(detections)
    present = chosen.labels.present[:, :, 0]
    assert not present[second, :, nose].any()
    assert not chosen.points.inliers[second, :, 0, nose].any()
    others = np.arange(len(labels.keypoints)) != nose
    assert present[second][:, others].any() and present[0, :, nose].any()
    kept = selector_of(walked, fake, off, agreement=None).choose(detections)
    assert kept.labels.present[second, :, 0, nose].any()
