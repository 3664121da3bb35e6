"""Where hair grows on the shipped body's head, and sheets of hair combed over it.

Directions from the middle of the skull name places on it: polar angle from straight up, azimuth
from straight ahead towards either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array, vstack

from mvboot.mesh.normals import unit
from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.studio.appearance.face import ramp
from mvboot.synthetic.studio.appearance.garment import Cloth, sparse_rows
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

HAIRLINE = np.array(
    [
        [0, 22, 36, 50, 64, 76, 86, 94, 110, 120, 135, 155, 180],
        [55, 54, 51, 58, 73, 91, 94, 82, 84, 104, 129, 138, 138],
    ]
)
"""Azimuth from the front, and the polar angle where hair ends there; degrees."""
RECEDING = np.array([[0, 22, 36, 52, 70], [0.5, 0.6, 1.0, 0.7, 0.0]])
"""Azimuth in degrees, and how strongly a hairline recedes there."""
ABOVE_EARS = 0.198
"""The middle of the skull above the ears, over the height of the head's top above them."""
BEFORE_EARS = 0.13
HEAD_HEIGHT = 0.116
"""Metres from the ear keypoints up to the head's top on the mean head."""
RADIUS = 0.09
"""Of a skull in metres, about: turns angles into lengths."""
HIDDEN = -0.004
"""Height in metres of what lies below the skin."""
STATIONS = (("head", 0.10), ("neck2", 0.21), ("spine5", 0.32))
"""Bones that hanging hair follows, and how far below the skull's middle it does so wholly."""
REACH = 1.0
CLEAR_OF_BACK = 0.022


@dataclass(frozen=True)
class Head:
    """The head of a body in the rest pose of one shape: ``rest`` (V, 3) are its vertices."""

    template: Template
    rest: Floats

    @cached_property
    def size(self) -> float:
        """Size of the head over that of the mean one."""
        points = self._points
        return float((points["head_top"] - points["ear_left"])[2] / HEAD_HEIGHT)

    @cached_property
    def centre(self) -> Floats:
        """Middle (3,) of the skull."""
        points = self._points
        ears = (points["ear_left"] + points["ear_right"]) / 2
        return np.asarray(
            ears + HEAD_HEIGHT * self.size * np.array([0.0, -BEFORE_EARS, ABOVE_EARS])
        )

    @cached_property
    def _points(self) -> dict[str, Floats]:
        found = self.template.landmarks(self.rest)
        return dict(zip(self.template.keypoints, found, strict=True))

    @cached_property
    def faces(self) -> IntArray:
        """Numbers (n,) of the template's faces that are head and neck."""
        charts = self.template.charts
        assert charts is not None
        named = [i + 1 for i, name in enumerate(charts.names) if name.startswith("head")]
        return np.flatnonzero(np.isin(charts.parts, named))

    @cached_property
    def skull(self) -> RayCaster:
        """Head and neck, to cast rays at from inside."""
        return RayCaster(self.rest, self.template.faces[self.faces])

    @cached_property
    def body(self) -> RayCaster:
        """All of the body."""
        return RayCaster(self.rest, self.template.faces)

    def radius(self, directions: Floats) -> Floats:
        """Return how far (...) the skin is from the middle along unit directions (..., 3)."""
        flat = directions.reshape(-1, 3)
        found = self.skull.cast(self.centre, flat).distance
        return np.where(np.isfinite(found), found, RADIUS).reshape(directions.shape[:-1])

    def weights(self, places: Floats) -> csr_array:
        """Return skin weights (N, B) of hair at places (N, 3): of the head, lower of the neck."""
        skeleton = self.template.skeleton
        assert skeleton is not None
        below = (self.centre[2] - places[:, 2]) / self.size
        found = np.zeros((len(places), len(skeleton.names)))
        depths = [depth for _, depth in STATIONS]
        for index, (bone, _) in enumerate(STATIONS):
            found[:, skeleton.index(bone)] = np.interp(below, depths, np.eye(len(depths))[index])
        return sparse_rows(found)

    def cleared(self, places: Floats, behind: Floats) -> Floats:
        """Return places (..., 3) moved off the back where ``behind`` (...) is 1, else the front.

        Only those below the chin are moved.
        """
        flat, side = places.reshape(-1, 3).copy(), np.where(behind.ravel() > 0.5, 1.0, -1.0)
        start = np.stack([flat[:, 0], side * REACH, flat[:, 2]], -1)
        way = np.stack([0 * side, -side, 0 * side], -1)
        distance = self.body.cast(start, way).distance
        surface = np.where(np.isfinite(distance), REACH - distance, -REACH) + CLEAR_OF_BACK
        low = ramp((self.centre[2] - flat[:, 2]) / self.size, 0.10, 0.15)
        moved = np.maximum(side * flat[:, 1], surface)
        flat[:, 1] += low * (side * moved - flat[:, 1])
        return flat.reshape(places.shape)


def direction(polar: Floats, azimuth: Floats) -> Floats:
    """Return unit directions (..., 3) of angles (...) in radians; 0, 0 is up, then ahead."""
    across = np.sin(polar)
    return np.stack([across * np.sin(azimuth), -across * np.cos(azimuth), np.cos(polar)], axis=-1)


@dataclass(frozen=True)
class Hairline:
    """Which directions hair grows in.

    Parameters
    ----------
    recede
        Degrees by which the hairline recedes at the temples.
    bald
        Degrees from the crown that are bald; 0 for none.
    fringe
        Degrees by which hair combed forward passes the hairline in front.
    """

    recede: float = 0.0
    bald: float = 0.0
    fringe: float = 0.0

    def depth(self, directions: Floats) -> Floats:
        """Return how far in radians (...) directions (..., 3) lie inside it; negative outside."""
        azimuth = np.degrees(np.abs(np.arctan2(directions[..., 0], -directions[..., 1])))
        polar = np.degrees(np.arccos(np.clip(directions[..., 2], -1, 1)))
        line = np.interp(azimuth, *HAIRLINE)
        line = line - self.recede * np.interp(azimuth, *RECEDING)
        line = line + self.fringe * ramp(azimuth, 62.0, 40.0)
        inside = line - polar
        if self.bald:
            crown = direction(np.array(np.radians(18.0)), np.array(np.pi))
            off = np.degrees(np.arccos(np.clip(directions @ crown, -1, 1)))
            inside = np.minimum(inside, off - self.bald)
        return np.asarray(np.radians(inside))


@dataclass(frozen=True)
class ScalpPaint:
    """How much (N,) hair covers the skin at places on the mean rest pose.

    ``centre`` (3,) is the middle of the mean skull, ``strength`` the most it covers.
    """

    line: Hairline
    centre: Floats
    seed: int
    strength: float = 1.0
    soft: float = 0.010

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = places - self.centre
        found = np.zeros(len(places))
        rows = np.flatnonzero(np.linalg.norm(away, axis=1) < 1.6 * RADIUS)
        depth = RADIUS * self.line.depth(unit(away[rows]))
        ragged = 0.008 * (Noise(self.seed, 0.012, 3)(places[rows]) - 0.5)
        found[rows] = self.strength * ramp(depth + ragged, -0.5 * self.soft, self.soft)
        return found


@dataclass(frozen=True)
class Combed:
    """How hair lies on a head; lengths in metres of the mean head.

    Parameters
    ----------
    line
        Where it grows.
    pole
        Polar angle and azimuth in degrees of where strands start: a crown, or a tied tail.
    top, side
        Height above the skin on top and at the sides.
    edge
        Over which length the height falls to nothing at the hairline.
    rough, grain
        Strength and size of random bumps.
    hang
        How far below the skull's middle hair at the back hangs; 0 where it does not.
    open
        Degrees on either side of the face that hanging hair leaves free.
    inward
        Share by which it closes in on the neck at its ends; negative flares out.
    wave
        Strength of waves in hanging hair.
    """

    line: Hairline
    pole: tuple[float, float] = (25.0, 180.0)
    top: float = 0.02
    side: float = 0.012
    edge: float = 0.03
    rough: float = 0.004
    grain: float = 0.03
    hang: float = 0.0
    open: float = 62.0
    inward: float = 0.1
    wave: float = 0.0
    columns: int = 64
    rows: int = 26


@dataclass(frozen=True)
class Sheet:
    """Hair as a grid (T, C, 3) of points along C strands that close around the head.

    ``along`` (T, C) are lengths in metres from the strands' start.
    """

    points: Floats
    along: Floats

    def places(self) -> Floats:
        """Return where to look up textures (T, C, 3): around a cylinder, z along the strands."""
        turn = 2 * np.pi * np.arange(self.points.shape[1]) / self.points.shape[1]
        ring = np.broadcast_to(
            RADIUS * np.stack([np.cos(turn), np.sin(turn)], -1)[None], (*self.along.shape, 2)
        )
        return np.concatenate([ring, self.along[..., None]], axis=-1)


def comb(head: Head, style: Combed, seed: int) -> Sheet:
    """Return hair combed over a head from its pole outwards, and hanging on below."""
    turn = 2 * np.pi * np.arange(style.columns) / style.columns
    hangs, ends = _ends(style, turn)
    share = np.linspace(0, 1, style.rows) ** 0.9
    ways = _ways(style, ends[None] * share[:, None], turn[None])
    radius = gaussian_filter(head.radius(ways), (1.0, 1.5), mode=("nearest", "wrap"))
    left = RADIUS * ends[None] * (1 - share[:, None])
    rising = ramp(left, 0.0, style.edge)
    rising = hangs + (1 - hangs) * rising
    up = np.maximum(ways[..., 2], 0.0) ** 1.5
    height = style.side + (style.top - style.side) * up
    base = head.centre + ways * radius[..., None]
    bumps = Noise(seed, style.grain, 2)(base.reshape(-1, 3)).reshape(up.shape) - 0.35
    height = (height + style.rough * bumps) * rising
    height = head.size * np.where(rising > 0.02, np.maximum(height, 0.0015), HIDDEN)
    points = base + ways * height[..., None]
    points[0] = points[0].mean(0)
    if style.hang:
        points = np.concatenate([points, _hanging(head, style, points[-1], hangs, seed)])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    along = np.concatenate([np.zeros((1, style.columns)), np.cumsum(steps, axis=0)])
    return Sheet(points, along)


def _ways(style: Combed, angle: Floats, turn: Floats) -> Floats:
    """Return directions (..., 3) at an angle from the pole, turned about it (...)."""
    polar, azimuth = np.radians(style.pole)
    axis = direction(np.array(polar), np.array(azimuth))
    first = unit(np.cross(axis, [1.0, 0.0, 0.0]))
    second = np.cross(axis, first)
    around = np.cos(turn)[..., None] * first + np.sin(turn)[..., None] * second
    return np.asarray(np.cos(angle)[..., None] * axis + np.sin(angle)[..., None] * around)


def _ends(style: Combed, turn: Floats) -> tuple[Floats, Floats]:
    """Return how much strands (C,) hang, and the angles (C,) from the pole where they end."""
    angles = np.radians(np.arange(6.0, 172.0, 1.0))
    ways = _ways(style, angles[:, None], turn[None])
    outside = style.line.depth(ways) < 0
    first = np.where(outside.any(0), outside.argmax(0), len(angles) - 1)
    ends = gaussian_filter(angles[first], 0.7, mode="wrap")
    if not style.hang:
        return np.zeros(len(turn)), ends
    last = _ways(style, ends, turn)
    azimuth = np.degrees(np.abs(np.arctan2(last[:, 0], -last[:, 1])))
    hangs = ramp(azimuth, style.open - 9, style.open + 9)
    widest = (ways[..., 2] < np.cos(np.radians(93))).argmax(0)
    leaves = np.minimum(ends, angles[np.where(widest > 0, widest, len(angles) - 1)])
    return hangs, ends + hangs * (leaves - ends)


def _hanging(head: Head, style: Combed, start: Floats, hangs: Floats, seed: int) -> Floats:
    """Return rows (R, C, 3) that fall from the last points (C, 3) on the head."""
    rows = max(6, int(style.hang / 0.018))
    share = np.linspace(0, 1, rows + 1)[1:, None]
    ragged = 0.02 * (Noise(seed + 1, 0.05, 2)(start) - 0.5)
    bottom = head.centre[2] - head.size * (style.hang + ragged)
    fall = np.minimum(bottom - start[:, 2], 0) * hangs
    away = start - head.centre
    inward = 1 - style.inward * share**2 * hangs
    points = np.empty((rows, len(start), 3))
    points[..., :2] = head.centre[:2] + away[:, :2] * inward[..., None]
    points[..., 2] = start[:, 2] + share * fall
    turn = 2 * np.pi * Noise(seed + 2, 0.06, 1)(start)
    swing = style.wave * np.sin(2 * np.pi * points[..., 2] / 0.07 + turn) * hangs * share**0.5
    points[..., :2] *= 1 + (swing / np.linalg.norm(away[:, :2], axis=1))[..., None]
    clumps = Noise(seed + 3, 0.03, 2, stretch=(1.0, 1.0, 4.0))(points.reshape(-1, 3)) - 0.5
    points += (1.5 * style.rough * clumps.reshape(rows, -1) * hangs)[..., None] * unit(
        away * [1, 1, 0]
    )
    behind = np.broadcast_to(away[:, 1] > 0.0, (rows, len(start)))
    cleared = head.cleared(points, behind.astype(np.float64))
    moved = gaussian_filter(cleared - points, (1.5, 2.0, 0), mode=("nearest", "wrap", "nearest"))
    return np.asarray(points + moved)


def whole(vertices: Floats, faces: IntArray, places: Floats, head: Head) -> Cloth:
    """Return a mesh worn on the head, without faces that have no area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    used, local = np.unique(faces[area > 1e-9], return_inverse=True)
    kept = vertices[used]
    return Cloth(kept, local.reshape(-1, 3), head.weights(kept), places[used])


def together(parts: Sequence[Cloth]) -> Cloth:
    """Join meshes to one."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Cloth(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([p.faces + n for p, n in zip(parts, starts, strict=False)]),
        csr_array(vstack([part.weights for part in parts], format="csr")),
        np.concatenate([part.places for part in parts]),
    )
