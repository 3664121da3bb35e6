import math

import numpy as np
import pytest
import torch

from mvboot.losses import (
    EpipolarError,
    FlowError,
    Penalty,
    WarpError,
    affinity_loss,
    likelihood,
    match_fields,
    normalised,
    unnormalised,
)
from mvboot.losses.affinity import HOPELESS
from mvboot.losses.blocks import Blocks
from mvboot.losses.matching import BOX, REACH, Matching

PENALTIES = [
    Penalty(),
    Penalty("unsquared"),
    Penalty("squared", 6.0),
    Penalty("unsquared", 3.0),
    Penalty("robust", 3.0),
]
NAMES = ("expected", "log_mass", "visibility", "mean", "covariance", "entropy", "floor")


def epipolar(sphere, penalty=PENALTIES[0]):
    return EpipolarError(sphere.a.pixels, sphere.b.pixels, sphere.F, penalty)


def errors(sphere, penalty):
    """Return one error of each kind between the views a and b."""
    a, b = sphere.a.pixels, sphere.b.pixels
    turn = torch.tensor([[0.9, -0.1, 3.0], [0.1, 1.1, -2.0], [1e-3, 0.0, 1.0]]).double()
    return {
        "epipolar": EpipolarError(a, b, sphere.F, penalty),
        "flow": FlowError(a, b, 5 * torch.sin(a), 5 * torch.sin(b), penalty=penalty),
        "warp": WarpError(a, b, turn, penalty),
    }


def disturbed(field, seed=0, amount=0.03):
    generator = torch.Generator().manual_seed(seed)
    return field + amount * torch.randn(field.shape, generator=generator, dtype=field.dtype)


def loss(sphere, u, v, sigma=0.05, penalty=PENALTIES[1], **options):
    return affinity_loss(u, v, epipolar(sphere, penalty), sigma, **options).value


# --- equal to the explicit matrices -----------------------------------------------------------


@pytest.mark.parametrize("kind", ["epipolar", "flow", "warp"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_equals_the_explicit_matrices(sphere, explicit, kind, penalty):
    u = disturbed(sphere.a.field).requires_grad_()
    v = disturbed(sphere.b.field, 1).requires_grad_()
    weight = torch.rand(len(v), generator=torch.Generator().manual_seed(2)).double() + 0.01
    residuals = errors(sphere, penalty)[kind].forth
    found = match_fields(u, v, residuals, 0.05, v_weight=weight)
    truth = explicit(u, v, residuals, 0.05, weight)
    for name in NAMES:
        torch.testing.assert_close(getattr(found, name), getattr(truth, name), rtol=1e-6, atol=1e-6)
    for ours, theirs in (
        (normalised(found), truth.loss()),
        (unnormalised(found), (truth.log_mass.exp() * truth.expected).mean()),
        (likelihood(found), -torch.log(1 - (1 - HOPELESS) * truth.expected.clamp(max=1)).mean()),
    ):
        wanted = torch.autograd.grad(theirs, (u, v), retain_graph=True)
        got = torch.autograd.grad(ours, (u, v), retain_graph=True)
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1, 1.0])
def test_single_precision_equals_the_explicit_matrices_to_1e_5(fine_sphere, explicit, sigma):
    u, v = (x.field.float().requires_grad_() for x in (fine_sphere.a, fine_sphere.b))
    residuals = epipolar(fine_sphere).forth
    found = match_fields(u, v, residuals, sigma)
    doubles = [x.detach().double().requires_grad_() for x in (u, v)]
    truth = explicit(*doubles, residuals, sigma)
    torch.testing.assert_close(normalised(found).double(), truth.loss(), rtol=1e-5, atol=0)
    clear = found.visibility > 0.1
    torch.testing.assert_close(
        found.expected[clear].double(), truth.expected[clear], rtol=1e-5, atol=1e-5
    )
    normalised(found).backward()
    truth.loss().backward()
    for single, double in zip((u, v), doubles, strict=True):
        gap = (single.grad - double.grad).norm() / double.grad.norm()
        assert gap < 2e-5


def test_far_pairs_are_skipped(fine_sphere):
    boxes = [Blocks.of(x.field, BOX) for x in (fine_sphere.a, fine_sphere.b)]
    residuals = epipolar(fine_sphere).forth
    matching = Matching.of(*boxes, torch.ones(len(fine_sphere.b.field)), residuals, 0.01)
    assert matching.near(REACH).double().mean() < 0.2


def test_pixels_far_from_every_match_are_exact_too(sphere, explicit):
    """What is skipped is relative to the best match of each pixel, however far it is."""
    u, v = sphere.a.field + 3.0, sphere.b.field
    residuals = epipolar(sphere).forth
    found, truth = match_fields(u, v, residuals, 0.03), explicit(u, v, residuals, 0.03)
    torch.testing.assert_close(found.expected, truth.expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_gradcheck(sphere):
    few = slice(100, 140)
    u = sphere.a.field[few].clone().requires_grad_()
    v = sphere.b.field[few].clone().requires_grad_()
    for penalty in PENALTIES[:2]:
        error = EpipolarError(sphere.a.pixels[few], sphere.b.pixels[few], sphere.F, penalty)

        def values(u, v, error=error):
            found = match_fields(u, v, error.forth, 0.1)
            return found.expected, found.log_mass

        assert torch.autograd.gradcheck(values, (u, v))


# --- how the loss behaves (methods, B.5) ------------------------------------------------------


def test_a_constant_field_costs_what_chance_does(sphere):
    error = epipolar(sphere, PENALTIES[1])
    u, v = torch.zeros_like(sphere.a.field), torch.zeros_like(sphere.b.field)
    lines, pixels = error.forth.lines[:, 0], error.forth.pixels
    distance = (lines[:, :2] @ pixels.T + lines[:, 2:]).abs()
    found = match_fields(u, v, error.forth, 0.02)
    torch.testing.assert_close(found.expected, distance.mean(1))
    assert normalised(found) > 10 * loss(sphere, sphere.a.field, sphere.b.field, 0.02)


def test_the_floor_grows_with_sigma_and_is_all_there_is_at_the_truth(fine_sphere):
    fields = fine_sphere.a.field, fine_sphere.b.field
    found = [affinity_loss(*fields, epipolar(fine_sphere, PENALTIES[1]), s) for s in (0.02, 0.04)]
    ratio = found[1].value / found[0].value
    assert ratio.item() == pytest.approx(2, rel=0.05)
    for one in found:
        assert one.floor.item() == pytest.approx(one.value.item(), rel=0.05)


def test_squared_error_is_that_of_the_mean_match_plus_the_floor(sphere):
    error = epipolar(sphere).forth
    found = match_fields(disturbed(sphere.a.field), sphere.b.field, error, 0.05)
    mean = torch.nn.functional.pad(found.mean, (0, 1), value=1.0)
    of_mean = (error.lines[:, 0] * mean).sum(1).square()
    torch.testing.assert_close(found.expected, of_mean + found.floor)
    normal = error.lines[:, 0, :2]
    spread = torch.einsum("ni,nij,nj->n", normal, found.covariance, normal)
    torch.testing.assert_close(found.floor, spread)


def test_shrinking_costs_and_stretching_pays(sphere):
    """The degenerate directions: why fields must be bounded and distilled."""
    u, v = sphere.a.field, sphere.b.field
    truth, shrunk, stretched = (loss(sphere, s * u, s * v) for s in (1.0, 0.1, 10.0))
    assert shrunk > 3 * truth
    assert stretched < 0.5 * truth


def test_without_normalising_matching_nothing_costs_nothing(sphere):
    u, v = sphere.a.field, sphere.b.field
    apart = loss(sphere, u, v + 5, 0.05, reduction=unnormalised)
    assert apart == 0
    assert loss(sphere, u, v, 0.05, reduction=unnormalised) > 1


def slid(sphere, by):
    """Return the field of view a moved by some px along its epipolar lines with b (horizontal)."""
    pixels = sphere.a.pixels + torch.tensor([by, 0.0])
    lines_a = epipolar(sphere).forth.lines[:, 0]
    moved = EpipolarError(pixels, sphere.b.pixels, sphere.F).forth.lines[:, 0]
    assert ((lines_a - moved).abs().mean(0)[:2] < 0.1).all()
    gap = torch.cdist(pixels, sphere.a.pixels)
    return sphere.a.field[gap.argmin(1)], gap.amin(1) < 0.1


def test_one_pair_is_blind_along_its_lines_and_a_second_pair_sees(fine_sphere):
    by = 5.0
    field, there = slid(fine_sphere, by)
    a, b, c = fine_sphere.a, fine_sphere.b, fine_sphere.c
    second = EpipolarError(a.pixels, c.pixels, fine_sphere.fundamental("a", "c"), PENALTIES[1])
    weight = there.double()

    def of_pair(u, other, error):
        return affinity_loss(u, other.field, error, 0.02, u_weight=weight).value

    first = epipolar(fine_sphere, PENALTIES[1])
    blind = of_pair(field, b, first) / of_pair(a.field, b, first)
    seeing = of_pair(field, c, second) / of_pair(a.field, c, second)
    assert blind < 1.2
    assert seeing > 2


def test_a_common_relabelling_changes_nothing(sphere):
    u, v = disturbed(sphere.a.field), disturbed(sphere.b.field, 1)
    angle = 0.7
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = [x @ turn * torch.tensor([1.0, -1.0]) + 2 for x in (u, v)]
    torch.testing.assert_close(loss(sphere, *moved), loss(sphere, u, v))


def test_a_smooth_common_relabelling_hardly_changes_it(fine_sphere):
    """Semantics are free: only labels or a teacher can hold them."""
    u, v = fine_sphere.a.field, fine_sphere.b.field
    relabelled = [x + 0.05 * torch.sin(4 * x.flip(-1)) for x in (u, v)]
    ratio = loss(fine_sphere, *relabelled, 0.02) / loss(fine_sphere, u, v, 0.02)
    assert ratio.item() == pytest.approx(1, abs=0.1)


def test_both_directions_agree(sphere):
    u, v = disturbed(sphere.a.field), disturbed(sphere.b.field, 1)
    there = affinity_loss(u, v, EpipolarError(sphere.a.pixels, sphere.b.pixels, sphere.F), 0.05)
    swapped = EpipolarError(sphere.b.pixels, sphere.a.pixels, sphere.F.mT)
    torch.testing.assert_close(there.value, affinity_loss(v, u, swapped, 0.05).value)


def test_noise_is_seen_and_descent_removes_it(sphere):
    truth = loss(sphere, sphere.a.field, sphere.b.field)
    u = disturbed(sphere.a.field, amount=0.1).requires_grad_()
    optimiser = torch.optim.Adam([u], lr=0.01)
    before = loss(sphere, u, sphere.b.field).item()
    for _ in range(30):
        optimiser.zero_grad()
        loss(sphere, u, sphere.b.field).backward()
        optimiser.step()
    after = loss(sphere, u, sphere.b.field).item()
    assert before > 1.5 * truth
    assert after - truth < 0.5 * (before - truth)


# --- weights, batches and the edges -----------------------------------------------------------


def test_weights_are_as_if_pixels_were_not_there(sphere):
    u, v = sphere.a.field.clone(), sphere.b.field.clone()
    here, there = (torch.arange(len(x)) % 3 > 0 for x in (u, v))
    few = EpipolarError(sphere.a.pixels[here], sphere.b.pixels[there], sphere.F)
    wanted = affinity_loss(u[here], v[there], few, 0.05).value
    u[~here], v[~there] = torch.nan, torch.nan
    given = {"u_weight": here.double(), "v_weight": there.double()}
    u.requires_grad_()
    got = affinity_loss(u, v, epipolar(sphere), 0.05, **given).value
    torch.testing.assert_close(got, wanted)
    got.backward()
    assert torch.isfinite(u.grad).all()
    assert (u.grad[~here] == 0).all()


def test_weights_and_visibility_have_no_gradient(sphere):
    u = sphere.a.field.clone().requires_grad_()
    weight = torch.ones(len(u), dtype=torch.float64, requires_grad=True)
    found = match_fields(u, sphere.b.field, epipolar(sphere).forth, 0.05, u_weight=weight)
    assert not found.visibility.requires_grad
    assert not found.weight.requires_grad
    normalised(found).backward()
    assert weight.grad is None


def test_a_batch_is_a_loop(sphere):
    u, v = (torch.stack([disturbed(x.field, i) for i in range(3)]) for x in (sphere.a, sphere.b))
    weight = torch.rand(u.shape[:2], generator=torch.Generator().manual_seed(0)).round()
    F = torch.stack([sphere.F, sphere.F, torch.eye(3).double().roll(1, 0)])
    pixels = [x.pixels.expand(3, -1, -1) for x in (sphere.a, sphere.b)]
    batch = affinity_loss(u, v, EpipolarError(*pixels, F), 0.05, u_weight=weight)
    assert batch.value.shape == (3,)
    for i in range(3):
        error = EpipolarError(pixels[0][i], pixels[1][i], F[i])
        alone = affinity_loss(u[i], v[i], error, 0.05, u_weight=weight[i])
        for name in ("value", "floor", "visibility", "entropy"):
            torch.testing.assert_close(getattr(batch, name)[i], getattr(alone, name))


@pytest.mark.parametrize("empty", ["u", "v", "both"])
def test_nothing_to_match_is_no_loss_and_no_gradient(sphere, empty):
    u, v = (x.field.clone().requires_grad_() for x in (sphere.a, sphere.b))
    nothing = [torch.zeros(len(x)).double() for x in (u, v)]
    given = {"u_weight": nothing[0]} if empty != "v" else {}
    given |= {"v_weight": nothing[1]} if empty != "u" else {}
    found = loss(sphere, u, v, **given)
    assert found == 0
    found.backward()
    assert (u.grad == 0).all()
    assert (v.grad == 0).all()


def test_fields_without_pixels(sphere):
    u = torch.zeros(0, 2, dtype=torch.float64, requires_grad=True)
    error = EpipolarError(torch.zeros(0, 2), sphere.b.pixels, sphere.F)
    found = affinity_loss(u, sphere.b.field, error, 0.05).value
    found.backward()
    assert found == 0


@pytest.mark.parametrize("sigmas", [8, 30, 1000])
def test_disjoint_fields_fade(sphere, sigmas):
    """What cannot be matched must not pull with the full weight of a mean."""
    u = sphere.a.field.clone().requires_grad_()
    shift = u.detach().amax(0) - sphere.b.field.amin(0) + sigmas * 0.02
    found = loss(sphere, u, sphere.b.field + shift, 0.02)
    found.backward()
    assert found < 1e-6
    assert u.grad.abs().max() < 1e-6


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_agrees_with_the_cpu(fine_sphere):
    found = []
    for device in ("cpu", "cuda"):
        u, v, a, b = (
            x.to(device)
            for x in (
                fine_sphere.a.field,
                fine_sphere.b.field,
                fine_sphere.a.pixels,
                fine_sphere.b.pixels,
            )
        )
        u.requires_grad_()
        one = affinity_loss(u, v, EpipolarError(a, b, fine_sphere.F), 0.02)
        one.value.backward()
        found.append([x.cpu() for x in (one.value.detach(), one.floor, one.entropy, u.grad)])
        u.grad = None
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-7)


def test_one_pixel_each(sphere):
    u = sphere.a.field[:1].clone().requires_grad_()
    error = EpipolarError(sphere.a.pixels[:1], sphere.b.pixels[:1], sphere.F)
    found = match_fields(u, u.detach(), error.forth, 0.05)
    one = torch.zeros(1, dtype=torch.long)
    torch.testing.assert_close(found.expected.detach(), error.forth.at(one))
    torch.testing.assert_close(found.mean, sphere.b.pixels[:1])
    assert found.entropy.item() == pytest.approx(0, abs=1e-9)
    found.expected.sum().backward()
    assert u.grad.abs().max() < 1e-9


@pytest.mark.parametrize("sigma", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_sigmas_stay_finite(sphere, sigma, dtype):
    u, v = (x.field.to(dtype).requires_grad_() for x in (sphere.a, sphere.b))
    found = affinity_loss(u, v, epipolar(sphere), sigma)
    found.value.backward()
    for value in (found.value, found.floor, found.visibility, found.entropy, u.grad, v.grad):
        assert torch.isfinite(value).all()


def test_coordinates_that_are_not_finite_are_not_hidden(sphere):
    u = sphere.a.field.clone()
    u[7] = torch.nan
    assert loss(sphere, u, sphere.b.field).isnan()
    assert loss(sphere, sphere.a.field, sphere.b.field * torch.inf).isnan()


def test_half_precision_is_matched_in_single(sphere):
    u, v = sphere.a.field.half().requires_grad_(), sphere.b.field.half()
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(sphere, u, v)
        found.backward()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.detach(), loss(sphere, u.detach().float(), v.float()))
    single = u.detach().float().requires_grad_()
    loss(sphere, single, v.float()).backward()
    torch.testing.assert_close(u.grad.float(), single.grad, rtol=1e-2, atol=1e-4)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": 0.0}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"u_weight": torch.ones(3)}, "weights"),
        ({"v": torch.zeros(5, 2)}, "their error"),
        ({"v": torch.zeros(5, 3)}, "must be"),
    ],
)
def test_what_does_not_fit_is_refused(sphere, change, message):
    given = {"u": sphere.a.field, "v": sphere.b.field, "sigma": 0.1} | change
    with pytest.raises(ValueError, match=message):
        affinity_loss(error=epipolar(sphere), **given)


# --- likelihood -------------------------------------------------------------------------------


def test_the_likelihood_is_bounded_and_best_at_the_truth(sphere):
    penalty, u, v = Penalty("robust", 2.0), sphere.a.field, sphere.b.field
    found = [
        float(loss(sphere, disturbed(u, 0, amount), v, 0.03, penalty, reduction=likelihood))
        for amount in (0.0, 0.03, 0.1, 10.0)
    ]
    assert found == sorted(found)
    assert found[-1] <= -math.log(HOPELESS) + 1e-6


def test_the_likelihood_counts_pixels_that_match_nothing_near(sphere):
    """What visibility would leave out: the wrong ones have most to learn."""
    penalty, u, v = Penalty("robust", 2.0), sphere.a.field.clone(), sphere.b.field
    u[: len(u) // 2] += 0.3
    u.requires_grad_()
    loss(sphere, u, v, 0.1, penalty, reduction=likelihood).backward()
    assert bool((u.grad[: len(u) // 2].abs().sum(1) > 0).float().mean() > 0.9)
