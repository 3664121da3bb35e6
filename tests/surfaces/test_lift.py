from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from mvboot.errors import InputError
from mvboot.surfaces import Seen, lift, visible_vertices
from mvboot.triangulation import TriangulationOptions

MIDDLE = np.array([0.0, 0.0, 0.4])
PAIRS = TriangulationOptions(min_views=2, threshold_px=30)
"""The ball has few cameras."""


def seen_by(ball, change=lambda values: values):
    return {n: Seen.of(ball.field(n, change), ball.template) for n in ball.rig.names}


@pytest.fixture(scope="module")
def exact(ball):
    return lift(seen_by(ball), ball.rig, ball.template, options=PAIRS)


def errors(ball, lifted):
    """Return the errors (n, 3) of the vertices that were lifted."""
    true = ball.template.vertices[lifted.vertices] + MIDDLE
    return (lifted.points - true)[lifted.visible]


def test_exact_fields_give_the_vertices_within_a_share_of_a_cell(ball, exact):
    error = np.linalg.norm(errors(ball, exact), axis=1)
    assert exact.units == "m" and len(exact.vertices) == len(ball.template.vertices)
    assert error.mean() < 0.2 * ball.footprint() and len(error) > 0.4 * len(exact.vertices)


def test_vertices_are_lifted_where_views_see_them_and_nowhere_else(ball, exact):
    seen = visible_vertices(ball.template.vertices + MIDDLE, ball.template.faces, ball.rig)
    views = seen.sum(0)
    assert exact.visible[views >= 3].mean() > 0.95
    assert exact.visible[views == 0].mean() < 0.02
    assert (exact.views <= exact.shown).all()
    np.testing.assert_array_equal(exact.visible, np.isfinite(exact.points).all(1))
    np.testing.assert_array_equal(exact.visible, np.isfinite(exact.error_px))


def test_covariances_are_symmetric_and_positive(exact):
    spread = exact.covariance[exact.visible]
    np.testing.assert_allclose(spread, spread.swapaxes(1, 2), rtol=1e-6)
    assert (np.linalg.eigvalsh(spread) > 0).all()


def test_the_covariance_covers_the_error_of_noisy_fields(ball):
    rng = np.random.default_rng(0)

    def noisy(values):
        """Return values of which blocks of cells lie beside the true place together."""
        height, width, size = values.shape
        noise = rng.normal(0, 0.02, (height // 4 + 1, width // 4 + 1, size))
        return values + noise.repeat(4, 0).repeat(4, 1)[:height, :width]

    lifted = lift(seen_by(ball, noisy), ball.rig, ball.template, options=PAIRS)
    error = errors(ball, lifted)
    spread = lifted.covariance[lifted.visible]
    squared = np.einsum("ni,nij,nj->n", error, np.linalg.inv(spread), error)
    assert 0.75 < (squared <= chi2.ppf(0.9, 3)).mean() < 0.99
    assert np.linalg.norm(error, axis=1).mean() < 0.04


def test_views_that_a_believed_surface_hides_a_vertex_from_are_left_out(ball):
    """The field of one camera claims to show the far side of the ball."""
    surface = ball.template.vertices + MIDDLE
    seen, liar = seen_by(ball), ball.rig.names[0]
    seen[liar] = Seen.of(ball.field(liar, lambda values: -values), ball.template)
    others = {name: one for name, one in seen.items() if name != liar}
    found, told, without = (
        lift(fields, ball.rig, ball.template, surface=believed, options=PAIRS)
        for fields, believed in ((seen, surface), (seen, None), (others, surface))
    )
    truly = visible_vertices(surface, ball.template.faces, ball.rig)[1:].sum(0)
    assert (found.shown <= truly).mean() > 0.98 and (told.shown > truly).mean() > 0.1
    both = found.visible & without.visible
    assert (found.visible == without.visible).mean() > 0.98
    far = np.linalg.norm(found.points - without.points, axis=1)[both]
    assert np.quantile(far, 0.95) < 0.001


def test_some_vertices_are_lifted_as_they_are_among_all(ball, exact):
    rows = np.array([1200, 3, 77])
    some = lift(seen_by(ball), ball.rig, ball.template, rows, options=PAIRS)
    np.testing.assert_array_equal(some.vertices, rows)
    np.testing.assert_array_equal(some.shown, exact.shown[rows])
    np.testing.assert_allclose(some.points, exact.points[rows], atol=0.005)


def test_fields_without_a_subject_lift_nothing(ball):
    nothing = seen_by(ball, lambda values: np.full_like(values, np.nan))
    lifted = lift(nothing, ball.rig, ball.template)
    assert not lifted.visible.any() and not lifted.shown.any()


def test_the_threshold_follows_the_pixels_of_the_fields(ball):
    """The ball's cells are 8 px wide, so views may disagree by 128 px."""
    lifted = lift(seen_by(ball), ball.rig, ball.template)
    tight = TriangulationOptions(threshold_px=0.05)
    strict = lift(seen_by(ball), ball.rig, ball.template, options=tight)
    assert strict.visible.sum() < 0.5 * lifted.visible.sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {**a, "seen": {**a["seen"], "cam_99": a["seen"]["cam_01"]}}, "cam_99"),
        (lambda a: {**a, "seen": {"cam_01": a["seen"]["cam_01"]}}, "at least two cameras"),
        (lambda a: {**a, "template": replace(a["template"], embedding=None)}, "no embedding"),
        (lambda a: {**a, "vertices": np.array([5, 99999])}, "vertices 0 to 2561; 5 to 99999"),
        (lambda a: {**a, "vertices": np.array([-1])}, "-1 to -1 were asked"),
        (lambda a: {**a, "surface": np.zeros((7, 3))}, r"the surface has vertices \(7, 3\)"),
    ],
)
def test_unusable_input_gives_one_clear_line(ball, change, message):
    arguments = change({"seen": seen_by(ball), "rig": ball.rig, "template": ball.template})
    with pytest.raises(InputError, match=message) as caught:
        lift(**arguments)
    assert "\n" not in str(caught.value)
