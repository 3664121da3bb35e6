"""What goes into ``mvboot surface``: its settings, and the input they name, checked."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from mvboot.datasets import Capture
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.files import hash_file, safe_name
from mvboot.formats.exports import named_export, require_room
from mvboot.formats.rigs import load_rig
from mvboot.formats.single import camera_centers, near_origin
from mvboot.formats.surfaces import named_surface_export
from mvboot.inference.field_folder import FieldFolder
from mvboot.rig import Rig
from mvboot.stages.settings.surface import SurfaceSettings
from mvboot.stages.stage import provenance
from mvboot.surfaces import FitSettings, Seen, SurfaceFitter
from mvboot.surfaces.carve import Silhouette
from mvboot.surfaces.markers import Markers
from mvboot.template import Template, load_template

MARKERS = "markers"
OF_TEMPLATE = {
    "template": "--template",
    "texture": "--texture",
    "markers": "--marker",
    "fps": "--fps",
    **{name: name for name in ("keep_carried", *FitSettings.__dataclass_fields__)},
}
"""Settings that say nothing of surfaces without a template, and how people give them."""


class SurfaceConfig(SurfaceSettings):
    """Everything ``mvboot surface`` can be told; what is here by config file or KEY=VALUE."""

    keep_carried: bool = Field(False, description="markers also where nothing shows them")
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

    @field_validator("fields")
    @classmethod
    def _named(cls, folders: dict[str, Path]) -> dict[str, Path]:
        wrong = [name for name in folders if not re.fullmatch(r"\w[^/\\:]*", name)]
        if wrong:
            raise ValueError(
                f"{wrong[0]!r} cannot name a subject: files are called so; letters or digits first"
            )
        for name in folders:
            safe_name(name, "--fields: subject")
        return folders

    def fit(self) -> FitSettings:
        """Return what is expected of the subjects."""
        names = FitSettings.__dataclass_fields__
        return FitSettings(**{name: getattr(self, name) for name in names})


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
        self._fitter = None
        if self.template is not None:  # InputError for one whose faces look inwards
            self._fitter = SurfaceFitter(self.template, config.fit())
        for form in config.format:
            named_surface_export(form)
        self.fields = {
            name: FieldFolder.of_cameras(folder, self._stated, "the rig's cameras are")
            for name, folder in config.fields.items()
        }
        for folder in self.fields.values():
            folder.require(self.rig.names)
        self._require_apart()
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

    @property
    def fitter(self) -> SurfaceFitter:
        """What fits the template, where there is one."""
        assert self._fitter is not None
        return self._fitter

    def rig_at(self, frame: int) -> Rig:
        """Return the rig at its poses in a frame."""
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

    @property
    def crowd(self) -> int:
        """How many individuals the capture's keypoints have, where the fields know only one."""
        known = None if self.capture is None or len(self.fields) > 1 else self.capture.keypoints
        return 1 if known is None else len(known.individuals)

    @property
    def glb_origin(self) -> list[float]:
        """Where GLB files count from, in the rig's world and unit: zero unless that is far away."""
        return [float(value) for value in near_origin(camera_centers(self.rig), self.rig.units)]

    def facts(self) -> dict[str, Any]:
        """Return what goes in, as plain values."""
        template = self.template
        return {
            "subjects": {name: str(folder.folder) for name, folder in self.fields.items()},
            "cameras": list(self.rig.names),
            "frames": len(self.frames),
            "units": self.rig.units,
            "up": self.rig.up,
            "glb_origin": self.glb_origin,
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
        return provenance(inputs, self.rig)

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
        if (config.min_views or 0) > len(rig):
            raise InputError(
                f"min_views={config.min_views}: so many views cannot agree, there are {len(rig)} "
                "cameras"
            )
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
        wanted = set(self.config.frames or there)
        return [frame for frame in there if frame in wanted]

    def _require_apart(self) -> None:
        """Raise InputError where the result would go among what it is made of."""
        read = [folder.folder for folder in self.fields.values()]
        read += [*self.config.fields.values(), *([self.config.data] if self.config.data else [])]
        if self.config.out.resolve() in {folder.resolve() for folder in read}:
            raise InputError("is read from; choose another --out", where=self.config.out)

    def _exports(self) -> dict[str, str]:
        names = [name for name in self.config.export if name != "parquet"]
        for name in names:
            if named_export(name).needs_fps and self.fps is None:
                raise InputError(f"{name} needs the frame rate; state it with --fps")
            if named_export(name).one_individual and len(self.fields) > 1:
                raise InputError(
                    f"{name} holds one subject, --fields names {len(self.fields)}; leave it away, "
                    "or export each subject alone"
                )
        require_room(names, np.array(self.frames), self.rig)
        found = {name: f"{MARKERS}{named_export(name).suffix}" for name in names}
        return {"parquet": f"{MARKERS}.parquet", **found}


def _require_possible(config: SurfaceConfig) -> None:
    if config.without_template:
        fields = type(config).model_fields
        wrong = [name for name in OF_TEMPLATE if getattr(config, name) != fields[name].default]
        if wrong:
            raise InputError(f"{OF_TEMPLATE[wrong[0]]} does not go with --without-template")
    if config.texture and config.data is None:
        raise InputError("--texture needs the pictures of a capture; name it with --data")
    if not config.markers and (config.export or config.keep_carried):
        option = "--export" if config.export else "keep_carried"
        raise InputError(f"{option} is of markers; name some with --marker NAME=SPOT")
