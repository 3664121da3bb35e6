"""A grown rig adjusted to all landmarks, and whether its mirrored twin would do as well."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse.csgraph import connected_components

from mvboot.calib.bundle import INTRINSICS, Bundle, Held, Observations, adjust
from mvboot.calib.reversal import reversed_twin
from mvboot.calib.rounds import LOSS_SIGMAS
from mvboot.calib.tracks import MIN_SEEN, detection_noise, tracks
from mvboot.errors import NothingUsable
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions

ROUNDS = 3
THRESHOLD_SIGMAS = 6.0
ALIKE = 1.3
"""Noise with one arrangement over that with its twin, up to which they cannot be told apart."""


@dataclass(frozen=True)
class Arrangement:
    """Cameras and landmarks that fit one another.

    Parameters
    ----------
    bundle, observations
        The end of the adjustment, and the detections behind it.
    """

    bundle: Bundle
    observations: Observations

    @property
    def noise_px(self) -> float:
        """Noise of the detections per axis, from the residuals."""
        return detection_noise(self.bundle, self.observations)


def arrangements(
    rig: Rig, keypoints: Keypoints2D, options: TriangulationOptions
) -> list[Arrangement]:
    """Return the adjusted rig; its twin too, the better one first, where they fit alike.

    NothingUsable where a camera shares too few landmarks with the others, or nothing fits.
    """
    found = _adjusted(rig, keypoints, options)
    other = _twin(found, keypoints, options)
    if other is not None and other.noise_px < found.noise_px:
        found, other = other, _twin(other, keypoints, options) or found
    alike = other is not None and other.noise_px <= ALIKE * found.noise_px
    return [found, other] if other is not None and alike else [found]


def _twin(
    found: Arrangement, keypoints: Keypoints2D, options: TriangulationOptions
) -> Arrangement | None:
    """Return the mirrored twin, adjusted as well; None where it is far worse from the start."""
    twin = _fitted(reversed_twin(found.bundle), found.observations, LOSS_SIGMAS * found.noise_px)
    if twin is None or twin.noise_px > ALIKE * found.noise_px:
        return None
    return _adjusted(twin.bundle.rig, keypoints, options)


def _adjusted(rig: Rig, keypoints: Keypoints2D, options: TriangulationOptions) -> Arrangement:
    """Return the rig adjusted to tracks, stricter from round to round."""
    threshold = options.threshold_px
    found: Arrangement | None = None
    for number in range(ROUNDS):
        start, seen = _linked_tracks(rig, keypoints, threshold, options)
        loss_px = LOSS_SIGMAS * detection_noise(start, seen) if number == 0 else None
        found = _fitted(start, seen, loss_px)
        if found is None:
            raise NothingUsable("the adjustment found no finite solution; no rig was made")
        rig = found.bundle.rig
        threshold = min(threshold, THRESHOLD_SIGMAS * found.noise_px)
    assert found is not None, "there are several rounds"
    return found


def _fitted(start: Bundle, seen: Observations, loss_px: float | None) -> Arrangement | None:
    held = Held(
        dict.fromkeys(start.rig.names, INTRINSICS),
        points=np.zeros(len(start.points), np.bool_),
        motion=True,
    )
    solved = adjust(start, seen, held, loss_px)
    if solved is None:
        return None
    finite = np.flatnonzero(np.isfinite(solved.residuals(seen)).all(1))
    return Arrangement(solved, seen.where(finite)) if len(finite) else None


def _linked_tracks(
    rig: Rig, keypoints: Keypoints2D, threshold: float, options: TriangulationOptions
) -> tuple[Bundle, Observations]:
    """Return tracks that link all cameras: of three views, which check one another, or of two."""
    for choice in (options, replace(options, min_views=2)):
        bundle, seen = tracks(rig, keypoints, threshold, choice)
        if _links(len(rig), bundle, seen):
            return bundle, seen
    counts = np.bincount(seen.camera, minlength=len(rig))
    least = rig.names[int(counts.argmin())]
    raise NothingUsable(
        f"camera {least} sees only {counts.min()} landmarks that agree with the others within "
        f"{threshold:.3g} px; {MIN_SEEN} are needed, in common with each part of the rig: add "
        "landmarks, or leave the camera out (--cameras)"
    )


def _links(cameras: int, bundle: Bundle, seen: Observations) -> bool:
    """Whether every camera sees enough points, and all are linked by points they share."""
    if (np.bincount(seen.camera, minlength=cameras) < MIN_SEEN).any():
        return False
    sees = np.zeros((cameras, len(bundle.points)))
    sees[seen.camera, seen.point] = 1
    return int(connected_components(sees @ sees.T >= MIN_SEEN / 2, directed=False)[0]) == 1
