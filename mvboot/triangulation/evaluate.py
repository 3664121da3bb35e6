"""How good a triangulation is: noise of each keypoint, and the error in a camera left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.linear import triangulate_linear
from mvboot.triangulation.observations import observe
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.points import (
    estimated_noise,
    reprojection_errors,
    triangulate_points,
)
from mvboot.triangulation.recording import (
    KeypointGroups,
    group_labels,
    rig_of_points,
    solve_chunk,
)


@dataclass(frozen=True)
class LeaveOneOut:
    """Reprojection error in each camera of points triangulated without it.

    Parameters
    ----------
    cameras
        Names of the C cameras.
    errors_px
        One array per camera: the errors in px of its detections whose point could be triangulated
        without it; wrong detections count too.
    detections
        How many detections each camera had (C,).
    points
        One array per camera: which point each error belongs to, increasing.
    """

    cameras: tuple[str, ...]
    errors_px: tuple[NDArray[np.float64], ...]
    detections: tuple[int, ...]
    points: tuple[NDArray[np.int64], ...]

    @property
    def median(self) -> float:
        """Median error in px over all cameras; NaN where nothing was measured."""
        every = np.concatenate(self.errors_px)
        return float(np.median(every)) if len(every) else float("nan")

    @property
    def medians(self) -> dict[str, float]:
        """Median error in px of each camera; NaN where nothing was measured."""
        return {
            name: float(np.median(errors)) if len(errors) else float("nan")
            for name, errors in zip(self.cameras, self.errors_px, strict=True)
        }

    def measured_by(self, other: "LeaveOneOut") -> "LeaveOneOut":
        """Return the errors of the detections that another rig of these cameras measured too.

        Two rigs can only be compared on the same detections: one that loses the worst of them
        would look better.
        """
        pairs = zip(self.points, other.points, strict=True)
        common = [np.isin(own, theirs) for own, theirs in pairs]
        return replace(
            self,
            errors_px=tuple(e[rows] for e, rows in zip(self.errors_px, common, strict=True)),
            points=tuple(p[rows] for p, rows in zip(self.points, common, strict=True)),
        )

    def summary(self) -> dict[str, object]:
        """Return the "leave_one_out_px" part of summary.json; None where nothing was measured."""
        every = np.concatenate(self.errors_px)
        return {
            **_quantiles(every),
            "per_camera": {
                name: {**_quantiles(errors), "measured": len(errors), "detections": count}
                for name, errors, count in zip(
                    self.cameras, self.errors_px, self.detections, strict=True
                )
            },
        }


def leave_one_out(
    rig: Rig,
    keypoints: Keypoints2D,
    options: TriangulationOptions,
    groups: KeypointGroups | None = None,
    cameras: Sequence[str] | None = None,
) -> LeaveOneOut:
    """Triangulate without each camera in turn and measure the result in that camera.

    ``cameras`` are those that are left out, all of the rig where none are named.

    The whole robust triangulation is repeated, so the camera has no say in which detections
    count. Where the others contradict each other the point is their plain linear triangulation:
    leaving such points out would flatter a bad calibration. Needs three cameras: with two nothing
    is left to triangulate from, and every camera's errors come back empty. The default minimum of
    views is that of a rig with one camera less.
    """
    ordered = keypoints.for_cameras(rig.names)
    posed = rig_of_points(rig, ordered)
    pixels = ordered.xy.reshape(len(rig), -1, 2)
    confidence = ordered.confidence.reshape(len(rig), -1)
    weight = observe(posed, pixels, confidence).weight
    labels = group_labels(ordered, groups)
    errors, counts, measured = [], [], []
    names = rig.names if cameras is None else tuple(cameras)
    for name in names:
        c = rig.names.index(name)
        seen = weight[:, c] > 0
        counts.append(int(seen.sum()))
        if len(rig) < 3:
            errors.append(np.empty(0))
            measured.append(np.empty(0, np.int64))
            continue
        others_px, others_certain = (np.delete(array, c, axis=0) for array in (pixels, confidence))
        others_rig = posed.without(name)
        found = triangulate_points(others_rig, others_px, others_certain, options, labels)
        robust = torch.from_numpy(found.points)
        refused = torch.isnan(robust[:, 0]) & seen
        plain = triangulate_linear(others_rig, np.where(refused[:, None], others_px, np.nan))
        points = torch.where(refused[:, None], torch.from_numpy(plain), robust)
        own = torch.from_numpy(pixels[c : c + 1])
        gap = reprojection_errors(posed.subset([name]), points, own)[0]
        rows = torch.nonzero(seen & ~torch.isnan(gap))[:, 0]
        errors.append(gap[rows].numpy())
        measured.append(rows.numpy())
    return LeaveOneOut(names, tuple(errors), tuple(counts), tuple(measured))


def linear_error(rig: Rig, keypoints: Keypoints2D) -> dict[str, float | None]:
    """Return median and 90th percentile of the error in px of a plain linear triangulation.

    Every detection counts: the baseline that tells a bad calibration from a few bad detections.
    """
    ordered = keypoints.for_cameras(rig.names)
    posed = rig_of_points(rig, ordered)
    pixels = ordered.xy.reshape(len(rig), -1, 2)
    points = triangulate_linear(posed, pixels)
    errors = reprojection_errors(posed, torch.from_numpy(points), torch.from_numpy(pixels)).numpy()
    return _quantiles(errors[~np.isnan(errors)])


def keypoint_noise(
    rig: Rig,
    keypoints: Keypoints2D,
    options: TriangulationOptions,
    groups: KeypointGroups | None = None,
) -> NDArray[np.float64]:
    """Return the noise of each keypoint's detections (K,) in px per axis, at confidence 1.

    Estimated from the residuals of a sample; a keypoint without a redundant point gets the noise
    of all keypoints together (NaN where there is none at all).
    """
    ordered = keypoints.for_cameras(rig.names)
    result = solve_chunk(rig, ordered, options, groups)
    pixels = ordered.xy.reshape(len(rig), -1, 2)
    posed = rig_of_points(rig, ordered)
    errors = reprojection_errors(posed, torch.from_numpy(result.points), torch.from_numpy(pixels))
    inliers = torch.from_numpy(result.inliers)
    errors = torch.where(inliers, errors, 0.0)
    weight = torch.from_numpy(np.where(result.inliers, ordered.confidence.reshape(len(rig), -1), 0))
    keypoint = np.arange(pixels.shape[1]) % ordered.shape[-1]
    noise = [
        estimated_noise(weight[:, rows], errors[:, rows], inliers[:, rows].sum(0))
        for rows in (keypoint == k for k in range(ordered.shape[-1]))
    ]
    return np.where(np.isnan(noise), result.noise_px, noise)


def _quantiles(errors: NDArray[np.float64]) -> dict[str, float | None]:
    if len(errors) == 0:
        return {"median": None, "p90": None}
    return {"median": float(np.median(errors)), "p90": float(np.percentile(errors, 90))}
