"""The work of ``mvboot evaluate`` with 2D keypoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mvboot import __version__
from mvboot.config import dump_yaml
from mvboot.datasets import Capture
from mvboot.datasets.layout import KEYPOINTS2D, TRUTH
from mvboot.errors import InputError, NothingUsable
from mvboot.files import atomic_folder, require_free, write_json
from mvboot.formats.detections import load_keypoints, respelled
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.detections import detection_epipolar, detection_summary
from mvboot.metrics.landmarks import SHARES
from mvboot.stages.evaluate_fields import (
    cameras_of,
    default_split,
    frames_of,
    limits_of,
    require_scores,
    rows_of,
    text_of,
)
from mvboot.stages.output import Output
from mvboot.triangulation.projected import projected
from mvboot.words import listed

SCORES = [
    f"{name}.{what}_px" for name in ("keypoints", "epipolar") for what in ("mean", "median", "p90")
]
"""What ``--fail-above`` may limit."""


class KeypointEvaluateConfig(BaseModel):
    """Everything ``mvboot evaluate --keypoints`` can be told."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    data: Path
    keypoints: str
    out: Path
    cameras: list[str] = Field(default=[], description="use only these cameras")
    split: Literal["validation", "train", "all"] | None = None
    points3d: Path | None = Field(None, description="triangulated keypoints to compare with")
    subject: str | None = Field(None, description="whose keypoints, where there are several")


class KeypointEvaluation:
    """The input of a run, checked; InputError where it does not belong together."""

    def __init__(self, config: KeypointEvaluateConfig) -> None:
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


def plan(config: KeypointEvaluateConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be read and written, after the same checks that a run makes."""
    require_free(config.out, overwrite)
    facts = KeypointEvaluation(config).facts()
    say.say(
        f"would measure keypoints of {facts['pictures']} pictures, {facts['frames']} frames "
        f"({facts['split']}), and write summary.json and config.yaml to {config.out}"
    )
    return {"out": str(config.out), **facts}


def run(
    config: KeypointEvaluateConfig, limits: Mapping[str, str], overwrite: bool, say: Output
) -> dict[str, Any]:
    """Measure the keypoints, write ``summary.json`` and return it.

    InputError for bad input, NothingUsable where nothing could be measured, QualityMissed after
    writing where a score exceeds its limit or has no value.
    """
    allowed = limits_of(limits, SCORES)
    with atomic_folder(config.out, overwrite) as folder:
        asked = KeypointEvaluation(config)
        if not asked.pictures:
            raise NothingUsable(f"{config.keypoints}: no frame of the {asked.split} frames")
        summary = {**asked.facts(), **_measured(asked), "version": __version__}
        write_json(summary, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(summary, say)
    say.say(f"\nwrote {config.out}: summary.json, config.yaml")
    require_scores(summary, allowed)
    return summary


def _measured(asked: KeypointEvaluation) -> dict[str, Any]:
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
