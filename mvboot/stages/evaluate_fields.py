"""How right and how consistent dense fields are."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mvboot.datasets import Capture
from mvboot.errors import InputError, NothingUsable
from mvboot.files import hash_file
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.inference.field_folder import FieldFolder
from mvboot.metrics import Instant, Kappa, Rules, Settings, measured
from mvboot.metrics.gps import KAPPA_M
from mvboot.metrics.lifted import POINTS
from mvboot.stages.output import Output
from mvboot.stages.scores import Evaluation
from mvboot.stages.settings.base import StageSettings
from mvboot.stages.stage import Summary, provenance
from mvboot.template import Template, load_template, require_topology
from mvboot.triangulation import TriangulationOptions

UNITS = {"surface": "cm", "epipolar": "px", "landmarks": "px", "lifted": "mm", "drift": "cm"}
SCORES = [
    f"{name}.{what}_{unit}" for name, unit in UNITS.items() for what in ("mean", "median", "p90")
]
"""What ``--fail-above`` may limit."""


class EvaluateConfig(StageSettings):
    """Everything ``mvboot evaluate`` can be told, by option, config file or KEY=VALUE."""

    data: Path
    fields: Path
    against: Path | None = None
    template: str | None = Field(None, description="body, quadruped or a file")
    cameras: list[str] = Field(default=[], description="use only these cameras")
    split: Literal["validation", "train", "all"] | None = None
    kappa: float | Literal["parts"] = Field(KAPPA_M, description="metres, or parts")
    points3d: Path | None = Field(None, description="triangulated keypoints for landmarks")
    landmarks: dict[str, str] = Field(default={}, description="keypoint: landmark")
    points: int = Field(2000, ge=1, description="pixels of a picture that are measured")
    foreground: float = Field(0.5, gt=0, le=1, description="probability of the subject")
    gate: float = Field(0.03, gt=0, description="farthest match, share of the template's size")
    lifted_points: int = Field(POINTS, ge=1, description="vertices that are lifted")
    threshold_px: float = Field(8.0, gt=0, description="of the triangulation")
    min_views: int | None = Field(None, ge=2, description="of the triangulation")
    seed: int = Field(0, ge=0)


class FieldsInputs:
    """The input of a run, checked: a capture, fields of its pictures, and how to measure.

    InputError where they do not belong together.
    """

    def __init__(self, config: EvaluateConfig) -> None:
        self.config = config
        self.capture = Capture.open(config.data)
        self.cameras = cameras_of(self.capture, config.cameras)
        self.fields = FieldFolder.open(config.fields, self.capture)
        self.fields.require(self.cameras)
        self.against = None
        if config.against is not None:
            self.against = FieldFolder.open(config.against, self.capture)
            self.against.require(self.cameras)
        self.split = config.split or default_split(self.capture)
        self.frames = frames_of(self.capture, self.split)
        self.template = _template(self.capture, config.template)
        self.settings = self._settings()

    @cached_property
    def pictures(self) -> dict[int, list[str]]:
        """Cameras with a field of each frame of the split."""
        found = {
            frame: [name for name in self.cameras if self.fields.has(name, frame)]
            for frame in self.frames
        }
        return {frame: names for frame, names in found.items() if names}

    @property
    def without(self) -> int:
        """How many pictures of the split have no field."""
        filmed = sum(self.capture.has(n, frame) for n in self.cameras for frame in self.frames)
        return filmed - sum(len(names) for names in self.pictures.values())

    def _settings(self) -> Settings:
        """Return what is measured, and how."""
        config = self.config
        kappa = (
            Kappa.of_parts(self.template, config.seed)
            if config.kappa == "parts"
            else Kappa.fixed(config.kappa)
        )
        return Settings(
            self.capture,
            self.template,
            self.cameras,
            self.against,
            Rules(config.points, config.seed, config.foreground, config.gate),
            kappa,
            None if config.points3d is None else read_keypoints3d(config.points3d),
            config.landmarks,
            config.lifted_points,
            TriangulationOptions(
                threshold_px=config.threshold_px, min_views=config.min_views, seed=config.seed
            ),
        )

    def instants(self) -> Iterator[Instant]:
        """Read the fields of one frame after another."""
        for frame, names in self.pictures.items():
            topology = self.template.topology
            fields = {name: self.fields.read(name, frame, topology) for name in names}
            yield Instant(frame, fields, self.settings)

    def facts(self) -> dict[str, Any]:
        """Return what was measured, as plain values."""
        splits = self.capture.model.splits
        held_out = () if splits is None else splits.held_out_cameras
        return {
            "data": str(self.config.data),
            "fields": str(self.fields.folder),
            "against": None if self.against is None else str(self.against.folder),
            "cameras": list(self.cameras),
            "held_out_cameras": [name for name in self.cameras if name in held_out],
            "split": self.split,
            "frames": len(self.pictures),
            "pictures": sum(len(names) for names in self.pictures.values()),
            "pictures_without_fields": self.without,
            "template": {"name": self.template.name, "topology": self.template.topology},
        }

    def provenance(self) -> dict[str, Any]:
        """Return what the result rests on."""
        folders = {"fields": self.fields, "against": self.against}
        paths = {
            key: [
                folder.paths[name][frame]
                for frame, names in self.pictures.items()
                for name in names
                if folder.has(name, frame)
            ]
            for key, folder in folders.items()
            if folder is not None
        }
        read = {key: hash_file(*files) for key, files in paths.items()}
        return provenance(read, self.capture.rig, self.config.seed)


class EvaluateFields(Evaluation[EvaluateConfig, FieldsInputs]):
    """How right and how consistent dense fields are."""

    config = EvaluateConfig
    scores = SCORES

    def read(self, config: EvaluateConfig, say: Output) -> FieldsInputs:
        """Open the fields; NothingUsable where there are none."""
        inputs = FieldsInputs(config)
        if not inputs.pictures:
            raise NothingUsable(f"{inputs.fields.folder}: no field of the {_of(inputs)}")
        return inputs

    def plan(self, inputs: FieldsInputs, say: Output) -> Summary:
        """Say how many fields would be measured."""
        facts = inputs.facts()
        say.say(
            f"would measure {facts['pictures']} fields of {len(inputs.cameras)} cameras, "
            f"{facts['frames']} frames ({inputs.split}), and write summary.json and config.yaml "
            f"to {inputs.config.out}"
        )
        return {"out": str(inputs.config.out), **facts}

    def compute(self, inputs: FieldsInputs, say: Output) -> Summary:
        """Measure; NothingUsable where nothing can be."""
        if inputs.without:
            say.warn(
                f"{inputs.without} pictures of the {_of(inputs)} have no field; they do not count"
            )
        instants, total = inputs.instants(), len(inputs.pictures)
        with say.progress(instants, total, "measuring") as watched:
            found = measured(watched, inputs.settings)
        if not found.keys() - {"not_measured"}:
            reasons = "; ".join(f"{key}: {why}" for key, why in found["not_measured"].items())
            raise NothingUsable(f"nothing could be measured. {reasons}")
        return {**inputs.facts(), **found, **inputs.provenance()}

    def describe(self, results: Summary, summary: Summary, say: Output) -> None:
        """Say what was measured."""
        _say_result(summary, say)


# --- input --------------------------------------------------------------------------------------


def cameras_of(capture: Capture, wanted: list[str]) -> tuple[str, ...]:
    """Return the wanted cameras of a capture, or all; InputError for an unknown one."""
    unknown = [name for name in wanted if name not in capture.cameras]
    if unknown:
        raise InputError(
            f"no camera {', '.join(unknown)} in the capture; it has {', '.join(capture.cameras)}",
            where=capture.folder,
        )
    return tuple(name for name in capture.cameras if not wanted or name in wanted)


def default_split(capture: Capture) -> str:
    """Return the frames that are measured where nobody says which."""
    return "validation" if len(capture.split("validation")) else "all"


def frames_of(capture: Capture, split: str) -> list[int]:
    """Return the frames of a split; InputError where there are none."""
    if split == "all":
        return list(capture.frames.tolist())
    frames: list[int] = capture.split("train" if split == "train" else "validation").tolist()
    if not frames:
        raise InputError(
            f"no frame of the capture is for {split}; choose --split all", capture.folder
        )
    return frames


def _template(capture: Capture, name: str | None) -> Template:
    if name is None:
        if capture.template is None:
            raise InputError(
                "the capture holds no template.npz; name the fields' template with --template",
                where=capture.folder,
            )
        return capture.template
    template = load_template(name)
    if capture.topology is not None:
        require_topology(template, capture.topology, capture.folder)
    return template


def _of(evaluation: FieldsInputs) -> str:
    what = "capture" if evaluation.split == "all" else f"{evaluation.split} frames"
    return what if len(evaluation.cameras) > 1 else f"{what} of {evaluation.cameras[0]}"


# --- output -------------------------------------------------------------------------------------


def _say_result(summary: Mapping[str, Any], say: Output) -> None:
    say.say(
        f"{summary['pictures']} fields of {len(summary['cameras'])} cameras, "
        f"{summary['frames']} frames ({summary['split']})"
    )
    for name, tell in _TELL.items():
        if name in summary:
            say.say()
            tell(summary[name], say)
    for name, why in summary["not_measured"].items():
        say.say(f"\n{name}: not measured, {why}")


def _say_surface(found: Mapping[str, Any], say: Output) -> None:
    say.say(f"surface error along the template, against the {found['reference']}:")
    columns = {
        "pixels": "pixels",
        "missing": "missing",
        "mean cm": "mean_cm",
        "median cm": "median_cm",
        "within 5 cm": "within_5cm",
        "10 cm": "within_10cm",
        "20 cm": "within_20cm",
        "AUC 10": "auc_10",
        "AUC 30": "auc_30",
        "IoU": "iou",
    }
    say.table(rows_of("camera", columns, {**found["per_camera"], "all": found}))
    say.say(
        f"GPS {text_of(found['gps'])}, GPSm {text_of(found['gpsm'])}, AP {text_of(found['ap'])}, "
        f"AP of GPSm {text_of(found['ap_gpsm'])} (kappa: {found['kappa']})"
    )


def _say_epipolar(found: Mapping[str, Any], say: Output) -> None:
    say.say(f"epipolar error of nearest matches, {found['pairs']} pairs of cameras:")
    columns = {
        "matched": "matched",
        "mean px": "mean_px",
        "median px": "median_px",
        "90 % within px": "p90_px",
    }
    say.table(rows_of("camera", columns, {**found["per_camera"], "all": found}))


def _say_landmarks(found: Mapping[str, Any], say: Output) -> None:
    say.say(f"landmarks of the template, against the {found['reference']}:")
    columns = {
        "keypoints": "keypoints",
        "found": "found",
        "PCK .05": "pck_0.05",
        ".1": "pck_0.1",
        ".2": "pck_0.2",
        "median px": "median_px",
    }
    say.table(rows_of("landmark", columns, {**found["per_landmark"], "all": found}))


def _say_lifted(found: Mapping[str, Any], say: Output) -> None:
    say.say(
        f"lifted points: {text_of(found['lifted'])} of {found['points']:,} surface points, error "
        f"mean {text_of(found['mean_mm'])} mm, median {text_of(found['median_mm'])} mm, 90 % "
        f"within {text_of(found['p90_mm'])} mm"
    )


def _say_drift(found: Mapping[str, Any], say: Output) -> None:
    say.say(
        f"drift from the other fields: mean {text_of(found['mean_cm'])} cm, median "
        f"{text_of(found['median_cm'])} cm, 90 % within {text_of(found['p90_cm'])} cm; "
        f"{text_of(found['lost'])} of their pixels lost, IoU {text_of(found['iou'])}"
    )


_TELL = {
    "surface": _say_surface,
    "epipolar": _say_epipolar,
    "landmarks": _say_landmarks,
    "lifted": _say_lifted,
    "drift": _say_drift,
}


def rows_of(
    first: str, columns: Mapping[str, str], entries: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, ...]]:
    """Return a table: its header, and a row of columns for each entry."""
    header = (first, *columns)
    return [header] + [
        (name, *(text_of(entry[key]) for key in columns.values()))
        for name, entry in entries.items()
    ]


def text_of(value: float | None) -> str:
    """Return a number for people."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
