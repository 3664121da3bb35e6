from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError, NothingUsable
from mvboot.surfaces import (
    FitSettings,
    Lifted,
    Posture,
    Seen,
    SurfaceFitter,
    lift,
)
from mvboot.surfaces.posture import posed_offsets
from mvboot.template import Template, load_template
from mvboot.triangulation import TriangulationOptions


def lifted_at(places, rows=None, sigma=0.002, seed=0, units="m"):
    """Return vertices lifted to within sigma of their places (V, 3), as five views would."""
    rows = np.arange(len(places)) if rows is None else rows
    noise = sigma * np.random.default_rng(seed).normal(size=(len(rows), 3))
    spread = np.broadcast_to(sigma**2 * np.eye(3), (len(rows), 3, 3)).copy()
    views = np.full(len(rows), 5)
    return Lifted(units, rows, places[rows] + noise, spread, views, views, np.ones(len(rows)), 0.01)


def nobody(template):
    """Return a lift in which nothing was found."""
    size = len(template.vertices)
    none = np.zeros(size, dtype=np.int64)
    missing = np.full((size, 3, 3), np.nan)
    return Lifted(
        "m", np.arange(size), missing[0:, 0], missing, none, none, missing[:, 0, 0], np.nan
    )


def gap(surface, places):
    return np.linalg.norm(surface.vertices - places, axis=1)


@pytest.fixture(scope="module")
def animal():
    return load_template("quadruped")


def stands(template, time=0.0):
    """Return a posture of the animal, a little another at another time, and its vertices."""
    rng = np.random.default_rng(3)
    limits = template.skeleton.limits
    turns = rng.normal(0, 0.2, limits.shape[:2]) + 0.05 * time * rng.normal(size=limits.shape[:2])
    turns = np.clip(turns, limits[..., 0], limits[..., 1])
    turns[0] = [0.1, 0.2, 1.0]
    posture = Posture(turns, np.array([0.5 + 0.02 * time, 1, 0.2]), np.full(template.n_shapes, 0.5))
    return template.posed(posture.rotations, posture.translation, posture.shape)


@pytest.mark.slow
def test_a_ball_is_recovered_from_its_fields(ball):
    seen = {n: Seen.of(ball.field(n), ball.template) for n in ball.rig.names}
    options = TriangulationOptions(min_views=2, threshold_px=30)
    found = lift(seen, ball.rig, ball.template, options=options)
    surface = SurfaceFitter(ball.template).fit(found)
    off = gap(surface, ball.template.vertices + [0, 0, 0.4])
    assert off[~surface.carried].mean() < 0.005
    assert off[surface.carried].mean() < 0.02 and surface.carried.any()
    np.testing.assert_array_equal(surface.views, found.views)
    assert surface.posture is None and not surface.offsets.any()


def test_an_open_sheet_is_bent(sheet):
    x, y = sheet.template.vertices[:, 0], sheet.template.vertices[:, 1]
    places = np.stack([1.5 * np.sin(x / 1.5), y, 1.5 * np.cos(x / 1.5)], 1)
    surface = SurfaceFitter(sheet.template).fit(lifted_at(places))
    assert gap(surface, places).mean() < 0.004
    assert surface.carried.mean() < 0.02


def test_an_animal_with_bones_is_fitted(animal):
    places = stands(animal)
    surface = SurfaceFitter(animal).fit(lifted_at(places))
    assert gap(surface, places).mean() < 0.002
    assert surface.posture is not None and surface.carried.mean() < 0.02
    np.testing.assert_array_equal(surface.error_px, 1.0)


def test_what_bones_do_not_explain_is_bent_and_named_in_the_rest_pose(animal):
    posed = stands(animal)
    bump = 0.008 * np.exp(-0.5 * ((animal.vertices - animal.vertices[100]) ** 2).sum(1) / 0.05**2)
    places = posed + bump[:, None] * [0, 0, 1.0]
    surface = SurfaceFitter(animal).fit(lifted_at(places, sigma=0.001))
    own, there = surface.posture, bump > 0.004
    model = animal.posed(own.rotations, own.translation, own.shape)
    without = np.linalg.norm(model - places, axis=1)
    assert gap(surface, places)[there].mean() < 0.75 * without[there].mean()
    again = model + posed_offsets(animal, own, surface.offsets)
    np.testing.assert_allclose(again, surface.vertices, atol=1e-9)


def test_unseen_vertices_are_carried_and_marked(animal):
    places = stands(animal)
    side = animal.vertices[:, 0] > 0
    surface = SurfaceFitter(animal).fit(lifted_at(places, np.flatnonzero(side)))
    assert surface.carried[~side].all() and not surface.carried[side].all()
    assert gap(surface, places)[side].mean() < 0.003
    assert np.isnan(surface.covariance[~side]).all() and (surface.views[~side] == 0).all()


def test_points_that_are_wrong_are_not_believed_and_marked(animal):
    places = stands(animal)
    found = lifted_at(places)
    wrong = np.random.default_rng(0).random(len(places)) < 0.1
    points = found.points + wrong[:, None] * [0.3, 0, 0.2]
    surface = SurfaceFitter(animal).fit(replace(found, points=points))
    assert gap(surface, places).mean() < 0.004
    assert surface.carried[wrong].mean() > 0.95 and surface.carried[~wrong].mean() < 0.05


def test_a_warm_start_follows(animal):
    fitter, previous = SurfaceFitter(animal), None
    for places in (stands(animal, time) for time in (0, 1, 2)):
        previous = fitter.fit(lifted_at(places), previous)
        assert gap(previous, places).mean() < 0.002


def test_the_frame_before_tells_of_what_is_hidden_now(animal):
    first, later = stands(animal), stands(animal, 0.5)
    fitter = SurfaceFitter(animal)
    before = fitter.fit(lifted_at(first))
    legs = animal.vertices[:, 2] < np.median(animal.vertices[:, 2])
    half = lifted_at(later, np.flatnonzero(~legs))
    cold, warm = fitter.fit(half), fitter.fit(half, before)
    assert gap(warm, later)[legs].mean() < 0.5 * gap(cold, later)[legs].mean()


def test_a_warm_start_without_bones_follows(sheet):
    fitter = SurfaceFitter(sheet.template)
    first = fitter.fit(lifted_at(sheet.template.vertices))
    moved = sheet.template.vertices + [0.05, 0, 0.02]
    assert gap(fitter.fit(lifted_at(moved), first), moved).mean() < 0.004


def test_nobody_visible_is_said(animal):
    with pytest.raises(NothingUsable, match=r"0 of the 2844 vertices of .*is the subject there"):
        SurfaceFitter(animal).fit(nobody(animal))


def test_an_inverted_mesh_is_refused_but_sheets_have_no_inside(ball, sheet):
    half = ball.template.faces[(ball.template.vertices[ball.template.faces][..., 2] >= 0).all(1)]
    used, local = np.unique(half, return_inverse=True)
    corners, local = ball.template.vertices[used], local.reshape(half.shape)
    bowl = Template("bowl", "m", corners, local, embedding=corners)
    SurfaceFitter(bowl)
    for template in (ball.template, bowl):
        with pytest.raises(InputError, match=f"'{template.name}' look inwards"):
            SurfaceFitter(replace(template, faces=template.faces[:, ::-1]))
    for way in (1, -1):
        SurfaceFitter(replace(sheet.template, faces=sheet.template.faces[:, ::way], charts=None))


def test_a_template_in_another_unit_than_it_says_is_named(ball):
    fitter = SurfaceFitter(ball.template)
    with pytest.raises(NothingUsable, match=r"0\.01 times the size .*are the units of the rig"):
        fitter.fit(lifted_at(ball.template.vertices / 100, sigma=1e-5))


def test_a_template_without_an_embedding_is_refused(ball):
    with pytest.raises(InputError, match=r"'ball' has no embedding.*mvboot template"):
        SurfaceFitter(replace(ball.template, embedding=None))


def test_points_of_something_else_are_refused(sheet):
    fitter, found = SurfaceFitter(sheet.template), lifted_at(sheet.template.vertices)
    with pytest.raises(InputError, match=r"template.in_units\('mm'\)"):
        fitter.fit(replace(found, units="mm"))
    with pytest.raises(InputError, match="vertex 1440 was lifted, but 'sheet' has 441"):
        fitter.fit(replace(found, vertices=found.vertices + 1000))


@pytest.mark.parametrize(
    "wrong", [dict(strain=0.0), dict(turn_deg=-1.0), dict(shape=np.nan), dict(detail=1.5)]
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        FitSettings(**wrong)


def test_raised_arms_are_found():
    """Arms far from the rest pose, past which a cautious search would stop."""
    body = load_template("body")
    turns = np.zeros((len(body.skeleton.names), 3))
    for name, turn in (("left", [56, -5, 82]), ("right", [56, 5, -82])):
        turns[body.skeleton.index(f"upper_arm_{name}")] = np.radians(turn)
    turns[0] = [0, 0, 2.0]
    limits = body.skeleton.limits
    turns[1:] = np.clip(turns[1:], limits[1:, :, 0], limits[1:, :, 1])
    true = body.posed(turns, np.zeros(3), np.full(body.n_shapes, 0.5))
    found = SurfaceFitter(body).fit(lifted_at(true, np.arange(0, len(true), 3)), bend=False)
    assert gap(found, true).mean() < 0.003 and gap(found, true).max() < 0.03
