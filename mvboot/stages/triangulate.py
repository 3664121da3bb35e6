"""Triangulation of a recording: from files to files, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvboot.errors import InputError, NothingUsable, QualityMissed
from mvboot.formats.exports import joined, named_export
from mvboot.formats.keypoints3d_table import Keypoints3DWriter, read_keypoints3d
from mvboot.keypoints import Keypoints3D
from mvboot.report.triangulation import Funnel
from mvboot.stages.output import Output
from mvboot.stages.recording import CHUNK_POINTS, Recording
from mvboot.stages.refusal import nothing, require_enough, say_refused
from mvboot.stages.settings.triangulate import TriangulateSettings
from mvboot.stages.stage import CONFIG, SUMMARY, LimitedStage, Summary, called
from mvboot.triangulation.evaluate import keypoint_noise, leave_one_out, linear_error
from mvboot.triangulation.recording import triangulate_keypoints

POINTS = "points3d.parquet"


@dataclass(frozen=True)
class Triangulation:
    """Points that are solved while ``blocks`` is iterated, which counts them in ``funnel``."""

    recording: Recording
    funnel: Funnel
    blocks: Iterator[Keypoints3D]


class Triangulate(LimitedStage[TriangulateSettings, Recording, Triangulation]):
    """2D keypoints of a calibrated rig to 3D keypoints.

    The limit is of the median reprojection error.
    """

    config = TriangulateSettings

    def read(self, config: TriangulateSettings, say: Output) -> Recording:
        """Match rig and detections, and warn of what is doubtful."""
        recording = Recording(config, say)
        for warning in recording.warnings:
            say.warn(warning)
        return recording

    def plan(self, inputs: Recording, say: Output) -> Summary:
        """Say how many points would be triangulated, and which files written."""
        names = [POINTS, *inputs.exports.values(), SUMMARY, CONFIG]
        say.say(f"would triangulate {inputs.points:,} points and write to {inputs.out}:")
        for name in names:
            say.say(f"  {name}")
        return {"points": inputs.points, "out": str(inputs.out), "files": names}

    def compute(self, inputs: Recording, say: Output) -> Triangulation:
        """Return the points, which are solved block by block."""
        funnel = Funnel(inputs.sample.keypoints)
        return Triangulation(inputs, funnel, _solved(inputs, funnel, say))

    def write(self, results: Triangulation, folder: Path) -> Summary:
        """Write the table and the exports."""
        recording, kept = results.recording, []
        with Keypoints3DWriter(folder / POINTS) as table:
            for block in results.blocks:
                table.write(block)
                if recording.exports:
                    kept.append(block)
        for name, file in recording.exports.items():
            try:
                named_export(name).write(joined(kept), folder / file)
            except InputError as error:
                raise InputError(error.message, where=recording.out / file) from None
        return _summary(results)

    def describe(self, results: Triangulation, summary: Summary, say: Output) -> None:
        """Say how many points there are, how good they are, and why others were refused."""
        _say_result(summary, say)
        recording = results.recording
        say_refused(
            results.funnel,
            summary["linear_px"]["median"],
            recording.options.threshold_px,
            recording.diagnosis,
            say,
        )

    def judge(self, results: Triangulation, summary: Summary) -> None:
        """Raise QualityMissed for too few points, or too large an error."""
        require_enough(results.funnel, results.recording.diagnosis)
        median = summary["reprojection_px"]["median"]
        if self.fail_above is not None and median > self.fail_above:
            raise QualityMissed(
                f"the median reprojection error is {median:.3g} px, more than the "
                f"{self.fail_above:g} px asked for"
            )


def triangulate(
    config: TriangulateSettings | None = None,
    *,
    overwrite: bool = False,
    fail_above: float | None = None,
    **settings: Any,
) -> Keypoints3D:
    """Triangulate a recording, as ``mvboot triangulate`` does.

    Parameters
    ----------
    config
        All settings; or give them by name, as in ``triangulate(rig="rig.yaml",
        keypoints="{camera}.csv")``. Files are written only where ``out`` is given.
    overwrite
        Replace an earlier result in ``out``.
    fail_above
        Largest median reprojection error in px.

    Raises
    ------
    InputError
        Bad input; nothing is written.
    NothingUsable
        No point was accepted; nothing is written.
    QualityMissed
        Hardly any point was accepted, or the error is larger than ``fail_above``; all is written.
    """
    with called(Triangulate(fail_above), config, settings, overwrite) as folder:
        return read_keypoints3d(folder / POINTS)


def _solved(recording: Recording, funnel: Funnel, say: Output) -> Iterator[Keypoints3D]:
    """Yield solved blocks; NothingUsable in the end where no point was accepted."""
    rig, options, groups = recording.rig, recording.options, recording.groups
    noise = keypoint_noise(rig, recording.confident, options, groups)
    total = max(1, recording.points // CHUNK_POINTS)
    with say.progress(recording.chunks(), total, "triangulating") as blocks:
        for raw in blocks:
            above = raw.above(recording.told.min_confidence)
            solved = triangulate_keypoints(
                rig, above, options, groups, noise, recording.fps, recording.provenance
            )
            funnel.add(raw, above, solved)
            yield solved
    say.table(funnel.rows())
    if not funnel.accepted.any():
        raise NothingUsable(nothing(funnel, recording.diagnosis))


def _summary(found: Triangulation) -> Summary:
    recording, funnel = found.recording, found.funnel
    confident = recording.confident
    left_out = leave_one_out(recording.rig, confident, recording.options, recording.groups)
    sampled = len(confident.frames) * len(confident.individuals) * len(confident.keypoints)
    return {
        "points": int(funnel.points.sum()),
        "seen": int(funnel.two_or_more_views.sum()),
        "accepted": int(funnel.accepted.sum()),
        "reprojection_px": funnel.reprojection(),
        "linear_px": linear_error(recording.rig, confident),
        "leave_one_out_px": {**left_out.summary(), "points_sampled": sampled},
        "funnel": funnel.as_dict(),
        "agreement": recording.diagnosis.as_dict(),
        "units": recording.rig.units,
        "frames": funnel.frames,
        "individuals": list(recording.sample.individuals),
        "camera_map": recording.camera_map,
        "warnings": recording.warnings,
        "files": [POINTS, *recording.exports.values()],
        **recording.provenance,
    }


def _say_result(summary: Summary, say: Output) -> None:
    error, out = summary["reprojection_px"], summary["leave_one_out_px"]
    share = 100 * summary["accepted"] / max(1, summary["seen"])
    say.say(
        f"\n{summary['accepted']:,} of {summary['seen']:,} points that two or more cameras saw "
        f"accepted ({share:.1f} %), "
        f"reprojection error median {error['median']:.3g} px, 90 % within {error['p90']:.3g} px"
    )
    if out["median"] is None:
        return
    say.say(
        f"leaving each camera out: median {out['median']:.3g} px, "
        f"90 % within {out['p90']:.3g} px (wrong detections included)"
    )
    rows = [("camera", "median px", "90 % within px", "measured", "detections")]
    for name, part in out["per_camera"].items():
        figures = ["-" if part[key] is None else f"{part[key]:.3g}" for key in ("median", "p90")]
        rows.append((name, *figures, f"{part['measured']:,}", f"{part['detections']:,}"))
    say.table(rows)
