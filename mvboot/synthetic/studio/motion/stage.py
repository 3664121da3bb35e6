"""Where and by whom something is done: figure, path, and how feet go along it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import RATE, Score
from mvboot.synthetic.studio.motion.figure import Figure
from mvboot.synthetic.studio.motion.paths import Path
from mvboot.synthetic.studio.motion.steps import FootTrack, Pace, Tread, paced, tracks

Floats = NDArray[np.float64]

GRAVITY = 9.81
SIDEWAYS = 3.0
"""Greatest acceleration sideways in a curve, m/s^2."""


@dataclass(frozen=True)
class Stage:
    """What an activity needs to know.

    Parameters
    ----------
    figure
        Who moves.
    path
        The curve that it follows.
    leg
        Length of a leg, metres.
    seats, toe_out
        Where the n feet stand, left of and ahead of the subject (n, 2), metres, and how far they
        are turned to the left (n,), degrees.
    style
        The subject's habits, by name.
    """

    figure: Figure
    path: Path
    leg: float
    seats: Floats
    toe_out: Floats
    style: dict[str, float]

    def times(self, seconds: float) -> Floats:
        """Return the times (T,) of an activity, from 0."""
        return np.arange(max(2, round(seconds * RATE))) / RATE

    def ahead(self, along: float) -> Floats:
        """Return the unit vector (2,) of the way ahead where the subject has come so far."""
        heading = float(self.path.heading(np.array(along)))
        return np.array([np.sin(heading), -np.cos(heading)])

    def pace(self, start: float, speed: float, cycles: float, seconds: float) -> Pace:
        """Return a way along the path, slower where the path is too tight for the speed."""
        fastest = np.sqrt(SIDEWAYS * self.path.tightest)
        share = min(1.0, fastest / speed)
        return paced(start, speed * share, cycles * np.sqrt(share), seconds)

    def tracks(self, pace: Pace, tread: Tread) -> list[FootTrack]:
        """Return what each foot does."""
        return tracks(pace, tread, self.path)

    def feet(self, along: float, count: int) -> Score:
        """Return the channels of feet that stand where the subject has come ``along`` metres."""
        ahead = along + self.seats[:, 1]
        heading = self.path.heading(ahead)
        to_left = np.stack([np.cos(heading), np.sin(heading)], axis=1)
        place = self.path.at(ahead) + self.seats[:, :1] * to_left
        still = {
            "along": np.array(along),
            "place": place,
            "yaw": np.degrees(heading) + self.toe_out,
            "pitch": np.zeros(len(ahead)),
            "lift": np.zeros(len(ahead)),
            "air": np.array(0.0),
        }
        return {name: np.repeat(value[None], count, axis=0) for name, value in still.items()}

    def lean(self, pace: Pace) -> tuple[Floats, Floats]:
        """Return the lean to the right (T,) in curves and the path's turn (T,) per s, degrees."""
        turning = np.gradient(self.path.heading(pace.along), pace.times)
        speed = np.gradient(pace.along, pace.times)
        return -np.degrees(np.arctan(turning * speed / GRAVITY)), np.degrees(turning)
