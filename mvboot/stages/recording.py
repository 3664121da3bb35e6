"""The input of a triangulation: a rig and detections, matched."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.calib import Diagnosis, check_rig
from mvboot.calib.scale import scale_warning, scale_words
from mvboot.config import parse_yaml
from mvboot.errors import InputError
from mvboot.formats.alignment import Alignment
from mvboot.formats.detections import describe, load_keypoints
from mvboot.formats.exports import named_export, require_room
from mvboot.formats.keypoints2d_table import Keypoints2DFile
from mvboot.formats.rigs import load_rig
from mvboot.keypoints import Keypoints2D
from mvboot.reading import read_text
from mvboot.rig import Rig
from mvboot.stages.matching import (
    alignment_of,
    check_subject,
    diagnosed,
    matched,
    notes,
    of_subject,
    paired,
    say_pairs,
)
from mvboot.stages.output import Output
from mvboot.stages.settings.triangulate import TriangulateSettings
from mvboot.stages.stage import hashes, provenance
from mvboot.triangulation import TriangulationOptions
from mvboot.words import listed

CHUNK_POINTS = 50_000
SAMPLE_POINTS = 20_000
"""Points on which noise and leave-one-out error are measured; drawn at random from more."""

DIAGNOSED_POINTS = 200_000
"""Points in which faults are looked for, in stretches of frames."""

STRETCHES = 8
FEW_CAMERAS = 3


def options_of(config: TriangulateSettings) -> TriangulationOptions:
    """Return the options of the solver."""
    return TriangulationOptions(
        threshold_px=config.threshold_px,
        min_views=config.min_views,
        min_parallax_deg=config.min_parallax_deg,
        seed=config.seed,
    )


def exports_of(config: TriangulateSettings) -> dict[str, str]:
    """Return file names by export, Parquet apart.

    InputError for an unknown one, and for one that needs the frame rate where it is unknown.
    """
    names = [*config.export, *(["csv"] if config.csv else [])]
    timed = [name for name in names if named_export(name).needs_fps]
    if timed and config.fps is None:
        raise InputError(f"{', '.join(timed)} needs the frame rate; state it with --fps")
    return {name: f"points3d{named_export(name).suffix}" for name in names if name != "parquet"}


class Recording:
    """A rig and the detections of its cameras, matched and checked.

    Parameters
    ----------
    config
        What to read, and how to triangulate it.
    say
        Where to say what was recognised.

    Raises
    ------
    InputError
        Input that cannot be read, or does not go together.
    """

    def __init__(self, config: TriangulateSettings, say: Output) -> None:
        self.out, self.told = config.out, config
        self.options, self.fps = options_of(config), config.fps
        self.exports = exports_of(config)
        self._rig_path = config.rig
        self.warnings: list[str] = []
        rig = load_rig(config.rig, config.rig_format, config.units)
        self.rig = rig.subset(config.cameras) if config.cameras else rig
        if len(self.rig) < 2:
            raise InputError(
                f"triangulation needs at least two cameras, there is {self.rig.names[0]}",
                where=config.rig,
            )
        self._require_views(config.min_views or 0)
        alignment = alignment_of(config, self.rig)
        self._source = _open(config, (*rig.names, *config.camera_map), alignment)
        self.camera_map = paired(
            self.rig.names, self._source.cameras, config.cameras, config.camera_map
        )
        self._paired = self.camera_map
        if alignment and isinstance(self._source, Keypoints2D):
            self._source = matched(self._source, self.rig, self.camera_map, alignment)
            self._paired = {name: name for name in self.rig.names}
        sample = self._source.sample(SAMPLE_POINTS, np.random.default_rng(config.seed))
        say.say(f"rig: {_describe_rig(self.rig)}")
        say.say(scale_words(self.rig))
        say.say(f"keypoints: {describe(sample)}")
        how = "camera names differ only in spelling or were paired"
        say_pairs(self.camera_map, say, how)
        check_subject(sample, config.subject, config.keypoints)
        self.sample = self.selected(sample)
        self._require_exports()
        self.confident = self.sample.above(config.min_confidence)
        self.groups = read_groups(config.groups) if config.groups else None
        self._collect_warnings()

    def _require_views(self, wanted: int) -> None:
        if wanted > len(self.rig):
            raise InputError(
                f"--min-views {wanted}: no point is seen by so many views, there are "
                f"{len(self.rig)} cameras ({listed(self.rig.names)}); ask for {len(self.rig)} or "
                "fewer"
            )

    def _require_exports(self) -> None:
        alone = [name for name in self.exports if named_export(name).one_individual]
        if alone and len(self.sample.individuals) > 1:
            raise InputError(
                f"{', '.join(alone)} holds one individual, there are "
                f"{', '.join(self.sample.individuals)}; choose one with --subject, or leave it away"
            )
        source = self._source
        frames = (
            np.arange(source.frame_count) if isinstance(source, Keypoints2DFile) else source.frames
        )
        require_room(self.exports, frames, self.rig)

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
        return of_subject(named, self.told.subject, self.told.min_confidence)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the result rests on: plain values."""
        read = dict(self.sample.source.get("inputs", {}))
        return provenance({**hashes(self._rig_path), **read}, self.rig, self.options.seed)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """How well the detections fit the rig, by stretches of frames where there are many."""
        source = self._source
        if isinstance(source, Keypoints2DFile):
            block = next(iter(source.chunks(CHUNK_POINTS)))
        else:
            block = source.at_rows(_stretches(source, DIAGNOSED_POINTS))
        everyone = matched(block, self.rig, self._paired)
        return diagnosed(self.rig, everyone, self.told, self.camera_map)

    def _collect_warnings(self) -> None:
        scale = scale_warning(self.rig)
        self.warnings += [*notes(self.rig.provenance), *notes(self.sample.source)]
        self.warnings += [scale] if scale else []
        findings = check_rig(self.rig) + self.diagnosis.findings
        self.warnings += [str(finding) for finding in findings]
        self.warnings += self.diagnosis.doubts
        if len(self.rig) < FEW_CAMERAS or self.options.min_views == 2:
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


def _open(
    config: TriangulateSettings, known: tuple[str, ...], alignment: Alignment
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
