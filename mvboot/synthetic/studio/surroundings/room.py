"""All that stands still around the subject: rooms inside and places outside, sampled.

A place is laid out in metres for a person's rig and shrunk with everything in it for a rig that
stands nearer, so that an arena for mice is furnished like a room. The subject's area about the
origin stays free, and the cameras look into it past the furniture.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import Rig
from mvboot.synthetic.studio.material import Material, Surface
from mvboot.synthetic.studio.surroundings import clutter, finishes, furniture, walls
from mvboot.synthetic.studio.surroundings.clearing import (
    MARGIN,
    SHARE,
    Clearing,
    admitted,
    bounds,
    footprint,
)
from mvboot.synthetic.studio.surroundings.finishes import GLOW, Finish, Rng
from mvboot.synthetic.studio.surroundings.landscape import LANDSCAPES, UNDER, sample_landscape
from mvboot.synthetic.studio.surroundings.solids import (
    Prop,
    bar,
    box,
    flat,
    joined,
    moved,
    transformed,
)
from mvboot.synthetic.studio.textures.coloured import Plain
from mvboot.synthetic.studio.textures.colours import sample_colour

Floats = NDArray[np.float64]
Builder = Callable[[Rng], Prop]

MOST = 60
"""Things in a room, at most."""

LAP = 0.02
"""How far in metres walls reach past their corners, so that no ray slips through."""


@dataclass(frozen=True)
class Style:
    """A kind of room.

    Parameters
    ----------
    floors, faces
        Finishes of floor and walls.
    hangings
        What hangs on the walls, and how full they are of it.
    fullness
        Chance that a piece of wall is used.
    furniture, clutter
        What stands against walls, and about.
    crowd
        Least and most things per 10 square metres.
    height
        Least and most height in metres.
    """

    floors: tuple[Finish, ...]
    faces: tuple[Finish, ...]
    hangings: tuple[walls.Hanging, ...]
    fullness: float
    furniture: tuple[Builder, ...]
    clutter: tuple[Builder, ...]
    crowd: tuple[float, float]
    height: tuple[float, float]


LAB = Style(
    floors=(finishes.linoleum, finishes.concrete, finishes.tiles, finishes.mats),
    faces=(finishes.paint, finishes.paint, finishes.concrete, finishes.bricks),
    hangings=(walls.drape, walls.drape, walls.board, walls.papers, walls.pipes, walls.door),
    fullness=0.8,
    furniture=(furniture.table, furniture.cupboard, furniture.shelf, furniture.lockers),
    clutter=(clutter.softbox, clutter.parcel, furniture.chair, clutter.crate, clutter.cable),
    crowd=(1.6, 6.4),
    height=(2.6, 4.0),
)
HOME = Style(
    floors=(finishes.boards, finishes.carpet, finishes.tiles, finishes.boards),
    faces=(finishes.paint, finishes.wallpaper, finishes.bricks, finishes.panelling),
    hangings=(walls.poster, walls.poster, walls.outlook, walls.door),
    fullness=0.7,
    furniture=(furniture.shelf, furniture.sofa, furniture.cupboard, furniture.radiator),
    clutter=(
        clutter.pot,
        clutter.lamp,
        furniture.chair,
        clutter.ball,
        clutter.sack,
        clutter.parcel,
    ),
    crowd=(3.2, 9.6),
    height=(2.3, 3.0),
)
GYM = Style(
    floors=(finishes.boards, finishes.mats, finishes.linoleum, finishes.mats),
    faces=(finishes.paint, finishes.panelling, finishes.bricks, finishes.paint),
    hangings=(walls.poster, walls.outlook, walls.hoop, walls.door, walls.board),
    fullness=0.6,
    furniture=(furniture.ladder, furniture.lockers, furniture.bench, furniture.cupboard),
    clutter=(clutter.ball, clutter.ball, clutter.cone, clutter.sack, furniture.bench, clutter.toy),
    crowd=(1.6, 6.4),
    height=(3.0, 6.0),
)
HALL = Style(
    floors=(finishes.concrete, finishes.asphalt, finishes.concrete, finishes.paving),
    faces=(finishes.bricks, finishes.concrete, finishes.paint, finishes.panelling),
    hangings=(walls.pipes, walls.pipes, walls.door, walls.outlook, walls.poster),
    fullness=0.6,
    furniture=(furniture.shelf, furniture.ladder, furniture.cupboard, furniture.rail),
    clutter=(clutter.barrel, clutter.crate, clutter.parcel, clutter.parcel, clutter.cone),
    crowd=(2.4, 8.0),
    height=(3.5, 7.0),
)
OFFICE = Style(
    floors=(finishes.carpet, finishes.linoleum, finishes.boards, finishes.tiles),
    faces=(finishes.paint, finishes.paint, finishes.wallpaper, finishes.concrete),
    hangings=(walls.board, walls.papers, walls.poster, walls.outlook, walls.door),
    fullness=0.8,
    furniture=(furniture.table, furniture.table, furniture.shelf, furniture.cupboard),
    clutter=(furniture.chair, furniture.partition, clutter.pot, clutter.parcel, furniture.stool),
    crowd=(3.2, 9.6),
    height=(2.4, 3.2),
)
STUDIO = Style(
    floors=(finishes.screen, finishes.linoleum),
    faces=(finishes.screen, finishes.screen, walls.lining),
    hangings=(walls.drape, walls.pipes),
    fullness=0.25,
    furniture=(furniture.rail, clutter.softbox),
    clutter=(clutter.softbox, clutter.softbox, clutter.cable, furniture.stool, clutter.crate),
    crowd=(0.8, 4.8),
    height=(2.8, 5.0),
)
ARENA = Style(
    floors=(finishes.bedding, finishes.linoleum, finishes.grass, finishes.gravel, finishes.soil),
    faces=(finishes.paint, finishes.screen, finishes.panelling, finishes.concrete),
    hangings=(walls.poster, walls.drape, walls.pipes),
    fullness=0.3,
    furniture=(clutter.toy, clutter.crate, clutter.barrel, furniture.ladder),
    clutter=(clutter.toy, clutter.toy, clutter.ball, clutter.bottle, clutter.sack, clutter.parcel),
    crowd=(1.6, 8.0),
    height=(2.0, 4.0),
)
STYLES = {
    "lab": LAB,
    "home": HOME,
    "gym": GYM,
    "hall": HALL,
    "office": OFFICE,
    "studio": STUDIO,
    "arena": ARENA,
}
PLACES = (*STYLES, *LANDSCAPES)
"""Names of all kinds of places."""

SMALL_PLACES = ("arena", "arena", "arena", "lab", "studio", "home")
"""Those for rigs that stand near, such as about mice."""


def sample_room(
    rng: Rng, rig: Rig, area_radius: float, height: float = 1.8, place: str | None = None
) -> tuple[Surface, ...]:
    """Return what stands still about a subject: closed on all sides, all cameras inside.

    Parameters
    ----------
    rng
        Decides everything.
    rig
        Cameras, still or moving; z up, the floor at z = 0.
    area_radius
        Metres about the origin that the subject needs; 0.4 m more stay free (less in an arena).
    height
        Of the subject in metres.
    place
        One of `PLACES`; None: one that suits the size.
    """
    if place is not None and place not in PLACES:
        raise InputError(f"no place {place!r}; there are {', '.join(PLACES)}")
    clearing, scale = Clearing.of(rig.in_units("m"), area_radius, height).to_persons()
    place = place or str(rng.choice(PLACES if scale == 1 else SMALL_PLACES))
    if place in LANDSCAPES:
        found = sample_landscape(rng, clearing, LANDSCAPES[place])
    else:
        found = _indoors(rng, clearing, STYLES[place])
    return joined(transformed(found, scale * np.eye(3), np.zeros(3)))


@dataclass(frozen=True)
class Box:
    """A room's inside, turned by ``yaw`` about the origin: ``low`` and ``high`` corners (3,)."""

    low: Floats
    high: Floats
    yaw: float

    def walls(self) -> list[tuple[float, Floats, float]]:
        """Return length, middle (3,) on the floor and yaw of each wall, in the box's axes."""
        x, y = (self.low + self.high)[:2] / 2
        wide, deep = (self.high - self.low)[:2]
        return [
            (wide, np.array([x, self.high[1], 0]), 0.0),
            (deep, np.array([self.low[0], y, 0]), np.pi / 2),
            (wide, np.array([x, self.low[1], 0]), np.pi),
            (deep, np.array([self.high[0], y, 0]), -np.pi / 2),
        ]


def _indoors(rng: Rng, clearing: Clearing, style: Style) -> Prop:
    inside = _inside(rng, clearing, style.height)
    fixed = _floor(rng, inside, style, clearing.radius) + _ceiling(rng, inside)
    finish = _wall_finish(rng, style)
    other = _wall_finish(rng, style) if rng.random() < 0.35 else finish
    odd = int(rng.integers(4))
    shell: list[Prop] = []
    for i, (length, middle, yaw) in enumerate(inside.walls()):
        chosen = other if i == odd else finish
        side = walls.wall(length + LAP, inside.high[2] + LAP, chosen, rng)
        shell.append(moved(side, middle - (0, 0, LAP / 2), yaw))
    loose = _furnished(rng, inside, style)
    if rng.random() < 0.4:
        loose.append(_duct(rng, inside))
    if style is ARENA and rng.random() < 0.7:
        loose += _rim(rng, clearing.radius + MARGIN)
    turned = [moved(prop, (0, 0, 0), inside.yaw) for prop in loose]
    kept = admitted(turned + clearing.tripods(rng), clearing, SHARE)
    return moved(sum(shell, fixed), (0, 0, 0), inside.yaw) + sum(kept, ())


def _inside(rng: Rng, clearing: Clearing, height: tuple[float, float]) -> Box:
    """Return a room that holds all cameras and the area, with the walls a bit behind them."""
    yaw = rng.uniform(-np.pi, np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    around = clearing.all_centers[:, :2] @ np.array([[c, -s], [s, c]])
    room = clearing.radius + 1.2
    low = np.minimum(around.min(0), -room) - rng.uniform(0.6, 2.2, 2)
    high = np.maximum(around.max(0), room) + rng.uniform(0.6, 2.2, 2)
    top = max(rng.uniform(*height), clearing.all_centers[:, 2].max() + 0.3, clearing.height + 0.5)
    return Box(np.array([*low, 0.0]), np.array([*high, top]), yaw)


def _floor(rng: Rng, inside: Box, style: Style, radius: float) -> Prop:
    """Return the floor, perhaps with a rug, a mat or lines of tape on it."""
    wide, deep = (inside.high - inside.low)[:2]
    x, y = (inside.low + inside.high)[:2] / 2
    material = style.floors[int(rng.integers(len(style.floors)))](rng)
    turn = float(rng.choice([0, np.pi / 2]))
    size = (wide, deep) if turn == 0 else (deep, wide)
    found = moved([flat(*size, material)], (x, y, -UNDER), turn)
    if style in (HOME, OFFICE) and rng.random() < 0.6:
        width, depth = rng.uniform(0.8, 2.5, 2) * radius
        rug = flat(width, depth, finishes.rug(rng))
        found += moved([rug], (0, 0, 0))
    if style in (LAB, GYM, HALL) and rng.random() < 0.6:
        found += _lines(rng, 1.5 * radius)
    return found


def _rim(rng: Rng, radius: float) -> list[Prop]:
    """Return the low wall of an arena, board by board, round or square."""
    face = finishes.hard(rng)
    height, radius = rng.uniform(0.1, 0.5), radius * rng.uniform(1.1, 1.5)
    sides = int(rng.choice([4, 24]))
    long = 2 * (radius + 0.07) * np.tan(np.pi / sides)
    board = box((long, 0.04, height), face)
    return [
        moved(moved([board], (0, radius + 0.05, 0)), (0, 0, 0), 2 * np.pi * side / sides)
        for side in range(sides)
    ]


def _lines(rng: Rng, reach: float) -> Prop:
    """Return lines of paint or tape on the floor."""
    found: Prop = ()
    for _ in range(int(rng.integers(1, 6))):
        colour = Material(Plain(sample_colour(rng)), gloss=0.1)
        line = flat(rng.uniform(0.5, 3) * reach, rng.uniform(0.03, 0.08), colour)
        at = (*rng.uniform(-reach, reach, 2), -UNDER * rng.uniform(0.2, 0.8))
        found += moved([line], at, float(rng.choice([0, np.pi / 2])))
    return found


def _ceiling(rng: Rng, inside: Box) -> Prop:
    """Return the ceiling with its lamps."""
    wide, deep = (inside.high - inside.low)[:2]
    x, y = (inside.low + inside.high)[:2] / 2
    top = inside.high[2]
    material = (finishes.paint, finishes.concrete, finishes.panelling)[int(rng.integers(3))](rng)
    found = moved([flat(wide, deep, material)], (x, y, top))
    glowing = Material(Plain(np.full(3, GLOW)))
    step, size = rng.uniform(1.2, 2.5), rng.uniform((0.15, 0.3), (0.6, 1.2))
    for u in np.arange(inside.low[0] + 0.6, inside.high[0] - 0.5, step):
        for v in np.arange(inside.low[1] + 0.8, inside.high[1] - 0.7, 1.4 * step):
            found += moved([box((*size, 0.03), glowing)], (u, v, top - 0.04))
    return found


def _duct(rng: Rng, inside: Box) -> Prop:
    """Return a duct from wall to wall below the ceiling."""
    material, radius = finishes.metal(rng), rng.uniform(0.08, 0.2)
    y, level = rng.uniform(inside.low[1], inside.high[1]), inside.high[2] - 0.05 - radius
    return (bar((inside.low[0], y, level), (inside.high[0], y, level), radius, material),)


def _wall_finish(rng: Rng, style: Style) -> walls.Finish:
    face = style.faces[int(rng.integers(len(style.faces)))](rng)
    base = None
    if rng.random() < 0.2:
        base = (finishes.panelling, finishes.paint, finishes.tiles)[int(rng.integers(3))](rng)
    edge = finishes.hard(rng)
    return walls.Finish(face, base, rng.uniform(0.6, 1.4), edge, style.hangings, style.fullness)


def _furnished(rng: Rng, inside: Box, style: Style) -> list[Prop]:
    """Return furniture along the walls and clutter about, none inside another."""
    area = float(np.prod((inside.high - inside.low)[:2]))
    count = int(rng.uniform(*style.crowd) * area / 10)
    spots: list[tuple[Floats, float]] = []
    found: list[Prop] = []
    for _ in range(min(count, MOST)):
        if rng.random() < 0.55:
            prop = style.furniture[int(rng.integers(len(style.furniture)))](rng)
            placed = _against_wall(rng, inside, prop)
        else:
            prop = style.clutter[int(rng.integers(len(style.clutter)))](rng)
            at = rng.uniform(inside.low[:2] + 0.4, inside.high[:2] - 0.4)
            placed = moved(prop, (*at, 0), rng.uniform(0, 2 * np.pi))
        middle, reach = footprint(placed)
        if all(np.linalg.norm(middle - m) > 0.8 * (reach + r) for m, r in spots):
            spots.append((middle, reach))
            found.append(placed)
    return found


def _against_wall(rng: Rng, inside: Box, prop: Prop) -> Prop:
    length, middle, yaw = inside.walls()[int(rng.integers(4))]
    low, high = bounds(prop)
    x = rng.uniform(-0.5, 0.5) * max(length - (high - low)[0], 0)
    return moved(moved(prop, (x, -high[1] - 0.06, 0)), middle, yaw)
