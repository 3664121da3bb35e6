"""Procedural textures: linear RGB (N, 3) in [0, 1] as functions of places (N, 3) in metres.

A texture is a frozen object that is called. Build them from fields and layouts (`noise`,
`patterns`) and colours (`colours`), as in ``Ramp(Noise(seed=3, size=0.2), sample_palette(rng, 3))``
or ``Shaded(Paved(Bricks(0.25, 0.075), brick, mortar, gap=0.005), Noise(4, 1.0), 0.7, 1.0)``.
`Placed`, `Warped` and `Unrolled` move where a texture or a field is looked up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Texture
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Field, Layout

Floats = NDArray[np.float64]

APART = 37.0
"""Metres between where neighbouring pieces of a paving take their grain from."""


# --- colours of fields --------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """One linear colour (3,) everywhere."""

    colour: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        return np.tile(np.asarray(self.colour, dtype=np.float64), (len(places), 1))


@dataclass(frozen=True)
class Ramp:
    """Colours (K, 3) from the first where a field is 0 to the last where it is 1, mixed between."""

    field: Field
    colours: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        position = np.clip(self.field(places), 0, 1) * (len(self.colours) - 1)
        below = np.minimum(position.astype(np.int64), max(len(self.colours) - 2, 0))
        above = np.minimum(below + 1, len(self.colours) - 1)
        part = (position - below)[:, None]
        return np.asarray(self.colours[below] * (1 - part) + self.colours[above] * part)


@dataclass(frozen=True)
class Steps:
    """Colours (K, 3) in K equal steps of a field, not mixed: camouflage, checks, stripes."""

    field: Field
    colours: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        count = len(self.colours)
        index = (np.clip(self.field(places), 0, 1) * count).astype(np.int64)
        return np.asarray(self.colours[np.minimum(index, count - 1)])


@dataclass(frozen=True)
class Blend:
    """``under`` where a field is 0, ``over`` where it is 1, mixed between."""

    field: Field
    under: Texture
    over: Texture

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        part = np.clip(self.field(places), 0, 1)[:, None]
        found = np.zeros((len(places), 3))
        low, high = np.flatnonzero(part < 1), np.flatnonzero(part > 0)
        found[low] += self.under(places[low]) * (1 - part[low])
        found[high] += self.over(places[high]) * part[high]
        return found


@dataclass(frozen=True)
class Shaded:
    """A texture times a factor from ``low`` to ``high`` by a field: wear, dirt, cloth grain."""

    texture: Texture
    field: Field
    low: float
    high: float

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        factor = self.low + (self.high - self.low) * self.field(places)
        return np.asarray(np.clip(self.texture(places) * factor[:, None], 0, 1))


@dataclass(frozen=True)
class Paved:
    """Pieces of a layout with joints between them: brick, tiles, planks, flagstones, gravel.

    Parameters
    ----------
    layout
        Divides the plane into pieces.
    piece
        Texture of a piece; each takes it from another place, so that no two are alike.
    joint
        Texture of the joints.
    gap
        Width of a joint in metres; 0 for none.
    low, high
        Each piece is as much darker or lighter as a factor in this range.
    """

    layout: Layout
    piece: Texture
    joint: Texture
    gap: float
    low: float = 0.8
    high: float = 1.0

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        identity, border = self.layout.cells(places)
        factor = self.low + (self.high - self.low) * identity
        found = self.piece(places + APART * np.floor(identity * 64)[:, None]) * factor[:, None]
        inside = border < self.gap / 2
        found[inside] = self.joint(places[inside])
        return np.asarray(np.clip(found, 0, 1))


@dataclass(frozen=True)
class Patchwork:
    """Pieces of a layout, each in one of K colours (K, 3) at random: mosaic, books, confetti."""

    layout: Layout
    colours: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        identity, _ = self.layout.cells(places)
        return np.asarray(self.colours[(identity * len(self.colours)).astype(np.int64)])


@dataclass(frozen=True)
class Tartan:
    """Coloured threads along x and y that cross: plaid, gingham, window-pane. Flat.

    Parameters
    ----------
    widths
        Widths (K,) in metres of the bands of one repeat; the sett is mirrored after it.
    colours
        Linear colours (K, 3) of the bands.
    """

    widths: Floats
    colours: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        edges = np.cumsum(self.widths)
        folded = np.abs((places[:, :2] / (2 * edges[-1])) % 1 - 0.5) * 2 * edges[-1]
        band = np.minimum(np.searchsorted(edges, folded), len(edges) - 1)
        return np.asarray((self.colours[band[:, 0]] + self.colours[band[:, 1]]) / 2)


# --- where they are looked up -------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """A texture or field looked up at ``matrix @ (place - origin)``: turned, scaled, moved."""

    inner: Callable[[Floats], Floats]
    matrix: Floats
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __call__(self, places: Floats) -> Floats:
        """Return what the inner one says, (N, 3) or (N,), of places (N, 3)."""
        return self.inner((places - np.array(self.origin)) @ np.asarray(self.matrix).T)


@dataclass(frozen=True)
class Warped:
    """A texture or field looked up at places pushed about at random.

    ``amount`` is the largest push in metres, ``size`` how many metres apart pushes differ.
    """

    inner: Callable[[Floats], Floats]
    seed: int
    amount: float
    size: float
    octaves: int = 2

    def __call__(self, places: Floats) -> Floats:
        """Return what the inner one says, (N, 3) or (N,), of places (N, 3)."""
        pushes = [Noise(self.seed + i, self.size, self.octaves)(places) for i in range(3)]
        return self.inner(places + self.amount * (2 * np.stack(pushes, -1) - 1))


@dataclass(frozen=True)
class Unrolled:
    """A texture or field wrapped about an upright axis through ``centre``, as a label on a tin.

    It is looked up at (radius * angle, height, distance - radius) in metres: flat patterns go
    round a torso or a post with true size at ``radius``.
    """

    inner: Callable[[Floats], Floats]
    centre: tuple[float, float]
    radius: float

    def __call__(self, places: Floats) -> Floats:
        """Return what the inner one says, (N, 3) or (N,), of places (N, 3)."""
        x, y = (places[:, :2] - np.array(self.centre)).T
        around = self.radius * np.arctan2(y, x)
        return self.inner(np.stack([around, places[:, 2], np.hypot(x, y) - self.radius], -1))
