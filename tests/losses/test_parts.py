import torch

from mvboot.losses import EpipolarError, match_fields, one_hot, with_parts


def test_nothing_matches_across_certain_parts(sphere):
    """Left and right halves of the second view get each other's coordinates: parts forbid it."""
    a, b = sphere.a, sphere.b
    parts = [1 + (x.pixels[:, 0] > 30).long() for x in (a, b)]
    flat = [torch.zeros(len(x.pixels), 1).double() for x in (a, b)]
    u, v = (with_parts(x, one_hot(p, 2), 1.0) for x, p in zip(flat, parts, strict=True))
    error = EpipolarError(a.pixels, b.pixels, sphere.F).forth
    found = match_fields(u, v, error, 0.05)
    for part in (1, 2):
        wanted = b.pixels[parts[1] == part].mean(0)
        torch.testing.assert_close(found.mean[parts[0] == part][0], wanted, rtol=1e-5, atol=1e-5)


def test_parts_are_apart_by_what_was_asked():
    u = with_parts(torch.zeros(3, 2), one_hot(torch.tensor([1, 2, 0]), 2), 0.5)
    torch.testing.assert_close((u[0] - u[1]).norm(), torch.tensor(0.5))
    assert (u[2] == 0).all()


def test_uncertain_parts_have_a_gradient(sphere):
    few = slice(0, 50)
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).double()
    logits.requires_grad_()
    u = with_parts(sphere.a.field[few], logits.softmax(1), 0.2)
    v = with_parts(sphere.b.field[few], torch.eye(3)[torch.arange(50) % 3], 0.2)
    error = EpipolarError(sphere.a.pixels[few], sphere.b.pixels[few], sphere.F).forth
    match_fields(u, v, error, 0.1).expected.sum().backward()
    assert (logits.grad.abs().sum(1) > 0).all()
