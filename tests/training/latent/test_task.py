"""Keypoints that nobody labelled: on dots that turn, seen by four cameras."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mvboot.datasets import View
from mvboot.errors import InputError, QualityMissed
from mvboot.inference.keypoints import detected
from mvboot.losses import KeypointNetWeights
from mvboot.networks import load_network
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.latent.batches import LatentData
from mvboot.training.latent.settings import LatentSettings
from mvboot.training.latent.task import weights_of
from mvboot.training.latent.watch import PATIENCE, LatentWatch
from mvboot.training.run import MODEL, train

QUICK = {
    "backbone": "small", "size": 48, "width": 16, "groups": 2, "keypoints": 3, "averaging": 0.8,
    "validate_every": 20, "flip": 0.0,
}  # fmt: skip
ENDS = ("red", "green")


def settings(**changes):
    return LatentSettings(**{**QUICK, **changes})


@pytest.fixture(scope="module")
def masked(film_dots, tmp_path_factory):
    """Return a capture of three dots with masks."""
    return film_dots(tmp_path_factory.mktemp("masked") / "capture", masks=True)


@pytest.fixture(scope="module")
def run(film_dots, tmp_path_factory):
    """Return a capture with two instants to train on, the folder of a run, its validation."""
    folder = tmp_path_factory.mktemp("latent")
    few = film_dots(folder / "capture", frames=3, cameras=6, masks=True)
    chosen = settings(
        steps=120, groups=5, learning_rate=3e-3, validate_every=120, oriented=ENDS, start=0.4,
        preset="paper", weights={"noise": 0.02, "separation": 3.0},
    )  # fmt: skip
    return few, folder / "run", train(chosen, few, folder / "run")


@pytest.mark.slow
def test_the_terms_fall_and_each_has_a_line_in_the_log(run):
    _, folder, found = run
    log = pd.read_csv(folder / "logs" / "metrics.csv")
    terms = ("consistency", "pose", "separation", "silhouette", "variance")
    assert {f"latent/{name}" for name in terms} <= {*log.columns}
    # Turns take more steps, and in few of them another processor goes another way.
    for name in ("start/ends", "latent/silhouette", "latent/variance"):
        term = log[name].dropna()
        assert term.iloc[-1] < 0.2 * term.iloc[0], name
    assert 0 <= found["validation/facing"] <= 1 and found["validation/angle_deg"] < 180


@pytest.mark.slow
def test_heat_maps_are_read_like_those_of_a_detector(run):
    few, folder, _ = run
    views = [View(camera, 2) for camera in few.cameras]
    seen = detected(load_network(folder / MODEL).eval(), few, views, 48, 0.15)
    assert seen.keypoints == ("latent_00", "latent_01", "latent_02")
    assert np.isfinite(seen.xy).all()


def test_all_pairs_of_views_of_an_instant_train(masked):
    data = LatentData(masked, settings(oriented=ENDS))
    assert data.views is not None and len(data.views) == 16 * 6 and data.warnings == ()
    sample = data.views[0]
    assert sample.keypoint_names == ENDS and sample.views[0].frame == sample.views[1].frame
    assert len(data.validation) == 8 * 6


def test_what_is_missing_is_said(dots, film_dots, tmp_path):
    without = LatentData(dots, settings())
    assert any("have no mask" in text for text in without.warnings)
    assert any("nothing says front and back" in text for text in without.warnings)
    with pytest.raises(InputError, match="there is no keypoint nose"):
        LatentData(dots, settings(oriented=("nose", "red")))
    with pytest.raises(InputError, match="says where red and green"):
        LatentData(dots.with_keypoints(None), settings(oriented=ENDS))
    with pytest.raises(InputError, match="have no labels"):
        LatentData(dots, settings(), [dots])
    alone = film_dots(tmp_path / "alone", frames=3, cameras=1)
    with pytest.raises(InputError, match="filmed by two cameras"):
        LatentData(alone, settings())


@pytest.mark.slow
def test_a_capture_with_dense_fields_is_read_without_them(tmp_path):
    walk = SynthSettings(cameras=2, frames=3, size=48, samples=1, occluders=0, seed=2)
    filmed = synthesise(walk, tmp_path / "walk")
    data = LatentData(filmed, settings(oriented=("nose", "pelvis"), flip=1.0))
    sample = data.views[0]
    assert sample.fields is None or not sample.labelled.any()
    assert sample.keypoint_names == ("nose", "pelvis")


def test_presets_and_single_weights():
    assert weights_of(settings(preset="paper")) == KeypointNetWeights.paper()
    code = settings(keypoints=5, weights={"pose": 0.7, "noise": 0.0})
    expected = replace(KeypointNetWeights.tf_code(5), pose=0.7, noise=0.0)
    assert weights_of(code) == expected
    with pytest.raises(ValidationError, match="weights"):
        settings(weights={"poise": 1.0})


HEALTHY = {"spread": 0.5, "inside": 0.99, "angle_deg": 12.0, "turn_deg": 70.0}


@pytest.mark.parametrize(
    "changed, words",
    [
        ({}, None),
        ({"spread": 0.1}, "gathered in one place: they spread 0.10 half sizes"),
        ({"spread": 19.4}, "depths of the keypoints have drifted: they spread 19.4 half sizes"),
        ({"inside": 0.3}, "left the subject: 30% lie on the mask"),
        ({"angle_deg": 68.0}, "do not turn with the subject: they are off by 68 deg"),
        ({"angle_deg": 9.0, "turn_deg": 10.0}, None),
    ],
)
def test_the_watch_names_what_goes_wrong(changed, words):
    watch = LatentWatch()
    for _ in range(PATIENCE):
        watch.see(HEALTHY | changed, 0.2)
    assert watch.fault(7) is None, "too early to tell"
    for _ in range(PATIENCE):
        watch.see(HEALTHY | changed, 0.7)
    fault = watch.fault(7)
    assert fault is None if words is None else words in fault and fault.startswith("step 7: ")


def test_one_odd_batch_is_no_fault():
    watch = LatentWatch()
    for _ in range(PATIENCE):
        watch.see(HEALTHY, 0.7)
    watch.see(HEALTHY | {"spread": 0.0}, 0.7)
    assert watch.fault(1) is None


def test_a_run_that_collapses_stops_with_a_sentence(film_dots, tmp_path, monkeypatch):
    monkeypatch.setattr("mvboot.training.latent.watch.PATIENCE", 3)
    still = film_dots(tmp_path / "still", frames=3, cameras=3, masks=True)
    weights = {"pose": 0.0, "separation": 0.0, "consistency": 1.0}
    with pytest.raises(QualityMissed, match="gathered in one place"):
        train(settings(steps=12, weights=weights), still, tmp_path / "run")
