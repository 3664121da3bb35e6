"""A rig and detections of its subject to a better rig."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mvboot.calib.bundle import GROUPS, INTRINSICS
from mvboot.calib.refine import Refinement, RefineOptions, refine_rig
from mvboot.errors import InputError, NothingUsable
from mvboot.formats.detections import describe, load_keypoints
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.keypoints import Keypoints2D
from mvboot.report.calibration import deviations
from mvboot.rig import Rig
from mvboot.stages.matching import (
    alignment_of,
    check_subject,
    matched,
    of_subject,
    paired,
    say_pairs,
)
from mvboot.stages.output import Output
from mvboot.stages.settings.refine import RefineSettings
from mvboot.stages.stage import Stage, Summary, hashes, provenance
from mvboot.triangulation import TriangulationOptions


def options_of(config: RefineSettings, cameras: tuple[str, ...]) -> RefineOptions:
    """Return the options; InputError for what is no group, or both free and held."""
    held = {}
    for name in cameras:
        free, hold = (
            {*words.get("all", []), *words.get(name, [])} for words in (config.free, config.hold)
        )
        strange = sorted((free | hold) - set(GROUPS))
        if strange:
            raise InputError(f"unknown group {', '.join(strange)}; use {', '.join(GROUPS)}")
        if free & hold:
            both = ", ".join(sorted(free & hold))
            raise InputError(f"camera {name}: {both} is both free and held")
        held[name] = frozenset(INTRINSICS - free) | hold
    named = {*config.free, *config.hold} - {"all"}
    if named - set(cameras):
        unknown = ", ".join(sorted(named - set(cameras)))
        raise InputError(f"there is no camera {unknown}; there are {', '.join(cameras)}")
    return RefineOptions(
        held=held,
        triangulation=TriangulationOptions(threshold_px=config.threshold_px, seed=config.seed),
        held_out=config.held_out,
        max_turn_deg=config.max_turn_deg,
        seed=config.seed,
    )


@dataclass(frozen=True)
class RefineInputs:
    """A rig, confident detections of its subject in it, and how to refine."""

    rig: Rig
    keypoints: Keypoints2D
    options: RefineOptions
    inputs: dict[str, str]


@dataclass(frozen=True)
class Refined:
    """What came out, and of what."""

    refinement: Refinement
    of: RefineInputs


class Refine(Stage[RefineSettings, RefineInputs, Refined]):
    """A rig and detections of its subject to a better rig."""

    config = RefineSettings

    def read(self, config: RefineSettings, say: Output) -> RefineInputs:
        """Match rig and detections."""
        rig = load_rig(config.rig, config.rig_format, config.units)
        known = (*rig.names, *config.camera_map)
        rig = rig.subset(config.cameras) if config.cameras else rig
        keypoints = _keypoints(config, rig, known, say)
        read = {**hashes(config.rig), **dict(keypoints.source.get("inputs", {}))}
        return RefineInputs(rig, keypoints, options_of(config, rig.names), read)

    def plan(self, inputs: RefineInputs, say: Output) -> Summary:
        """Say which rig would be refined with how many detections."""
        found = int(inputs.keypoints.present.sum())
        say.say(f"would refine {len(inputs.rig)} cameras with {found:,} detections")
        return {"cameras": list(inputs.rig.names), "detections": found}

    def compute(self, inputs: RefineInputs, say: Output) -> Refined:
        """Refine; NothingUsable where the rig gets no better on held-out frames."""
        refinement = refine_rig(inputs.rig, inputs.keypoints, inputs.options)
        _say_result(refinement, say)
        refusal = refinement.refusal()
        if refusal:
            raise NothingUsable(f"refused, the old rig stays: {refusal}")
        return Refined(refinement, inputs)

    def write(self, results: Refined, folder: Path) -> Summary:
        """Write the rig, which says what it was refined from."""
        rig = results.of.rig
        said = summary(results.refinement) | provenance(results.of.inputs, rig)
        kept = ("version", "rig_hash", "leave_one_out_px")
        history = {**rig.provenance, "refined": {key: said[key] for key in kept}}
        save_rig(replace(results.refinement.rig, provenance=history), folder / "rig.yaml")
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


def _keypoints(
    config: RefineSettings, rig: Rig, known: tuple[str, ...], say: Output
) -> Keypoints2D:
    alignment = alignment_of(config, rig)
    found = load_keypoints(config.keypoints, config.keypoints_format, known, alignment.timed)
    say.say(f"keypoints: {describe(found)}")
    check_subject(found, config.subject, config.keypoints)
    camera_map = paired(rig.names, found.cameras, config.cameras, config.camera_map)
    say_pairs(camera_map, say)
    named = matched(found, rig, camera_map, alignment)
    chosen = of_subject(named, config.subject, config.min_confidence)
    return chosen.above(config.min_confidence)


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
