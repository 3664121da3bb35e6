"""Hair of people: styles from bald to long, tied or loose, beards, and their colours."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.colours import rgb_from_hsv
from mvboot.synthetic.studio.appearance.face import BeardArea, face_origin, ramp
from mvboot.synthetic.studio.appearance.garment import Cloth
from mvboot.synthetic.studio.appearance.locks import beard, bun, locks, tail
from mvboot.synthetic.studio.appearance.lofts import joined
from mvboot.synthetic.studio.appearance.look import Piece
from mvboot.synthetic.studio.appearance.scalp import (
    Combed,
    Hairline,
    Head,
    ScalpPaint,
    Sheet,
    comb,
    together,
    whole,
)
from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.textures.coloured import Ramp, Shaded
from mvboot.synthetic.studio.textures.colours import linear_from_srgb, rgb, shades
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Field, Scaled
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLOURS = (
    # share among light and dark skins, colour
    (0.16, 0.80, rgb(24, 20, 19)),  # black
    (0.22, 0.14, rgb(46, 33, 26)),  # dark brown
    (0.20, 0.03, rgb(80, 55, 38)),  # brown
    (0.12, 0.00, rgb(116, 84, 56)),  # light brown
    (0.11, 0.01, rgb(168, 132, 86)),  # dark blond
    (0.07, 0.00, rgb(212, 180, 128)),  # blond
    (0.05, 0.01, rgb(140, 68, 34)),  # red
    (0.05, 0.04, rgb(128, 124, 120)),  # grey
    (0.04, 0.02, rgb(205, 202, 198)),  # white
)
DYED = 0.05
LONGEST_BEARD = 0.02
"""Metres that a beard stands off at its deepest before the chin's share."""
HATS = ("hat", "cap", "beanie")


@dataclass(frozen=True)
class Hair:
    """What grows on a head.

    Parameters
    ----------
    colour
        Linear colour (3,).
    scalp
        How much it covers the scalp's skin (a field on the mean rest pose), or None.
    stubble
        How dense stubble is on the face.
    pieces
        What stands off the skin.
    """

    colour: Floats
    scalp: Field | None
    stubble: float
    pieces: tuple[Piece, ...]


def sample_hair_colour(dark: float, rng: np.random.Generator) -> Floats:
    """Return a linear colour (3,) of hair that goes with skin of darkness 0 to 1."""
    if rng.random() < DYED:
        display = rgb_from_hsv(
            np.array(rng.random()), np.array(rng.uniform(0.4, 0.8)), np.array(rng.uniform(0.3, 0.8))
        )
        return linear_from_srgb(display)
    black = ramp(np.array(dark), 0.15, 0.6)
    share = np.array([light * (1 - black) + night * black for light, night, _ in COLOURS])
    colour = COLOURS[rng.choice(len(COLOURS), p=share / share.sum())][2]
    return np.asarray(np.clip(colour * rng.uniform(0.75, 1.3) * rng.uniform(0.94, 1.06, 3), 0, 0.9))


def hair_material(colour: Floats, curly: float, rng: np.random.Generator) -> Material:
    """Return hair whose strands run along z of the texture; ``curly`` 0 to 1 breaks them up."""
    seed = int(rng.integers(1 << 30))
    length = 14.0 * (1 - curly) + 1.0
    strands = Noise(seed, 0.012 - 0.004 * curly, 4, 0.75, stretch=(1.0, 1.0, length))
    contrast = rng.uniform(0.35, 0.8) + 0.5 * curly
    texture = Ramp(strands, shades(colour, 4, contrast))
    clumps = Noise(seed + 1, 0.03, 2, stretch=(1.0, 1.0, 0.6 * length))
    height = 0.0011 + 0.0006 * curly
    bump = Scaled(Noise(seed + 2, 0.008, 3, 0.7, stretch=(1.0, 1.0, length)), -height, height)
    gloss = (0.02 + 0.10 * float(colour.mean()) ** 0.5) * (1 - 0.8 * curly)
    return Material(Shaded(texture, clumps, 0.65, 1.1), bump, gloss, rng.uniform(8, 16))


def sheet_cloth(head: Head, sheet: Sheet) -> Cloth:
    """Return a sheet of hair as a mesh."""
    rows, columns = sheet.along.shape
    faces = joined(rows, columns)[:, ::-1]
    return whole(sheet.points.reshape(-1, 3), faces, sheet.places().reshape(-1, 3), head)


# --- styles -------------------------------------------------------------------------------------


def _ragged(head: Head, sheet: Sheet, style: Combed, rng: np.random.Generator) -> Cloth:
    """Return the pointed ends of hanging hair or a fringe."""
    rows, _ = sheet.along.shape
    low = sheet.points[-1, :, 2] < head.centre[2] - 0.02
    front = (sheet.points[-1, :, 1] < head.centre[1] - 0.05) & (style.line.fringe > 0)
    column = np.repeat(np.flatnonzero(low | front), 2)
    short = (front & ~low)[column]
    long = 6
    return locks(
        head,
        sheet,
        column + rng.uniform(0, 1, len(column)),
        # a fringe's last rows dip into the skin
        rows - 1 - long - np.where(short, 3, 0),
        long,
        rng.uniform(1.2, 2.6, len(column)),
        np.where(short, 0.003, 0.0) + rng.uniform(-0.001, 0.004, len(column)),
        np.where(short, 0.3, 1.0) * rng.uniform(0.0, 0.03, len(column)),
    )


def _tousled(
    head: Head, sheet: Sheet, style: Combed, count: int, lift: float, rng: np.random.Generator
) -> Cloth:
    """Return locks that stand off short hair."""
    _, columns = sheet.along.shape
    long = 7
    start = rng.integers(1, style.rows - long - 4, count)
    return locks(
        head,
        sheet,
        rng.uniform(0, columns, count),
        start,
        long,
        rng.uniform(1.5, 3.5, count),
        rng.uniform(0.2, 1.0, count) * lift,
        rng.uniform(0.2, 0.7, count) * lift,
    )


def _pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    names = list(shares)
    weights = np.array(list(shares.values()))
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _combed(kind: str, curly: float, rng: np.random.Generator) -> Combed:
    """Return how hair of a kind lies."""
    u = rng.uniform
    recede = rng.choice([0.0, 0.0, 3.0, 8.0, 14.0]) if kind in ("buzz", "short") else 0.0
    line = Hairline(recede=recede + u(0, 2))
    crown = (u(18, 32), 180 + u(-30, 30))
    rough = 0.008 + 0.016 * curly
    grain = u(0.022, 0.045) - 0.01 * curly
    loose = Combed(line, crown, rough=rough, grain=grain)
    if kind == "buzz":
        return replace(loose, top=u(0.003, 0.006), side=0.002, edge=0.02, rough=0.0008, grain=0.01)
    if kind == "short":
        swept = (u(30, 60), rng.choice([-1, 1]) * u(60, 120)) if rng.random() < 0.4 else crown
        top = u(0.013, 0.03) + 0.01 * curly
        return replace(loose, pole=swept, top=top, side=u(0.004, 0.011), edge=u(0.012, 0.03))
    if kind == "fringe":
        line = replace(line, fringe=u(9, 17))
        return replace(loose, line=line, top=u(0.018, 0.028), side=u(0.010, 0.018), edge=0.006)
    if kind == "medium":
        return replace(loose, top=u(0.025, 0.04), side=u(0.016, 0.026), edge=u(0.03, 0.05))
    if kind == "afro":
        big = u(0.03, 0.085)
        return Combed(
            line,
            top=big,
            side=big * u(0.7, 0.95),
            edge=u(0.02, 0.04),
            columns=84,
            rows=38,
            rough=0.012 + 0.25 * big,
            grain=u(0.014, 0.022),
        )
    if kind == "tied":
        return replace(loose, top=u(0.005, 0.012), side=u(0.004, 0.008), edge=0.02, rough=0.003)
    hang = {"bob": u(0.08, 0.16), "long": u(0.2, 0.42)}[kind]
    line = replace(line, fringe=u(10, 16) if rng.random() < 0.35 else 0.0)
    parting = (u(8, 24), rng.choice([-1, 1]) * u(20, 80)) if not line.fringe else crown
    return replace(
        loose, line=line, pole=parting, top=u(0.014, 0.028), side=u(0.012, 0.024),
        edge=0.006 if line.fringe else u(0.02, 0.04), hang=hang, open=u(56, 72),
        inward=u(-0.1, 0.25) if kind == "bob" else u(-0.05, 0.15), wave=u(0, 0.008) + 0.012 * curly,
    )  # fmt: skip


def _pieces(
    head: Head, kind: str, style: Combed, curly: float, colour: Floats, rng: np.random.Generator
) -> tuple[Piece, ...]:
    """Return the pieces of a hairdo."""
    seed = int(rng.integers(1 << 20))
    pole = (0.0, 0.0)
    if kind == "tied":
        pole = (rng.uniform(20, 112), 180.0)
        style = replace(style, pole=pole)
    sheet = comb(head, style, seed)
    parts = [sheet_cloth(head, sheet)]
    if kind in ("bob", "long", "fringe"):
        parts.append(_ragged(head, sheet, style, rng))
    if kind in ("short", "medium", "fringe", "bob", "afro"):
        lift = 0.35 * style.top + 0.006 * curly
        parts.append(_tousled(head, sheet, style, 90, lift, rng))
    if kind == "tied" and rng.random() < 0.6:
        length = rng.uniform(0.15, 0.42)
        parts.append(tail(head, pole, length, rng.uniform(0.02, 0.034), 0.012, seed + 1))
    elif kind == "tied":
        parts.append(bun(head, pole, rng.uniform(0.028, 0.046), seed + 1))
    return (together(parts).piece("hair", hair_material(colour, curly, rng)),)


def sample_hair(
    template: Template, shape: Floats, dark: float, worn: tuple[str, ...], rng: np.random.Generator
) -> Hair:
    """Return the hair of a person of a shape (S,).

    Parameters
    ----------
    template
        The shipped body.
    shape
        Its shape.
    dark
        How dark the skin is, 0 to 1: hair is black and curly more often.
    worn
        Names of the clothes' pieces: under a hat hair lies flat.
    rng
        Random numbers.
    """
    head, mean = Head(template, template.rest(shape)), Head(template, template.vertices)
    colour = sample_hair_colour(dark, rng)
    curly = float(np.clip(rng.beta(1.0, 2.2) + 0.6 * dark * rng.random(), 0, 1))
    hatted = any(hat in name for hat in HATS for name in worn)
    styles = {"bald": 0.07, "buzz": 0.12, "short": 0.24, "fringe": 0.09, "medium": 0.1}
    styles |= {"bob": 0.11, "long": 0.14, "tied": 0.13, "afro": 0.02 + 0.3 * curly**2}
    kind = _pick(rng, {"bald": 0.3, "buzz": 0.7} if hatted else styles)
    bearded = _pick(rng, {"none": 0.5, "stubble": 0.22, "beard": 0.28})
    if kind in ("bob", "long", "tied"):
        bearded = "none"
    stubble = rng.uniform(0.15, 0.6) if bearded == "stubble" else 0.0
    pieces: tuple[Piece, ...] = ()
    scalp: Field | None = None
    seed = int(rng.integers(1 << 20))
    if kind == "bald":
        style = Combed(Hairline(recede=16, bald=rng.uniform(48, 75)))
        scalp = ScalpPaint(style.line, mean.centre, seed, rng.uniform(0, 0.6), 0.035)
    else:
        style = _combed(kind, curly, rng)
        scalp = ScalpPaint(style.line, mean.centre, seed, rng.uniform(0.75, 0.95))
        if not hatted:
            pieces = _pieces(head, kind, style, curly, colour, rng)
    if bearded == "beard":
        area = BeardArea(
            face_origin(template), _pick(rng, {"full": 0.6, "goatee": 0.2, "moustache": 0.2})
        )
        length = (
            rng.uniform(0.003, 0.012)
            if area.kind != "full"
            else min(rng.gamma(2.0, 0.006), LONGEST_BEARD)
        )
        cloth = beard(head, mean, area, length + 0.002, 0.8, seed + 7)
        pieces += (cloth.piece("beard", hair_material(0.9 * colour, max(curly, 0.6), rng)),)
        stubble = 0.6 if area.kind == "full" else 0.2
    return Hair(colour, scalp, stubble, pieces)
