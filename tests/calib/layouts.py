"""Sound rigs of many layouts: none may be called faulty, and broken ones are made from them."""

from collections.abc import Callable

import numpy as np

from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

SIZE = (1280, 960)
BROWN = (-0.2, 0.05, 1e-3, -5e-4, 0.01)
FISHEYE = (0.02, -0.004, 0.001, -2e-4)


def camera_at(center, target, focal=1100.0, size=SIZE, up=(0.0, 0.0, 1.0), lens="pinhole"):
    """A camera at ``center`` that looks at ``target``, its picture upright with respect to up."""
    center, target = np.asarray(center, float), np.asarray(target, float)
    forward = (target - center) / np.linalg.norm(target - center)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:
        right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = [[focal, 0.0, size[0] / 2 + 3], [0.0, 1.001 * focal, size[1] / 2 - 2], [0.0, 0.0, 1.0]]
    coefficients = {"pinhole": None, "brown": BROWN, "fisheye": FISHEYE}[lens]
    return Camera.from_opencv(K, coefficients, R, -R @ center, size, lens)


def named(cameras, units="m", up=None):
    return Rig({f"cam{i + 1}": camera for i, camera in enumerate(cameras)}, units, up)


def moved(rig, world_from_new):
    """The same rig in another world frame."""
    cameras = {n: c.with_pose(c.cam_from_world @ world_from_new) for n, c in rig.cameras.items()}
    return Rig(cameras, rig.units)


def in_first_camera(rig):
    """The rig in the frame of its first camera, as OpenCV's stereo calibration writes it."""
    return moved(rig, rig[rig.names[0]].cam_from_world.inverse())


def ring(count=8, radius=2.5, units="m", lens="brown"):
    """Cameras around a subject at uneven heights; lengths are given in metres."""
    rng = np.random.default_rng(count)
    angles = 2 * np.pi * (np.arange(count) + rng.uniform(-0.15, 0.15, count)) / count
    heights = rng.uniform(0.8, 1.9, count)
    centers = np.stack([radius * np.cos(angles), radius * np.sin(angles), heights], -1)
    targets = rng.normal((0.0, 0.0, 0.5), 0.08, (count, 3))
    cameras = [
        camera_at(c, t, focal=f, lens=lens)
        for c, t, f in zip(centers, targets, rng.uniform(1000, 1300, count), strict=True)
    ]
    return named(cameras, "m", "z").in_units(units)


def stereo_pair(baseline=0.06, units="m"):
    """Two parallel cameras, the world in the left one."""
    K = [[900.0, 0.0, 640.0], [0.0, 900.0, 480.0], [0.0, 0.0, 1.0]]
    left = Camera.from_opencv(K, BROWN, np.eye(3), (0, 0, 0), SIZE)
    right = Camera.from_opencv(K, BROWN, np.eye(3), (-baseline, 0, 0), SIZE)
    return Rig({"left": left, "right": right}, "m").in_units(units)


def wide_pair():
    """Two cameras at a right angle, one of them on top."""
    return Rig(
        {
            "side": camera_at((1.5, 0.1, 0.4), (0, 0, 0.3), lens="brown"),
            "top": camera_at((0.05, 0, 1.9), (0, 0, 0.3)),
        },
        "m",
        "z",
    )


def dome(count=24):
    """Cameras on half a sphere, every third with a fisheye lens."""
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(count, 3))
    directions[:, 2] = np.abs(directions[:, 2]) + 0.3
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cameras = [
        camera_at(
            3.0 * d + (0, 0, 0.2),
            rng.normal((0, 0, 0.6), 0.1),
            focal=500.0 if i % 3 == 0 else 1100.0,
            lens="fisheye" if i % 3 == 0 else "brown",
        )
        for i, d in enumerate(directions)
    ]
    return named(cameras, "m", "z")


def one_side(count=4):
    """Cameras on an arc in front of a subject."""
    angles = np.radians(np.linspace(-40, 40, count))
    centers = [(4 * np.sin(a), -4 * np.cos(a), 1.4) for a in angles]
    return named([camera_at(c, (0, 0, 1)) for c in centers], "m", "z")


def row(count=6, spacing=0.5):
    """Parallel cameras side by side: their axes meet nowhere."""
    centers = [(spacing * i, 0.0, 1.5) for i in range(count)]
    return named([camera_at(c, np.add(c, (0, 1, 0))) for c in centers], "m", "z")


def ceiling():
    """Four cameras under the ceiling that look straight down."""
    centers = [(x, y, 3.0) for x in (-0.8, 0.8) for y in (-0.6, 0.6)]
    return named([camera_at(c, (c[0], c[1], 0)) for c in centers], "m", "z")


def telephoto():
    """An insect rig: three cameras 150 mm away that see three degrees each."""
    centers = [(150, 5, 40), (-70, 130, 42), (-75, -128, 45)]
    cameras = [
        camera_at(c, t, focal=20_000.0, size=(832, 632))
        for c, t in zip(centers, [(0, 0, 0), (0.3, 0.2, 0), (-0.2, 0.1, 0.3)], strict=True)
    ]
    return named(cameras, "mm")


def outward(count=8):
    """Cameras on a pole that look outwards, each overlapping its two neighbours only."""
    angles = 2 * np.pi * np.arange(count) / count
    around = np.stack([np.cos(angles), np.sin(angles), np.zeros(count)], -1)
    height = np.array([0.0, 0.0, 1.7])
    return named([camera_at(0.25 * a + height, a + height, focal=800) for a in around], "m", "z")


def corridor(count=8):
    """Cameras along a corridor, left and right by turns, far ones sharing nothing."""
    cameras = []
    for i in range(count):
        side = 1.5 if i % 2 else -1.5
        cameras.append(camera_at((side, 2.0 * i, 2.4), (-0.3 * side, 2.0 * i + 1.5, 0.8), 900.0))
    return named(cameras, "m", "z")


def pairs_in_ring():
    """Four stereo pairs of 10 cm around a subject."""
    cameras = []
    for angle in np.radians([10, 100, 190, 280]):
        across = 0.05 * np.array([-np.sin(angle), np.cos(angle), 0])
        center = np.array([2 * np.cos(angle), 2 * np.sin(angle), 1.2])
        cameras += [camera_at(center + s * across, s * across + (0, 0, 0.8)) for s in (-1, 1)]
    return named(cameras, "m", "z")


def one_far():
    """Four cameras around a stage and one overview camera fifteen times farther away."""
    near = [
        camera_at((2 * x, 2 * y, 1.5), (0, 0, 1)) for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
    return named([*near, camera_at((0, -30, 6), (0, 0, 1), focal=4000)], "m", "z")


def wide_fisheyes():
    """Three fisheyes of 190 degrees in the corners of a cage, axes level: no common focus."""
    centers = [(0, 0, 0.5), (1, 0, 0.5), (0.5, 0.9, 0.5)]
    aims = [(1, 0.2, 0.5), (0.9, 1, 0.5), (0.4, 0, 0.5)]
    cameras = [camera_at(c, a, 290.0, lens="fisheye") for c, a in zip(centers, aims, strict=True)]
    return named(cameras, "m", "z")


def no_sizes():
    """A ring whose file stores no picture sizes."""
    rig = ring(6)
    cameras = {name: Camera(c.K, c.lens, c.cam_from_world, None) for name, c in rig.cameras.items()}
    return Rig(cameras, "m", "z")


def tripod(frames=5):
    """A fixed camera, and one that pans and drifts while both follow a walker."""
    poses = []
    for step in np.linspace(0, 1, frames):
        still = camera_at((2.5, 0.1 * step, 1.3), (0, step, 1))
        poses.append((still.cam_from_world.R.numpy(), still.cam_from_world.t.numpy()))
    R, t = (np.stack(part) for part in zip(*poses, strict=True))
    K = [[1000.0, 0, 640], [0, 1000, 480], [0, 0, 1]]
    panning = Camera.from_opencv(K, BROWN, R, t, SIZE, frames=10 + np.arange(frames))
    return Rig({"pan": panning, "still": camera_at((0, -3, 1.5), (0, 0.5, 1))}, "m", "z")


def far_world():
    """A ring in map coordinates, its origin 100 km away."""
    return moved(ring(), Pose.from_rotation(np.eye(3), (1e5, -2e5, 300.0)))


def random_rig(seed):
    """A rig of a random kind, size, lens and world: also sound."""
    rng = np.random.default_rng(seed)
    count, distance = int(rng.integers(3, 13)), rng.uniform(1, 5)
    focal = SIZE[0] / 2 / np.tan(np.radians(rng.uniform(35, 95)) / 2)
    target = rng.uniform((-1, -1, 0.2), (1, 1, 1.2))
    kind = ("ring", "arc", "dome", "row", "outward")[seed % 5]
    if kind == "outward":
        rig = outward(max(count, 7))
    elif kind == "row":
        centers = np.arange(count)[:, None] * [rng.uniform(0.2, 0.3) * distance, 0, 0]
        aims = centers + rng.normal((0, 1, -0.1), 0.05, (count, 3))
        up = (0, 0, 1.5)
        rig = named([camera_at(c + up, a + up, focal) for c, a in zip(centers, aims, strict=True)])
    else:
        azimuth = {
            "ring": 2 * np.pi * np.arange(count) / count,
            "arc": np.linspace(-0.9, 0.9, count),
            "dome": rng.uniform(0, 2 * np.pi, count),
        }[kind]
        height = rng.uniform(0, 1.4 if kind == "dome" else 0.5, count)
        around = np.stack([np.cos(azimuth), np.sin(azimuth), np.tan(height)], -1)
        around *= rng.uniform(0.8, 1.2, (count, 1)) * np.cos(height)[:, None] * distance
        aims = target + rng.normal(0, 0.06 * distance, (count, 3))
        rig = named(
            [camera_at(target + c, a, focal) for c, a in zip(around, aims, strict=True)], "m", "z"
        )
    return in_first_camera(rig) if rng.random() < 0.3 else rig


SOUND: dict[str, Callable[[], Rig]] = {
    "one camera": lambda: ring().subset(["cam1"]),
    "ring": ring,
    "ring of 3": lambda: ring(3),
    "ring in mm": lambda: ring(units="mm"),
    "ring in cm": lambda: ring(units="cm"),
    "ring of fisheyes": lambda: ring(lens="fisheye"),
    "ring in the first camera": lambda: in_first_camera(ring()),
    "stereo pair": stereo_pair,
    "stereo pair in mm": lambda: stereo_pair(units="mm"),
    "wide pair": wide_pair,
    "wide pair in the first camera": lambda: in_first_camera(wide_pair()),
    "dome": dome,
    "one side": one_side,
    "row": row,
    "ceiling": ceiling,
    "telephoto": telephoto,
    "telephoto in the first camera": lambda: in_first_camera(telephoto()),
    "outward": outward,
    "corridor": corridor,
    "pairs in a ring": pairs_in_ring,
    "one far camera": one_far,
    "wide fisheyes": wide_fisheyes,
    "no sizes": no_sizes,
    "moving": tripod,
    "far world": far_world,
}
