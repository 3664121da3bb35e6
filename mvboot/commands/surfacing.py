"""The work of ``mvboot surface``."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mvboot import __version__
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.datasets import Capture
from mvboot.datasets.frame_list import FrameList
from mvboot.errors import InputError, NothingUsable
from mvboot.fields import DenseField
from mvboot.files import atomic_folder, hash_file, require_free
from mvboot.formats.exports import named_export
from mvboot.formats.rigs import load_rig
from mvboot.formats.surfaces import named_surface_export
from mvboot.metrics import FieldFolder
from mvboot.report.triangulation import write_json
from mvboot.rig import Rig
from mvboot.surface import FitSettings, Follower, Lost, Seen, Surface, SurfaceFitter
from mvboot.surface.carve import Silhouette
from mvboot.surface.export import write_surface
from mvboot.surface.markers import Markers, marker_paths
from mvboot.surface.reconstruct import reconstruct
from mvboot.surface.store import SurfaceFile, SurfaceWriter
from mvboot.surface.texture import Paint, Painter
from mvboot.template import Template, load_template
from mvboot.triangulation import TriangulationOptions

SUBJECT = "subject"
SURFACES, MESHES, MARKERS = "surface.npz", "meshes", "markers"
NAMED = 20
"""Lost frames that are named in words; the summary has all."""


class SurfaceConfig(BaseModel):
    """Everything ``mvboot surface`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    fields: dict[str, Path] = Field(min_length=1, description="folder of each subject")
    out: Path
    rig: Path | None = None
    data: Path | None = None
    units: Literal["m", "cm", "mm"] | None = None
    template: str | None = Field(None, description="body, quadruped or a file")
    cameras: list[str] = Field(default=[], description="use only these cameras")
    frames: FrameList = Field(default=(), description="use only these frames")
    without_template: bool = False
    format: list[str] = Field(default=["ply"], description="meshes of each frame")
    texture: bool = False
    markers: dict[str, str] = Field(default={}, description="name: spot")
    export: list[str] = Field(default=[], description="more formats of the markers than Parquet")
    fps: float | None = Field(None, gt=0, le=1e6)
    foreground: float = Field(0.5, gt=0, le=1, description="probability of the subject")
    threshold_px: float | None = Field(None, gt=0, description="of the triangulation")
    min_views: int | None = Field(None, ge=2, description="of the triangulation")
    strain: float = Field(FitSettings.strain, gt=0)
    strain_without_bones: float = Field(FitSettings.strain_without_bones, gt=0)
    turn_deg: float = Field(FitSettings.turn_deg, gt=0)
    turn_from_frame_deg: float = Field(FitSettings.turn_from_frame_deg, gt=0)
    shape: float = Field(FitSettings.shape, gt=0)
    shape_from_frame: float = Field(FitSettings.shape_from_frame, gt=0)
    move_from_frame: float = Field(FitSettings.move_from_frame, gt=0)
    detail: float = Field(FitSettings.detail, ge=0, le=1)

    def fit(self) -> FitSettings:
        """Return what is expected of the subjects."""
        names = FitSettings.__dataclass_fields__
        return FitSettings(**{name: getattr(self, name) for name in names})


def named_folders(words: Sequence[str] | None) -> dict[str, str] | None:
    """Return folders by subject of words ``[NAME=]DIR``; InputError for a name given twice."""
    found: dict[str, str] = {}
    for word in words or ():
        name, equals, folder = word.partition("=")
        if not equals or Path(word).exists():
            name, folder = SUBJECT, word
        if not (name and folder):
            raise InputError(f"--fields {word!r} is not of the form NAME=DIR")
        if name in found:
            raise InputError(f"--fields: {name} is given twice; name each folder, NAME=DIR")
        found[name] = folder
    return found or None


def numbered(text: str) -> list[int | str]:
    """Return frame numbers and ranges of ``A..B,C`` as a list of both."""
    return [int(word) if word.strip().isdigit() else word for word in text.split(",")]


class Scene:
    """The input of a run, checked: rig, template, and the fields of each subject.

    InputError where they do not belong together.
    """

    def __init__(self, config: SurfaceConfig) -> None:
        self.config = config
        self.capture = self._capture()
        self.rig = self._rig()
        self.template = None if config.without_template else self._template()
        _require_possible(config)
        for form in config.format:
            named_surface_export(form)
        self.fields = {
            name: FieldFolder.of_cameras(folder, self._stated, "the rig's cameras are")
            for name, folder in config.fields.items()
        }
        for folder in self.fields.values():
            folder.require(self.rig.names)
        self.frames = self._frames()
        self.markers = None
        if self.template is not None and config.markers:
            self.markers = Markers.of(config.markers, self.template)
        self.exports = self._exports()

    @property
    def fps(self) -> float | None:
        """Frames in a second, where anything states it."""
        stated = None if self.capture is None else self.capture.model.fps
        return self.config.fps or stated

    @cached_property
    def fitter(self) -> SurfaceFitter:
        """What fits the template; InputError for one whose faces look inwards."""
        assert self.template is not None
        return SurfaceFitter(self.template, self.config.fit())

    def rig_at(self, frame: int) -> Rig:
        """Return the rig at its poses in a frame."""
        if not self.rig.is_moving:
            return self.rig
        try:
            return self.rig.at(frame)
        except ValueError as error:
            raise InputError(f"frame {frame}: {error}") from None

    def read(self, subject: str, frame: int) -> dict[str, DenseField]:
        """Return the fields of an instant, by camera."""
        folder = self.fields[subject]
        names = [name for name in self.rig.names if folder.has(name, frame)]
        if self.template is not None:
            return {name: folder.read(name, frame, self.template.topology) for name in names}
        return {name: folder.read(name, frame) for name in names}

    def seen(self, subject: str, frame: int) -> dict[str, Seen]:
        """Return what fields of an instant see of the template, by camera."""
        assert self.template is not None
        own = self.config.foreground
        fields = self.read(subject, frame)
        return {name: Seen.of(field, self.template, own) for name, field in fields.items()}

    def silhouettes(self, frame: int) -> dict[str, Silhouette] | None:
        """Return the masks of the capture, by camera; None without a capture."""
        if self.capture is None:
            return None
        masks = {
            name: self.capture.mask(name, frame)
            for name in self.rig.names
            if self.capture.has(name, frame)
        }
        there = {name: mask for name, mask in masks.items() if mask is not None}
        return {name: Silhouette.of_mask(mask >= 0.5) for name, mask in there.items()}

    def pictures(self, frame: int) -> dict[str, Any]:
        """Return the pictures of a frame, by camera."""
        assert self.capture is not None
        names = [name for name in self.rig.names if self.capture.has(name, frame)]
        return {name: self.capture.picture(name, frame) for name in names}

    def facts(self) -> dict[str, Any]:
        """Return what goes in, as plain values."""
        template = self.template
        return {
            "subjects": {name: str(folder.folder) for name, folder in self.fields.items()},
            "cameras": list(self.rig.names),
            "frames": len(self.frames),
            "units": self.rig.units,
            "up": self.rig.up,
            "template": None
            if template is None
            else {"name": template.name, "topology": template.topology},
        }

    def provenance(self) -> dict[str, Any]:
        """Return what the result rests on."""
        inputs = {
            subject: hash_file(
                *(
                    folder.paths[name][frame]
                    for frame in self.frames
                    for name in self.rig.names
                    if folder.has(name, frame)
                )
            )
            for subject, folder in self.fields.items()
        }
        return {"version": __version__, "rig_hash": self.rig.fingerprint(), "inputs": inputs}

    def _capture(self) -> Capture | None:
        config = self.config
        if config.data is None:
            return None
        given = None if config.rig is None else load_rig(config.rig, units=config.units)
        return Capture.open(config.data, given)

    def _rig(self) -> Rig:
        config = self.config
        if self.capture is not None:
            rig = self.capture.rig
        elif config.rig is not None:
            rig = load_rig(config.rig, units=config.units)
        else:
            raise InputError("--rig or --data is missing; see mvboot surface --help")
        self._stated = rig.names
        rig = rig.subset(config.cameras) if config.cameras else rig
        if len(rig) < 2:
            raise InputError(f"a surface needs at least two cameras, there is {rig.names[0]}")
        return rig

    def _template(self) -> Template:
        name = self.config.template
        if name is not None:
            return load_template(name).in_units(self.rig.units)
        if self.capture is None or self.capture.template is None:
            raise InputError(
                "name the template that the fields refer to with --template, or mesh their points "
                "alone with --without-template"
            )
        return self.capture.template.in_units(self.rig.units)

    def _frames(self) -> list[int]:
        there = sorted({frame for folder in self.fields.values() for frame in folder.frames})
        absent = sorted(set(self.config.frames) - set(there))
        if absent:
            raise InputError(
                f"--frames: there is no field of frame {absent[0]}; they are of frames "
                f"{there[0]} to {there[-1]}"
            )
        return [frame for frame in there if not self.config.frames or frame in self.config.frames]

    def _exports(self) -> dict[str, str]:
        names = [name for name in self.config.export if name != "parquet"]
        for name in names:
            if named_export(name).needs_fps and self.fps is None:
                raise InputError(f"{name} needs the frame rate; state it with --fps")
        found = {name: f"{MARKERS}{named_export(name).suffix}" for name in names}
        return {"parquet": f"{MARKERS}.parquet", **found}


def plan(config: SurfaceConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be read and written, after the same checks that a run makes."""
    require_free(config.out, overwrite)
    scene = Scene(config)
    if scene.template is not None:
        scene.fitter  # noqa: B018 (its checks)
    facts = scene.facts()
    say.say(
        f"would fit {len(scene.fields)} subjects in {facts['frames']} frames of "
        f"{len(scene.rig)} cameras, and write to {config.out}"
    )
    return {"out": str(config.out), **facts}


def run(config: SurfaceConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Make the surfaces, write everything and return the summary.

    InputError for bad input, NothingUsable where no frame has a surface (then nothing is written).
    """
    with atomic_folder(config.out, overwrite) as folder:
        scene = Scene(config)
        made = meshed(scene, folder, say) if scene.template is None else fitted(scene, folder, say)
        if not any(one["frames"] for one in made.values()):
            reason = next(iter(next(iter(made.values()))["lost"].values()))
            raise NothingUsable(f"no frame has a surface; the first: {reason}")
        files = sorted(
            str(path.relative_to(folder)) for path in folder.iterdir() if path.name != MESHES
        )
        summary = {
            **scene.facts(),
            "surfaces": made,
            "files": [*files, f"{MESHES}/", "summary.json", "config.yaml"],
            **scene.provenance(),
        }
        write_json(summary, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(summary, say)
    say.say(f"\nwrote {config.out}: {', '.join(summary['files'])}")
    return summary


def fitted(scene: Scene, folder: Path, say: Output) -> dict[str, Any]:
    """Fit every subject, write it, and return what became of each."""
    template, rig = scene.template, scene.rig
    assert template is not None
    lost: dict[tuple[str, int], Lost] = {}
    made = {}
    with SurfaceWriter(
        folder / SURFACES, rig.units, template.topology, rig.fingerprint()
    ) as written:
        for subject in scene.fields:
            made[subject] = _followed(scene, subject, written, lost, say)
    surfaces = SurfaceFile(folder / SURFACES)
    for subject in scene.fields:
        if not made[subject]["frames"]:
            continue
        paint = _painted(scene, surfaces, subject) if scene.config.texture else None
        inner = folder / MESHES / subject if len(scene.fields) > 1 else folder / MESHES
        frames = surfaces.of(subject)
        write_surface(inner, frames, template, rig, scene.config.format, scene.fps, paint)
    if scene.markers is not None and surfaces.keys:
        instants = _instants(scene, surfaces, lost)
        paths = marker_paths(instants, scene.markers, template, rig, scene.fps)
        for form, name in scene.exports.items():
            named_export(form).write(paths, folder / name)
    return made


def meshed(scene: Scene, folder: Path, say: Output) -> dict[str, Any]:
    """Mesh the points of every subject and frame without a template, and say what became of it."""
    made = {}
    for subject in scene.fields:
        inner = folder / MESHES / subject if len(scene.fields) > 1 else folder / MESHES
        lost, done = {}, []
        with say.progress(scene.frames, len(scene.frames), f"meshing {subject}") as watched:
            for frame in watched:
                fields = scene.read(subject, frame)
                try:
                    if len(fields) < 2:
                        raise NothingUsable(_too_few(fields))
                    mesh = reconstruct(fields, scene.rig_at(frame), scene.silhouettes(frame))
                except NothingUsable as error:
                    lost[str(frame)] = str(error)
                    continue
                for form in scene.config.format:
                    named_surface_export(form).write(mesh, inner / f"frame_{frame:06d}.{form}")
                done.append(frame)
        made[subject] = {"frames": len(done), "lost": lost}
    return made


def _followed(
    scene: Scene,
    subject: str,
    written: SurfaceWriter,
    lost: dict[tuple[str, int], Lost],
    say: Output,
) -> dict[str, Any]:
    config = scene.config
    options = None
    if config.threshold_px is not None or config.min_views is not None:
        options = TriangulationOptions(
            threshold_px=config.threshold_px or TriangulationOptions.threshold_px,
            min_views=config.min_views,
        )
    follower = Follower(scene.fitter, options)
    numbers: dict[str, list[float]] = {"error_px": [], "seen": [], "noise": []}
    with say.progress(scene.frames, len(scene.frames), f"fitting {subject}") as watched:
        for frame in watched:
            seen, rig = scene.seen(subject, frame), scene.rig_at(frame)
            found = next(follower.follow([(seen, rig)]))
            if isinstance(found, Lost):
                lost[subject, frame] = found
                continue
            written.add(subject, frame, found)
            numbers["error_px"].append(float(np.nanmedian(found.error_px)))
            numbers["seen"].append(float((~found.carried).mean()))
            numbers["noise"].append(follower.noise)
    means = {name: float(np.mean(values)) if values else None for name, values in numbers.items()}
    return {
        "frames": len(numbers["seen"]),
        "seen_share": means["seen"],
        "error_px": means["error_px"],
        "field_noise": means["noise"],
        "lost": {str(frame): one.reason for (name, frame), one in lost.items() if name == subject},
    }


def _painted(scene: Scene, surfaces: SurfaceFile, subject: str) -> Paint:
    assert scene.template is not None
    painter = Painter(scene.template)
    for frame, surface in surfaces.of(subject):
        painter.add(surface.vertices, scene.rig_at(frame), scene.pictures(frame))
    return painter.paint()


def _instants(
    scene: Scene, surfaces: SurfaceFile, lost: Mapping[tuple[str, int], Lost]
) -> Iterator[tuple[int, dict[str, Surface | Lost]]]:
    for frame in scene.frames:
        yield (
            frame,
            {
                subject: lost[subject, frame]
                if (subject, frame) in lost
                else surfaces.read(subject, frame)
                for subject in scene.fields
            },
        )


def _require_possible(config: SurfaceConfig) -> None:
    if config.without_template:
        asked: dict[str, Any] = {
            "--template": config.template,
            "--marker": config.markers,
            "--texture": config.texture,
        }
        wrong = [name for name, value in asked.items() if value]
        if wrong:
            raise InputError(f"{wrong[0]} needs a template; leave --without-template away")
    if config.texture and config.data is None:
        raise InputError("--texture needs the pictures of a capture; name it with --data")
    if config.export and not config.markers:
        raise InputError("--export is of markers; name some with --marker NAME=SPOT")


def _too_few(fields: Mapping[str, DenseField]) -> str:
    return f"fields of two cameras are needed; there are: {', '.join(fields) or 'none'}"


def _say_result(summary: Mapping[str, Any], say: Output) -> None:
    for subject, one in summary["surfaces"].items():
        total = one["frames"] + len(one["lost"])
        say.say(f"{subject}: a surface in {one['frames']} of {total} frames")
        if one.get("seen_share") is not None:
            say.say(
                f"  {one['seen_share']:.0%} of the vertices seen, the rest carried by the "
                f"template; median reprojection error {one['error_px']:.2f} px; fields off by "
                f"{one['field_noise']:.3g} {summary['units']}"
            )
        for frame, why in list(one["lost"].items())[:NAMED]:
            say.warn(f"{subject}, frame {frame}: {why}")
        if len(one["lost"]) > NAMED:
            say.warn(f"{subject}: {len(one['lost']) - NAMED} more frames without a surface")
