"""Feet on the floor: where the bones of a foot are when its sole stands, rolls or is lifted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.figure import turned_about

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sole:
    """A foot that rolls over its heel and its ball.

    Parameters
    ----------
    seat
        (2,) the point of the flat sole that its place means, in the rest pose, metres.
    heel, ball
        (3,) points on the floor, in the rest pose, that stay when the toes, or the heel, rise.
    points
        (m, 3) points of the foot to carry along.
    """

    seat: Floats
    heel: Floats
    ball: Floats
    points: Floats

    def carried(self, place: Floats, yaw: Floats, pitch: Floats, lift: Floats) -> Floats:
        """Return where the points are (T, m, 3).

        ``place`` (T, 2) and ``lift`` (T,) in metres, ``yaw`` and ``pitch`` (T,) in degrees: turned
        to the left, toes up (negative: heel up).
        """
        turn = turned_about(2, np.radians(yaw))
        roll = turn @ turned_about(0, -np.radians(pitch))
        pivot = np.where((pitch > 0)[:, None], self.heel, self.ball)
        base = np.concatenate([place, lift[:, None]], axis=1)
        seat = np.array([*self.seat, 0.0])
        base = base + (turn @ (pivot - seat)[..., None])[..., 0]
        arms = self.points[None] - pivot[:, None]
        return np.asarray(base[:, None] + (roll[:, None] @ arms[..., None])[..., 0])
