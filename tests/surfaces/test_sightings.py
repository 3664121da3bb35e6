import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.surfaces import Seen


def visible(ball, camera, points):
    """Return which points of the ball (n, 3) face a camera."""
    center = ball.rig[camera].center.numpy()
    return ((center - points - [0, 0, 0.4]) * points).sum(1) > 0.25


def test_points_are_seen_where_they_project(ball):
    camera = ball.rig.names[1]
    seen = Seen.of(ball.field(camera), ball.template)
    points = ball.template.vertices
    found = seen.where(points)
    true = ball.rig[camera].project(points + [0, 0, 0.4])
    facing = visible(ball, camera, points)
    error = np.linalg.norm(found - true, axis=1)[facing] / seen.scale
    assert np.isfinite(error).all()
    assert np.median(error) < 0.35
    assert error.max() < 1.5
    behind = visible(ball, camera, -points)
    assert np.isnan(found[behind]).mean() > 0.95


def test_spacing_is_what_a_pixel_covers(ball):
    seen = Seen.of(ball.field(ball.rig.names[0]), ball.template)
    assert 0.8 * ball.footprint() < seen.spacing < 1.3 * ball.footprint()
    assert seen.scale == pytest.approx(8)


def test_values_beside_the_surface_are_moved_to_it(ball):
    camera = ball.rig.names[0]
    beside = Seen.of(ball.field(camera, lambda values: 1.2 * values), ball.template)
    exact = Seen.of(ball.field(camera), ball.template)
    np.testing.assert_allclose(beside.values, exact.values, atol=0.01)


def test_charts_and_embedding_see_the_same(sheet):
    one, other = (Seen.of(x, sheet.template) for x in (sheet.charts(), sheet.embedding()))
    np.testing.assert_allclose(one.values, other.values, atol=1e-6)
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_what_shows_nothing(sheet):
    unsure = sheet.embedding(foreground=np.full((40, 40), 0.4))
    for field in (unsure, sheet.embedding(np.full((40, 40), np.nan))):
        seen = Seen.of(field, sheet.template)
        assert len(seen.pixels) == 0
        assert np.isnan(seen.where(np.zeros((3, 3)))).all()
    assert len(Seen.of(unsure, sheet.template, foreground=0.3).pixels) == 1600


def test_a_constant_field_shows_no_point(ball):
    constant = ball.field(ball.rig.names[0], lambda values: 0 * values + [0.4, 0, 0])
    seen = Seen.of(constant, ball.template)
    assert seen.spacing == 0
    assert np.isnan(seen.where(ball.template.vertices)).all()


def test_another_template_is_refused(sheet, ball):
    with pytest.raises(InputError, match="made with the template"):
        Seen.of(sheet.embedding(), ball.template)
