"""Follow: fields of instant after instant in, the surface of one subject out.

What a surface hides is only known once there is one, and so is what noisy fields show of it. So
each instant is lifted, the template posed to the points, lifted once more with the posed template
for occlusion and noise (`noise.Scatter`), and fitted. Later instants begin with the one before.
All of it happens near the cameras: a world far from its origin is counted from there meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import NothingUsable
from mvboot.formats.single import camera_centers, counted_from, near_origin
from mvboot.rig import Rig
from mvboot.surfaces.fit import Lost, Surface, SurfaceFitter
from mvboot.surfaces.lift import Lifted, agreement, lift
from mvboot.surfaces.noise import Scatter
from mvboot.surfaces.sightings import Seen, require_shown

ROUNDS = 2
"""How often an instant is lifted."""
BELIEVED = 0.5
"""A surface that believes a smaller share of what was lifted is sought again, from nothing."""


class Follower:
    """Follows one subject.

    Parameters
    ----------
    fitter
        Of its template, in the unit of the rig.
    threshold_px, min_views
        When views agree (`lift.agreement`).
    rounds
        How often an instant is lifted, the first time blind.

    Attributes
    ----------
    noise
        How far the fields of the last instant were off (`Lifted.noise`); NaN before the first.
    """

    def __init__(
        self,
        fitter: SurfaceFitter,
        threshold_px: float | None = None,
        min_views: int | None = None,
        rounds: int = ROUNDS,
    ) -> None:
        self._fitter, self._rounds = fitter, rounds
        self._threshold_px, self._min_views = threshold_px, min_views
        self._scatter = Scatter(fitter.template)
        self._last: Surface | None = None
        self._origin: NDArray[np.float64] | None = None
        self.noise = float("nan")

    def surface(self, seen: Mapping[str, Seen], rig: Rig) -> Surface:
        """Return the surface at the next instant.

        Parameters
        ----------
        seen
            What the fields of the instant see, by camera.
        rig
            At least these cameras, at their poses in the instant.

        Raises
        ------
        NothingUsable
            Fewer than two fields show the subject, or too little of it is seen; the next instant
            begins with the last one that had a surface.
        InputError
            As for `lift` and `SurfaceFitter.fit`.
        """
        require_shown(seen)
        if self._origin is None:
            self._origin = near_origin(camera_centers(rig), rig.units)
        if not self._origin.any():
            return self._surface(seen, rig)
        return _shifted(self._surface(seen, counted_from(rig, self._origin)), self._origin)

    def _surface(self, seen: Mapping[str, Seen], rig: Rig) -> Surface:
        found, lifted = self._found(seen, rig, self._last)
        believed = (~found.carried).sum() / lifted.visible.sum()
        if self._last is not None and believed < BELIEVED:
            found, lifted = self._found(seen, rig, None)
        if found.carried.all():
            raise NothingUsable(
                "no vertex is seen: the views agree on nothing that belongs to the template"
            )
        self._last, self.noise = found, float(np.float64(lifted.noise))
        return found

    def _found(
        self, seen: Mapping[str, Seen], rig: Rig, last: Surface | None
    ) -> tuple[Surface, Lifted]:
        template = self._fitter.template
        options = agreement(seen.values(), self._threshold_px, self._min_views)
        lifted = lift(
            seen,
            rig,
            template,
            surface=None if last is None else last.vertices,
            options=options,
        )
        found = self._fitter.fit(lifted, last, bend=self._rounds == 1)
        for turn in range(1, self._rounds):
            lifted = lift(
                seen,
                rig,
                template,
                surface=found.vertices,
                scatter=(self._scatter, lifted.noise),
                options=options,
            )
            found = self._fitter.fit(lifted, last, found, bend=turn == self._rounds - 1)
        return found, lifted

    def follow(
        self, instants: Iterable[tuple[Mapping[str, Seen], Rig]]
    ) -> Iterator[Surface | Lost]:
        """Yield the surface of each instant, or why there is none; one is held at any time."""
        for seen, rig in instants:
            try:
                yield self.surface(seen, rig)
            except NothingUsable as error:
                yield Lost(str(error))


def _shifted(surface: Surface, shift: NDArray[np.float64]) -> Surface:
    posture = surface.posture
    if posture is not None:
        posture = replace(posture, translation=posture.translation + shift)
    return replace(surface, vertices=surface.vertices + shift, posture=posture)
