"""How good a round's detector is: on cameras and on labels that it did not learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets import Capture, View
from mvboot.datasets.labels import labelled_pictures
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.detections import detection_summary
from mvboot.triangulation.evaluate import leave_one_out
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import KeypointGroups

Floats = NDArray[np.float64]
FEWEST_CAMERAS = 3
"""Two triangulate, and the third judges."""


@dataclass(frozen=True)
class Judgement:
    """What is known of a detector.

    Parameters
    ----------
    held_out_px
        Median distance of its detections in a camera from what the other cameras triangulate,
        missing ones counted as infinitely far; None where that is half of them, or nothing was
        held out.
    pck, median_px
        Share of held-out labels it finds within 0.05 of the longer side of the box about the
        picture's labels, and its median error; None without such labels.
    """

    held_out_px: float | None
    pck: float | None
    median_px: float | None


@dataclass(frozen=True)
class Judge:
    """Judges detections of frames and cameras that are held out.

    Parameters
    ----------
    capture
        Its splits say what is held out: frames that validate, or all where there are none. Each
        held-out camera is judged by the cameras that train; where none is held out, every camera
        by the others.
    labels
        Labels of people; only those of held-out frames count.
    options, min_confidence, groups
        How points are triangulated.
    """

    capture: Capture
    labels: Keypoints2D
    options: TriangulationOptions
    min_confidence: float
    groups: KeypointGroups | None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Cameras that are left out in turn."""
        training = self.capture.training_cameras
        return tuple(n for n in self.capture.cameras if n not in training) or training

    @property
    def warning(self) -> str | None:
        """What is doubtful about it, or None."""
        splits = self.capture.model.splits
        if splits is not None and (len(splits.validation) or splits.held_out_cameras):
            return None
        return (
            "capture.yaml holds neither frames nor cameras back; rounds are judged on the frames "
            "that train, by leaving each camera out, which flatters them"
        )

    def judged(self, detections: Keypoints2D) -> Judgement:
        """Return what is known of the detector that made these detections."""
        rows = np.isin(detections.frames, judging_frames(self.capture))
        own = detections.at_rows(np.flatnonzero(rows))
        return Judgement(self._held_out(own), *self._labels(own))

    def _held_out(self, detections: Keypoints2D) -> float | None:
        training = self.capture.training_cameras
        errors, asked = [np.zeros(0)], 0
        for name in self.cameras:
            others = [camera for camera in training if camera != name]
            if len(others) + 1 < FEWEST_CAMERAS:
                return None
            every = [*others, name]
            confident = detections.for_cameras(others).above(self.min_confidence)
            both = _stacked(confident, detections.for_cameras([name]))
            found = leave_one_out(
                self.capture.rig.subset(every), both, self.options, self.groups, [name]
            )
            errors.append(found.errors_px[0])
            asked += len(detections.keypoints) * sum(
                self.capture.has(name, frame) for frame in detections.frames.tolist()
            )
        known = np.concatenate(errors)
        missing = np.full(max(0, asked - len(known)), np.inf)
        median = float(np.median(np.concatenate([known, missing]))) if asked else np.inf
        return median if np.isfinite(median) else None

    def _labels(self, detections: Keypoints2D) -> tuple[float | None, float | None]:
        held = self.capture.split("validation")
        judged = labelled_pictures(self.labels) & np.isin(self.labels.frames, held)
        pictures = {
            int(frame): [name for name, own in zip(self.labels.cameras, row, strict=True) if own]
            for frame, row in zip(self.labels.frames, judged.T, strict=True)
            if row.any()
        }
        if not pictures:
            return None, None
        summary = detection_summary(detections, self.labels, pictures)
        return summary["pck_0.05"], summary["median_px"]


def judging_frames(capture: Capture) -> list[int]:
    """Return the frames that judge: those that validate, or where there are none, that train."""
    held = capture.split("validation")
    return list((held if len(held) else capture.split("train")).tolist())


def wanted_views(capture: Capture) -> list[View]:
    """Return all pictures that a detector must look at, to label them or to be judged."""
    wanted = {
        *((name, frame) for name in capture.training_cameras for frame in capture.split("train")),
        *((name, frame) for name in capture.cameras for frame in judging_frames(capture)),
    }
    return [View(n, int(frame)) for n, frame in sorted(wanted) if capture.has(n, int(frame))]


def _stacked(first: Keypoints2D, second: Keypoints2D) -> Keypoints2D:
    return Keypoints2D(
        (*first.cameras, *second.cameras),
        first.frames,
        first.individuals,
        first.keypoints,
        np.concatenate([first.xy, second.xy]),
        np.concatenate([first.confidence, second.confidence]),
    )
