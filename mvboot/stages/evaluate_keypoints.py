"""How right and how consistent 2D keypoints are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mvboot import __version__
from mvboot.datasets import Capture
from mvboot.datasets.layout import KEYPOINTS2D, TRUTH
from mvboot.errors import InputError, NothingUsable
from mvboot.formats.detections import load_keypoints, respelled
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.detections import detection_epipolar, detection_summary
from mvboot.metrics.landmarks import SHARES
from mvboot.stages.evaluate_fields import (
    cameras_of,
    default_split,
    frames_of,
    rows_of,
    text_of,
)
from mvboot.stages.output import Output
from mvboot.stages.scores import Evaluation
from mvboot.stages.settings.base import StageSettings
from mvboot.stages.stage import Summary
from mvboot.triangulation.projected import projected
from mvboot.words import listed

SCORES = [
    f"{name}.{what}_px" for name in ("keypoints", "epipolar") for what in ("mean", "median", "p90")
]
"""What ``--fail-above`` may limit."""


class KeypointEvaluateConfig(StageSettings):
    """Everything ``mvboot evaluate --keypoints`` can be told."""

    data: Path
    keypoints: str
    cameras: list[str] = Field(default=[], description="use only these cameras")
    split: Literal["validation", "train", "all"] | None = None
    points3d: Path | None = Field(None, description="triangulated keypoints to compare with")
    subject: str | None = Field(None, description="whose keypoints, where there are several")


class KeypointInputs:
    """The input of a run, checked; InputError where it does not belong together."""

    def __init__(self, config: KeypointEvaluateConfig) -> None:
        self.out, self.keypoints = config.out, config.keypoints
        self.capture = Capture.open(config.data)
        known = cameras_of(self.capture, [])
        found = load_keypoints(config.keypoints, cameras=known)
        found = found.renamed(respelled(known, found.cameras))
        self.found = _of_one(found, config.subject, config.keypoints)
        self.cameras = tuple(
            name for name in cameras_of(self.capture, config.cameras) if name in self.found.cameras
        )
        absent = [name for name in config.cameras if name not in self.found.cameras]
        if absent or not self.cameras:
            raise InputError(
                f"keypoints are of the cameras {listed(self.found.cameras)}, not of "
                f"{listed(absent or known)}",
                where=config.keypoints,
            )
        self.split = config.split or default_split(self.capture)
        self.reference, reference = _reference(self.capture, config.points3d)
        self.true = None
        _require_known(config.subject, found, reference, config.keypoints)
        if reference is not None:
            self.true = _of_one(reference, config.subject, str(config.data))
            if not {*self.true.keypoints} & {*self.found.keypoints}:
                raise InputError(
                    f"are called {', '.join(self.found.keypoints)}, those to compare with "
                    f"{', '.join(self.true.keypoints)}",
                    where=config.keypoints,
                )
        frames = set(self.found.frames.tolist())
        self.pictures = {
            frame: [name for name in self.cameras if self.capture.has(name, frame)]
            for frame in frames_of(self.capture, self.split)
            if frame in frames
        }

    def facts(self) -> dict[str, Any]:
        """Return what is measured, as plain values."""
        return {
            "data": str(self.capture.folder),
            "cameras": list(self.cameras),
            "split": self.split,
            "frames": len(self.pictures),
            "pictures": sum(len(names) for names in self.pictures.values()),
        }


class EvaluateKeypoints(Evaluation[KeypointEvaluateConfig, KeypointInputs]):
    """How right and how consistent 2D keypoints are."""

    config = KeypointEvaluateConfig
    scores = SCORES

    def read(self, config: KeypointEvaluateConfig, say: Output) -> KeypointInputs:
        """Open the keypoints, and what they are compared with."""
        return KeypointInputs(config)

    def plan(self, inputs: KeypointInputs, say: Output) -> Summary:
        """Say how many pictures would be measured."""
        facts = inputs.facts()
        say.say(
            f"would measure keypoints of {facts['pictures']} pictures, {facts['frames']} frames "
            f"({facts['split']}), and write summary.json and config.yaml to {inputs.out}"
        )
        return {"out": str(inputs.out), **facts}

    def compute(self, inputs: KeypointInputs, say: Output) -> Summary:
        """Measure; NothingUsable where nothing can be."""
        if not inputs.pictures:
            raise NothingUsable(f"{inputs.keypoints}: no frame of the {inputs.split} frames")
        return {**inputs.facts(), **_measured(inputs), "version": __version__}

    def describe(self, results: Summary, summary: Summary, say: Output) -> None:
        """Say what was measured."""
        _say_result(summary, say)


def _measured(asked: KeypointInputs) -> dict[str, Any]:
    found: dict[str, Any] = {"not_measured": {}}
    if asked.true is None:
        found["not_measured"]["keypoints"] = "the capture has no keypoints to compare with"
    else:
        scores = detection_summary(asked.found, asked.true, asked.pictures)
        if scores["keypoints"]:
            found["keypoints"] = {"reference": asked.reference, **scores}
        else:
            found["not_measured"]["keypoints"] = "these pictures have no keypoints to compare with"
    epipolar = detection_epipolar(asked.found, asked.capture, asked.pictures)
    if epipolar["matches"]:
        found["epipolar"] = epipolar
    else:
        found["not_measured"]["epipolar"] = "no two cameras are sure of one keypoint"
    if not {"keypoints", "epipolar"} & found.keys():
        reasons = "; ".join(f"{key}: {why}" for key, why in found["not_measured"].items())
        raise NothingUsable(f"nothing could be measured. {reasons}")
    return found


def _reference(capture: Capture, points3d: Path | None) -> tuple[str, Keypoints2D | None]:
    """Return what keypoints are compared with, and what that is called."""
    if points3d is not None:
        return "triangulation", projected(
            read_keypoints3d(points3d), capture.rig, capture.keypoints
        )
    if (capture.folder / TRUTH / KEYPOINTS2D).is_file():
        return "truth", capture.truth.keypoints2d
    return "labels", capture.keypoints


def _require_known(
    subject: str | None, found: Keypoints2D, reference: Keypoints2D | None, where: str
) -> None:
    names = (*found.individuals, *(() if reference is None else reference.individuals))
    if subject is not None and subject not in names:
        raise InputError(
            f"there is no individual {subject!r}; there are {', '.join(dict.fromkeys(names))}",
            where=where,
        )


def _of_one(keypoints: Keypoints2D, subject: str | None, where: str) -> Keypoints2D:
    if subject is not None and subject in keypoints.individuals:
        return keypoints.of(subject)
    if len(keypoints.individuals) > 1:
        raise InputError(
            f"has keypoints of {', '.join(keypoints.individuals)}; choose one with --subject",
            where=where,
        )
    return keypoints


def _say_result(summary: Mapping[str, Any], say: Output) -> None:
    say.say(
        f"keypoints of {summary['pictures']} pictures, {len(summary['cameras'])} cameras, "
        f"{summary['frames']} frames ({summary['split']})"
    )
    if "keypoints" in summary:
        found = summary["keypoints"]
        say.say(f"\nagainst the {found['reference']}:")
        columns = {
            "keypoints": "keypoints",
            **{f"PCK {share:g}": f"pck_{share}" for share in SHARES},
            "mean px": "mean_px",
            "median px": "median_px",
            "90 % within px": "p90_px",
        }
        say.table(rows_of("keypoint", columns, {**found["per_landmark"], "all": found}))
        if found["within_90"] is not None:
            say.say(
                f"{100 * found['within_90']:.0f} % of the errors lie in the stated 90 % ellipses"
            )
    if "epipolar" in summary:
        found = summary["epipolar"]
        say.say(
            f"\nepipolar error of {found['matches']:,} pairs: median "
            f"{text_of(found['median_px'])} px, 90 % within {text_of(found['p90_px'])} px"
        )
    for name, why in summary["not_measured"].items():
        say.say(f"\n{name}: not measured, {why}")
