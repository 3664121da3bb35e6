"""Cloth: what garments are made of, with patterns laid out as a tailor cuts them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Bump, Material, Texture
from mvboot.synthetic.studio.textures.coloured import (
    Blend,
    Placed,
    Plain,
    Ramp,
    Shaded,
    Steps,
    Tartan,
    Warped,
)
from mvboot.synthetic.studio.textures.colours import (
    linear_from_srgb,
    rgb,
    sample_colour,
    sample_palette,
    shades,
)
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import (
    Dots,
    Field,
    Knit,
    Ridges,
    Scaled,
    Stripes,
    Twill,
    Weave,
)
from mvboot.synthetic.studio.textures.posters import sample_poster

Floats = NDArray[np.float64]
Rng = np.random.Generator
Weights = Mapping[str, float]
"""How often a pattern is chosen, by the name of the method of `Draper` that makes it."""

TRUNK_RADIUS, LIMB_RADIUS, LEG_RADIUS = 0.15, 0.05, 0.075
ARMPIT, CROTCH = 0.13, 0.09
"""How far in metres they are below shoulder and hip."""
BESIDE = np.array([0.9, 0.43])
"""Across the line from the armpit down between arm and trunk: x, z."""
CAMOUFLAGE = ((74, 83, 58), (112, 105, 74), (52, 46, 38), (150, 141, 108))
CHEST = np.array([0.24, 0.26])
"""Width and height in metres of a print, and where on the shipped body it begins."""
CHEST_FROM = (-0.12, 1.06)


@dataclass(frozen=True)
class Frame:
    """Joints (3,) of the left side of the mean rest pose, that patterns are laid along."""

    shoulder: Floats
    wrist: Floats
    hip: Floats
    ankle: Floats

    def on_arm(self, places: Floats) -> NDArray[np.bool_]:
        """Return which places (N, 3) are on an arm, of either side."""
        side, z = np.abs(places[:, 0]), places[:, 2]
        way = (self.wrist - self.shoulder)[[0, 2]]
        along = (side - self.shoulder[0]) * way[0] + (z - self.shoulder[2]) * way[1]
        armpit = self.shoulder[[0, 2]] - [0, ARMPIT]
        beside = np.stack([side, z], -1) @ BESIDE > armpit @ BESIDE
        return np.asarray((along > 0) & beside)


@dataclass(frozen=True)
class Panels:
    """A flat pattern or field laid along the limbs and around them, on the mean rest pose.

    The flat pattern sees (metres around, metres along, 0); it breaks where sleeves and legs are
    sewn on.
    """

    inner: Callable[[Floats], Floats]
    frame: Frame

    def __call__(self, places: Floats) -> Floats:
        """Return what the inner one says, (N, 3) or (N,), of places (N, 3)."""
        mirrored = places.copy()
        mirrored[:, 0] = np.abs(places[:, 0])
        x, y, z = places.T
        flat = np.stack([TRUNK_RADIUS * np.arctan2(x, -y), z, np.zeros(len(x))], -1)
        arm = self.frame.on_arm(places)
        frame = self.frame
        flat[arm] = _around(mirrored[arm], frame.shoulder, frame.wrist, LIMB_RADIUS)
        leg = (z < frame.hip[2] - CROTCH) & ~arm
        flat[leg] = _around(mirrored[leg], frame.hip, frame.ankle, LEG_RADIUS)
        return self.inner(flat)


@dataclass(frozen=True)
class OnArms:
    """1 on the arms of the mean rest pose, 0 elsewhere: sleeves of another colour."""

    frame: Frame

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return self.frame.on_arm(places).astype(np.float64)


@dataclass(frozen=True)
class OnChest:
    """1 inside a rectangle on the front of the trunk, as printed on shirts."""

    low: Floats
    high: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        flat = places[:, [0, 2]]
        inside = (flat > self.low).all(1) & (flat < self.high).all(1) & (places[:, 1] < 0)
        return np.asarray(inside, dtype=np.float64)


@dataclass(frozen=True)
class Relief:
    """Several reliefs on top of each other, heights in metres."""

    parts: tuple[Bump, ...]

    def __call__(self, places: Floats) -> Floats:
        """Return the height (N,) at places (N, 3)."""
        return np.asarray(sum(part(places) for part in self.parts))


@dataclass(frozen=True)
class Draper:
    """Makes materials whose patterns lie along the limbs of the shipped body."""

    frame: Frame
    rng: Rng

    def laid(self, inner: Callable[[Floats], Floats]) -> Panels:
        """Lay a flat pattern or field along the limbs."""
        return Panels(inner, self.frame)

    def material(self, texture: Texture, weave: Field | None, depth: float, **how: Any) -> Material:
        """Return cloth of a colour with wrinkles and a weave ``depth`` metres deep."""
        grain = Noise(self.seed(), 0.25, 4)
        parts: list[Bump] = [*self.wrinkles()]
        if weave is not None:
            parts.append(self.laid(Scaled(weave, 0.0, depth)))
        return Material(Shaded(texture, grain, 0.86, 1.06), Relief(tuple(parts)), **how)

    def wrinkles(self) -> Sequence[Bump]:
        """Return creases, some long and some short."""
        strength = self.rng.uniform(0.4, 1.0)
        long = Noise(self.seed(), 0.16, 2, stretch=(1.6, 1.6, 0.6))
        short = Noise(self.seed(), 0.07, 2, stretch=(0.8, 0.8, 1.3))
        return (
            Scaled(Ridges(long, 0.16), 0.0, 0.006 * strength),
            Scaled(Ridges(short, 0.2), 0.0, 0.0022 * strength),
        )

    def seed(self) -> int:
        """Return a seed for a field."""
        return int(self.rng.integers(1 << 30))

    # --- colours ---

    def plain(self) -> Texture:
        """One colour."""
        return Plain(sample_colour(self.rng))

    def muted(self) -> Texture:
        """One colour, paler than others: trousers, coats, shoes."""
        colour = sample_colour(self.rng)
        share = self.rng.uniform(0.15, 0.6)
        return Plain(share * colour + (1 - share) * colour.mean())

    def stripes(self) -> Texture:
        """Stripes around, sometimes along."""
        way = (0.0, 1.0, 0.0) if self.rng.random() < 0.75 else (1.0, 0.0, 0.0)
        field = Stripes(self.rng.uniform(0.015, 0.11), self.rng.uniform(0.2, 0.6), way)
        return self.laid(Steps(field, sample_palette(self.rng, 2)))

    def plaid(self) -> Texture:
        """Bands that cross."""
        count = int(self.rng.integers(2, 6))
        widths = self.rng.uniform(0.003, 0.035, count)
        return self.laid(Tartan(widths, sample_palette(self.rng, count)))

    def dots(self) -> Texture:
        """Dots on a grid."""
        spacing = self.rng.uniform(0.015, 0.06)
        field = Dots(spacing, spacing * self.rng.uniform(0.15, 0.33))
        return self.laid(Steps(field, sample_palette(self.rng, 2)))

    def camouflage(self) -> Texture:
        """Patches of dull colours."""
        colours = linear_from_srgb(np.array(CAMOUFLAGE) / 255)
        tint = self.rng.uniform(0.6, 1.3, 3)
        order = self.rng.permutation(len(colours))
        noise = Noise(self.seed(), self.rng.uniform(0.12, 0.3), 4)
        return Steps(noise, np.clip(colours[order] * tint, 0, 1))

    def floral(self) -> Texture:
        """Large irregular blots, as on summer shirts and dresses."""
        under, over, third = sample_palette(self.rng, 3)
        spacing = self.rng.uniform(0.04, 0.1)
        blots = Dots(spacing, 0.32 * spacing, 0.2, self.seed())
        petals = Warped(self.laid(blots), self.seed(), 0.25 * spacing, 0.3 * spacing)
        leaves = Ridges(Noise(self.seed(), spacing, 2), 0.06)
        return Blend(petals, Ramp(leaves, np.array([under, third])), Plain(over))

    def printed(self) -> Texture:
        """One colour with a picture on the chest."""
        low = np.array(CHEST_FROM) + self.rng.uniform(-0.02, 0.03, 2)
        size = CHEST * self.rng.uniform(0.5, 1.0, 2)
        low[0] = -size[0] / 2
        picture = sample_poster(size[0], size[1], self.rng)
        upright = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        placed = Placed(picture, upright, (float(low[0]), 0.0, float(low[1])))
        return Blend(OnChest(low, low + size), self.plain(), placed)

    def two_coloured(self) -> Texture:
        """Sleeves of another colour."""
        return Blend(OnArms(self.frame), self.plain(), self.plain())

    def colours(self, weights: Weights) -> Texture:
        """Return one of the patterns by their weights."""
        share = np.array(list(weights.values()))
        name = self.rng.choice(list(weights), p=share / share.sum())
        found: Texture = getattr(self, name)()
        return found

    # --- kinds of cloth ---

    def jersey(self, weights: Weights) -> Material:
        """Thin knitwear: T-shirts, leggings."""
        return self.material(self.colours(weights), None, 0.0, gloss=0.02, sharpness=5.0)

    def woven(self, weights: Weights) -> Material:
        """Shirts, dresses."""
        thread = self.rng.uniform(0.0015, 0.003)
        weave = Weave(thread)
        return self.material(self.colours(weights), weave, 0.0001, gloss=0.03, sharpness=8.0)

    def knitted(self, weights: Weights) -> Material:
        """Sweaters, scarves."""
        stitch = self.rng.uniform(0.006, 0.014)
        texture = Shaded(self.colours(weights), self.laid(Knit(stitch)), 0.7, 1.0)
        return self.material(texture, Knit(stitch), 0.08 * stitch, gloss=0.01, sharpness=4.0)

    def denim(self) -> Material:
        """Jeans, worn pale in places."""
        base = rgb(*(self.rng.uniform(0.4, 1.3) * np.array([62, 82, 118])).clip(0, 220))
        if self.rng.random() < 0.25:
            base = np.full(3, self.rng.uniform(0.01, 0.06))
        worn = Ramp(Noise(self.seed(), 0.35, 4), shades(base, 3, self.rng.uniform(0.15, 0.6)))
        texture = Shaded(worn, self.laid(Twill(0.003)), 0.85, 1.0)
        return self.material(texture, Twill(0.003), 0.0001, gloss=0.02, sharpness=6.0)

    def twill(self, weights: Weights) -> Material:
        """Chinos, jackets."""
        return self.material(
            self.colours(weights), Twill(0.002), 0.00008, gloss=0.03, sharpness=7.0
        )

    def leather(self) -> Material:
        """Belts, shoes, some jackets."""
        dark = shades(rgb(70, 45, 30) if self.rng.random() < 0.5 else rgb(28, 27, 27), 3, 0.4)
        texture = Ramp(Noise(self.seed(), 0.05, 4), dark)
        relief = Relief((Scaled(Noise(self.seed(), 0.012, 2), 0.0, 0.0006),))
        return Material(texture, relief, gloss=self.rng.uniform(0.05, 0.2), sharpness=25.0)


def _around(places: Floats, start: Floats, stop: Floats, radius: float) -> Floats:
    """Return (metres around, metres along, 0) of places about a line."""
    way = (stop - start) / np.linalg.norm(stop - start)
    first = np.cross(way, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(way, first)
    away = places - start
    angle = np.arctan2(away @ second, away @ first)
    return np.stack([radius * angle, -(away @ way), np.zeros(len(places))], -1)
