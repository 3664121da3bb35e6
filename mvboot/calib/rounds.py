"""Bundle adjustment in rounds: robust first, outliers taken out, the last good state kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.bundle import Bundle, Held, Observations, adjust

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_ROUNDS = 4
OUTLIER_SIGMAS = 4.0
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
        """Root mean square length of the residuals that counted, in px."""
        return rms(self.residuals[self.used])


def adjust_in_rounds(start: Bundle, observations: Observations, held: Held) -> Adjusted:
    """Adjust a bundle while wrong observations are recognised and left out.

    The first round has a Cauchy loss as wide as the start is wrong. Then whatever lies beyond
    4 sigma (sigma from the median, so wrong ones do not widen it) is left out, least squares are
    solved with the rest, and so on until the choice settles. A round that fails, returns a number
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
    """Return the root mean square length of residuals (N, 2); NaN for none."""
    return float(np.sqrt((residuals**2).sum(-1).mean())) if len(residuals) else float("nan")


def _state(
    bundle: Bundle, observations: Observations, used: Mask, rounds: tuple[Round, ...]
) -> Adjusted:
    residuals = bundle.residuals(observations)
    length = np.linalg.norm(residuals, axis=-1)
    finite = np.isfinite(length)
    limit = OUTLIER_SIGMAS * _sigma(residuals[used])
    good = finite & (length <= limit) if rounds or not used.all() else finite
    reached = Round(rms(residuals[used & finite]), int((used & finite).sum()))
    return Adjusted(bundle, good, residuals, (*rounds, reached))


def _sigma(residuals: Floats) -> float:
    """Return the standard deviation per axis in px, from the median length."""
    length = np.linalg.norm(residuals, axis=-1)
    length = length[np.isfinite(length)]
    median = float(np.median(length)) if len(length) else 0.0
    return max(median / RAYLEIGH_MEDIAN, SMALLEST_SIGMA_PX)


def _ended(state: Adjusted, why: str) -> Adjusted:
    return Adjusted(state.bundle, state.used, state.residuals, state.rounds, why)
