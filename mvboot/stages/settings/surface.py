"""What ``mvboot surface`` can be told by an option; `stages.surface_scene` adds the fit's own."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.frame_list import FrameList
from mvboot.stages.settings.base import Fps, OfCameras, RigUnits, StageSettings, Typed


class SurfaceSettings(StageSettings):
    """What is read and written."""

    rig: Path | None = Field(None, description="Rig of any known format. [default: the capture's]")
    fields: Annotated[dict[str, Path], Typed("[NAME=]DIR")] = Field(
        min_length=1,
        description="Fields, <camera>/<frame>.npz in this folder or its fields/; one folder a "
        "subject.",
    )
    template: str | None = Field(
        None, description="body, quadruped, or a template file. [default: the capture's]"
    )
    data: Path | None = Field(
        None, description="Capture folder: its rig, template, frame rate, masks and pictures."
    )
    units: RigUnits = None
    cameras: OfCameras = Field(default=[])
    frames: Annotated[FrameList, Typed("A..B,C")] = Field(
        default=(), description="Only these frames. [default: all]"
    )
    without_template: bool = Field(False, description="Mesh the points themselves, frame by frame.")
    format: Annotated[list[str], Typed("FORMAT")] = Field(
        default=["ply"], description="Meshes of each frame: ply, obj, glb, comma-separated."
    )
    texture: bool = Field(False, description="Colour meshes from the capture's pictures.")
    markers: Annotated[dict[str, str], Typed("NAME=SPOT", option="--marker")] = Field(
        default={},
        description="Virtual marker: vertex:123, face:45:0.2,0.3,0.5 or uv:2:0.3,0.7; repeatable.",
    )
    export: Annotated[list[str], Typed("FORMAT")] = Field(
        default=[], description="Markers also as csv, trc, c3d, movement, ...; repeatable."
    )
    fps: Fps = Field(None, description="Frame rate in Hz: an animation, and for TRC, C3D.")
