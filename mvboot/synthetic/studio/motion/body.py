"""A person as a subject: what they do, their habits, and how they stand."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.actions import ACTIONS, balance
from mvboot.synthetic.studio.motion.body_pose import ARM, LEG, NECK, SPINE, BodyPoser
from mvboot.synthetic.studio.motion.curves import RATE, Score, wandering
from mvboot.synthetic.studio.motion.figure import Figure
from mvboot.synthetic.studio.motion.gaits import run, walk
from mvboot.synthetic.studio.motion.paths import roaming_path
from mvboot.synthetic.studio.motion.performance import Activity, Keys, Performer, grounded, sequence
from mvboot.synthetic.studio.motion.stage import Stage

Floats = NDArray[np.float64]

ACTIVITIES = {
    "walk": Activity(walk, (3.5, 6.0), goes=True),
    "run": Activity(run, (3.5, 5.5), goes=True),
    **{name: Activity(score, (3.2, 5.0)) for name, score in ACTIONS.items()},
    "balance": Activity(balance, (3.2, 5.0), by_name=True),
}
BONES = (
    "pelvis",
    *SPINE,
    *NECK,
    *(f"{bone}_{side}" for side in ("left", "right") for bone in (*LEG, "toes", *ARM, "hand")),
)
"""Bones without which a template is no person."""
IDLE = {"shift": 0.006, "pelvis": 0.7, "spine": 1.2, "neck": 2.2, "arms": 2.0, "hands": 3.0}
"""How much a person is never still: metres and degrees, standard deviation."""


def perform(
    figure: Figure, seconds: float, radius: float, gait: str | None, rng: np.random.Generator
) -> Keys:
    """Return the key poses of a person who does something for ``seconds``."""
    stage = person(figure, radius, rng)
    score = sequence(stage, ACTIVITIES, gait, seconds, rng)
    _enliven(score, rng)
    return grounded(figure, Keys(*BodyPoser(stage).posed(score)), score["air"])


def person(figure: Figure, radius: float, rng: np.random.Generator) -> Stage:
    """Return a stage for a person with habits of chance."""
    leg = float(figure.head("thigh_left")[2])
    stance, out = rng.uniform(0.085, 0.125), rng.uniform(3.0, 14.0)
    style = {
        "arm_out": _clear_of_hips(figure) + rng.uniform(2.0, 9.0),
        "arm_ahead": rng.uniform(-4.0, 6.0),
        "elbow": rng.uniform(12.0, 28.0),
        "curl": rng.uniform(20.0, 42.0),
        "stoop": rng.uniform(-3.0, 9.0),
        "nod": rng.uniform(-6.0, 8.0),
        "track": rng.uniform(0.45, 0.8),
        "uneven": rng.uniform(-0.2, 0.2),
    }
    seats = np.array([[stance, -0.02], [-stance, -0.02]])
    path = roaming_path(max(0.5 * radius, radius - 0.5 * leg), rng)
    return Stage(figure, path, leg, seats, np.array([out, -out]), style)


def _clear_of_hips(figure: Figure) -> float:
    """Return the angle, degrees, at which a hanging arm passes the hips."""
    hips = figure.skin("pelvis", "thigh_left", "thigh_right", "spine1")
    shoulder, elbow, hand = (figure.head(f"{b}_left") for b in ("upper_arm", "forearm", "hand"))
    arm = np.linalg.norm(elbow - shoulder) + np.linalg.norm(hand - elbow)
    width = np.abs(hips[:, 0]).max() + 0.035
    return float(np.degrees(np.arcsin(np.clip((width - shoulder[0]) / arm, 0.0, 0.5))))


def _enliven(score: Score, rng: np.random.Generator) -> None:
    """Add the little movements of a body that is never still."""
    times = np.arange(len(score["along"])) / RATE
    for name, size in IDLE.items():
        shape = score[name].shape
        drift = wandering(times, int(np.prod(shape[1:])), 0.1, 0.7, rng)
        score[name] = score[name] + size * drift.reshape(shape)


BODY = Performer(BONES, tuple(ACTIVITIES), perform)
