"""A quadruped as a subject: what it does, its habits, and how it stands."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import RATE, Score, wandering
from mvboot.synthetic.studio.motion.figure import Figure
from mvboot.synthetic.studio.motion.paths import roaming_path
from mvboot.synthetic.studio.motion.performance import Keys, Performer, grounded, sequence
from mvboot.synthetic.studio.motion.quadruped_gaits import ACTIVITIES
from mvboot.synthetic.studio.motion.quadruped_pose import (
    LEGS,
    NECK,
    SPINE,
    TAIL,
    QuadrupedPoser,
    middle,
    paw,
)
from mvboot.synthetic.studio.motion.stage import Stage

Floats = NDArray[np.float64]

BONES = (
    "pelvis",
    *SPINE,
    *NECK,
    "head",
    *TAIL,
    *(f"{bone}_{side}" for bones, side in LEGS for bone in bones),
    *("ear_left", "ear_right"),
)
"""Bones without which a template is no quadruped."""
IDLE = {"shift": 0.003, "spine": 0.8, "neck": 3.0, "head": 3.0, "tail": 7.0, "ears": 4.0}
"""How much it is never still: metres and degrees, standard deviation."""


def perform(
    figure: Figure, seconds: float, radius: float, gait: str | None, rng: np.random.Generator
) -> Keys:
    """Return the key poses of a quadruped that does something for ``seconds``."""
    stage = animal(figure, radius, rng)
    score = sequence(stage, ACTIVITIES, gait, seconds, rng)
    _enliven(score, rng)
    return grounded(figure, Keys(*QuadrupedPoser(stage).posed(score)), score["air"])


def animal(figure: Figure, radius: float, rng: np.random.Generator) -> Stage:
    """Return a stage for a quadruped with habits of chance."""
    soles = np.array([paw(figure, f"{bones[-1]}_{side}").seat for bones, side in LEGS])
    seats = np.stack([soles[:, 0], middle(figure) - soles[:, 1]], axis=1)
    leg = float(figure.head("thigh_left")[2])
    style = {
        "neck": rng.uniform(-10.0, 22.0),
        "nod": rng.uniform(-5.0, 15.0),
        "tail": rng.uniform(-10.0, 40.0),
        "ears": rng.uniform(-12.0, 10.0),
    }
    path = roaming_path(max(0.5 * radius, radius - 0.5 * leg), rng)
    return Stage(figure, path, leg, seats, np.zeros(4), style)


def _enliven(score: Score, rng: np.random.Generator) -> None:
    """Add the little movements of an animal that is never still, and a slow sway of its tail."""
    times = np.arange(len(score["along"])) / RATE
    for name, size in IDLE.items():
        drift = wandering(times, score[name].shape[1], 0.15, 0.9, rng)
        score[name] = score[name] + size * drift
    score["tail"][:, 1] += rng.uniform(0, 14) * np.sin(2 * np.pi * rng.uniform(0.8, 2.2) * times)


QUADRUPED = Performer(BONES, tuple(ACTIVITIES), perform)
