import numpy as np
import pytest

from mvboot.geometry import Camera
from mvboot.mesh.raycast import RayCaster
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.surroundings.occluders import LEAST, MOST, sample_occluders
from mvboot.synthetic.studio.surroundings.solids import mesh_of

AREA, HEIGHT = 1.0, 1.8


def ring(cameras=6, radius=3.4, height=1.4):
    named = {}
    for c in range(cameras):
        angle = 2 * np.pi * c / cameras + 0.3
        center = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        R = looking_at(center, np.array([0, 0, 0.9]))
        K = [[200, 0, 160], [0, 200, 120], [0, 0, 1]]
        named[f"c{c}"] = Camera.from_opencv(K, None, R, -R @ center, (320, 240))
    return Rig(named, units="m", up="z")


def hidden_places(surfaces, rig, radius, height, count=1500):
    """Return which random places (C, N) of the area a camera loses."""
    rng = np.random.default_rng(3)
    away, angle = radius * np.sqrt(rng.uniform(0, 1, count)), rng.uniform(0, 2 * np.pi, count)
    z = rng.uniform(0, height, count)
    places = np.column_stack([away * np.cos(angle), away * np.sin(angle), z])
    vertices, faces, _ = mesh_of(surfaces)
    caster, found = RayCaster(vertices, faces), []
    for camera in rig.cameras.values():
        ways = places - camera.center.numpy()
        reach = np.linalg.norm(ways, axis=1)
        hits = caster.cast(camera.center.numpy(), ways / reach[:, None])
        found.append((hits.distance < reach) & ~np.isnan(camera.project(places)[:, 0]))
    return np.stack(found)


@pytest.mark.parametrize("seed", range(6))
def test_a_camera_loses_a_part_and_no_place_is_lost_to_all(seed):
    rig = ring()
    surfaces = sample_occluders(np.random.default_rng(seed), rig, AREA, 3, HEIGHT)
    hidden = hidden_places(surfaces, rig, AREA, HEIGHT)
    shares = hidden.mean(1)
    assert 0.7 * LEAST < shares.max() < MOST + 0.05
    assert np.mean(hidden.all(0)) < 0.005
    vertices, faces, _ = mesh_of(surfaces)
    assert np.linalg.norm(vertices[:, :2], axis=1).min() > AREA and len(faces) < 10000
    for camera in rig.cameras.values():
        assert np.linalg.norm(vertices - camera.center.numpy(), axis=1).min() > 0.2


def test_two_cameras_do_not_lose_the_same_places():
    rig = ring(2)
    surfaces = sample_occluders(np.random.default_rng(0), rig, AREA, 4, HEIGHT)
    assert np.mean(hidden_places(surfaces, rig, AREA, HEIGHT).all(0)) < 0.005


def test_same_seed_same_things():
    one, same = (
        sample_occluders(np.random.default_rng(4), ring(), AREA, 3, HEIGHT) for _ in range(2)
    )
    np.testing.assert_array_equal(mesh_of(one)[0], mesh_of(same)[0])


def test_small_rigs_get_small_things():
    rig = ring(4, 0.45, 0.2)
    scaled = {}
    for name, camera in rig.cameras.items():
        center = camera.center.numpy()
        R = looking_at(center, np.array([0, 0, 0.02]))
        scaled[name] = Camera.from_opencv(camera.K, None, R, -R @ center, (320, 240))
    surfaces = sample_occluders(np.random.default_rng(0), Rig(scaled, "m", "z"), 0.1, 2, 0.04)
    assert 0 < mesh_of(surfaces)[0][:, 2].max() < 1.0


def test_no_room_gives_nothing():
    assert sample_occluders(np.random.default_rng(0), ring(3, 1.5), AREA, 2, HEIGHT) == ()
    assert sample_occluders(np.random.default_rng(0), ring(), AREA, 0, HEIGHT) == ()
