"""Parts of hairdos that stand off the head: loose locks, tails, buns, beards."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mvboot.mesh.normals import unit
from mvboot.synthetic.studio.appearance.face import BeardArea, ramp
from mvboot.synthetic.studio.appearance.garment import Cloth
from mvboot.synthetic.studio.appearance.lofts import joined
from mvboot.synthetic.studio.appearance.scalp import RADIUS, Head, Sheet, direction, whole
from mvboot.synthetic.studio.textures.noise import Noise

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOCK_ROWS = 4
TAIL_ROWS, TAIL_COLUMNS = 22, 14
BUN_ROWS, BUN_COLUMNS = 14, 22
BEARD_SIZE = 44
BEARD_CENTRE = (0.0, 0.055, -0.075)
"""Where rays to a beard's skin start, from the middle between the eyes of the mean head."""


def locks(
    head: Head,
    sheet: Sheet,
    column: Floats,
    start: IntArray,
    long: int,
    width: Floats,
    lift: Floats,
    extend: Floats,
) -> Cloth:
    """Return pointed locks (K,) that follow a sheet's strands and leave it at their ends.

    Parameters
    ----------
    head, sheet
        What they lie on.
    column, start, long
        Strand and first row of each, and how many rows it covers.
    width
        At its start, in columns.
    lift, extend
        How far in metres its tip stands off the sheet, and passes its last row.
    """
    rows, columns = sheet.along.shape
    share = np.linspace(0, 1, LOCK_ROWS)[:, None]
    row = np.minimum(start + share * long, rows - 1.001)
    low, part = row.astype(int), row % 1
    outward = _outward(sheet)
    beside = []
    for side in (-0.5, 0.5):
        at = (column + side * width * (1 - 0.55 * share)) % columns
        points = _between(sheet.points, low, part, at)
        points = points + _between(outward, low, part, at) * (0.0015 + lift * share**2)[..., None]
        beside.append(points)
    middle = (beside[0] + beside[1]) / 2
    way = unit(middle[-1] - middle[-2])
    tip = middle[-1] + way * extend[:, None]
    points = np.concatenate([np.stack(beside, 1).reshape(2 * LOCK_ROWS, -1, 3), tip[None]])
    turn = 2 * np.pi * column / columns
    along = _between(sheet.along[..., None], low, part, column + 0 * share)[..., 0]
    along = np.concatenate([np.repeat(along, 2, axis=0), (along[-1] + extend)[None]])
    off = np.tile([-0.004, 0.004], LOCK_ROWS)[:, None] * np.ones(len(column))
    off = np.concatenate([off, np.zeros((1, len(column)))])
    ring = RADIUS * np.stack([np.cos(turn + off / RADIUS), np.sin(turn + off / RADIUS)], -1)
    places = np.concatenate([ring, along[..., None]], axis=-1)
    places[..., 2] += 7.0 + 0.31 * np.arange(len(column))
    faces = _lock_faces(len(column))
    return whole(points.reshape(-1, 3), faces, places.reshape(-1, 3), head)


def _lock_faces(count: int) -> IntArray:
    quads = np.array([[0, 2, 1], [1, 2, 3]])
    strip = np.concatenate([quads + 2 * i for i in range(LOCK_ROWS - 1)])
    last = 2 * LOCK_ROWS - 2
    strip = np.concatenate([strip, [[last, last + 2, last + 1]]])
    return np.asarray((strip[None] * count + np.arange(count)[:, None, None]).reshape(-1, 3))


def _outward(sheet: Sheet) -> Floats:
    """Return unit normals (T, C, 3) of a sheet."""
    down = np.gradient(sheet.points, axis=0)
    around = np.roll(sheet.points, -1, axis=1) - np.roll(sheet.points, 1, axis=1)
    normals = unit(np.cross(around, down))
    away = sheet.points - sheet.points.mean(axis=(0, 1))
    return np.asarray(normals * np.sign((normals * away).sum()))


def _between(values: Floats, low: IntArray, part: Floats, column: Floats) -> Floats:
    """Return values (S, K, D) of a grid (T, C, D) at rows low + part and columns (S, K)."""
    left = np.floor(column).astype(int)
    share = (column - left)[..., None]
    columns = values.shape[1]
    rows = [
        values[low + i, left % columns] * (1 - share)
        + values[low + i, (left + 1) % columns] * share
        for i in (0, 1)
    ]
    return np.asarray(rows[0] * (1 - part[..., None]) + rows[1] * part[..., None])


def tail(
    head: Head, pole: tuple[float, float], length: float, thick: float, wave: float, seed: int
) -> Cloth:
    """Return a tail tied at a pole (polar angle, azimuth in degrees); lengths in metres."""
    out = direction(np.radians(pole[0]), np.radians(pole[1]))
    base = head.centre + out * (float(head.radius(out)) + 0.004)
    share = np.linspace(0, 1, TAIL_ROWS)
    spread = 0.055 * (1 - np.exp(-share * length / 0.05))
    spine = base + spread[:, None] * out * [1, 1, 0.6]
    spine[:, 2] -= length * share**1.3 - 0.4 * spread * max(float(out[2]), 0.0)
    swing = wave * ramp(share, 0, 0.4)
    spine[:, 0] += swing * np.sin(2 * np.pi * (1.2 * share + Noise(seed, 1.0)(base[None])[0]))
    spine = _outside(head, spine, 0.8 * thick)
    fat = thick * np.interp(share, [0, 0.05, 0.25, 0.75, 1], [0.45, 0.5, 1.0, 0.75, 0.12])
    turn = 2 * np.pi * np.arange(TAIL_COLUMNS) / TAIL_COLUMNS
    across = np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)
    tilt = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], -1)
    bent = ramp(share, 0.05, 0.3)[:, None, None]
    points = spine[:, None] + fat[:, None, None] * unit(tilt * (1 - bent) + across * bent)
    bumps = Noise(seed + 1, 0.03, 2, stretch=(1, 1, 3))(points.reshape(-1, 3)) - 0.5
    points += (0.5 * thick * bumps.reshape(len(share), -1) * share[:, None])[..., None] * across
    cleared = head.cleared(points, np.ones(points.shape[:2]))
    points += gaussian_filter(cleared - points, (1.5, 1.5, 0), mode=("nearest", "wrap", "nearest"))
    ring = thick * across[None] + np.stack([0 * share, 0 * share, 5 + length * share], -1)[:, None]
    faces = joined(TAIL_ROWS, TAIL_COLUMNS)[:, ::-1]
    return whole(points.reshape(-1, 3), faces, ring.reshape(-1, 3), head)


def _outside(head: Head, points: Floats, gap: float) -> Floats:
    """Return points (N, 3), those beside the skull moved at least a gap in metres off it."""
    away = points - head.centre
    distance = np.linalg.norm(away, axis=1)
    least = head.radius(unit(away)) + gap
    beside = ramp(away[:, 2] / head.size, -0.13, -0.09)
    return np.asarray(points + (beside * np.maximum(least - distance, 0))[:, None] * unit(away))


def bun(head: Head, pole: tuple[float, float], size: float, seed: int) -> Cloth:
    """Return a bun tied at a pole (polar angle, azimuth in degrees), its radius in metres."""
    out = direction(np.radians(pole[0]), np.radians(pole[1]))
    middle = head.centre + out * (float(head.radius(out)) + 0.55 * size)
    polar = np.linspace(0.02, np.pi - 0.02, BUN_ROWS)
    turn = 2 * np.pi * np.arange(BUN_COLUMNS) / BUN_COLUMNS
    first = unit(np.cross(out, [1.0, 0.0, 0.0]))
    second = np.cross(out, first)
    around = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    ball = np.sin(polar)[:, None, None] * around + 0.72 * np.cos(polar)[:, None, None] * out
    bumps = 1 + 0.3 * (Noise(seed, 0.6, 2)(ball.reshape(-1, 3)).reshape(len(polar), -1, 1) - 0.5)
    points = middle + size * ball * bumps
    places = np.empty_like(points)
    # strands wind about the bun: along z of the texture
    places[..., 0] = (size * polar)[:, None]
    places[..., 1] = 3.0 + 0.3 * size * np.sin(turn)
    places[..., 2] = size * np.abs(turn - np.pi)
    faces = joined(BUN_ROWS, BUN_COLUMNS)[:, ::-1]
    return whole(points.reshape(-1, 3), faces, places.reshape(-1, 3), head)


def beard(head: Head, mean: Head, area: BeardArea, length: float, rough: float, seed: int) -> Cloth:
    """Return a beard on an area of the mean face, ``length`` metres high at its deepest."""
    side, up = np.meshgrid(
        np.radians(np.linspace(-105, 105, BEARD_SIZE)),
        np.radians(np.linspace(-75, 38, BEARD_SIZE)),
    )
    ways = np.stack([np.sin(side) * np.cos(up), -np.cos(side) * np.cos(up), np.sin(up)], -1)
    start = area.origin + np.array(BEARD_CENTRE)
    found = mean.skull.cast(start, ways.reshape(-1, 3))
    corners = mean.template.faces[mean.faces[np.maximum(found.face, 0)]]
    share = np.nan_to_num(found.barycentric)
    places = (mean.rest[corners] * share[..., None]).sum(1)
    skin = (head.rest[corners] * share[..., None]).sum(1)
    inside = area(places)
    grain = Noise(seed, 0.012, 3)(places) - 0.3
    chin = 1 + 1.2 * ramp(-up.ravel(), 0.1, 0.7)
    chin = chin * (1 - 0.75 * ramp(np.abs(side.ravel()), 0.3, 1.0))
    height = (length * ramp(inside, 0.0, 0.022) * chin) * (1 + rough * grain)
    away = unit(ways.reshape(-1, 3) + [0.0, -0.1, -0.35])
    points = skin + away * np.where(inside > 0.0005, height + 0.0005, -0.003)[:, None]
    faces = joined(BEARD_SIZE, BEARD_SIZE, closed=False)
    usable = (inside > -0.006)[faces].all(1) & found.met[faces].all(1)
    return whole(points, faces[usable], places, head)
