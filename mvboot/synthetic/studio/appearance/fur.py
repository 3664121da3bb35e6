"""Animals in their fur: a shell with tufts that break the outline, ears, a collar."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.mesh.normals import unit, vertex_normals
from mvboot.synthetic.studio.appearance.coats import sample_animal_coat
from mvboot.synthetic.studio.appearance.face import ramp
from mvboot.synthetic.studio.appearance.garment import Cloth, Mannequin, Patch, drape, sparse_rows
from mvboot.synthetic.studio.appearance.lofts import joined
from mvboot.synthetic.studio.appearance.look import Look, Piece
from mvboot.synthetic.studio.appearance.scalp import together
from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.textures.coloured import Plain, Shaded
from mvboot.synthetic.studio.textures.colours import rgb, sample_colour
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.template import Skeleton, Template, load_template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

FACE, PAWS = -0.40, 0.045
"""Where along y and z in metres fur stands off no more: nearer the nose, nearer the floor."""
BACKWARD, DOWNWARD = np.array([0.0, 1.0, -0.5]), np.array([0.0, 0.3, -1.0])
"""How fur lies on trunk and legs."""
LEGS = 0.33
"""Height in metres below which fur lies as on legs."""
MOST_TUFTS, TUFTS_PER_METRE = 2500, 160_000
"""How many tufts, and how many for a metre of length of the fur."""
EAR_ROWS, EAR_COLUMNS = 7, 7
COLLARED, COLLAR_CLEAR = 0.45, 0.004


class EarForm(NamedTuple):
    """An ear from the front: where it starts on the left, and how its middle line turns.

    ``base`` (3,) in metres on the mean head; angles in radians from upright, outwards, first
    ``start``, and ``bend`` more beyond the share ``bent_at`` of its length.
    """

    base: tuple[float, float, float]
    start: float
    bend: float
    bent_at: float


EARS = {
    "pricked": EarForm((0.046, -0.352, 0.765), 0.25, 0.0, 0.5),
    "floppy": EarForm((0.070, -0.352, 0.764), 1.0, 2.0, 0.15),
    "folded": EarForm((0.050, -0.352, 0.770), 0.35, 2.2, 0.5),
}


def is_quadruped(template: Template) -> bool:
    """Whether a template is the shipped quadruped."""
    return template.topology == load_template("quadruped").topology


def sample_animal(template: Template, shape: Floats, rng: np.random.Generator) -> Look:
    """Return the shipped quadruped of a shape (S,) in its fur, some with a collar."""
    coat = sample_animal_coat(template, rng)
    mannequin = Mannequin(template, shape)
    length = float(np.clip(rng.gamma(2.0, 0.005), 0.003, 0.026))
    height = fur_heights(mannequin.mean, length, rng)
    fur = fur_shell(mannequin, height)
    parts = [fur, tufts(fur, height_at(mannequin, fur, height), length, rng)]
    kind = str(rng.choice(list(EARS)))
    parts += [ear(mannequin, side, kind, rng_again) for side, rng_again in _twins(rng)]
    pieces = [together(parts).piece("fur", coat)]
    if rng.random() < COLLARED:
        pieces.append(collar(mannequin, height, rng))
    return Look(coat, np.ones(len(template.faces), dtype=bool), tuple(pieces))


def fur_heights(places: Floats, length: float, rng: np.random.Generator) -> Floats:
    """Return how far fur stands off in metres (V,) at places (V, 3) on the mean rest pose."""
    x, y, z = places.T
    tail = rng.uniform(0.8, 2.2) * ramp(y, 0.29, 0.40)
    ruff = rng.uniform(0.0, 0.9) * ramp(-y, 0.16, 0.26) * ramp(z, 0.30, 0.40)
    legs = 1 - 0.65 * ramp(z, LEGS, 0.18)
    free = ramp(y, FACE, -0.27) * ramp(z, PAWS, PAWS + 0.06)
    clumps = 0.6 + 0.8 * Noise(int(rng.integers(1 << 30)), 0.07, 3)(places)
    inside = 1 - 0.6 * ramp(np.abs(x), 0.05, 0.02) * ramp(z, 0.42, 0.3)
    return np.asarray(0.0012 + length * free * legs * inside * (1 + tail + ruff) * clumps)


def fur_shell(mannequin: Mannequin, height: Floats) -> Cloth:
    """Return the outside of the fur at heights (V,), all but face and paws."""
    mean = mannequin.mean
    field = np.minimum(mean[:, 1] - FACE, mean[:, 2] - PAWS)
    return drape(mannequin, Patch.cut(mannequin.template.faces, field), height, 2, 0.0)


def height_at(mannequin: Mannequin, fur: Cloth, height: Floats) -> Floats:
    """Return the heights (W,) at a shell's vertices: those of the template's nearest vertices."""
    nearest = cKDTree(mannequin.mean).query(fur.places)[1]
    return np.asarray(height[nearest])


def tufts(fur: Cloth, height: Floats, length: float, rng: np.random.Generator) -> Cloth:
    """Return pointed tufts on a shell whose fur is of a height (W,): they break its outline."""
    count = int(min(MOST_TUFTS, 900 + TUFTS_PER_METRE * length))
    corners = fur.vertices[fur.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    chance = np.linalg.norm(across, axis=1) * (height[fur.faces].mean(1) + 0.002)
    face = rng.choice(len(fur.faces), count, p=chance / chance.sum())
    share = rng.dirichlet(np.ones(3), count)
    rows = fur.faces[face]
    root, place, deep = (
        np.einsum("nk,nk...->n...", share, values[rows])
        for values in (fur.vertices, fur.places, height)
    )
    normal = unit(np.einsum("nk,nkd->nd", share, vertex_normals(fur.vertices, fur.faces)[rows]))
    flow = np.where(place[:, 2:] > LEGS, BACKWARD, DOWNWARD)
    flow = flow + 0.35 * rng.standard_normal(flow.shape)
    flow = unit(flow - (flow * normal).sum(1, keepdims=True) * normal)
    side = np.cross(normal, flow)
    long = ((0.012 + 1.3 * deep) * rng.uniform(0.6, 1.4, count))[:, None]
    wide = (0.0035 + 0.16 * long) * rng.uniform(0.7, 1.3, (count, 1))
    lift = rng.uniform(0.05, 0.4, (count, 1))
    moves = np.stack([wide * side, -wide * side, long * (flow + lift * normal)], 1)
    sunk = root - 0.001 * normal
    weights = np.einsum("nk,nkb->nb", share, fur.weights.toarray()[rows])
    return Cloth(
        (sunk[:, None] + moves).reshape(-1, 3),
        np.arange(3 * count).reshape(-1, 3),
        sparse_rows(np.repeat(weights, 3, axis=0)),
        (place[:, None] + moves).reshape(-1, 3),
    )


def ear(mannequin: Mannequin, side: str, kind: str, rng: np.random.Generator) -> Cloth:
    """Return an ear, "left" or "right": "pricked", "floppy", or "folded" half way."""
    template, sign = mannequin.template, 1.0 if side == "left" else -1.0
    points = list(template.keypoints).index(f"ear_{side}")
    moved = (template.landmarks(mannequin.rest) - template.landmarks(mannequin.mean))[points]
    form = EARS[kind]
    bend = form.bend * rng.uniform(0.95, 1.05)
    length, wide = rng.uniform(0.085, 0.125), rng.uniform(0.024, 0.034)
    share = np.linspace(0, 1, EAR_ROWS)
    turn = form.start + bend * ramp(share, form.bent_at - 0.12, form.bent_at + 0.3)
    steps = np.stack([np.sin(turn), 0.15 + 0 * turn, np.cos(turn)], -1) * length / (EAR_ROWS - 1)
    spine = np.array(form.base) + np.cumsum(steps, axis=0)
    out = np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], -1)
    round_tip = np.sqrt(np.clip(1 - share**2, 0, 1)) if kind == "floppy" else 1 - share**1.6
    half = wide * np.maximum(round_tip, 0.04) * (0.85 + 0.3 * share)
    across = np.linspace(-1, 1, EAR_COLUMNS)
    flat = half[:, None, None] * across[:, None] * np.array([0.25, 1.0, 0.0])
    cup = (0.35 * half[:, None] * (1 - across**2))[..., None] * out[:, None]
    vertices = (spine[:, None] + flat + cup).reshape(-1, 3) * [sign, 1, 1]
    weights = np.zeros((len(vertices), len(_skeleton(template).names)))
    hold = np.repeat(ramp(share, 0.0, 0.4), EAR_COLUMNS)
    weights[:, _skeleton(template).index("head")] = 1 - hold
    weights[:, _skeleton(template).index(f"ear_{side}")] = hold
    faces = joined(EAR_ROWS, EAR_COLUMNS, closed=False)
    # the side that is seen must be the outer one, or it would lie in shade
    outer = faces if (kind == "pricked") == (side == "left") else faces[:, ::-1]
    return Cloth(vertices + moved, outer, sparse_rows(weights), vertices)


def collar(mannequin: Mannequin, height: Floats, rng: np.random.Generator) -> Piece:
    """Return a collar around the neck, over fur of a height (V,)."""
    skeleton = _skeleton(mannequin.template)
    low, high = (skeleton.heads[skeleton.index(bone)] for bone in ("neck1", "head"))
    axis = unit(high - low)
    at = low + rng.uniform(0.55, 0.75) * (high - low)
    away = mannequin.mean - at
    field = rng.uniform(0.010, 0.017) - np.abs(away @ axis)
    field = np.where(np.linalg.norm(away, axis=1) < 0.16, field, -1.0)
    patch = Patch.cut(mannequin.template.faces, field)
    band = drape(mannequin, patch, height + COLLAR_CLEAR, 10, 0.003)
    colour = sample_colour(rng) if rng.random() < 0.6 else rgb(150, 30, 32)
    worn = Shaded(Plain(colour), Noise(int(rng.integers(1 << 30)), 0.02, 3), 0.75, 1.05)
    return band.piece("collar", Material(worn, None, 0.08, 25.0))


def _skeleton(template: Template) -> Skeleton:
    assert template.skeleton is not None
    return template.skeleton


def _twins(rng: np.random.Generator) -> list[tuple[str, np.random.Generator]]:
    """Return both sides, each with the same random numbers."""
    seed = int(rng.integers(1 << 30))
    return [(side, np.random.default_rng(seed)) for side in ("left", "right")]
