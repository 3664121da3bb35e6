"""``mvboot surface``: dense fields of a calibrated rig to metric surfaces."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import folders, frame_words, listed, pairs, resolved
from mvboot.stages.output import Output
from mvboot.units import UNIT_WORDS

Overrides = Annotated[
    list[str] | None,
    Argument(
        metavar="[KEY=VALUE]...",
        help="Settings by name, as min_views=2 or keep_carried=true; docs/surface.md lists them.",
    ),
]
RigPath = Annotated[Path | None, Option(help="Rig of any known format. [default: the capture's]")]
Units = Annotated[
    str | None, Option(help=f"Unit of the rig's lengths: {UNIT_WORDS}, if its file has none.")
]
Fields = Annotated[
    list[str] | None,
    Option(
        metavar="[NAME=]DIR",
        help="Fields, <camera>/<frame>.npz in this folder or its fields/; one folder a subject.",
    ),
]
Template = Annotated[
    str | None, Option(help="body, quadruped, or a template file. [default: the capture's]")
]
Data = Annotated[
    Path | None, Option(help="Capture folder: its rig, template, frame rate, masks and pictures.")
]
Out = Annotated[Path | None, Option(help="Folder to write to.")]
Cameras = Annotated[str | None, Option(help="Use only these cameras, comma-separated.")]
Frames = Annotated[str | None, Option(metavar="A..B,C", help="Only these frames. [default: all]")]
Without = Annotated[
    bool, Option("--without-template", help="Mesh the points themselves, frame by frame.")
]
Format = Annotated[
    str | None, Option(help="Meshes of each frame: ply, obj, glb, comma-separated. [default: ply]")
]
Texture = Annotated[bool, Option("--texture", help="Colour meshes from the capture's pictures.")]
Marker = Annotated[
    list[str] | None,
    Option(
        metavar="NAME=SPOT",
        help="Virtual marker: vertex:123, face:45:0.2,0.3,0.5 or uv:2:0.3,0.7; repeatable.",
    ),
]
Export = Annotated[
    list[str] | None, Option(help="Markers also as csv, trc, c3d, movement, ...; repeatable.")
]
Fps = Annotated[float | None, Option(help="Frame rate in Hz: an animation, and for TRC, C3D.")]
Config = Annotated[
    Path | None, Option(help="YAML file with any of these settings (see config.yaml).")
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be read and written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def surface(
    overrides: Overrides = None,
    rig: RigPath = None,
    fields: Fields = None,
    template: Template = None,
    out: Out = None,
    data: Data = None,
    units: Units = None,
    cameras: Cameras = None,
    frames: Frames = None,
    without_template: Without = False,
    format: Format = None,
    texture: Texture = False,
    marker: Marker = None,
    export: Export = None,
    fps: Fps = None,
    config: Config = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Fit a template to dense fields, frame by frame: metric meshes and virtual markers."""
    from mvboot.stages.surface import MakeSurfaces
    from mvboot.stages.surface_scene import SurfaceConfig

    given: dict[str, Any] = {
        "rig": rig,
        "units": units,
        "fields": folders(fields, "--fields"),
        "template": template,
        "out": out,
        "data": data,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "frames": frame_words(frames),
        "without_template": without_template or None,
        "format": None if format is None else listed(format, "--format"),
        "texture": texture or None,
        "markers": pairs(marker, "--marker", "NAME=SPOT"),
        "export": export,
        "fps": fps,
    }
    settings = resolved(SurfaceConfig, given, config, overrides, "mvboot surface")
    say = Output(as_json)
    work = MakeSurfaces().dry_run if dry_run else MakeSurfaces().run
    say.result(work(settings, overwrite, say))
