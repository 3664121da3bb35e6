"""Everything that can be measured of the fields of a capture, one instant after another.

A measure that cannot be made says why: `NothingUsable`, when it is set up or when it is asked for
its summary.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from mvboot.datasets import Capture
from mvboot.datasets.layout import KEYPOINTS2D, POSES, TRUTH
from mvboot.errors import NothingUsable
from mvboot.fields import DenseField
from mvboot.inference.field_folder import FieldFolder
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.metrics.drift import drift_errors, drift_summary
from mvboot.metrics.epipolar import MatchErrors, epipolar_errors, epipolar_summary
from mvboot.metrics.gps import Kappa
from mvboot.metrics.landmarks import (
    LandmarkErrors,
    landmark_errors,
    landmark_pixels,
    landmark_summary,
)
from mvboot.metrics.lifted import (
    POINTS,
    LiftedErrors,
    chosen_vertices,
    lifted_errors,
    lifted_summary,
)
from mvboot.metrics.rules import Rules
from mvboot.metrics.surface import SurfaceErrors, surface_errors, surface_summary
from mvboot.surfaces import Seen, lift
from mvboot.template import Template
from mvboot.triangulation import TriangulationOptions
from mvboot.triangulation.projected import projected


@dataclass(frozen=True)
class Settings:
    """What is measured, and how.

    Parameters
    ----------
    capture
        Whose pictures the fields are of.
    template
        What they refer to.
    cameras
        Which cameras take part, in the capture's order.
    against
        Earlier fields, for the drift from them.
    rules, kappa, triangulation
        See there.
    points3d
        Triangulated keypoints that landmarks are compared with; None: true keypoints, or those of
        the capture.
    landmarks
        Landmark of the template by name of the keypoint that it is compared with; empty: those
        of equal names.
    lifted_points
        How many vertices are lifted.
    """

    capture: Capture
    template: Template
    cameras: tuple[str, ...]
    against: FieldFolder | None = None
    rules: Rules = field(default_factory=Rules)
    kappa: Kappa = field(default_factory=Kappa.fixed)
    points3d: Keypoints3D | None = None
    landmarks: Mapping[str, str] = field(default_factory=dict)
    lifted_points: int = POINTS
    triangulation: TriangulationOptions = field(default_factory=TriangulationOptions)

    def in_truth(self, name: str) -> bool:
        """Whether the capture has a file of the truth."""
        return (self.capture.folder / TRUTH / name).is_file()

    def require_embedding(self) -> None:
        """Raise NothingUsable where the template has none."""
        if self.template.embedding is None:
            raise NothingUsable("the template has no embedding to match in")

    def require_one_subject(self) -> None:
        """Raise NothingUsable where the truth tells of several."""
        if self.in_truth(POSES) and len(self.capture.truth.poses.individuals) > 1:
            raise NothingUsable(
                "there are several subjects, and fields do not say whose surface a pixel shows"
            )


@dataclass(frozen=True)
class Instant:
    """The fields of one frame, by camera."""

    frame: int
    fields: Mapping[str, DenseField]
    settings: Settings

    @cached_property
    def seen(self) -> dict[str, Seen]:
        """What each of them sees."""
        own = self.settings
        return {
            name: Seen.of(field, own.template, own.rules.foreground)
            for name, field in self.fields.items()
        }


class Measure(Protocol):
    """One kind of measurement: fed instant by instant, then asked for its summary."""

    def add(self, instant: Instant) -> None:
        """Measure the fields of one frame."""

    def summary(self) -> dict[str, Any]:
        """Return all that was found, as plain values."""


class SurfaceMeasure:
    """Errors against the capture's own fields, where these are the truth or labels."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._synthetic = (settings.capture.folder / TRUTH).is_dir()
        self._found: list[SurfaceErrors] = []

    def add(self, instant: Instant) -> None:
        """Compare those pictures that have a true field or a label."""
        capture = self._settings.capture
        for camera, predicted in instant.fields.items():
            if not (self._synthetic or capture.is_labelled(camera, instant.frame)):
                continue
            true = capture.field(camera, instant.frame)
            if true is not None:
                own = self._settings
                self._found.append(surface_errors(predicted, true, own.template, own.rules))

    def summary(self) -> dict[str, Any]:
        """Return the scores."""
        if not self._found:
            raise NothingUsable("the capture has no true or labelled fields of these pictures")
        reference = "truth" if self._synthetic else "labels"
        return {"reference": reference, **surface_summary(self._found, self._settings.kappa)}


class EpipolarMeasure:
    """Consistency of the cameras with each other."""

    def __init__(self, settings: Settings) -> None:
        settings.require_embedding()
        settings.require_one_subject()
        if len(settings.cameras) < 2:
            raise NothingUsable(f"there is one camera, {settings.cameras[0]}")
        self._settings = settings
        self._found: list[MatchErrors] = []

    def add(self, instant: Instant) -> None:
        """Match every camera with every other."""
        own = self._settings
        cameras = {name: own.capture.camera(name, instant.frame) for name in instant.seen}
        self._found += epipolar_errors(
            instant.seen, cameras, own.template, instant.frame, own.rules
        )

    def summary(self) -> dict[str, Any]:
        """Return the errors."""
        found = epipolar_summary(self._found)
        if not found["matched"]:
            raise NothingUsable("no pixel has a match near enough in another camera")
        return found


class LandmarksMeasure:
    """Landmarks of the template against keypoints: triangulated, true, or the capture's."""

    def __init__(self, settings: Settings) -> None:
        settings.require_embedding()
        settings.require_one_subject()
        self._reference, keypoints = _reference(settings)
        if keypoints is None:
            raise NothingUsable("the capture has no keypoints")
        if len(keypoints.individuals) > 1:
            raise NothingUsable(
                f"there are keypoints of {len(keypoints.individuals)} individuals, and fields do "
                "not say whose surface a pixel shows"
            )
        named = settings.landmarks or {
            name: name for name in keypoints.keypoints if name in settings.template.keypoints
        }
        if not named:
            raise NothingUsable("no keypoint has the name of a landmark of the template")
        self._settings, self._keypoints, self._named = settings, keypoints, dict(named)
        self._found: list[LandmarkErrors] = []

    def add(self, instant: Instant) -> None:
        """Compare the landmarks of every picture that has keypoints."""
        for camera, seen in instant.seen.items():
            if camera not in self._keypoints.cameras:
                continue
            pixels = landmark_pixels(seen, self._settings.template, list(self._named.values()))
            self._found.append(
                landmark_errors(pixels, self._keypoints, camera, instant.frame, tuple(self._named))
            )

    def summary(self) -> dict[str, Any]:
        """Return the scores."""
        found = landmark_summary(self._found)
        if not found["keypoints"]:
            raise NothingUsable("these pictures have no keypoints")
        return {"reference": self._reference, **found}


def _reference(settings: Settings) -> tuple[str, Keypoints2D | None]:
    """Return what landmarks are compared with, and what that is called."""
    capture = settings.capture
    if settings.points3d is not None:
        return "triangulation", projected(settings.points3d, capture.rig, capture.keypoints)
    if settings.in_truth(KEYPOINTS2D):
        return "truth", capture.truth.keypoints2d
    return "keypoints", capture.keypoints


class LiftedMeasure:
    """Triangulated surface points against the true mesh; `found` by frame."""

    def __init__(self, settings: Settings) -> None:
        settings.require_embedding()
        settings.require_one_subject()
        if not settings.in_truth(POSES):
            raise NothingUsable("the capture has no true poses")
        if len(settings.cameras) < 2:
            raise NothingUsable(f"there is one camera, {settings.cameras[0]}")
        self._settings = settings
        self._vertices = chosen_vertices(
            settings.template, settings.lifted_points, settings.rules.seed
        )
        self.found: list[LiftedErrors] = []

    def add(self, instant: Instant) -> None:
        """Lift the points of one frame."""
        if len(instant.seen) < 2:
            return
        own, frame = self._settings, instant.frame
        cameras = {name: own.capture.camera(name, frame) for name in instant.seen}
        rig = replace(own.capture.rig, cameras=cameras).in_units("m")
        lifted = lift(instant.seen, rig, own.template, self._vertices, options=own.triangulation)
        mesh = own.capture.truth.poses.vertices(own.template, frame)[0]
        self.found.append(lifted_errors(lifted, mesh[self._vertices]))

    def summary(self) -> dict[str, Any]:
        """Return the errors."""
        if not self.found:
            raise NothingUsable("no frame has fields of two cameras")
        return lifted_summary(self.found)


class DriftMeasure:
    """Difference from earlier fields."""

    def __init__(self, settings: Settings) -> None:
        if settings.against is None:
            raise NothingUsable("no other fields were given to compare with (--against)")
        self._settings, self._against = settings, settings.against
        self._found: list[SurfaceErrors] = []

    def add(self, instant: Instant) -> None:
        """Compare those pictures that both have."""
        own, frame = self._settings, instant.frame
        for camera, later in instant.fields.items():
            if self._against.has(camera, frame):
                before = self._against.read(camera, frame, own.template.topology)
                self._found.append(drift_errors(later, before, own.template, own.rules))

    def summary(self) -> dict[str, Any]:
        """Return the differences."""
        if not self._found:
            raise NothingUsable("the other fields are of none of these pictures")
        return drift_summary(self._found)


MEASURES: dict[str, Callable[[Settings], Measure]] = {
    "surface": SurfaceMeasure,
    "epipolar": EpipolarMeasure,
    "landmarks": LandmarksMeasure,
    "lifted": LiftedMeasure,
    "drift": DriftMeasure,
}


def measured(instants: Iterable[Instant], settings: Settings) -> dict[str, Any]:
    """Return the summary of each measure by name, and under ``not_measured`` why others have none.

    InputError for damaged files and fields of another template.
    """
    running: dict[str, Measure] = {}
    reasons: dict[str, str] = {}
    for name, measure in MEASURES.items():
        try:
            running[name] = measure(settings)
        except NothingUsable as reason:
            reasons[name] = str(reason)
    for instant in instants:
        for one in running.values():
            one.add(instant)
    found: dict[str, Any] = {}
    for name, one in running.items():
        try:
            found[name] = one.summary()
        except NothingUsable as reason:
            reasons[name] = str(reason)
    return {**found, "not_measured": {name: reasons[name] for name in MEASURES if name in reasons}}
