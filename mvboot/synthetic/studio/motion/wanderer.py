"""Any skeleton as a subject: all joints move slowly at random while it wanders about."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import RATE, wandering
from mvboot.synthetic.studio.motion.figure import Figure, rodrigues, turned_about
from mvboot.synthetic.studio.motion.paths import roaming_path
from mvboot.synthetic.studio.motion.performance import Keys, Performer, grounded

Floats = NDArray[np.float64]

WIDEST = np.radians(40.0)
"""Farthest that a joint turns from rest, where its limits are wider."""
SHARE = 0.75
"""Of its way to a limit that a joint uses."""
SLOWEST, FASTEST = 0.15, 0.8
"""Band of the movements, Hz."""


def perform(
    figure: Figure, seconds: float, radius: float, gait: str | None, rng: np.random.Generator
) -> Keys:
    """Return the key poses of a figure that wanders; ``gait`` says nothing here."""
    times = np.arange(round(seconds * RATE)) / RATE
    skeleton = figure.skeleton
    bones = len(skeleton.names)
    swing = SHARE * np.tanh(wandering(times, 3 * bones, SLOWEST, FASTEST, rng))
    low, high = np.clip(np.moveaxis(skeleton.limits, -1, 0), -WIDEST, WIDEST)
    swing = swing.reshape(len(times), bones, 3)
    rotations = (high + low) / 2 + swing * (high - low) / 2
    path = roaming_path(radius, rng)
    size = float(np.ptp(figure.rest, axis=0).max())
    speed = min(rng.uniform(0.2, 0.6) * size, 0.4 * radius)
    hurry = 1 + 0.6 * np.tanh(wandering(times, 1, 0.05, 0.3, rng)[:, 0])
    along = rng.uniform(0, path.length) + np.cumsum(speed * hurry) / RATE
    sway = np.radians(4) * np.tanh(wandering(times, 2, SLOWEST, FASTEST, rng))
    turn = turned_about(2, path.heading(along)) @ turned_about(0, sway[:, 0])
    turn = turn @ turned_about(1, sway[:, 1]) @ upright(figure)
    axes = skeleton.axes[0]
    rotations[:, 0] = rodrigues(axes.T @ turn @ axes)
    root = np.concatenate([path.at(along), np.full((len(times), 1), size)], axis=1)
    return grounded(figure, Keys(rotations, root), np.zeros(len(times)))


def upright(figure: Figure) -> Floats:
    """Return the rotation (3, 3) that stands the rest pose upright, looking along -y."""
    up = _axis(figure.template.up or "z")
    ahead = _axis(figure.template.forward or "-y")
    if abs(up @ ahead) > 0.5:
        ahead = np.roll(up, 1)
    return np.stack([np.cross(up, ahead), -ahead, up])


def _axis(name: str) -> Floats:
    sign = -1.0 if name.startswith("-") else 1.0
    return np.asarray(sign * np.eye(3)["xyz".index(name[-1])])


WANDERER = Performer((), ("wander",), perform)
