"""What a person does on the spot: scores that begin and end standing at ease."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.body_pose import neutral
from mvboot.synthetic.studio.motion.curves import Score, held, keyed, wandering
from mvboot.synthetic.studio.motion.stage import GRAVITY, Stage
from mvboot.synthetic.studio.motion.steps import eased

Floats = NDArray[np.float64]


def jump(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Jump upward from a crouch, with a swing of the arms, as often as there is time."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    jumps = max(1, int(seconds / 1.8))
    for begin in np.linspace(0.0, seconds, jumps, endpoint=False):
        _jump_once(score, times - begin, seconds / jumps, stage.leg, rng)
    return score


def _jump_once(
    score: Score, times: Floats, period: float, leg: float, rng: np.random.Generator
) -> None:
    flight = rng.uniform(0.35, 0.5)
    deep = rng.uniform(0.16, 0.28)
    off = max(0.55, 0.45 * period - flight / 2)
    land = off + flight
    airborne = np.clip((times - off) / flight, 0.0, 1.0)
    rise = GRAVITY / 2 * flight**2 * airborne * (1 - airborne)
    crouch = keyed(
        times,
        *((0.05, 0), (off - 0.22, 1), (off, 0), (land, 0.05), (land + 0.2, 0.8)),
        (land + 0.6, 0),
    )
    toes = keyed(times, (off - 0.15, 0), (off, -30), (off + 0.1, -42), (land, -22), (land + 0.1, 0))
    swing = keyed(
        times,
        *((0, 0), (off - 0.35, -32), (off + 0.25, 1), (land, 0.6), (land + 0.3, -0.1)),
        (land + 0.6, 0),
    )
    top = rng.uniform(60.0, 135.0)
    score["height"] += rise / leg - deep * crouch
    score["lift"] += rise[:, None]
    score["pitch"] += toes[:, None]
    score["air"] = np.maximum(score["air"], (rise > 0).astype(float))
    _stoop(score, deep * crouch)
    score["arms"][:, :, 0] += np.where(swing < 0, swing, top * swing)[:, None]
    score["arms"][:, :, 2] += 25 * np.abs(crouch)[:, None]


def jumping_jacks(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Jump the feet apart and together while the arms go up and down at the sides."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    rate = rng.uniform(0.75, 1.05)
    effort = held(times, 0.0, seconds, 0.8)
    cycles = np.round(rate * seconds)
    open_ = eased((1 - np.cos(2 * np.pi * cycles * times / seconds)) / 2) * effort
    hop = np.abs(np.sin(2 * np.pi * cycles * times / seconds)) ** 1.5 * effort
    wide = rng.uniform(0.16, 0.26)
    to_left = stage.ahead(along)[::-1] * [-1.0, 1.0]
    for foot, sign in enumerate((1.0, -1.0)):
        score["place"][:, foot] += sign * wide * open_[:, None] * to_left
        score["yaw"][:, foot] += sign * 8 * open_
    score["lift"] += 0.055 * hop[:, None]
    score["pitch"] -= 28 * hop[:, None]
    score["height"] += (0.075 * hop - 0.03 * effort * (1 - hop)) / stage.leg
    score["air"] = (hop > 0.02).astype(float)
    score["arms"][:, :, 1] += rng.uniform(120.0, 145.0) * open_[:, None]
    score["arms"][:, :, 2] += 10 * effort[:, None] * (1 - open_[:, None])
    return score


def squat(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Squat down once or more, the arms ahead for balance."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    for begin, end in _turns(seconds, rng.uniform(2.4, 3.4)):
        down = held(times, begin, end, 0.42 * (end - begin))
        deep = rng.uniform(0.28, 0.42)
        score["height"] -= deep * down
        _stoop(score, deep * down)
        score["arms"][:, :, 0] += ((rng.uniform(50.0, 80.0) + 90 * deep) * down)[:, None]
    return score


def lift(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Pick something up from the floor with both hands, hold it, and put it back."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    reach = 0.26 * seconds
    down = held(times, 0.0, 2 * reach, 0.8 * reach) + held(
        times, seconds - 2 * reach, seconds, 0.8 * reach
    )
    hold = held(times, 0.8 * reach, seconds - 0.8 * reach, 0.9 * reach)
    deep = rng.uniform(0.26, 0.4)
    score["height"] -= deep * down
    _stoop(score, deep * down)
    score["spine"][:, 0] += 38 * down
    score["pelvis"][:, 0] += 10 * down
    score["neck"][:, 0] -= 12 * down
    arms = score["arms"]
    arms[:, :, 0] += (72 * down + rng.uniform(12.0, 35.0) * hold * (1 - down))[:, None]
    arms[:, :, 2] += (rng.uniform(55.0, 85.0) * hold * (1 - down))[:, None]
    arms[:, :, 3] += (8 * hold)[:, None]
    arms[:, :, 1] -= (4 * np.maximum(down, hold))[:, None]
    return score


def wave(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Raise a hand and wave."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    arm = int(rng.integers(2))
    up = held(times, 0.1, seconds - 0.1, 0.7)
    wag = up * np.sin(2 * np.pi * rng.uniform(1.3, 2.2) * times)
    _move_arm(score, arm, up, (rng.uniform(15, 30), rng.uniform(75, 100), 80, -80))
    score["arms"][:, arm, 2] += 22 * wag
    score["arms"][:, arm, 3] += 8 * wag
    score["hands"][:, arm, 2:] *= (1 - 0.8 * up)[:, None]
    _look(score, up, _away(arm) * rng.uniform(-5, 25), rng.uniform(-5, 5))
    _weight(score, up, -_away(arm) * 0.02)
    return score


def point(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Point at things, or reach for them, with one arm after the other."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    for begin, end in _turns(seconds, rng.uniform(1.8, 2.6)):
        arm = int(rng.integers(2))
        out = held(times, begin, end, 0.4 * (end - begin))
        height, wide = rng.uniform(50, 135), rng.uniform(-10, 70)
        _move_arm(score, arm, out, (height, wide, rng.uniform(3, 20), rng.uniform(-20, 10)))
        score["hands"][:, arm, 2] += rng.uniform(0, 60) * out
        score["hands"][:, arm, 3] *= 1 - 0.9 * out
        turn = _away(arm) * wide * 0.5
        score["spine"][:, 1] += 0.5 * turn * out
        score["spine"][:, 0] += rng.uniform(0, 14) * out
        _look(score, out, 0.8 * turn, -0.15 * (height - 80))
        _weight(score, out, _away(arm) * 0.015)
    return score


def box(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Box at the air: guard, and straight punches with a turn of the trunk."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    guard = held(times, 0.0, seconds, 0.6)
    for arm in (0, 1):
        _move_arm(score, arm, guard, (rng.uniform(28, 40), 14, rng.uniform(118, 126), 22))
        score["hands"][:, arm, 1] += 25 * guard
        score["hands"][:, arm, 2:] += (rng.uniform(70, 80) * guard)[:, None]
    score["height"] -= 0.05 * guard
    score["pelvis"][:, 0] += 5 * guard
    score["shift"][:, 1] -= 0.01 * guard
    begin, arm = 0.6, int(rng.integers(2))
    while begin < seconds - 1.0:
        long = rng.uniform(0.42, 0.6)
        out = keyed(
            times, (begin, 0), (begin + 0.36 * long, 1), (begin + 0.46 * long, 1), (begin + long, 0)
        )
        _move_arm(score, arm, out, (rng.uniform(76, 96), 4, rng.uniform(8, 20), 12))
        score["hands"][:, arm, 1] += 30 * out
        score["spine"][:, 1] -= _away(arm) * 24 * out
        score["pelvis"][:, 1] -= _away(arm) * 12 * out
        score["neck"][:, 1] += _away(arm) * 30 * out
        begin += long + rng.uniform(0.0, 0.5)
        arm = 1 - arm if rng.random() < 0.75 else arm
    score["height"] += 0.012 * guard * np.sin(2 * np.pi * rng.uniform(1.2, 1.8) * times)
    return score


def kick(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Kick forward with one leg after the other, the arms balancing."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    ahead = stage.ahead(along)
    for begin, end in _turns(seconds, rng.uniform(1.8, 2.4)):
        foot = int(rng.integers(2))
        share = (times - begin) / (end - begin)
        back = keyed(share, (0.2, 0), (0.36, 1), (0.5, 0))
        out = keyed(share, (0.36, 0), (0.54, 1), (0.8, 0))
        lean = held(share, 0.0, 1.0, 0.3)
        far, high = rng.uniform(0.6, 0.8) * stage.leg, rng.uniform(0.35, 0.75) * stage.leg
        score["place"][:, foot] += (far * out - 0.3 * stage.leg * back)[:, None] * ahead
        score["lift"][:, foot] += high * out**1.3 + 0.16 * stage.leg * back
        score["pitch"][:, foot] += 55 * out - 45 * back
        _weight(score, lean, -_away(foot) * (abs(stage.seats[foot, 0]) - 0.01))
        score["height"] -= 0.03 * lean
        score["pelvis"][:, 0] -= 12 * out - 6 * back
        score["spine"][:, 0] += 16 * out
        for arm in (0, 1):
            sign = 1.0 if arm != foot else -0.7
            score["arms"][:, arm, 0] += sign * (35 * out - 18 * back)
            score["arms"][:, arm, 1] += 26 * lean
            score["arms"][:, arm, 2] += 25 * lean
    return score


def sit(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Sit down at the height of a chair, stay, and stand up."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    long = min(0.42 * seconds, rng.uniform(1.2, 1.7))
    sat = held(times, 0.0, seconds, long)
    moving = held(times, 0.0, 1.1 * long, 0.5 * long) + held(
        times, seconds - 1.1 * long, seconds, 0.5 * long
    )
    score["height"] -= rng.uniform(0.44, 0.5) * sat
    score["shift"][:, 1] -= rng.uniform(0.42, 0.5) * stage.leg * sat
    score["pelvis"][:, 0] += 22 * moving - 6 * sat
    score["spine"][:, 0] += 16 * moving + rng.uniform(0, 12) * sat
    score["neck"][:, 0] -= 12 * moving
    arms = score["arms"]
    arms[:, :, 0] += (34 * moving + rng.uniform(22, 32) * sat)[:, None]
    arms[:, :, 2] += (rng.uniform(22, 38) * sat)[:, None]
    arms[:, :, 3] += (6 * sat)[:, None]
    _look(score, sat * wandering(times, 1, 0.1, 0.3, rng)[:, 0], 18, 3)
    return score


def stretch(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Stretch both arms overhead, then lean to the sides or touch the toes."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    half = seconds / 2
    up = held(times, 0.0, half * 1.15, 0.4 * half)
    for arm in (0, 1):
        _move_arm(score, arm, up, (rng.uniform(135, 155), rng.uniform(25, 50), 15, 0))
    score["spine"][:, 0] -= 14 * up
    score["neck"][:, 0] -= 10 * up
    lean = rng.choice([-1.0, 1.0]) * rng.uniform(14, 26)
    score["spine"][:, 2] += lean * held(times, 0.35 * half, half, 0.3 * half)
    if rng.random() < 0.5:
        bow = held(times, half, seconds, 0.42 * half)
        score["spine"][:, 0] += 55 * bow
        score["pelvis"][:, 0] += rng.uniform(25, 45) * bow
        score["shift"][:, 1] -= 0.1 * bow
        score["arms"][:, :, 0] += (75 * bow)[:, None]
        return score
    twist = held(times, half, 0.5 * (half + seconds), 0.2 * half) - held(
        times, 0.5 * (half + seconds), seconds, 0.2 * half
    )
    score["spine"][:, 1] += 36 * twist
    score["pelvis"][:, 1] += 12 * twist
    akimbo = held(times, 0.9 * half, seconds, 0.3 * half)
    for arm in (0, 1):
        _move_arm(score, arm, akimbo, (-8, 48, 92, 62))
    return score


def look_around(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Stand, shift the weight, and look about; the hands perhaps on the hips."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    effort = held(times, 0.0, seconds, 0.6)
    gaze = effort[:, None] * np.tanh(wandering(times, 2, 0.15, 0.5, rng))
    score["neck"] += gaze @ np.array([[0.0, 52.0, 0.0], [16.0, 0.0, 6.0]])
    score["spine"][:, 1] += 20 * gaze[:, 0]
    weight = effort * np.tanh(1.5 * wandering(times, 1, 0.1, 0.25, rng)[:, 0])
    _weight(score, weight, rng.uniform(0.02, 0.045))
    score["pelvis"][:, 2] += 4 * weight
    score["spine"][:, 2] -= 5 * weight
    for arm in (0, 1):
        if rng.random() < 0.4:
            on_hip = held(times, 0.3, seconds - 0.2, 0.7)
            _move_arm(score, arm, on_hip, (-8, 48, 92, 62))
    return score


def dance(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Dance on the spot: hips and arms to a beat, steps in place."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    effort = held(times, 0.0, seconds, 0.8)
    cycles = max(1.0, np.round(rng.uniform(0.8, 1.2) * seconds))
    beat = 2 * np.pi * cycles * times / seconds
    side = effort * np.sin(beat)
    bob = effort * np.cos(2 * beat)
    score["shift"][:, 0] += rng.uniform(0.05, 0.08) * side
    score["pelvis"] += side[:, None] * [0.0, rng.uniform(-8, 8), rng.uniform(-7, -3)]
    score["spine"] += side[:, None] * [0.0, rng.uniform(-14, 14), rng.uniform(8, 14)]
    score["height"] += 0.025 * bob - 0.045 * effort
    score["neck"][:, 0] += 5 * bob
    for foot, sign in enumerate((1.0, -1.0)):
        step = np.maximum(-sign * side, 0.0) ** 2
        score["lift"][:, foot] += rng.uniform(0.03, 0.08) * step
        score["pitch"][:, foot] -= 22 * step
    style = rng.uniform([25, 15, 40, -10], [70, 55, 100, 25])
    swing = rng.uniform([5, 0, 5, 0], [30, 25, 35, 20])
    apart = rng.choice([-1.0, 1.0])
    for arm, sign in enumerate((1.0, apart)):
        _move_arm(score, arm, effort, tuple(style))
        score["arms"][:, arm] += sign * side[:, None] * swing
    return score


def balance(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Keep the balance: lean far to all sides on one leg or both, the arms thrown about."""
    times = stage.times(seconds)
    score = neutral(stage, along, len(times))
    ahead = stage.ahead(along)
    to_left = ahead[::-1] * [-1.0, 1.0]
    for begin, end in _turns(seconds, rng.uniform(1.6, 2.6)):
        out = held(times, begin, end, 0.4 * (end - begin))
        foot = int(rng.integers(2))
        away = _away(foot)
        up = out if rng.random() < 0.7 else 0 * out
        wide, far = rng.uniform(-0.15, 0.5), rng.uniform(-0.45, 0.4)
        step = stage.leg * (away * wide * to_left + far * ahead)
        score["place"][:, foot] += up[:, None] * step
        score["lift"][:, foot] += rng.uniform(0.05, 0.5) * stage.leg * up
        score["pitch"][:, foot] -= rng.uniform(0, 40) * up
        _weight(score, out, rng.uniform(-0.05, 0.05))
        _weight(score, up, -away * abs(stage.seats[foot, 0]))
        score["height"] -= rng.uniform(0.0, 0.12) * out
        score["pelvis"] += out[:, None] * rng.uniform([-8, -25, -25], [45, 25, 25])
        score["spine"] += out[:, None] * rng.uniform([-8, -30, -28], [35, 30, 28])
        score["neck"] += out[:, None] * rng.uniform([-25, -30, -15], [15, 30, 15])
        for arm in (0, 1):
            _move_arm(score, arm, out, tuple(rng.uniform((-35, 15, 0, -30), (70, 120, 90, 40))))
    return score


ACTIONS = {
    "jump": jump,
    "jumping_jacks": jumping_jacks,
    "squat": squat,
    "lift": lift,
    "wave": wave,
    "point": point,
    "box": box,
    "kick": kick,
    "sit": sit,
    "stretch": stretch,
    "look_around": look_around,
    "dance": dance,
}


def _turns(seconds: float, each: float) -> list[tuple[float, float]]:
    """Return beginnings and ends of as many turns as fit, each about so long."""
    edges = np.linspace(0.0, seconds, max(1, round(seconds / each)) + 1)
    return [(float(a), float(b)) for a, b in pairwise(edges)]


def _stoop(score: Score, depth: Floats) -> None:
    """Bend the trunk forward and bring the pelvis back over the feet as it sinks (leg lengths)."""
    score["pelvis"][:, 0] += 60 * depth
    score["spine"][:, 0] += 40 * depth
    score["neck"][:, 0] -= 55 * depth
    score["shift"][:, 1] -= 0.42 * depth


def _move_arm(score: Score, arm: int, share: Floats, pose: tuple[float, ...]) -> None:
    """Bring an arm to a pose (ahead, out, bent, inward) by a share (T,) of the way."""
    here = score["arms"][:, arm]
    score["arms"][:, arm] = here + share[:, None] * (np.array(pose) - here)


def _away(side: int) -> float:
    """Return 1 for the left (0), -1 for the right (1)."""
    return 1.0 - 2.0 * side


def _look(score: Score, share: Floats, left: float, down: float) -> None:
    score["neck"][:, 0] += share * down
    score["neck"][:, 1] += share * left


def _weight(score: Score, share: Floats, left: float) -> None:
    """Bring the weight over a foot, metres to the left."""
    score["shift"][:, 0] += share * left
