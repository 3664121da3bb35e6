import numpy as np
import pytest

from mvboot.mesh.normals import face_normals
from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.studio.material import Material, Surface
from mvboot.synthetic.studio.rendering.backdrop import Room
from mvboot.synthetic.studio.rendering.light import (
    FAR,
    Light,
    around_normals,
    sample_light,
    tangents,
)
from mvboot.synthetic.studio.rendering.shading import (
    Shell,
    ambient,
    direct,
    openness,
    shadowed,
    spots_of,
)
from mvboot.synthetic.studio.textures.coloured import Plain

FACES = np.array([[0, 1, 2], [0, 2, 3]])
GRAY = Material(Plain(np.full(3, 0.5)))


def square(size, z=0.0, material=GRAY):
    corners = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return Surface(size * corners + [0, 0, z], FACES, material)


def lamp(place, size=0.0):
    return Light(np.asarray(place, float), size, np.ones(3), np.zeros(3), np.zeros(3))


def spots(surface, points):
    room = Room([surface])
    way = np.tile([0.0, 0, -1], (len(points), 1))
    hits = room.caster.cast(np.asarray(points) + [0, 0, 5.0], way)
    return room.spots(hits, way)


def test_lambert_falls_with_the_cosine_and_the_square_of_the_distance():
    found = spots(square(10), [[0.0, 0, 0], [3, 0, 0]])
    light = lamp([0, 0, 4])
    expected = 0.5 * np.array([1.0, (4 / 5) * (4 / 5) ** 2])
    np.testing.assert_allclose(direct(found, light)[:, 0], expected, atol=1e-9)


def test_ambient_mixes_sky_and_ground_by_the_normal():
    light = Light(np.array([0, 0, 1.0]), 0.0, np.zeros(3), np.full(3, 0.8), np.full(3, 0.2))
    normals = np.array([[0, 0, 1.0], [0, 0, -1], [1, 0, 0]])
    np.testing.assert_allclose(light.ambient(normals)[:, 0], [0.8, 0.2, 0.5])
    found = spots(square(1), [[0.0, 0, 0]])
    np.testing.assert_allclose(ambient(found, light, np.array([0.5])), 0.5 * 0.8 * 0.5)


def test_a_shadow_falls_below_a_roof_and_nowhere_else():
    found = spots(square(10), [[0.0, 0, 0], [3, 0, 0]])
    roof = square(0.5, z=1.0)
    caster = RayCaster(roof.vertices, roof.faces)
    dark = shadowed([caster], found, lamp([0, 0, 4]), np.random.default_rng(0))
    assert dark.tolist() == [True, False]


def test_a_large_lamp_has_soft_shadows():
    points = np.zeros((4000, 3))
    points[:, 0] = 0.5  # below the edge of the roof
    found = spots(square(10), points)
    roof = square(0.5, z=1.0)
    caster = RayCaster(roof.vertices, roof.faces)
    light = lamp([0.5, 0, 2], size=0.5)
    dark = shadowed([caster], found, light, np.random.default_rng(0))
    assert 0.4 < dark.mean() < 0.6


def test_openness_of_a_plain_a_box_and_a_corner():
    rng = np.random.default_rng(0)
    floor = square(10)
    up = np.array([[0.0, 0, 1]])
    open_ = openness(RayCaster(floor.vertices, FACES), np.zeros((1, 3)), up, 64, 1.0, rng)
    assert open_ == pytest.approx(1)
    roof = square(10, z=0.5)
    closed = openness(RayCaster(roof.vertices, FACES), np.zeros((1, 3)), up, 64, 20.0, rng)
    assert closed == pytest.approx(0)
    wall = Surface(floor.vertices[:, [2, 0, 1]], FACES, GRAY)  # in the plane x = 0
    half = openness(RayCaster(wall.vertices, FACES), np.full((1, 3), 1e-6), up, 64, 1.0, rng)
    assert half == pytest.approx(0.5, abs=0.05)


def test_relief_tilts_normals_by_its_slope_and_turns_with_the_surface():
    slope = 0.3
    material = Material(Plain(np.full(3, 0.5)), bump=lambda p: slope * p[:, 0])
    flat = spots(square(1, material=material), [[0.2, 0.1, 0]])
    expected = np.array([-slope, 0, 1]) / np.hypot(slope, 1)
    np.testing.assert_allclose(flat.normals[0], expected, atol=1e-6)
    turned = square(1, material=material)
    shell = Shell.of([Surface(turned.vertices, FACES, material, turned.vertices)])
    moved = turned.vertices[:, [1, 0, 2]] * [-1, 1, 1]  # a quarter turn about z
    way = np.array([[0.0, 0, -1]])
    hits = RayCaster(moved, FACES).cast(np.array([0.1, 0.2, 5.0]), way)
    found = spots_of(shell, moved, face_normals(moved, shell.faces), hits, way)
    np.testing.assert_allclose(found.normals[0], expected[[1, 0, 2]] * [-1, 1, 1], atol=1e-6)


def test_directions_about_normals_are_unit_and_above_them():
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    first, second = tangents(normals)
    np.testing.assert_allclose(np.cross(first, second), normals, atol=1e-12)
    ways = np.stack([around_normals(normals, np.zeros(200), i, 32) for i in range(32)])
    np.testing.assert_allclose(np.linalg.norm(ways, axis=-1), 1, atol=1e-12)
    cosine = (ways * normals).sum(-1)
    assert cosine.min() > 0
    np.testing.assert_allclose(cosine.mean(0), 2 / 3, atol=0.01)  # spread by the cosine


def test_the_lamp_hangs_below_the_ceiling_and_the_sun_is_far():
    ceiling = RayCaster(square(50, z=3.0).vertices, FACES)
    inside = sample_light(ceiling, 1.0, np.random.default_rng(3))
    assert 1.0 < inside.lamp[2] < 3.0
    below = RayCaster(square(50, z=-1.0).vertices, FACES)
    sun = sample_light(below, 1.0, np.random.default_rng(3))
    assert np.linalg.norm(sun.lamp) > 0.9 * FAR
