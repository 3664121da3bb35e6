"""A detector's errors: none is none, rates and sizes as asked, lasting, and known exactly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kurtosis, rankdata, spearmanr

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.sides import left_right_pairs
from mvboot.synthetic.detector import HALF_SURE, Detector, Limbs

NAMES = (
    "nose",
    *(f"{joint}_{side}" for joint in ("shoulder", "elbow", "hip", "knee") for side in "lr"),
)
EDGES = [
    (f"{a}_{s}", f"{b}_{s}") for a, b in (("shoulder", "elbow"), ("hip", "knee")) for s in "lr"
]
PAIRS = left_right_pairs(NAMES)
SIZES = {"left": (640, 480), "right": (1000, 800)}
EXACT = Detector(
    noise_px=0.0,
    swaps=0.0,
    false_positives=0.0,
    misses=0.0,
    hidden_misses=0.0,
    confidence_noise=0.0,
)


def truth_of(frames=400, individuals=2, seed=0):
    """Return keypoints about the middle of the pictures that hardly move."""
    rng = np.random.default_rng(seed)
    shape = (len(SIZES), frames, individuals, len(NAMES))
    rest = rng.uniform(150, 330, (len(SIZES), 1, individuals, len(NAMES), 2))
    return Keypoints2D(
        cameras=tuple(SIZES),
        frames=np.arange(frames),
        individuals=tuple(f"mouse {i}" for i in range(individuals)),
        keypoints=NAMES,
        xy=rest + rng.uniform(-0.5, 0.5, (*shape, 2)),
        confidence=np.ones(shape),
    )


def detect(detector, truth=None, visible=True, seed=0, edges=EDGES):
    truth = truth_of() if truth is None else truth
    visible = np.broadcast_to(visible, truth.shape)
    return detector.detect(truth, visible, SIZES, PAIRS, np.random.default_rng(seed), edges)


def half_hidden(truth, share=0.5):
    return np.random.default_rng(9).random(truth.shape) > share


# --- nothing ------------------------------------------------------------------------------------


def test_a_faultless_detector_says_the_truth():
    truth = truth_of()
    found = detect(EXACT, truth, visible=half_hidden(truth))
    np.testing.assert_array_equal(found.keypoints.xy, truth.xy)
    np.testing.assert_array_equal(found.keypoints.confidence, 1.0)
    assert not (found.swapped.any() or found.invented.any() or found.missed.any())
    np.testing.assert_array_equal(found.error_px, 0.0)


def test_what_is_not_in_the_picture_is_not_detected():
    truth = truth_of(5)
    truth.xy[0, :, 0, 0] = np.nan
    truth.confidence[0, :, 0, 0] = np.nan
    truth.xy[1, :, 1, 2] = [1000.0, 100.0]
    found = detect(EXACT, truth)
    absent = ~found.keypoints.present
    assert absent[0, :, 0, 0].all() and absent[1, :, 1, 2].all() and absent.sum() == 10
    assert not found.missed.any() and np.isnan(found.error_px[absent]).all()
    sure = detect(replace(EXACT, false_positives=1.0, memory=0.0), truth)
    assert sure.invented.all() and np.isnan(sure.error_px[absent]).all()


def test_nobody_is_invented_who_is_not_there():
    truth = truth_of(5)
    truth.xy[0, :, 1], truth.confidence[0, :, 1] = np.nan, np.nan
    found = detect(replace(EXACT, false_positives=1.0), truth)
    assert not found.keypoints.present[0, :, 1].any() and found.invented[0, :, 0].all()


# --- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [0.0, 3.0])
def test_noise_is_as_large_as_asked_and_larger_with_heavy_tails_where_hidden(memory):
    truth = truth_of(2000)
    visible = half_hidden(truth)
    detector = replace(EXACT, noise_px=1.5, hidden_noise=3.0, memory=memory)
    gap = detect(detector, truth, visible).keypoints.xy - truth.xy
    seen, hidden = gap[visible], gap[~visible]
    assert seen.std() == pytest.approx(1.5, rel=0.05)
    # A heavy tail makes the sample's deviation vary a lot: compare medians, t(3) scaled to std 1.
    assert np.median(np.abs(hidden)) == pytest.approx(3.0 * 1.5 * 0.7649 / np.sqrt(3), rel=0.05)
    assert 0.5 < kurtosis(seen, axis=None) < 4 < kurtosis(hidden, axis=None)
    assert abs(gap.mean()) < 0.05


def test_noise_grows_with_the_subject_where_asked():
    truth = truth_of(1000, individuals=1)
    large = replace(truth, xy=150 + 1.5 * (truth.xy - 150))
    detector = replace(EXACT, noise_share=0.01)
    small_gap, gap = (detect(detector, t).error_px for t in (truth, large))
    np.testing.assert_allclose(gap, 1.5 * small_gap, rtol=1e-6)
    extent = np.linalg.norm(np.ptp(truth.xy, axis=3), axis=-1).mean()
    assert np.sqrt((small_gap**2).mean() / 2) == pytest.approx(0.01 * extent, rel=0.06)


@pytest.mark.parametrize("memory", [0.0, 2.0, 10.0])
def test_errors_last_as_long_as_asked(memory):
    truth = truth_of(3000)
    gap = detect(replace(EXACT, noise_px=1.0, memory=memory), truth).keypoints.xy - truth.xy
    one = np.corrcoef(gap[:, 1:].ravel(), gap[:, :-1].ravel())[0, 1]
    assert one == pytest.approx(np.exp(-1 / memory) if memory else 0, abs=0.04)


def test_frames_far_apart_are_not_alike():
    truth = replace(truth_of(), frames=np.arange(400) * 50)
    gap = detect(replace(EXACT, noise_px=1.0, memory=10.0), truth).keypoints.xy - truth.xy
    assert abs(np.corrcoef(gap[:, 1:].ravel(), gap[:, :-1].ravel())[0, 1]) < 0.04


def test_nothing_is_detected_outside_the_picture():
    truth = truth_of()
    truth.xy[..., 0] = 0.0
    xy = detect(replace(EXACT, noise_px=20.0), truth).keypoints.xy
    assert xy[..., 0].min() == -0.5 and (xy[..., 0] == -0.5).mean() == pytest.approx(0.5, abs=0.03)


# --- what goes wrong altogether -----------------------------------------------------------------


@pytest.mark.parametrize("memory", [0.0, 3.0])
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_shares_are_as_asked(share, memory):
    truth = truth_of(4000)
    detector = replace(EXACT, swaps=share, false_positives=share, misses=share, memory=memory)
    found = detect(detector, truth)
    # The fewest independent draws: whole individuals, 2 in 2 cameras, a run of frames each.
    runs = 4 * 4000 / (1 + 2 * memory)
    within = 5 * np.sqrt(share * (1 - share) / runs)
    paired = np.array([name != "nose" for name in NAMES])
    assert found.missed.mean() == pytest.approx(share, abs=within)
    invented = found.invented.sum() / found.keypoints.present.sum()
    assert invented == pytest.approx(share, abs=within)
    kept = found.keypoints.present & ~found.invented & paired
    assert (found.swapped & kept).sum() / kept.sum() == pytest.approx(share, abs=within)
    assert not found.swapped[..., 0].any()
    assert not (found.swapped & found.invented).any()
    assert not ((found.swapped | found.invented) & found.missed).any()


def test_hidden_keypoints_are_missed_more_often():
    truth = truth_of(2000)
    visible = half_hidden(truth)
    found = detect(replace(EXACT, misses=0.05, hidden_misses=0.4, memory=1.0), truth, visible)
    assert found.missed[visible].mean() == pytest.approx(0.05, abs=0.01)
    assert found.missed[~visible].mean() == pytest.approx(0.4, abs=0.02)


def test_swapped_keypoints_are_exactly_where_their_partners_are():
    truth = truth_of()
    found = detect(replace(EXACT, swaps=0.3), truth)
    partner = Limbs.of(NAMES, PAIRS, ()).partner
    turned = truth.xy[:, :, :, partner]
    np.testing.assert_array_equal(found.keypoints.xy[found.swapped], turned[found.swapped])
    np.testing.assert_array_equal(found.keypoints.xy[~found.swapped], truth.xy[~found.swapped])
    back = np.where(
        found.swapped[..., None], found.keypoints.xy[:, :, :, partner], found.keypoints.xy
    )
    np.testing.assert_array_equal(back, truth.xy)


def test_a_limb_or_the_whole_individual_is_swapped_at_once():
    swapped = detect(replace(EXACT, swaps=0.1), truth_of(2000)).swapped
    limbs = swapped[..., 1:].reshape(*swapped.shape[:3], 2, 4)
    assert (limbs == limbs[..., :1]).all()
    arm, leg = limbs[..., 0, 0], limbs[..., 1, 0]
    both = (arm & leg).mean()
    assert 0.3 < both / arm.mean() < 0.75 and (arm & ~leg).any() and (leg & ~arm).any()
    alone = detect(replace(EXACT, swaps=0.1), truth_of(2000), edges=()).swapped
    assert (alone[..., 1] == alone[..., 2]).all() and (alone[..., 1] != alone[..., 3]).any()
    assert (swapped[0] != swapped[1]).any()


@pytest.mark.slow
def test_swaps_and_false_positives_last():
    truth = truth_of(3000)
    for name in ("swapped", "invented", "missed"):
        lengths = []
        for memory in (0.0, 20.0):
            detector = Detector(swaps=0.1, false_positives=0.1, misses=0.1, memory=memory)
            happens = getattr(detect(detector, truth), name)
            begins = happens[:, 1:] & ~happens[:, :-1]
            lengths.append(happens.sum() / begins.sum())
        assert lengths[0] < 1.5 and lengths[1] > 3


def test_false_positives_lie_where_they_are_said_to():
    truth = truth_of(3000)
    found = detect(replace(EXACT, false_positives=0.2), truth)
    xy = found.keypoints.xy
    np.testing.assert_array_equal(xy[~found.invented], truth.xy[~found.invented])
    other = (xy == truth.xy[:, :, ::-1]).all(-1) & found.invented
    own = (xy[..., None, :] == truth.xy[..., None, :, :]).all(-1).any(-1) & found.invented
    shares = np.array([own.sum(), other.sum(), (~own & ~other & found.invented).sum()])
    assert shares / found.invented.sum() == pytest.approx([1 / 3] * 3, abs=0.08)
    partner = Limbs.of(NAMES, PAIRS, ()).partner
    assert not ((xy == truth.xy[:, :, :, partner]).all(-1) & found.invented).any()
    assert (found.error_px[found.invented] > 1).mean() > 0.99


def test_one_that_is_alone_has_false_positives_on_the_background():
    truth = truth_of(500, individuals=1)
    alone = replace(
        truth, keypoints=("nose",), xy=truth.xy[..., :1, :], confidence=truth.confidence[..., :1]
    )
    visible = np.ones(alone.shape, bool)
    detector = replace(EXACT, false_positives=1.0, memory=0.0)
    found = detector.detect(alone, visible, SIZES, {}, np.random.default_rng(0))
    for c, size in enumerate(SIZES.values()):
        xy = found.keypoints.xy[c].reshape(-1, 2)
        assert np.ptp(xy, axis=0) == pytest.approx(size, rel=0.02)


# --- confidence ---------------------------------------------------------------------------------


def area_under_roc(confidence, good):
    ranks, n = rankdata(confidence), good.sum()
    return (ranks[good].sum() - n * (n + 1) / 2) / (n * (~good).sum())


def judged(detector, hidden=0.25):
    truth = truth_of(1500)
    found = detect(detector, truth, visible=half_hidden(truth, hidden))
    there = found.keypoints.present
    return found.error_px[there], found.keypoints.confidence[there], found


def test_confidence_without_noise_ranks_errors_exactly():
    error, confidence, _ = judged(Detector(swaps=0.0, false_positives=0.0, confidence_noise=0.0))
    assert spearmanr(error, confidence)[0] == pytest.approx(-1)
    half = np.abs(error - HALF_SURE * 1.5).argmin()
    assert confidence[half] == pytest.approx(0.5, abs=0.01)


def test_confidence_tells_large_errors_as_documented():
    error, confidence, found = judged(Detector())
    good = error < HALF_SURE * Detector().noise_px
    assert spearmanr(error, confidence)[0] == pytest.approx(-0.8, abs=0.07)
    assert area_under_roc(confidence, good) == pytest.approx(0.94, abs=0.03)
    for low in np.arange(0, 1, 0.1):
        said = (confidence >= low) & (confidence < low + 0.1)
        assert good[said].mean() == pytest.approx(low + 0.05, abs=0.2)
    right = ~(found.swapped | found.invented) & found.keypoints.present
    medians = [
        np.median(found.keypoints.confidence[w]) for w in (right, found.swapped, found.invented)
    ]
    assert medians[0] > 0.85 > medians[1] > 0.5 > medians[2]
    assert (found.keypoints.confidence[found.invented] > 0.8).any()


def test_noisier_confidence_tells_less():
    areas = []
    for noise in (0.0, 1.0, 3.0):
        error, confidence, _ = judged(Detector(confidence_noise=noise))
        areas.append(area_under_roc(confidence, error < 6.0))
    assert areas[0] > areas[1] > areas[2] > 0.6


# --- streams ------------------------------------------------------------------------------------


def test_the_generator_decides():
    first, again, other = (detect(Detector(), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.keypoints.xy, again.keypoints.xy)
    np.testing.assert_array_equal(first.keypoints.confidence, again.keypoints.confidence)
    assert not np.array_equal(first.keypoints.xy, other.keypoints.xy, equal_nan=True)


def test_later_frames_and_cameras_change_nothing():
    truth = truth_of(60)
    whole = detect(Detector(), truth)
    start = detect(Detector(), truth.slice_frames(slice(0, 20)))
    np.testing.assert_array_equal(start.keypoints.xy, whole.keypoints.xy[:, :20])
    one = detect(Detector(), truth.for_cameras(["left"]))
    np.testing.assert_array_equal(one.keypoints.xy, whole.keypoints.xy[:1])
    np.testing.assert_array_equal(one.keypoints.confidence, whole.keypoints.confidence[:1])


@pytest.mark.parametrize("effect", ["swaps", "false_positives", "misses", "confidence_noise"])
def test_one_effect_does_not_change_another(effect):
    first, other = (detect(replace(Detector(), **{effect: size})) for size in (0.0, 0.3))
    same = ~(other.swapped | other.invented | other.missed)
    same &= ~(first.swapped | first.invented | first.missed)
    np.testing.assert_array_equal(first.keypoints.xy[same], other.keypoints.xy[same])
    assert same.mean() > 0.3


# --- limbs, bad input ---------------------------------------------------------------------------


def test_limbs_are_joined_by_bones_of_one_side():
    limbs = Limbs.of(NAMES, PAIRS, [*EDGES, ("nose", "hip_l"), ("nose", "tail")])
    assert limbs.count == 2
    assert limbs.partner.tolist() == [0, 2, 1, 4, 3, 6, 5, 8, 7]
    arm, leg = limbs.limb[1:5], limbs.limb[5:9]
    assert len(set(arm)) == len(set(leg)) == 1 and arm[0] != leg[0]
    assert not limbs.paired[0]
    assert Limbs.of(("nose", "tail"), {}, ()).count == 1


def test_bad_input_is_refused():
    truth, rng = truth_of(3), np.random.default_rng(0)
    visible = np.ones(truth.shape, bool)
    with pytest.raises(InputError, match="visibility has shape"):
        Detector().detect(truth, visible[0], SIZES, PAIRS, rng)
    with pytest.raises(InputError, match="pictures of camera right is not given"):
        Detector().detect(truth, visible, {"left": (640, 480)}, PAIRS, rng)
    with pytest.raises(InputError, match="mirror image"):
        Detector().detect(truth, visible, SIZES, {"nose": "beak"}, rng)
    with pytest.raises(InputError, match="swaps of a detector is a share"):
        Detector(swaps=1.1)
    with pytest.raises(InputError, match="noise_px of a detector must be 0 or more"):
        Detector(noise_px=-1.0)
