import numpy as np
import pytest
import torch

from mvboot.geometry.epipolar import epipolar_distance, fundamental_matrix
from mvboot.metrics import Rules, epipolar_errors, epipolar_summary
from mvboot.surfaces import Seen

CELL = 8
FEW = Rules(points=300)


def errors_of(ball, change=lambda values: values, rules=FEW, names=None):
    names = names or ball.rig.names
    seen = {n: Seen.of(ball.field(n, change), ball.template) for n in names}
    return epipolar_errors(seen, ball.rig.cameras, ball.template, 0, rules)


def chance(ball):
    """Return the mean error of every pixel with every other."""
    total = []
    seen = {n: Seen.of(ball.field(n), ball.template).pixels for n in ball.rig.names}
    for a in ball.rig.names:
        for b in ball.rig.names:
            if a != b:
                F = fundamental_matrix(ball.rig[a], ball.rig[b])
                x, y = (torch.from_numpy(ball.rig[n].undistort(seen[n][::7])) for n in (a, b))
                total.append(epipolar_distance(F, x[:, None], y[None]).mean())
    return float(np.mean(total))


def test_true_fields_are_consistent_within_a_pixel(ball):
    found = epipolar_summary(errors_of(ball))
    assert found["pairs"] == 10
    assert found["mean_px"] < 0.6 * CELL
    assert found["median_px"] < 0.4 * CELL
    assert 0.2 < found["matched"] < 0.9


def test_true_fields_of_a_synthetic_capture_are_consistent_within_a_pixel(capture):
    seen = {n: Seen.of(capture.field(n, 0), capture.template) for n in capture.cameras}
    cameras = {n: capture.camera(n, 0) for n in capture.cameras}
    found = epipolar_summary(epipolar_errors(seen, cameras, capture.template, 0))
    assert found["mean_px"] < 1
    assert found["matched"] > 0.2


def test_constant_and_shuffled_fields_are_at_chance(ball):
    expected = chance(ball)
    perfect = epipolar_summary(errors_of(ball))["mean_px"]
    assert expected > 5 * perfect

    def shuffled(values):
        known = np.isfinite(values[..., 0])
        mixed = values.copy()
        mixed[known] = np.random.default_rng(int(known.sum())).permutation(values[known])
        return mixed

    mixed = epipolar_summary(errors_of(ball, shuffled))
    assert mixed["mean_px"] == pytest.approx(expected, rel=0.1)
    # All pixels of a constant field match the same one, so that its place matters.
    constant = epipolar_summary(errors_of(ball, lambda values: 0 * values + [0.4, 0, 0]))
    assert constant["matched"] == 1
    assert constant["mean_px"] == pytest.approx(expected, rel=0.5)


def test_noise_is_seen_and_a_common_relabelling_is_not(ball):
    rng = np.random.default_rng(0)
    clean = epipolar_summary(errors_of(ball))["mean_px"]
    noisy = errors_of(ball, lambda values: values + rng.normal(0, 0.05, values.shape))
    assert epipolar_summary(noisy)["mean_px"] > 1.3 * clean
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    turned = epipolar_summary(errors_of(ball, lambda values: values @ turn))["mean_px"]
    assert turned == pytest.approx(clean, rel=0.05)


def test_errors_are_symmetric_and_told_by_pair_and_camera(ball):
    names = ball.rig.names[:3]
    matches = errors_of(ball, names=names)
    assert {(m.a, m.b) for m in matches} == {(a, b) for a in names for b in names if a != b}
    found = epipolar_summary(matches)
    assert list(found["per_pair"]) == [
        " | ".join(names[i] for i in p) for p in [(0, 1), (0, 2), (1, 2)]
    ]
    one = [m for m in matches if {m.a, m.b} == set(names[:2])]
    both = np.concatenate([(m.in_a + m.in_b) / 2 for m in one])
    assert found["per_pair"][" | ".join(names[:2])]["mean_px"] == pytest.approx(np.nanmean(both))
    own = [m.in_a if m.a == names[0] else m.in_b for m in matches if names[0] in (m.a, m.b)]
    assert found["per_camera"][names[0]]["mean_px"] == pytest.approx(
        np.nanmean(np.concatenate(own))
    )


def test_a_match_is_measured_in_both_pictures(ball):
    a, b = ball.rig.names[:2]
    (match,) = (m for m in errors_of(ball, rules=Rules(points=20)) if (m.a, m.b) == (a, b))
    assert len(match.in_a) == 20
    seen = {n: Seen.of(ball.field(n), ball.template) for n in (a, b)}
    chosen = Rules(points=20).drawn(len(seen[a].pixels), a, 0)
    gaps = np.linalg.norm(seen[a].values[chosen][:, None] - seen[b].values[None], axis=-1)
    gate = 0.03 * np.ptp(ball.template.vertices, axis=0).max()
    np.testing.assert_array_equal(np.isfinite(match.in_a), gaps.min(1) <= gate)
    F = fundamental_matrix(ball.rig[a], ball.rig[b])
    x = torch.from_numpy(ball.rig[a].undistort(seen[a].pixels[chosen]))
    y = torch.from_numpy(ball.rig[b].undistort(seen[b].pixels[gaps.argmin(1)]))
    near = np.isfinite(match.in_a)
    np.testing.assert_allclose(match.in_b[near], epipolar_distance(F, x, y)[near], atol=1e-6)
    np.testing.assert_allclose(match.in_a[near], epipolar_distance(F.mT, y, x)[near], atol=1e-6)


def test_a_narrow_gate_matches_less(ball):
    shares = [
        epipolar_summary(errors_of(ball, rules=Rules(points=300, gate=gate)))["matched"]
        for gate in (0.01, 0.03, 0.3)
    ]
    assert shares[0] < shares[1] < shares[2]


def test_nothing_to_match(ball):
    a, b = ball.rig.names[:2]
    empty = Seen.of(ball.field(a, lambda values: values * np.nan), ball.template)
    there = Seen.of(ball.field(b), ball.template)
    matches = epipolar_errors({a: empty, b: there}, ball.rig.cameras, ball.template, 0)
    found = epipolar_summary(matches)
    assert found["matched"] == 0
    assert found["mean_px"] is None
    assert epipolar_summary([])["matched"] is None


def test_cameras_in_one_place_have_no_epipolar_lines(ball):
    a, b = ball.rig.names[:2]
    there = Seen.of(ball.field(a), ball.template)
    cameras = {a: ball.rig[a], b: ball.rig[a]}
    found = epipolar_summary(epipolar_errors({a: there, b: there}, cameras, ball.template, 0))
    assert found["matched"] == 0
