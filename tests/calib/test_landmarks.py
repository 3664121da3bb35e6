"""Where keypoints stand over a recording, and the file that gives them a meaning."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot import InputError
from mvboot.calib.landmarks import LandmarkSpec, landmarks
from mvboot.config import load_yaml
from mvboot.keypoints import Keypoints3D
from mvboot.synthetic.scene import ring_rig

GOOD = "origin: a\nx: [a, b]\nup: [a, top]\n"


@pytest.fixture
def rig():
    return ring_rig(3, radius=2.5, height=1.2, rng=np.random.default_rng(0))


def table(rig, xyz, individuals=("mouse",), **changes):
    """3D keypoints (F, I, K, 3) with names and nothing else of interest."""
    shape = xyz.shape[:3]
    empty = np.full(shape, np.nan)
    keypoints = Keypoints3D(
        frames=np.arange(shape[0]),
        individuals=individuals,
        keypoints=tuple("abcdefgh"[: shape[2]]),
        units=rig.units,
        xyz=xyz,
        error_px=empty,
        residual=empty,
        score=empty,
        covariance=np.full((*shape, 3, 3), np.nan),
        inliers=np.zeros((len(rig), *shape), dtype=bool),
        reason=np.full(shape, "", dtype=object),
        cameras=rig.names,
    )
    return replace(keypoints, **changes)


def test_the_median_over_frames(rig):
    rng = np.random.default_rng(1)
    xyz = np.tile([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0], [0, 0, 0]], (9, 1, 1, 1))
    xyz[:, 0, 1] += 0.01 * rng.standard_normal((9, 3))
    xyz[2, 0, 0] += 5.0  # one wrong frame moves nothing
    xyz[4:6, 0, 0] = np.nan
    xyz[:, 0, 2] = np.nan
    found = landmarks(rig, table(rig, xyz))
    np.testing.assert_allclose(found["a"].xyz, [0.1, 0.2, 0.3])
    assert found["a"].frames == 7 and found["a"].spread == 0
    assert 0.005 < found["b"].spread < 0.03 and found["b"].frames == 9
    assert np.isnan(found["c"].xyz).all() and found["c"].frames == 0


def test_positions_come_in_the_units_of_the_rig(rig):
    xyz = np.ones((2, 1, 1, 3))
    found = landmarks(rig.in_units("mm"), table(rig, xyz))
    np.testing.assert_allclose(found["a"].xyz, 1000)


def test_one_individual_is_chosen(rig):
    xyz = np.stack([np.zeros((2, 1, 3)), np.ones((2, 1, 3))], axis=1)
    pair = table(rig, xyz, individuals=("left", "right"))
    np.testing.assert_allclose(landmarks(rig, pair, "right")["a"].xyz, 1)
    with pytest.raises(InputError, match="individuals left, right; choose with --subject"):
        landmarks(rig, pair)
    with pytest.raises(InputError, match="no individual 'top'; there are left, right"):
        landmarks(rig, pair, "top")


def test_points_of_another_world_are_refused(rig):
    xyz = np.zeros((2, 1, 1, 3))
    two = rig.without("cam_02")
    same = {"provenance": {"rig_hash": two.fingerprint()}, "cameras": two.names}
    assert landmarks(rig, table(rig, xyz, **same, inliers=np.zeros((2, 2, 1, 1), dtype=bool)))
    other = ring_rig(3, radius=2.6, height=1.2, rng=np.random.default_rng(0))
    for stranger in (other, rig.in_units("mm")):
        with pytest.raises(InputError, match="triangulated with another rig"):
            landmarks(rig, table(rig, xyz, provenance={"rig_hash": stranger.fingerprint()}))
    with pytest.raises(InputError, match="triangulated with another rig"):
        landmarks(two, table(rig, xyz, provenance={"rig_hash": rig.fingerprint()}))


def test_the_file(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(
        "origin: [a, b]\nx: [a, b]\ny: [a, c]\nfloor: [a, b, c]\n"
        "length: {between: [a, b], is: 300 mm}\n"
    )
    spec = load_yaml(path, LandmarkSpec)
    assert spec.origin == ["a", "b"] and spec.floor == ["a", "b", "c"] and spec.up is None
    assert spec.length.in_m == pytest.approx(0.3)
    assert spec.names == ["a", "b", "c"]
    path.write_text(GOOD)
    spec = load_yaml(path, LandmarkSpec)
    assert spec.origin == ["a"] and spec.names == ["a", "b", "top"]


@pytest.mark.parametrize(
    "text, metres",
    [("300 mm", 0.3), ("300mm", 0.3), (".5 m", 0.5), ("2.5 cm", 0.025), ("250um", 25e-5)],
)
def test_lengths(text, metres):
    data = {"origin": "a", "x": ["a", "b"], "up": ["a", "c"]}
    length = {"between": ["a", "b"], "is": text}
    assert LandmarkSpec.model_validate({**data, "length": length}).length.in_m == pytest.approx(
        metres
    )


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("orign: a\nx: [a, b]\nup: [a, c]\n", 1, "orign: unknown key; did you mean 'origin'"),
        ("x: [a, b]\nup: [a, c]\n", 1, "origin: is missing"),
        ("origin: a\nx: [a]\nup: [a, c]\n", 2, "x: must be two different points"),
        ("origin: a\nx: [a, a]\nup: [a, c]\n", 2, "x: must be two different points"),
        ("origin: a\nx: [a, b]\nfloor: [a, b, a]\n", 3, "floor: must be three or more different"),
        ("origin: a\nx: [a, b]\n", 1, "needs either up: .* or floor"),
        (GOOD + "floor: [a, b, c]\n", 1, "needs either up: .* or floor"),
        ("origin: a\nup: [a, c]\n", 1, "needs a direction in the floor"),
        (GOOD + "length: {between: [a, b], is: 300}\n", 4, "valid string, got 300"),
        (GOOD + "length: {between: [a, b], is: 300 inch}\n", 4, "length above zero with its unit"),
        (GOOD + "length: {between: [a, b], is: 0 mm}\n", 4, "length above zero with its unit"),
        (GOOD + "length: {between: [a, b], is: -1 mm}\n", 4, "length above zero with its unit"),
        (GOOD + "length: {between: [a, b]}\n", 4, "length.is: is missing"),
        ("origin: []\nx: [a, b]\nup: [a, c]\n", 1, "at least 1 item"),
        ("origin: {a: b}\nx: [a, b]\nup: [a, c]\n", 1, "valid list"),
    ],
)
def test_faults_of_the_file_are_pointed_at(tmp_path, text, line, message):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_yaml(path, LandmarkSpec)
    assert f"spec.yaml:{line}:" in str(caught.value)
    assert str(caught.value).rstrip().endswith("^")
