import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mvboot.errors import InputError
from mvboot.surfaces import Seen, lift, visible_vertices
from mvboot.surfaces.noise import Scatter
from mvboot.template import Template
from mvboot.triangulation import TriangulationOptions

MIDDLE = np.array([0.0, 0.0, 0.4])
PAIRS = TriangulationOptions(min_views=2, threshold_px=60)


def test_on_a_flat_sheet_points_scatter_evenly_about_their_pixels(sheet):
    template = sheet.template
    pixels = 100 * template.vertices[:, :2] * [2, 1]
    shift, spread = Scatter(template).of(pixels, np.ones(len(pixels), bool), 0.075)
    middle = np.abs(template.vertices[:, :2]).max(1) < 0.6
    np.testing.assert_allclose(shift[middle], 0, atol=0.1)
    expected = np.diag([15.0**2, 7.5**2])
    assert np.abs(spread[middle] - expected).max() < 0.3 * expected.max()
    ratio = spread[middle, 0, 0] / spread[middle, 1, 1]
    np.testing.assert_allclose(ratio, 4, rtol=0.1)


def test_an_edge_moves_points_inwards_and_hidden_neighbours_do_not_count(sheet):
    template = sheet.template
    pixels = 100 * template.vertices[:, :2]
    scatter = Scatter(template)
    shift, _ = scatter.of(pixels, np.ones(len(pixels), bool), 0.1)
    right = template.vertices[:, 0] > 0.99
    assert (shift[right, 0] < -3).all()
    shift, _ = scatter.of(pixels, template.vertices[:, 0] < 0.05, 0.1)
    assert (shift[np.abs(template.vertices[:, 0]) < 0.01, 0] < -3).all()


def test_less_noise_than_the_mesh_can_show_scatters_less(sheet):
    template = sheet.template
    pixels = 100 * template.vertices[:, :2]
    everything = np.ones(len(pixels), bool)
    sizes = [np.trace(Scatter(template).of(pixels, everything, n)[1][220]) for n in (0.01, 0.001)]
    assert sizes[1] == pytest.approx(0.01 * sizes[0], rel=0.01)


def test_noise_is_estimated_and_its_pull_to_the_inside_is_put_right(ball):
    rng = np.random.default_rng(0)

    def noisy(values):
        """Return values that lie beside the true place, neighbours alike."""
        noise = gaussian_filter(rng.normal(size=values.shape), (3, 3, 0))
        return values + noise * (0.03 / noise.std())

    seen = {n: Seen.of(ball.field(n, noisy), ball.template) for n in ball.rig.names}
    true = ball.template.vertices + MIDDLE
    blind = lift(seen, ball.rig, ball.template, surface=true, options=PAIRS)
    told = lift(
        seen,
        ball.rig,
        ball.template,
        surface=true,
        scatter=(Scatter(ball.template), blind.noise),
        options=PAIRS,
    )
    deep = []
    for one in (blind, told):
        rows = one.visible & (visible_vertices(true, ball.template.faces, ball.rig).sum(0) > 1)
        deep.append(0.4 - np.linalg.norm(one.points[rows] - MIDDLE, axis=1).mean())
    assert 0.02 < blind.noise < 0.045
    assert deep[0] > 0.002 and abs(deep[1]) < 0.5 * deep[0]


def test_a_template_without_an_embedding_is_refused(sheet):
    bare = Template("bare", "m", sheet.template.vertices, sheet.template.faces)
    with pytest.raises(InputError, match="no embedding"):
        Scatter(bare)
