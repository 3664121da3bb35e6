"""What there is to wear on a person, by name: sheets cut from the body, and things built on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.accessories import neck_tube, visor
from mvboot.synthetic.studio.appearance.cloth import Draper
from mvboot.synthetic.studio.appearance.garment import Cloth
from mvboot.synthetic.studio.appearance.shoes import SOLE, Laces, shoe
from mvboot.synthetic.studio.appearance.skirts import SkirtCut, skirt
from mvboot.synthetic.studio.appearance.tailor import Tailor
from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.textures.coloured import Blend, Plain
from mvboot.synthetic.studio.textures.colours import rgb
from mvboot.synthetic.studio.textures.patterns import Along

Floats = NDArray[np.float64]
Rng = np.random.Generator

SHIRTS = {"plain": 4, "stripes": 2, "printed": 3, "two_coloured": 1, "camouflage": 0.4, "dots": 0.3}
BLOUSES = {"plain": 3, "plaid": 3, "stripes": 1.5, "dots": 1, "floral": 1.2}
SWEATERS = {"plain": 4, "stripes": 1.5, "two_coloured": 0.8}
TROUSERS = {"muted": 6, "camouflage": 0.7, "plaid": 0.5}
DRESSES = {"plain": 2, "floral": 2, "dots": 1, "stripes": 1, "plaid": 1}
PLAIN = {"plain": 1.0, "muted": 2.0}

TOPS = ("t_shirt", "tank_top", "long_sleeved_shirt", "blouse", "sweater", "hoodie")
TROUSER_KINDS = ("trousers", "jeans", "wide_trousers", "leggings", "shorts")
WAIST = 0.98
"""Height in metres of trousers and skirts."""
TIGHT = 0.004
"""Room in metres of what is tucked in."""
SHORTEST_FALL = 0.81
"""Lowest hem in metres of what is cut from the trunk: just above where the legs part."""


@dataclass(frozen=True)
class Sheet:
    """A garment cut from the body where a field (V,) is positive, at a height (V,) over it."""

    name: str
    field: Floats
    height: Floats
    material: Material
    rounds: int = 30
    hem: float = 0.012


@dataclass(frozen=True)
class Solid:
    """A garment built beside the body; it covers what is well inside a field (V,)."""

    name: str
    cloth: Cloth
    material: Material
    field: Floats


@dataclass(frozen=True)
class Fitting:
    """Who is dressed, from which cloth.

    ``tucked`` tops end just below the waist of what follows, ``cropped`` ones above a skirt that
    is worn already; ``taken`` (V,) is the height of what is worn already.
    """

    tailor: Tailor
    draper: Draper
    rng: Rng
    tucked: bool
    cropped: bool
    taken: Floats


Wear = list[Sheet | Solid]


def _top(fitting: Fitting, name: str, field: Floats, room: float, cloth: Material) -> Sheet:
    """Return a top: looser towards its hem and along its sleeves."""
    tailor, rng = fitting.tailor, fitting.rng
    hem = WAIST - 0.07 if fitting.tucked else rng.uniform(SHORTEST_FALL + 0.01, 0.92)
    hem = WAIST + 0.06 if fitting.cropped else hem
    fall = tailor.lower("spine4", "thigh_twist_left")
    sleeve = np.clip(tailor.arm / tailor.reach, 0, 1)
    looser = 0.0 if fitting.tucked else rng.uniform(0.2, 1.2) * room
    height = room * (1 - 0.3 * sleeve) * tailor.off_neck + looser * fall
    if fitting.tucked:
        height = np.minimum(height, TIGHT + 0.3 * np.maximum(tailor.z - WAIST, 0))
    return Sheet(name, np.minimum(field, tailor.above(hem)), height, cloth, rounds=50)


def t_shirt(fitting: Fitting) -> Wear:
    """Return a T-shirt, its neckline round or pointed."""
    tailor, rng = fitting.tailor, fitting.rng
    neck = tailor.crew(rng.uniform(0.07, 0.09), rng.uniform(0, 0.03))
    if rng.random() < 0.25:
        neck = tailor.vee(0.075, rng.uniform(0.08, 0.14))
    field = np.minimum(neck, tailor.sleeved(rng.uniform(0.1, 0.24)))
    top = _top(fitting, "t_shirt", field, rng.uniform(0.009, 0.026), fitting.draper.jersey(SHIRTS))
    flared = top.height + 0.1 * rng.uniform(0.3, 1) * np.maximum(tailor.arm, 0)
    return [replace(top, height=flared)]


def tank_top(fitting: Fitting) -> Wear:
    """Return a shirt without sleeves, its neckline deep."""
    tailor, rng = fitting.tailor, fitting.rng
    neck = tailor.crew(rng.uniform(0.085, 0.1), rng.uniform(0.03, 0.07))
    field = np.minimum(neck, tailor.sleeveless(rng.uniform(0.0, 0.5)))
    cloth = fitting.draper.jersey(SHIRTS)
    return [_top(fitting, "tank_top", field, rng.uniform(0.005, 0.014), cloth)]


def _long_sleeved(fitting: Fitting) -> Floats:
    sleeve = fitting.tailor.sleeved(fitting.tailor.reach - fitting.rng.uniform(-0.01, 0.03))
    return np.minimum(fitting.tailor.crew(fitting.rng.uniform(0.068, 0.082)), sleeve)


def long_sleeved_shirt(fitting: Fitting) -> Wear:
    """Return a T-shirt with long sleeves."""
    cloth = fitting.draper.jersey(SHIRTS)
    room = fitting.rng.uniform(0.006, 0.018)
    return [_top(fitting, "long_sleeved_shirt", _long_sleeved(fitting), room, cloth)]


def blouse(fitting: Fitting) -> Wear:
    """Return a shirt with a collar, its sleeves sometimes rolled up."""
    tailor, rng = fitting.tailor, fitting.rng
    cloth = fitting.draper.woven(BLOUSES)
    sleeve = tailor.sleeved(tailor.reach - (0.0 if rng.random() < 0.6 else rng.uniform(0.12, 0.3)))
    field = np.minimum(tailor.vee(0.066, rng.uniform(0.03, 0.08)), sleeve)
    top = _top(fitting, "blouse", field, rng.uniform(0.01, 0.022), cloth)
    away = np.linalg.norm(tailor.mannequin.mean - tailor.head("neck1"), axis=1)
    band = np.minimum.reduce([tailor.collar(0.03), 0.092 - away, tailor.open_front(0.03, 0.045)])
    collar = Sheet("collar", band, np.full(len(away), 0.005), cloth, rounds=40)
    return [top, collar]


def sweater(fitting: Fitting) -> Wear:
    """Return thick knitwear, sometimes with a high collar."""
    tailor, rng = fitting.tailor, fitting.rng
    cloth = fitting.draper.knitted(SWEATERS)
    field = _long_sleeved(fitting)
    if rng.random() < 0.25:
        field = np.minimum(tailor.collar(0.045), tailor.sleeved(tailor.reach))
    return [_top(fitting, "sweater", field, rng.uniform(0.014, 0.03), cloth)]


def hoodie(fitting: Fitting) -> Wear:
    """Return a thick top with a hood that hangs down."""
    cloth = fitting.draper.jersey(SHIRTS)
    top = _top(fitting, "hoodie", _long_sleeved(fitting), fitting.rng.uniform(0.016, 0.03), cloth)
    hood = neck_tube(fitting.tailor, 0.075, (0.02, 0.05), (0.014, 0.075), 0.04, 0.05)
    return [top, Solid("hood", hood, cloth, np.full(len(top.field), -1.0))]


def jacket(fitting: Fitting) -> Wear:
    """Return a jacket, open in front."""
    tailor, rng = fitting.tailor, fitting.rng
    gap = tailor.open_front(rng.uniform(0.06, 0.16), rng.uniform(0.06, 0.13))
    sleeve = tailor.sleeved(tailor.reach - rng.uniform(-0.005, 0.02))
    field = np.minimum.reduce([tailor.crew(0.084), sleeve, gap])
    makers = (fitting.draper.twill, fitting.draper.woven, fitting.draper.knitted)
    cloth = makers[rng.integers(3)](PLAIN) if rng.random() < 0.75 else fitting.draper.leather()
    top = _top(replace(fitting, tucked=False), "jacket", field, rng.uniform(0.016, 0.03), cloth)
    return [top]


def _trousers(
    fitting: Fitting, name: str, room: float, wide: float, stop: float, cloth: Material
) -> Wear:
    tailor = fitting.tailor
    waist = WAIST + fitting.rng.uniform(-0.03, 0.04)
    down = tailor.lower("thigh_twist_left", "foot_left")
    height = room + wide * down
    return [Sheet(name, tailor.between(stop, waist), height, cloth, rounds=30, hem=0.015)]


def trousers(fitting: Fitting) -> Wear:
    """Return straight trousers."""
    rng, draper = fitting.rng, fitting.draper
    room, wide = rng.uniform(0.008, 0.016), rng.uniform(0.008, 0.025)
    cloth = draper.twill(TROUSERS)
    return _trousers(fitting, "trousers", room, wide, rng.uniform(0.055, 0.09), cloth)


def jeans(fitting: Fitting) -> Wear:
    """Return trousers of denim, tight or straight."""
    rng = fitting.rng
    room, wide = rng.uniform(0.005, 0.012), rng.uniform(0.0, 0.024)
    stop = rng.uniform(0.055, 0.095)
    return _trousers(fitting, "jeans", room, wide, stop, fitting.draper.denim())


def wide_trousers(fitting: Fitting) -> Wear:
    """Return wide trousers."""
    rng = fitting.rng
    room, wide = rng.uniform(0.014, 0.022), rng.uniform(0.03, 0.05)
    cloth = fitting.draper.twill(TROUSERS)
    return _trousers(fitting, "wide_trousers", room, wide, rng.uniform(0.05, 0.065), cloth)


def leggings(fitting: Fitting) -> Wear:
    """Return tight trousers."""
    cloth = fitting.draper.jersey(PLAIN)
    return _trousers(fitting, "leggings", 0.003, 0.001, fitting.rng.uniform(0.09, 0.25), cloth)


def shorts(fitting: Fitting) -> Wear:
    """Return shorts, to above the knee or just below it."""
    rng, draper = fitting.rng, fitting.draper
    cloth = draper.denim() if rng.random() < 0.3 else draper.twill(TROUSERS)
    room, wide = rng.uniform(0.009, 0.016), rng.uniform(0.04, 0.12)
    return _trousers(fitting, "shorts", room, wide, rng.uniform(0.45, 0.66), cloth)


def cycling_shorts(fitting: Fitting) -> Wear:
    """Return tight shorts, to the middle of the thigh or just above the knee."""
    cloth = fitting.draper.jersey(PLAIN)
    return _trousers(fitting, "cycling_shorts", 0.003, 0.0, fitting.rng.uniform(0.52, 0.66), cloth)


def _skirted(fitting: Fitting, name: str, room: float, cloth: Material) -> Solid:
    tailor, rng = fitting.tailor, fitting.rng
    hem = rng.uniform(0.3, 0.66)
    cut = SkirtCut(
        waist=WAIST + 0.05,
        hem=hem,
        room=room,
        flare=rng.uniform(0.02, 0.22),
        folds=int(rng.integers(5, 13)),
        depth=rng.uniform(0.0, 0.022),
        phase=rng.uniform(0, 2 * np.pi),
    )
    return Solid(name, skirt(tailor, cut), cloth, tailor.between(hem + 0.06, cut.waist - 0.02))


def skirted(fitting: Fitting) -> Wear:
    """Return a skirt that ends above or below the knees."""
    draper = fitting.draper
    cloth = draper.denim() if fitting.rng.random() < 0.2 else draper.woven(DRESSES)
    return [_skirted(fitting, "skirt", _room_at_waist(fitting, fitting.taken), cloth)]


def gown(fitting: Fitting) -> Wear:
    """Return a dress: a bodice with or without sleeves, and a skirt of the same cloth."""
    tailor, rng = fitting.tailor, fitting.rng
    cloth = fitting.draper.woven(DRESSES)
    sleeves = rng.choice(["none", "short", "long"], p=[0.4, 0.4, 0.2])
    length = {"none": 0.0, "short": rng.uniform(0.09, 0.2), "long": tailor.reach}[str(sleeves)]
    arm = tailor.sleeved(length) if length else tailor.sleeveless(0.0)
    field = np.minimum(tailor.crew(rng.uniform(0.075, 0.095), rng.uniform(0, 0.05)), arm)
    bodice = _top(replace(fitting, tucked=True), "bodice", field, rng.uniform(0.005, 0.012), cloth)
    room = _room_at_waist(fitting, np.maximum(bodice.height, fitting.taken))
    return [bodice, _skirted(fitting, "dress", room, cloth)]


def _room_at_waist(fitting: Fitting, height: Floats) -> float:
    near = (np.abs(fitting.tailor.z - WAIST) < 0.06) & (fitting.tailor.arms < 0.3)
    return TIGHT + float(np.quantile(height[near], 0.9))


def belt(fitting: Fitting) -> Wear:
    """Return a strap around the waist."""
    height = fitting.taken + 0.004
    field = fitting.tailor.between(WAIST - 0.035, WAIST)
    return [Sheet("belt", field, height, fitting.draper.leather(), rounds=40, hem=0.006)]


def socks(fitting: Fitting) -> Wear:
    """Return socks that come out of shoes."""
    tailor, rng = fitting.tailor, fitting.rng
    field = tailor.between(0.05, rng.uniform(0.12, 0.3))
    cloth = fitting.draper.jersey({"plain": 3, "stripes": 1})
    return [Sheet("socks", field, np.full(len(field), 0.0025), cloth, rounds=5, hem=0.005)]


def _pair(fitting: Fitting, name: str, top: float, room: float, material: Material) -> Wear:
    tailor = fitting.tailor
    away = np.where(tailor.z < 0.4, top - tailor.z, -1.0)
    field = np.where(tailor.arms > 0.5, -1.0, away)
    return [
        Solid(f"{name}_{side}", shoe(tailor, side, top, room), material, field)
        for side in ("left", "right")
    ]


def sneakers(fitting: Fitting) -> Wear:
    """Return low shoes."""
    rng, draper = fitting.rng, fitting.draper
    sole = Plain(rgb(225, 223, 215) if rng.random() < 0.7 else rgb(40, 38, 36))
    upper = draper.muted() if rng.random() < 0.7 else Plain(rgb(30, 30, 32))
    texture = Blend(Along((0.0, 0.0, 1.0), SOLE - 0.001, SOLE + 0.001), sole, upper)
    laced = Blend(Laces(float(fitting.tailor.head("foot_left")[0])), texture, sole)
    cloth = Material(laced, None, 0.05, 15.0)
    return _pair(fitting, "sneaker", rng.uniform(0.07, 0.09), rng.uniform(0.004, 0.007), cloth)


def boots(fitting: Fitting) -> Wear:
    """Return high shoes of leather."""
    leather = fitting.draper.leather()
    sole = Plain(rgb(30, 27, 25))
    texture = Blend(Along((0.0, 0.0, 1.0), SOLE - 0.001, SOLE + 0.001), sole, leather.texture)
    cloth = replace(leather, texture=texture)
    return _pair(fitting, "boot", fitting.rng.uniform(0.12, 0.2), 0.006, cloth)


def scarf(fitting: Fitting) -> Wear:
    """Return a thick ring around the neck."""
    cloth = fitting.draper.knitted({"plain": 2, "plaid": 2, "stripes": 1})
    ring = neck_tube(fitting.tailor, 0.068, (0.036, 0.028), (0.042, 0.036), 0.035, 0.16)
    return [Solid("scarf", ring, cloth, np.full(len(fitting.taken), -1.0))]


def _scalp(fitting: Fitting, low: float) -> Floats:
    tailor = fitting.tailor
    crown = tailor.mannequin.mean[:, 2].max()
    return np.asarray(tailor.z + 0.38 * tailor.y - (crown - low))


def beanie(fitting: Fitting) -> Wear:
    """Return a knitted cap."""
    field = _scalp(fitting, fitting.rng.uniform(0.09, 0.11))
    cloth = fitting.draper.knitted({"plain": 3, "stripes": 1})
    return [Sheet("beanie", field, np.full(len(field), 0.016), cloth, rounds=40)]


def swimming_cap(fitting: Fitting) -> Wear:
    """Return a tight cap of one colour."""
    field = _scalp(fitting, fitting.rng.uniform(0.1, 0.13))
    cloth = Material(fitting.draper.plain(), None, 0.04, 20.0)
    return [Sheet("swimming_cap", field, np.full(len(field), 0.006), cloth, rounds=40)]


def cap(fitting: Fitting) -> Wear:
    """Return a cap with a visor."""
    low = fitting.rng.uniform(0.085, 0.1)
    field = _scalp(fitting, low)
    texture = fitting.draper.plain()
    cloth = Material(texture, None, 0.03, 8.0)
    brim = Material(texture if fitting.rng.random() < 0.6 else fitting.draper.plain(), None, 0.03)
    crown = Sheet("cap", field, np.full(len(field), 0.013), cloth, rounds=40)
    shade = visor(fitting.tailor, field, 0.013)
    return [crown, Solid("visor", shade, brim, np.full(len(field), -1.0))]


KINDS: dict[str, Callable[[Fitting], Wear]] = {
    "t_shirt": t_shirt,
    "tank_top": tank_top,
    "long_sleeved_shirt": long_sleeved_shirt,
    "blouse": blouse,
    "sweater": sweater,
    "hoodie": hoodie,
    "jacket": jacket,
    "trousers": trousers,
    "jeans": jeans,
    "wide_trousers": wide_trousers,
    "leggings": leggings,
    "shorts": shorts,
    "cycling_shorts": cycling_shorts,
    "skirt": skirted,
    "dress": gown,
    "belt": belt,
    "socks": socks,
    "sneakers": sneakers,
    "boots": boots,
    "scarf": scarf,
    "beanie": beanie,
    "cap": cap,
    "swimming_cap": swimming_cap,
}
"""Everything that can be worn, by name."""
