"""A painted face: eyes, brows, lips, stubble, and where a beard grows.

All of it is looked up on the mean rest pose of the shipped body, in metres from the middle between
its eye keypoints, and is the same on both sides; measures are those of that head.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Texture
from mvboot.synthetic.studio.textures.colours import rgb
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Field
from mvboot.template import Template

Floats = NDArray[np.float64]

EYE = (0.0285, -0.0055)
"""Middle of an eye: out from the middle of the face, and up."""
MOUTH = -0.0722
"""Height of the line between the lips."""
BEARD_LINE = np.array(
    [[0.0, 0.012, 0.028, 0.036, 0.055, 0.066, 0.074], [-55, -53, -57, -62, -38, -12, 24]]
)
"""Out from the middle in metres, and there the upper end of a beard in mm."""
THROAT, JAW_BACK = -0.125, 0.105
"""Lower end of a beard, and how far behind the eyes it reaches."""
SOCKET = 0.045
"""How far behind the eye keypoints painted things reach; the back of the head is beyond."""

IRISES = (
    (0.55, rgb(62, 38, 22)),
    (0.15, rgb(98, 72, 40)),
    (0.15, rgb(84, 110, 132)),
    (0.08, rgb(92, 110, 78)),
    (0.07, rgb(110, 118, 122)),
)
"""Share of people and colour of their irises."""
WHITE, BLACK = rgb(186, 174, 166), rgb(14, 11, 10)


def face_origin(template: Template) -> Floats:
    """Return the middle (3,) between the eye keypoints on the mean rest pose."""
    points = dict(zip(template.keypoints, template.landmarks(template.vertices), strict=True))
    return np.asarray((points["eye_left"] + points["eye_right"]) / 2)


def ramp(values: Floats, start: float, stop: float) -> Floats:
    """Return 0 (N,) where values (N,) are at ``start``, 1 at ``stop``, smooth between."""
    t = np.clip((values - start) / (stop - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


@dataclass(frozen=True)
class Eyes:
    """White, iris, pupil and lashes of half open eyes, over another texture.

    ``opening`` is half the height of the gap between the lids in metres, ``iris`` (3,) a colour.
    """

    under: Texture
    origin: Floats
    iris: Floats
    opening: float
    half_width: float = 0.0150
    iris_radius: float = 0.0058

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        found = self.under(places)
        away = places - self.origin
        u, v = (
            np.abs(away[:, 0]) - EYE[0],
            away[:, 2] - EYE[1] - 0.08 * (np.abs(away[:, 0]) - EYE[0]),
        )
        near = (np.abs(u) < 0.022) & (np.abs(v) < 0.018) & (away[:, 1] < SOCKET)
        rows = np.flatnonzero(near)
        found[rows] = self._painted(found[rows], u[rows], v[rows])
        return found

    def _painted(self, skin: Floats, u: Floats, v: Floats) -> Floats:
        arch = np.maximum(1 - (u / self.half_width) ** 2, -0.2)
        top, bottom = self.opening * arch - v, v + 0.8 * self.opening * arch
        inside = ramp(np.minimum(top, bottom), -0.0003, 0.0005)[:, None]
        radius = np.hypot(u, v)
        iris = ramp(radius, self.iris_radius, 0.88 * self.iris_radius)[:, None]
        rim = ramp(radius, 0.55 * self.iris_radius, self.iris_radius)[:, None]
        pupil = ramp(radius, 0.0024, 0.0019)[:, None]
        glint = ramp(np.hypot(u - 0.0018, v - 0.002), 0.0013, 0.0008)[:, None]
        pink = ramp(np.abs(u), 0.4 * self.half_width, self.half_width)[:, None]
        ball = WHITE * (1 - 0.35 * pink * [0.2, 1.0, 1.0])
        ball = ball * (1 - iris) + self.iris * (1 - 0.55 * rim) * iris
        ball = ball * (1 - pupil) + BLACK * pupil
        ball = ball + (0.75 - ball) * glint * inside
        ball = ball * (0.35 + 0.65 * ramp(top, 0.0, 0.005))[:, None]
        crease = np.exp(-(((top + 0.0035) / 0.0011) ** 2)) * (arch > 0)
        bag = np.exp(-(((bottom + 0.0045) / 0.0025) ** 2)) * (arch > 0)
        skin = skin * (1 - 0.30 * crease - 0.13 * bag)[:, None]
        lashes = np.exp(-(((top + 0.0002) / 0.0010) ** 2)) * (arch > -0.05)
        lower = 0.35 * np.exp(-(((bottom + 0.0002) / 0.0008) ** 2)) * (arch > 0)
        mixed = skin * (1 - inside) + ball * inside
        return np.asarray(mixed * (1 - 0.85 * np.maximum(lashes, lower))[:, None])


@dataclass(frozen=True)
class Brows:
    """How dense (N,) the eyebrows are; ``thickness`` in metres, ``arch`` how much they curve."""

    origin: Floats
    seed: int
    thickness: float
    arch: float
    lift: float = 0.0

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = places - self.origin
        along = (np.abs(away[:, 0]) - 0.010) / 0.041
        middle = 0.0165 + self.lift + self.arch * np.sin(np.pi * np.clip(along, 0, 1) ** 1.4)
        half = self.thickness * np.interp(along, [0, 0.15, 0.6, 1.0], [0.7, 1.0, 0.85, 0.25]) / 2
        across = np.abs(away[:, 2] - middle)
        dense = np.clip((half - across) / (0.5 * half) + 0.6, 0, 1)
        ends = ramp(along, -0.06, 0.08) * ramp(along, 1.08, 0.85) * (away[:, 1] < SOCKET)
        hairs = Noise(self.seed, 0.003, 2, stretch=(2.0, 2.0, 0.7))(places)
        return np.asarray(dense * ends * (0.55 + 0.45 * hairs))


@dataclass(frozen=True)
class Lips:
    """1 (N,) on the lips, falling off at their border; sizes in metres."""

    origin: Floats
    half_width: float
    upper: float
    lower: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = places - self.origin
        along = away[:, 0] / self.half_width
        bulge = np.maximum(1 - along**2, 0)
        bow = 1 - 0.25 * np.exp(-((along / 0.16) ** 2))
        above = self.upper * bulge**0.8 * bow - (away[:, 2] - MOUTH)
        below = self.lower * bulge**0.6 + (away[:, 2] - MOUTH)
        inside = ramp(np.minimum(above, below), -0.0012, 0.0015)
        return np.asarray(inside * (np.abs(along) < 1) * (away[:, 1] < SOCKET))


@dataclass(frozen=True)
class MouthLine:
    """1 (N,) on the line between the lips and in the nostrils."""

    origin: Floats
    half_width: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = places - self.origin
        side = np.abs(away[:, 0])
        curve = MOUTH + 0.0008 * np.cos(2 * np.pi * side / self.half_width)
        line = np.exp(-(((away[:, 2] - curve) / 0.0011) ** 2))
        line = line * ramp(side, 1.06 * self.half_width, 0.9 * self.half_width)
        nostril = np.exp(
            -(((side - 0.0075) / 0.0035) ** 2) - (((away[:, 2] + 0.0520) / 0.0018) ** 2)
        )
        return np.asarray(np.maximum(line, nostril) * (away[:, 1] < SOCKET))


@dataclass(frozen=True)
class BeardArea:
    """How far in metres (N,) places lie inside the part of the face that a beard covers.

    ``kind`` is "full", "goatee" or "moustache".
    """

    origin: Floats
    kind: str = "full"

    def __call__(self, places: Floats) -> Floats:
        """Return the depth (N,), negative outside, at places (N, 3)."""
        away = places - self.origin
        side, up = np.abs(away[:, 0]), away[:, 2]
        inside = np.interp(side, BEARD_LINE[0], BEARD_LINE[1] / 1000) - up
        inside = np.minimum(inside, up - THROAT)
        inside = np.minimum(inside, JAW_BACK - away[:, 1])
        lips = np.hypot(side / 0.026, (up - MOUTH + 0.0015) / 0.0105) - 1
        inside = np.minimum(inside, 0.0105 * lips)
        if self.kind == "goatee":
            inside = np.minimum(inside, 0.033 - side)
        if self.kind == "moustache":
            inside = np.minimum(inside, np.minimum(0.030 - side, up - MOUTH + 0.002))
        return np.asarray(inside)


@dataclass(frozen=True)
class Stubble:
    """How dense (N,) short hairs are in an area given by its depth in metres."""

    area: Field
    seed: int
    strength: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        dense = ramp(self.area(places), -0.004, 0.010)
        return np.asarray(self.strength * dense * (0.5 + 0.5 * Noise(self.seed, 0.004, 2)(places)))


def sample_iris(dark: float, rng: np.random.Generator) -> Floats:
    """Return the colour (3,) of an iris; the darker the skin (0 to 1) the more often brown."""
    weights = np.array([share for share, _ in IRISES])
    weights[1:] *= 1.6 * (1 - dark) ** 2
    chosen = IRISES[rng.choice(len(IRISES), p=weights / weights.sum())][1]
    return np.asarray(chosen * rng.uniform(0.8, 1.25))
