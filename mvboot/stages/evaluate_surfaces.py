"""How right fitted surfaces are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from mvboot.datasets import Capture
from mvboot.datasets.layout import POSES, TRUTH
from mvboot.errors import InputError, NothingUsable
from mvboot.files import hash_file
from mvboot.inference.field_folder import FieldFolder
from mvboot.metrics.meshes import (
    HeldOut,
    MeshErrors,
    held_out_errors,
    held_out_summary,
    mesh_errors,
    mesh_summary,
)
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.stages.evaluate_fields import cameras_of
from mvboot.stages.output import Output
from mvboot.stages.scores import Evaluation
from mvboot.stages.settings.base import StageSettings
from mvboot.stages.stage import Summary, provenance
from mvboot.stages.surface import SURFACES
from mvboot.surfaces import Surface
from mvboot.surfaces.store import SurfaceFile
from mvboot.template import Template, load_template, require_topology

DISTANCES = ("vertices", "seen", "carried", "accuracy", "completeness")
SCORES = [
    "chamfer.mean_mm",
    *(f"{name}.{what}_mm" for name in DISTANCES for what in ("mean", "median", "p90")),
]
"""What ``--fail-above`` may limit."""


class SurfaceEvaluateConfig(StageSettings):
    """Everything ``mvboot evaluate --surface`` can be told."""

    surface: Path
    data: Path
    fields: Path | None = None
    template: str | None = None
    cameras: list[str] = Field(default=[])
    seed: int = 0


class SurfaceInputs:
    """The input of a run, checked: surfaces, and the capture that shows their subject.

    InputError where they do not belong together.
    """

    def __init__(self, config: SurfaceEvaluateConfig) -> None:
        self.config = config
        path = config.surface / SURFACES if config.surface.is_dir() else config.surface
        self.surfaces = SurfaceFile(path)
        self.capture = Capture.open(config.data)
        self.rig = self.capture.rig.in_units(self.surfaces.units)
        self.template = self._template().in_units(self.surfaces.units)
        require_topology(self.template, self.surfaces.template, path)
        splits = self.capture.model.splits
        held = [] if splits is None else [n for n in splits.held_out_cameras if n in self.rig.names]
        self.cameras = cameras_of(self.capture, config.cameras) if config.cameras else held
        self.fields = None
        if config.fields is not None:
            self.fields = FieldFolder.open(config.fields, self.capture)
        if len(self.surfaces.individuals) > 1:
            raise InputError(
                f"holds {len(self.surfaces.individuals)} subjects; make the surfaces of one alone "
                "with --fields, and evaluate them",
                where=path,
            )
        if not self.surfaces.keys:
            raise NothingUsable(f"{path} holds no surface")

    @property
    def has_truth(self) -> bool:
        """Whether the capture knows the true surface."""
        one = (self.capture.folder / TRUTH / POSES).is_file()
        return one and len(self.capture.truth.poses.individuals) == 1

    def true(self, surface: Surface, frame: int) -> MeshErrors:
        """Compare a surface with the truth."""
        scale = 1 / UNITS_IN_M[self.surfaces.units]
        vertices = scale * self.capture.truth.poses.vertices(self.template, frame)[0]
        return mesh_errors(surface, vertices, self.template.faces, self.config.seed)

    def held_out(self, surface: Surface, frame: int, camera: str) -> HeldOut:
        """Look at a surface in a camera."""
        field = None
        if self.fields is not None and self.fields.has(camera, frame):
            field = self.fields.read(camera, frame, self.template.topology)
        rig: Rig = self.rig.at(frame)
        mask = self.capture.mask(camera, frame) if self.capture.has(camera, frame) else None
        return held_out_errors(surface, self.template, rig, camera, mask, field)

    def _template(self) -> Template:
        if self.config.template is not None:
            return load_template(self.config.template)
        if self.capture.template is None:
            raise InputError(
                "the capture holds no template.npz; name the surfaces' template with --template",
                where=self.capture.folder,
            )
        return self.capture.template


class EvaluateSurfaces(Evaluation[SurfaceEvaluateConfig, SurfaceInputs]):
    """How right fitted surfaces are."""

    config = SurfaceEvaluateConfig
    scores = SCORES

    def read(self, config: SurfaceEvaluateConfig, say: Output) -> SurfaceInputs:
        """Open the surfaces, and the capture that shows their subject."""
        inputs = SurfaceInputs(config)
        _warn_of_makers(inputs, say)
        return inputs

    def plan(self, inputs: SurfaceInputs, say: Output) -> Summary:
        """Say how many surfaces would be measured."""
        count, out = len(inputs.surfaces.keys), inputs.config.out
        say.say(f"would measure {count} surfaces, and write to {out}")
        return {"out": str(out), "surfaces": count}

    def compute(self, inputs: SurfaceInputs, say: Output) -> Summary:
        """Measure; NothingUsable where there is nothing to measure with."""
        if not inputs.has_truth and not inputs.cameras:
            raise NothingUsable(
                "the capture has no true surface and no held-out camera; name one with --cameras"
            )
        true: list[MeshErrors] = []
        held: dict[str, list[HeldOut]] = {name: [] for name in inputs.cameras}
        keys = inputs.surfaces.keys
        with say.progress(keys, len(keys), "measuring") as watched:
            for name, frame in watched:
                surface = inputs.surfaces.read(name, frame)
                if inputs.has_truth:
                    true.append(inputs.true(surface, frame))
                for camera in inputs.cameras:
                    held[camera].append(inputs.held_out(surface, frame, camera))
        return {
            "surface": str(inputs.surfaces.path),
            "data": str(inputs.config.data),
            "frames": len(keys),
            "truth": mesh_summary(true, inputs.template) if true else None,
            "held_out": held_out_summary(held),
            **provenance({"surface": hash_file(inputs.surfaces.path)}, inputs.rig),
        }

    def describe(self, results: Summary, summary: Summary, say: Output) -> None:
        """Say what was measured."""
        _say_result(summary, say)

    def scored(self, summary: Summary) -> Mapping[str, Any]:
        """Return the distances to the truth by their names."""
        truth = summary["truth"] or {}
        chamfer = {"mean_mm": truth["chamfer_mm"]} if truth else {}
        return {"not_measured": {}, **truth, "chamfer": chamfer}


def _warn_of_makers(own: SurfaceInputs, say: Output) -> None:
    makers = [name for name in own.cameras if name in own.surfaces.cameras]
    if makers:
        say.warn(
            f"the surface was made with {', '.join(makers)} too, so it is better there than in a "
            "camera that was left out; leave it out with mvboot surface --cameras"
        )


def _say_result(summary: Mapping[str, Any], say: Output) -> None:
    true = summary["truth"]
    if true is not None:
        rows: list[tuple[str, ...]] = [("against the truth, mm", "mean", "median", "90 % within")]
        for name in DISTANCES:
            values = [true[name][f"{key}_mm"] for key in ("mean", "median", "p90")]
            rows.append((name, *("-" if value is None else f"{value:.1f}" for value in values)))
        say.table(rows)
        say.say(
            f"chamfer {true['chamfer_mm']:.1f} mm, normal consistency "
            f"{true['normal_consistency']:.3f}, {true['carried_share']:.0%} carried"
        )
    for camera, one in summary["held_out"].items():
        scores = {
            "silhouette IoU": one["iou"],
            "median reprojection error px": one["reprojection"]["median_px"],
            "median epipolar error px": one["epipolar"]["median_px"],
        }
        told = [f"{name} {value:.3g}" for name, value in scores.items() if value is not None]
        say.say(f"{camera}: {', '.join(told) or 'neither masks nor fields to compare with'}")
