"""Curves over time that movements are made of: through given values, bumps, slow wandering."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float64]

RATE = 60.0
"""Times per second at which poses are worked out, Hz."""

Score = dict[str, Floats]
"""What a subject is to do, channel by channel, at the times of a grid: arrays (T, ...)."""


def keyed(times: Floats, *knots: tuple[float, float]) -> Floats:
    """Return a curve (T,) through (time, value) knots without overshoot; constant beyond."""
    at, values = np.array(knots).T
    curve = PchipInterpolator(at, values)
    return np.asarray(curve(np.clip(times, at[0], at[-1])))


def held(times: Floats, begin: float, end: float, ease: float = 0.4) -> Floats:
    """Return a curve (T,) that rises from 0 to 1 after ``begin`` and is back at 0 at ``end``."""
    ease = min(ease, (end - begin) / 2.2)
    return keyed(times, (begin, 0.0), (begin + ease, 1.0), (end - ease, 1.0), (end, 0.0))


def wandering(
    times: Floats, channels: int, slowest: float, fastest: float, rng: np.random.Generator
) -> Floats:
    """Return smooth random curves (T, channels) of unit variance, from sines of chance.

    Their frequencies lie between ``slowest`` and ``fastest`` Hz.
    """
    waves = 6
    cycles = np.exp(rng.uniform(np.log(slowest), np.log(fastest), (channels, waves)))
    phases = rng.uniform(0, 1, (channels, waves))
    turns = 2 * np.pi * (times[:, None, None] * cycles + phases)
    return np.asarray(np.sin(turns).sum(axis=-1) * np.sqrt(2 / waves))


def smoothed(values: Floats, seconds: float) -> Floats:
    """Return values (T, ...) at `RATE` averaged over a Gaussian of that standard deviation."""
    return np.asarray(gaussian_filter1d(values, seconds * RATE, axis=0, mode="nearest"))


def joined(scores: list[Score]) -> Score:
    """Return one score after the other."""
    return {name: np.concatenate([s[name] for s in scores]) for name in scores[0]}
