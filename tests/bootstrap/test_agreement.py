import numpy as np
import pytest

from mvboot.bootstrap import Bootstrapping, BootstrapSettings
from mvboot.datasets.labels import of_views, on_axes

CAMERAS = ("cam_01", "cam_02", "cam_03", "cam_04")
FRAMES = [3, 9, 20]


@pytest.fixture
def labels(walked):
    return of_views(walked.truth, CAMERAS, FRAMES)


def selector_of(walked, fake, labels, **settings):
    held = of_views(walked.truth, walked.capture.cameras, range(48, 60))
    return Bootstrapping(
        BootstrapSettings.model_validate({"window": 9, **settings}),
        walked.capture, labels, held, fake.Learner(walked.truth), walked.groups, walked.bones,
    ).selector  # fmt: skip


@pytest.mark.slow
def test_what_means_another_spot_is_neither_used_nor_labelled_anew(walked, fake, labels, elsewhere):
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
