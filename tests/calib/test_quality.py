"""Figures of a calibration: right where the truth is known, and said aloud where they are bad."""

from dataclasses import replace

import layouts
import numpy as np
import pytest
import torch
from problems import BOARD, problem

from mvboot.calib.boards import AprilGrid, Checkerboard
from mvboot.calib.bundle import Held
from mvboot.calib.flatness import BoardShape
from mvboot.calib.quality import (
    CameraQuality,
    camera_qualities,
    cautions,
    measure_board,
    neighbours,
    unobservable,
)
from mvboot.calib.rounds import Adjusted
from mvboot.calib.uncertainty import CameraCovariance, covariance
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

DIAGONAL = float(np.hypot(*BOARD.size))


@pytest.fixture(scope="module")
def exact():
    return problem("brown4", shots=14)


@pytest.fixture(scope="module")
def noisy():
    return problem("brown4", shots=14, noise_px=0.3)


def measured(case, bundle=None):
    return measure_board(case.shots, bundle or case.truth, case.observations)


# --- the board as a ruler -----------------------------------------------------------------------


def test_the_true_rig_measures_the_board_as_it_is(exact):
    ruler = measured(exact)
    assert len(ruler.ratio) > 500
    np.testing.assert_allclose(ruler.ratio, 1, atol=1e-6)
    np.testing.assert_allclose(ruler.error, 0, atol=1e-5)


@pytest.mark.parametrize("scale", [0.99, 1.01, 30 / 40])
def test_a_rig_of_another_scale_is_detected(noisy, scale):
    """The cameras stand too far apart by one percent: all they measure is."""
    rig, motion = noisy.truth.rig, noisy.truth.rig_from_points
    cameras = {
        name: camera.with_pose(Pose(camera.cam_from_world.R, scale * camera.cam_from_world.t))
        for name, camera in rig.cameras.items()
    }
    bundle = replace(noisy.truth, rig=Rig(cameras, "mm"), rig_from_points=motion)
    said = measured(noisy, bundle).summary()["board_scale_ratio"]
    assert said["median"] == pytest.approx(scale, abs=1e-3)


def test_one_camera_with_another_focal_length_spreads_the_ratio(noisy):
    rig = noisy.truth.rig
    K = rig["b"].K.clone()
    K[:2, :2] *= 1.03
    bundle = replace(noisy.truth, rig=Rig({**rig.cameras, "b": replace(rig["b"], K=K)}, "mm"))
    good, bad = measured(noisy), measured(noisy, bundle)
    assert bad.summary()["board_scale_ratio"]["mad"] > good.summary()["board_scale_ratio"]["mad"]
    assert np.median(bad.error) > 5 * np.median(good.error)


def test_errors_are_in_units_and_as_large_as_noise_makes_them(noisy):
    """0.3 px at 780 px focal length and 0.75 m: 0.3 mm across, more in depth."""
    said = measured(noisy).summary()["error_in_units"]
    assert 0.15 < said["median"] < 0.8 < said["p95"] < 4


def test_the_volume_is_the_box_around_nine_tenths(exact):
    poses = exact.truth.rig_from_points
    x = poses.apply(torch.from_numpy(BOARD.points).expand(len(poses.t), -1, 3)).reshape(-1, 3)
    extent = (x.max(0).values - x.min(0).values).numpy()
    volume = measured(exact).volume
    assert (volume < extent).all() and (volume > 0.4 * extent).all()


def test_what_did_not_count_is_not_measured(exact):
    few = exact.observations.where(exact.observations.camera > 0)
    whole, part = measured(exact), measure_board(exact.shots, exact.truth, few)
    assert 0 < len(part.error) <= len(whole.error)
    alone = measure_board(
        exact.shots, exact.truth, exact.observations.where(exact.observations.camera == 0)
    )
    assert alone.summary() == {
        "board_scale_ratio": {"median": None, "mad": None},
        "error_in_units": {"median": None, "p95": None},
        "working_volume": [0.0, 0.0, 0.0],
    }


@pytest.mark.parametrize(
    ("board", "pairs"),
    [
        (BOARD, 5 * 7 + 6 * 6),
        (Checkerboard(9, 6, "mm", 25.0), 8 * 6 + 9 * 5),
        (AprilGrid(2, 1, "mm", 40.0, 12.0), 2 * 4 + 2),
    ],
)
def test_neighbours_are_next_to_one_another_across_or_down(exact, board, pairs):
    i, j = neighbours(replace(exact.shots, board=board))
    step = np.abs(board.points[i] - board.points[j])
    assert (step.min(1) == 0).all() and ((step[:, :2] > 1e-9).sum(1) == 1).all()
    assert len(i) == pairs and len({*zip(i.tolist(), j.tolist(), strict=True)}) == pairs


# --- figures by camera --------------------------------------------------------------------------


def test_figures_count_what_was_used(noisy):
    seen = noisy.observations
    used = ~((seen.camera == 1) & (seen.instant < 4))
    residuals = noisy.truth.residuals(seen)
    adjusted = Adjusted(noisy.truth, used, residuals, ())
    spread = covariance(noisy.truth, seen, Held())
    found = camera_qualities(noisy.shots, seen, adjusted, spread)
    assert set(found) == {"a", "b", "c"}
    b = found["b"]
    own = seen.camera == 1
    assert b.points == (own & used).sum()
    assert b.left_out == pytest.approx((own & ~used).sum() / own.sum())
    assert b.views == len(np.unique(seen.instant[own & used]))
    assert found["a"].left_out == 0 and found["a"].rms_px == pytest.approx(0.3, rel=0.1)
    assert 0.4 < b.covered < 1 and b.covariance is spread["b"]


# --- what the data do not determine -------------------------------------------------------------


def spread_of(share, focal=800.0):
    """A covariance in which fx is known to this share of itself, fy twice as well."""
    variances = np.diag([(share * focal) ** 2, (share * focal / 2) ** 2])
    return CameraCovariance(("fx", "fy"), variances, np.zeros((3, 3)))


def rig_of(count=3, size=(640, 480), sizes=None):
    K = [[800.0, 0, 320], [0, 800, 240], [0, 0, 1]]
    camera = layouts.Camera.from_opencv(K, size=size)
    sizes = sizes or [size] * count
    return Rig({n: replace(camera, size=s) for n, s in zip("abcdef", sizes, strict=False)}, "mm")


@pytest.mark.parametrize(("share", "found"), [(0.0, 0), (0.029, 0), (0.031, 1), (2.0, 1)])
def test_a_focal_length_that_nobody_can_know(share, found):
    spread = {"a": spread_of(0.001), "b": spread_of(share), "c": spread_of(0.02)}
    findings = unobservable(rig_of(), spread)
    assert [f.cameras for f in findings] == [("b",)] * found
    for finding in findings:
        assert finding.code == "focal-unobservable"
        assert f"focal length of camera b is not determined (known to {100 * share:.0f} %" in (
            finding.message
        )


@pytest.mark.parametrize(("focal", "found"), [(30.0, 1), (400.0, 0), (1e5, 0), (1e6, 1)])
def test_a_focal_length_that_collapsed(focal, found):
    """Far from any lens there is, though every deviation is small."""
    rig = rig_of()
    K = rig["b"].K.clone()
    K[:2, :2] *= focal / 800
    rig = Rig({**rig.cameras, "b": replace(rig["b"], K=K)}, "mm")
    spread = dict.fromkeys("abc", spread_of(0.001)) | {"b": spread_of(0.001, focal)}
    findings = unobservable(rig, spread)
    assert [(f.code, f.cameras) for f in findings] == [("focal-unobservable", ("b",))] * found
    assert all("not determined (it collapsed)" in f.message for f in findings)


# --- cautions -----------------------------------------------------------------------------------


def quality(rms_px=0.2, views=20, left_out=0.02, covered=0.7, share=0.001):
    return CameraQuality(rms_px, views, 400, left_out, covered, spread_of(share))


def said_of(rig=None, shape=None, edges=None, **qualities):
    every = dict.fromkeys((rig or rig_of()).names, quality()) | qualities
    return cautions(rig or rig_of(), every, shape, edges or {}, DIAGONAL)


def test_a_good_calibration_needs_no_words():
    assert said_of() == []
    assert said_of(shape=BoardShape(BOARD.points, 0.3, 0.1, (0.3, 0.2)), edges={"a": 3.0}) == []


@pytest.mark.parametrize(
    ("bad", "good", "code", "words"),
    [
        ({"share": 0.012}, {"share": 0.008}, "focal-uncertain", "known to 1.2 % only"),
        ({"views": 9}, {"views": 10}, "few-views", "camera b has 9 usable pictures"),
        ({"rms_px": 0.7}, {"rms_px": 0.55}, "worse-camera", "(0.7 px against 0.2 px)"),
        ({"left_out": 0.25}, {"left_out": 0.15}, "left-out", "25 % of what camera b saw"),
        ({"covered": 0.4}, {"covered": 0.6}, "uncovered", "of b (40 %);"),
    ],
)
def test_each_camera_is_judged(bad, good, code, words):
    (said,) = said_of(b=quality(**bad))
    assert (said.code, said.cameras) == (code, ("b",))
    assert words in said.message
    assert said_of(b=quality(**good)) == []


def test_worse_than_the_rest_needs_a_visible_error():
    assert said_of(b=quality(rms_px=0.29), a=quality(rms_px=0.05), c=quality(rms_px=0.05)) == []


def test_what_holds_for_several_cameras_is_said_once():
    (said,) = said_of(a=quality(covered=0.2), c=quality(covered=0.3))
    assert said.cameras == ("a", "c") and "a (20 %), c (30 %)" in said.message


@pytest.mark.parametrize(("edge", "count"), [(4.9, 0), (6.0, 1)])
def test_soft_pictures(edge, count):
    said = said_of(edges={"a": 3.0, "c": edge})
    assert [(s.code, s.cameras) for s in said] == [("soft-pictures", ("c",))] * count
    assert all("c (6 px)" in s.message for s in said)


@pytest.mark.parametrize(
    ("bend", "held_out_px", "count"),
    [(2.0, (0.5, 0.2), 1), (0.3, (0.5, 0.2), 0), (2.0, (0.2, 0.2), 0)],
)
def test_a_board_that_is_not_flat(bend, held_out_px, count):
    said = said_of(shape=BoardShape(BOARD.points, bend, 0.1, held_out_px))
    assert [s.code for s in said] == ["board-not-flat"] * count
    assert all("bends by 2 mm" in s.message and "0.2 px against 0.5 px" in s.message for s in said)


def test_a_lens_that_folds_is_told():
    rig = rig_of()
    name = rig.names[1]
    odd = Camera.from_opencv([[500, 0, 319.5], [0, 500, 239.5], [0, 0, 1]], [-0.9, 0, 0, 0])
    odd = replace(odd, cam_from_world=rig[name].cam_from_world, size=(640, 480))
    (said,) = said_of(replace(rig, cameras={**rig.cameras, name: odd}))
    assert (said.code, said.cameras) == ("lens-folds", (name,))


WIDE, HIGH = (640, 480), (480, 640)


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [
        ([WIDE, HIGH, WIDE], ("b",)),
        ([HIGH, HIGH, WIDE, HIGH], ("c",)),
        ([WIDE, HIGH, HIGH, WIDE], ()),
        ([WIDE, HIGH], ()),
        ([HIGH, HIGH, HIGH], ()),
        ([WIDE], ()),
        ([(480, 480), WIDE, WIDE], ()),
    ],
)
def test_cameras_that_are_held_the_other_way(sizes, odd):
    rig = rig_of(sizes=sizes)
    said = [s for s in said_of(rig) if s.code == "turned"]
    assert [s.cameras for s in said] == ([odd] if odd else [])


def test_a_camera_of_unknown_size_is_not_judged():
    rig = rig_of(sizes=[WIDE, None, WIDE, HIGH])
    (said,) = said_of(rig)
    assert said.cameras == ("d",)
