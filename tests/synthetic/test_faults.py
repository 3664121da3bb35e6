"""Faults of a capture: none is none, each as large as asked, each from its own stream."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from mvboot.calib.compare import compare_rigs
from mvboot.errors import InputError
from mvboot.synthetic import articulated_scene
from mvboot.synthetic.faults import Faults, disturbed_labels, miscalibrated
from mvboot.synthetic.rigs import synthetic_rig

FRAMES = np.arange(2000)
ALL = Faults(
    dropped=0.2,
    desync_s=0.004,
    drift_ppm=80.0,
    rotation_deg=0.7,
    translation_m=0.02,
    focal=0.01,
    gain=0.3,
    colour=0.1,
    vignetting=0.4,
    noise=0.01,
    exposure_s=0.008,
    labels_px=2.0,
)


@pytest.fixture(scope="module")
def rig():
    rng = np.random.default_rng(5)
    return synthetic_rig("moving", 4, (320, 240), rng, frames=np.arange(20))


def drawn(faults, names=("a", "b", "c"), seed=0):
    return faults.of_cameras(names, np.random.default_rng(seed))


# --- nothing, and as much as asked --------------------------------------------------------------


def test_no_faults_change_nothing(rig):
    wrong = drawn(Faults(), rig.names)
    assert miscalibrated(rig, wrong).fingerprint() == rig.fingerprint()
    labels = articulated_scene(3, 5).detections(np.random.default_rng(0))
    names = labels.renamed(dict(zip(labels.cameras, rig.names, strict=False)))
    np.testing.assert_array_equal(disturbed_labels(names, wrong).xy, labels.xy)
    for camera in wrong.values():
        np.testing.assert_array_equal(camera.kept_frames(FRAMES), FRAMES)
        np.testing.assert_array_equal(camera.filming_times(FRAMES, 25.0), FRAMES / 25.0)
        np.testing.assert_array_equal(camera.light_factors((8, 6)), np.ones((6, 8, 3)))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_the_share_of_lost_frames_is_binomial(share):
    for camera in drawn(Faults(dropped=share)).values():
        lost = len(FRAMES) - len(camera.kept_frames(FRAMES))
        assert 1e-4 < binom.cdf(lost, len(FRAMES), share) < 1 - 1e-4


def test_cameras_lose_different_frames_and_a_frame_keeps_its_fate():
    wrong = drawn(Faults(dropped=0.5))
    kept = {name: set(camera.kept_frames(FRAMES).tolist()) for name, camera in wrong.items()}
    assert kept["a"] != kept["b"] != kept["c"]
    some = np.arange(7, 500, 3)
    assert wrong["a"].kept_frames(some).tolist() == [f for f in some if f in kept["a"]]
    assert len(wrong["a"].kept_frames([])) == 0


def test_clocks_are_late_and_slow_as_stated():
    names = [str(c) for c in range(400)]
    wrong = drawn(Faults(desync_s=0.01, drift_ppm=50.0), names)
    delays = np.array([camera.delay_s for camera in wrong.values()])
    slowness = np.array([camera.slowness for camera in wrong.values()])
    assert delays.std() == pytest.approx(0.01, rel=0.1) and abs(delays.mean()) < 0.002
    assert slowness.std() == pytest.approx(50e-6, rel=0.1)
    assert abs(np.corrcoef(delays, slowness)[0, 1]) < 0.2
    times = wrong["3"].filming_times([0, 3000], fps=30.0)
    assert times == pytest.approx([delays[3], delays[3] + 100 * (1 + slowness[3])], abs=1e-12)


def test_miscalibration_is_measured_as_asked(rig):
    faults = Faults(rotation_deg=0.5, translation_m=0.03, focal=0.02)
    wrong = drawn(faults, rig.names)
    stated = miscalibrated(rig, wrong)
    for frame in (0, 19):
        found = compare_rigs(rig.at(frame), stated.at(frame)).as_given
        for name in rig:
            assert found[name].rotation_deg == pytest.approx(0.5, abs=1e-6)
            assert found[name].center == pytest.approx(0.03, abs=1e-9)
            assert found[name].focal_ratio == pytest.approx(wrong[name].focal, abs=1e-12)
            assert abs(wrong[name].focal - 1) == pytest.approx(0.02)
            shift = stated[name].at(frame).center - rig[name].at(frame).center
            np.testing.assert_allclose(shift, wrong[name].translation_m, atol=1e-12)
            assert found[name].principal_point_px == 0 and found[name].gap_px > 1


def test_miscalibration_does_not_depend_on_units(rig):
    wrong = drawn(ALL, rig.names)
    one, other = miscalibrated(rig.in_units("mm"), wrong), miscalibrated(rig, wrong)
    for difference in compare_rigs(one.in_units("m"), other).as_given.values():
        assert difference.center < 1e-9 and difference.gap_px < 1e-6


def test_light_is_as_bright_and_as_coloured_as_asked():
    names = [str(c) for c in range(400)]
    logs = np.log([c.gain for c in drawn(Faults(gain=0.3, colour=0.1), names).values()])
    assert logs.mean(1).std() == pytest.approx(0.3, rel=0.1)
    assert (logs - logs.mean(1, keepdims=True)).std() == pytest.approx(0.1, rel=0.1)
    factors = drawn(Faults(vignetting=0.4))["a"].light_factors((64, 48))
    assert factors[0, 0] == pytest.approx([0.6] * 3)
    assert factors[23:25, 31:33].min() > 0.999
    assert (np.diff(factors[24, 32:, 0]) < 0).all()


def test_labels_are_off_by_as_much_as_asked():
    labels = articulated_scene(3, 200).detections(np.random.default_rng(0), missing=0.3)
    wrong = drawn(Faults(labels_px=2.0), labels.cameras)
    clicked = disturbed_labels(labels, wrong)
    np.testing.assert_array_equal(clicked.present, labels.present)
    gap = (clicked.xy - labels.xy)[labels.present]
    assert gap.std() == pytest.approx(2.0, rel=0.02) and abs(gap.mean()) < 0.05
    some = disturbed_labels(labels.slice_frames(slice(50, 60)), wrong)
    np.testing.assert_array_equal(some.xy, clicked.xy[:, 50:60])


# --- streams ------------------------------------------------------------------------------------


def plain(faults):
    return {name: camera.as_dict() for name, camera in faults.items()}


def test_the_generator_decides_and_one_number_is_taken():
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    first, second = ALL.of_cameras(["a"], rng), ALL.of_cameras(["a"], rng)
    assert plain(first) == plain(ALL.of_cameras(["a"], other)) != plain(second)
    assert plain(drawn(ALL)) != plain(drawn(ALL, seed=1))


def test_what_is_recorded_is_plain():
    assert json.loads(json.dumps(plain(drawn(ALL)))) == plain(drawn(ALL))


def test_more_cameras_change_nothing():
    few, many = drawn(ALL), drawn(ALL, ("a", "b", "c", "d"))
    assert plain(few) == {name: many[name].as_dict() for name in few}
    np.testing.assert_array_equal(few["c"].kept_frames(FRAMES), many["c"].kept_frames(FRAMES))


@pytest.mark.parametrize(
    ("fault", "moved"),
    [
        ("dropped", {"dropped"}),
        ("desync_s", {"delay_s"}),
        ("drift_ppm", {"slowness"}),
        ("rotation_deg", {"rotation"}),
        ("translation_m", {"translation_m"}),
        ("focal", {"focal"}),
        ("gain", {"gain"}),
        ("colour", {"gain"}),
        ("vignetting", {"vignetting"}),
        ("noise", {"noise"}),
        ("exposure_s", {"exposure_s"}),
        ("labels_px", {"labels_px"}),
    ],
)
def test_one_fault_does_not_change_another(fault, moved):
    half, whole = drawn(replace(ALL, **{fault: getattr(ALL, fault) / 2})), drawn(ALL)
    for name in whole:
        one, other = half[name].as_dict(), whole[name].as_dict()
        assert {key for key in one if one[key] != other[key]} == moved
        if fault != "dropped":
            kept = half[name].kept_frames(FRAMES)
            np.testing.assert_array_equal(kept, whole[name].kept_frames(FRAMES))
        if fault != "labels_px":
            clicks = [wrong[name].label_errors([3, 5], 4) for wrong in (half, whole)]
            np.testing.assert_array_equal(*clicks)


def test_its_own_size_only_scales_a_fault():
    half, whole = drawn(replace(ALL, rotation_deg=0.35, dropped=0.1)), drawn(ALL)
    for name in whole:
        np.testing.assert_allclose(2 * half[name].rotation, whole[name].rotation)
        fewer, more = (set(w[name].kept_frames(FRAMES).tolist()) for w in (whole, half))
        assert fewer < more


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dropped": 1.0}, "dropped is a share below 1"),
        ({"focal": 1.5}, "focal is a share below 1"),
        ({"vignetting": 2.0}, "vignetting is a share"),
        ({"gain": -0.1}, "gain must be 0 or more, got -0.1"),
        ({"desync_s": float("nan")}, "desync_s must be 0 or more"),
    ],
)
def test_impossible_faults_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Faults(**change)


def test_a_camera_without_faults_is_named(rig):
    with pytest.raises(InputError, match="no faults are given for camera cam_04"):
        miscalibrated(rig, drawn(ALL, rig.names[:3]))
    labels = articulated_scene(2, 2).detections(np.random.default_rng(0))
    with pytest.raises(InputError, match="no faults are given for camera cam_02"):
        disturbed_labels(labels, drawn(ALL, ["cam_01"]))
    with pytest.raises(InputError, match="frame numbers must be 0"):
        drawn(ALL)["a"].kept_frames([-1, 2])
