"""A rig from shots of a board: right, honest about what it knows, refused where it would be wrong.

Shots of four cameras take a second; pictures have their tests with the command.
"""

from dataclasses import replace

import numpy as np
import pytest
import spoiled
import torch
from problems import BOARD, shown_to
from spoiled import ONE_LENS, of_shape, sound, waved

from mvboot.calib import CalibrationOptions, calibrate_rig
from mvboot.calib.boards import Checkerboard
from mvboot.calib.calibrate import CalibrationFailed
from mvboot.calib.quality import cautions
from mvboot.errors import InputError, NothingUsable
from mvboot.geometry import Pose
from mvboot.synthetic.boards import board_shots

TRUTH = spoiled.rig()
KNOWN = dict(TRUTH.cameras)


def calibrated(shots, **options):
    lenses = {name: ONE_LENS[name] for name in shots.cameras}
    return calibrate_rig(shots, CalibrationOptions(lenses=lenses, **options))


def refused(shots, **options):
    """The findings of a recording that must not become a rig."""
    with pytest.raises(CalibrationFailed) as failed:
        calibrated(shots, **options)
    return failed.value.findings


def distances(rig, names=None):
    centers = torch.stack([rig[name].center for name in names or rig.names])
    return torch.pdist(centers).numpy()


def assert_right(calibration, truth=TRUTH, apart=1e-3):
    """Focal lengths within 3 sigma or 0.2 %, distances within 0.1 % of the truth."""
    rig = calibration.rig
    for name in rig.names:
        spread = calibration.qualities[name].covariance
        for i, term in enumerate(("fx", "fy")):
            got, true = float(rig[name].K[i, i]), float(truth[name].K[i, i])
            assert abs(got - true) <= max(3 * spread.deviation(term), 0.002 * true), (name, term)
    np.testing.assert_allclose(distances(rig), distances(truth, rig.names), rtol=apart)


@pytest.fixture(scope="module")
def usual():
    """A sound recording, nothing given but the lens."""
    return calibrated(sound())


# --- sound recordings ---------------------------------------------------------------------------


def test_a_sound_recording_becomes_the_true_rig(usual):
    assert_right(usual)
    assert usual.adjusted.rms_px == pytest.approx(0.2, rel=0.05)
    assert usual.adjusted.trouble is None and usual.left_out == ()
    assert usual.rig.units == "mm" and usual.rig.names == ("a", "b", "c", "d")
    assert [usual.rig[n].size for n in "abcd"] == [(640, 480)] * 4
    assert np.median(usual.ruler.ratio) == pytest.approx(1, abs=5e-4)
    assert not usual.shape.is_better
    assert len(usual.links) == 6 and len(usual.tree) == 3
    assert cautions(usual.rig, usual.qualities, usual.shape, dict.fromkeys("abcd", 2.5), 230) == []


@pytest.mark.slow
def test_the_lens_is_chosen_where_none_is_given():
    """The simplest one within three percent: it costs some tenths of a percent of focal length."""
    chosen = calibrate_rig(sound().of(["a", "c"]))
    for name, camera in chosen.cameras.items():
        assert camera.choice.name in {"brown1", "brown2"}
        assert set(camera.held_out_px) >= {"pinhole", "brown2", "rational", "fisheye"}
        assert camera.held_out_px["pinhole"] > 1.3 * camera.held_out_px["brown2"]
        np.testing.assert_allclose(chosen.rig[name].K, TRUTH[name].K, rtol=0.01)
    np.testing.assert_allclose(distances(chosen.rig), distances(TRUTH, ("a", "c")), rtol=5e-3)


def test_the_covariance_is_honest(usual):
    """Errors of focal lengths and centres over their deviations are of order one."""
    errors = []
    for name in usual.rig.names:
        spread = usual.qualities[name].covariance
        errors.append(float(usual.rig[name].K[0, 0] - TRUTH[name].K[0, 0]) / spread.deviation("fx"))
    assert 0.1 < np.sqrt(np.mean(np.square(errors))) < 2.5


def test_the_same_shots_give_the_same_rig():
    shots = sound(16).of(["a", "b"])
    first, again = (calibrate_rig(shots, CalibrationOptions(known=KNOWN)) for _ in range(2))
    assert first.rig.fingerprint() == again.rig.fingerprint()


@pytest.mark.slow
def test_gross_errors_do_not_matter(usual):
    rng = np.random.default_rng(5)
    shots = sound()
    wrong = rng.random(shots.seen.shape) < 0.02
    pixels = np.where(wrong[..., None], shots.pixels + rng.uniform(10, 50, 2), shots.pixels)
    again = calibrated(replace(shots, pixels=pixels))
    assert_right(again)
    assert again.adjusted.rms_px == pytest.approx(usual.adjusted.rms_px, rel=0.03)
    assert all(q.left_out > 0.015 for q in again.qualities.values())


@pytest.mark.slow
def test_a_camera_may_be_turned_throughout():
    """A rig describes pictures as they are; that one is held the other way is worth a word."""
    found = calibrated(spoiled.turned(sound().of(["a", "b", "d"]), "d"))
    K = found.rig["d"].K
    assert float(K[0, 0]) == pytest.approx(float(TRUTH["d"].K[1, 1]), rel=3e-3)
    assert found.rig["d"].size == (480, 640)
    np.testing.assert_allclose(distances(found.rig), distances(TRUTH, "abd"), rtol=1e-3)
    (said,) = cautions(found.rig, found.qualities, found.shape, {}, 230)
    assert said.code == "turned" and said.cameras == ("d",) and "90 degrees" in said.message


def test_one_camera_alone():
    found = calibrated(sound().of(["b"]))
    assert found.rig.names == ("b",) and found.links == [] and found.tree == []
    spread = found.qualities["b"].covariance
    error = float(found.rig["b"].K[0, 0] - TRUTH["b"].K[0, 0])
    assert abs(error) < 3 * spread.deviation("fx") < 0.02 * 795
    assert len(found.ruler.ratio) == 0, "one camera triangulates nothing"
    assert found.ruler.summary()["board_scale_ratio"] == {"median": None, "mad": None}


@pytest.mark.slow
def test_lengths_are_in_the_units_of_the_board():
    board = replace(BOARD, units="cm", square=2.5, marker=1.8)
    found = calibrated(replace(sound(16), board=board).of(["a", "b"]))
    assert found.rig.units == "cm"
    np.testing.assert_allclose(distances(found.rig), distances(TRUTH, "ab") / 10, rtol=5e-3)


# --- a board that is not flat -------------------------------------------------------------------


@pytest.mark.slow
def test_a_bent_board_is_measured_and_used():
    """Each camera alone has its focal length wrong by percents; all together know better."""
    shots, points = of_shape(bend=2.0)
    found = calibrated(shots.of(["a", "c", "d"]))
    alone = [float(c.camera.K[0, 0] / TRUTH[n].K[0, 0]) - 1 for n, c in found.cameras.items()]
    assert max(np.abs(alone)) > 0.02, "why pairs of cameras seem to contradict one another"
    assert found.shape.is_better
    depth = np.ptp(points[:, 2])
    assert np.ptp(found.shape.points[:, 2]) == pytest.approx(depth, rel=0.1)
    assert_right(found)
    assert found.adjusted.rms_px == pytest.approx(0.2, rel=0.05)
    diagonal = float(np.hypot(*BOARD.size))
    (said,) = cautions(found.rig, found.qualities, found.shape, {}, diagonal)
    assert said.code == "board-not-flat" and f"bends by {found.shape.bend:.2g} mm" in said.message


# --- what the user decides ----------------------------------------------------------------------


@pytest.mark.slow
def test_known_intrinsics_stay():
    known = KNOWN | {"a": replace(TRUTH["a"], size=None)}
    found = calibrate_rig(sound(16), CalibrationOptions(known=known))
    for name in "abcd":
        lens, true = found.rig[name].lens, TRUTH[name].lens
        np.testing.assert_array_equal(found.rig[name].K, TRUTH[name].K)
        np.testing.assert_array_equal(lens.coefficients, true.coefficients)
        assert found.rig[name].size == (640, 480)
        assert found.qualities[name].covariance.deviation("fx") == 0
    np.testing.assert_allclose(distances(found.rig), distances(TRUTH), rtol=1e-3)


def test_known_intrinsics_must_be_of_these_pictures():
    known = KNOWN | {"c": replace(TRUTH["c"], size=(1280, 960))}
    with pytest.raises(InputError, match=r"camera c are for pictures of 1280 x 960 px.*640 x 480"):
        calibrate_rig(sound(), CalibrationOptions(known=known))


@pytest.mark.slow
def test_what_is_held_stays_as_the_camera_alone_had_it():
    held = {"a": frozenset({"focal"}), "b": frozenset({"principal_point", "k2"})}
    found = calibrated(sound(16).of(["a", "b"]), held=held)
    alone = {name: camera.camera for name, camera in found.cameras.items()}
    moved = {n: (found.rig[n].K != alone[n].K).numpy() for n in "ab"}
    assert not moved["a"][[0, 1], [0, 1]].any() and moved["a"][[0, 1], [2, 2]].all()
    assert not moved["b"][[0, 1], [2, 2]].any() and moved["b"][[0, 1], [0, 1]].all()
    changed = found.rig["b"].lens.coefficients != alone["b"].lens.coefficients
    assert changed.tolist() == [True, False, False, False]


@pytest.mark.slow
def test_at_most_so_many_instants_are_used():
    found = calibrated(waved().of(["a", "b"]), max_shots=15)
    numbers = found.shots.numbers
    assert len(numbers) == 15 and np.isin(numbers, waved().numbers).all()
    assert (np.diff(numbers) > 0).all()


def test_blurred_pictures_are_kept_out():
    edges = np.full((2, 16), 3.0)
    edges[1, [3, 8]] = 9.0
    options = CalibrationOptions(known=KNOWN)
    found = calibrate_rig(sound(16).of(["a", "b"]), options, edges)
    counts = dict(zip(found.shots.numbers.tolist(), found.shots.counts.T, strict=True))
    assert (counts[3][1], counts[8][1]) == (0, 0) and counts[3][0] and counts[8][0]


@pytest.mark.slow
def test_a_measured_distance_confirms_the_scale_or_not():
    shots = sound(16).of(["a", "d"])
    apart = float(distances(TRUTH, "ad")[0])

    def measured(times, **more):
        lengths = {("d", "a"): times * apart}
        options = CalibrationOptions(known=KNOWN, distances=lengths, **more)
        return calibrate_rig(shots, options)

    measured(1.01)
    measured(0.75, distance_tolerance=0.4)
    with pytest.raises(CalibrationFailed) as failed:
        measured(0.75)
    (found,) = failed.value.findings
    assert found.code == "wrong-scale" and found.cameras == ("d", "a")
    assert f"apart but were measured at {0.75 * apart:.4g} mm" in found.message
    assert "times what charuco:7x8" in found.message
    times = float(found.message.split("probably ")[1].split()[0])
    assert times == pytest.approx(0.75, rel=2e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lenses": {"e": ("brown2",)}}, "there is no camera e; there are a, b, c, d"),
        ({"held": {"a": frozenset({"zoom"})}}, "cannot hold zoom; use distortion, focal"),
        ({"lenses": {"a": ("brown9",)}}, "unknown lens brown9; use one of pinhole, brown1"),
        ({"distances": {("a", "x"): 5.0}}, "there is no camera x"),
        ({"distances": {("a", "a"): 5.0}}, "distance a:a must be a length between two cameras"),
        ({"distances": {("a", "b"): 0.0}}, "distance a:b must be a length"),
        ({"known": {"a": TRUTH["a"]}}, "known intrinsics lack camera b, c, d; they have a"),
    ],
)
def test_options_that_cannot_be_meant(options, words):
    with pytest.raises(InputError, match=words):
        calibrate_rig(sound(), CalibrationOptions(**options))


# --- recordings that fall apart, or show too little ---------------------------------------------


IN_GROUPS = spoiled.seen_only(sound(), {"a": slice(10), **dict.fromkeys("bcd", slice(10, None))})


@pytest.mark.slow
def test_groups_without_a_link_are_refused_or_left_out():
    """The larger group was recorded last: instants of the others must not shift its poses."""
    (found,) = refused(IN_GROUPS)
    assert found.code == "no-overlap" and "b, c, d | a" in found.message
    part = calibrated(IN_GROUPS, allow_partial=True)
    assert part.rig.names == ("b", "c", "d") and part.left_out == ("a",)
    assert set(part.shots.numbers) <= set(range(10, 24))
    assert {n for link in part.links for n in (link.a, link.b)} == set("bcd")
    np.testing.assert_allclose(distances(part.rig), distances(TRUTH, "bcd"), rtol=5e-3)
    assert part.adjusted.rms_px == pytest.approx(0.2, rel=0.1)


@pytest.mark.slow
def test_a_distance_to_a_camera_that_is_left_out_cannot_be_checked():
    with pytest.raises(InputError, match=r"camera a shares no picture.*--distance"):
        calibrated(IN_GROUPS, allow_partial=True, distances={("a", "b"): 200.0})


@pytest.mark.slow
def test_cameras_of_which_no_two_are_linked_are_refused_even_so():
    apart = {name: slice(6 * i, 6 * i + 6) for i, name in enumerate("abcd")}
    (found,) = refused(spoiled.seen_only(sound(), apart), allow_partial=True)
    assert found.code == "no-overlap"


def test_too_few_usable_pictures():
    shots = spoiled.seen_only(
        sound(), {"a": slice(None), "b": slice(0, 2), "c": slice(0, 0), "d": slice(0, 12)}
    )
    findings = refused(shots)
    assert [(f.code, f.cameras) for f in findings] == [("few-views", ("b",)), ("few-views", ("c",))]
    assert "b has 2 usable pictures of the board, at least 3 are needed" in findings[0].message


def test_a_failure_counts_the_findings_it_leaves_out():
    shots = spoiled.seen_only(sound(), {"a": slice(None)})
    with pytest.raises(NothingUsable, match=r"^no rig was made: camera b has 0 .*\(and 2 more\)$"):
        calibrate_rig(shots)


@pytest.mark.slow
def test_a_board_without_a_top_serves_one_camera_only():
    board = Checkerboard(7, 5, "mm", 25.0)
    shots, _ = shown_to(TRUTH.subset(["a", "b"]), shots=15, board=board)
    with pytest.raises(InputError, match=r"7x5:25mm looks the same upside down.* say --upright"):
        calibrated(shots)
    lens = {name: ("brown2",) for name in "ab"}
    together = calibrate_rig(shots, CalibrationOptions(lenses=lens, upright=True))
    assert together.adjusted.rms_px == pytest.approx(0.2, rel=0.1)
    alone = calibrated(shots.of(["a"]))
    assert alone.adjusted.rms_px == pytest.approx(0.2, rel=0.1)


@pytest.mark.slow
def test_a_board_without_a_top_that_was_not_upright_is_told():
    board = Checkerboard(7, 5, "mm", 25.0)
    shots, _ = shown_to(TRUTH.subset(["a", "b"]), shots=15, board=board)
    pixels = shots.pixels.copy()
    pixels[1] = pixels[1, :, ::-1]  # b counts the corners from the other end
    lens = {name: ("brown2",) for name in "ab"}
    with pytest.raises(CalibrationFailed, match=r"was it upright in all pictures, as --upright"):
        calibrate_rig(replace(shots, pixels=pixels), CalibrationOptions(lenses=lens, upright=True))


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_camera_that_was_knocked_ends_without_a_rig():
    """All cameras together cannot explain it either. `test_faults` has the other faults."""
    shots = spoiled.bumped(sound(16), "d", 9).of(["a", "b", "d"])
    with pytest.raises(CalibrationFailed, match="camera d contradicts the others") as failed:
        calibrate_rig(shots, CalibrationOptions(known=KNOWN))
    assert [(f.code, f.cameras) for f in failed.value.findings] == [("misfit", ("d",))]


def test_a_camera_that_hung_ends_without_a_rig():
    (found,) = refused(spoiled.hung(sound(), "b", 12))
    assert (found.code, found.cameras) == ("frozen", ("b",))


@pytest.mark.slow
def test_two_faults_at_once_are_still_named_with_their_camera():
    """Neither flipping the pictures nor shifting them helps alone."""
    shots = spoiled.late(spoiled.mirrored(waved(), "c"), "c", 3).of(["a", "b", "c"])
    with pytest.raises(CalibrationFailed) as failed:
        calibrate_rig(shots.at(np.arange(0, 34, 2)), CalibrationOptions(known=KNOWN))
    (found,) = failed.value.findings
    assert (found.code, found.cameras) == ("misfit", ("c",))
    assert "mirrored or not synchronous" in found.message


def test_a_board_shown_at_one_tilt_only():
    """Square to the camera a focal length and a distance look alike."""
    rng = np.random.default_rng(3)
    camera = TRUTH["a"]
    R = camera.cam_from_world.R.mT
    around = torch.from_numpy(rng.uniform(-60, 60, (20, 3)))
    middles = camera.center + 700 * camera.forward + around
    half = torch.tensor([*np.array(BOARD.size) / 2, 0.0], dtype=torch.float64)
    facing = Pose(R.expand(20, 3, 3), middles - R @ half)
    shots = board_shots(TRUTH.subset(["a"]), BOARD, facing, rng, 0.2)
    (found,) = refused(shots)
    assert (found.code, found.cameras) == ("focal-unobservable", ("a",))
    assert "the focal length of camera a is not determined" in found.message
    assert "30 to 45 degrees" in found.message
