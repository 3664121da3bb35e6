"""Our network as the detector: what it is taught, where it looks, that it repeats itself."""

import shutil

import numpy as np
import pytest

from mvboot.bootstrap.network import LOCATOR, NetworkDetector
from mvboot.datasets import Capture, View
from mvboot.datasets.labels import of_views
from mvboot.networks import read_header
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.keypoints.settings import KeypointSettings

QUICK = KeypointSettings(steps=3, size=64, batch=2, validate_every=3, accelerator="cpu")


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A capture with masks, and the same without."""
    folder = tmp_path_factory.mktemp("filmed")
    settings = SynthSettings(
        cameras=3, frames=6, size=80, samples=1, occluders=0, validation=0.0, seed=2
    )
    synthesise(settings, folder / "masks")
    shutil.copytree(folder / "masks", folder / "bare")
    shutil.rmtree(folder / "bare" / "masks")
    return folder


def taught(detector, labels, folder, before=None):
    folder.mkdir()
    detector.train(labels, folder, before)
    return detector.detect(folder, [View("cam_01", 1), View("cam_03", 2)])


@pytest.mark.slow
def test_it_learns_and_detects_about_the_masks_and_repeats_itself(filmed, tmp_path):
    capture = Capture.open(filmed / "masks")
    labels = of_views(capture.keypoints, capture.cameras, [0])
    found = [taught(NetworkDetector(QUICK, capture), labels, tmp_path / n) for n in "ab"]
    assert found[0].keypoints == labels.keypoints and found[0].cameras == ("cam_01", "cam_03")
    seen = found[0].present.any((2, 3))
    assert seen.tolist() == [[True, False], [False, True]]
    assert np.array_equal(found[0].xy, found[1].xy, equal_nan=True)
    assert found[0].covariance is not None
    assert not (tmp_path / "a" / LOCATOR).exists()
    more = of_views(capture.keypoints, capture.cameras, [0, 1, 2])
    other = taught(NetworkDetector(QUICK, capture), more, tmp_path / "c")
    assert not np.array_equal(found[0].xy, other.xy, equal_nan=True)


@pytest.mark.slow
def test_it_goes_on_from_an_earlier_one(filmed, tmp_path):
    capture = Capture.open(filmed / "masks")
    labels = of_views(capture.keypoints, capture.cameras, [0])
    still = QUICK.model_copy(update={"learning_rate": 1e-12})
    moving, resting = NetworkDetector(QUICK, capture), NetworkDetector(still, capture)
    first = taught(moving, labels, tmp_path / "a")
    on = taught(resting, labels, tmp_path / "b", before=tmp_path / "a")
    anew = taught(resting, labels, tmp_path / "c")
    np.testing.assert_allclose(on.xy, first.xy, atol=0.5)
    assert np.nanmax(np.abs(anew.xy - first.xy)) > 1.0


@pytest.mark.slow
def test_the_captures_own_keypoints_are_never_looked_at(filmed, tmp_path):
    capture = Capture.open(filmed / "masks")
    labels = of_views(capture.keypoints, capture.cameras, [0])
    blind = capture.with_keypoints(None)
    with_own, without = (
        taught(NetworkDetector(QUICK, one), labels, tmp_path / name)
        for name, one in (("a", capture), ("b", blind))
    )
    assert np.array_equal(with_own.xy, without.xy, equal_nan=True)


@pytest.mark.slow
def test_without_masks_and_boxes_a_second_network_finds_the_subject(filmed, tmp_path):
    capture = Capture.open(filmed / "bare").with_keypoints(None)
    labels = of_views(Capture.open(filmed / "masks").keypoints, capture.cameras, [0])
    found = taught(NetworkDetector(QUICK, capture), labels, tmp_path / "a")
    header = read_header(tmp_path / "a" / LOCATOR / "model.safetensors")
    assert header.provenance["settings"]["crops"] == "picture"
    assert header.provenance["settings"]["size"] == 192 and found.present.any()
    whole = QUICK.model_copy(update={"crops": "picture"})
    taught(NetworkDetector(whole, capture), labels, tmp_path / "b")
    assert not (tmp_path / "b" / LOCATOR).exists()


@pytest.mark.slow
def test_what_is_doubtful_is_told(filmed, tmp_path):
    capture = Capture.open(filmed / "masks")
    odd = {n: n.replace("_l", "_x").replace("left", "lft") for n in capture.keypoints.keypoints}
    labels = of_views(capture.keypoints.for_keypoints(odd), capture.cameras, [0])
    told = []
    taught(NetworkDetector(QUICK, capture, warn=told.append), labels, tmp_path / "a")
    assert any("not mirrored" in text for text in told)
