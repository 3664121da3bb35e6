import pytest
import torch

from mvboot.losses import EpipolarError, FlowError, match_fields
from mvboot.losses.attention import expected_moments, expected_squares


@pytest.mark.parametrize("kind", ["epipolar", "flow"])
def test_equals_the_matching_of_all_pairs(sphere, kind):
    a, b = sphere.a, sphere.b
    error = {
        "epipolar": EpipolarError(a.pixels, b.pixels, sphere.F),
        "flow": FlowError(a.pixels, b.pixels, torch.sin(a.pixels)),
    }[kind].forth
    weight = torch.rand(len(b.field), generator=torch.Generator().manual_seed(0)).double() + 0.1
    fields = [x.field.clone().requires_grad_() for x in (a, b)]
    found = expected_squares(*fields, error, 0.05, weight)
    wanted = match_fields(*fields, error, 0.05, v_weight=weight).expected
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)
    gradients = [torch.autograd.grad(x.mean(), fields) for x in (found, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-8)


def test_moments_hold_the_expected_match(sphere):
    a, b = sphere.a, sphere.b
    moments = expected_moments(a.field, b.field, b.pixels, 0.05)
    error = EpipolarError(a.pixels, b.pixels, sphere.F).forth
    found = match_fields(a.field, b.field, error, 0.05)
    torch.testing.assert_close(moments[:, :2, 2], found.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(moments[:, 2, 2], torch.ones(len(moments)).double())


def test_a_batch_is_a_loop(sphere):
    u = torch.stack([sphere.a.field, 0.5 * sphere.a.field])
    v, pixels = sphere.b.field.expand(2, -1, -1), sphere.b.pixels.expand(2, -1, -1)
    batch = expected_moments(u, v, pixels, 0.05)
    for i in range(2):
        torch.testing.assert_close(batch[i], expected_moments(u[i], v[i], pixels[i], 0.05))
