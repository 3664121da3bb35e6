"""Adjustment in rounds: what is wrong is left out, what is good is kept, failures are undone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import disturbed, problem, same_view

import mvboot.calib.folding as folding
import mvboot.calib.rounds as rounds
from mvboot.calib.bundle import GROUPS, Held, adjust
from mvboot.calib.rounds import Round, adjust_in_rounds, rms
from mvboot.geometry import Pose, make_lens

SEEDS = range(5)


def given(seed=0, noise_px=0.3):
    return problem("brown5", shots=16, noise_px=noise_px, seed=seed)


def solved(case, observations=None):
    start = disturbed(case.truth, np.random.default_rng(1))
    return adjust_in_rounds(start, observations or case.observations, Held())


def moved(observations, rows, by):
    """The observations with some of them shifted in px."""
    pixels = observations.pixels.copy()
    pixels[rows] += by
    return replace(observations, pixels=pixels)


def gross(observations, seed, share=0.05):
    """Some observations anywhere but at their place, and which."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(observations)) < share
    shape = (wrong.sum(), 2)
    return moved(observations, wrong, rng.uniform(6, 80, shape) * rng.choice([-1, 1], shape)), wrong


# --- good data ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_of_good_data_nearly_nothing_is_lost(seed):
    case = given(seed)
    end = solved(case)
    assert end.trouble is None
    assert (~end.used).mean() < 0.004
    assert end.rms_px == pytest.approx(0.3, rel=0.05)


def test_exact_data_are_kept_whole():
    case = given(noise_px=0.0)
    end = solved(case)
    assert end.trouble is None and end.used.all()
    assert end.rms_px < 1e-5
    for name in end.bundle.rig.names:
        assert same_view(end.bundle.rig[name], case.truth.rig[name], 1e-3)


def test_the_end_is_consistent():
    case = given()
    seen, _ = gross(case.observations, 0)
    end = solved(case, seen)
    np.testing.assert_array_equal(end.residuals, end.bundle.residuals(seen))
    assert end.rms_px == rms(end.residuals[end.used])
    start = disturbed(case.truth, np.random.default_rng(1)).residuals(seen)
    assert end.rounds[0] == Round(rms(start), len(seen))
    assert end.rounds[-1].rms_px < end.rounds[0].rms_px
    assert end.rounds[-1].used <= len(seen)


# --- wrong data ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_gross_errors_are_found(seed):
    case = given(seed)
    seen, wrong = gross(case.observations, seed)
    end, clean = solved(case, seen), solved(case, case.observations.where(~wrong))
    assert end.trouble is None
    assert not end.used[wrong].any()
    assert (~end.used[~wrong]).mean() < 0.004
    for name in end.bundle.rig.names:
        assert same_view(end.bundle.rig[name], clean.bundle.rig[name], 2.0)


@pytest.mark.parametrize("shift", [2.0, 10.0, 40.0])
def test_a_picture_that_is_off_as_a_whole_is_left_out(shift):
    """The board had moved on when these cameras exposed: others saw where it was."""
    case = given()
    seen = case.observations
    off = (seen.camera == 1) & (seen.instant == 3) | (seen.camera == 2) & (seen.instant == 7)
    end = solved(case, moved(seen, off, [shift, -shift]))
    assert not end.used[off].any()
    assert (~end.used[~off]).mean() < 0.004
    assert end.rms_px == pytest.approx(0.3, rel=0.05)


def test_a_blurred_picture_is_left_out_whole():
    case = given()
    seen = case.observations
    soft = (seen.camera == 0) & (seen.instant == 5)
    blur = np.random.default_rng(0).normal(0, 2.0, (soft.sum(), 2))
    end = solved(case, moved(seen, soft, blur))
    assert not end.used[soft].any()
    assert (~end.used[~soft]).mean() < 0.004


@pytest.mark.parametrize("times", [3.0, 8.0])
def test_a_camera_that_is_less_sharp_than_the_others_counts(times):
    """Its errors in px are larger; they are no outliers, and its own gross errors still are."""
    case = given()
    seen = case.observations
    soft = seen.camera == 1
    noise = np.random.default_rng(0).normal(0, 0.3 * times, (soft.sum(), 2))
    seen, wrong = gross(moved(seen, soft, noise), 4, share=0.02)
    far = wrong & (
        np.linalg.norm(seen.pixels - case.observations.pixels, axis=1) > 30 * times * 0.3
    )
    end = solved(case, seen)
    assert end.used[soft & ~wrong].mean() > 0.99
    assert end.used[~soft & ~wrong].mean() > 0.98
    assert not end.used[far].any()
    apart = end.bundle.rig["b"].center - case.truth.rig["b"].center
    assert float(apart.norm()) < 4 * times  # mm; 80 and more where the camera is thrown away


def test_what_has_no_projection_is_left_out():
    """At one instant the start has the board behind the cameras."""
    case = given()
    motion = case.truth.rig_from_points
    R, t = motion.R.clone(), motion.t.clone()
    t[4] = t[4] - 3000 * case.truth.rig["a"].forward
    start = replace(case.truth, rig_from_points=Pose(R, t))
    end = adjust_in_rounds(start, case.observations, Held())
    hidden = case.observations.instant == 4
    assert not end.used[hidden].any() and np.isnan(end.residuals[hidden]).all()
    assert end.used[~hidden].mean() > 0.99
    assert end.rounds[0].used == (~hidden).sum()
    assert np.isfinite(end.rms_px) and all(np.isfinite(r.rms_px) for r in end.rounds)


# --- failures -----------------------------------------------------------------------------------


def spoiled(monkeypatch, number, spoil):
    """Replace what one round of adjustment, counted from 1, returns."""
    calls = []

    def adjusted(bundle, *arguments):
        calls.append(bundle)
        found = adjust(bundle, *arguments)
        return spoil(found) if len(calls) == number else found

    monkeypatch.setattr(folding, "adjust", adjusted)
    return calls


def worse(bundle):
    """A solver that ends beside the minimum."""
    motion = bundle.rig_from_points
    return replace(bundle, rig_from_points=Pose(motion.R, motion.t + 2.0))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_round_without_a_solution_is_undone(monkeypatch, number):
    case = given()
    seen, _ = gross(case.observations, 0)
    calls = spoiled(monkeypatch, number, lambda _: None)
    end = solved(case, seen)
    assert end.trouble == f"round {number} found no finite solution"
    assert len(calls) == number and len(end.rounds) == number
    assert end.bundle is calls[-1], "the state before the round"
    np.testing.assert_array_equal(end.residuals, end.bundle.residuals(seen))


def test_a_round_that_makes_it_worse_is_undone(monkeypatch):
    case = given()
    seen, wrong = gross(case.observations, 0)
    calls = spoiled(monkeypatch, 3, worse)
    end = solved(case, seen)
    assert end.trouble == "round 3 made the error larger"
    assert end.bundle is calls[-1]
    assert end.rms_px == pytest.approx(0.3, rel=0.05) and not end.used[wrong].any()


def test_nothing_to_see_is_trouble_and_no_crash():
    case = given()
    away = Pose(case.truth.rig_from_points.R, 0 * case.truth.rig_from_points.t - 1e5)
    start = replace(case.truth, rig_from_points=away)
    end = adjust_in_rounds(start, case.observations, Held())
    assert end.trouble == "round 1 found no finite solution"
    assert end.bundle is start and not end.used.any() and np.isnan(end.rms_px)


def test_where_nothing_is_free_the_outliers_are_found_all_the_same():
    """As a check of a known rig."""
    case = given()
    seen, wrong = gross(case.observations, 0)
    held = Held({name: frozenset(GROUPS) for name in case.truth.rig.names}, motion=True)
    end = adjust_in_rounds(case.truth, seen, held)
    assert end.trouble is None
    assert not end.used[wrong].any() and end.used[~wrong].mean() > 0.995


# --- the figure ---------------------------------------------------------------------------------


def test_rms_is_per_axis():
    noise = np.random.default_rng(0).normal(0, 0.7, (20_000, 2))
    assert rms(noise) == pytest.approx(0.7, rel=0.02)
    assert rms(np.array([[3.0, 4.0]])) == pytest.approx(5 / np.sqrt(2))
    assert np.isnan(rms(np.zeros((0, 2))))


# --- lenses -------------------------------------------------------------------------------------


def test_a_lens_that_is_known_does_not_come_to_fold(monkeypatch):
    """The adjustment is told which lenses are known: those that have any distortion."""
    case = given()
    names = case.truth.rig.names
    asked = []

    def noted(bundle, observations, held, known, loss_px):
        asked.append(dict(known))
        return adjust(bundle, observations, held, loss_px), held

    monkeypatch.setattr(rounds, "adjust_unfolded", noted)
    cameras = dict(case.truth.rig.cameras)
    plain = cameras[names[0]]
    empty = make_lens("brown", torch.zeros(5, dtype=torch.float64))
    cameras[names[0]] = replace(plain, lens=empty)
    start = replace(case.truth, rig=replace(case.truth.rig, cameras=cameras))
    adjust_in_rounds(start, case.observations, Held())
    assert all(set(known) == set(names[1:]) for known in asked)
    assert all(known[n] is cameras[n] for known in asked for n in known)
