"""Refinement by the subject: against exact truth, what is held, what is refused, real rigs."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from problems import turned
from scipy.stats import chi2

from mvboot.calib import folding, refine
from mvboot.calib.bundle import GROUPS, INTRINSICS
from mvboot.calib.compare import compare_rigs
from mvboot.calib.refine import RefineOptions, refine_rig
from mvboot.calib.uncertainty import POSE
from mvboot.errors import InputError, NothingUsable
from mvboot.formats.detections import load_keypoints, match_cameras
from mvboot.formats.rigs import load_rig
from mvboot.geometry import Camera, Pose, make_lens, rayless_share
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.stages.matching import matched, of_subject
from mvboot.synthetic.scene import articulated_scene, project_all, ring_rig
from mvboot.triangulation.evaluate import LeaveOneOut, leave_one_out

FRAMES = 22


@cache
def scene(cameras=4, seed=0, frames=FRAMES):
    return articulated_scene(cameras, frames, seed)


@cache
def seen(cameras=4, seed=0, frames=FRAMES, outliers=0.1):
    """Detections with 1 px noise, a tenth of them wrong and 15 % missing."""
    rng = np.random.default_rng(seed)
    return scene(cameras, seed, frames).detections(rng, 1.0, outliers, missing=0.15)


def knocked(rig, names=None, degrees=1.5, share=0.02, seed=0):
    """The rig after somebody bumped into some of its cameras, or all."""
    rng = np.random.default_rng(seed)
    cameras = dict(rig.cameras)
    for name in names or rig.names:
        camera = cameras[name]
        cameras[name] = camera.with_pose(turned(camera.cam_from_world, rng, degrees, share))
    return replace(rig, cameras=cameras)


@cache
def recovered(cameras=4, degrees=1.5):
    """The refinement of a rig whose cameras were all knocked."""
    return refine_rig(knocked(scene(cameras).rig, degrees=degrees), seen(cameras))


def refocused(rig, factors):
    """The rig with other focal lengths, by camera."""
    cameras = dict(rig.cameras)
    for name, factor in factors.items():
        K = cameras[name].K.clone()
        K[0, 0] *= factor
        K[1, 1] *= factor
        cameras[name] = replace(cameras[name], K=K)
    return replace(rig, cameras=cameras)


def without(keypoints, cameras=slice(None), frames=slice(None)):
    """The detections with those of some cameras and frames missing."""
    xy, confidence = keypoints.xy.copy(), keypoints.confidence.copy()
    xy[cameras, frames], confidence[cameras, frames] = np.nan, np.nan
    return replace(keypoints, xy=xy, confidence=confidence)


def same_camera(a, b):
    """Whether two cameras are equal to the last bit."""
    pairs = [(a.K, b.K), (a.lens.coefficients, b.lens.coefficients)]
    pairs += [(getattr(a.cam_from_world, n), getattr(b.cam_from_world, n)) for n in ("R", "t")]
    return all(bool((x == y).all()) for x, y in pairs)


def held(rig, **groups):
    """By camera, what is held: intrinsics, and more for those that are named."""
    words = {n: frozenset(groups.get(n, ())) for n in rig.names}
    return {name: INTRINSICS | more for name, more in words.items()}


def in_the_gauge_of(rig, truth, first):
    """The truth with the first camera where the rig has it, in the size the covariance fixes.

    That is the root mean square of the distances between the first camera and the others.
    """

    def size(r):
        return torch.stack([(r[n].center - r[first].center).norm() for n in r.names]).norm()

    scaled = {
        n: c.with_pose(c.cam_from_world.scaled(float(size(rig) / size(truth))))
        for n, c in truth.cameras.items()
    }
    truth_from_rig = scaled[first].cam_from_world.inverse() @ rig[first].cam_from_world
    return {n: c.cam_from_world @ truth_from_rig for n, c in scaled.items()}


def squared_errors(found, truth):
    """By camera but the first, squared errors of turn and centre over their covariances."""
    rig = found.bundle.rig
    exact = in_the_gauge_of(rig, truth, rig.names[0])
    errors = []
    for name in rig.names[1:]:
        one, pose = found.covariance[name], rig[name].cam_from_world
        turn = (exact[name] @ pose.inverse()).rotvec.numpy()
        apart = (exact[name].center - pose.center).numpy()
        rows = [one.names.index(axis) for axis in POSE[:3]]
        spread = one.matrix[np.ix_(rows, rows)]
        errors.append(
            [turn @ np.linalg.solve(spread, turn), apart @ np.linalg.pinv(one.center) @ apart]
        )
    return np.array(errors)


# --- the truth is found -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cameras", [4, 5, 6])
def test_a_rig_that_was_knocked_is_found_again(cameras):
    truth, keypoints = scene(cameras).rig, seen(cameras)
    found = recovered(cameras)
    assert found.refusal() is None
    assert (squared_errors(found, truth) < chi2.ppf(0.9999, 3)).all()
    errors = compare_rigs(truth, found.rig).aligned
    assert max(e.rotation_deg for e in errors.values()) < 0.2
    assert max(e.center for e in errors.values()) < 0.012
    judges = keypoints.slice_frames(slice(-len(found.held_out_frames), None))
    best = leave_one_out(truth, judges, RefineOptions().triangulation).median
    assert found.after.median < 1.15 * best < 0.15 * found.before.median
    assert 0.6 < found.rms_px < 0.9
    assert found.thresholds_px[0] > 20 and found.thresholds_px[-1] == 8


@pytest.mark.slow
@pytest.mark.parametrize("outliers", [0.3, 0.45])
def test_many_wrong_detections_do_not_matter(outliers):
    truth = scene(5).rig
    found = refine_rig(knocked(truth, degrees=2), seen(5, outliers=outliers))
    errors = compare_rigs(truth, found.rig).aligned
    assert max(e.rotation_deg for e in errors.values()) < 0.4
    assert found.rms_px < 0.9


@pytest.mark.slow
def test_covariances_hold(monkeypatch):
    """Nine of ten errors are within the ellipsoid of nine tenths."""
    nothing = LeaveOneOut((), (), (), ())
    monkeypatch.setattr(refine, "leave_one_out", lambda *_: nothing)  # nobody asks for a judgement
    errors = []
    for seed in range(25):
        truth = scene(4, seed, 14).rig
        found = refine_rig(knocked(truth, degrees=1, seed=seed), seen(4, seed, 14))
        errors.append(squared_errors(found, truth))
    inside = (np.array(errors) < chi2.ppf(0.9, [3, 3])).mean((0, 1))
    assert inside == pytest.approx([0.9, 0.9], abs=0.08)


@pytest.mark.slow
def test_a_perfect_rig_is_left_alone():
    """Its error is that of the detections, and nothing moves beyond its deviation."""
    for seed in range(3):
        truth = scene(4, seed).rig
        found = refine_rig(truth, seen(4, seed))
        assert "nothing to add" in found.refusal()
        for name in truth.names[1:]:
            change, spread = found.change[name], found.covariance[name]
            assert change.rotation_deg < 2 * spread.rotation_deg
            assert change.center < 2 * spread.center_deviation


def test_exact_detections_have_nothing_to_add():
    exact = scene().detections(np.random.default_rng(0), 0, 0, 0)
    found = refine_rig(scene().rig, exact)
    assert "nothing to add" in found.refusal()
    assert max(found.turns_deg.values()) < 1e-6


@pytest.mark.slow
def test_focal_lengths_that_are_freed_are_found():
    truth, keypoints = scene(5, 0, 80).rig, seen(5, 0, 80)
    factors = dict(zip(truth.names, (1.02, 0.98, 1.02, 1.02, 0.98), strict=True))
    start = refocused(knocked(truth, degrees=1), factors)
    free = {n: INTRINSICS - {"focal"} for n in truth.names}
    found = refine_rig(start, keypoints, RefineOptions(held=free))
    assert found.refusal() is None
    for name, camera in truth.cameras.items():
        off = float(found.rig[name].K[0, 0] - camera.K[0, 0])
        assert abs(off) < 3.5 * found.covariance[name].deviation("fx") < 22
        assert (found.rig[name].K[:2, 2] == start[name].K[:2, 2]).all()
    stuck = refine_rig(start, keypoints)
    assert found.rms_px < 0.98 * stuck.rms_px


def test_one_lens_of_another_kind():
    """A fisheye camera, and one whose K is skewed, which the solver does not know."""
    fisheye = articulated_scene(4, FRAMES, 0, fisheye=True)
    cameras = dict(fisheye.rig.cameras)
    first = cameras["cam_01"]
    K = first.K.clone()
    K[0, 1] = 3.0
    cameras["cam_01"] = replace(first, K=K)
    truth = replace(fisheye, rig=replace(fisheye.rig, cameras=cameras))
    found = refine_rig(knocked(truth.rig), truth.detections(np.random.default_rng(0)))
    errors = compare_rigs(truth.rig, found.rig).aligned
    assert max(e.rotation_deg for e in errors.values()) < 0.2
    with pytest.raises(InputError, match="cam_01 has a skewed K"):
        free = {"cam_01": INTRINSICS - {"focal"}}
        refine_rig(truth.rig, truth.detections(np.random.default_rng(0)), RefineOptions(held=free))


# --- the gauge, and what is held ----------------------------------------------------------------


def test_the_world_is_the_old_one():
    start, found = knocked(scene().rig), recovered()
    assert compare_rigs(start, found.rig).scale == pytest.approx(1, abs=1e-9)
    assert found.rig.units == start.units and found.rig.up == start.up == "z"
    assert found.rig.names == start.names
    given, moved = (getattr(compare_rigs(start, found.rig), n) for n in ("as_given", "aligned"))
    for name in start.names:
        assert given[name].rotation_deg == pytest.approx(moved[name].rotation_deg, abs=1e-6)
        assert given[name].center == pytest.approx(moved[name].center, abs=1e-9)


def test_units_do_not_matter():
    start, keypoints = knocked(scene().rig), seen()
    metres, millimetres = recovered(), refine_rig(start.in_units("mm"), keypoints)
    assert millimetres.rig.units == "mm" and millimetres.rig.up == "z"
    for name in start.names:
        a, b = metres.change[name], millimetres.change[name]
        assert b.center == pytest.approx(1000 * a.center, rel=1e-3)
        assert b.rotation_deg == pytest.approx(a.rotation_deg, rel=1e-3)


@pytest.mark.parametrize("anchor", ["cam_01", "cam_03"])
def test_a_held_camera_stays_to_the_last_bit(anchor):
    """The world keeps its size, seen from there."""
    truth = scene().rig
    others = [name for name in truth.names if name != anchor]
    start = knocked(truth, others)
    found = refine_rig(start, seen(), RefineOptions(held=held(truth, **{anchor: {"pose"}})))
    assert same_camera(found.rig[anchor], start[anchor])
    assert found.covariance[anchor].rotation_deg == found.covariance[anchor].center_deviation == 0
    middle = start[anchor].center
    then = torch.stack([start[n].center - middle for n in others])
    now = torch.stack([found.rig[n].center - middle for n in others])
    assert float((now * then).sum()) == pytest.approx(float((now * now).sum()), rel=1e-9)
    for name in others:
        turn = found.rig[name].cam_from_world @ truth[name].cam_from_world.inverse()
        assert np.degrees(float(turn.rotvec.norm())) < 0.3


@pytest.mark.slow
def test_two_held_cameras_say_how_large_the_world_is():
    truth = scene().rig
    start = knocked(truth, ["cam_02", "cam_04"], share=0.06)
    words = held(truth, cam_01={"pose"}, cam_03={"pose"})
    found = refine_rig(start, seen(), RefineOptions(held=words))
    assert all(same_camera(found.rig[n], start[n]) for n in ("cam_01", "cam_03"))
    for name in ("cam_02", "cam_04"):
        apart = float((found.rig[name].center - truth[name].center).norm())
        assert apart < 4 * found.covariance[name].center_deviation < 0.05
    size = compare_rigs(truth, refine_rig(start, seen()).rig).scale
    assert abs(size - 1) > 0.003, "without them the size is that of the knocked rig"


def test_what_is_not_free_stays_to_the_last_bit():
    start, found = knocked(scene().rig), recovered()
    for name, camera in start.cameras.items():
        other = found.rig[name]
        assert same_camera(other.with_pose(camera.cam_from_world), camera)
        assert other.size == camera.size


# --- detections ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_less_confident_counts_less():
    """A third of the detections are 4 px off, and say that they are unsure."""
    truth, keypoints = scene().rig, scene().detections(np.random.default_rng(0), 1.0, 0, 0)
    errors = {0.2: [], 1.0: []}
    for seed in range(2):
        rng = np.random.default_rng(seed)
        off = rng.random(keypoints.confidence.shape) < 0.3
        xy = keypoints.xy + np.where(off[..., None], rng.normal(0, 4, keypoints.xy.shape), 0)
        for doubt, row in errors.items():
            confidence = np.where(keypoints.present, np.where(off, doubt, 1.0), np.nan)
            found = refine_rig(knocked(truth), replace(keypoints, xy=xy, confidence=confidence))
            row += [e.rotation_deg for e in compare_rigs(truth, found.rig).aligned.values()]
    assert np.mean(errors[0.2]) < 0.75 * np.mean(errors[1.0])


@pytest.mark.slow
def test_the_seed_decides(monkeypatch):
    """Of many points some are drawn."""
    monkeypatch.setattr(refine, "MAX_POINTS", 200)
    monkeypatch.setattr(refine, "JUDGED_POINTS", 100)
    start = knocked(scene().rig)
    a, b, c = (refine_rig(start, seen(), RefineOptions(seed=seed)) for seed in (0, 0, 1))
    assert all(same_camera(a.rig[n], b.rig[n]) for n in start.names)
    assert not same_camera(a.rig["cam_02"], c.rig["cam_02"])
    assert len(a.bundle.points) <= 200 and len(a.held_out_frames) == 5
    assert a.before.median == b.before.median


@pytest.mark.slow
def test_order_and_further_cameras_of_the_detections_do_not_matter():
    start, keypoints = knocked(scene(5).rig.without("cam_02")), seen(5)
    a = refine_rig(start, keypoints)
    b = refine_rig(start, keypoints.for_cameras(["cam_05", "cam_03", "cam_04", "cam_01"]))
    assert all(same_camera(a.rig[n], b.rig[n]) for n in start.names)


def test_frames_without_a_subject_take_no_part():
    """It leaves before the recording ends: the last frames with it judge, not the empty ones."""
    keypoints = without(seen(), frames=slice(16, None))
    found = refine_rig(knocked(scene().rig), keypoints)
    assert found.refusal() is None
    assert list(found.held_out_frames) == [12, 13, 14, 15]


@pytest.mark.slow
def test_two_individuals_with_names():
    one = seen()
    two = scene(4, 0).detections(np.random.default_rng(9))
    xy, confidence = (
        np.concatenate([getattr(k, n) for k in (one, two)], axis=2) for n in ("xy", "confidence")
    )
    both = replace(one, individuals=("a", "b"), xy=xy, confidence=confidence)
    found = refine_rig(knocked(scene().rig), both)
    assert len(found.bundle.points) > 1.8 * len(recovered().bundle.points)
    assert found.refusal() is None


# --- lenses stay invertible -----------------------------------------------------------------------


@cache
def middle_only(count=150):
    """A ring of cameras with weak distortion; detections stay within the middle of the pictures."""
    rng = np.random.default_rng(0)
    rig = ring_rig(4, 2.6, 1.2, rng, distortion=False)
    cameras = {
        n: Camera.from_opencv(
            c.K, [-0.05, 0, 0, 0, 0, 0, 0, 0], c.cam_from_world.R, c.cam_from_world.t, c.size
        )
        for n, c in rig.cameras.items()
    }
    rig = replace(rig, cameras=cameras)
    points = rng.uniform(-0.25, 0.25, (count, 1, 3)) + [0, 0, 0.45]
    pixels = project_all(rig, points.reshape(-1, 3)).reshape(4, count, 1, 1, 2)
    pixels = pixels + rng.normal(0, 1, pixels.shape)
    confidence = np.where(np.isnan(pixels[..., 0]), np.nan, 1.0)
    named = (np.arange(count), ("ball",), ("middle",))
    return rig, Keypoints2D(rig.names, *named, pixels, confidence)


@pytest.mark.slow
def test_a_lens_that_is_not_determined_does_not_fold():
    """Eight free terms, and nothing seen in the corners: left alone, a lens would fold."""
    truth, keypoints = middle_only()
    start = knocked(truth, degrees=1)
    free = {name: frozenset() for name in ("cam_01", "cam_02")}
    found = refine_rig(start, keypoints, RefineOptions(held=free))
    assert found.kept, "the case is one in which lenses would fold"
    assert all(rayless_share(camera) == 0 for camera in found.rig.cameras.values())
    assert found.after.median < 2 < 5 < found.before.median
    for name, terms in found.kept.items():
        assert {"k4", "k5", "k6"} <= set(terms)
        coefficients = found.rig[name].lens.coefficients
        assert (coefficients[5:] == start[name].lens.coefficients[5:]).all()
        assert not set(terms) & set(found.covariance[name].names)
    assert all(counts == (0, 0) for counts in found.rayless.values())


@pytest.mark.slow
def test_before_and_after_are_measured_on_the_same_detections():
    """The old lens folds and loses detections: these do not judge the new rig alone."""
    truth = scene().rig
    lens = make_lens("brown", torch.tensor([-0.9, 0, 0, 0, 0], dtype=torch.float64))
    folding = replace(knocked(truth)["cam_01"], lens=lens)
    start = replace(knocked(truth), cameras={**knocked(truth).cameras, "cam_01": folding})
    free = {"cam_01": frozenset()}
    found = refine_rig(start, seen(), RefineOptions(held=free))
    lost, lost_still = found.rayless["cam_01"]
    assert lost > 10 and lost_still < lost
    for a, b in zip(found.before.points, found.after.points, strict=True):
        assert (a == b).all()
    pairs = zip(found.before.errors_px, found.after.errors_px, strict=True)
    assert all(len(a) == len(b) for a, b in pairs)
    assert len(found.after.errors_px[0]) < found.after.detections[0]


# --- landmarks that stand still -------------------------------------------------------------------


@cache
def landmarks(frames=1, count=80, noise_px=0.5):
    """Landmarks all over the volume, seen by four cameras, each one a keypoint."""
    truth, rng = scene(4).rig, np.random.default_rng(3)
    points = rng.uniform((-0.8, -0.8, 0), (0.8, 0.8, 1), (count, 3))
    pixels = np.repeat(project_all(truth, points)[:, None, None], frames, axis=1)
    pixels = pixels + rng.normal(0, noise_px, pixels.shape)
    confidence = np.where(np.isnan(pixels[..., 0]), np.nan, 1.0)
    names = tuple(f"mark{i}" for i in range(count))
    return Keypoints2D(truth.names, np.arange(frames), ("room",), names, pixels, confidence)


@pytest.mark.parametrize("frames", [1, 12])
def test_still_landmarks_refine_a_rig(frames):
    found = refine_rig(knocked(scene(4).rig), landmarks(frames))
    assert found.refusal() is None
    errors = compare_rigs(scene(4).rig, found.rig).aligned
    assert max(e.rotation_deg for e in errors.values()) < 0.1
    assert found.judged_on == "20 held-out landmarks" and len(found.held_out_frames) == 0
    assert found.after.median < 1.5 < 10 < found.before.median


@pytest.mark.slow
def test_frames_of_still_landmarks_sharpen_them():
    once, often = (
        refine_rig(knocked(scene(4).rig), landmarks(n, noise_px=2.0)).rms_px for n in (1, 12)
    )
    assert often < 0.5 * once


# --- refused ------------------------------------------------------------------------------------


def test_bad_input_is_named():
    rig, keypoints = scene().rig, seen()
    with pytest.raises(InputError, match="three cameras or more, the rig has 2"):
        refine_rig(rig.subset(["cam_01", "cam_02"]), keypoints)
    with pytest.raises(InputError, match="no keypoints for camera cam_04"):
        refine_rig(rig, keypoints.for_cameras(rig.names[:3]))
    with pytest.raises(InputError, match="there is no camera left; there are cam_01, cam_02"):
        refine_rig(rig, keypoints, RefineOptions(held={"left": frozenset()}))
    with pytest.raises(InputError, match="everything is held"):
        everything = dict.fromkeys(rig.names, frozenset(GROUPS))
        refine_rig(rig, keypoints, RefineOptions(held=everything))
    with pytest.raises(InputError, match="in 7 frames a keypoint is seen by three cameras"):
        refine_rig(rig, keypoints.slice_frames(slice(0, 7)))
    with pytest.raises(InputError, match="in 1 frames"):
        refine_rig(rig, without(keypoints, frames=slice(1, None)))
    with pytest.raises(InputError, match="in 0 frames"):
        refine_rig(rig, without(keypoints, cameras=slice(0, 2)))


def test_a_moving_rig():
    rig = scene().rig
    pose = rig["cam_01"].cam_from_world
    frames = torch.arange(FRAMES)
    R, t = pose.R.expand(FRAMES, 3, 3), pose.t.expand(FRAMES, 3)
    moving = replace(rig["cam_01"], cam_from_world=Pose(R, t), frames=frames)
    with pytest.raises(InputError, match="one pose per frame"):
        refine_rig(Rig({**rig.cameras, "cam_01": moving}, "m"), seen())


def swapped(keypoints):
    return keypoints.renamed({"cam_01": "cam_02", "cam_02": "cam_01"})


def mirrored(keypoints):
    """All pictures as a mirror shows them."""
    return replace(keypoints, xy=keypoints.xy * [-1, 1] + [1279, 0])


@pytest.mark.parametrize("change", [swapped, mirrored])
def test_what_does_not_belong_to_the_rig_is_refused(change):
    """By the turn it would take or by how little agrees; rounding decides which comes first."""
    try:
        refusal = refine_rig(scene().rig, change(seen())).refusal()
    except NothingUsable as nothing:
        refusal = str(nothing)
    assert "mvboot rig check --keypoints" in refusal
    assert "more than the 10 of --max-turn" in refusal or "points agree within" in refusal


def test_a_rig_whose_cameras_look_away():
    """Poses from world to camera were taken with the wrong sign: every point is behind."""
    cameras = {
        n: c.with_pose(Pose(c.cam_from_world.R, -c.cam_from_world.t))
        for n, c in scene().rig.cameras.items()
    }
    with pytest.raises(NothingUsable, match=r"points agree|before the cameras"):
        refine_rig(Rig(cameras, "m"), seen())


def test_detections_of_nothing():
    keypoints = seen().slice_frames(slice(0, 12))
    rng = np.random.default_rng(0)
    anywhere = np.where(np.isnan(keypoints.xy), np.nan, rng.uniform(0, 900, keypoints.xy.shape))
    refusal = refine_rig(scene().rig, replace(keypoints, xy=anywhere)).refusal()
    assert refusal is not None
    unsure = np.where(keypoints.present, 0.0, np.nan)
    with pytest.raises(NothingUsable, match="only 0 points agree"):
        refine_rig(scene().rig, replace(keypoints, confidence=unsure))


def test_a_camera_without_detections():
    with pytest.raises(NothingUsable, match="camera cam_03 sees only 0 of the"):
        refine_rig(scene().rig, without(seen(), cameras=2))
    unjudged = refine_rig(knocked(scene().rig), without(seen(), cameras=2, frames=slice(14, None)))
    assert "only 0 points to judge camera cam_03" in unjudged.refusal()


def test_a_subject_at_rest_cannot_judge():
    """Held-out frames would show the same places again, whatever is wrong with them."""
    one = seen().slice_frames(slice(0, 1))
    noise = np.random.default_rng(0).standard_normal(seen().xy.shape)
    still = replace(
        seen(),
        xy=np.repeat(one.xy, FRAMES, axis=1) + noise,
        confidence=np.repeat(one.confidence, FRAMES, axis=1),
    )
    found = refine_rig(knocked(scene().rig), still)
    assert found.after.median < 0.2 * found.before.median
    assert "the subject hardly moves (1." in found.refusal()


@pytest.mark.slow
def test_a_small_flat_subject_that_looks_different_from_each_side_is_no_calibration():
    """Keypoints on the floor, at another place in each view: held-out frames agree with it."""
    place = scene()
    xyz = 0.3 * place.xyz[:16]
    xyz[..., 2] = 0.0
    small = replace(place, xyz=xyz, frames=place.frames[:16])
    flat = small.detections(np.random.default_rng(2), 1, 0.05, 0.1)
    bias = np.random.default_rng(1).normal(0, 5, (4, 1, 1, flat.shape[-1], 2))
    found = refine_rig(knocked(place.rig), replace(flat, xy=flat.xy + bias))
    assert found.after.median < 0.6 * found.before.median
    assert "flat or small subject" in found.refusal()


@pytest.mark.slow
def test_the_largest_turn_is_the_users_choice():
    start = knocked(scene().rig)
    assert recovered().refusal() is None
    refusal = refine_rig(start, seen(), RefineOptions(max_turn_deg=0.5)).refusal()
    assert "more than the 0.5 of --max-turn" in refusal


def test_a_solver_that_fails(monkeypatch):
    monkeypatch.setattr(folding, "adjust", lambda *_: None)
    with pytest.raises(NothingUsable, match="round 1 of the adjustment found no finite solution"):
        refine_rig(scene().rig, seen())


# --- real recordings ----------------------------------------------------------------------------


def detections(rig, pattern, subject=None, min_confidence=0.0):
    found = load_keypoints(str(pattern))
    named = matched(found, rig, match_cameras(rig.names, found.cameras))
    return of_subject(named, subject, min_confidence).above(min_confidence)


@pytest.mark.slow
def test_people_before_four_cameras(shared_data):
    """The factory's rig is about a degree off; the people in its pictures know better."""
    rig = load_rig(shared_data / "human4" / "calibration" / "Calib.qca.txt")
    pattern = shared_data / "human4" / "openpose" / "{camera}" / "*.json"
    found = refine_rig(rig, detections(rig, pattern, "largest", 0.4))
    assert found.refusal() is None
    assert 22 < found.before.median < 25
    assert found.after.median <= 14.5
    assert max(found.turns_deg.values()) < 2


@pytest.mark.slow
def test_a_fly_before_three_cameras_has_nothing_to_add(shared_data):
    rig = load_rig(shared_data / "fly3" / "calibration.toml", units="mm")
    pattern = shared_data / "fly3" / "05272019_fly4_0_R1C24_{camera}_rot-ccw-0.06_sec.rng=0.csv"
    found = refine_rig(rig, detections(rig, pattern).slice_frames(slice(0, 200)))
    assert "nothing to add" in found.refusal()
    assert max(found.turns_deg.values()) < 5


@pytest.mark.slow
def test_a_mouse_before_six_cameras(shared_data):
    """Its 2D labels are projections of 3D ones through skewed cameras: a knocked rig comes back."""
    path = shared_data / "mouse6_dannce" / "mouse1_label3d_dannce.mat"
    rig = load_rig(path)
    keypoints = detections(rig, path)
    assert "nothing to add" in refine_rig(rig, keypoints).refusal()
    found = refine_rig(knocked(rig), keypoints)
    assert found.refusal() is None
    errors = compare_rigs(rig, found.rig).aligned
    assert max(e.rotation_deg for e in errors.values()) < 1e-3
    assert max(e.center for e in errors.values()) < 0.01  # mm


@pytest.mark.slow
def test_a_rig_with_one_camera_twice_is_beyond_refinement(shared_data):
    """Two of four cameras have the same calibration: a fault of the file that is not small."""
    rig = load_rig(shared_data / "mouse4" / "calibration.toml", units="mm")
    pattern = shared_data / "mouse4" / "{camera}" / "minimal_{camera}_proofread.analysis.h5"
    found = refine_rig(rig, detections(rig, pattern).slice_frames(slice(0, 60)))
    assert found.after.median < 0.2 * found.before.median
    assert "--max-turn" in found.refusal()
