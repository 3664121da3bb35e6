"""The work of ``mvboot rig locate``: lenses and landmarks to a rig."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mvboot import __version__
from mvboot.calib.lengths import Distance
from mvboot.calib.locate import KnownPoints, Located, LocateOptions, locate_cameras
from mvboot.commands.matching import check_subject, of_subject, say_pairs
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.errors import InputError
from mvboot.files import atomic_folder, hash_file
from mvboot.formats.detections import describe, load_keypoints, match_cameras
from mvboot.formats.intrinsics_yaml import load_intrinsics
from mvboot.formats.rigs import save_rig
from mvboot.formats.tables import codes_of, numbers, read_table
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.report.triangulation import write_json
from mvboot.triangulation import TriangulationOptions
from mvboot.units import UNIT_CHOICE, Unit

COLUMNS = ("point", "X", "Y", "Z")


class LocateConfig(BaseModel):
    """Everything ``mvboot rig locate`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    intrinsics: Path
    keypoints: str
    out: Path
    distance: dict[str, str] = Field(default={}, description="a:b: measured length as 0.5m")
    points: Path | None = Field(None, description="table of known positions: point, X, Y, Z")
    points_units: Unit | None = None
    max_error: float | None = Field(None, gt=0, description="of a known position, in its unit")
    units: Unit = "m"
    keypoints_format: str | None = None
    cameras: list[str] = Field(default=[], description="use only these cameras")
    camera_map: dict[str, str] = Field(default={}, description="keypoint camera: intrinsics")
    subject: str | None = Field(None, description="an individual's name, or largest")
    min_confidence: float = Field(0.0, ge=0, le=1)
    threshold_px: float = Field(8.0, gt=0)
    seed: int = Field(0, ge=0)

    def options(self) -> LocateOptions:
        """Return the options; InputError for a distance of another form, a broken table."""
        if self.points is None and (self.points_units or self.max_error):
            raise InputError("--points-units and --max-error belong to --points; name its table")
        return LocateOptions(
            distances=[Distance.parsed(pair, length) for pair, length in self.distance.items()],
            known=None if self.points is None else self._known(self.points),
            units=self.units,
            triangulation=TriangulationOptions(threshold_px=self.threshold_px, seed=self.seed),
            seed=self.seed,
        )

    def _known(self, path: Path) -> KnownPoints:
        if self.points_units is None:
            raise InputError(f"state the unit of the known positions: --points-units {UNIT_CHOICE}")
        return KnownPoints(read_positions(path), self.points_units, self.max_error)


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


def run(config: LocateConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Locate cameras into a folder and return the summary.

    InputError for bad input. NothingUsable, and nothing written, where no rig comes out.
    """
    with atomic_folder(config.out, overwrite) as folder:
        options = config.options()
        cameras = _cameras(config)
        keypoints, cameras = _matched(config, cameras, say)
        located = locate_cameras(cameras, keypoints, options)
        said = summary(located) | {
            "version": __version__,
            "inputs": {
                **_hashes(config.intrinsics, config.points),
                **dict(keypoints.source.get("inputs", {})),
            },
        }
        provenance = {**located.rig.provenance, "located": said}
        save_rig(replace(located.rig, provenance=provenance), folder / "rig.yaml")
        write_json(said, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(located, say)
    say.say(f"\nwrote {config.out}: rig.yaml, summary.json, config.yaml")
    return said


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


def _cameras(config: LocateConfig) -> dict[str, Camera]:
    cameras = load_intrinsics(config.intrinsics)
    unknown = [name for name in config.cameras if name not in cameras]
    if unknown:
        raise InputError(
            f"there is no camera {', '.join(unknown)}; there are {', '.join(cameras)}",
            where=config.intrinsics,
        )
    return {name: cameras[name] for name in config.cameras or cameras}


def _matched(
    config: LocateConfig, cameras: dict[str, Camera], say: Output
) -> tuple[Keypoints2D, dict[str, Camera]]:
    """Return the landmarks with the names of the intrinsics, and the cameras in one order."""
    found = load_keypoints(config.keypoints, config.keypoints_format)
    say.say(f"landmarks: {describe(found)}")
    check_subject(found, config.subject, config.keypoints)
    wanted = {*(config.cameras or found.cameras), *config.camera_map}
    seen = tuple(name for name in found.cameras if name in wanted) or found.cameras
    camera_map = match_cameras(tuple(cameras), seen, config.camera_map)
    say_pairs(camera_map, say)
    named = found.for_cameras(list(camera_map)).renamed(camera_map)
    chosen = of_subject(named, config.subject, config.min_confidence)
    return chosen.above(config.min_confidence), cameras


def _hashes(*paths: Path | None) -> dict[str, str]:
    return {path.name: hash_file(path) for path in paths if path is not None and path.is_file()}


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
