from dataclasses import replace

import numpy as np
import pytest
from worm import make_worm, worm_surface

from mvboot.errors import InputError
from mvboot.mesh.raycast import CameraRays, RayCaster
from mvboot.surfaces.texture import Painter
from mvboot.surfaces.visibility import visible_vertices


def colour_of(rest):
    """Return smooth colours (n, 3) of places of the worm at rest."""
    red, green = 40 + 200 * rest[:, 0] / 0.9, 128 + 900 * rest[:, 1]
    return np.stack([red, green, 128 + 900 * rest[:, 2]], -1)


@pytest.fixture(scope="module")
def worm():
    return make_worm()


@pytest.fixture(scope="module")
def rig(ball):
    cameras = {name: camera.resized((320, 240)) for name, camera in ball.rig.cameras.items()}
    return replace(ball.rig, cameras=cameras)


@pytest.fixture(scope="module")
def filmed(worm, rig):
    """A posed worm and its pictures; the background is black."""
    vertices = worm_surface(worm, 1).vertices
    caster, pictures = RayCaster(vertices, worm.faces), {}
    for name in rig.names:
        rays = CameraRays(rig[name])
        hits = caster.cast(rays.origin, rays.directions)
        rest = hits.interpolated(worm.faces, worm.vertices)
        colours = np.where(hits.met[:, None], colour_of(rest), 0)
        pictures[name] = np.round(colours).astype(np.uint8).reshape(240, 320, 3)
    return vertices, pictures


def test_colours_of_what_is_seen(worm, rig, filmed):
    painter = Painter(worm, 128)
    painter.add(filmed[0], rig, filmed[1])
    paint = painter.paint()
    seen = visible_vertices(filmed[0], worm.faces, rig).any(0)
    assert paint.seen[seen].mean() > 0.7  # the rest is seen at a grazing angle alone
    assert not paint.seen[~seen].any()
    shown = paint.seen.copy()
    shown[:12] = shown[-12:] = False  # the open ends: half of their pixels show what is behind
    error = np.abs(paint.colours - colour_of(worm.vertices))[shown]
    assert np.median(error) < 4
    assert (error > 25).mean() < 0.03
    assert (paint.colours[~paint.seen] == 128).all()


def test_the_texture_shows_what_the_vertices_show(worm, rig, filmed):
    painter = Painter(worm, 256)
    painter.add(filmed[0], rig, filmed[1])
    paint = painter.paint()
    assert paint.texture.shape == (256, 256, 3)
    assert paint.uv.min() >= 0
    assert paint.uv.max() <= 1
    middle = paint.uv.mean(1)
    rows = np.floor((1 - middle[:, 1]) * 256).astype(int)
    shown = paint.texture[rows, np.floor(middle[:, 0] * 256).astype(int)].astype(float)
    whole = paint.seen[worm.faces].all(1)
    assert whole.sum() > 100
    true = colour_of(worm.vertices[worm.faces].mean(1))
    assert np.median(np.abs(shown - true)[whole]) < 5


def test_charts_do_not_overlap_in_the_texture(worm):
    uv = Painter(worm, 128).paint().uv
    boxes = [(uv[worm.charts.parts == part].min((0, 1)), uv[worm.charts.parts == part].max((0, 1)))
             for part in (1, 2)]  # fmt: skip
    (low1, high1), (low2, high2) = boxes
    assert (high1 + 3 / 128 < low2).any() or (high2 + 3 / 128 < low1).any()


def test_more_frames_show_more(worm, rig, filmed):
    painter = Painter(worm, 64)
    painter.add(filmed[0], rig, filmed[1])
    one = painter.paint().seen.sum()
    under = worm_surface(worm, 1).vertices * [1, -1, -1] + [0, 0, 1.0]
    gray = {name: np.full((240, 320, 3), 77, np.uint8) for name in rig.names}
    painter.add(under, rig, gray)
    paint = painter.paint()
    assert paint.seen.sum() > one + 20


def test_seams_are_blended(worm, rig, filmed):
    """Cameras of different brightness: neighbouring vertices never differ by as much as they do."""
    painter = Painter(worm, 64)
    flat = {name: np.full((240, 320, 3), 50 + 40 * row, np.uint8)
            for row, name in enumerate(rig.names)}  # fmt: skip
    painter.add(filmed[0], rig, flat)
    paint = painter.paint()
    level = paint.colours[:, 0].astype(float)
    assert np.ptp(level[paint.seen]) > 60
    edges = worm.faces[:, :2][paint.seen[worm.faces[:, :2]].all(1)]
    steps = np.abs(level[edges[:, 0]] - level[edges[:, 1]])
    assert np.quantile(steps, 0.9) < 40


def test_without_charts_vertices_alone(ball, rig):
    template = ball.template
    painter = Painter(template)
    pictures = {name: np.full((240, 320, 3), (9, 90, 200), np.uint8) for name in rig.names[:3]}
    painter.add(template.vertices + [0, 0, 0.4], rig, pictures)
    paint = painter.paint()
    assert paint.texture is None
    assert paint.uv is None
    assert 0.3 < paint.seen.mean() < 0.95
    assert (paint.colours[paint.seen] == (9, 90, 200)).all()


def test_what_is_refused(worm, rig, filmed):
    with pytest.raises(InputError, match="make it larger"):
        Painter(worm, 8)
    painter = Painter(worm, 64)
    with pytest.raises(InputError, match=r"camera .* has shape \(24, 32, 3\)"):
        painter.add(filmed[0], rig, {rig.names[0]: np.zeros((24, 32, 3), np.uint8)})
    with pytest.raises(InputError, match="no camera 'nobody'"):
        painter.add(filmed[0], rig, {"nobody": np.zeros((240, 320, 3), np.uint8)})
