"""How a person walks and runs: scores of going along a path."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.body_pose import neutral
from mvboot.synthetic.studio.motion.curves import Score, keyed
from mvboot.synthetic.studio.motion.stage import Stage
from mvboot.synthetic.studio.motion.steps import FootTrack, Pace, Tread

Floats = NDArray[np.float64]
Keys = tuple[tuple[float, float], ...]
"""Values at stages of a step: 0 to 1 it stands, 1 to 2 it swings."""

LEG = 0.83
"""Leg for which speeds and step rates below hold, metres."""
WALK_PITCH = ((0, 16), (0.14, 0), (0.45, 0), (1, -41), (1.15, -46), (1.75, 10), (2, 16))
RUN_PITCH = ((0, 4), (0.1, 0), (0.4, 0), (1, -40), (1.3, -60), (1.8, -8), (2, 4))
"""Pitch of a foot, degrees, through a stance (0 to 1) and a swing (1 to 2)."""
WALK_LIFT = ((0, 0), (1, 0), (1.2, 0.6), (1.5, 1.0), (1.75, 0.55), (2, 0))
RUN_LIFT = ((0, 0), (1, 0), (1.45, 1.0), (1.75, 0.5), (2, 0))


def walk(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Walk, from a stroll to a brisk pace."""
    size = np.sqrt(stage.leg / LEG)
    speed = rng.uniform(0.8, 1.55)
    pace = stage.pace(along, speed * size, 1.04 * np.sqrt(speed / 1.35) / size, seconds)
    score = _going(stage, pace, 0.61, WALK_PITCH, WALK_LIFT, rng.uniform(0.035, 0.055))
    brisk = speed / 1.35
    swing = brisk * rng.uniform(12.0, 26.0)
    _sway(score, pace, twist=rng.uniform(3.0, 6.0), drop=rng.uniform(1.5, 4.0), shift=0.018)
    _swing_arms(score, pace, stage, swing, rng.uniform(2.0, 14.0), 5.0)
    score["height"] += 0.012 * brisk * pace.effort * np.cos(4 * np.pi * pace.phase)
    score["pelvis"][:, 0] += pace.effort * rng.uniform(-3.0, 2.0)
    return score


def run(stage: Stage, seconds: float, along: float, rng: np.random.Generator) -> Score:
    """Run, from a jog to a fast run as the path allows."""
    size = np.sqrt(stage.leg / LEG)
    pace = stage.pace(along, rng.uniform(2.2, 3.4) * size, rng.uniform(1.3, 1.45) / size, seconds)
    fast = min(1.0, float(np.gradient(pace.along, pace.times).max()) / (2.2 * size))
    duty = 0.32 + 0.1 * (1 - fast)
    score = _going(stage, pace, duty, RUN_PITCH, RUN_LIFT, rng.uniform(0.12, 0.22) * fast + 0.05)
    _sway(score, pace, twist=rng.uniform(5.0, 9.0), drop=3.0, shift=0.01)
    swing = fast * rng.uniform(24.0, 38.0)
    _swing_arms(score, pace, stage, swing, rng.uniform(65.0, 85.0), 22.0)
    effort = pace.effort
    bounce = rng.uniform(0.03, 0.045) * np.cos(4 * np.pi * pace.phase)
    score["height"] -= fast * effort * (0.03 + bounce)
    score["pelvis"][:, 0] += effort * rng.uniform(4.0, 9.0)
    score["hands"][:, :, 2] += effort[:, None] * rng.uniform(10.0, 45.0)
    score["hands"][:, :, 3] += effort[:, None] * rng.uniform(10.0, 45.0)
    return score


def _going(
    stage: Stage,
    pace: Pace,
    duty: float,
    pitch: Keys,
    lift: Keys,
    high: float,
) -> Score:
    """Return the score of standing at ease, with the way, the feet, and a lean in curves."""
    score = neutral(stage, 0.0, len(pace.times))
    score["along"] = pace.along
    tread = Tread(
        (0.0, 0.5), duty, stage.seats, np.radians(stage.toe_out), stage.style["track"], 0.055
    )
    put_feet(score, stage.tracks(pace, tread), 0.9 * stage.leg, pitch, lift, high)
    lean, turning = stage.lean(pace)
    score["pelvis"][:, 2] += 0.8 * lean
    score["shift"][:, 0] -= stage.leg * np.tan(np.radians(0.8 * lean))
    score["neck"][:, 1] += np.clip(0.25 * turning, -30.0, 30.0)
    score["neck"][:, 2] -= 0.4 * lean
    return score


def put_feet(
    score: Score, feet: list[FootTrack], full: float, pitch: Keys, lift: Keys, high: float
) -> None:
    """Let feet follow their tracks, pitched and lifted the more the nearer a stride is to full."""
    for foot, track in enumerate(feet):
        share = np.clip(track.stride / full, 0.0, 1.0)
        score["place"][:, foot] = track.place
        score["yaw"][:, foot] = np.degrees(track.yaw)
        score["pitch"][:, foot] = share * keyed(track.stage, *pitch)
        score["lift"][:, foot] = high * np.sqrt(share) * keyed(track.stage, *lift)
    flying = np.all([track.stage > 1.0 for track in feet], axis=0)
    score["air"] = np.where(flying, 1.0, 0.0)


def _sway(score: Score, pace: Pace, twist: float, drop: float, shift: float) -> None:
    """Turn and tilt the pelvis with the legs, the trunk against it; the head stays level."""
    turn = 2 * np.pi * pace.phase
    reach = pace.effort * np.cos(turn + 0.6 * np.pi)
    hang = pace.effort * np.cos(turn)
    score["pelvis"][:, 1] -= twist * reach
    score["pelvis"][:, 2] += drop * hang
    score["spine"][:, 1] += 2.1 * twist * reach
    score["spine"][:, 2] -= 1.2 * drop * hang
    score["neck"][:, 1] -= 1.1 * twist * reach
    score["neck"][:, 2] += 0.2 * drop * hang
    score["shift"][:, 0] += shift * hang


def _swing_arms(
    score: Score, pace: Pace, stage: Stage, swing: float, bent: float, inward: float
) -> None:
    """Swing each arm with the other leg, the elbow with it."""
    uneven = stage.style["uneven"]
    for arm, (phase, share) in enumerate(((0.0, 1 + uneven), (0.5, 1 - uneven))):
        wave = np.cos(2 * np.pi * (pace.phase - 0.19 - phase))
        score["arms"][:, arm, 0] += pace.effort * share * swing * wave
        score["arms"][:, arm, 2] += pace.effort * (bent + 0.4 * share * swing * wave)
        score["arms"][:, arm, 3] += pace.effort * inward
