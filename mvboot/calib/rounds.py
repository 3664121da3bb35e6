"""Bundle adjustment in rounds: robust first, outliers taken out, the last good state kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.bundle import Bundle, Held, Observations
from mvboot.calib.folding import adjust_unfolded

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_ROUNDS = 5
ROBUST_ROUNDS = 2
LOSS_SIGMAS = 2.0
OUTLIER_SIGMAS = 4.0
MANY_PICTURES = 12
"""Pictures of a camera from which on whole ones may be left out; of few, each is needed."""

OUTLIER_PICTURE = 2.5
"""Median error of a picture, over its camera's median picture, beyond which it is left out."""

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

    The first round has a Cauchy loss as wide as the start is wrong, the second one as wide as the
    noise, so that what is wrong does not pull its neighbours along. Then observations beyond
    4 sigma (sigma from the median, so wrong ones do not widen it) and pictures that are wrong as
    a whole are left out, least squares are solved with the rest, and so on until the choice
    settles. A round that fails, returns a number that is not finite, or makes the error larger is
    undone and ends the rounds. A lens that is known at the start does not come to fold inside its
    picture (`folding`); one without any distortion is only about to be estimated.
    """
    known = {n: c for n, c in start.rig.cameras.items() if bool(c.lens.coefficients.any())}
    state = _state(start, observations, np.ones(len(observations), np.bool_), ())
    for number in range(MAX_ROUNDS):
        robust = number < ROBUST_ROUNDS
        loss_px = LOSS_SIGMAS * _sigma(state.residuals) if robust else None
        solved, _ = adjust_unfolded(
            state.bundle, observations.where(state.used), held, known, loss_px
        )
        if solved is None:
            return _ended(state, f"round {number + 1} found no finite solution")
        before, after = (rms(s.residuals(observations)[state.used]) for s in (state.bundle, solved))
        if not robust and not after <= WORSE * before:
            return _ended(state, f"round {number + 1} made the error larger")
        following = _state(solved, observations, state.used, state.rounds)
        changed = float((following.used != state.used).mean())
        state = following
        if not robust and changed <= SETTLED:
            break
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
    if len(rounds) >= ROBUST_ROUNDS:
        good = finite & (length <= OUTLIER_SIGMAS * _sigma_by_camera(observations, residuals, used))
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
    camera = names % cameras
    limit = np.full(cameras, np.inf)
    for c in np.flatnonzero(np.bincount(camera) >= MANY_PICTURES):
        usual = float(np.median(typical[camera == c]))
        limit[c] = max(OUTLIER_PICTURE * usual, SMALLEST_SIGMA_PX)
    return np.asarray((typical <= limit[camera])[place])


def _sigma_by_camera(observations: Observations, residuals: Floats, used: Mask) -> Floats:
    """Return the standard deviation (N,) in px of what each observation's camera sees.

    Resolution, focus and light differ between cameras: beside a sharp one, all that a soft one
    saw would be outliers.
    """
    sigma = np.zeros(len(residuals))
    for c in np.unique(observations.camera):
        rows = observations.camera == c
        sigma[rows] = _sigma(residuals[rows & used])
    return sigma


def _sigma(residuals: Floats) -> float:
    """Return the standard deviation per axis in px, from the median length."""
    length = np.linalg.norm(residuals, axis=-1)
    length = length[np.isfinite(length)]
    median = float(np.median(length)) if len(length) else 0.0
    return max(median / RAYLEIGH_MEDIAN, SMALLEST_SIGMA_PX)


def _ended(state: Adjusted, why: str) -> Adjusted:
    return Adjusted(state.bundle, state.used, state.residuals, state.rounds, why)
