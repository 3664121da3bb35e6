from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import MIDDLE, RADIUS

from mvboot.errors import InputError, NothingUsable
from mvboot.fields import DenseField
from mvboot.surfaces.carve import Silhouette, inside_all
from mvboot.surfaces.dense import dense_points
from mvboot.surfaces.oriented import OrientedPoints, oriented_points
from mvboot.surfaces.poisson import simplified
from mvboot.surfaces.reconstruct import ReconstructSettings, reconstruct, surface_of_points


@pytest.fixture(scope="module")
def fields(ball):
    return {name: ball.field(name) for name in ball.rig.names}


@pytest.fixture(scope="module")
def dense(ball, fields):
    return dense_points(fields, ball.rig)


def radii(points):
    return np.linalg.norm(points - MIDDLE, axis=1)


def as_charts(field):
    """Return a field of the ball as charts: part 1 where x < 0, else 2; u and v are y and z."""
    values = field.coordinates
    part = np.where(np.isnan(values[..., 0]), 0, np.where(values[..., 0] < 0, 1, 2))
    uv = np.nan_to_num(0.5 + values[..., 1:])
    return DenseField.of_charts(
        part, uv, field.topology, field.camera, field.frame, grid=field.grid
    )


def cloud(count, rng, low=-1.0):
    way = rng.normal(size=(4 * count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    way = way[way[:, 2] >= low][:count]
    known = (np.full(len(way), 0.001), np.full(len(way), 3), np.full(len(way), 0.7))
    return OrientedPoints("m", RADIUS * way + MIDDLE, way, *known)


def test_pixels_that_three_cameras_show_become_points(dense, fields):
    pixels = sum(int(field.known.sum()) for field in fields.values())
    assert len(dense.points) > 0.4 * pixels  # the cameras stand 72 degrees apart
    error = np.abs(radii(dense.points) - RADIUS)
    assert np.median(error) < 0.003
    assert np.quantile(error, 0.95) < 0.02
    np.testing.assert_allclose(dense.values, dense.points - MIDDLE, atol=0.08)
    assert dense.views.min() >= 3


def test_two_views_are_enough_if_that_is_asked_for(ball, fields, dense):
    pairs = dense_points(fields, ball.rig, min_views=2)
    assert pairs.views.min() == 2 and len(pairs.points) > 1.1 * len(dense.points)
    assert np.median(np.abs(radii(pairs.points) - RADIUS)) < 0.003
    assert len(dense_points(fields, ball.rig, threshold_px=0.01).points) < 0.1 * len(dense.points)


def test_charts_need_no_template_either(ball, fields, dense):
    charts = {name: as_charts(field) for name, field in fields.items()}
    found = dense_points(charts, ball.rig)
    assert len(found.points) > 0.5 * len(dense.points)
    assert np.median(np.abs(radii(found.points) - RADIUS)) < 0.006


def test_normals_look_outwards(dense):
    found = oriented_points(dense)
    assert len(found.points) > 0.8 * len(dense.points)
    outward = (found.points - MIDDLE) / radii(found.points)[:, None]
    cosine = (found.normals * outward).sum(1)
    assert np.median(cosine) > 0.98
    assert (cosine < 0.7).mean() < 0.02


def test_the_two_sides_of_a_sheet_do_not_mix():
    """Two sheets 1 mm apart: far apart in the fields, hence two planes of opposite normals."""
    rng = np.random.default_rng(0)
    flat = rng.uniform(-0.2, 0.2, (800, 2))
    side = np.repeat([-1.0, 1.0], 400)
    points = np.column_stack([flat, 0.0005 * side])
    dense = _dense(points, np.column_stack([flat, side]), np.column_stack([flat, 3 * side]))
    found = oriented_points(dense)
    assert len(found.points) > 780
    np.testing.assert_allclose(found.normals[:, 2], np.sign(found.points[:, 2]), atol=1e-6)


def _dense(points, values, centers):
    from mvboot.surfaces.dense import DensePoints

    count = len(points)
    spread = np.tile(1e-6 * np.eye(3), (count, 1, 1))
    return DensePoints("m", points, values, centers, spread, np.full(count, 2), np.zeros(count))


def test_points_off_their_surface_go():
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(-1, 1, (500, 2)), rng.normal(0, 0.002, 500)])
    points[:10, 2] += 0.3
    values = points * [1, 1, 0]
    found = oriented_points(_dense(points, values, points + [0, 0, 5]))
    assert 400 < len(found.points) <= 490
    assert np.abs(found.points[:, 2]).max() < 0.05


def test_a_sphere_is_recovered(ball, fields):
    mesh = reconstruct(fields, ball.rig, settings=ReconstructSettings(depth=6, faces=2000))
    assert 500 < len(mesh.faces) <= 2001
    assert np.abs(radii(mesh.vertices) - RADIUS).mean() < 0.005
    outward = (mesh.normals * (mesh.vertices - MIDDLE)).sum(1) / RADIUS
    assert np.median(outward) > 0.95
    assert mesh.n_views.min() >= 2
    assert np.isfinite(mesh.sigma).all()
    assert mesh.statement["rig"] == ball.rig.fingerprint()
    assert mesh.statement["template"] == "none"


def test_only_what_points_support_is_kept(ball):
    half = cloud(3000, np.random.default_rng(0), low=0.0)
    mesh = surface_of_points(half, ball.rig, settings=ReconstructSettings(depth=6))
    assert mesh.vertices[:, 2].min() > MIDDLE[2] - 0.1
    assert mesh.vertices[:, 2].max() > MIDDLE[2] + 0.95 * RADIUS
    assert np.abs(radii(mesh.vertices) - RADIUS).mean() < 0.005


def test_silhouettes_carve(ball):
    whole = cloud(3000, np.random.default_rng(0))
    name = ball.rig.names[0]
    width, height = ball.rig[name].size
    mask = np.ones((height, width), bool)
    middle = ball.rig[name].project(MIDDLE[None])[0]
    mask[:, : int(middle[0])] = False
    outlines = {name: Silhouette.of_mask(mask)}
    mesh = surface_of_points(whole, ball.rig, outlines, ReconstructSettings(depth=6))
    assert len(mesh.vertices) > 100
    assert ball.rig[name].project(mesh.vertices)[:, 0].min() > middle[0] - 4
    with pytest.raises(NothingUsable, match="too few"):
        nothing = {name: Silhouette.of_mask(np.zeros_like(mask))}
        surface_of_points(whole, ball.rig, nothing)


def test_as_many_poses_as_points_are_not_one_for_each(ball):
    name = ball.rig.names[0]
    camera, points = ball.rig[name], cloud(8, np.random.default_rng(0))
    poses = camera.cam_from_world[None][torch.zeros(8, dtype=torch.long)]
    moving = replace(camera, cam_from_world=poses, frames=torch.arange(8))
    rig = replace(ball.rig, cameras={name: moving})
    outlines = {name: Silhouette.of_mask(np.ones(camera.size[::-1], bool))}
    with pytest.raises(ValueError, match="one instant needs one pose"):
        inside_all(points.points, rig, outlines)
    assert inside_all(points.points, rig.at(3), outlines).all()


def test_a_silhouette_says_nothing_beyond_its_pixels(ball, fields):
    field = fields[ball.rig.names[0]]
    outline = Silhouette.of(field)
    inside = field.grid.to_original(np.argwhere(field.known)[:, ::-1].astype(float))
    assert not outline.excludes(inside).any()
    assert outline.excludes(field.grid.to_original(np.zeros((1, 2)))).all()
    assert not outline.excludes(np.array([[-500.0, 0], [np.nan, np.nan]])).any()
    grown = outline.grown(3).mask
    assert grown.sum() > outline.mask.sum()
    assert (grown | ~outline.mask).all()


def test_fewer_faces():
    import trimesh

    mesh = trimesh.creation.icosphere(4)
    places = 1000 + np.asarray(mesh.vertices)  # single precision alone would lose them
    vertices, faces = simplified(places, np.asarray(mesh.faces), 600)
    assert 500 <= len(faces) <= 610
    assert np.abs(np.linalg.norm(vertices - 1000, axis=1) - 1).max() < 0.02
    same, _ = simplified(places, np.asarray(mesh.faces), 10**6)
    assert same is places


def test_what_is_refused(ball, fields):
    name, other, *_ = ball.rig.names
    with pytest.raises(NothingUsable, match=f"two cameras .* of 1 fields those of {name} do"):
        dense_points({name: fields[name]}, ball.rig)
    with pytest.raises(InputError, match="no camera 'nobody'"):
        dense_points({"nobody": fields[name], other: fields[other]}, ball.rig)
    strange = replace(fields[name], topology="0" * 16)
    with pytest.raises(InputError, match="template"):
        dense_points({name: strange, other: fields[other]}, ball.rig)
    with pytest.raises(InputError, match="charts of 2"):
        dense_points({name: fields[name], other: as_charts(fields[other])}, ball.rig)
    with pytest.raises(InputError, match="depth must be 4 to 12"):
        ReconstructSettings(depth=20)
    empty = {n: ball.field(n, lambda values: np.nan * values) for n in (name, other)}
    with pytest.raises(NothingUsable, match="of 2 fields those of no camera do"):
        reconstruct(empty, ball.rig)
