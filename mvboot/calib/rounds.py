"""Bundle adjustment in rounds: robust first, outliers taken out, the last good state kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.bundle import Bundle, Held, Observations, adjust

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_ROUNDS = 4
OUTLIER_SIGMAS = 4.0
OUTLIER_PICTURE = 2.5
"""Median error of a picture, over that of the median picture, beyond which it is left out."""

RAYLEIGH_MEDIAN = 1.1774
"""Median length of a 2D error with 1 px standard deviation per axis."""

SMALLEST_SIGMA_PX = 0.05
SETTLED = 0.001
"""Share of the observations that may still change sides in the last round."""

WORSE = 1.001


@dataclass(frozen=True)
class Round:
    """One adjustment: error of the observations that counted, and how many there were."""

    rms_px: float
    used: int


@dataclass(frozen=True)
class Adjusted:
    """The end of the rounds.

    Parameters
    ----------
    bundle
        The last state that was finite and no worse than the one before.
    used
        Which observations counted (N,).
    residuals
        Projection minus observation (N, 2) in px, of all observations.
    rounds
        What each round reached.
    trouble
        Why the rounds stopped early, or None.
    """

    bundle: Bundle
    used: Mask
    residuals: Floats
    rounds: tuple[Round, ...]
    trouble: str | None = None

    @property
    def rms_px(self) -> float:
        """Root mean square of the residuals that counted, in px per axis."""
        return rms(self.residuals[self.used])


def adjust_in_rounds(start: Bundle, observations: Observations, held: Held) -> Adjusted:
    """Adjust a bundle while wrong observations are recognised and left out.

    The first round has a Cauchy loss as wide as the start is wrong. Then observations beyond
    4 sigma (sigma from the median, so wrong ones do not widen it) and pictures that are wrong as
    a whole are left out, least squares are solved with the rest, and so on until the choice
    settles. A round that fails, returns a number
    that is not finite, or makes the error larger is undone and ends the rounds.
    """
    state = _state(start, observations, np.ones(len(observations), np.bool_), ())
    loss_px: float | None = max(1.0, 2 * _sigma(state.residuals))
    for number in range(MAX_ROUNDS):
        solved = adjust(state.bundle, observations.where(state.used), held, loss_px)
        if solved is None:
            return _ended(state, f"round {number + 1} found no finite solution")
        following = _state(solved, observations, state.used, state.rounds)
        if number > 0 and not following.rms_px <= WORSE * state.rms_px:
            return _ended(state, f"round {number + 1} made the error larger")
        changed = float((following.used != state.used).mean())
        state = following
        if number > 0 and changed <= SETTLED:
            break
        loss_px = None
    return state


def rms(residuals: Floats) -> float:
    """Return the root mean square of residuals (N, 2) per axis; NaN for none.

    It estimates the noise of a coordinate. OpenCV's figure is the length, 1.41 times as large.
    """
    return float(np.sqrt((residuals**2).mean())) if len(residuals) else float("nan")


def _state(
    bundle: Bundle, observations: Observations, used: Mask, rounds: tuple[Round, ...]
) -> Adjusted:
    residuals = bundle.residuals(observations)
    length = np.linalg.norm(residuals, axis=-1)
    finite = np.isfinite(length)
    good = finite
    if rounds:
        good = finite & (length <= OUTLIER_SIGMAS * _sigma(residuals[used]))
        good &= _in_good_pictures(observations, length)
    reached = Round(rms(residuals[used & finite]), int((used & finite).sum()))
    return Adjusted(bundle, good, residuals, (*rounds, reached))


def _in_good_pictures(observations: Observations, length: Floats) -> Mask:
    """Return the observations (N,) in pictures that fit about as well as most.

    A picture that was blurred by motion, or of a board that moved between two cameras' exposures,
    is wrong as a whole, by a little everywhere.
    """
    cameras = int(observations.camera.max()) + 1
    picture = observations.instant * cameras + observations.camera
    names, place = np.unique(picture, return_inverse=True)
    finite = np.where(np.isfinite(length), length, np.inf)
    order = np.lexsort((finite, place))
    first = np.searchsorted(place[order], np.arange(len(names) + 1))
    typical = finite[order[(first[:-1] + first[1:] - 1) // 2]]  # the median of each picture
    limit = max(OUTLIER_PICTURE * float(np.median(typical)), SMALLEST_SIGMA_PX)
    return np.asarray((typical <= limit)[place])


def _sigma(residuals: Floats) -> float:
    """Return the standard deviation per axis in px, from the median length."""
    length = np.linalg.norm(residuals, axis=-1)
    length = length[np.isfinite(length)]
    median = float(np.median(length)) if len(length) else 0.0
    return max(median / RAYLEIGH_MEDIAN, SMALLEST_SIGMA_PX)


def _ended(state: Adjusted, why: str) -> Adjusted:
    return Adjusted(state.bundle, state.used, state.residuals, state.rounds, why)
