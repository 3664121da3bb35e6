"""What bootstrapping needs to know of a detector: it learns from labels, and it detects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mvboot.datasets import View
from mvboot.keypoints import Keypoints2D


class Detector(Protocol):
    """Anything that learns keypoints in pictures."""

    def train(self, labels: Keypoints2D, folder: Path, before: Path | None = None) -> None:
        """Learn from labels and put what was learned into an empty folder.

        ``before`` is the folder of a detector to go on from, None for a first one.
        Pictures without a label are all NaN, a keypoint that is NaN in a labelled picture says
        nothing. The same labels and the same start give the same detector.
        """

    def detect(self, folder: Path, views: Sequence[View]) -> Keypoints2D:
        """Return what the detector of a folder finds in pictures, of one individual."""
