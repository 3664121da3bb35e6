"""``mvboot rig template``: a rig.yaml to fill in by hand."""

from pathlib import Path
from typing import Annotated

from typer import Option

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.stages.output import Output
from mvboot.units import UNIT_NAMES, UNIT_WORDS, UNITS_IN_M

HEADER = """\
# A rig for mvboot, written by hand: put a value in place of every FILL_IN.
# `mvboot rig check {file}` then looks for faults in it.
schema: 1  # version of this format
units: {units}  # unit of length of every translation: {choice}
# up: z  # axis of the world that points up (x, y, z, -x, -y, -z), its floor through the origin
# provenance: {{made by: hand}}  # anything you want to note
cameras:
"""

CAMERA = """\
  {name}:{about_name}
    size: FILL_IN{about_size}
    lens: brown{about_lens}
    fx: FILL_IN{about_fx}
    fy: FILL_IN
    cx: FILL_IN{about_cx}
    cy: FILL_IN
{extras}    distortion: FILL_IN{about_distortion}
    rotation: FILL_IN{about_rotation}
    translation: FILL_IN{about_translation}
"""

ABOUT = {
    "name": "  # the camera's name, as in the names of its files",
    "size": "  # width and height of its pictures in px, as [1920, 1080]",
    "lens": "  # pinhole (no distortion), brown (OpenCV's usual) or fisheye (OpenCV's fisheye)",
    "fx": "  # focal lengths in px",
    "cx": "  # principal point in px; the centre of the first pixel is 0, 0",
    "distortion": "  # OpenCV's k1, k2, p1, p2, k3 as [-0.28, 0.09, 0, 0, 0]; [] for none",
    "rotation": "  # world to camera: Rodrigues vector in rad, [0.1, -0.3, 0.05], or 3x3 matrix",
    "translation": "  # world to camera: x_cam = R x_world + t, as [20, -10, 1500]",
}

EXTRAS = """\
    # skew: 0  # in px
    # K: [[900, 0, 640], [0, 900, 480], [0, 0, 1]]  # in place of fx, fy, cx, cy and skew
    # frames: pan.poses.csv  # in place of rotation and translation, for a camera that moves: a
    #   CSV or Parquet file with the columns frame, rx, ry, rz, tx, ty, tz, beside this one
"""


def template(
    out: Annotated[Path, Option(help="File to write, .yaml.")],
    cameras: Annotated[int, Option(help="Number of cameras.", min=1, max=1000)] = 3,
    units: Annotated[str | None, Option(help=f"Unit of the lengths: {UNIT_WORDS}.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Write a rig.yaml to fill in by hand, with every key explained."""
    if units is not None and units not in UNITS_IN_M:
        raise InputError(f"--units must be {UNIT_WORDS}, got {units!r}")
    if out.suffix not in (".yaml", ".yml"):
        raise InputError("a rig written by hand ends in .yaml; choose such a name", where=out)
    if out.exists() and not overwrite:
        raise InputError("exists already; choose another path or add --overwrite", where=out)
    with atomic_file(out) as partial:
        partial.write_text(rig_template(cameras, units, out.name), encoding="utf-8")
    Output().say(f"wrote {out}; put a value in place of every FILL_IN")


def rig_template(cameras: int, units: str | None, file: str) -> str:
    """Return the text of a rig.yaml of this many cameras; the first one explains its keys."""
    header = HEADER.format(file=file, units=units or "FILL_IN", choice=UNIT_NAMES)
    bare = dict.fromkeys(ABOUT, "")
    entries = (
        _camera(f"cam_{number}", bare if number > 1 else ABOUT, "" if number > 1 else EXTRAS)
        for number in range(1, cameras + 1)
    )
    return header + "".join(entries)


def _camera(name: str, about: dict[str, str], extras: str) -> str:
    comments = {f"about_{key}": text for key, text in about.items()}
    return CAMERA.format(name=name, extras=extras, **comments)
