"""``mvboot rig world``: choose origin, axes and scale of a rig's world."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from mvboot.errors import InputError
from mvboot.stages.output import Output
from mvboot.units import UNIT_WORDS

if TYPE_CHECKING:
    from mvboot.calib.world import WorldFrame
    from mvboot.rig import Rig

SUFFIXES = (".yaml", ".yml")
WAYS = ("--landmarks", "--measured", "--camera")
BELONGS = {
    "--points3d": "--landmarks",
    "--subject": "--landmarks",
    "--measured-units": "--measured",
    "--max-error": "--measured",
    "--fix-scale": "--measured",
}
"""Options that mean something with one way only."""

MUCH = 5.0
"""Change of scale from which units were probably mixed up, unless the rig had no true scale."""


def world(
    rig: Annotated[Path, Argument(help="Rig file or folder, any known format.")],
    out: Annotated[Path, Option(help="The rig to write: NEW.yaml.")],
    landmarks: Annotated[
        Path | None, Option(help="YAML file: which keypoints are origin, x, up or floor, length.")
    ] = None,
    points3d: Annotated[
        Path | None, Option(help="Where the keypoints are: points3d.parquet of mvboot triangulate.")
    ] = None,
    subject: Annotated[
        str | None, Option(help="Individual in the keypoints, if there are several.")
    ] = None,
    measured: Annotated[
        Path | None, Option(help="CSV of clicks with measured places: camera,point,x,y,X,Y,Z.")
    ] = None,
    measured_units: Annotated[str | None, Option(help=f"Unit of X, Y, Z: {UNIT_WORDS}.")] = None,
    max_error: Annotated[
        float | None,
        Option(help="Largest residual, in measured units. [default: 2 % of the extent]", min=0),
    ] = None,
    fix_scale: Annotated[
        bool, Option("--fix-scale", help="Keep the rig's lengths: turn and shift only.")
    ] = False,
    camera: Annotated[str | None, Option(help="Make this camera's frame the world.")] = None,
    up: Annotated[
        str | None,
        Option(help="Axis of the new world that points up (x ... -z). [default with landmarks: z]"),
    ] = None,
    units: Annotated[
        str | None, Option(help=f"Unit of the rig's lengths: {UNIT_WORDS}, if its file has none.")
    ] = None,
    format: Annotated[
        str | None, Option("--format", help="Format of the rig, if not recognised.")
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose origin, axes and scale by landmarks, measured points or a camera."""
    given = {
        "--landmarks": landmarks,
        "--points3d": points3d,
        "--subject": subject,
        "--measured": measured,
        "--measured-units": measured_units,
        "--max-error": max_error,
        "--fix-scale": fix_scale or None,
        "--camera": camera,
    }
    _require_one_way({name for name, value in given.items() if value is not None})
    _require_writable(out, overwrite)

    from mvboot.calib.world import from_camera, moved
    from mvboot.formats.rigs import load_rig, save_rig

    say = Output(as_json)
    old = load_rig(rig, format, units)
    if landmarks is not None:
        frame = _by_landmarks(old, landmarks, _given(points3d, "--points3d"), subject, up, say)
    elif measured is not None:
        stated = _given(measured_units, "--measured-units")
        frame = _by_measured(old, measured, stated, max_error, fix_scale, up, say)
    else:
        if up is not None:
            raise InputError("a camera's frame has no axis that is known to point up; drop --up")
        frame = from_camera(old, str(camera))
        if "frame" in frame.description:
            say.warn(f"camera {camera} moves; the world is where it was in its first frame")
    new = moved(old, frame)
    save_rig(new, out)
    _say_change(old, new, frame, out, say)
    say.result({"target": str(out), "units": new.units, **frame.as_dict()})


def _by_landmarks(
    rig: "Rig", spec_file: Path, table: Path, subject: str | None, up: str | None, say: Output
) -> "WorldFrame":
    from mvboot.calib.landmarks import LandmarkSpec, landmarks
    from mvboot.calib.world import from_landmarks
    from mvboot.config import load_yaml
    from mvboot.files import hash_file
    from mvboot.formats.keypoints3d_table import read_keypoints3d

    spec = load_yaml(spec_file, LandmarkSpec)
    keypoints = read_keypoints3d(table)
    with _in_file(table):
        found = landmarks(rig, keypoints, subject)
    with _in_file(spec_file):
        places = {name: landmark.xyz for name, landmark in found.items()}
        frame = from_landmarks(rig, places, spec, up or "z")
    used = {name: found[name] for name in spec.names}
    residuals = frame.description.get("floor_residuals", {})
    header = ("landmark", "frames", f"spread {rig.units}", f"above floor {rig.units}")
    rows = [
        (name, str(mark.frames), f"{mark.spread:.3g}", _figure(residuals.get(name)))
        for name, mark in used.items()
    ]
    say.table([header, *rows])
    for name, degrees in frame.description["axes_off_deg"].items():
        say.say(f"{name} as given is {degrees:.3g} deg off the new axis")
    length = frame.description.get("length")
    if length:
        a, b = length["between"]
        say.say(f"{a} to {b} was {length['was']:.6g} {rig.units} and is {length['is']:.6g} now")
    return frame.described(
        spread={name: mark.spread for name, mark in used.items()},
        inputs={path.name: hash_file(path) for path in (spec_file, table)},
    )


def _by_measured(
    rig: "Rig",
    table: Path,
    units: str,
    max_error: float | None,
    fix_scale: bool,
    up: str | None,
    say: Output,
) -> "WorldFrame":
    from mvboot.calib.clicks import read_clicks, scene_points
    from mvboot.calib.world import from_measured
    from mvboot.files import hash_file

    clicks = read_clicks(table, rig)
    with _in_file(table):
        found = scene_points(rig, clicks)
        points = {name: point.xyz for name, point in found.items()}
        truth = {name: point.truth for name, point in found.items()}
        frame = from_measured(rig, points, truth, units, max_error, fix_scale, up)
    residuals = frame.description["residuals"]
    header = ("point", "views", "reprojection px", f"residual {units}")
    rows = [
        (name, str(point.views), f"{point.error_px:.3g}", f"{residuals[name]:.3g}")
        for name, point in found.items()
    ]
    say.table([header, *rows])
    return frame.described(
        reprojection_px={name: point.error_px for name, point in found.items()},
        inputs={table.name: hash_file(table)},
    )


def _say_change(old: "Rig", new: "Rig", frame: "WorldFrame", out: Path, say: Output) -> None:
    from mvboot.calib import check_rig

    place = ", ".join(f"{value:.4g}" for value in frame.new_from_old.t.tolist())
    up = f"{new.up} is up" if new.up else "up is unknown"
    say.say(
        f"rotated by {frame.rotation_deg:.4g} deg; the old origin is now at ({place}) {new.units}; "
        f"lengths times {frame.scale:.6g} ({100 * (frame.scale - 1):+.3g} %); {up}"
    )
    if old.up and not new.up:
        say.warn(f"the rig said that {old.up} is up; the new world does not say which axis is")
    if not 1 / MUCH < frame.scale < MUCH:
        say.warn("that is a large change of scale: check the units, if the rig had true lengths")
    for finding in check_rig(new):
        if finding.code in ("below-floor", "implausible-units"):
            say.warn(str(finding))
    say.say(f"wrote {out}")


def _require_one_way(given: set[str]) -> None:
    ways = [way for way in WAYS if way in given]
    if len(ways) != 1:
        raise InputError(
            f"say how the world is chosen by one of {', '.join(WAYS)}; "
            f"got {' and '.join(ways) or 'none'}"
        )
    for option, way in BELONGS.items():
        if option in given and way not in given:
            raise InputError(f"{option} belongs to {way}, not to {ways[0]}; drop it")


def _require_writable(out: Path, overwrite: bool) -> None:
    if out.suffix not in SUFFIXES:
        raise InputError(
            "the new rig is written as rig.yaml, which keeps its world's origin: name it .yaml and "
            "convert it with mvboot rig convert",
            where=out,
        )
    if out.exists() and not overwrite:
        raise InputError("exists already; choose another path or add --overwrite", where=out)


def _given(value: Any, option: str) -> Any:
    if value is None:
        raise InputError(f"{option} is missing; see mvboot rig world --help")
    return value


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


@contextmanager
def _in_file(path: Path) -> Iterator[None]:
    """Name the file in the errors about what is in it."""
    try:
        yield
    except InputError as error:
        raise InputError(error.message, where=path) from None
