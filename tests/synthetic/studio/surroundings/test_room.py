import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.mesh.raycast import RayCaster
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.surroundings.finishes import GLOW
from mvboot.synthetic.studio.surroundings.room import PLACES, sample_room
from mvboot.synthetic.studio.surroundings.solids import mesh_of

AREA, HEIGHT = 1.0, 1.8


def ring(cameras=6, radius=3.2, height=1.6, target=0.9, seed=0):
    rng = np.random.default_rng(seed)
    named = {}
    for c in range(cameras):
        angle = 2 * np.pi * (c + rng.uniform(-0.2, 0.2)) / cameras
        center = np.array([np.cos(angle) * radius, np.sin(angle) * radius, height])
        center[2] *= rng.uniform(0.6, 1.4)
        R = looking_at(center, np.array([0, 0, target]))
        K = [[260, 0, 160], [0, 260, 120], [0, 0, 1]]
        named[f"c{c}"] = Camera.from_opencv(K, None, R, -R @ center, (320, 240))
    return Rig(named, units="m", up="z")


def travelling():
    still = ring(3)
    moving = {}
    angles = np.linspace(0, 2, 40)
    centers = np.stack([3 * np.cos(angles), 3 * np.sin(angles), 0.5 + angles], -1)
    R = np.stack([looking_at(center, np.array([0, 0, 0.9])) for center in centers])
    t = -(R @ centers[:, :, None])[:, :, 0]
    K = [[260, 0, 160], [0, 260, 120], [0, 0, 1]]
    moving["dolly"] = Camera.from_opencv(K, None, R, t, (320, 240), frames=np.arange(40))
    return Rig({**still.cameras, **moving}, units="m", up="z")


def all_centers(rig):
    return np.concatenate([c.center.numpy().reshape(-1, 3) for c in rig.cameras.values()])


def directions(count=400):
    rng = np.random.default_rng(0)
    ways = rng.standard_normal((count, 3))
    return ways / np.linalg.norm(ways, axis=1)[:, None]


def shares_hidden(caster, rig, radius, height, count=500):
    """Return the share of random places in the area that each camera's pose does not see."""
    rng = np.random.default_rng(1)
    away, angle = radius * np.sqrt(rng.uniform(0, 1, count)), rng.uniform(0, 2 * np.pi, count)
    places = np.column_stack(
        [away * np.cos(angle), away * np.sin(angle), rng.uniform(0.01, 1, count) * height]
    )
    found = []
    for center in all_centers(rig):
        ways = places - center
        reach = np.linalg.norm(ways, axis=1)
        hits = caster.cast(center, ways / reach[:, None])
        found.append(np.mean(hits.distance < reach - 1e-4))
    return np.array(found)


def check(surfaces, rig, radius, height):
    vertices, faces, _ = mesh_of(surfaces)
    assert np.isfinite(vertices).all() and len(faces) < 60000
    caster = RayCaster(vertices, faces)
    for center in all_centers(rig)[::3]:
        assert caster.cast(center, directions()).met.all(), "a gap in the room"
    assert caster.cast(np.array([0, 0, 0.9 * height]), directions()).met.all()
    low = caster.cast(np.array([0, 0, 0.5 * height]), directions(4000))
    points = low.distance[:, None] * directions(4000)
    points[:, 2] += 0.5 * height
    away = np.linalg.norm(points[:, :2], axis=1)
    inside = (away < radius) & (points[:, 2] > 0.02 * height) & (points[:, 2] < height)
    assert not inside.any(), "something stands in the area"
    assert shares_hidden(caster, rig, radius, height).max() < 0.12


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_cameras_are_inside_and_see_a_free_area(place):
    for seed in range(3):
        rig = ring(seed=seed)
        check(sample_room(np.random.default_rng(seed), rig, AREA, HEIGHT, place), rig, AREA, HEIGHT)


def test_travelling_cameras_stay_inside():
    rig = travelling()
    for seed in range(2):
        check(sample_room(np.random.default_rng(seed), rig, AREA, HEIGHT), rig, AREA, HEIGHT)


def test_rooms_shrink_about_a_mouse():
    rig = ring(4, radius=0.4, height=0.3, target=0.02)
    for seed in range(4):
        surfaces = sample_room(np.random.default_rng(seed), rig, 0.12, 0.04)
        check(surfaces, rig, 0.12, 0.04)
        assert np.ptp(mesh_of(surfaces)[0], axis=0).max() < 4


@pytest.mark.parametrize("place", ["home", "park"])
def test_same_seed_same_room_and_other_seed_another(place):
    rig = ring()
    one, same, other = (
        sample_room(np.random.default_rng(seed), rig, AREA, HEIGHT, place) for seed in (5, 5, 6)
    )
    assert len(one) == len(same)
    places = np.random.default_rng(0).uniform(-2, 2, (50, 3))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
        np.testing.assert_array_equal(a.material.texture(places), b.material.texture(places))
    assert mesh_of(one)[0].shape != mesh_of(other)[0].shape


@pytest.mark.parametrize("place", PLACES)
def test_colours_in_a_room_are_reflectances_or_lamps(place):
    surfaces = sample_room(np.random.default_rng(2), ring(), AREA, HEIGHT, place)
    means = []
    for surface in surfaces:
        colours = surface.material.texture(surface.places)
        assert np.isfinite(colours).all() and colours.min() >= 0 and colours.max() <= GLOW
        means.append(colours.mean(0))
    assert np.mean(np.max(means, axis=1) > 1) < 0.2
    assert np.std(means, axis=0).min() > 0.02 and len(surfaces) > 10


def test_a_rig_in_millimetres_gives_the_same_room():
    rig = ring()
    one = sample_room(np.random.default_rng(0), rig, AREA, HEIGHT, "lab")
    two = sample_room(np.random.default_rng(0), rig.in_units("mm"), AREA, HEIGHT, "lab")
    np.testing.assert_allclose(mesh_of(one)[0], mesh_of(two)[0], atol=1e-9)


def test_an_unknown_place_is_refused():
    with pytest.raises(InputError, match="no place 'moon'; there are lab, home"):
        sample_room(np.random.default_rng(0), ring(), AREA, HEIGHT, "moon")
