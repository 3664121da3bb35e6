"""How a quadruped goes and what it does on the spot: scores."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import Score, held, keyed, wandering
from mvboot.synthetic.studio.motion.gaits import put_feet
from mvboot.synthetic.studio.motion.performance import Activity
from mvboot.synthetic.studio.motion.quadruped_pose import neutral
from mvboot.synthetic.studio.motion.stage import Stage
from mvboot.synthetic.studio.motion.steps import Pace, Tread

Floats = NDArray[np.float64]

LEG = 0.45
"""Hip height for which speeds and step rates below hold, metres."""
PITCH = ((0, 8), (0.15, 0), (0.65, 0), (1, -30), (1.4, -60), (1.8, 4), (2, 8))
LIFT = ((0, 0), (1, 0), (1.22, 0.6), (1.5, 1), (1.75, 0.6), (2, 0))
WALK = (0.25, 0.75, 0.0, 0.5)
TROT = (0.0, 0.5, 0.5, 0.0)
GALLOP = (0.48, 0.62, 0.0, 0.12)
"""Phases of the middle stances: fore left, fore right, hind left, hind right."""


def walk(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Walk: one foot after the other, three on the floor."""
    size = np.sqrt(stage.leg / LEG)
    speed = rng.uniform(0.55, 0.95)
    pace = stage.pace(along, speed * size, 1.25 * np.sqrt(speed / 0.8) / size, seconds)
    score = _going(stage, pace, WALK, 0.66, rng.uniform(0.03, 0.05))
    turn = 2 * np.pi * pace.phase
    score["neck"][:, 0] += pace.effort * rng.uniform(3, 7) * np.cos(2 * turn)
    score["pelvis"][:, 1] += 2.0 * pace.effort * np.cos(turn)
    score["spine"][:, 2] += rng.uniform(2, 6) * pace.effort * np.sin(turn)
    if rng.random() < 0.3:
        _nose_down(score, stage, held(pace.times, 1.0, seconds - 0.8, 0.8), rng)
    return score


def trot(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Trot: diagonal pairs of feet."""
    size = np.sqrt(stage.leg / LEG)
    pace = stage.pace(along, rng.uniform(1.3, 2.1) * size, rng.uniform(1.8, 2.1) / size, seconds)
    score = _going(stage, pace, TROT, 0.44, rng.uniform(0.05, 0.08))
    score["height"] -= pace.effort * rng.uniform(0.008, 0.016) * np.cos(4 * np.pi * pace.phase)
    score["neck"][:, 0] -= pace.effort * rng.uniform(0, 10)
    score["tail"][:, 0] += pace.effort * rng.uniform(5, 30)
    return score


def gallop(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Gallop: hind feet, then fore feet, the back bending and stretching."""
    size = np.sqrt(stage.leg / LEG)
    pace = stage.pace(along, rng.uniform(2.6, 4.0) * size, rng.uniform(2.2, 2.6) / size, seconds)
    score = _going(stage, pace, GALLOP, 0.32, rng.uniform(0.09, 0.14))
    turn = 2 * np.pi * pace.phase
    gathered = pace.effort * np.cos(turn - 2 * np.pi * 0.84)
    bend = rng.uniform(10, 18)
    score["spine"][:, 0] += bend * gathered
    score["pelvis"][:, 0] -= 0.55 * bend * gathered
    score["pelvis"][:, 0] += 5.0 * pace.effort * np.sin(turn - 2 * np.pi * 0.06)
    score["neck"][:, 0] += pace.effort * (10 - 0.5 * bend * np.cos(turn - 2 * np.pi * 0.84))
    score["height"] += 0.02 * gathered - 0.015 * pace.effort
    score["ears"] -= 15 * pace.effort[:, None]
    score["tail"][:, 0] += pace.effort * (20 + 10 * np.cos(turn))
    return score


def sniff(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Sniff at the floor from side to side."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    down = held(times, 0.0, seconds, min(1.0, 0.3 * seconds))
    _nose_down(score, stage, down, rng)
    side = down * np.tanh(wandering(times, 1, 0.2, 0.7, rng)[:, 0])
    score["neck"][:, 2] += 28 * side
    score["head"][:, 2] += 14 * side
    score["head"][:, 0] += 4 * down * wandering(times, 1, 1.5, 3.0, rng)[:, 0]
    return score


def sit(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Sit down on the haunches, look about, and get up."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    down = held(times, 0.0, seconds, min(1.1, 0.35 * seconds))
    steep = rng.uniform(34, 42)
    size = stage.leg / LEG
    score["pelvis"][:, 0] -= steep * down
    score["spine"][:, 0] -= 8 * down
    score["height"] -= 0.25 * size * down
    score["shift"][:, 1] += 0.10 * size * down
    score["neck"][:, 0] += 0.45 * steep * down
    score["head"][:, 0] += 0.45 * steep * down
    for foot, late in ((2, 0.1), (3, 0.45)):
        _step(score, foot, times, late, seconds - late, 0.11 * size * stage.ahead(along))
    _gaze(score, times, down, rng)
    return score


def rear(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Rear up on the hind legs, once or twice."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    turns = max(1, round(seconds / 2.6))
    size = stage.leg / LEG
    edges = np.linspace(0.0, seconds, turns + 1)
    for begin, end in pairwise(edges):
        up = held(times, begin, end, 0.4 * (end - begin))
        steep = rng.uniform(30, 44)
        score["pelvis"][:, 0] -= steep * up
        score["spine"][:, 0] -= 26 * up
        score["height"] -= 0.05 * size * up
        score["shift"][:, 1] -= 0.03 * size * up
        score["neck"][:, 0] += 0.5 * steep * up
        score["head"][:, 0] += 0.5 * steep * up
        score["place"][:, :2] -= 0.04 * size * up[:, None, None] * stage.ahead(along)
        score["lift"][:, :2] += rng.uniform(0.42, 0.5, 2) * size * up[:, None]
        score["pitch"][:, :2] -= 70 * up[:, None]
    return score


def look_around(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Stand and look about."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    effort = held(times, 0.0, seconds, 0.7)
    _gaze(score, times, effort, rng)
    score["shift"] += 0.015 * effort[:, None] * wandering(times, 2, 0.1, 0.3, rng)
    return score


def wag(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Wag the tail, and the rump a little with it."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    effort = held(times, 0.0, seconds, 0.5)
    side = effort * np.sin(2 * np.pi * rng.uniform(1.8, 3.0) * times)
    score["tail"][:, 0] += rng.uniform(10, 45) * effort
    score["tail"][:, 1] += rng.uniform(45, 75) * side
    score["pelvis"][:, 2] += rng.uniform(1, 4) * side
    score["spine"][:, 2] -= 3 * side
    _gaze(score, times, 0.6 * effort, rng)
    return score


ACTIVITIES = {
    "walk": Activity(walk, (3.5, 6.0), goes=True),
    "trot": Activity(trot, (3.5, 5.5), goes=True),
    "gallop": Activity(gallop, (3.5, 5.0), goes=True),
    "sniff": Activity(sniff, (3.0, 5.0)),
    "sit": Activity(sit, (3.5, 5.5)),
    "rear": Activity(rear, (2.6, 4.0)),
    "look_around": Activity(look_around, (3.0, 5.0)),
    "wag": Activity(wag, (2.5, 4.0)),
}


def _going(stage: Stage, pace: Pace, offsets: tuple[float, ...], duty: float, high: float) -> Score:
    """Return the score of standing at ease, with the way and the feet."""
    score = neutral(stage, 0.0, len(pace.times))
    score["along"] = pace.along
    tread = Tread(offsets, duty, stage.seats, np.radians(stage.toe_out), 0.75)
    put_feet(score, stage.tracks(pace, tread), 1.2 * stage.leg, PITCH, LIFT, high)
    lean, turning = stage.lean(pace)
    score["pelvis"][:, 1] += 0.5 * lean
    score["shift"][:, 0] -= stage.leg * np.tan(np.radians(0.5 * lean))
    score["neck"][:, 2] += np.clip(0.15 * turning, -25, 25)
    return score


def _nose_down(score: Score, stage: Stage, share: Floats, rng: np.random.Generator) -> None:
    """Lower the nose towards the floor."""
    score["neck"][:, 0] += share * (rng.uniform(56, 64) - stage.style["neck"])
    score["spine"][:, 0] += 12 * share
    score["pelvis"][:, 0] += 5 * share
    score["head"][:, 0] += share * (rng.uniform(-18, 0) - stage.style["nod"])
    score["height"] -= 0.015 * share


def _gaze(score: Score, times: Floats, share: Floats, rng: np.random.Generator) -> None:
    """Look about."""
    gaze = share[:, None] * np.tanh(wandering(times, 2, 0.15, 0.5, rng))
    score["neck"] += gaze @ np.array([[0.0, 0.0, 45.0], [14.0, 0.0, 0.0]])
    score["head"] += gaze @ np.array([[0.0, 6.0, 25.0], [8.0, 0.0, 0.0]])
    score["ears"] += share[:, None] * 12 * wandering(times, 2, 0.4, 1.5, rng)


def _step(score: Score, foot: int, times: Floats, there: float, back: float, way: Floats) -> None:
    """Step with a foot by ``way`` (2,) metres from the time ``there``, and back."""
    share = keyed(times, (there, 0), (there + 0.4, 1), (back - 0.4, 1), (back, 0))
    score["place"][:, foot] += share[:, None] * way
    score["lift"][:, foot] += 0.16 * share * (1 - share)
