"""Training of a detector: on dots whose places are known exactly."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from mvboot.datasets import Capture, View
from mvboot.datasets.boxes import Boxes
from mvboot.errors import InputError
from mvboot.inference.keypoints import detected
from mvboot.networks import load_network, read_header
from mvboot.training.keypoints.batches import KeypointData
from mvboot.training.keypoints.settings import KeypointSettings
from mvboot.training.keypoints.task import KeypointObjective
from mvboot.training.keypoints.temperature import cooled
from mvboot.training.run import CHECKPOINT, MODEL, PreparedRun, train

QUICK = {
    "size": 64, "batch": 4, "averaging": 0.8, "validate_every": 20, "learning_rate": 3e-3,
    "matching": {"views": 3},
}  # fmt: skip


def settings(**changes):
    return KeypointSettings(**{**QUICK, **changes})


def log(folder):
    return pd.read_csv(folder / "logs" / "metrics.csv")


@pytest.fixture(scope="module")
def supervised(dots, tmp_path_factory):
    """Return the folder of a run with all labels, and its last validation."""
    folder = tmp_path_factory.mktemp("supervised")
    return folder, train(settings(steps=60), dots, folder)


@pytest.mark.slow
def test_a_detector_learns_from_labels(supervised, dots):
    folder, found = supervised
    loss = log(folder)["labelled/keypoints"].dropna()
    assert loss.iloc[-1] < 0.5 * loss.iloc[0]
    assert found["validation/label_px"] < 2 and found["validation/pck"] > 0.5
    assert found["validation/epipolar_px"] < 3
    header = read_header(folder / MODEL)
    assert header.config.target.names == ("red", "green", "blue")
    assert header.provenance["settings"]["task"] == "keypoints"
    views = [View(camera, 20) for camera in dots.cameras]
    seen = detected(load_network(folder / MODEL).eval(), dots, views, 64, 0.15)
    truth = dots.keypoints.xy[:, [20]]
    assert np.median(np.linalg.norm(seen.xy - truth, axis=-1)) < 2


@pytest.mark.slow
def test_unlabelled_views_train_with_every_term(dots, tmp_path, supervised):
    geometry = {
        "consistency": 0.5,
        "pose": 0.1,
        "separation": 1.0,
        "silhouette": 1.0,
        "variance": 0.1,
    }
    run = settings(
        method="epipolar", steps=3, validate_every=3, geometry=geometry, label_frames=[0, 5]
    )
    train(run, dots, tmp_path / "all")
    names = set(log(tmp_path / "all").columns)
    expected = {"labelled/keypoints", "multiview/multiview", "geometry/consistency"}
    assert expected | {"geometry/pose", "geometry/separation", "geometry/variance"} <= names
    assert "geometry/silhouette" not in names, "there are no masks"
    network = load_network(tmp_path / "all" / MODEL)
    assert network.config.target.depth
    taught = settings(method="epipolar", steps=2, validate_every=2)
    found = train(taught, dots, tmp_path / "taught", supervised[0] / MODEL)
    logged = log(tmp_path / "taught")
    assert "distilled/keypoints" in logged and found["validation/drift_px"] >= 0
    rise = KeypointObjective(taught, KeypointData(dots, taught)).rise
    weights = [rise.at(done) for done in (0, 0.1, 0.2, 1)]
    assert weights == pytest.approx([0, 0.15, 0.3, 0.3])


@pytest.mark.slow
def test_views_lower_the_epipolar_error_without_labels(dots, supervised):
    """The term alone lowers itself where nothing is labelled."""
    run = settings(method="epipolar", label_frames=[5])
    data = KeypointData(dots.with_boxes(Boxes.of_keypoints(dots.keypoints)), run)
    objective = KeypointObjective(run, data)
    network = load_network(supervised[0] / MODEL)
    batch = {"views": data.views[0, 0]}
    optimizer = torch.optim.Adam(network.parameters(), 3e-4)
    values = []
    for _ in range(8):
        terms = objective.terms(batch, network, None, 1.0)["multiview"]
        values.append(terms.terms.losses["multiview"].item())
        optimizer.zero_grad()
        sum(terms.losses()).backward()
        optimizer.step()
    assert values[-1] < 0.9 * values[0]


@pytest.mark.slow
def test_a_run_that_stopped_goes_on_as_if_it_had_not(dots, tmp_path):
    whole = settings(
        method="epipolar", steps=4, validate_every=2, geometry={"pose": 0.2, "consistency": 0.1}
    )
    train(whole, dots, tmp_path / "whole")
    torch.manual_seed(99)
    half = tmp_path / "half"
    train(whole, dots, half, stop_after=2)
    train(whole, dots, tmp_path / "on", resume=half / CHECKPOINT)
    one, other = (load_network(tmp_path / name / MODEL) for name in ("whole", "on"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


# --- which labels -----------------------------------------------------------------------------


def test_labels_are_those_of_the_frames_and_cameras_that_were_asked_for(dots):
    data = KeypointData(dots, settings(label_frames=[0, 7], label_cameras=("cam1", "cam3")))
    views = {view for (view,) in data.labelled.views}
    assert views == {View(c, f) for c in ("cam1", "cam3") for f in (0, 7)}
    with pytest.raises(InputError, match="frame 20 has no label in cam0"):
        KeypointData(dots, settings(label_frames=[0, 20]))
    data = KeypointData(dots, settings(method="epipolar", label_frames=[0, 7]))
    sample = data.views.readers[0].read([View("cam0", 7), View("cam0", 8)])
    assert sample.confidence.gt(0).tolist() == [[True] * 3, [False] * 3]
    held = data.validation[0]
    assert held.confidence.gt(0).all(), "held-out labels validate"


def test_other_keypoints_can_take_the_place_of_the_labels(dots):
    shifted = replace(dots.keypoints, xy=dots.keypoints.xy + 3.0)
    few = shifted.at_rows(np.array([2, 3]))
    data = KeypointData(dots, settings(method="epipolar"), (dots.with_keypoints(few),))
    assert {view.frame for (view,) in data.labelled.views} == {2, 3}
    assert {view.frame for view in data.views.views[0]} == {0}, "all views train"
    for reader, truth in ((data.labelled.readers[0], few), (data.views.readers[0], few)):
        sample = reader.read([View("cam1", 3)])
        np.testing.assert_allclose(sample.keypoints_in_original[0], truth.xy[1, 1, 0])
    held = data.validation.readers[0].read([View("cam1", 20)])
    np.testing.assert_allclose(held.keypoints_in_original[0], dots.keypoints.xy[1, 20, 0])
    assert dots.keypoints.xy.shape[1] == 24, "the capture itself has not changed"


@pytest.mark.slow
def test_what_cannot_be_learned(dots, filmed, tmp_path):
    with pytest.raises(InputError, match=r"no training frame of .* has a labelled keypoint"):
        KeypointData(dots, settings(label_frames=[20]))
    with pytest.raises(InputError, match="has no keypoints to learn from"):
        KeypointData(dots.with_keypoints(None), settings())
    with pytest.raises(InputError, match="its keypoints are not those of"):
        KeypointData(dots, settings(), (dots, filmed))
    with pytest.raises(InputError, match="cam9 is no camera that trains"):
        KeypointData(dots, settings(label_cameras=("cam9",)))
    with pytest.raises(InputError, match="pairs: there is no keypoint yellow"):
        KeypointData(dots, settings(pairs={"red": "yellow"}))
    with pytest.raises(InputError, match="has keypoints of nowhere"):
        dots.with_keypoints(dots.keypoints.renamed({"cam0": "nowhere"}))


@pytest.mark.slow
def test_a_teacher_of_other_keypoints(dots, supervised):
    named = dots.keypoints.for_keypoints({"red": "nose", "green": "green", "blue": "blue"})
    with pytest.raises(InputError, match=r"predicts keypoints red, green, blue, .* the run keypoi"):
        PreparedRun.of(settings(), dots.with_keypoints(named), (), supervised[0] / MODEL)
    with pytest.raises(InputError, match=r"the run .* with depths"):
        deep = settings(geometry={"variance": 1.0})
        PreparedRun.of(deep, dots, (), supervised[0] / MODEL)


# --- left and right ---------------------------------------------------------------------------


def sided(capture, **names):
    return capture.with_keypoints(capture.keypoints.for_keypoints(names))


def test_mirrored_samples_swap_left_and_right(dots):
    named = sided(dots, red="nose", green="ear_left", blue="ear_right")
    data = KeypointData(named, settings(flip=1.0))
    assert not data.warnings
    sample = data.labelled[0, 3]
    view = sample.views[0]
    truth = named.keypoints.xy[named.cameras.index(view.camera), view.frame, 0]
    assert sample.mirrored.all()
    np.testing.assert_allclose(sample.keypoints_in_original[0], truth[[0, 2, 1]])


def test_nothing_is_mirrored_that_has_no_other_side(dots):
    for names, why in (
        ({"red": "nose", "green": "tail", "blue": "neck"}, "no two of them are left and right"),
        ({"red": "nose", "green": "ear_left", "blue": "neck"}, "ear_left has no other side"),
        (
            {"red": "hand_left", "green": "ear_left", "blue": "ear_right"},
            "hand_left has no other side",
        ),
    ):
        data = KeypointData(sided(dots, **names), settings(flip=1.0))
        assert why in data.warnings[0]
        assert not data.labelled[0, 0].mirrored.any()
    told = settings(flip=1.0, pairs={"tail": "neck"})
    data = KeypointData(sided(dots, red="nose", green="tail", blue="neck"), told)
    assert data.labelled[0, 0].mirrored.all() and not data.warnings


# --- crops ------------------------------------------------------------------------------------


def test_pictures_without_a_subject_are_reported(dots):
    run = settings(method="epipolar", label_frames=[0])
    warned = " ".join(KeypointData(dots, run).warnings)
    assert "nothing says where the subject is in 60 of 64 pictures" in warned
    boxes = Boxes.of_keypoints(dots.keypoints)
    assert "subject is" not in " ".join(KeypointData(dots.with_boxes(boxes), run).warnings)
    whole = run.model_copy(update={"crops": "picture"})
    data = KeypointData(dots, whole)
    assert "subject is" not in " ".join(data.warnings)
    for dataset in (data.labelled, data.views, data.validation):
        crop = dataset.readers[0].read([View("cam0", 0)]).crops[0]
        np.testing.assert_allclose(crop.scale, 120 * 1.3 / 64)


def test_crops_follow_boxes(dots):
    capture = dots.with_boxes(Boxes({View("cam0", 3): (10, 20, 50, 40)}))
    reader = KeypointData(capture, settings()).labelled.readers[0]
    for frame in (3, 4):
        crop = reader.read([View("cam0", frame)]).crops[0]
        np.testing.assert_allclose(crop.to_original([31.5, 31.5]), [30, 30])
        np.testing.assert_allclose(crop.scale, 40 * 1.3 / 64)
    assert isinstance(capture, Capture) and dots.boxes is None


# --- temperature ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_temperature_makes_beliefs_as_sure_as_they_are_right(supervised, dots):
    folder, _ = supervised
    data, network = KeypointData(dots, settings()), load_network(folder / MODEL).eval()
    fitted = network.config.target.temperature
    assert 0.5 < fitted < 2, "trained on as many labels as it has to learn"
    with torch.no_grad():
        network.head.read.weight *= 3
        network.head.read.bias *= 3
    assert cooled(network, data).config.target.temperature == pytest.approx(3 * fitted, rel=0.08)
    sample = data.validation[0]
    prediction = network(sample.images)
    raw = replace(prediction, temperature=1.0)
    assert (prediction.decoded().confidence < raw.decoded().confidence).float().mean() > 0.9


@pytest.mark.slow
def test_without_held_out_labels_the_temperature_stays(dots, supervised):
    network = load_network(supervised[0] / MODEL).eval()
    network.set_target(network.config.target.model_copy(update={"temperature": 1.7}))
    for keypoints in (None, dots.keypoints.at_rows(np.arange(16))):
        own = dots.with_keypoints(keypoints)
        data = KeypointData(own, settings(), (dots,))
        assert cooled(network, data).config.target.temperature == 1.7


@pytest.mark.parametrize("keypoint", ["red", "green"])
@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_what_people_place_differently_is_not_compared(dots, elsewhere, keypoint, flip):
    """In a mirrored sample the left hand has the label of the right one."""
    run = settings(method="epipolar", flip=flip, pairs={"red": "green", "blue": "blue"})
    off = elsewhere(dots.keypoints, "cam1", keypoint, 12.0)
    data = KeypointData(dots.with_keypoints(off), run)
    (warning,) = [text for text in data.warnings if "not compared" in text]
    assert f"{keypoint} in cam1 1" in warning and "in 1 of 12 pairs" in warning
    sample = next(s for s in (data.views[0, i] for i in range(9)) if "cam1" in _cameras(s))
    same = data.same_spots(sample)
    named = {"red": "green", "green": "red"}[keypoint] if flip else keypoint
    expected = np.ones_like(same)
    expected[_cameras(sample).index("cam1"), data.names.index(named)] = False
    assert bool(sample.mirrored[0]) == bool(flip)
    np.testing.assert_array_equal(same, expected)


def _cameras(sample):
    return [view.camera for view in sample.views]


@pytest.mark.slow
def test_the_objective_leaves_out_what_people_place_differently(dots, supervised):
    """With one view of each keypoint left there is nothing to compare, with all there is."""
    geometry = {"consistency": 0.1}
    run = settings(method="epipolar", flip=0.0, geometry=geometry)
    objective = KeypointObjective(run, data := KeypointData(dots, run))
    network = PreparedRun.of(run, dots).network
    sample = data.views[0, 0]

    def values():
        terms = objective.terms({"views": sample}, network, None, 1.0)
        return [terms[name].terms.losses for name in ("multiview", "geometry")]

    multiview, geometric = values()
    assert multiview["multiview"] > 0 and geometric["consistency"] > 0
    data.same_spots = lambda sample: np.arange(len(sample))[:, None] == np.zeros((1, 3))
    multiview, geometric = values()
    assert not multiview and geometric["consistency"] == 0


def test_nothing_left_to_compare_is_refused(dots, elsewhere):
    off = dots.keypoints
    for step, camera in enumerate(dots.cameras):
        for keypoint in dots.keypoints.keypoints:
            off = elsewhere(off, camera, keypoint, 14.0 * (step - 1.5))
    with pytest.raises(InputError, match="nothing is left to compare"):
        KeypointData(dots.with_keypoints(off), settings(method="epipolar"))
