"""When and where feet stand: footfalls of a gait along a path."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import RATE
from mvboot.synthetic.studio.motion.paths import Path

Floats = NDArray[np.float64]

REST_S = 0.7
"""Time over which a foot that stood, or will stand, for long takes part in its stance."""


@dataclass(frozen=True)
class Tread:
    """How a subject goes.

    Parameters
    ----------
    offsets
        Phase (n,) of each foot's middle stance, in cycles.
    duty
        Share of a cycle that a foot stands at full speed.
    seats
        (n, 2) where feet stand, left of and ahead of the subject, metres.
    toe_out
        Angle (n,) of the feet about z, radians.
    width
        How far apart the feet are placed while going, as a share of the standing width.
    behind
        How much further back they are placed while going, metres.
    """

    offsets: tuple[float, ...]
    duty: float
    seats: Floats
    toe_out: Floats
    width: float = 1.0
    behind: float = 0.0


@dataclass(frozen=True)
class Pace:
    """The subject's way over time: times (T,) s, along (T,) m, phase (T,) cycles, share of speed.

    ``effort`` (T,) is 0 while standing and 1 at full speed.
    """

    times: Floats
    along: Floats
    phase: Floats
    effort: Floats


@dataclass(frozen=True)
class FootTrack:
    """What one foot does over time.

    Parameters
    ----------
    place, yaw
        (T, 2) where its flat sole is and (T,) how it is turned, in the world.
    stage
        (T,) from 0 to 1 through a stance, from 1 to 2 through a swing.
    stride
        (T,) length of the present swing (in stance: of the one before, then of the next), metres.
    """

    place: Floats
    yaw: Floats
    stage: Floats
    stride: Floats


def eased(share: Floats) -> Floats:
    """Return a smooth step (...) from 0 to 1, without jerk at its ends, clipped outside."""
    x = np.clip(share, 0.0, 1.0)
    return np.asarray(x**3 * (10 - 15 * x + 6 * x**2))


def paced(start: float, speed: float, cycles: float, seconds: float) -> Pace:
    """Return a way that starts and ends at rest, with ``cycles`` per second at full speed."""
    count = max(2, round(seconds * RATE))
    times = np.arange(count) / RATE
    ramp = min(0.45 * seconds, 0.5 + 0.35 * speed)
    effort = eased(times / ramp) * eased((times[-1] - times) / ramp)
    along = (
        start + speed * np.concatenate([[0.0], np.cumsum((effort[1:] + effort[:-1]) / 2)]) / RATE
    )
    turns = np.cumsum(np.sqrt(effort) * cycles) / RATE
    turns -= turns[0]
    phase = 0.25 + turns * max(0.5, np.round(2 * turns[-1]) / 2) / turns[-1]
    return Pace(times, along, phase, effort)


def tracks(pace: Pace, tread: Tread, path: Path) -> list[FootTrack]:
    """Return what each foot does on a path; all stand at the beginning and at the end."""
    return [_track(pace, tread, path, foot) for foot in range(len(tread.offsets))]


def _track(pace: Pace, tread: Tread, path: Path, foot: int) -> FootTrack:
    first, last = pace.phase[0], pace.phase[-1]
    middles = tread.offsets[foot] + np.arange(np.floor(first) - 1, np.ceil(last) + 2)
    effort = np.interp(middles, pace.phase, pace.effort)
    half = (tread.duty + (0.74 - tread.duty) * (1 - effort) ** 2) / 2
    going = (middles - half > first) & (middles + half < last)
    opening, closing = middles - half <= first, middles + half >= last
    until = max(first, (middles + half)[opening & ~closing].max(initial=first))
    since = min(last, (middles - half)[closing & ~opening].min(initial=last))
    edge = np.maximum.accumulate(pace.phase + 1e-9 * np.arange(len(pace.phase)))

    def when(phase: Floats) -> Floats:
        return np.interp(phase, edge, pace.times)

    ends = when(np.array([until, *(middles + half)[going]]))
    begins = when(np.array([*(middles - half)[going], since]))
    along = np.interp(middles[going], pace.phase, pace.along)
    along = np.array([pace.along[0], *along, pace.along[-1]])
    goes = np.array([0.0, *np.ones(going.sum()), 0.0])
    places, yaws = _plants(along, goes, tread, path, foot)
    return _followed(pace.times, begins, ends, places, yaws)


def _plants(
    along: Floats, goes: Floats, tread: Tread, path: Path, foot: int
) -> tuple[Floats, Floats]:
    left, ahead = tread.seats[foot]
    ahead = ahead - tread.behind * goes
    width = 1 + (tread.width - 1) * goes
    heading = path.heading(along + ahead)
    to_left = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    places = path.at(along + ahead) + (left * width)[:, None] * to_left
    return places, heading + tread.toe_out[foot]


def _followed(
    times: Floats, begins: Floats, ends: Floats, places: Floats, yaws: Floats
) -> FootTrack:
    """Return the way through K + 1 plants: swing k goes from ``ends[k]`` to ``begins[k]``."""
    swing = np.searchsorted(ends, times, side="right") - 1
    swing = np.clip(swing, 0, len(ends) - 1)
    share = np.clip((times - ends[swing]) / np.maximum(begins - ends, 1e-6)[swing], 0.0, 1.0)
    share[times < ends[0]] = 0.0
    strides = np.linalg.norm(np.diff(places, axis=0), axis=1)
    ease = (eased(share) + share**2 * (3 - 2 * share)) / 2
    place = places[swing] + ease[:, None] * (places[swing + 1] - places[swing])
    yaw = yaws[swing] + ease * (yaws[swing + 1] - yaws[swing])
    landed = (share >= 1.0) | (times < ends[0])
    plant = np.where(times < ends[0], 0, swing + 1)
    since = np.concatenate([[ends[0] - REST_S], begins])
    until = np.concatenate([ends, [begins[-1] + REST_S]])
    stance = np.clip((times - since[plant]) / np.maximum(until - since, 1e-6)[plant], 0.0, 1.0)
    stance = np.where(plant == 0, np.maximum(stance, 0.4), stance)
    stance = np.where(plant == len(places) - 1, np.minimum(stance, 0.4), stance)
    before, after = np.concatenate([[0.0], strides]), np.concatenate([strides, [0.0]])
    stride = np.where(stance < 0.4, before[plant], after[plant])
    return FootTrack(
        place=place,
        yaw=yaw,
        stage=np.where(landed, stance, 1.0 + share),
        stride=np.where(landed, stride, strides[swing]),
    )
