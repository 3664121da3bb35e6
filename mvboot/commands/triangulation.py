"""The work of ``mvboot triangulate``: from files to files, block by block."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, Field

from mvboot import __version__
from mvboot.calib import Diagnosis, check_rig
from mvboot.calib.scale import scale_warning, scale_words
from mvboot.commands.matching import (
    DetectionSettings,
    check_subject,
    diagnosed,
    matched,
    notes,
    of_subject,
)
from mvboot.commands.output import Output
from mvboot.commands.verdict import nothing, require_enough, say_refused
from mvboot.config import dump_yaml, parse_yaml
from mvboot.errors import InputError, NothingUsable, QualityMissed
from mvboot.files import atomic_folder, hash_file, write_json
from mvboot.formats.alignment import Alignment
from mvboot.formats.detections import describe, load_keypoints, match_cameras
from mvboot.formats.exports import joined, named_export, require_room
from mvboot.formats.keypoints2d_table import Keypoints2DFile
from mvboot.formats.keypoints3d_table import Keypoints3DWriter
from mvboot.formats.rigs import load_rig
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.reading import read_json, read_text
from mvboot.report.triangulation import Funnel
from mvboot.rig import Rig
from mvboot.triangulation import TriangulationOptions
from mvboot.triangulation.evaluate import keypoint_noise, leave_one_out, linear_error
from mvboot.triangulation.recording import triangulate_keypoints
from mvboot.units import Unit
from mvboot.words import listed

CHUNK_POINTS = 50_000
SAMPLE_POINTS = 20_000
"""Points on which noise and leave-one-out error are measured; drawn at random from more."""

DIAGNOSED_POINTS = 200_000
"""Points in which faults are looked for, in stretches of frames."""

STRETCHES = 8
FEW_CAMERAS = 3
MANY = 0.1
"""Share of the points that two cameras see and that are refused for it, from which it is said."""


class TriangulateConfig(DetectionSettings):
    """Everything ``mvboot triangulate`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    rig: Path
    keypoints: str
    out: Path
    units: Unit | None = None
    rig_format: str | None = None
    cameras: list[str] = Field(default=[], description="use only these cameras of the rig")
    min_views: int | None = Field(None, ge=2)
    threshold_px: float = Field(8.0, gt=0)
    min_parallax_deg: float = Field(0.5, ge=0, lt=90)
    groups: Path | None = None
    fps: float | None = Field(None, gt=0, le=1e6)
    export: list[str] = Field(default=[], description="more formats than Parquet")
    csv: bool = False
    seed: int = Field(0, ge=0)

    def options(self) -> TriangulationOptions:
        """Return the options of the solver."""
        return TriangulationOptions(
            threshold_px=self.threshold_px,
            min_views=self.min_views,
            min_parallax_deg=self.min_parallax_deg,
            seed=self.seed,
        )

    def exports(self) -> dict[str, str]:
        """Return file names by export, Parquet apart.

        InputError for an unknown one, and for one that needs the frame rate where it is unknown.
        """
        names = [*self.export, *(["csv"] if self.csv else [])]
        timed = [name for name in names if named_export(name).needs_fps]
        if timed and self.fps is None:
            raise InputError(f"{', '.join(timed)} needs the frame rate; state it with --fps")
        return {name: f"points3d{named_export(name).suffix}" for name in names if name != "parquet"}


class Recording:
    """The matched input of a run: a rig and the detections of its cameras.

    Parameters
    ----------
    config
        What to read.
    say
        Where to say what was recognised.
    """

    def __init__(self, config: TriangulateConfig, say: Output) -> None:
        self.config = config
        self.warnings: list[str] = []
        rig = load_rig(config.rig, config.rig_format, config.units)
        self.rig = rig.subset(config.cameras) if config.cameras else rig
        if len(self.rig) < 2:
            raise InputError(
                f"triangulation needs at least two cameras, there is {self.rig.names[0]}",
                where=config.rig,
            )
        self._require_views()
        alignment = config.alignment(self.rig)
        self._source = _open(config, (*rig.names, *config.camera_map), alignment)
        seen = self._source.cameras
        if config.cameras:
            wanted = {*config.cameras, *config.camera_map}
            seen = tuple(name for name in seen if name in wanted) or seen
        self.camera_map = match_cameras(self.rig.names, seen, config.camera_map)
        self._paired = self.camera_map
        if alignment and isinstance(self._source, Keypoints2D):
            self._source = matched(self._source, self.rig, self.camera_map, alignment)
            self._paired = {name: name for name in self.rig.names}
        sample = self._source.sample(SAMPLE_POINTS, np.random.default_rng(config.seed))
        say.say(f"rig: {_describe_rig(self.rig)}")
        say.say(scale_words(self.rig))
        say.say(f"keypoints: {describe(sample)}")
        renamed = {a: b for a, b in self.camera_map.items() if a != b}
        if renamed:
            pairs = ", ".join(f"{a} is {b}" for a, b in renamed.items())
            say.say(f"camera names differ only in spelling or were paired: {pairs}")
        check_subject(sample, config.subject, config.keypoints)
        self.sample = self.selected(sample)
        self._require_exports()
        self.confident = self.sample.above(config.min_confidence)
        self.groups = read_groups(config.groups) if config.groups else None
        self._collect_warnings()

    def _require_views(self) -> None:
        wanted = self.config.min_views or 0
        if wanted > len(self.rig):
            raise InputError(
                f"--min-views {wanted}: no point is seen by so many views, there are "
                f"{len(self.rig)} cameras ({listed(self.rig.names)})"
            )

    def _require_exports(self) -> None:
        alone = [name for name in self.config.exports() if named_export(name).one_individual]
        if alone and len(self.sample.individuals) > 1:
            raise InputError(
                f"{', '.join(alone)} holds one individual, there are "
                f"{', '.join(self.sample.individuals)}; choose one with --subject, or leave it away"
            )
        source = self._source
        frames = (
            np.arange(source.frame_count) if isinstance(source, Keypoints2DFile) else source.frames
        )
        require_room(self.config.exports(), frames, self.rig)

    def chunks(self) -> Iterator[Keypoints2D]:
        """Yield the detections block by block, cameras named and ordered as in the rig."""
        for chunk in self._source.chunks(CHUNK_POINTS):
            yield self.selected(chunk)

    @property
    def points(self) -> int:
        """How many points there are to triangulate."""
        frames = (
            self._source.frame_count
            if isinstance(self._source, Keypoints2DFile)
            else len(self._source.frames)
        )
        return frames * len(self.sample.individuals) * len(self.sample.keypoints)

    def selected(self, keypoints: Keypoints2D) -> Keypoints2D:
        """Return a block with the rig's camera names and order, and the chosen subject."""
        named = matched(keypoints, self.rig, self._paired)
        return of_subject(named, self.config.subject, self.config.min_confidence)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the result rests on: plain values."""
        path = self.config.rig
        rig_file = {path.name: hash_file(path)} if path.is_file() else {}
        return {
            "version": __version__,
            "seed": self.config.seed,
            "rig_hash": self.rig.fingerprint(),
            "inputs": {**rig_file, **dict(self.sample.source.get("inputs", {}))},
        }

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """How well the detections fit the rig, by stretches of frames where there are many."""
        config, source = self.config, self._source
        if isinstance(source, Keypoints2DFile):
            block = next(iter(source.chunks(CHUNK_POINTS)))
        else:
            block = source.at_rows(_stretches(source, DIAGNOSED_POINTS))
        everyone = matched(block, self.rig, self._paired)
        return diagnosed(self.rig, everyone, config, self.camera_map)

    def _collect_warnings(self) -> None:
        scale = scale_warning(self.rig)
        self.warnings += [*notes(self.rig.provenance), *notes(self.sample.source)]
        self.warnings += [scale] if scale else []
        findings = check_rig(self.rig) + self.diagnosis.findings
        self.warnings += [str(finding) for finding in findings]
        self.warnings += self.diagnosis.doubts
        if len(self.rig) < FEW_CAMERAS or self.config.min_views == 2:
            self.warnings.append(
                "points may rest on two views: a wrong detection near the other's epipolar line "
                "goes unnoticed"
            )
        empty = [
            name
            for name, seen in zip(self.rig.names, self.sample.present, strict=True)
            if not seen.any()
        ]
        if empty:
            self.warnings.append(f"no detection at all in camera {', '.join(empty)}")


def run(config: TriangulateConfig, overwrite: bool, fail_above: float | None, say: Output) -> Any:
    """Triangulate a recording into a folder and return its summary.

    InputError for bad input, NothingUsable where no point was accepted (then nothing is written),
    QualityMissed after writing where the median reprojection error exceeds ``fail_above``.
    """
    if fail_above is not None and not fail_above > 0:
        raise InputError(f"--fail-above must be positive, got {fail_above}")
    exports = config.exports()
    earlier = _earlier_files(config.out)
    with atomic_folder(config.out, overwrite) as folder:
        recording = Recording(config, say)
        for warning in recording.warnings:
            say.warn(warning)
        funnel = _triangulate(recording, folder, exports, say)
        say.table(funnel.rows())
        if not funnel.accepted.any():
            raise NothingUsable(nothing(funnel, recording.diagnosis))
        summary = _summary(recording, funnel, exports)
        write_json(summary, folder / "summary.json")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    for name in earlier - set(summary["files"]):
        (config.out / name).unlink(missing_ok=True)
    _say_result(summary, config, say)
    say_refused(
        funnel, summary["linear_px"]["median"], config.threshold_px, recording.diagnosis, say
    )
    require_enough(funnel, recording.diagnosis)
    median = summary["reprojection_px"]["median"]
    if fail_above is not None and median > fail_above:
        raise QualityMissed(
            f"the median reprojection error is {median:.3g} px, more than the {fail_above:g} px "
            "asked for"
        )
    return summary


def plan(config: TriangulateConfig, say: Output) -> dict[str, Any]:
    """Say what a run would read and write (``--dry-run``); the input is read and matched."""
    recording = Recording(config, say)
    for warning in recording.warnings:
        say.warn(warning)
    written = ["points3d.parquet", *config.exports().values(), "summary.json", "config.yaml"]
    say.say(f"would triangulate {recording.points:,} points and write to {config.out}:")
    for name in written:
        say.say(f"  {name}")
    return {"points": recording.points, "out": str(config.out), "files": written}


def _earlier_files(out: Path) -> set[str]:
    """Return what an earlier run wrote: exports that are not written again must not stay."""
    if not (out / "summary.json").is_file():
        return set()
    return {Path(name).name for name in read_json(out / "summary.json").get("files", [])}


def _open(
    config: TriangulateConfig, known: tuple[str, ...], alignment: Alignment
) -> Keypoints2D | Keypoints2DFile:
    """Open the detections; those that must be aligned are held whole, as their frames change."""
    path = Path(config.keypoints)
    if config.keypoints_format in (None, "mvboot") and not alignment:
        streamed = Keypoints2DFile.open(path)
        if streamed is not None:
            return streamed
    return load_keypoints(config.keypoints, config.keypoints_format, known, alignment.timed)


def _stretches(keypoints: Keypoints2D, points: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return rows of consecutive frames, evenly spread, with about this many points in all."""
    count = len(keypoints.frames)
    length = points // max(1, len(keypoints.individuals) * len(keypoints.keypoints)) // STRETCHES
    if count <= STRETCHES * max(1, length):
        return np.arange(count)
    starts = np.linspace(0, count - max(1, length), STRETCHES).astype(int)
    return np.unique((starts[:, None] + np.arange(max(1, length))).ravel())


def _triangulate(
    recording: Recording, folder: Path, exports: dict[str, str], say: Output
) -> Funnel:
    config = recording.config
    rig, options, groups = recording.rig, config.options(), recording.groups
    noise = keypoint_noise(rig, recording.confident, options, groups)
    funnel = Funnel(recording.sample.keypoints)
    kept: list[Keypoints3D] = []
    with ExitStack() as stack:
        table = stack.enter_context(Keypoints3DWriter(folder / "points3d.parquet"))
        total = max(1, recording.points // CHUNK_POINTS)
        blocks = stack.enter_context(say.progress(recording.chunks(), total, "triangulating"))
        for raw in blocks:
            above = raw.above(config.min_confidence)
            solved = triangulate_keypoints(
                rig, above, options, groups, noise, config.fps, recording.provenance
            )
            table.write(solved)
            funnel.add(raw, above, solved)
            if exports:
                kept.append(solved)
    for name, file in exports.items():
        try:
            named_export(name).write(joined(kept), folder / file)
        except InputError as error:
            raise InputError(error.message, where=config.out / file) from None
    return funnel


def _summary(recording: Recording, funnel: Funnel, exports: dict[str, str]) -> dict[str, Any]:
    confident = recording.confident
    left_out = leave_one_out(recording.rig, confident, recording.config.options(), recording.groups)
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
        "files": ["points3d.parquet", *exports.values()],
        **recording.provenance,
    }


def read_groups(path: Path) -> dict[str, list[str]]:
    """Read a YAML file of keypoints to judge together: ``name: [a, b]``."""
    groups = parse_yaml(read_text(path), path)
    good = isinstance(groups, dict) and all(
        isinstance(members, list) and all(isinstance(name, str) for name in members)
        for members in groups.values()
    )
    if not good:
        raise InputError("must map group names to lists of keypoints", where=path)
    return {str(name): list(members) for name, members in groups.items()}


def _describe_rig(rig: Rig) -> str:
    source = rig.provenance.get("rig", {}).get("format", "rig")
    return f"{source}: {len(rig)} cameras ({', '.join(rig.names)}), units {rig.units}"


def _say_result(summary: dict[str, Any], config: TriangulateConfig, say: Output) -> None:
    error, out = summary["reprojection_px"], summary["leave_one_out_px"]
    share = 100 * summary["accepted"] / max(1, summary["seen"])
    say.say(
        f"\n{summary['accepted']:,} of {summary['seen']:,} points that two or more cameras saw "
        f"accepted ({share:.1f} %), "
        f"reprojection error median {error['median']:.3g} px, 90 % within {error['p90']:.3g} px"
    )
    if out["median"] is not None:
        say.say(
            f"leaving each camera out: median {out['median']:.3g} px, "
            f"90 % within {out['p90']:.3g} px (wrong detections included)"
        )
        rows = [("camera", "median px", "90 % within px", "measured", "detections")]
        for name, part in out["per_camera"].items():
            figures = [
                "-" if part[key] is None else f"{part[key]:.3g}" for key in ("median", "p90")
            ]
            rows.append((name, *figures, f"{part['measured']:,}", f"{part['detections']:,}"))
        say.table(rows)
    say.say(f"\nwrote {config.out}: {', '.join(summary['files'])}, summary.json, config.yaml")
