"""The space that a subject needs and that cameras look through; what may stand about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.mesh.raycast import RayCaster, whole_size
from mvboot.rig import Rig
from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.surroundings.clutter import tripod
from mvboot.synthetic.studio.surroundings.solids import Prop, box, mesh_of, moved
from mvboot.synthetic.studio.textures.coloured import Plain

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

MAX_POSES = 8
"""Of a moving camera, how many poses are looked at."""
SHARE = 0.06
"""Share of the area that all that stands about may hide from a camera."""
RINGS, LEVELS = 6, 7
LOOKS = 10
"""Rays across and down a picture that look for things too near a camera."""
MARGIN = 0.4
"""Metres about the area that stay free."""
PERSON_M = 2.0
"""Median distance of cameras from the subject from which on nothing is shrunk."""

MAX_TRIPODS = 24
NEAR = 0.8
"""Metres before a camera that stay free."""


@dataclass(frozen=True)
class Clearing:
    """An upright cylinder about the origin where the subject moves, and the cameras about it.

    Parameters
    ----------
    radius, height
        Of the cylinder in metres.
    camera
        (P,) which camera each pose is of.
    centers, forward
        (P, 3) camera centres, and unit optical axes.
    all_centers
        (A, 3) camera centres at all frames.
    targets
        (N, 3) places that fill the cylinder.
    seen
        (P, N) which of them lie in the picture.
    looks
        (P, L, 3) unit directions all over the picture.
    """

    radius: float
    height: float
    camera: IntArray
    centers: Floats
    all_centers: Floats
    forward: Floats
    targets: Floats
    seen: Bools
    looks: Floats

    @staticmethod
    def of(rig: Rig, radius: float, height: float) -> "Clearing":
        """Return the clearing of a rig in metres with z up."""
        targets = _cylinder(radius, height)
        poses = [
            (c, pose) for c, camera in enumerate(rig.cameras.values()) for pose in _poses(camera)
        ]
        return Clearing(
            radius=radius,
            height=height,
            camera=np.array([c for c, _ in poses]),
            centers=np.stack([pose.center.numpy() for _, pose in poses]),
            all_centers=np.concatenate(
                [camera.center.numpy().reshape(-1, 3) for camera in rig.cameras.values()]
            ),
            forward=np.stack([pose.forward.numpy() for _, pose in poses]),
            targets=targets,
            seen=np.stack([_in_picture(pose, targets) for _, pose in poses]),
            looks=np.stack([_looks(pose) for _, pose in poses]),
        )

    def shrunk(self, factor: float) -> "Clearing":
        """Return the clearing with all lengths times a factor."""
        return replace(
            self,
            radius=self.radius * factor,
            height=self.height * factor,
            centers=self.centers * factor,
            all_centers=self.all_centers * factor,
            targets=self.targets * factor,
        )

    def to_persons(self) -> tuple["Clearing", float]:
        """Return the clearing as large as one for persons, and the factor to undo that, <= 1."""
        middle = np.array([0, 0, self.height / 2])
        distance = float(np.median(np.linalg.norm(self.all_centers - middle, axis=1)))
        scale = min(1.0, distance / PERSON_M)
        return self.shrunk(1 / scale), scale

    def tripods(self, rng: np.random.Generator) -> list[Prop]:
        """Return bodies and tripods behind cameras that stand still, or none."""
        if len(self.all_centers) > min(len(self.centers), MAX_TRIPODS) or rng.random() < 0.4:
            return []
        black = Material(Plain(np.full(3, rng.uniform(0.01, 0.1))), gloss=0.2)
        return [
            _standing_camera(center, forward, black)
            for center, forward in zip(self.centers, self.forward, strict=True)
        ]

    def hidden(self, caster: RayCaster) -> Bools:
        """Return which targets (P, N) lie in the picture and behind something."""
        ways, reach = self._lines()
        hits = caster.cast(self._starts(), ways)
        return np.asarray((hits.distance < reach).reshape(self.seen.shape) & self.seen)

    def shares(self, hidden: Bools) -> Floats:
        """Return the share (C,) of each camera's targets that is hidden, over its poses."""
        count = int(self.camera.max()) + 1
        lost = np.bincount(self.camera, hidden.sum(1), count)
        return np.asarray(lost / np.maximum(np.bincount(self.camera, self.seen.sum(1), count), 1))

    def losses(self, props: Sequence[Prop]) -> Floats:
        """Return the share (C, K) that each of K props is the first to hide from each camera."""
        vertices, faces, prop = _mesh(props)
        ways, reach = self._lines()
        hits = RayCaster(vertices, faces).cast(self._starts(), ways)
        behind = (hits.distance < reach) & self.seen.ravel()
        camera = np.repeat(self.camera, len(self.targets))
        count = int(self.camera.max()) + 1
        cells = camera[behind] * len(props) + prop[hits.face[behind]]
        lost = np.bincount(cells, minlength=count * len(props)).reshape(count, len(props))
        seen = np.bincount(self.camera, self.seen.sum(1), count)
        return np.asarray(lost / np.maximum(seen, 1)[:, None])

    def too_near(self, props: Sequence[Prop]) -> Bools:
        """Return which props (K,) reach into the area or stand right before a camera."""
        inside = [self._holds_free_space(prop) for prop in props]
        vertices, faces, prop = _mesh(props)
        starts = np.repeat(self.centers, self.looks.shape[1], axis=0)
        hits = RayCaster(vertices, faces).cast(starts, self.looks.reshape(-1, 3))
        found = np.array(inside)
        found[prop[hits.face[hits.distance < NEAR]]] = True
        return found

    def _holds_free_space(self, prop: Prop) -> bool:
        """Tell whether the box around a prop reaches into the area or holds a camera."""
        low, high = bounds(prop)
        away = np.linalg.norm(np.clip(0, low[:2], high[:2]))
        if away < self.radius + MARGIN and low[2] < 1.2 * self.height:
            return True
        return bool(((self.all_centers > low) & (self.all_centers < high)).all(1).any())

    def _starts(self) -> Floats:
        return np.repeat(self.centers, len(self.targets), axis=0)

    def _lines(self) -> tuple[Floats, Floats]:
        """Return unit directions (P * N, 3) and distances (P * N,) from cameras to targets."""
        ways = (self.targets - self.centers[:, None]).reshape(-1, 3)
        reach = np.linalg.norm(ways, axis=1)
        return ways / reach[:, None], reach


def admitted(props: Sequence[Prop], clearing: Clearing, share: float) -> list[Prop]:
    """Return the props that may stay: no camera loses more than a share of the area to them."""
    if not props:
        return []
    near = clearing.too_near(props)
    left = [prop for prop, bad in zip(props, near, strict=True) if not bad]
    while left:
        losses = clearing.losses(left)
        if losses.sum(1).max() <= share:
            break
        worst = losses[losses.sum(1) > share].max(0)
        limit = max(worst.max(), 1e-9)
        left = [prop for prop, loss in zip(left, worst, strict=True) if loss < min(limit, share)]
    return left


def _standing_camera(center: Floats, forward: Floats, material: Material) -> Prop:
    """Return a camera's body behind its centre, on a tripod."""
    body = box((0.12, 0.14, 0.09), material)
    middle = center - 0.14 * forward
    yaw = float(np.arctan2(forward[1], forward[0])) - np.pi / 2
    stand = tripod(max(middle[2], 0.1), material)
    return moved([body], middle - (0, 0, 0.04), yaw) + moved(stand, (*middle[:2], 0), yaw)


def _mesh(props: Sequence[Prop]) -> tuple[Floats, IntArray, IntArray]:
    """Return vertices (V, 3) and faces (F, 3) of all props, and the prop (F,) of each face."""
    vertices, faces, surface = mesh_of([surface for prop in props for surface in prop])
    owner = np.repeat(np.arange(len(props)), [len(prop) for prop in props])
    return vertices, faces, owner[surface]


def bounds(prop: Prop) -> tuple[Floats, Floats]:
    """Return the lowest and highest corner (3,) of the box around a prop."""
    low = np.min([surface.vertices.min(0) for surface in prop], axis=0)
    return low, np.max([surface.vertices.max(0) for surface in prop], axis=0)


def footprint(prop: Prop) -> tuple[Floats, float]:
    """Return middle (2,) and radius of the circle about a prop's box on the floor."""
    low, high = bounds(prop)
    return (low + high)[:2] / 2, float(np.linalg.norm((high - low)[:2]) / 2)


def _poses(camera: Camera) -> list[Camera]:
    if camera.frames is None:
        return [camera]
    rows = np.unique(np.linspace(0, len(camera.frames) - 1, MAX_POSES).astype(int))
    return [camera.at(int(camera.frames[row])) for row in rows]


def _cylinder(radius: float, height: float) -> Floats:
    """Return places (N, 3) evenly through an upright cylinder on the floor."""
    rings = [
        (radius * (ring + 0.5) / RINGS, angle)
        for ring in range(RINGS)
        for angle in (np.arange(4 * ring + 2) + 0.5) / (4 * ring + 2) * 2 * np.pi
    ]
    away, angle = np.array(rings).T
    level = height * (np.arange(LEVELS) + 0.5) / LEVELS
    flat = np.stack([away * np.cos(angle), away * np.sin(angle)], -1)
    return np.column_stack([np.tile(flat, (LEVELS, 1)), np.repeat(level, len(flat))])


def _in_picture(camera: Camera, places: Floats) -> Bools:
    pixels = camera.project(places)
    return np.asarray(((pixels > -0.5) & (pixels < np.array(whole_size(camera)) - 0.5)).all(-1))


def _looks(camera: Camera) -> Floats:
    width, height = whole_size(camera)
    x, y = np.meshgrid(np.linspace(0, width - 1, LOOKS), np.linspace(0, height - 1, LOOKS))
    return np.asarray(camera.ray(np.stack([x, y], -1).reshape(-1, 2))[1])
