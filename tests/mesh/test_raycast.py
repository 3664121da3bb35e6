import numpy as np
import pytest

from mvboot.geometry import Camera
from mvboot.mesh.raycast import NOTHING, CameraRays, RayCaster, intersection
from mvboot.synthetic.scene import looking_at
from mvboot.template import load_template

SQUARE = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def rays(rng, count, toward=(0.0, 0.0, 0.0)):
    origins = np.array([0.0, 0.0, 3.0]) + rng.normal(size=(count, 3)) * 0.2
    way = np.asarray(toward) + rng.normal(size=(count, 3)) * 0.2 - origins
    return origins, way / np.linalg.norm(way, axis=1, keepdims=True)


def test_hits_of_a_square_are_where_the_plane_is():
    origins, way = rays(np.random.default_rng(0), 500)
    hits = RayCaster(SQUARE, FACES).cast(origins, way)
    assert hits.met.all()
    expected = origins - origins[:, 2:] / way[:, 2:] * way
    np.testing.assert_allclose(hits.interpolated(FACES, SQUARE), expected, atol=1e-12)
    np.testing.assert_allclose(hits.distance, -origins[:, 2] / way[:, 2], rtol=1e-12)


def test_misses_and_rays_that_the_lens_lacks():
    way = np.array([[0.0, 0, 1], [np.nan, 0, 0], [0, 0, -1]])
    hits = RayCaster(SQUARE, FACES).cast(np.array([0.1, 0.2, 2.0]), way)
    assert hits.face.tolist()[:2] == [NOTHING, NOTHING]
    assert np.isinf(hits.distance[:2]).all()
    assert hits.met.tolist() == [False, False, True]
    assert np.isnan(hits.barycentric[0]).all()


def test_barycentric_weights_are_exact_on_the_body():
    body = load_template("body")
    rng = np.random.default_rng(1)
    origins, way = rays(rng, 2000, toward=body.vertices.mean(0))
    hits = RayCaster(body.vertices, body.faces).cast(origins, way)
    on = hits.at(np.flatnonzero(hits.met))
    assert len(on.face) > 500
    np.testing.assert_allclose(on.barycentric.sum(1), 1, atol=1e-12)
    # Embree chooses in single precision: weights leave the triangle by as little.
    assert on.barycentric.min() > -1e-3
    points = on.interpolated(body.faces, body.vertices)
    along = origins[hits.met] + on.distance[:, None] * way[hits.met]
    np.testing.assert_allclose(points, along, atol=1e-10)


@pytest.mark.parametrize("reach, expected", [(1.0, False), (2.5, True)])
def test_blocked_within_reach_only(reach, expected):
    caster = RayCaster(SQUARE, FACES)
    found = caster.blocked(np.array([[0.1, 0, 2.0]]), np.array([[0.0, 0, -1]]), np.array([reach]))
    assert found.tolist() == [expected]


def test_rays_of_a_camera_pass_through_its_pixels():
    center = np.array([2.0, 1.0, 1.5])
    R = looking_at(center, np.zeros(3))
    K = [[80.0, 0, 31], [0, 82, 22], [0, 0, 1]]
    camera = Camera.from_opencv(K, [-0.2, 0.05, 1e-3, 0], R, -R @ center, (64, 48))
    seen = CameraRays(camera, samples=2)
    pixels = camera.project(seen.origin + 3 * seen.directions).reshape(48, 64, 4, 2)
    y, x = np.indices((48, 64))
    np.testing.assert_allclose(pixels.mean(2), np.stack([x, y], -1), atol=1e-9)
    np.testing.assert_allclose(np.abs(pixels - pixels.mean(2, keepdims=True)), 0.25, atol=1e-9)


def test_as_many_poses_as_pixels_are_not_one_for_each():
    poses = np.zeros((12, 3))
    moving = Camera.from_opencv(np.eye(3), None, poses, poses, (4, 3), frames=range(12))
    with pytest.raises(ValueError, match="one instant needs one pose"):
        CameraRays(moving)
    assert CameraRays(moving.at(5)).directions.shape == (12, 3)


def test_intersection_of_an_edge_on_triangle_is_finite_or_far():
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 0, 1]]])
    weights, distance = intersection(corners, np.array([[0.2, 1e-9, 0.2]]), np.array([[1.0, 0, 0]]))
    assert np.isfinite(weights).all()
    assert np.isfinite(distance).all()
