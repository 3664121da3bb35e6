"""Random fields in space that depend on nothing but place and seed: noise and cells.

Noise is a fractal sum of gradient noise (Perlin 1985, 2002), cells are those of jittered lattice
points (Worley 1996). Lattice values come from an integer hash, so the fields have no edge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Function = TypeVar("Function", bound=Callable[..., Any])

SPREAD = 0.27
"""Standard deviation of one octave of the gradient noise below."""

LOGISTIC = 1.702
"""Makes the logistic function the distribution function of a unit normal, nearly."""

DIRECTIONS = np.array(
    [[a, b, 0] for a in (1, -1) for b in (1, -1)]
    + [[a, 0, b] for a in (1, -1) for b in (1, -1)]
    + [[0, a, b] for a in (1, -1) for b in (1, -1)]
    + [[1, 1, 0], [-1, 1, 0], [0, -1, 1], [0, -1, -1]],
    dtype=np.float64,
)
"""Of the slopes at lattice points (16, 3): to a cube's edges, four of them twice."""

BITS = 0xFFFFFFFF
STREAM = 101
"""Apart as the seeds of one field's octaves and axes are."""


def jit(function: Function) -> Function:
    """Compile a function; its machine code is kept between runs."""
    return cast(Function, njit(cache=True, error_model="numpy")(function))


@dataclass(frozen=True)
class Noise:
    """Smooth random values (N,) in (0, 1), about evenly spread over it, at places (N, 3).

    Parameters
    ----------
    seed
        Another seed, another field.
    size
        Metres across the largest features.
    octaves
        How many halvings of the size are summed.
    roughness
        How strong each octave is relative to the one before it.
    stretch
        Factors (3,) on the size along x, y and z.
    """

    seed: int
    size: float
    octaves: int = 4
    roughness: float = 0.5
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        scaled = places / (self.size * np.array(self.stretch))
        total: Floats = _fractal(scaled, self.seed, self.octaves, self.roughness)
        return total


@dataclass(frozen=True)
class Voronoi:
    """Irregular cells around points scattered in space; a layout (see `patterns.Layout`).

    Parameters
    ----------
    seed
        Another seed, other cells.
    size
        Metres across a cell, about.
    stretch
        Factors (3,) on the size along x, y and z.
    """

    seed: int
    size: float
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def cells(self, places: Floats) -> tuple[Floats, Floats]:
        """Return identity (N,) in [0, 1) and distance to the border (N,) in metres, about."""
        identity, gap = _voronoi(places / (self.size * np.array(self.stretch)), self.seed)
        return identity, 0.5 * self.size * gap


@jit
def hashed(x: int, y: int, z: int, seed: int) -> int:
    """Return 32 bits that look random, of three whole numbers and a seed."""
    h = (x * 374761393 + y * 668265263 + z * 1440662683 + seed * 1013904223) & BITS
    h = ((h ^ (h >> 15)) * 739982445) & BITS
    h = ((h ^ (h >> 12)) * 695872825) & BITS
    return h ^ (h >> 15)


@jit
def hashed_units(keys: NDArray[np.int64], seed: int) -> Floats:
    """Return numbers (N,) in [0, 1) that look random, of whole numbers (N, 2)."""
    found = np.empty(len(keys))
    for i in range(len(keys)):
        found[i] = hashed(keys[i, 0], keys[i, 1], 7, seed) / (BITS + 1.0)
    return found


@jit
def _slope(h: int, x: float, y: float, z: float) -> float:
    """Return the product of (x, y, z) with one of the directions, without a branch."""
    h &= 15
    return float(DIRECTIONS[h, 0] * x + DIRECTIONS[h, 1] * y + DIRECTIONS[h, 2] * z)


@jit
def _fade(t: float) -> float:
    return t * t * t * (t * (t * 6 - 15) + 10)


@jit
def _gradient_noise(x: float, y: float, z: float, seed: int) -> float:
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    x, y, z = x - ix, y - iy, z - iz
    fx, fy, fz = _fade(x), _fade(y), _fade(z)
    total = 0.0
    for dx in range(2):
        wx = fx if dx else 1 - fx
        for dy in range(2):
            wxy = wx * (fy if dy else 1 - fy)
            near = _slope(hashed(ix + dx, iy + dy, iz, seed), x - dx, y - dy, z)
            far = _slope(hashed(ix + dx, iy + dy, iz + 1, seed), x - dx, y - dy, z - 1)
            total += wxy * (near + fz * (far - near))
    return total


@jit
def _fractal(places: Floats, seed: int, octaves: int, roughness: float) -> Floats:
    found = np.empty(len(places))
    variance = 0.0
    for octave in range(octaves):
        variance += (SPREAD * roughness**octave) ** 2
    scale = LOGISTIC / np.sqrt(variance)
    for i in range(len(places)):
        total, strength, frequency = 0.0, 1.0, 1.0
        for octave in range(octaves):
            # every octave has its own lattice points, or all of them would vanish at the origin
            shift = 0.5 + 0.318 * octave
            total += strength * _gradient_noise(
                places[i, 0] * frequency + shift,
                places[i, 1] * frequency + shift * 1.7,
                places[i, 2] * frequency + shift * 2.3,
                seed + STREAM * octave,
            )
            strength *= roughness
            frequency *= 2.0
        found[i] = 1 / (1 + np.exp(-scale * total))
    return found


@jit
def _voronoi(places: Floats, seed: int) -> tuple[Floats, Floats]:
    """Return identities (N,), and (N,) how much nearer the nearest point is than the next."""
    identity, gap = np.empty(len(places)), np.empty(len(places))
    for i in range(len(places)):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        first, second, nearest = 1e9, 1e9, 0
        for jx in range(ix - 1, ix + 2):
            for jy in range(iy - 1, iy + 2):
                for jz in range(iz - 1, iz + 2):
                    h = hashed(jx, jy, jz, seed)
                    px = jx + (h & 1023) / 1023.0 - x
                    py = jy + ((h >> 10) & 1023) / 1023.0 - y
                    pz = jz + ((h >> 20) & 1023) / 1023.0 - z
                    distance = px * px + py * py + pz * pz
                    if distance < first:
                        first, second, nearest = distance, first, h
                    elif distance < second:
                        second = distance
        identity[i] = hashed(nearest, 3, 5, seed) / (BITS + 1.0)
        gap[i] = np.sqrt(second) - np.sqrt(first)
    return identity, gap
