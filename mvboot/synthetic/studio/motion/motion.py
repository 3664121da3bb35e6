"""How subjects move: articulated activities as continuous functions of time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M
from mvboot.synthetic.studio.motion.body import BODY
from mvboot.synthetic.studio.motion.curves import RATE
from mvboot.synthetic.studio.motion.figure import Figure
from mvboot.synthetic.studio.motion.performance import Performer
from mvboot.synthetic.studio.motion.quadruped import QUADRUPED
from mvboot.synthetic.studio.motion.wanderer import WANDERER
from mvboot.template import Skeleton, Template

Floats = NDArray[np.float64]

MARGIN_S = 0.5
"""How long before 0 and after its duration a motion goes on; beyond it stands still."""


@dataclass(frozen=True)
class Poses:
    """Poses of one subject at T times, as `Template.posed` takes them.

    Parameters
    ----------
    rotations
        (T, B, 3) Rodrigues vectors in the bones' own axes, radians.
    translation
        (T, 3) of the root, in the template's units, z up and the floor at z = 0.
    """

    rotations: Floats
    translation: Floats


@dataclass(frozen=True)
class Motion:
    """What a subject does, at any time.

    Parameters
    ----------
    skeleton
        Whose bones move.
    times
        (N,) s, evenly spaced.
    rotations, translation
        (N, B, 3) and (N, 3) there, as in `Poses`.
    """

    skeleton: Skeleton
    times: Floats
    rotations: Floats
    translation: Floats

    def at(self, times: Floats) -> Poses:
        """Return the poses at times (T,) in s: cubic splines, inside the joint limits.

        Before its beginning and after its end (half a second outside the duration it was made
        for) the subject stands still.
        """
        inside = np.clip(times, self.times[0], self.times[-1])
        bones, translation, root = self._splines
        rotations = self.skeleton.clamped(bones(inside))
        rotations[:, 0] = Rotation.from_quat(root(inside)).as_rotvec()
        return Poses(rotations, np.asarray(translation(inside)))

    @cached_property
    def _splines(self) -> tuple[CubicSpline, CubicSpline, CubicSpline]:
        turns = Rotation.from_rotvec(self.rotations[:, 0]).as_quat()
        flips = np.cumprod(np.where((turns[1:] * turns[:-1]).sum(axis=1) < 0, -1.0, 1.0))
        turns[1:] *= flips[:, None]
        return (
            CubicSpline(self.times, self.rotations),
            CubicSpline(self.times, self.translation),
            CubicSpline(self.times, turns),
        )


def gait_names(template: Template) -> tuple[str, ...]:
    """Return what `sample_motion` can have the template's figure do."""
    return _performer(template).gaits


def sample_motion(
    template: Template,
    duration_s: float,
    area_radius: float,
    rng: np.random.Generator,
    gait: str | None = None,
    shape: Floats | None = None,
) -> Motion:
    """Return something that the template's figure does for ``duration_s`` seconds.

    A person (the shipped body's bones) walks, runs, and does things on the spot; a quadruped (the
    shipped one's bones) likewise; any other skeleton moves all its joints about within their
    limits while it wanders. The same state of ``rng`` gives the same motion.

    Parameters
    ----------
    template
        Who moves; one without a skeleton is InputError.
    duration_s
        Seconds; the motion is defined for half a second more on both sides.
    area_radius
        Radius in metres about the world's origin in which the subject stays (its middle).
    rng
        Source of chance.
    gait
        One of `gait_names`; none is a sequence of several with transitions. An unknown one is
        InputError.
    shape
        (S,) shape coefficients of the subject, so that its feet meet the floor; none is the mean.
    """
    for name, value in (("duration", duration_s), ("radius of the area", area_radius)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"the {name} of a motion must be positive, got {value}")
    performer = _performer(template)
    if gait is not None and gait not in performer.gaits:
        known = ", ".join(performer.gaits)
        raise InputError(f"{template.name!r} knows no gait {gait!r}; choose one of {known}")
    figure = Figure.of(template, shape)
    keys = performer.perform(figure, duration_s + 2 * MARGIN_S, area_radius, gait, rng)
    times = np.arange(len(keys.root)) / RATE - MARGIN_S
    translation = (keys.root - figure.heads[0]) / UNITS_IN_M[template.units]
    return Motion(figure.skeleton, times, keys.rotations, translation)


def _performer(template: Template) -> Performer:
    """Return what the template's bones say it is."""
    bones = () if template.skeleton is None else template.skeleton.names
    if (template.up, template.forward) != ("z", "-y"):
        return WANDERER
    fitting = (kind for kind in (BODY, QUADRUPED) if set(kind.bones) <= set(bones))
    return next(fitting, WANDERER)
