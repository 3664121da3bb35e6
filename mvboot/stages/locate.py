"""Lenses and landmarks to a rig."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.calib.lengths import Distance
from mvboot.calib.locate import KnownPoints, Located, LocateOptions, locate_cameras
from mvboot.errors import InputError
from mvboot.formats.detections import describe, load_keypoints
from mvboot.formats.intrinsics_yaml import load_intrinsics
from mvboot.formats.rigs import save_rig
from mvboot.formats.tables import codes_of, numbers, read_table
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.stages.matching import check_subject, of_subject, paired, say_pairs
from mvboot.stages.output import Output
from mvboot.stages.settings.locate import LocateSettings
from mvboot.stages.stage import Stage, Summary, hashes, provenance
from mvboot.triangulation import TriangulationOptions
from mvboot.units import UNIT_CHOICE

COLUMNS = ("point", "X", "Y", "Z")


def options_of(config: LocateSettings) -> LocateOptions:
    """Return the options; InputError for a distance of another form, a broken table."""
    if config.points is None and (config.points_units or config.max_error):
        raise InputError("--points-units and --max-error belong to --points; name its table")
    return LocateOptions(
        distances=[Distance.parsed(pair, length) for pair, length in config.distance.items()],
        known=None if config.points is None else _known(config, config.points),
        units=config.units,
        triangulation=TriangulationOptions(threshold_px=config.threshold_px, seed=config.seed),
        seed=config.seed,
    )


def _known(config: LocateSettings, path: Path) -> KnownPoints:
    if config.points_units is None:
        raise InputError(f"state the unit of the known positions: --points-units {UNIT_CHOICE}")
    return KnownPoints(read_positions(path), config.points_units, config.max_error)


def read_positions(path: Path) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Read a CSV or Parquet table with the columns ``point, X, Y, Z``, one row a point.

    InputError for a point without a name or named twice, and numbers that are missing or infinite.
    """
    table = read_table(path, COLUMNS)
    names, code = codes_of(table["point"], None)
    if (code < 0).any() or "" in names:
        raise InputError("has a row without the name of a point", where=path)
    xyz = np.stack([numbers(table, axis, path) for axis in "XYZ"], -1)
    for row, place in zip(code, xyz, strict=True):
        if not np.isfinite(place).all():
            raise InputError(f"point {names[row]!r} has a missing or infinite number", where=path)
    twice = np.flatnonzero(np.bincount(code, minlength=len(names)) > 1)
    if len(twice):
        raise InputError(f"point {names[twice[0]]!r} has two rows; keep one", where=path)
    return {names[row]: place for row, place in zip(code, xyz, strict=True)}


@dataclass(frozen=True)
class Landmarks:
    """Lenses, landmarks that their cameras share, and how to locate."""

    cameras: dict[str, Camera]
    keypoints: Keypoints2D
    options: LocateOptions
    inputs: dict[str, str]


class Locate(Stage[LocateSettings, Landmarks, tuple[Located, Landmarks]]):
    """Lenses and landmarks to a rig."""

    config = LocateSettings

    def read(self, config: LocateSettings, say: Output) -> Landmarks:
        """Match lenses and landmarks."""
        options = options_of(config)
        cameras = _cameras(config)
        keypoints = _matched(config, cameras, say)
        files = hashes(config.intrinsics, config.points)
        return Landmarks(
            cameras, keypoints, options, {**files, **dict(keypoints.source.get("inputs", {}))}
        )

    def plan(self, inputs: Landmarks, say: Output) -> Summary:
        """Say which cameras would be located with how many detections."""
        found = int(inputs.keypoints.present.sum())
        say.say(f"would locate {len(inputs.cameras)} cameras with {found:,} detections")
        return {"cameras": list(inputs.cameras), "detections": found}

    def compute(self, inputs: Landmarks, say: Output) -> tuple[Located, Landmarks]:
        """Locate the cameras; NothingUsable where no rig comes out."""
        return locate_cameras(inputs.cameras, inputs.keypoints, inputs.options), inputs

    def write(self, results: tuple[Located, Landmarks], folder: Path) -> Summary:
        """Write the rig, which says how it was located."""
        located, inputs = results
        said = summary(located) | provenance(inputs.inputs)
        history = {**located.rig.provenance, "located": said}
        save_rig(replace(located.rig, provenance=history), folder / "rig.yaml")
        return said

    def describe(self, results: tuple[Located, Landmarks], summary: Summary, say: Output) -> None:
        """Say where the cameras are, and how well landmarks agree."""
        _say_result(results[0], say)


def summary(located: Located) -> dict[str, Any]:
    """Return the plain values of summary.json."""
    return {
        "cameras": {name: vars(fit) for name, fit in located.fits.items()},
        "units": located.rig.units,
        "landmarks": located.points,
        "rms_px": located.rms_px,
        "started_from": None if located.start is None else list(located.start),
        **located.scale,
    }


def _cameras(config: LocateSettings) -> dict[str, Camera]:
    cameras = load_intrinsics(config.intrinsics)
    unknown = [name for name in config.cameras if name not in cameras]
    if unknown:
        raise InputError(
            f"there is no camera {', '.join(unknown)}; there are {', '.join(cameras)}",
            where=config.intrinsics,
        )
    return {name: cameras[name] for name in config.cameras or cameras}


def _matched(config: LocateSettings, cameras: dict[str, Camera], say: Output) -> Keypoints2D:
    """Return the landmarks with the names of the intrinsics."""
    found = load_keypoints(config.keypoints, config.keypoints_format)
    say.say(f"landmarks: {describe(found)}")
    check_subject(found, config.subject, config.keypoints)
    camera_map = paired(tuple(cameras), found.cameras, config.cameras, config.camera_map)
    say_pairs(camera_map, say)
    named = found.for_cameras(list(camera_map)).renamed(camera_map)
    chosen = of_subject(named, config.subject, config.min_confidence)
    return chosen.above(config.min_confidence)


def _say_result(located: Located, say: Output) -> None:
    units = located.rig.units
    header = ("camera", "error px", "agree", "detections", f"centre {units}")
    rows = [
        (
            name,
            f"{fit.error_px:.3g}",
            str(fit.agree),
            str(fit.detections),
            ", ".join(f"{v + 0:.4g}" for v in located.rig[name].center.tolist()),
        )
        for name, fit in located.fits.items()
    ]
    say.table([header, *rows])
    errors = ", ".join(f"{name} {fit.error_px:.3g} px" for name, fit in located.fits.items())
    say.say(f"\nlocated {len(located.rig)} cameras from {located.points} landmarks: {errors}")
    for pair, lengths in located.scale.get("distances", {}).items():
        measured, got = lengths["measured"], lengths["located"]
        say.say(f"{pair} was measured at {measured:.4g} {units} and is {got:.4g} {units}")
    if "residuals" in located.scale:
        worst = max(located.scale["residuals"].values())
        say.say(f"known positions are met to {worst:.3g}, in their unit")
    else:
        first = located.rig.names[0]
        say.say(f"the world is camera {first}'s; choose another with mvboot rig world")
    for name, fit in located.fits.items():
        if 2 * fit.agree < fit.detections:
            say.warn(
                f"camera {name}: only {fit.agree} of {fit.detections} detections agree; check its "
                "name, its intrinsics and that it is synchronous"
            )
