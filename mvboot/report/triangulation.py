"""What came out of a triangulation, counted while it streams by: the funnel and the errors."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.keypoints import Keypoints2D, Keypoints3D

REMEDIES = {
    "too few detections": "lower --min-confidence, or --min-views if fewer cameras see it",
    "rays nearly parallel": "the cameras that see it stand too close together; add a side view",
    "behind the cameras": "camera names or poses do not belong together; run `mvboot rig check`",
    "too few agreeing views": "views contradict each other: check camera names, frame alignment, "
    "who is who and then the calibration (`mvboot rig check --keypoints`)",
    "did not converge": "views contradict each other; check the calibration and the detections",
}
"""What a user can do about each reason of `triangulation.REASONS`."""


class Funnel:
    """How many detections and points of each keypoint survive each step; fed block by block.

    ``points`` counts every frame and individual, seen or not. Shares and refusals are of the
    points that two or more cameras saw: who is not there is not refused.

    Parameters
    ----------
    keypoints
        Names of the K keypoints.
    """

    def __init__(self, keypoints: tuple[str, ...]) -> None:
        self.keypoints = keypoints
        self.frames = 0
        self.detections = np.zeros(len(keypoints), dtype=np.int64)
        self.above_threshold = np.zeros(len(keypoints), dtype=np.int64)
        self.two_or_more_views = np.zeros(len(keypoints), dtype=np.int64)
        self.inliers = np.zeros(len(keypoints), dtype=np.int64)
        self.points = np.zeros(len(keypoints), dtype=np.int64)
        self.accepted = np.zeros(len(keypoints), dtype=np.int64)
        self.only_two_views = np.zeros(len(keypoints), dtype=np.int64)
        self.refused: list[Counter[str]] = [Counter() for _ in keypoints]
        self._errors: list[NDArray[np.float32]] = []

    def add(self, raw: Keypoints2D, confident: Keypoints2D, solved: Keypoints3D) -> None:
        """Count one block: its detections, those above the threshold, and its points."""
        self.frames += len(raw.frames)
        self.detections += raw.present.sum((0, 1, 2))
        self.above_threshold += confident.present.sum((0, 1, 2))
        views = confident.present.sum(0)
        self.two_or_more_views += (views >= 2).sum((0, 1))
        self.only_two_views += ((views == 2) & ~solved.accepted).sum((0, 1))
        self.inliers += solved.inliers.sum((0, 1, 2))
        self.points += solved.accepted.shape[0] * solved.accepted.shape[1]
        self.accepted += solved.accepted.sum((0, 1))
        self._errors.append(solved.error_px[solved.accepted].astype(np.float32))
        for k in range(len(self.keypoints)):
            refused = (views[:, :, k] >= 2) & ~solved.accepted[:, :, k]
            self.refused[k].update(solved.reason[:, :, k][refused])

    def reprojection(self) -> dict[str, float | None]:
        """Return median, mean and 90th percentile of the points' reprojection errors in px."""
        errors = np.concatenate(self._errors) if self._errors else np.empty(0, np.float32)
        if len(errors) == 0:
            return {"median": None, "mean": None, "p90": None}
        return {
            "median": float(np.median(errors)),
            "mean": float(errors.mean(dtype=np.float64)),
            "p90": float(np.percentile(errors, 90)),
        }

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return the counts by keypoint: the "funnel" part of summary.json."""
        return {
            name: {
                "detections": int(self.detections[k]),
                "above_threshold": int(self.above_threshold[k]),
                "points": int(self.points[k]),
                "two_or_more_views": int(self.two_or_more_views[k]),
                "inliers": int(self.inliers[k]),
                "accepted": int(self.accepted[k]),
                "refused": dict(self.refused[k].most_common()),
            }
            for k, name in enumerate(self.keypoints)
        }

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table a person reads: one row per keypoint and one for all, plus headers."""
        header = (
            "keypoint",
            "detections",
            "confident enough",
            "points",
            "seen by 2+ cameras",
            "agreeing detections",
            "accepted",
            "share",
            "mostly refused for",
        )
        body = [self._row(name, [k]) for k, name in enumerate(self.keypoints)]
        return [header, *body, self._row("all", list(range(len(self.keypoints))))]

    @property
    def share(self) -> float:
        """Share of the points seen by two or more cameras that were accepted; 1 if none were."""
        seen = int(self.two_or_more_views.sum())
        return int(self.accepted.sum()) / seen if seen else 1.0

    @property
    def lacks_views(self) -> bool:
        """Whether most refused points were seen by two cameras only, and need one more to agree."""
        refused = sum(self.refused, Counter())
        few = min(refused["too few detections"], int(self.only_two_views.sum()))
        return 2 * few > refused.total() > 0

    def main_reason(self) -> str | None:
        """Return the most frequent reason of refusal over all keypoints, or None."""
        total = sum(self.refused, Counter())
        return total.most_common(1)[0][0] if total else None

    def _row(self, name: str, which: list[int]) -> tuple[str, ...]:
        counts = [
            int(column[which].sum())
            for column in (
                self.detections,
                self.above_threshold,
                self.points,
                self.two_or_more_views,
                self.inliers,
                self.accepted,
            )
        ]
        refused = sum((self.refused[k] for k in which), Counter())
        share = 100 * counts[-1] / max(1, counts[3])
        reason = refused.most_common(1)[0][0] if refused else ""
        return (name, *(f"{count:,}" for count in counts), f"{share:.1f} %", reason)
