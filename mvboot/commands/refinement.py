"""The work of ``mvboot rig refine``: a rig and detections of its subject to a better rig."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from mvboot import __version__
from mvboot.calib.bundle import GROUPS, INTRINSICS
from mvboot.calib.refine import Refinement, RefineOptions, refine_rig
from mvboot.commands.matching import (
    DetectionSettings,
    check_subject,
    matched,
    of_subject,
    say_pairs,
)
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.errors import InputError, NothingUsable
from mvboot.files import atomic_folder, hash_file
from mvboot.formats.detections import describe, load_keypoints, match_cameras
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.keypoints import Keypoints2D
from mvboot.report.calibration import deviations
from mvboot.report.triangulation import write_json
from mvboot.rig import Rig
from mvboot.triangulation import TriangulationOptions
from mvboot.units import Unit


class RefineConfig(DetectionSettings):
    """Everything ``mvboot rig refine`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    rig: Path
    keypoints: str
    out: Path
    units: Unit | None = None
    rig_format: str | None = None
    cameras: list[str] = Field(default=[], description="use only these cameras of the rig")
    threshold_px: float = Field(8.0, gt=0)
    free: dict[str, list[str]] = Field(default={}, description="camera, or all: what may change")
    hold: dict[str, list[str]] = Field(default={}, description="camera, or all: what stays")
    held_out: float = Field(0.25, gt=0, lt=1, description="share of the frames that judges")
    max_turn_deg: float = Field(10.0, gt=0, description="largest change that is believed")
    seed: int = Field(0, ge=0)

    def options(self, cameras: tuple[str, ...]) -> RefineOptions:
        """Return the options; InputError for what is no group, or both free and held."""
        held = {}
        for name in cameras:
            free, hold = (
                {*words.get("all", []), *words.get(name, [])} for words in (self.free, self.hold)
            )
            strange = sorted((free | hold) - set(GROUPS))
            if strange:
                raise InputError(f"unknown group {', '.join(strange)}; use {', '.join(GROUPS)}")
            if free & hold:
                both = ", ".join(sorted(free & hold))
                raise InputError(f"camera {name}: {both} is both free and held")
            held[name] = frozenset(INTRINSICS - free) | hold
        named = {*self.free, *self.hold} - {"all"}
        if named - set(cameras):
            unknown = ", ".join(sorted(named - set(cameras)))
            raise InputError(f"there is no camera {unknown}; there are {', '.join(cameras)}")
        return RefineOptions(
            held=held,
            triangulation=TriangulationOptions(threshold_px=self.threshold_px, seed=self.seed),
            held_out=self.held_out,
            max_turn_deg=self.max_turn_deg,
            seed=self.seed,
        )


def run(config: RefineConfig, overwrite: bool, say: Output) -> dict[str, Any]:
    """Refine a rig into a folder and return the summary.

    InputError for bad input. NothingUsable, and nothing written, where the rig does not get better
    on the held-out frames.
    """
    with atomic_folder(config.out, overwrite) as folder:
        rig = load_rig(config.rig, config.rig_format, config.units)
        known = (*rig.names, *config.camera_map)
        rig = rig.subset(config.cameras) if config.cameras else rig
        keypoints = _keypoints(config, rig, known, say)
        refinement = refine_rig(rig, keypoints, config.options(rig.names))
        said = summary(refinement) | {
            "version": __version__,
            "rig_hash": rig.fingerprint(),
            "inputs": {**_hash(config.rig), **dict(keypoints.source.get("inputs", {}))},
        }
        _say_result(refinement, say)
        refusal = refinement.refusal()
        if refusal:
            raise NothingUsable(f"refused, the old rig stays: {refusal}")
        kept = ("version", "rig_hash", "leave_one_out_px")
        provenance = {**rig.provenance, "refined": {key: said[key] for key in kept}}
        save_rig(replace(refinement.rig, provenance=provenance), folder / "rig.yaml")
        write_json(said, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    say.say(f"\nwrote {config.out}: rig.yaml, summary.json, config.yaml")
    return said


def summary(refinement: Refinement) -> dict[str, Any]:
    """Return the plain values of summary.json."""
    frames = refinement.held_out_frames
    return {
        "leave_one_out_px": {
            "before": refinement.before.summary(),
            "after": refinement.after.summary(),
            "judged_on": refinement.judged_on,
            "held_out_frames": [int(frames.min()), int(frames.max())] if len(frames) else None,
        },
        "detections_without_ray": {
            name: dict(zip(("before", "after"), counts, strict=True))
            for name, counts in refinement.rayless.items()
        },
        "kept_from_folding": {name: list(terms) for name, terms in refinement.kept.items()},
        "units": refinement.rig.units,
        "observations": len(refinement.observations),
        "rms_px": refinement.rms_px,
        "movement_px": refinement.movement_px,
        "thresholds_px": list(refinement.thresholds_px),
        "change": {name: vars(change) for name, change in refinement.change.items()},
        "deviation": {name: deviations(c) for name, c in refinement.covariance.items()},
    }


def _keypoints(config: RefineConfig, rig: Rig, known: tuple[str, ...], say: Output) -> Keypoints2D:
    alignment = config.alignment(rig)
    found = load_keypoints(config.keypoints, config.keypoints_format, known, alignment.timed)
    say.say(f"keypoints: {describe(found)}")
    check_subject(found, config.subject, config.keypoints)
    wanted = {*(config.cameras or found.cameras), *config.camera_map}
    seen = tuple(name for name in found.cameras if name in wanted) or found.cameras
    camera_map = match_cameras(rig.names, seen, config.camera_map)
    say_pairs(camera_map, say)
    named = matched(found, rig, camera_map, alignment)
    chosen = of_subject(named, config.subject, config.min_confidence)
    return chosen.above(config.min_confidence)


def _hash(rig: Path) -> dict[str, str]:
    return {rig.name: hash_file(rig)} if rig.is_file() else {}


def _say_result(refinement: Refinement, say: Output) -> None:
    units = refinement.rig.units
    medians = [one.medians for one in (refinement.before, refinement.after)]
    header = ("camera", "left out px", "now px", "turned deg", f"moved {units}", "focal ratio")
    rows: list[tuple[str, ...]] = [header]
    for name, change in refinement.change.items():
        spread = refinement.covariance[name]
        rows.append(
            (
                name,
                *(_figure(part[name]) for part in medians),
                f"{change.rotation_deg:.3g}{_deviation(spread.rotation_deg)}",
                f"{change.center:.4g}{_deviation(spread.center_deviation)}",
                f"{change.focal_ratio:.4f}",
            )
        )
    say.table(rows)
    say.say(
        f"\nleaving each camera out, on {refinement.judged_on}: median "
        f"{refinement.before.median:.3g} px before, {refinement.after.median:.3g} px after"
    )
    for name, terms in refinement.kept.items():
        say.warn(
            f"camera {name}: {', '.join(terms)} stayed as before, for its lens would fold inside "
            "the picture; detections do not reach far enough into the corners to free them"
        )
    lost = {name: counts for name, counts in refinement.rayless.items() if any(counts)}
    for name, (before, after) in lost.items():
        say.warn(
            f"camera {name}: {before} detections have no ray before, {after} after: its lens has "
            "no inverse there, and they count for nothing"
        )


def _deviation(value: float) -> str:
    """Return the words of a standard deviation; none for what the others are measured against."""
    return f" +- {value:.2g}" if value > 0 else ""


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
