"""From detections to pseudo-labels: triangulate, reject, keep the best frames, project back."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mvboot.bootstrap import heuristics
from mvboot.bootstrap.bones import Bone, bone_lengths, limited
from mvboot.bootstrap.config import BootstrapSettings
from mvboot.bootstrap.occlusion import shares_seen
from mvboot.bootstrap.scoring import best_frames, frame_scores
from mvboot.datasets import Capture
from mvboot.datasets.label_agreement import LabelAgreement
from mvboot.datasets.labels import labelled_part, labelled_pictures, of_pictures
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.projected import projected
from mvboot.triangulation.recording import KeypointGroups, triangulate_keypoints

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REASONS = ("nothing triangulated", "review", "inliers", "confidence", "velocity", "bones",
           "occlusion")  # fmt: skip
"""Why a frame is rejected, in the order in which it is asked; it counts for the first."""


@dataclass(frozen=True)
class Chosen:
    """What a round chooses, and why not the rest.

    Parameters
    ----------
    points
        Triangulated keypoints of all training frames.
    scores
        (F,) sum of confidences over inliers.
    rejected
        Which frames (F,) each of `REASONS` rejects; those that are switched off are left out.
    chosen
        (F,) which frames become labels.
    labels
        The points of these frames in all pictures that are used.
    hidden_views, unsure_views
        How many pictures of the chosen frames get no labels, as the subject is hidden in them,
        or as the detector was not confident.
    """

    points: Keypoints3D
    scores: Floats
    rejected: Mapping[str, Bools]
    chosen: Bools
    labels: Keypoints2D
    hidden_views: int
    unsure_views: int


@dataclass(frozen=True)
class Selector:
    """Makes pseudo-labels of detections; the same detections give the same labels.

    Parameters
    ----------
    settings
        What is asked.
    capture
        What was filmed.
    threshold_px
        How far from its detection a point may fall.
    groups
        Keypoints that are triangulated together, or None.
    bones
        Limits of lengths, and what hides what.
    labels
        Labels of people: how long bones are, where they can be triangulated.
    """

    settings: BootstrapSettings
    capture: Capture
    threshold_px: float
    groups: KeypointGroups | None
    bones: tuple[Bone, ...]
    labels: Keypoints2D

    @cached_property
    def agreement(self) -> LabelAgreement:
        """Which keypoints people place on the same spot in every view."""
        return LabelAgreement.of(self.capture.rig, self.labels, self.settings.agreement)

    def points(self, detections: Keypoints2D) -> Keypoints3D:
        """Triangulate detections (C, F, 1, K) of some cameras robustly, in groups.

        Their covariances are set aside: views agree within a number of pixels, as in the paper,
        so that an unsure detector cannot agree with everything.
        """
        settings = self.settings
        options = TriangulationOptions(
            threshold_px=self.threshold_px, min_views=settings.min_views, seed=settings.seed
        )
        rig = self.capture.rig.subset(detections.cameras)
        agreed = self.agreement.kept(detections.above(settings.min_confidence))
        confident = replace(agreed, covariance=None)
        return triangulate_keypoints(rig, confident, options, self.groups)

    def choose(self, detections: Keypoints2D, refused: Collection[int] = ()) -> Chosen:
        """Return the pseudo-labels of training detections (C, F, 1, K).

        ``refused`` are frames that a person rejected.
        """
        points = self.points(detections)
        scores = frame_scores(points, detections)
        labels = self._labels(points)
        rejected, left = self._rejected(points, detections, refused)
        usable, views = self._views(points, detections, labels, left)
        if self.settings.heuristics.occlusion is not None:
            rejected["occlusion"] = left & heuristics.hidden(usable)
            left = left & ~rejected["occlusion"]
        chosen = best_frames(points.frames, scores, left, self.settings.window, self.settings.best)
        pictures = labelled_pictures(labels) & usable & chosen
        counts = {name: int((lost & labelled_pictures(labels) & chosen).sum())
                  for name, lost in views.items()}  # fmt: skip
        return Chosen(
            points, scores, rejected, chosen, of_pictures(labels, pictures),
            counts["hidden"], counts["unsure"],
        )  # fmt: skip

    def _rejected(
        self, points: Keypoints3D, detections: Keypoints2D, refused: Collection[int]
    ) -> tuple[dict[str, Bools], Bools]:
        """Return the frames that each heuristic but the last rejects, and those that are left."""
        limits = self.settings.heuristics
        xyz, inliers = points.xyz[:, 0], points.inliers[:, :, 0]
        confidence = np.nan_to_num(detections.confidence[:, :, 0])
        tests: dict[str, Callable[[], Bools] | None] = {
            "nothing triangulated": lambda: ~np.asarray(points.accepted.any(axis=(1, 2))),
            "review": lambda: np.isin(points.frames, np.array(sorted(refused), np.int64)),
            "inliers": _if(limits.inliers, lambda least: heuristics.few_inliers(inliers, least)),
            "confidence": _if(
                limits.confidence, lambda least: heuristics.unsure(confidence, inliers, least)
            ),
            "velocity": _if(
                limits.velocity,
                lambda share: heuristics.jumping(
                    xyz, points.frames, share * heuristics.subject_size(xyz)
                ),
            ),
            "bones": _if(
                limits.bones if self.bones else None,
                lambda ratio: heuristics.misbuilt(
                    xyz, points.keypoints, self.limited(xyz, points.keypoints, ratio)
                ),
            ),
        }
        left = np.ones(len(points.frames), bool)
        found = {}
        for name, test in tests.items():
            if test is not None:
                found[name] = left & test()
                left = left & ~found[name]
        return found, left

    def limited(self, xyz: Floats, keypoints: tuple[str, ...], ratio: float) -> tuple[Bone, ...]:
        """Return the bones with limits about their usual length, of people's labels first.

        Beyond them is slack for what views may disagree, as far as that is in space.
        """
        return limited(
            self.bones,
            bone_lengths(self._labelled_xyz, self.labels.keypoints, self.bones),
            bone_lengths(xyz, keypoints, self.bones),
            ratio,
            self.settings.threshold * heuristics.subject_size(xyz),
        )

    @cached_property
    def _labelled_xyz(self) -> Floats:
        labels = labelled_part(self.labels, fewest=2)
        if not len(labels.frames):
            return np.zeros((0, len(labels.keypoints), 3))
        options = TriangulationOptions(threshold_px=self.threshold_px, min_views=2)
        rig = self.capture.rig.subset(labels.cameras)
        return triangulate_keypoints(rig, labels, options).xyz[:, 0]

    def _labels(self, points: Keypoints3D) -> Keypoints2D:
        """Return all points in all pictures that were filmed and show their place."""
        rig = self.capture.rig.subset(points.cameras)
        found = projected(points, rig)
        inside = np.zeros(found.xy.shape[:-1], bool)
        for c, name in enumerate(found.cameras):
            filmed = np.array([self.capture.has(name, f) for f in found.frames.tolist()])
            size = np.array(self.capture.size(name))
            xy = found.xy[c]
            with np.errstate(invalid="ignore"):
                inside[c] = ((xy >= -0.5) & (xy <= size - 0.5)).all(-1) & filmed[:, None, None]
        return self.agreement.kept(found.where(inside))

    def _views(
        self, points: Keypoints3D, detections: Keypoints2D, labels: Keypoints2D, left: Bools
    ) -> tuple[Bools, dict[str, Bools]]:
        """Return which pictures (C, F) of the frames that are left may be used, and why not."""
        settings = self.settings
        there = labelled_pictures(labels)
        confidence = np.nan_to_num(detections.confidence[:, :, 0]).mean(-1)
        hidden, unsure = np.zeros_like(there), np.zeros_like(there)
        if settings.view_confidence is not None:
            unsure = confidence < settings.view_confidence
        least = settings.heuristics.occlusion
        if least is not None:
            asked = of_pictures(labels, there & left)
            hidden = shares_seen(self.capture, points.xyz[:, 0], asked, self.bones) < least
        return there & ~hidden & ~unsure, {"hidden": hidden, "unsure": unsure & ~hidden}


def _if(limit: float | None, test: Callable[[float], Bools]) -> Callable[[], Bools] | None:
    return None if limit is None else lambda: test(limit)
