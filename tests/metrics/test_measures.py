import shutil
from dataclasses import replace

import numpy as np
import pytest

from mvboot.datasets import Capture
from mvboot.datasets.layout import POSES, TRUTH
from mvboot.errors import InputError
from mvboot.inference.field_folder import FieldFolder
from mvboot.metrics import Instant, Rules, Settings, measured


@pytest.fixture
def settings(capture):
    return Settings(
        capture,
        capture.template,
        capture.cameras,
        FieldFolder.open(capture.folder, capture),
        Rules(points=40),
        lifted_points=100,
    )


def instant(settings, frame=0):
    fields = {name: settings.capture.field(name, frame) for name in settings.cameras}
    return Instant(frame, fields, settings)


@pytest.mark.slow
def test_everything_is_measured_where_there_is_truth(settings):
    found = measured([instant(settings)], settings)
    assert found["not_measured"] == {}
    assert found["surface"]["reference"] == "truth"
    assert found["surface"]["gps"] == pytest.approx(1, abs=1e-3)
    assert found["epipolar"]["mean_px"] < 1
    assert found["landmarks"]["median_px"] < 1
    assert found["lifted"]["lifted"] > 0.2
    assert found["drift"]["mean_cm"] == pytest.approx(0, abs=0.1)


def test_one_camera_and_no_other_fields(settings):
    few = replace(settings, cameras=settings.cameras[:1], against=None)
    found = measured([instant(few)], few)
    assert {"surface", "landmarks"} == set(found) - {"not_measured"}
    assert found["not_measured"]["epipolar"] == "there is one camera, cam_01"
    assert found["not_measured"]["lifted"] == "there is one camera, cam_01"
    assert "--against" in found["not_measured"]["drift"]


def test_without_truth_labels_and_keypoints_consistency_is_left(settings, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(settings.capture.folder, bare)
    for name in (TRUTH, "fields", "keypoints.parquet"):
        shutil.rmtree(bare / name) if (bare / name).is_dir() else (bare / name).unlink()
    own = replace(settings, capture=Capture.open(bare), against=None)
    found = measured([Instant(0, instant(settings).fields, own)], own)
    assert found["epipolar"]["mean_px"] < 1
    assert "no true or labelled fields" in found["not_measured"]["surface"]
    assert found["not_measured"]["landmarks"] == "the capture has no keypoints"
    assert found["not_measured"]["lifted"] == "the capture has no true poses"


def test_labels_count_as_reference_without_truth(settings, tmp_path):
    real = tmp_path / "real"
    shutil.copytree(settings.capture.folder, real)
    shutil.rmtree(real / TRUTH)
    own = replace(settings, capture=Capture.open(real))
    found = measured([instant(own)], own)
    assert found["surface"]["reference"] == "labels"
    assert found["landmarks"]["reference"] == "keypoints"


def test_several_subjects_cannot_be_matched(settings, tmp_path):
    crowd = tmp_path / "crowd"
    shutil.copytree(settings.capture.folder, crowd)
    path = crowd / TRUTH / POSES
    with np.load(path) as file:
        arrays = dict(file)
    for name in ("individuals", "shapes", "rotations", "translations"):
        arrays[name] = np.concatenate([arrays[name]] * 2)
    np.savez(path, **arrays)
    own = replace(settings, capture=Capture.open(crowd))
    found = measured([instant(own)], own)
    for name in ("epipolar", "landmarks", "lifted"):
        assert "several subjects" in found["not_measured"][name]
    assert found["surface"]["mean_cm"] == pytest.approx(0, abs=0.1)


def test_landmarks_by_other_names(settings):
    named = replace(settings, landmarks={"wrist_left": "wrist_right"})
    wrong = measured([instant(named)], named)["landmarks"]
    assert list(wrong["per_landmark"]) == ["wrist_left"]
    assert wrong["pck_0.05"] < 0.5
    with pytest.raises(InputError, match="no landmark toe"):
        unknown = replace(settings, landmarks={"wrist_left": "toe"})
        measured([instant(unknown)], unknown)


@pytest.mark.slow
def test_templates_without_an_embedding(settings):
    flat = replace(settings, template=replace(settings.template, embedding=None))
    found = measured([instant(flat)], flat)
    assert "surface" in found
    for name in ("epipolar", "landmarks", "lifted"):
        assert found["not_measured"][name] == "the template has no embedding to match in"


def test_nothing_at_all(settings):
    found = measured([], settings)
    assert set(found) == {"not_measured"}
    assert set(found["not_measured"]) == {"surface", "epipolar", "landmarks", "lifted", "drift"}
