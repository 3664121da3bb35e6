"""Our own network of keypoints as the detector of bootstrapping."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mvboot.datasets import Capture, View
from mvboot.datasets.boxes import Boxes
from mvboot.inference.crops import MIN_CONFIDENCE, framed, without_crop
from mvboot.inference.keypoints import detected
from mvboot.keypoints import Keypoints2D
from mvboot.networks import load_network
from mvboot.training.keypoints.settings import KeypointSettings
from mvboot.training.run import MODEL, PreparedRun

LOCATOR = "locator"
LOCATOR_PX = 192
"""Side to which whole pictures are cut where the subject is to be found in them first."""


@dataclass(frozen=True)
class NetworkDetector:
    """Trains a network in every round.

    Where neither boxes nor masks say where the subject is in the pictures, a second network learns
    first to find it in whole pictures.

    Parameters
    ----------
    settings
        Of each training.
    capture
        What was filmed; its own keypoints and fields are never looked at.
    teacher
        Network that a first one starts from; None: a new one.
    warn
        Is told what is doubtful about a training.
    """

    settings: KeypointSettings
    capture: Capture
    teacher: Path | None = None
    warn: Callable[[str], None] = lambda text: None

    def train(self, labels: Keypoints2D, folder: Path, before: Path | None = None) -> None:
        """See `Detector.train`."""
        start = self.teacher if before is None else before / MODEL
        if self._must_locate:
            first = self.teacher if before is None else before / LOCATOR / MODEL
            self._train(self._locating, self._blind, labels, folder / LOCATOR, first)
        views = self._views if self.settings.sees_views else []
        self._train(self.settings, self.framed(folder, views), labels, folder, start)

    def detect(self, folder: Path, views: Sequence[View]) -> Keypoints2D:
        """See `Detector.detect`."""
        return _detected(folder, self.framed(folder, views), views, self.settings)

    def framed(self, folder: Path, views: Sequence[View]) -> Capture:
        """Return what was filmed, with boxes in these pictures where only a network tells them."""
        if not views or not self._must_locate:
            return self._blind
        found = _detected(folder / LOCATOR, self._blind, views, self._locating)
        return self._blind.with_boxes(Boxes.of_keypoints(found, MIN_CONFIDENCE))

    @property
    def _views(self) -> list[View]:
        """All pictures."""
        return [
            View(camera, frame)
            for camera, pictures in self.capture.pictures.items()
            for frame in pictures.frames.tolist()
        ]

    @property
    def _must_locate(self) -> bool:
        if self.settings.crops == "picture":
            return False
        return without_crop(self._blind, self._views) > 0

    @property
    def _blind(self) -> Capture:
        """What was filmed, without keypoints and fields."""
        return self.capture.with_keypoints(None).labelled_by(())

    @property
    def _locating(self) -> KeypointSettings:
        size = max(self.settings.size, LOCATOR_PX)
        return self.settings.model_copy(
            update={"crops": "picture", "size": size, "method": "supervised"}
        )

    def _train(
        self,
        settings: KeypointSettings,
        views: Capture,
        labels: Keypoints2D,
        folder: Path,
        start: Path | None,
    ) -> None:
        labelled = self.capture.with_keypoints(labels)
        run = PreparedRun.of(settings, views, (labelled,), start)
        for warning in run.data.warnings:
            self.warn(warning)
        run.train(folder)


def _detected(
    folder: Path, capture: Capture, views: Sequence[View], settings: KeypointSettings
) -> Keypoints2D:
    network = load_network(folder / MODEL).eval()
    looked = framed(capture, settings.crops)
    return detected(network, looked, views, settings.size, settings.margin)
