"""Poses from landmarks: exact truth comes back, noise costs little, refusals name what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from landmarks_seen import between, floor, marks, room, telephoto, walker, walking

from mvboot.calib.compare import compare_rigs
from mvboot.calib.lengths import Distance
from mvboot.calib.locate import KnownPoints, LocateOptions, locate_cameras
from mvboot.calib.refine import refine_rig
from mvboot.errors import InputError, NothingUsable
from mvboot.formats.detections import load_keypoints, match_cameras
from mvboot.formats.rigs import load_rig
from mvboot.rig import UNITS_IN_M
from mvboot.stages.matching import matched, of_subject
from mvboot.triangulation.options import TriangulationOptions


def located(rig, keypoints, **options):
    if "known" not in options:
        options = {"distances": [between(rig)], **options}
    return locate_cameras(rig.cameras, keypoints, LocateOptions(**options))


def errors(rig, found):
    """Largest rotation in degrees and distance of a centre, worlds laid over one another."""
    aligned = compare_rigs(rig, found.rig).aligned.values()
    return max(e.rotation_deg for e in aligned), max(e.center for e in aligned)


# --- what is found ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cameras", [2, 3, 5])
def test_exact_landmarks_give_exact_poses(cameras):
    rig, keypoints = walking(cameras)
    found = located(rig, keypoints)
    turn, apart = errors(rig, found)
    assert turn < 1e-6 and apart < 1e-6
    assert compare_rigs(rig, found.rig).scale == pytest.approx(1, abs=1e-9)
    assert found.rms_px < 1e-6 and found.rig.names == rig.names and found.rig.units == "m"
    assert all(fit.error_px < 1e-6 and fit.agree == fit.detections for fit in found.fits.values())
    first = found.rig[rig.names[0]].cam_from_world
    assert float(first.t.norm()) == 0 and float(first.rotvec.norm()) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise_px", "outliers", "turn_deg", "apart_m"), [(1, 0.1, 0.3, 0.015), (2, 0.25, 1.5, 0.06)]
)
def test_noise_and_wrong_detections_cost_little(noise_px, outliers, turn_deg, apart_m):
    rig, keypoints = walking(4, noise_px, outliers, 0.1, frames=22)
    found = located(rig, keypoints)
    turn, apart = errors(rig, found)
    assert turn < turn_deg and apart < apart_m
    for fit in found.fits.values():
        assert 0.3 * noise_px < fit.error_px < 1.3 * noise_px
        assert 0.4 < fit.agree / fit.detections < 1 - outliers / 2


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 8])
def test_still_landmarks(frames):
    rig = walker().rig
    found = located(rig, marks(rig, room(), 0.5, frames))
    turn, apart = errors(rig, found)
    assert turn < 0.15 and apart < 0.01


@pytest.mark.slow
def test_what_is_located_can_be_refined():
    rig, keypoints = walking(4, 1.0, 0.1, 0.1, frames=22)
    found = located(rig, keypoints).rig
    again = refine_rig(found, keypoints)
    assert max(again.turns_deg.values()) < 0.3 and again.after.median < 4


@pytest.mark.slow
def test_the_seed_decides_and_the_unit_is_the_users():
    rig, keypoints = walking(3, 1.0, 0.1, 0.1)
    a, b = (located(rig, keypoints, seed=5, units=units) for units in ("m", "mm"))
    for name in rig.names:
        metres, millimetres = (float(r.rig[name].cam_from_world.t.norm()) for r in (a, b))
        assert millimetres == pytest.approx(1000 * metres, rel=1e-9)
    assert b.rig.units == "mm"


def test_known_positions_are_the_world():
    """Centimetres measured at eight of sixty landmarks; the rig is in metres."""
    rig, places = walker().rig, room()
    known = {f"mark{i}": 100 * places[i] for i in range(8)}
    found = located(rig, marks(rig, places), known=KnownPoints(known, "cm"))
    assert found.start is None
    for name, camera in rig.cameras.items():
        np.testing.assert_allclose(found.rig[name].center, camera.center, atol=1e-6)
    assert max(found.scale["residuals"].values()) < 1e-6


def test_three_known_positions_lay_a_rig_that_grew_from_a_pair():
    rig, places = walker().rig, room()
    known = {f"mark{i}": places[i] for i in range(3)}
    found = located(rig, marks(rig, places), known=KnownPoints(known, "m"))
    assert found.start is not None
    for name, camera in rig.cameras.items():
        np.testing.assert_allclose(found.rig[name].center, camera.center, atol=1e-6)


def test_a_plane_of_known_positions_is_enough():
    rig, places = walker().rig, floor()
    known = {f"mark{i}": places[i] for i in range(20)}
    found = located(rig, marks(rig, places, 0.3), known=KnownPoints(known, "m"))
    for name, camera in rig.cameras.items():
        assert float((found.rig[name].center - camera.center).norm()) < 0.03


# --- what is refused ----------------------------------------------------------------------------


def test_a_plane_is_refused_without_known_positions():
    rig = walker().rig
    for noise_px in (0.0, 1.0):
        with pytest.raises(NothingUsable, match=r"lie on one plane .* --points"):
            located(rig, marks(rig, floor(), noise_px))


def test_far_cameras_that_see_no_perspective_are_refused_without_known_positions():
    rig, places = telephoto(), room(80)
    keypoints = marks(rig, places, 0.5)
    with pytest.raises(NothingUsable, match=r"two mirrored arrangements .* fit alike"):
        located(rig, keypoints)
    known = {f"mark{i}": places[i] for i in range(4)}
    found = located(rig, keypoints, known=KnownPoints(known, "m"))
    assert errors(rig, found)[0] < 1, "known positions tell the twins apart"
    near = telephoto(away=15.0)
    assert errors(near, located(near, marks(near, places, 0.5)))[0] < 0.2


def test_cameras_that_share_too_little_are_named():
    rig, keypoints = walking(4)
    alone = keypoints.where(np.array([1, 1, 1, 0], bool)[:, None, None, None])
    with pytest.raises(NothingUsable, match=r"cam_04 \(0\).* --cameras cam_01,cam_02,cam_03"):
        located(rig, alone)
    few = keypoints.slice_frames(slice(0, 1)).for_keypoints(
        {name: name for name in keypoints.keypoints[:9]}
    )
    with pytest.raises(NothingUsable, match=r"no two cameras share 12 landmarks: .* most, 9"):
        located(rig, few)
    turns = keypoints.where((np.arange(4)[:, None] == np.arange(12) % 4)[:, :, None, None])
    with pytest.raises(NothingUsable, match="no landmark is seen by two cameras at once"):
        located(rig, turns)


def test_detections_of_nothing_make_no_rig():
    rig, keypoints = walking(3)
    rng = np.random.default_rng(0)
    anywhere = replace(keypoints, xy=rng.uniform(0, 900, keypoints.xy.shape))
    with pytest.raises(NothingUsable):
        located(rig, anywhere)


def test_bad_input_is_named():
    rig, keypoints = walking(3)
    length = [between(rig)]
    known = KnownPoints({"nose": np.zeros(3)}, "m")
    with pytest.raises(InputError, match="nothing says how long a length is"):
        located(rig, keypoints, distances=[])
    with pytest.raises(InputError, match="leave --distance out"):
        located(rig, keypoints, distances=length, known=known)
    with pytest.raises(InputError, match=r"neither two cameras .* nor two landmarks"):
        located(rig, keypoints, distances=[Distance("nose", "door", 1.0)])
    with pytest.raises(InputError, match="there is no landmark door; there are hip"):
        located(rig, keypoints, known=KnownPoints({"door": np.zeros(3)}, "m"))
    with pytest.raises(InputError, match="two cameras or more, there is cam_01"):
        one = rig.subset(["cam_01"])
        locate_cameras(one.cameras, keypoints, LocateOptions(length))
    with pytest.raises(InputError, match="choose one individual first"):
        located(rig, replace(keypoints, identified=False))
    with pytest.raises(InputError, match="no keypoints for camera cam_03"):
        located(rig, keypoints.for_cameras(["cam_01", "cam_02"]))


def test_known_positions_that_do_not_fit_are_refused():
    rig, places = walker().rig, room()
    known = {f"mark{i}": places[i] + (i == 2) * 0.5 for i in range(8)}
    with pytest.raises(InputError, match=r"do not fit .* without point 'mark2'"):
        located(rig, marks(rig, places), known=KnownPoints(known, "m"))


# --- real recordings ----------------------------------------------------------------------------


def seen(rig, pattern, subject=None, min_confidence=0.0):
    found = load_keypoints(str(pattern))
    named = matched(found, rig, match_cameras(rig.names, found.cameras))
    return of_subject(named, subject, min_confidence).above(min_confidence)


@pytest.mark.slow
def test_a_mouse_before_six_cameras(shared_data):
    """Its labels are projections of 3D ones through skewed cameras."""
    path = shared_data / "mouse6_dannce" / "mouse1_label3d_dannce.mat"
    rig = load_rig(path)
    length = between(rig)
    length = replace(length, metres=length.metres * UNITS_IN_M[rig.units])
    found = located(rig, seen(rig, path), distances=[length], units=rig.units)
    turn, apart = errors(rig, found)
    assert turn < 1e-5 and apart < 1e-4  # mm


@pytest.mark.slow
def test_people_before_four_cameras(shared_data):
    """The given rig is itself about a degree off."""
    rig = load_rig(shared_data / "human4" / "calibration" / "Calib.qca.txt")
    pattern = shared_data / "human4" / "openpose" / "{camera}" / "*.json"
    length = between(rig)
    length = replace(length, metres=length.metres * UNITS_IN_M[rig.units])
    found = located(
        rig,
        seen(rig, pattern, "largest", 0.4).slice_frames(slice(0, 50)),
        distances=[length],
        units=rig.units,
        triangulation=TriangulationOptions(threshold_px=30),
    )
    turn, apart = errors(rig, found)
    assert turn < 2 and apart < 100  # mm, at 3.5 m
    assert all(fit.error_px < 8 for fit in found.fits.values())


@pytest.mark.slow
def test_a_fly_before_telescopes_is_ambiguous(shared_data):
    """Focal lengths of 20,000 px and more: no perspective, and the twin fits as well."""
    rig = load_rig(shared_data / "fly3" / "calibration.toml", units="mm")
    pattern = shared_data / "fly3" / "05272019_fly4_0_R1C24_{camera}_rot-ccw-0.06_sec.rng=0.csv"
    keypoints = seen(rig, pattern, min_confidence=0.9).slice_frames(slice(0, 60))
    with pytest.raises(NothingUsable, match=r"two mirrored arrangements"):
        located(rig, keypoints)
