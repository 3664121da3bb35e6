"""What is done one after the other, and the key poses it comes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import RATE, Score, joined, smoothed
from mvboot.synthetic.studio.motion.figure import Figure
from mvboot.synthetic.studio.motion.stage import Stage

Floats = NDArray[np.float64]

START_S, STOP_S = 2.2, 2.0
"""Time given to a subject to come to its speed before, and to stop after what is asked for."""
EVERY = 2
"""Key poses from one measurement of the floor to the next."""


@dataclass(frozen=True)
class Keys:
    """Poses at `RATE`: rotations (T, B, 3), the root's head (T, 3) in metres."""

    rotations: Floats
    root: Floats


@dataclass(frozen=True)
class Activity:
    """Something to do.

    Parameters
    ----------
    score
        Makes the score of so many seconds, begun after so many metres of the path.
    seconds
        How long it may take within a sequence.
    goes
        Whether it gets the subject along the path.
    by_name
        Whether it is done only when it is asked for: an exercise, nothing that people just do.
    """

    score: Callable[[Stage, float, float, np.random.Generator], Score]
    seconds: tuple[float, float]
    goes: bool = False
    by_name: bool = False


@dataclass(frozen=True)
class Performer:
    """A kind of subject.

    Parameters
    ----------
    bones
        Names of the bones without which a template is not of this kind.
    gaits
        Names of what it does.
    perform
        Makes key poses: figure, seconds, radius of the area in metres, gait or None, chance.
    """

    bones: tuple[str, ...]
    gaits: tuple[str, ...]
    perform: Callable[[Figure, float, float, str | None, np.random.Generator], Keys]


def sequence(
    stage: Stage,
    activities: Mapping[str, Activity],
    gait: str | None,
    seconds: float,
    rng: np.random.Generator,
) -> Score:
    """Return the score of ``seconds`` of one activity, or of a random sequence of them."""
    along = rng.uniform(0.0, stage.path.length)
    if gait is not None and activities[gait].goes:
        score = activities[gait].score(stage, seconds + START_S + STOP_S, along, rng)
        return _cut(score, START_S, seconds)
    skip = rng.uniform(0.0, 1.5 if gait is None else 0.4)
    scores: list[Score] = []
    done, name = 0.0, ""
    while done < skip + seconds:
        name = gait or _next(activities, name, rng)
        activity = activities[name]
        scores.append(activity.score(stage, rng.uniform(*activity.seconds), along, rng))
        along = float(scores[-1]["along"][-1])
        done += len(scores[-1]["along"]) / RATE
    return _cut(joined(scores), skip, seconds)


def _next(activities: Mapping[str, Activity], last: str, rng: np.random.Generator) -> str:
    """Return what comes next: as often going somewhere as not, and never the same twice."""
    goes = bool(last) and not activities[last].goes if rng.random() < 0.7 else rng.random() < 0.5
    usual = {name: a for name, a in activities.items() if not a.by_name}
    names = [name for name, a in usual.items() if a.goes == goes and name != last]
    return names[rng.integers(len(names))]


def _cut(score: Score, skip: float, seconds: float) -> Score:
    first = round(skip * RATE)
    return {name: values[first : first + round(seconds * RATE)] for name, values in score.items()}


def grounded(figure: Figure, keys: Keys, air: Floats) -> Keys:
    """Return poses whose lowest vertex is on the floor where ``air`` (T,) is 0, never below."""
    rows = np.arange(0, len(air), EVERY)
    low = figure.lowest(keys.rotations[rows], keys.root[rows])
    stands = air[rows] < 0.5
    if not stands.any():
        return keys
    raised = np.interp(rows, rows[stands], -low[stands])
    raised = np.where(stands, raised, np.maximum(raised, -low))
    root = keys.root.copy()
    root[:, 2] += smoothed(np.interp(np.arange(len(air)), rows, raised), 0.02)
    return Keys(keys.rotations, root)
