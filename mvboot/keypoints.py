"""2D detections of a recording and 3D keypoints, as dense arrays with names on every axis."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.words import listed

FloatArray = NDArray[np.float64]
DEFAULT_NAME = re.compile(
    r"(ind|indiv|individual|animal|person|people|track|instance|id|idx|obj|object|slot)[ _-]?\d+",
    re.IGNORECASE,
)
"""How trackers and detectors number who they found: DeepLabCut's ind1, SLEAP's track_0, ..."""
SYMMETRIC = 1e-6
"""How far the two halves of a covariance may differ, in shares of its trace."""


def are_identified(individuals: Sequence[str]) -> bool:
    """Whether names of individuals mean the same ones in every camera.

    They do not where two or more are numbers that a detector or tracker gave in each view on its
    own: nobody said who is who. One alone cannot be mistaken.
    """
    return sum(DEFAULT_NAME.fullmatch(name) is not None for name in individuals) < 2


@dataclass(frozen=True)
class Keypoints2D:
    """Detections of every camera, frame, individual and keypoint; missing ones are NaN.

    Parameters
    ----------
    cameras, individuals, keypoints
        Names of the C cameras, I individuals and K keypoints.
    frames
        Strictly increasing frame numbers (F,), the same clock for all cameras.
    xy
        Pixels (C, F, I, K, 2) of the original pictures; NaN where missing.
    confidence
        (C, F, I, K) in [0, 1]; NaN exactly where ``xy`` is missing.
    identified
        Whether an individual's name means the same individual in every camera. False where a file
        only lists people in no particular order (OpenPose): choose one first (`largest`).
    source
        What was read: format and files, for people and provenance; ``notes`` are sentences about
        what was found odd in them.
    covariance
        (C, F, I, K, 2, 2) of the error of ``xy`` in px^2, for detections that are right at all;
        NaN exactly where ``xy`` is missing. None where a detector states none.

    Raises
    ------
    InputError
        Shapes that do not match the names, repeated names, frames out of order, infinite pixels,
        a confidence outside [0, 1] or given without a pixel, or half a pixel, a covariance that is
        not positive definite.
    """

    cameras: tuple[str, ...]
    frames: NDArray[np.int64]
    individuals: tuple[str, ...]
    keypoints: tuple[str, ...]
    xy: FloatArray
    confidence: FloatArray
    identified: bool = True
    source: Mapping[str, Any] = field(default_factory=dict)
    covariance: FloatArray | None = None

    def __post_init__(self) -> None:
        for axis in ("cameras", "individuals", "keypoints"):
            _check_names(axis, getattr(self, axis))
        if len(self.frames) > 1 and not (np.diff(self.frames) > 0).all():
            raise InputError("frame numbers must be strictly increasing")
        expected = (*self.shape, 2)
        if self.xy.shape != expected or self.confidence.shape != expected[:-1]:
            raise InputError(
                f"names say (cameras, frames, individuals, keypoints) = {self.shape}, but xy has "
                f"shape {self.xy.shape} and confidence {self.confidence.shape}"
            )
        if np.isinf(self.xy).any():
            where = np.asarray(np.isinf(self.xy).any(axis=-1))
            raise InputError(f"infinite pixel coordinate {self._example(where)}")
        half = np.isnan(self.xy) != np.isnan(self.confidence)[..., None]
        if half.any():
            example = self._example(np.asarray(half.any(axis=-1)))
            raise InputError(f"x, y and confidence must be NaN together, but are not {example}")
        outside = (self.confidence < 0) | (self.confidence > 1)
        if outside.any():
            worst = float(self.confidence[outside][0])
            raise InputError(
                f"confidence {worst:g} {self._example(outside)} is outside [0, 1]; "
                "rescale the scores of your detector"
            )
        if self.covariance is not None:
            self._check_covariance(self.covariance)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(C, F, I, K)."""
        return len(self.cameras), len(self.frames), len(self.individuals), len(self.keypoints)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a detection, (C, F, I, K)."""
        return ~np.isnan(self.xy[..., 0])

    def for_cameras(self, names: Sequence[str]) -> "Keypoints2D":
        """Return these cameras, in this order (a rig's); an unknown name raises InputError."""
        missing = [name for name in names if name not in self.cameras]
        if missing:
            raise InputError(
                f"no keypoints for camera {listed(missing)}; there are {listed(self.cameras)}"
            )
        rows = [self.cameras.index(name) for name in names]
        return self._mapped(lambda values: values[rows], cameras=tuple(names))

    def for_keypoints(self, names: Mapping[str, str]) -> "Keypoints2D":
        """Return the keypoints that ``names`` has as keys, in its order and with its new names.

        An unknown name raises InputError.
        """
        missing = [name for name in names if name not in self.keypoints]
        if missing:
            raise InputError(
                f"there is no keypoint {listed(missing)}; there are {listed(self.keypoints)}"
            )
        columns = [self.keypoints.index(name) for name in names]
        return self._mapped(
            lambda values: values[:, :, :, columns], keypoints=tuple(names.values())
        )

    def renamed(self, cameras: Mapping[str, str]) -> "Keypoints2D":
        """Return the same detections with cameras renamed; names not in the mapping stay."""
        return replace(self, cameras=tuple(cameras.get(name, name) for name in self.cameras))

    def above(self, min_confidence: float) -> "Keypoints2D":
        """Return the detections with at least this confidence; the others become missing."""
        return self.where(self.confidence >= min_confidence)

    def where(self, keep: NDArray[np.bool_]) -> "Keypoints2D":
        """Return the detections that ``keep`` (C, F, I, K) names; the others become missing."""
        every = np.broadcast_to(keep, self.shape)

        def kept(values: FloatArray) -> FloatArray:
            known = every.reshape(every.shape + (1,) * (values.ndim - every.ndim))
            return np.where(known, values, np.nan)

        return self._mapped(kept)

    def largest(self, min_confidence: float = 0.0) -> "Keypoints2D":
        """Return one individual per camera and frame: the one whose detections span most area.

        The area is the bounding box of the detections with at least ``min_confidence``; one
        detection beats none. The result has one individual called ``largest`` and counts as
        identified.
        """
        kept = self.above(min_confidence).xy
        low = np.where(np.isnan(kept), np.inf, kept).min(axis=3)
        high = np.where(np.isnan(kept), -np.inf, kept).max(axis=3)
        there = (high >= low).all(axis=-1)
        extent = np.where(there, (high - low).prod(axis=-1), -1.0)  # (C, F, I)
        best = extent.argmax(axis=2)

        def chosen(values: FloatArray) -> FloatArray:
            index = best.reshape(best.shape + (1,) * (values.ndim - best.ndim))
            return np.take_along_axis(values, index, axis=2)

        return self._mapped(chosen, individuals=("largest",), identified=True)

    def of(self, individual: str) -> "Keypoints2D":
        """Return the detections of one individual, which then counts as identified.

        An unknown name raises InputError, and one that nobody identified: a place in each camera's
        list, or a track's number.
        """
        if individual not in self.individuals:
            raise InputError(
                f"there is no individual {individual!r}; there are {listed(self.individuals)}"
            )
        self.require_identified(individual)
        i = self.individuals.index(individual)
        return self._mapped(
            lambda values: values[:, :, [i]], individuals=(individual,), identified=True
        )

    def require_identified(self, individual: str) -> None:
        """Raise InputError where an individual's name says nothing about who it is elsewhere."""
        if not self.identified and len(self.individuals) > 1:
            raise InputError(
                f"{individual!r} is only a number that each camera's file gave on its own, and may "
                "be somebody else in every camera; choose the largest (`largest`), or give the "
                "individuals names of their own in the files"
            )

    def slice_frames(self, rows: slice) -> "Keypoints2D":
        """Return a block of frames, by position."""
        return self.at_rows(rows)

    def chunks(self, points: int) -> Iterator["Keypoints2D"]:
        """Yield blocks of whole frames with about this many points each."""
        step = max(1, points // max(1, len(self.individuals) * len(self.keypoints)))
        for start in range(0, len(self.frames), step):
            yield self.slice_frames(slice(start, start + step))

    def sample(self, points: int, rng: np.random.Generator) -> "Keypoints2D":
        """Return whole frames drawn at random, in order, with about this many points."""
        per_frame = len(self.individuals) * len(self.keypoints)
        wanted = min(len(self.frames), max(1, points // per_frame))
        rows = np.sort(rng.choice(len(self.frames), wanted, replace=False))
        return self.at_rows(rows)

    def at_rows(self, rows: slice | NDArray[np.int64]) -> "Keypoints2D":
        """Return some frames, by position."""
        return self._mapped(lambda values: values[:, rows], frames=self.frames[rows])

    def at_frames(self, frames: NDArray[np.int64], rows: NDArray[np.int64]) -> "Keypoints2D":
        """Return the detections at other frames (F',): those of row ``rows[c, f]`` in camera c.

        ``rows`` is (C, F'); -1 where a camera has nothing.
        """
        cameras = np.arange(len(self.cameras))[:, None]

        def moved(values: FloatArray) -> FloatArray:
            absent = (rows < 0).reshape(rows.shape + (1,) * (values.ndim - 2))
            return np.where(absent, np.nan, values[cameras, rows])

        return self._mapped(moved, frames=frames)

    def shifted(self, by: FloatArray) -> "Keypoints2D":
        """Return the detections with pixels moved by an array that fits (C, F, I, K, 2)."""
        return replace(self, xy=self.xy + by)

    def _mapped(self, change: Callable[[FloatArray], FloatArray], **names: Any) -> "Keypoints2D":
        """Return the detections with a change of every array, and other names on their axes."""
        return replace(
            self,
            xy=change(self.xy),
            confidence=change(self.confidence),
            covariance=None if self.covariance is None else change(self.covariance),
            **names,
        )

    def _check_covariance(self, covariance: FloatArray) -> None:
        if covariance.shape != (*self.shape, 2, 2):
            raise InputError(
                f"names say (cameras, frames, individuals, keypoints) = {self.shape}, but the "
                f"covariance has shape {covariance.shape}"
            )
        xx, xy, yx, yy = np.moveaxis(covariance.reshape(*self.shape, 4), -1, 0)
        skew = np.abs(xy - yx) > SYMMETRIC * (np.abs(xx) + np.abs(yy))
        with np.errstate(invalid="ignore"):
            usable = (xx > 0) & (xx * yy > xy * yx) & np.isfinite(xx * yy) & ~skew
        wrong = np.where(self.present, ~usable, ~np.isnan(covariance).all(axis=(-2, -1)))
        if wrong.any():
            raise InputError(
                "the covariance must be symmetric and positive definite where there is a "
                f"detection, NaN elsewhere; it is not {self._example(wrong)}"
            )

    def _example(self, where: NDArray[np.bool_]) -> str:
        c, f, i, k = (int(index[0]) for index in np.nonzero(where))
        return (
            f"in camera {self.cameras[c]}, frame {int(self.frames[f])}, "
            f"individual {self.individuals[i]}, keypoint {self.keypoints[k]}"
        )


@dataclass(frozen=True)
class Keypoints3D:
    """Triangulated keypoints; a refused one has NaN coordinates and says why.

    Parameters
    ----------
    frames, individuals, keypoints
        Frame numbers (F,), names of the I individuals and K keypoints.
    units
        Unit of length of ``xyz`` ("m", "cm", "mm", "um").
    xyz
        World coordinates (F, I, K, 3), NaN where refused.
    error_px
        Mean reprojection error over the inlier views (F, I, K), px of the original pictures.
    residual
        Mean distance of the inlier rays from the point (F, I, K), in ``units``.
    score
        Mean confidence of the inlier views (F, I, K), in [0, 1].
    covariance
        (F, I, K, 3, 3) in units^2, NaN where refused.
    inliers
        Which cameras support the point (C, F, I, K).
    reason
        Why it was refused (F, I, K), "" where accepted.
    cameras
        Names of the C cameras.
    fps
        Frame rate in Hz, or None where unknown.
    up
        Axis of the world that points up, or None where unknown.
    provenance
        Version, rig hash, inputs: plain JSON values, written into every file.
    """

    frames: NDArray[np.int64]
    individuals: tuple[str, ...]
    keypoints: tuple[str, ...]
    units: str
    xyz: FloatArray
    error_px: FloatArray
    residual: FloatArray
    score: FloatArray
    covariance: FloatArray
    inliers: NDArray[np.bool_]
    reason: NDArray[np.object_]
    cameras: tuple[str, ...]
    fps: float | None = None
    up: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_views(self) -> NDArray[np.int64]:
        """Number of inlier views (F, I, K)."""
        return np.asarray(self.inliers.sum(axis=0), dtype=np.int64)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Where there is a point, (F, I, K)."""
        return ~np.isnan(self.xyz[..., 0])


def _check_names(axis: str, names: tuple[str, ...]) -> None:
    if not names:
        raise InputError(f"the keypoints have no {axis}")
    seen = set()
    for name in names:
        if name in seen:
            raise InputError(f"{axis} has the name {name!r} twice")
        seen.add(name)
