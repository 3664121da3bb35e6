"""Patterns: fields (N,) of places (N, 3) in metres, and layouts that divide a plane into pieces.

Flat patterns (their docstrings say so) repeat over x and y and do not change along z;
`textures.Placed`, `textures.Unrolled` and the ``places`` of a Surface bring them onto anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.textures.noise import hashed_units

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]
"""A number (N,), in [0, 1] unless stated, at places (N, 3)."""


class Layout(Protocol):
    """Something laid out in pieces: bricks, tiles, planks, stones."""

    def cells(self, places: Floats) -> tuple[Floats, Floats]:
        """Return which piece (N,), in [0, 1), and the distance (N,) to its border in metres."""


# --- fields made of fields ----------------------------------------------------------------------


@dataclass(frozen=True)
class Scaled:
    """A field spread over [low, high] instead of [0, 1]: a height in metres makes a bump of it."""

    field: Field
    low: float
    high: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return self.low + (self.high - self.low) * self.field(places)


@dataclass(frozen=True)
class Threshold:
    """0 where a field is below a level and 1 above, with a ramp of width ``softness`` between."""

    field: Field
    level: float = 0.5
    softness: float = 0.02

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        ramp = (self.field(places) - self.level) / self.softness + 0.5
        return np.asarray(np.clip(ramp, 0, 1))


@dataclass(frozen=True)
class Ridges:
    """1 along the lines where a field crosses one half, falling off over ``width``: veins."""

    field: Field
    width: float = 0.1

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(np.exp(-(((self.field(places) - 0.5) / self.width) ** 2)))


@dataclass(frozen=True)
class Folded:
    """A field run up and down ``times`` times: contour lines, growth rings."""

    field: Field
    times: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * self.times * self.field(places)))


@dataclass(frozen=True)
class Border:
    """0 at the border of a layout's pieces, 1 from ``width`` metres inside."""

    layout: Layout
    width: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(np.clip(self.layout.cells(places)[1] / self.width, 0, 1))


# --- plain fields -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Along:
    """0 up to ``start`` metres along a direction (3,), 1 from ``stop`` on, linear between."""

    direction: tuple[float, float, float]
    start: float
    stop: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        way = places @ (np.array(self.direction) / np.linalg.norm(self.direction))
        return np.asarray(np.clip((way - self.start) / (self.stop - self.start), 0, 1))


@dataclass(frozen=True)
class Stripes:
    """1 on stripes, 0 between them.

    Parameters
    ----------
    period
        Metres from stripe to stripe.
    share
        Share of a period that the stripe covers.
    direction
        Across the stripes (3,).
    """

    period: float
    share: float = 0.5
    direction: tuple[float, float, float] = (1.0, 0.0, 0.0)

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        way = places @ (np.array(self.direction) / np.linalg.norm(self.direction))
        return np.asarray((way / self.period) % 1 < self.share, dtype=np.float64)


@dataclass(frozen=True)
class Corrugation:
    """A sine over x: curtain folds, cords, corrugated sheet. ``period`` in metres."""

    period: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * places[:, 0] / self.period))


@dataclass(frozen=True)
class Checks:
    """A chessboard in x and y of squares ``size`` metres wide: 0 and 1. Flat."""

    size: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(np.floor(places[:, :2] / self.size).sum(1) % 2)


@dataclass(frozen=True)
class Dots:
    """1 inside dots on a staggered grid over x and y. Flat.

    ``spacing`` and ``radius`` are in metres; ``jitter`` moves dots by up to that share of the
    spacing, at most 0.25.
    """

    spacing: float
    radius: float
    jitter: float = 0.0
    seed: int = 0

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        row = np.floor(places[:, 1] / self.spacing)
        x = places[:, 0] / self.spacing + 0.5 * (row % 2)
        keys = np.stack([np.floor(x), row], -1).astype(np.int64)
        dx = x % 1 - 0.5 + self.jitter * (2 * hashed_units(keys, self.seed) - 1)
        dy = (places[:, 1] / self.spacing) % 1 - 0.5
        dy = dy + self.jitter * (2 * hashed_units(keys, self.seed + 1) - 1)
        return np.asarray(np.hypot(dx, dy) * self.spacing < self.radius, dtype=np.float64)


@dataclass(frozen=True)
class Weave:
    """Plain weave over x and y of threads ``thread`` metres wide: 1 on top, 0 below. Flat."""

    thread: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        waves = np.sin(np.pi * places[:, :2] / self.thread)
        return 0.5 + 0.5 * waves[:, 0] * waves[:, 1]


@dataclass(frozen=True)
class Twill:
    """Diagonal ribs of woven cloth such as denim, over x and y, ``rib`` metres apart. Flat."""

    rib: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        phase = 2 * np.pi * (places[:, 0] + places[:, 1]) / self.rib
        return 0.5 + 0.5 * np.asarray(np.sin(phase))


@dataclass(frozen=True)
class Knit:
    """Columns of V-shaped stitches along y, ``stitch`` metres wide: 1 on the yarn. Flat."""

    stitch: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        across = np.abs((places[:, 0] / self.stitch) % 1 - 0.5)
        phase = 2 * np.pi * (places[:, 1] / self.stitch - across)
        return (0.5 + 0.5 * np.asarray(np.cos(phase))) * np.sin(2 * np.pi * across) ** 0.5


# --- layouts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bricks:
    """Rectangles in rows over x and y: bricks, tiles (stagger 0), planks (random shift). Flat.

    Parameters
    ----------
    length, height
        Metres along x and y, joints included.
    stagger
        Shift of each row against the one below, as a share of the length.
    scatter
        Random shift of each row, as a share of the length.
    seed
        Of the shifts and the identities.
    """

    length: float
    height: float
    stagger: float = 0.5
    scatter: float = 0.0
    seed: int = 0

    def cells(self, places: Floats) -> tuple[Floats, Floats]:
        """Return which piece (N,), in [0, 1), and the distance (N,) to its border in metres."""
        y = places[:, 1] / self.height
        row = np.floor(y).astype(np.int64)
        chance = hashed_units(np.stack([row, row], -1), self.seed + 1)
        x = places[:, 0] / self.length + self.stagger * (row % 2) + self.scatter * chance
        column = np.floor(x).astype(np.int64)
        identity: Floats = hashed_units(np.stack([column, row], -1), self.seed)
        to_side = (0.5 - np.abs(x % 1 - 0.5)) * self.length
        to_row = (0.5 - np.abs(y % 1 - 0.5)) * self.height
        return identity, np.minimum(to_side, to_row)


@dataclass(frozen=True)
class Hexagons:
    """Regular hexagons over x and y, ``width`` metres between flat sides. Flat."""

    width: float
    seed: int = 0

    def cells(self, places: Floats) -> tuple[Floats, Floats]:
        """Return which piece (N,), in [0, 1), and the distance (N,) to its border in metres."""
        step = np.array([1.0, np.sqrt(3.0)])
        flat = places[:, :2] / self.width
        first, second = np.round(flat / step), np.floor(flat / step) + 0.5
        near, far = flat - first * step, flat - second * step
        takes = (near**2).sum(1) <= (far**2).sum(1)
        offset = np.abs(np.where(takes[:, None], near, far))
        keys = np.where(takes[:, None], 2 * first, 2 * second).astype(np.int64)
        slanted = offset @ np.array([0.5, np.sqrt(0.75)])
        border = (0.5 - np.maximum(offset[:, 0], slanted)) * self.width
        return hashed_units(keys, self.seed), border
