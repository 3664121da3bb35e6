"""Synthetic rigs: whole subject in view, rays everywhere, above the floor, every kind as named."""

import itertools

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.geometry import pixel_gap
from mvboot.synthetic.rigs import LOWEST_M, RIG_KINDS, synthetic_rig

SIZES = [(96, 96), (256, 256), (1280, 720)]
FRAMES = np.arange(0, 90, 12)


def made(kind, cameras=None, size=(256, 256), seed=0, **more):
    count = cameras or RIG_KINDS[kind].most or 5
    more.setdefault("frames", FRAMES)
    return synthetic_rig(kind, count, size, np.random.default_rng(seed), **more)


def cylinder(height, radius):
    turn, z, share = np.meshgrid(
        np.linspace(0, 2 * np.pi, 72), np.linspace(0, height, 15), [0.0, 0.5, 1.0]
    )
    return np.stack([share * radius * np.cos(turn), share * radius * np.sin(turn), z], -1).reshape(
        -1, 3
    )


def stills(rig):
    """Yield every camera of a rig at every one of its poses."""
    for camera in rig.cameras.values():
        if camera.frames is None:
            yield camera
        else:
            yield from (camera.at(int(frame)) for frame in camera.frames)


@pytest.mark.parametrize("subject", [(1.75, 1.0), (0.5, 0.4), (0.05, 0.2)])
@pytest.mark.parametrize("size", [*SIZES, (480, 640)])
@pytest.mark.parametrize("kind", RIG_KINDS)
def test_the_whole_subject_is_in_every_picture_and_fills_it(kind, size, subject):
    rig = made(kind, size=size, subject_height=subject[0], area_radius=subject[1])
    for camera in stills(rig):
        pixels = camera.project(cylinder(*subject))
        assert (pixels > -0.5).all() and (pixels < np.array(size) - 0.5).all()
        assert (np.ptp(pixels, axis=0) / size).max() > 0.55
        assert float(camera.center[2]) >= LOWEST_M - 1e-12


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["ring", "pair", "moving", "fisheye"])
def test_a_person_takes_a_good_part_of_the_height(kind, size):
    for camera in itertools.chain(*(stills(made(kind, size=size, seed=s)) for s in range(3))):
        low, high = camera.project(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.75]]))
        assert 0.45 < (low[1] - high[1]) / size[1] < 0.78


@pytest.mark.parametrize("size", [*SIZES, (640, 96), (33, 47)])
@pytest.mark.parametrize("kind", RIG_KINDS)
def test_every_pixel_has_a_ray(kind, size):
    x, y = np.meshgrid(np.linspace(-0.5, size[0] - 0.5, 21), np.linspace(-0.5, size[1] - 0.5, 21))
    pixels = np.stack([x, y], -1)
    for camera in made(kind, size=size).still().cameras.values():
        origin, direction = camera.ray(pixels)
        assert not np.isnan(direction).any()
        np.testing.assert_allclose(camera.project(origin + 2 * direction), pixels, atol=1e-6)


def test_lenses_bend_and_nothing_is_ideal():
    for camera in made("random", cameras=8, size=(1280, 720)).cameras.values():
        straight = camera.undistort(np.zeros(2))
        assert 0.5 < np.linalg.norm(straight) < 100
        assert 0 < np.abs(camera.K[:2, 2].numpy() - [639.5, 359.5]).max() < 20
        assert 0 < abs(float(camera.K[1, 1] / camera.K[0, 0]) - 1) < 0.01


def test_pictures_of_all_sizes_show_the_same():
    small, large = (made("ring", size=size) for size in ((128, 128), (512, 512)))
    for name in small:
        np.testing.assert_allclose(small[name].center, large[name].center)
        assert float(large[name].K[0, 0] / small[name].K[0, 0]) == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("kind", RIG_KINDS)
def test_every_kind_is_read_back_as_written(kind, tmp_path):
    rig = made(kind)
    save_rig(rig, tmp_path / "rig.yaml")
    again = load_rig(tmp_path / "rig.yaml")
    assert again.names == rig.names and again.units == "m" and again.up == "z"
    assert again.is_moving == rig.is_moving == (kind == "moving")
    for name in rig:
        assert again[name].lens.name == rig[name].lens.name
        frames = [0] if rig[name].frames is None else rig[name].frames.tolist()
        gaps = [pixel_gap(rig[name].at(f), again[name].at(f), [1.0, 4.0]) for f in frames]
        assert max(gaps) < 1e-6


@pytest.mark.parametrize("kind", RIG_KINDS)
def test_the_generator_decides(kind):
    assert made(kind).fingerprint() == made(kind).fingerprint() != made(kind, seed=1).fingerprint()


# --- each kind ----------------------------------------------------------------------------------


def views(rig, height=1.75):
    """Return directions (C, 3) from the middle of the cylinder to the cameras, and distances."""
    away = np.stack([c.center.numpy() for c in rig.cameras.values()]) - [0, 0, height / 2]
    distance = np.linalg.norm(away, axis=1)
    return away / distance[:, None], distance


def test_a_ring_goes_round_at_uneven_heights_in_a_room():
    directions, distance = views(made("ring", cameras=8))
    azimuth = np.sort(np.degrees(np.arctan2(directions[:, 1], directions[:, 0])))
    assert np.diff(azimuth).max() < 80
    assert np.ptp(directions[:, 2]) > 0.2
    assert (distance > 3.0).all() and (distance < 5.0).all()


def test_a_dome_has_a_camera_overhead_and_others_all_around():
    directions, _ = views(made("dome", cameras=12))
    elevation = np.degrees(np.arcsin(directions[:, 2]))
    assert elevation.max() > 80 and elevation.min() < 15
    assert np.linalg.norm(directions[:, :2].mean(0)) < 0.2


def test_a_random_rig_is_uneven_in_everything():
    rig = made("random", cameras=6)
    centers = np.stack([c.center.numpy() for c in rig.cameras.values()])
    assert np.linalg.svd(centers - centers.mean(0))[1].min() > 0.5
    _, distance = views(rig)
    focal = np.array([float(c.K[0, 0]) for c in rig.cameras.values()])
    roll = np.array([abs(float(c.cam_from_world.R[0, 2])) for c in rig.cameras.values()])
    assert distance.max() / distance.min() > 1.3 and focal.max() / focal.min() > 1.3
    assert roll.max() > 0.1


@pytest.mark.parametrize("seed", range(20))
def test_a_pair_is_60_to_90_degrees_apart(seed):
    directions, _ = views(made("pair", seed=seed))
    assert 60 <= np.degrees(np.arccos(directions[0] @ directions[1])) <= 90


def test_fisheyes_are_wide_and_close():
    rig = made("fisheye")
    assert {camera.lens.name for camera in rig.cameras.values()} == {"fisheye"}
    assert views(rig)[1].max() < views(made("ring"))[1].min()
    for camera in rig.cameras.values():
        _, corner = camera.ray(np.array([-0.5, -0.5]))
        assert np.degrees(np.arccos(corner @ camera.forward.numpy())) > 40


def test_moving_cameras_move_smoothly_and_only_with_time():
    rig = made("moving", cameras=4, frames=np.arange(60))
    for c, camera in enumerate(rig.cameras.values()):
        R, center = camera.cam_from_world.R.numpy(), camera.center.numpy()
        step = np.linalg.norm(np.diff(center, axis=0), axis=1)
        turn = np.degrees(np.linalg.norm(np.diff(R, axis=0), axis=(1, 2)) / np.sqrt(2))
        assert turn.max() < 1.0 and step.max() < 0.06
        assert np.degrees(np.arccos(np.clip(R[0, 2] @ R[:, 2].T, -1, 1))).max() > 0.5
        assert (step.max() < 1e-12) if c % 2 == 0 else (np.ptp(center, axis=0).max() > 0.1)
    few = made("moving", cameras=4, frames=[10, 50])
    for name in rig:
        np.testing.assert_allclose(
            few[name].cam_from_world.R, rig[name].at([10, 50]).cam_from_world.R, atol=1e-12
        )


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sphere"}, "unknown kind of rig 'sphere'; use one of ring"),
        ({"kind": "dome", "cameras": 2}, "dome takes at least 3 cameras, got 2"),
        ({"kind": "pair", "cameras": 3}, "pair takes 2 cameras, got 3"),
        ({"size": (31, 200)}, "31 x 200 px are too small; take at least 32"),
        ({"subject_height": 0.0}, "subject_height must be positive"),
        ({"area_radius": float("nan")}, "area_radius must be positive"),
        ({"kind": "moving"}, "need frames"),
        ({"frames": [2, 1]}, "strictly increasing"),
    ],
)
def test_what_cannot_be_built_is_refused(change, message):
    given = {"kind": "ring", "cameras": 4, "size": (256, 256), "frames": None} | change
    with pytest.raises(InputError, match=message):
        synthetic_rig(**given, rng=np.random.default_rng(0))
