from dataclasses import replace

import numpy as np
import pytest

from mvboot.datasets.label_agreement import LabelAgreement, label_gaps
from mvboot.datasets.labels import of_views
from mvboot.synthetic import articulated_scene

CAMERAS = ("cam_01", "cam_02", "cam_03", "cam_04")
FRAMES = [3, 9, 20]


@pytest.fixture(scope="module")
def scene():
    return articulated_scene(cameras=6, frames=30, seed=4)


@pytest.fixture
def labels(scene):
    exact = scene.detections(np.random.default_rng(0), noise_px=0.0, outliers=0.0, missing=0.0)
    return of_views(exact, CAMERAS, FRAMES)


def test_exact_labels_agree(scene, labels):
    gaps = label_gaps(scene.rig, labels, 3.0)
    assert gaps.shape == (6, len(labels.keypoints))
    assert np.nanmax(gaps[:4]) < 1e-6 and np.isfinite(gaps[:4]).all()
    assert np.isnan(gaps[4:]).all(), "nobody labelled these cameras"
    found = LabelAgreement.of(scene.rig, labels, 0.02)
    assert found.described() == "" and found.warning("so what") is None


def test_the_view_that_means_another_spot_is_found(scene, labels, elsewhere):
    off = elsewhere(labels, "cam_02", "nose", 15.0)
    found = LabelAgreement.of(scene.rig, off, 0.02)
    nose = labels.keypoints.index("nose")
    assert found.gaps_px[1, nose] == pytest.approx(15.0, abs=0.5)
    rest = np.delete(found.gaps_px, nose, axis=1)
    assert np.nanmax(rest) < 0.5 and np.nanmax(found.gaps_px[[0, 2, 3], nose]) < 0.5
    assert found.described().startswith("nose in cam_02 15.")
    warning = found.warning("these do not count")
    assert "in 1 of 68 pairs" in warning and warning.endswith("these do not count")


def test_it_says_so_by_name_in_any_order(scene, labels, elsewhere):
    found = LabelAgreement.of(scene.rig, elsewhere(labels, "cam_02", "nose", 15.0), 0.02)
    same = found.same_spot(["cam_09", "cam_02", "cam_01"], ["tail_tip", "nose", "hat"])
    assert same.tolist() == [[True, True, True], [True, False, True], [True, True, True]]
    kept = found.kept(labels).present[:, :, 0]
    nose = labels.keypoints.index("nose")
    assert not kept[1, :, nose].any() and kept.sum() == labels.present.sum() - len(FRAMES)


def test_without_a_limit_or_labels_all_means_the_same(scene, labels, elsewhere):
    off = elsewhere(labels, "cam_02", "nose", 15.0)
    for found in (LabelAgreement.of(scene.rig, off, None), LabelAgreement.unknown()):
        assert found.same_spot(CAMERAS, labels.keypoints).all() and not found.described()


def test_one_keypoint_has_no_size(scene, labels, elsewhere):
    nose = labels.for_keypoints({"nose": "nose"})
    found = LabelAgreement.of(scene.rig, elsewhere(nose, "cam_02", "nose", 15.0), 0.02)
    assert found.same_spot(CAMERAS, ["nose"]).all()


def test_two_labelled_cameras_cannot_tell(scene, labels, elsewhere):
    two = of_views(elsewhere(labels, "cam_02", "nose", 15.0), CAMERAS[:2], FRAMES)
    assert np.isnan(label_gaps(scene.rig, two, 3.0)).all()


def test_views_of_which_no_two_agree_are_infinitely_far(scene, labels):
    off = replace(labels, xy=labels.xy.copy())
    nose = labels.keypoints.index("nose")
    off.xy[:4, :, 0, nose] += 400 * np.array([[-1.0, 1], [1, 1], [1, -1], [-1, -1]])[:, None]
    found = LabelAgreement.of(scene.rig, off, 0.001)
    assert np.isinf(found.gaps_px[:4, nose]).all()
    assert "nose in cam_01," in found.described(), "no number: nobody knows how far"


def test_a_message_names_the_farthest(scene, labels, elsewhere):
    off = labels
    for px, keypoint in enumerate(labels.keypoints[:12]):
        off = elsewhere(off, "cam_02", keypoint, 10.0 + px)
    found = LabelAgreement.of(scene.rig, off, 0.02).described()
    assert found.startswith(f"{labels.keypoints[11]} in cam_02 2") and found.endswith("and 4 more")


def test_labels_are_not_asked_to_be_finer_than_clicks(scene, labels, elsewhere):
    off = elsewhere(labels, "cam_02", "nose", 2.0)
    assert LabelAgreement.of(scene.rig, off, 1e-4).same_spot(CAMERAS, labels.keypoints).all()
