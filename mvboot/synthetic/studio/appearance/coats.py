"""Colours of fur: plain, spotted, patched, striped, saddled, brindled; and of painted things."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.face import ramp
from mvboot.synthetic.studio.material import Bump, Material, Texture
from mvboot.synthetic.studio.textures.coloured import Blend, Plain, Ramp, Shaded, Warped
from mvboot.synthetic.studio.textures.colours import rgb, sample_palette, shades
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Along, Field, Folded, Scaled, Threshold
from mvboot.template import Template

Floats = NDArray[np.float64]

FURS = (
    # share, colour
    (0.17, rgb(30, 27, 26)),  # black
    (0.12, rgb(66, 44, 32)),  # chocolate
    (0.13, rgb(140, 78, 42)),  # red
    (0.16, rgb(176, 128, 80)),  # tan
    (0.12, rgb(206, 164, 110)),  # golden
    (0.10, rgb(226, 208, 178)),  # cream
    (0.10, rgb(232, 228, 222)),  # white
    (0.10, rgb(110, 106, 104)),  # grey
)
WHITE, DARK = rgb(230, 226, 218), rgb(26, 22, 21)
IRISES = (rgb(58, 34, 16), rgb(96, 58, 22), rgb(40, 26, 18), rgb(120, 84, 36), rgb(126, 150, 168))
PATTERNS = {
    "plain": 0.17,
    "patches": 0.19,
    "spots": 0.10,
    "saddle": 0.17,
    "brindle": 0.10,
    "stripes": 0.07,
    "merle": 0.08,
    "points": 0.12,
}
MARKINGS = {
    "belly": 0.45,
    "muzzle": 0.35,
    "socks": 0.3,
    "chest": 0.3,
    "blaze": 0.2,
    "tip": 0.2,
}
EYE_RADIUS = 0.013
"""In metres."""


@dataclass(frozen=True)
class Both:
    """The product of two fields: 1 where both are."""

    first: Field
    second: Field

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        return np.asarray(self.first(places) * self.second(places))


@dataclass(frozen=True)
class Spot:
    """1 in the middle of an ellipsoid, 0 outside it, the same on both sides of x = 0.

    ``centre`` (3,) and half axes ``radii`` (3,) in metres; ``hard`` from 0 to 1 is the share
    of the radius that is wholly 1.
    """

    centre: Floats
    radii: Floats
    hard: float = 0.5

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = np.abs(places) * [1, 0, 0] + places * [0, 1, 1] - self.centre
        return ramp(np.linalg.norm(away / self.radii, axis=1), 1.0, self.hard)


@dataclass(frozen=True)
class AnimalEyes:
    """Dark eyes with a coloured ring and a glint, over another texture.

    ``centre`` (3,) is of the left eye; ``iris`` (3,) a linear colour.
    """

    under: Texture
    centre: Floats
    iris: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        found = self.under(places)
        away = np.abs(places) * [1, 0, 0] + places * [0, 1, 1] - self.centre
        rows = np.flatnonzero(np.linalg.norm(away, axis=1) < 2 * EYE_RADIUS)
        away = away[rows]
        radius = np.linalg.norm(away * [1, 0.85, 1.15], axis=1) / EYE_RADIUS
        lid = ramp(radius, 1.35, 1.0)[:, None]
        iris = ramp(radius, 0.85, 0.7)[:, None] * ramp(radius, 0.4, 0.55)[:, None]
        colours = found[rows] * (1 - lid) + 0.3 * DARK * lid
        colours = colours * (1 - iris) + self.iris * iris
        glint = ramp(np.linalg.norm(away - [0, -0.003, 0.004], axis=1), 0.0035, 0.002)[:, None]
        found[rows] = colours * (1 - glint) + 0.7 * glint
        return found


def sample_fur_colours(rng: np.random.Generator) -> Floats:
    """Return two linear colours (2, 3) that meet on an animal: its coat and its markings."""
    share = np.array([weight for weight, _ in FURS])
    first, second = rng.choice(len(FURS), 2, replace=False, p=share / share.sum())
    varied = rng.uniform(0.8, 1.2, (2, 1)) * rng.uniform(0.96, 1.04, (2, 3))
    second_colour = WHITE if rng.random() < 0.35 else FURS[second][1]
    return np.asarray(np.clip(np.stack([FURS[first][1], second_colour]) * varied, 0, 0.9))


def sample_animal_coat(template: Template, rng: np.random.Generator) -> Material:
    """Return the fur of the shipped quadruped, its face painted."""
    points = dict(zip(template.keypoints, template.landmarks(template.vertices), strict=True))
    colours = sample_fur_colours(rng)
    texture = _pattern(points, colours, rng)
    for name, chance in MARKINGS.items():
        if rng.random() < chance:
            texture = _marked(name, texture, points, colours, rng)
    seed = int(rng.integers(1 << 30))
    strands = Noise(seed, 0.016, 4, 0.8, stretch=(0.7, 2.6, 1.2))
    texture = Shaded(Shaded(texture, strands, 0.62, 1.2), Noise(seed + 1, 0.14, 3), 0.8, 1.08)
    nose = Spot(points["nose"] + [0, 0.006, 0.012], np.array([0.028, 0.03, 0.026]), 0.7)
    texture = Blend(nose, texture, Plain(DARK * rng.uniform(0.4, 1.2)))
    mouth = Spot(points["nose"] + [0, 0.06, -0.010], np.array([0.06, 0.075, 0.0045]), 0.3)
    texture = Blend(Scaled(mouth, 0.0, 0.75), texture, Plain(0.6 * DARK))
    iris = IRISES[rng.choice(len(IRISES), p=[0.4, 0.25, 0.2, 0.1, 0.05])]
    bump: Bump = Scaled(Noise(seed + 2, 0.012, 3, 0.7, stretch=(0.7, 2.6, 1.2)), -0.001, 0.001)
    return Material(AnimalEyes(texture, points["eye_left"], iris), bump, 0.03, 10.0)


def _pattern(points: dict[str, Floats], colours: Floats, rng: np.random.Generator) -> Texture:
    """Return the coat without its markings."""
    kind = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
    seed = int(rng.integers(1 << 30))
    base: Texture = Ramp(Noise(seed, 0.3, 3), shades(colours[0], 3, 0.2))
    other: Texture = Ramp(Noise(seed + 1, 0.2, 3), shades(colours[1], 3, 0.15))
    if kind == "patches":
        field: Field = Noise(seed + 2, rng.uniform(0.15, 0.35), 3, 0.4)
        return Blend(Threshold(field, rng.uniform(0.35, 0.65), 0.04), base, other)
    if kind == "spots":
        field = Noise(seed + 2, rng.uniform(0.035, 0.06), 1)
        pale = Plain(WHITE) if rng.random() < 0.6 else other
        return Blend(Threshold(field, rng.uniform(0.66, 0.76), 0.05), pale, base)
    if kind == "saddle":
        back = points["withers"][2]
        high = Warped(Along((0, 0, 1), back - 0.13, back - 0.06), seed + 2, 0.06, 0.12)
        trunk = Along((0, 1, 0), points["withers"][1] - 0.12, points["withers"][1] - 0.02)
        dark = Plain(DARK) if rng.random() < 0.6 else other
        return Blend(Both(high, trunk), base, dark)
    if kind in ("brindle", "stripes"):
        fine = 34.0 if kind == "brindle" else 15.0
        bands = Folded(Along((0, 1, 0.25), -1.0, 1.0), fine)
        bent = Warped(bands, seed + 2, 0.03 if kind == "brindle" else 0.05, 0.12)
        broken = Threshold(Noise(seed + 5, 0.08, 2), 0.35, 0.3)
        lines = Both(Threshold(bent, rng.uniform(0.55, 0.75), 0.3), broken)
        return Blend(lines, base, Plain(0.35 * colours[0] + 0.2 * DARK))
    if kind == "merle":
        blotches = Threshold(Noise(seed + 2, 0.09, 4, 0.6), 0.6, 0.05)
        pale = Ramp(Noise(seed + 3, 0.2, 3), shades(0.5 * colours[0] + 0.25 * WHITE, 3, 0.3))
        return Blend(blotches, pale, Plain(DARK))
    if kind == "points":
        legs = Along((0, 0, -1), -0.26, -0.12)
        texture = Blend(legs, base, Plain(0.3 * colours[0]))
        face = Spot(points["nose"] + [0, 0.05, 0.02], np.array([0.1, 0.13, 0.1]), 0.3)
        texture = Blend(face, texture, Plain(0.3 * colours[0]))
        tail = Along((0, 1, 0), points["tail_base"][1] + 0.05, points["tail_tip"][1])
        return Blend(tail, texture, Plain(0.3 * colours[0]))
    return base


def _marked(
    name: str,
    texture: Texture,
    points: dict[str, Floats],
    colours: Floats,
    rng: np.random.Generator,
) -> Texture:
    """Return the coat with a pale belly, a dark muzzle, socks, ..."""
    seed = int(rng.integers(1 << 30))
    pale = Plain(0.35 * colours[0] + 0.6 * WHITE if rng.random() < 0.5 else WHITE)
    if name == "belly":
        under = Spot(np.array([0, -0.03, 0.34]), np.array([0.085, 0.34, 0.10]), 0.6)
        return Blend(Warped(under, seed, 0.03, 0.1), texture, pale)
    if name == "muzzle":
        face = Spot(points["nose"] + [0, 0.03, 0.0], np.array([0.08, 0.10, 0.07]), 0.4)
        return Blend(face, texture, Plain(DARK))
    if name == "socks":
        top = rng.uniform(0.05, 0.16)
        low = Along((0, 0, -1), -top - 0.02, -top)
        return Blend(Warped(low, seed, 0.03, 0.06), texture, Plain(WHITE))
    if name == "chest":
        spot = Spot(np.array([0, -0.33, 0.42]), np.array([0.09, 0.15, 0.16]), 0.7)
        return Blend(Warped(spot, seed, 0.03, 0.06), texture, Plain(WHITE))
    if name == "blaze":
        brow = (points["eye_left"] + points["nose"]) / 2 * [0, 1, 1] + [0, 0, 0.03]
        spot = Spot(brow, np.array([rng.uniform(0.012, 0.026), 0.13, 0.08]), 0.75)
        return Blend(Warped(spot, seed, 0.01, 0.04), texture, Plain(WHITE))
    end = points["tail_tip"][1]
    tip = Along((0, 1, 0), end - 0.10, end - 0.07)
    return Blend(tip, texture, Plain(WHITE))


def sample_coat(template: Template, rng: np.random.Generator) -> Material:
    """Return paint for any template, its patterns as large as the thing."""
    size = float(np.ptp(template.vertices, axis=0).max())
    palette = sample_palette(rng, 4)
    seed = int(rng.integers(1 << 30))
    field: Field = Noise(seed, size * rng.uniform(0.12, 0.4), 4)
    kind = str(rng.choice(["clouds", "patches", "stripes", "spots"]))
    texture: Texture = Ramp(field, palette)
    if kind == "patches":
        texture = Blend(Threshold(field, rng.uniform(0.35, 0.65), 0.03), *map(Plain, palette[:2]))
    if kind == "stripes":
        way = rng.standard_normal(3)
        run = Along((way[0], way[1], way[2]), -size, size)
        bands = Warped(Folded(run, rng.uniform(8, 24)), seed + 1, 0.06 * size, 0.2 * size)
        texture = Blend(Threshold(bands, 0.5, 0.1), *map(Plain, palette[:2]))
    if kind == "spots":
        dots = Noise(seed + 2, size * rng.uniform(0.06, 0.12), 1)
        texture = Blend(Threshold(dots, 0.68, 0.05), *map(Plain, palette[:2]))
    worn = Shaded(texture, Noise(seed + 3, 0.05 * size, 4), 0.75, 1.05)
    return Material(worn, None, float(rng.choice([0.0, 0.05, 0.2])), rng.uniform(8, 60))
