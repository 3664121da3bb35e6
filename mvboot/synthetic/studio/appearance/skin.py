"""Human skin: its tones, what is redder, darker or lighter on a body, freckles and pores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.face import (
    BeardArea,
    Brows,
    Eyes,
    Lips,
    MouthLine,
    Stubble,
    face_origin,
    ramp,
    sample_iris,
)
from mvboot.synthetic.studio.material import Bump, Material, Texture
from mvboot.synthetic.studio.textures.coloured import Blend, Plain, Shaded
from mvboot.synthetic.studio.textures.colours import linear_from_srgb, rgb
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Field, Scaled
from mvboot.template import Template

Floats = NDArray[np.float64]

TONES = (
    np.array(
        [
            [246, 214, 190],
            [236, 190, 158],
            [222, 170, 134],
            [198, 140, 100],
            [170, 112, 74],
            [136, 86, 56],
            [100, 62, 42],
            [66, 42, 32],
        ]
    )
    / 255
)
"""Display colours of skin from light to dark."""
DARKEST_IN_LIGHT = 0.82
"""The texture's factor on the tone: pictures are lit so that a white wall is white."""
LIPSTICK = 0.12
"""Share of the shaved who paint their lips."""
SOLE = 0.013
"""Height in metres below which skin is a sole."""


@dataclass(frozen=True)
class Flushed:
    """A texture tinted about K places, on both sides alike: blood, tan, hard skin.

    ``centres``, ``radii`` and ``tints`` are (K, 3): metres, metres, factors on the colour.
    """

    texture: Texture
    centres: Floats
    radii: Floats
    tints: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        found = self.texture(places)
        folded = np.abs(places) * [1, 0, 0] + places * [0, 1, 1]
        for centre, radius, tint in zip(self.centres, self.radii, self.tints, strict=True):
            part = np.exp(-(((folded - centre) / radius) ** 2).sum(1))[:, None]
            found = found * (1 - part + part * tint)
        return np.asarray(np.clip(found, 0, 1))


@dataclass(frozen=True)
class Tinted:
    """A texture times factors (3,) where a field is 1."""

    texture: Texture
    field: Field
    tint: Floats

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3)."""
        part = np.clip(self.field(places), 0, 1)[:, None]
        return np.asarray(np.clip(self.texture(places) * (1 - part + part * self.tint), 0, 1))


@dataclass(frozen=True)
class Freckles:
    """Small dark spots (N,), densest on nose and cheeks about ``centre`` (3,)."""

    seed: int
    centre: Floats
    level: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        spots = ramp(Noise(self.seed, 0.0035, 2)(places), self.level, self.level + 0.2)
        away = np.linalg.norm((places - self.centre) / [0.065, 0.06, 0.035], axis=1)
        clouds = Noise(self.seed + 1, 0.05, 2)(places)
        return np.asarray(spots * (np.exp(-(away**2)) + 0.25 * clouds))


@dataclass(frozen=True)
class Palms:
    """1 (N,) on palms and soles, mirrored across x.

    ``centre`` (3,) is of the left hand, ``normal`` (3,) points out of its palm, ``radius`` in
    metres reaches its fingers.
    """

    centre: Floats
    normal: Floats
    radius: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        away = np.abs(places) * [1, 0, 0] + places * [0, 1, 1] - self.centre
        near = np.linalg.norm(away, axis=1) < self.radius
        palm = ramp(away @ self.normal, -0.002, 0.010) * near
        return np.asarray(np.maximum(palm, ramp(places[:, 2], SOLE, 0.4 * SOLE)))


@dataclass(frozen=True)
class SkinTone:
    """Linear colour (3,) of a skin, and how dark it is from 0 to 1."""

    colour: Floats
    dark: float


def sample_tone(rng: np.random.Generator) -> SkinTone:
    """Return a skin tone: pale to very dark, rosy to olive."""
    dark = float(rng.beta(1.0, 1.35))
    at = dark * (len(TONES) - 1)
    display = np.array([np.interp(at, np.arange(len(TONES)), TONES[:, c]) for c in range(3)])
    rosy = rng.normal(0, 0.022)
    display = display * (1 + np.array([0.4, -0.6, -0.4]) * rosy) * rng.uniform(0.95, 1.03)
    return SkinTone(linear_from_srgb(np.clip(display, 0, 1)) * DARKEST_IN_LIGHT, dark)


def sample_skin(
    template: Template,
    tone: SkinTone,
    hair: Floats,
    stubble: float,
    scalp: Field | None,
    rng: np.random.Generator,
) -> Material:
    """Return the skin of a person, its face painted.

    Parameters
    ----------
    template
        The shipped body.
    tone
        Its colour.
    hair
        Linear colour (3,) of brows and stubble.
    stubble
        How dense stubble is, 0 to 1.
    scalp
        How much hair covers the skin: it shows between the hairs of a head. None: none does.
    rng
        Random numbers.
    """
    seed = int(rng.integers(1 << 30))
    origin = face_origin(template)
    mottled = Shaded(Plain(tone.colour), Noise(seed, 0.09, 4, 0.6), 0.90, 1.09)
    texture: Texture = Shaded(mottled, Noise(seed + 1, 0.012, 3), 0.96, 1.04)
    texture = _flushed(template, origin, texture, tone, rng)
    texture = Tinted(texture, _palms(template), _lighter(tone))
    if rng.random() < 0.17 * (1 - tone.dark) + 0.02:
        level = rng.uniform(0.6, 0.8)
        field = Freckles(seed + 2, origin + [0, 0, -0.03], level)
        texture = Tinted(texture, field, np.array([0.72, 0.60, 0.52]))
    if stubble > 0:
        texture = Blend(Stubble(BeardArea(origin), seed + 3, stubble), texture, Plain(hair))
    texture = _featured(texture, origin, tone, hair, LIPSTICK * (stubble == 0), rng)
    if scalp is not None:
        texture = Blend(scalp, texture, Plain(0.8 * hair))
    pores: Bump = Scaled(Noise(seed + 9, 0.004, 2), -0.00013, 0.00013)
    gloss = rng.uniform(0.05, 0.15) * (1 - 0.3 * tone.dark)
    return Material(texture, pores, gloss, rng.uniform(14, 30))


def _lighter(tone: SkinTone) -> Floats:
    """Return the factors (3,) from skin to its palms and soles, which have no pigment."""
    palm = rgb(222, 168, 140) * DARKEST_IN_LIGHT
    share = 0.15 + 0.35 * tone.dark
    return np.asarray((tone.colour * (1 - share) + palm * share) / tone.colour)


def _flushed(
    template: Template, origin: Floats, texture: Texture, tone: SkinTone, rng: np.random.Generator
) -> Flushed:
    points = dict(zip(template.keypoints, template.landmarks(template.vertices), strict=True))
    red = np.array([1.02, 0.80, 0.80]) ** (1 - 0.5 * tone.dark)
    dull = np.array([0.88, 0.82, 0.80])
    face = [
        # from the middle between the eyes: where, how far it reaches, how strong
        ((0.040, 0.015, -0.040), 0.022, rng.uniform(0.4, 1.6)),  # cheeks
        ((0.000, -0.020, -0.042), 0.014, rng.uniform(0.3, 1.5)),  # nose
        ((0.014, -0.005, -0.048), 0.008, rng.uniform(0.3, 1.2)),  # its wings
        ((0.000, 0.000, -0.100), 0.012, rng.uniform(0.0, 0.8)),  # chin
    ]
    places = [(origin + np.array(at), size, red**strength) for at, size, strength in face]
    places += [
        (points["ear_left"] + [0.004, 0.01, 0.0], 0.026, red**1.2),
        (points["elbow_left"] + [0.012, 0.045, 0.0], 0.032, dull * red**0.5),
        (points["knee_left"] + [0.0, -0.055, 0.0], 0.042, dull * red**0.5),
        (points["hand_left"], 0.035, red**0.9),
        (points["big_toe_left"], 0.045, red**0.8),
        (points["heel_left"], 0.03, red**0.8),
    ]
    centres, radii, tints = zip(*places, strict=True)
    return Flushed(
        texture, np.array(centres), np.tile(np.array(radii)[:, None], 3), np.array(tints)
    )


def _palms(template: Template) -> Palms:
    assert template.skeleton is not None and template.charts is not None
    part = template.charts.names.index("hand_left") + 1
    hand = template.vertices[np.unique(template.faces[template.charts.parts == part])]
    centre = hand.mean(0)
    normal = np.linalg.svd(hand - centre, full_matrices=False)[2][2]
    skeleton = template.skeleton
    knuckle, tip = (skeleton.index(f"middle{n}_left") for n in (1, 3))
    curl = skeleton.tails[tip] - skeleton.heads[knuckle]
    palm_side = curl - (skeleton.heads[knuckle] - skeleton.heads[skeleton.index("hand_left")])
    reach = float(np.linalg.norm(hand - centre, axis=1).max())
    return Palms(centre, normal * np.sign(normal @ palm_side), 1.02 * reach)


def _featured(
    texture: Texture,
    origin: Floats,
    tone: SkinTone,
    hair: Floats,
    lipstick: float,
    rng: np.random.Generator,
) -> Texture:
    """Return the texture with lips, brows and eyes on it; painted lips by a chance."""
    width = rng.uniform(0.021, 0.0255)
    lips = Lips(origin, width, rng.uniform(0.006, 0.010), rng.uniform(0.008, 0.012))
    tint = np.array([0.92, 0.66, 0.68]) * rng.uniform(0.85, 1.05)
    if rng.random() < lipstick:
        tint = np.array([0.85, 0.32, 0.36])
    texture = Tinted(texture, lips, tint)
    texture = Tinted(texture, MouthLine(origin, width), np.array([0.35, 0.25, 0.25]))
    brows = Brows(
        origin,
        int(rng.integers(1 << 30)),
        rng.uniform(0.005, 0.010),
        rng.uniform(0.001, 0.005),
        rng.normal(0, 1e-3),
    )
    brow = 0.75 * np.minimum(hair, 0.75 * tone.colour)
    texture = Blend(Scaled(brows, 0.0, rng.uniform(0.7, 1.0)), texture, Plain(brow))
    return Eyes(texture, origin, sample_iris(tone.dark, rng), rng.uniform(0.0034, 0.0050))
