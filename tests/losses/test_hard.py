import pytest
import torch

from mvboot.losses import EpipolarError, hard_matches


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finds_the_nearest(fine_sphere, scale, dtype):
    a, b = fine_sphere.a, fine_sphere.b
    u, v = (scale * x.field.to(dtype) for x in (a, b))
    error = EpipolarError(a.pixels, b.pixels, fine_sphere.F).forth
    found = hard_matches(u, v, error)
    gaps = torch.cdist(u.double(), v.double())
    torch.testing.assert_close(found.gap.double(), gaps.amin(1), rtol=1e-4, atol=1e-6 * scale)
    torch.testing.assert_close(found.error, error.at(found.index).to(dtype))


def test_perfect_fields_match_within_a_pixel(fine_sphere):
    a, b = fine_sphere.a, fine_sphere.b
    error = EpipolarError(a.pixels, b.pixels, fine_sphere.F).forth
    found = hard_matches(a.field, b.field, error)
    seen = found.gap < 0.02
    assert found.error[seen].sqrt().median() < 0.5


def test_pixels_that_do_not_count_are_left_out(sphere):
    u, v = sphere.a.field.clone(), sphere.b.field.clone()
    here, there = (torch.arange(len(x)) % 2 > 0 for x in (u, v))
    u[~here], v[~there] = torch.nan, torch.nan
    pixels = sphere.b.pixels.clone()
    pixels[1] = torch.nan
    error = EpipolarError(sphere.a.pixels, pixels, sphere.F).forth
    found = hard_matches(u, v, error, here.float(), there.float())
    assert (found.index[~here] == -1).all()
    assert found.error[~here].isnan().all()
    assert (found.index[here] % 2 == 1).all()
    assert not (found.index == 1).any()


def test_nothing_to_match(sphere):
    error = EpipolarError(sphere.a.pixels, sphere.b.pixels, sphere.F).forth
    none = torch.zeros(len(sphere.b.field))
    found = hard_matches(sphere.a.field, sphere.b.field, error, v_weight=none)
    assert (found.index == -1).all()
    assert found.gap.isnan().all()
