"""The work of ``mvboot evaluate --surface``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from mvboot import __version__
from mvboot.commands.evaluation import cameras_of, limits_of, require_scores
from mvboot.commands.output import Output
from mvboot.commands.surfacing import SURFACES
from mvboot.config import dump_yaml
from mvboot.datasets import Capture
from mvboot.datasets.layout import POSES, TRUTH
from mvboot.errors import InputError, NothingUsable
from mvboot.files import atomic_folder, hash_file, require_free
from mvboot.metrics import FieldFolder
from mvboot.metrics.meshes import (
    HeldOut,
    MeshErrors,
    held_out_errors,
    held_out_summary,
    mesh_errors,
    mesh_summary,
)
from mvboot.report.triangulation import write_json
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.surface import Surface
from mvboot.surface.store import SurfaceFile
from mvboot.template import Template, load_template, require_topology

DISTANCES = ("vertices", "seen", "carried", "accuracy", "completeness")
SCORES = [
    "chamfer.mean_mm",
    *(f"{name}.{what}_mm" for name in DISTANCES for what in ("mean", "median", "p90")),
]
"""What ``--fail-above`` may limit."""


class SurfaceEvaluateConfig(BaseModel):
    """Everything ``mvboot evaluate --surface`` can be told."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    surface: Path
    data: Path
    out: Path
    fields: Path | None = None
    template: str | None = None
    cameras: list[str] = []
    seed: int = 0


class SurfaceEvaluation:
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


def plan(config: SurfaceEvaluateConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be measured, after the same checks that a run makes."""
    require_free(config.out, overwrite)
    found = SurfaceEvaluation(config)
    _warn_of_makers(found, say)
    say.say(f"would measure {len(found.surfaces.keys)} surfaces, and write to {config.out}")
    return {"out": str(config.out), "surfaces": len(found.surfaces.keys)}


def run(
    config: SurfaceEvaluateConfig, limits: Mapping[str, str], overwrite: bool, say: Output
) -> dict[str, Any]:
    """Measure surfaces, write ``summary.json`` and return it.

    QualityMissed after writing where a score exceeds its limit or has no value.
    """
    allowed = limits_of(limits, SCORES)
    with atomic_folder(config.out, overwrite) as folder:
        own = SurfaceEvaluation(config)
        if not own.has_truth and not own.cameras:
            raise NothingUsable(
                "the capture has no true surface and no held-out camera; name one with --cameras"
            )
        _warn_of_makers(own, say)
        true: list[MeshErrors] = []
        held: dict[str, list[HeldOut]] = {name: [] for name in own.cameras}
        with say.progress(own.surfaces.keys, len(own.surfaces.keys), "measuring") as watched:
            for name, frame in watched:
                surface = own.surfaces.read(name, frame)
                if own.has_truth:
                    true.append(own.true(surface, frame))
                for camera in own.cameras:
                    held[camera].append(own.held_out(surface, frame, camera))
        truth = mesh_summary(true, own.template) if true else None
        summary = {
            "surface": str(own.surfaces.path),
            "data": str(config.data),
            "frames": len(own.surfaces.keys),
            "truth": truth,
            "held_out": held_out_summary(held),
            "version": __version__,
            "rig_hash": own.rig.fingerprint(),
            "inputs": {"surface": hash_file(own.surfaces.path)},
        }
        write_json(summary, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(summary, say)
    say.say(f"\nwrote {config.out}: summary.json, config.yaml")
    scores: dict[str, Any] = {"not_measured": {}, "chamfer": {}, **(truth or {})}
    if truth is not None:
        scores["chamfer"] = {"mean_mm": truth["chamfer_mm"]}
    require_scores(scores, allowed)
    return summary


def _warn_of_makers(own: SurfaceEvaluation, say: Output) -> None:
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
