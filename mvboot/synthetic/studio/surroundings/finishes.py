"""What walls, floors, ground and furniture are finished with, sampled."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material, Texture
from mvboot.synthetic.studio.textures.coloured import (
    Blend,
    Patchwork,
    Paved,
    Placed,
    Plain,
    Ramp,
    Shaded,
    Steps,
    Tartan,
    Warped,
)
from mvboot.synthetic.studio.textures.colours import rgb, sample_colour, sample_palette, shades
from mvboot.synthetic.studio.textures.noise import Noise, Voronoi
from mvboot.synthetic.studio.textures.patterns import (
    Border,
    Bricks,
    Checks,
    Dots,
    Folded,
    Hexagons,
    Layout,
    Ridges,
    Scaled,
    Stripes,
    Threshold,
    Weave,
)

Floats = NDArray[np.float64]
Rng = np.random.Generator
Finish = Callable[[Rng], Material]

WOODS = (
    (200, 160, 110),
    (165, 115, 70),
    (120, 80, 50),
    (75, 50, 35),
    (222, 195, 155),
    (150, 90, 60),
)
GREENS = ((70, 95, 40), (95, 115, 55), (50, 75, 35), (110, 120, 60), (60, 85, 50))
EARTHS = ((150, 125, 95), (120, 100, 75), (180, 160, 130), (95, 80, 65), (200, 180, 150))
GREYS = ((150, 150, 148), (120, 120, 122), (175, 172, 165), (90, 90, 92))
SCREENS = ((60, 165, 70), (45, 90, 190), (235, 235, 235), (128, 128, 128), (25, 25, 28))
GLOW = 2.5
"""Brightness of lamps, windows and skies over that of a white surface: they shine themselves."""
TURNED = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


# --- textures -----------------------------------------------------------------------------------


def seed_of(rng: Rng) -> int:
    """Return a seed for a field."""
    return int(rng.integers(1 << 30))


def one_of(rng: Rng, colours: tuple[tuple[int, int, int], ...]) -> Floats:
    """Return one of some display colours as a linear one, a little off."""
    chosen = rgb(*colours[int(rng.integers(len(colours)))])
    return np.asarray(np.clip(chosen * rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3), 0, 0.95))


def dulled(colour: Floats) -> Floats:
    """Return a colour (3,) nearer to grey, and not black, as large surfaces mostly are."""
    return np.asarray(np.clip(0.55 * colour + 0.45 * colour.mean(), 0.05, 0.8))


def mottled(rng: Rng, colour: Floats, size: float, depth: float) -> Texture:
    """Return a colour that varies softly: by ``depth`` at most, over ``size`` metres."""
    return Shaded(Plain(colour), Noise(seed_of(rng), size, 5), 1 - depth, 1.0)


def soiled(rng: Rng, texture: Texture) -> Texture:
    """Return a texture with large soft stains, and specks perhaps."""
    worn = Shaded(texture, Noise(seed_of(rng), rng.uniform(0.8, 3), 6, 0.6), 0.8, 1.05)
    if rng.random() < 0.8:
        return worn
    specks = Threshold(Noise(seed_of(rng), rng.uniform(0.02, 0.06), 2), 0.97, 0.03)
    return Blend(specks, worn, Shaded(texture, Noise(0, 1.0, 1), 0.4, 0.6))


def wood(rng: Rng, colour: Floats) -> Texture:
    """Return wood with its grain along x."""
    rings = Noise(seed_of(rng), rng.uniform(0.08, 0.2), 2, 0.4, (9.0, 1.0, 1.0))
    fibres = Noise(seed_of(rng), 0.012, 2, 0.6, (30.0, 1.0, 1.0))
    grain = Ramp(Folded(rings, rng.uniform(1.5, 4)), shades(colour, 3, rng.uniform(0.1, 0.3)))
    return Shaded(grain, fibres, 0.75, 1.05)


def marble(rng: Rng, colour: Floats) -> Texture:
    """Return stone with veins."""
    veins = Ridges(Noise(seed_of(rng), rng.uniform(0.4, 1.2), 5), rng.uniform(0.02, 0.06))
    return Blend(
        Warped(veins, seed_of(rng), 0.15, 0.4),
        mottled(rng, colour, 0.5, 0.25),
        Plain(colour * rng.uniform(0.3, 0.7)),
    )


def granular(rng: Rng, colours: Floats, size: float) -> Texture:
    """Return grains of several colours, with patches of more and less light."""
    grains = Ramp(Noise(seed_of(rng), size, 3, 0.8), colours)
    return Shaded(grains, Noise(seed_of(rng), 12 * size, 5, 0.6), 0.65, 1.1)


# --- inside -------------------------------------------------------------------------------------


def paint(rng: Rng) -> Material:
    """Return wall paint, mostly pale."""
    pale = rgb(*rng.uniform((185, 180, 165), (245, 243, 238)))
    colour = pale if rng.random() < 0.65 else dulled(sample_colour(rng))
    return Material(soiled(rng, mottled(rng, colour, 2.0, 0.1)), gloss=rng.uniform(0, 0.06))


def wallpaper(rng: Rng) -> Material:
    """Return wallpaper: stripes, dots, plaid, or leaves."""
    colours = sample_palette(rng, 2)
    colours[1] = colours[0] * rng.uniform(0.4, 0.8) if rng.random() < 0.6 else colours[1]
    kind = int(rng.integers(4))
    if kind == 0:
        texture: Texture = Steps(Stripes(rng.uniform(0.06, 0.4), rng.uniform(0.2, 0.6)), colours)
    elif kind == 1:
        spacing = rng.uniform(0.08, 0.3)
        texture = Steps(Dots(spacing, spacing * rng.uniform(0.12, 0.35)), colours)
    elif kind == 2:
        texture = Tartan(rng.uniform(0.02, 0.3, 3), sample_palette(rng, 3))
    else:
        leaves = Threshold(Noise(seed_of(rng), rng.uniform(0.1, 0.4), 2), 0.6, 0.05)
        texture = Blend(
            Warped(leaves, seed_of(rng), 0.1, 0.2), Plain(colours[0]), Plain(colours[1])
        )
    return Material(soiled(rng, texture))


def bricks(rng: Rng) -> Material:
    """Return brickwork, bare or painted over."""
    layout = Bricks(0.25, 0.078, seed=seed_of(rng))
    red = rgb(*rng.uniform((110, 60, 45), (185, 110, 85)))
    colour = red if rng.random() < 0.65 else dulled(sample_colour(rng))
    joint = mottled(rng, 0.5 * one_of(rng, GREYS) + 0.5 * colour, 0.05, 0.3)
    relief = Threshold(Border(layout, 0.02), 0.4, 0.6)
    paved = Paved(layout, mottled(rng, colour, 0.08, 0.5), joint, 0.012, 0.65, 1.1)
    return Material(soiled(rng, paved), bump=Scaled(relief, 0.0, 0.004))


def concrete(rng: Rng) -> Material:
    """Return concrete, in panels or poured."""
    colour = one_of(rng, GREYS)
    stained = Ramp(Noise(seed_of(rng), rng.uniform(1, 3), 7, 0.6), shades(colour, 4, 0.3))
    if rng.random() < 0.5:
        return Material(Shaded(stained, Noise(seed_of(rng), 0.01, 1), 0.85, 1.05), gloss=0.05)
    panels = Bricks(rng.uniform(1, 3), rng.uniform(0.6, 3), 0.0, seed=seed_of(rng))
    return Material(Paved(panels, stained, Plain(colour * 0.4), 0.015, 0.85, 1.0))


def tiles(rng: Rng) -> Material:
    """Return tiles: square, long or six-sided."""
    size = float(rng.choice([0.1, 0.15, 0.2, 0.3, 0.45, 0.6]))
    layout: Layout = Bricks(
        size * rng.choice([1, 1, 2]), size, rng.choice([0, 0, 0.5]), 0, seed_of(rng)
    )
    if rng.random() < 0.15:
        layout = Hexagons(size, seed_of(rng))
    colours = sample_palette(rng, 2)
    piece = marble(rng, colours[0]) if rng.random() < 0.4 else mottled(rng, colours[0], 0.3, 0.15)
    joint = Plain(one_of(rng, GREYS))
    texture: Texture = Paved(layout, piece, joint, rng.uniform(0.003, 0.012), 0.8, 1.05)
    if rng.random() < 0.2:
        other = Paved(layout, Plain(colours[1]), joint, 0.006, 0.9, 1.0)
        texture = Blend(Checks(size), texture, other)
    return Material(soiled(rng, texture), gloss=rng.uniform(0.05, 0.3), sharpness=80)


def boards(rng: Rng) -> Material:
    """Return wooden planks along x: floors, panels."""
    layout = Bricks(rng.uniform(0.6, 2.4), rng.uniform(0.06, 0.2), 0.0, 1.0, seed_of(rng))
    colour = one_of(rng, WOODS)
    paved = Paved(layout, wood(rng, colour), Plain(colour * 0.25), 0.004, 0.7, 1.1)
    return Material(soiled(rng, paved), gloss=rng.uniform(0, 0.2), sharpness=60)


def panelling(rng: Rng) -> Material:
    """Return upright wooden planks for a wall."""
    found = boards(rng)
    return Material(Placed(found.texture, TURNED), gloss=found.gloss, sharpness=60)


def carpet(rng: Rng) -> Material:
    """Return carpet: plain pile, patterned, or tiles of it."""
    colours = np.stack([dulled(colour) for colour in sample_palette(rng, 3)])
    pile = Noise(seed_of(rng), 0.015, 2, 0.8)
    kind = int(rng.integers(3))
    if kind == 0:
        texture: Texture = Plain(colours[0])
    elif kind == 1:
        texture = Patchwork(Bricks(0.5, 0.5, 0.0, 0.0, seed_of(rng)), shades(colours[0], 3, 0.2))
    else:
        field = Warped(Noise(seed_of(rng), rng.uniform(0.1, 0.5), 2), seed_of(rng), 0.1, 0.3)
        texture = Steps(field, colours)
    return Material(soiled(rng, Shaded(texture, pile, 0.6, 1.1)), sharpness=5)


def rug(rng: Rng) -> Material:
    """Return a woven rug."""
    colours = sample_palette(rng, 5) * 0.85
    kind = int(rng.integers(3))
    if kind == 0:
        texture: Texture = Tartan(rng.uniform(0.03, 0.25, 5), colours)
    elif kind == 1:
        texture = Steps(Stripes(rng.uniform(0.1, 0.5), 0.5, (0, 1, 0)), colours[:2])
    else:
        texture = Patchwork(Hexagons(rng.uniform(0.1, 0.4), seed_of(rng)), colours)
    return Material(Shaded(texture, Noise(seed_of(rng), 0.02, 2), 0.7, 1.05), sharpness=5)


def linoleum(rng: Rng) -> Material:
    """Return a seamless floor, plain or speckled."""
    colour = dulled(sample_colour(rng))
    speckled = Ramp(Noise(seed_of(rng), 0.02, 2, 0.9), shades(colour, 4, rng.uniform(0.03, 0.2)))
    return Material(soiled(rng, speckled), gloss=rng.uniform(0.02, 0.25), sharpness=60)


def mats(rng: Rng) -> Material:
    """Return foam mats in one or two colours."""
    colours = sample_palette(rng, int(rng.integers(1, 4)))
    size = rng.uniform(0.6, 1.2)
    layout = Bricks(size * rng.choice([1, 2]), size, 0.0, 0.0, seed_of(rng))
    seams = Threshold(Border(layout, 0.02), 0.3, 0.2)
    texture = Shaded(Patchwork(layout, colours), seams, 0.5, 1.0)
    return Material(soiled(rng, texture), gloss=0.08)


def screen(rng: Rng) -> Material:
    """Return the cloth or paint of a studio: green, blue, white, grey, black."""
    colour = one_of(rng, SCREENS)
    return Material(mottled(rng, colour, rng.uniform(0.5, 2), rng.uniform(0.05, 0.25)))


def bedding(rng: Rng) -> Material:
    """Return wood chips or pellets, as in a cage."""
    layout = Voronoi(seed_of(rng), rng.uniform(0.025, 0.07), (1.8, 1.0, 1.0))
    colour = one_of(rng, EARTHS)
    chips = Paved(layout, mottled(rng, colour, 0.05, 0.3), Plain(colour * 0.4), 0.006, 0.5, 1.3)
    return Material(Warped(chips, seed_of(rng), 0.015, 0.05))


# --- furniture ----------------------------------------------------------------------------------


def timber(rng: Rng) -> Material:
    """Return the wood of furniture."""
    return Material(wood(rng, one_of(rng, WOODS)), gloss=rng.uniform(0, 0.2), sharpness=50)


def lacquer(rng: Rng) -> Material:
    """Return paint or plastic."""
    texture = mottled(rng, sample_colour(rng), 0.3, rng.uniform(0.05, 0.3))
    return Material(texture, gloss=rng.uniform(0.05, 0.4), sharpness=rng.uniform(20, 120))


def metal(rng: Rng) -> Material:
    """Return steel, brushed or black."""
    colour = rgb(*(3 * [rng.uniform(25, 190)]))
    brushed = Noise(seed_of(rng), 0.01, 2, 0.6, (20.0, 1.0, 1.0))
    return Material(Shaded(Plain(colour), brushed, 0.8, 1.0), gloss=0.5, sharpness=120)


def fabric(rng: Rng) -> Material:
    """Return the cloth of seats and curtains."""
    colours = sample_palette(rng, 3)
    kind = int(rng.integers(5))
    if kind == 0:
        texture: Texture = Steps(
            Stripes(rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.6)), colours[:2]
        )
    elif kind == 1:
        texture = Tartan(rng.uniform(0.01, 0.08, 3), colours)
    else:
        texture = mottled(rng, colours[0], 0.4, 0.2)
    return Material(Shaded(texture, Weave(0.008), 0.8, 1.0), sharpness=5)


def hard(rng: Rng) -> Material:
    """Return what furniture is made of: wood, paint, steel."""
    return (timber, lacquer, metal)[int(rng.integers(3))](rng)


def cardboard(rng: Rng) -> Material:
    """Return brown board with a band of tape."""
    board = mottled(rng, one_of(rng, ((175, 140, 100), (195, 165, 125))), 0.2, 0.2)
    return Material(Blend(Stripes(0.9, 0.07, (0, 1, 0)), board, Plain(rgb(205, 190, 150))))


def leaves(rng: Rng) -> Material:
    """Return foliage."""
    return Material(granular(rng, shades(one_of(rng, GREENS), 5, 1.2), rng.uniform(0.06, 0.18)))


# --- outside ------------------------------------------------------------------------------------


def grass(rng: Rng) -> Material:
    """Return a lawn, fresh or dry, with bare patches perhaps."""
    colour = one_of(rng, GREENS)
    lawn = granular(rng, shades(colour, 4, 0.8), rng.uniform(0.02, 0.05))
    patches = Ramp(Noise(seed_of(rng), 3, 5), np.stack([colour * (0.8, 0.9, 0.8), colour * 1.4]))
    level = rng.uniform(0.6, 1.1)
    ground = granular(rng, shades(one_of(rng, EARTHS), 3, 0.25), 0.05)
    bare = Threshold(Noise(seed_of(rng), 2, 6, 0.6), level, 0.15)
    return Material(Blend(bare, Blend(Noise(seed_of(rng), 5, 3), lawn, patches), ground))


def gravel(rng: Rng) -> Material:
    """Return gravel."""
    colour = one_of(rng, GREYS if rng.random() < 0.5 else EARTHS)
    layout = Voronoi(seed_of(rng), rng.uniform(0.03, 0.08))
    stones = Paved(layout, mottled(rng, colour, 0.02, 0.2), Plain(colour * 0.3), 0.008, 0.4, 1.3)
    return Material(Shaded(stones, Noise(seed_of(rng), 2, 5), 0.8, 1.05))


def asphalt(rng: Rng) -> Material:
    """Return asphalt, with cracks perhaps."""
    colour = rgb(*(3 * [rng.uniform(60, 120)]))
    grains = granular(rng, shades(colour, 4, 0.5), 0.015)
    cracks = Ridges(Noise(seed_of(rng), 2.5, 6, 0.55), 0.012 * rng.choice([0.3, 1]))
    return Material(soiled(rng, Blend(cracks, grains, Plain(colour * 0.3))))


def soil(rng: Rng) -> Material:
    """Return sand, earth, or clay of a court."""
    return Material(granular(rng, shades(one_of(rng, EARTHS), 4, 0.35), rng.uniform(0.03, 0.12)))


def paving(rng: Rng) -> Material:
    """Return slabs or setts."""
    colour = one_of(rng, GREYS if rng.random() < 0.7 else EARTHS)
    size = rng.uniform(0.1, 0.6)
    layout: Layout = Bricks(size * rng.choice([1, 2]), size, rng.choice([0, 0.5]), 0, seed_of(rng))
    if rng.random() < 0.25:
        layout = Voronoi(seed_of(rng), rng.uniform(0.3, 0.8))
    joint = Plain(colour * rng.uniform(0.25, 0.6))
    piece = granular(rng, shades(colour, 3, 0.25), 0.04)
    return Material(soiled(rng, Paved(layout, piece, joint, 0.015, 0.7, 1.05)))


def bark(rng: Rng) -> Material:
    """Return the bark of a trunk, grooved along y."""
    grooves = Noise(seed_of(rng), 0.06, 3, 0.6, (1.0, 6.0, 1.0))
    return Material(Ramp(grooves, shades(one_of(rng, ((95, 75, 60), (120, 110, 100))), 4, 0.8)))
