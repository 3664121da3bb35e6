"""Rigs around a place where a subject moves: every camera has all of it in its picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose
from mvboot.geometry.lens import Lens
from mvboot.geometry.lenses import Fisheye, Pinhole, make_lens
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at

Floats = NDArray[np.float64]

SMALLEST_PX = 32
LOWEST_M = 0.15
"""No camera stands lower above the floor."""

MARGIN = 0.03
"""Free border of a picture, over its shorter side."""

PRINCIPAL, ASPECT, TANGENTIAL = 0.01, 1e-3, 3e-4
"""Standard deviations: principal point over the shorter side, fy / fx - 1, and p1 and p2."""

BEND = (-0.01, 0.06)
"""Range of how far the corner of a picture is drawn in by the lens, over its radius."""

FISHEYE = ((-0.03, 0.02), (-0.003, 0.003))
WIDEST_RAD = np.radians(105.0)
"""Ranges of k1 and k2 of a fisheye, which grows up to more than this angle off its axis."""

AIMING_STEPS = 4
BACK = 1.1


@dataclass(frozen=True)
class Area:
    """What a rig films, and the pictures it takes.

    Parameters
    ----------
    size
        Width and height of the pictures in px.
    height, radius
        Of the upright cylinder over the world's origin that the subject stays in, metres.
    times
        Times (F,) in s of the poses of a camera that moves.
    """

    size: tuple[int, int]
    height: float
    radius: float
    times: Floats

    @property
    def middle(self) -> Floats:
        """Middle of the cylinder (3,)."""
        return np.array([0.0, 0.0, self.height / 2])

    @property
    def reach(self) -> float:
        """Distance from the middle of the cylinder to its rims: what distances are drawn in."""
        return float(np.hypot(self.radius, self.height / 2))

    @cached_property
    def outline(self) -> Floats:
        """Points (N, 3) all over the side of the cylinder, its rims included."""
        turn, z = np.meshgrid(
            np.linspace(0, 2 * np.pi, 36, endpoint=False), np.linspace(0, self.height, 7)
        )
        places = np.stack([self.radius * np.cos(turn), self.radius * np.sin(turn), z], -1)
        return places.reshape(-1, 3)

    def place(self, azimuth: ArrayLike, elevation: ArrayLike, distance: ArrayLike) -> Floats:
        """Return places (..., 3) around the middle: angles in degrees, distance in reaches.

        One that would be below the floor is raised to `LOWEST_M` above it.
        """
        turn, lift, away = np.broadcast_arrays(np.radians(azimuth), np.radians(elevation), distance)
        flat, up = np.cos(lift), np.sin(lift)
        direction = np.stack([flat * np.cos(turn), flat * np.sin(turn), up], -1)
        places = self.middle + self.reach * away[..., None] * direction
        places[..., 2] = np.maximum(places[..., 2], LOWEST_M)
        return np.asarray(places)

    def seen(self, pose: Pose) -> Floats:
        """Return the outline in the axes of a camera (M, 3), at all its poses () or (F,)."""
        outline = torch.from_numpy(self.outline).expand(*pose.batch_shape, -1, 3)
        return pose.apply(outline).reshape(-1, 3).numpy()


Builder = Callable[[Area, int, np.random.Generator], list[Camera]]


@dataclass(frozen=True)
class RigKind:
    """A way to place cameras, and how many it takes at least and at most."""

    build: Builder
    fewest: int
    most: int | None = None


def synthetic_rig(
    kind: str,
    cameras: int,
    size: tuple[int, int],
    rng: np.random.Generator,
    subject_height: float = 1.75,
    area_radius: float = 1.0,
    frames: Sequence[int] | NDArray[np.int64] | None = None,
    fps: float = 30.0,
) -> Rig:
    """Return cameras around the world's origin, in metres, z up, the floor at z = 0.

    Every picture shows the whole upright cylinder of ``subject_height`` and ``area_radius`` over
    the origin, as large as it fits but for a small margin: raised hands and what reaches out of
    the area count in these two numbers. Distances grow with the cylinder, 3 to 5 m for a person.
    Principal points, aspect ratios and distortion are slightly off, and every pixel has a ray.

    Parameters
    ----------
    kind
        A name in `RIG_KINDS`: ring, dome (one camera overhead), random (uneven distances, heights
        and rolls), pair (60 to 90 degrees apart), fisheye (wide and close), moving (cameras that
        pan and tilt, and hand-held ones in between).
    cameras
        How many; they are called cam_01, cam_02, ...
    size
        Width and height of all pictures in px, at least `SMALLEST_PX`.
    rng
        Decides everything.
    subject_height, area_radius
        The cylinder in metres.
    frames
        Frame numbers (F,), increasing, of the poses of cameras that move; others need none.
        The path is a function of time, so that a frame's pose does not depend on the others.
    fps
        Frame rate in Hz that turns frame numbers into times.

    Raises
    ------
    InputError
        An unknown kind, a number of cameras that it cannot place, pictures that are too small, a
        height, radius or frame rate that is not positive, frames out of order, or moving cameras
        without any.
    """
    chosen = _checked_kind(kind, cameras)
    positive = {"subject_height": subject_height, "area_radius": area_radius, "fps": fps}
    for name, value in positive.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} must be positive, got {value:g}")
    if min(size) < SMALLEST_PX:
        raise InputError(
            f"pictures of {size[0]} x {size[1]} px are too small; take at least {SMALLEST_PX} px"
        )
    numbers = np.asarray([] if frames is None else frames, dtype=np.int64)
    if (np.diff(numbers) <= 0).any():
        raise InputError("frame numbers must be strictly increasing")
    area = Area((int(size[0]), int(size[1])), subject_height, area_radius, numbers / fps)
    built = chosen.build(area, cameras, rng)
    if any(camera.cam_from_world.batch_shape for camera in built):
        built = [replace(camera, frames=torch.from_numpy(numbers)) for camera in built]
    named = {f"cam_{c + 1:02d}": camera for c, camera in enumerate(built)}
    return Rig(named, units="m", up="z", provenance={"source": "synthetic rig", "kind": kind})


def _checked_kind(kind: str, cameras: int) -> RigKind:
    if kind not in RIG_KINDS:
        raise InputError(f"unknown kind of rig {kind!r}; use one of {', '.join(RIG_KINDS)}")
    chosen = RIG_KINDS[kind]
    if cameras < chosen.fewest or (chosen.most is not None and cameras > chosen.most):
        wanted = f"{chosen.fewest}" if chosen.most else f"at least {chosen.fewest}"
        raise InputError(f"a rig of kind {kind} takes {wanted} cameras, got {cameras}")
    return chosen


# --- where cameras stand ------------------------------------------------------------------------


def _ring(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    elevation = _spread(-6, 24, cameras, rng)
    distance = rng.uniform(2.4, 3.4) * rng.uniform(0.95, 1.05, cameras)
    centers = area.place(_round(cameras, rng), elevation, distance)
    return [_planar(area, _looking(area, center), rng) for center in centers]


def _dome(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    """Cover the half sphere evenly; the last camera looks down from above."""
    share = (np.arange(cameras) + rng.uniform(0, 0.6, cameras)) / cameras
    elevation = np.degrees(np.arcsin(np.clip(0.05 + 0.93 * share, 0, 1)))
    elevation[-1] = rng.uniform(80, 87)
    azimuth = rng.uniform(0, 360) + 180 * (3 - np.sqrt(5)) * np.arange(cameras)
    centers = area.place(azimuth, elevation, rng.uniform(2.4, 2.9))
    return [_planar(area, _looking(area, center), rng) for center in centers]


def _random(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    elevation, distance = _spread(-8, 60, cameras, rng), _spread(2.1, 3.8, cameras, rng)
    centers = area.place(_round(cameras, rng), elevation, distance)
    roll = np.radians(rng.uniform(-25, 25, cameras) + 90 * (rng.random(cameras) < 0.2))
    poses = [_turned(_looking(area, p), [0, 0, r]) for p, r in zip(centers, roll, strict=True)]
    return [_planar(area, pose, rng, fill=rng.uniform(0.8, 1.0)) for pose in poses]


def _pair(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    azimuth = rng.uniform(0, 360) + np.array([0.0, rng.uniform(66, 90)])
    centers = area.place(azimuth, rng.uniform(0, 15, 2), rng.uniform(2.4, 3.4, 2))
    return [_planar(area, _looking(area, center), rng) for center in centers]


def _fisheye(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    azimuth, elevation = _round(cameras, rng), _spread(-5, 35, cameras, rng)
    return [_wide(area, a, e, rng) for a, e in zip(azimuth, elevation, strict=True)]


def _pan_tilt_and_hand_held(area: Area, cameras: int, rng: np.random.Generator) -> list[Camera]:
    if len(area.times) == 0:
        raise InputError("cameras that move need frames: the numbers of the frames they film")
    azimuth, elevation = _round(cameras, rng), _spread(2, 20, cameras, rng)
    distance = rng.uniform(2.4, 3.4, cameras)
    movers = [_pan_tilt if c % 2 == 0 else _hand_held for c in range(cameras)]
    return [
        _planar(area, move(area, a, e, d, rng), rng)
        for move, a, e, d in zip(movers, azimuth, elevation, distance, strict=True)
    ]


RIG_KINDS: dict[str, RigKind] = {
    "ring": RigKind(_ring, fewest=2),
    "dome": RigKind(_dome, fewest=3),
    "random": RigKind(_random, fewest=2),
    "pair": RigKind(_pair, fewest=2, most=2),
    "fisheye": RigKind(_fisheye, fewest=2),
    "moving": RigKind(_pan_tilt_and_hand_held, fewest=2),
}


def _round(cameras: int, rng: np.random.Generator) -> Floats:
    """Return azimuths (C,) in degrees all around, unevenly."""
    steps = np.arange(cameras) + rng.uniform(-0.2, 0.2, cameras)
    return np.asarray(rng.uniform(0, 360) + 360 * steps / cameras)


def _spread(low: float, high: float, cameras: int, rng: np.random.Generator) -> Floats:
    """Return numbers (C,) over a range in random order, one from each of C equal parts."""
    share = (rng.permutation(cameras) + rng.random(cameras)) / cameras
    return np.asarray(low + (high - low) * share)


# --- where they look ----------------------------------------------------------------------------


def _looking(area: Area, center: Floats, lens: Lens | None = None) -> Pose:
    """Return the pose () of a camera that has the cylinder in the middle of its picture."""
    return _towards(center, _target(area, center, lens or Pinhole()))


def _target(area: Area, center: Floats, lens: Lens) -> Floats:
    """Return the place (3,) to look at for the cylinder's box to be in the middle."""
    target = area.middle
    for _ in range(AIMING_STEPS):
        pose = _towards(center, target)
        spots = lens.project(torch.from_numpy(area.seen(pose)))[0]
        middle = (spots.amin(0) + spots.amax(0)) / 2
        direction = pose.inverse().rotate(lens.unproject(middle)[0]).numpy()
        away = float(np.linalg.norm(target - center))
        target = center + away * direction / np.linalg.norm(direction)
    return target


def _towards(centers: Floats, target: Floats) -> Pose:
    """Return the poses () or (F,) of a camera at ``centers`` (3,) or (F, 3)."""
    rows = np.atleast_2d(centers)
    R = np.stack([looking_at(center, target) for center in rows]).reshape(*centers.shape, 3)
    return Pose.from_rotation(R, -(R @ centers[..., None])[..., 0])


def _turned(pose: Pose, turn: ArrayLike) -> Pose:
    """Turn a camera in its own axes by rotation vectors (..., 3) in radians: tilt, pan, roll."""
    vectors = np.asarray(turn, dtype=np.float64)
    return Pose.from_rotation(vectors, np.zeros_like(vectors)) @ pose


def _pan_tilt(
    area: Area, azimuth: float, elevation: float, distance: float, rng: np.random.Generator
) -> Pose:
    """Return the poses (F,) of a camera on a tripod."""
    center = area.place(azimuth, elevation, distance)
    tilt, pan = (np.radians(_sway(area.times, a, (3, 9), rng)) for a in (1.5, 4.0))
    still = np.broadcast_to(center, (len(area.times), 3))
    turn = np.stack([tilt, pan, np.zeros_like(pan)], -1)
    return _turned(_towards(still, _target(area, center, Pinhole())), turn)


def _hand_held(
    area: Area, azimuth: float, elevation: float, distance: float, rng: np.random.Generator
) -> Pose:
    """Return the poses (F,) of a camera that somebody carries around; the hand shakes."""
    times, middle = area.times, area.place(azimuth, elevation, distance)
    centers = area.place(
        azimuth + _sway(times, 20, (6, 14), rng),
        elevation + _sway(times, 3, (3, 8), rng),
        distance * (1 + _sway(times, 0.06, (5, 11), rng)),
    )
    shake = [_sway(times, 0.003 * area.reach, (0.3, 1), rng) for _ in range(3)]
    swings = [_sway(times, a, (1.5, 5), rng) for a in (1.0, 1.5, 3.0)]
    trembling = [_sway(times, 0.15, (0.25, 0.8), rng) for _ in range(3)]
    turn = np.radians(np.stack(swings, -1) + np.stack(trembling, -1))
    held = np.asarray(centers + np.stack(shake, -1))
    held[:, 2] = np.maximum(held[:, 2], LOWEST_M)
    return _turned(_towards(held, _target(area, middle, Pinhole())), turn)


def _sway(
    times: Floats, amplitude: float, periods: tuple[float, float], rng: np.random.Generator
) -> Floats:
    """Return smooth numbers (F,) within plus and minus the amplitude; periods in s."""
    rate, phase = 1 / rng.uniform(*periods, 3), rng.uniform(0, 1, 3)
    waves = np.sin(2 * np.pi * (times[:, None] * rate + phase))
    return np.asarray(amplitude * waves.mean(-1))


# --- lenses -------------------------------------------------------------------------------------


def _planar(area: Area, pose: Pose, rng: np.random.Generator, fill: float = 1.0) -> Camera:
    """Return a camera with a lens of Brown's model, as long as the cylinder fits its picture.

    ``fill`` is its size over the largest that fits.
    """
    bend, tangential = rng.uniform(*BEND), TANGENTIAL * rng.standard_normal(2)
    x_in_cam = torch.from_numpy(area.seen(pose))
    frame = _Frame.of(area.size, rng)
    focal = frame.focal(Pinhole().project(x_in_cam)[0].numpy()) * fill
    corner = float(np.hypot(*area.size)) / 2 / focal
    # The second term keeps the mapping growing, whatever the first does at the corner.
    radial = [-bend / corner**2, 0.3 * bend / corner**4]
    lens = make_lens("brown", torch.tensor([*radial, *tangential, 0.0], dtype=torch.float64))
    focal = frame.focal(lens.project(x_in_cam)[0].numpy()) * fill
    return Camera(frame.K(focal), lens, pose, area.size)


def _wide(area: Area, azimuth: float, elevation: float, rng: np.random.Generator) -> Camera:
    """Return a fisheye as close to the cylinder as its picture has rays up to the corners."""
    coefficients = [*(rng.uniform(*limits) for limits in FISHEYE), 0.0, 0.0]
    lens = Fisheye(torch.tensor(coefficients, dtype=torch.float64))
    frame, distance = _Frame.of(area.size, rng), rng.uniform(1.4, 1.7)
    axis = torch.tensor([np.sin(WIDEST_RAD), 0.0, np.cos(WIDEST_RAD)], dtype=torch.float64)
    widest = float(lens.project(axis)[0][0])
    while True:
        pose = _looking(area, area.place(azimuth, elevation, distance), lens)
        focal = frame.focal(lens.project(torch.from_numpy(area.seen(pose)))[0].numpy())
        if frame.corner / focal < widest:
            return Camera(frame.K(focal), lens, pose, area.size)
        distance *= BACK


@dataclass(frozen=True)
class _Frame:
    """A picture of a size (2,) px with its principal point (2,) and aspect fy / fx."""

    size: Floats
    principal: Floats
    aspect: float

    @staticmethod
    def of(size: tuple[int, int], rng: np.random.Generator) -> "_Frame":
        offset = PRINCIPAL * min(size) * np.clip(rng.standard_normal(2), -2, 2)
        aspect = 1 + ASPECT * float(rng.standard_normal())
        return _Frame(np.array(size, float), (np.array(size) - 1) / 2 + offset, aspect)

    @property
    def corner(self) -> float:
        """Distance in px from the principal point to the farthest corner, at fx = fy."""
        away = np.maximum(self.principal + 0.5, self.size - 0.5 - self.principal)
        return float(np.hypot(*away)) * max(1.0, 1 / self.aspect)

    def focal(self, plane: Floats) -> float:
        """Return the longest fx in px for points (N, 2) at unit depth to be in the picture."""
        margin = MARGIN * self.size.min()
        low, high = self.principal + 0.5 - margin, self.size - 0.5 - margin - self.principal
        stretched = plane * [1.0, self.aspect]
        least, most = stretched.min(0), stretched.max(0)
        return float(min((low / -least).min(), (high / most).min()))

    def K(self, focal: float) -> torch.Tensor:
        rows = [
            [focal, 0.0, self.principal[0]],
            [0.0, focal * self.aspect, self.principal[1]],
            [0.0, 0.0, 1.0],
        ]
        return torch.tensor(rows, dtype=torch.float64)
