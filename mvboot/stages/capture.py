"""The work of ``mvboot capture``: what cameras filmed, a rig and detections to a capture folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from mvboot.datasets import CaptureWriter, block_splits
from mvboot.datasets.conversion import add_pictures
from mvboot.datasets.decoding import VideoReader
from mvboot.datasets.layout import CaptureFiles
from mvboot.datasets.schema import Splits
from mvboot.errors import InputError
from mvboot.files import require_free
from mvboot.formats.detections import match_cameras
from mvboot.formats.folder_kinds import folder_kind
from mvboot.formats.footage import (
    Footage,
    PictureFolder,
    Video,
    frame_notes,
    open_pictures,
    open_videos,
)
from mvboot.formats.rigs import load_rig
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.stages.matching import detections_of, say_pairs
from mvboot.stages.output import Output
from mvboot.stages.settings.capture import CaptureSettings
from mvboot.template import Template, load_template


def run(config: CaptureSettings, overwrite: bool, say: Output) -> dict[str, Any]:
    """Write the capture and return the summary.

    InputError for bad input: cameras that do not match, pictures of another size than the rig's,
    a subject that must be chosen, a keypoint that is not there.
    """
    require_free(config.out, overwrite)
    rig = load_rig(config.rig)
    footages = _footages(config, rig, say)
    template = _template(config)
    keypoints = _keypoints(config, rig, template)
    filmed = np.unique(np.concatenate([footage.numbers for footage in footages.values()]))
    splits = _splits(config, filmed.tolist(), rig)
    writer = CaptureWriter(
        config.out, rig, fps=config.fps, template=template, splits=splits, overwrite=overwrite
    )
    with writer:
        with say.progress(footages.items(), len(footages), "copying") as watched:
            for name, footage in watched:
                _add(writer.files, name, footage, f".{config.pictures}")
        if keypoints is not None:
            writer.write_keypoints(keypoints)
    pictures = {name: len(footage.numbers) for name, footage in footages.items()}
    summary = {
        "out": str(config.out),
        "pictures": pictures,
        "frames": len(filmed),
        "train": len(splits.train),
        "validation": len(splits.validation),
        "keypoints": 0 if keypoints is None else int(keypoints.present.sum()),
    }
    say.say(
        f"wrote {config.out}: {sum(pictures.values())} pictures of {len(footages)} "
        f"cameras, {len(splits.train)} frames to train and {len(splits.validation)} to validate"
    )
    return summary


def _footages(config: CaptureSettings, rig: Rig, say: Output) -> Mapping[str, Footage]:
    """Return the footage of each camera of the rig, in its order."""
    if (config.images is None) == (config.videos is None):
        raise InputError("give either --images or --videos, a path with {camera}")
    if config.images is not None and config.timestamps is not None:
        raise InputError("--timestamps belongs to --videos; pictures are matched by their numbers")
    _require_pattern(config)
    known = (*rig.names, *config.camera_map)
    found = (
        open_pictures(config.images, known)
        if config.images is not None
        else open_videos(str(config.videos), config.timestamps, known)
    )
    others = config.keypoints is not None  # the map may speak of these
    given = config.map_for(tuple(found)) if others else config.camera_map
    names = match_cameras(rig.names, list(found), given, "recordings")
    say_pairs(names, say)
    paired = {
        names[camera]: footage.late(config.offset.get(names[camera], 0))
        for camera, footage in found.items()
    }
    for note in frame_notes(paired):
        say.warn(note)
    for name, footage in paired.items():
        _require_size(name, rig[name].size, footage)
    return {name: paired[name] for name in rig.names}


def _require_pattern(config: CaptureSettings) -> None:
    """Raise InputError with the pattern where the recording is named by its folder alone."""
    given = config.images or str(config.videos)
    if not Path(given).is_dir():
        return
    kind = folder_kind(Path(given))
    if kind is None or kind.option == "--keypoints":
        what = "detections" if kind else "neither folders of pictures nor videos"
        raise InputError(f"holds {what}: --images or --videos is a path with {{camera}}", given)
    raise InputError(f"is a folder of {kind.what}: say {kind.option} {kind.path}", where=given)


def _require_size(name: str, size: tuple[int, int] | None, footage: Footage) -> None:
    if size in (None, footage.size):
        return
    assert size is not None
    width, height = footage.size
    raise InputError(
        f"camera {name} has pictures of {width} x {height} px, but is calibrated for {size[0]} x "
        f"{size[1]}. If they were scaled since, say so: mvboot rig convert RIG NEW.yaml --resize "
        f"{name}={width}x{height}; if they were cut, calibrate again",
        where=footage.files[0],
    )


def _keypoints(config: CaptureSettings, rig: Rig, template: Template | None) -> Keypoints2D | None:
    """Return the subject's detections, named as wanted."""
    if config.keypoints is None:
        if config.landmarks:
            raise InputError("--landmark needs --keypoints")
        return None
    chosen = detections_of(rig, config.keypoints, config)
    if not config.landmarks:
        return chosen
    absent = [name for name in config.landmarks if name not in chosen.keypoints]
    if absent:
        raise InputError(
            f"--landmark: there is no keypoint {', '.join(absent)}; there are "
            f"{', '.join(chosen.keypoints)}",
            where=config.keypoints,
        )
    landmarks = tuple(config.landmarks.values())
    strange = [n for n in landmarks if template is not None and n not in template.keypoints]
    if strange and template is not None:
        raise InputError(
            f"--landmark: the template has no landmark {', '.join(strange)}; it has "
            f"{', '.join(template.keypoints)}"
        )
    return chosen.for_keypoints(config.landmarks)


def _splits(config: CaptureSettings, frames: list[int], rig: Rig) -> Splits:
    unknown = [name for name in config.held_out_cameras if name not in rig.names]
    if unknown:
        raise InputError(f"--held-out: no camera {', '.join(unknown)}; {', '.join(rig.names)}")
    if config.train is None and config.validation is None:
        try:
            return block_splits(frames, held_out_cameras=config.held_out_cameras)
        except InputError as error:
            raise InputError(
                f"frames that validate cannot be drawn: {error}. Or state them with --validation; "
                "with --train alone none validate"
            ) from None
    stated = {*(config.train or ()), *(config.validation or ())}
    alien = sorted(stated - set(frames))
    if alien:
        raise InputError(
            f"no camera filmed frame {alien[0]}; the frames are {frames[0]} to {frames[-1]}"
        )
    validation = config.validation or ()
    rest = tuple(frame for frame in frames if frame not in validation)
    try:
        return Splits(
            train=rest if config.train is None else config.train,
            validation=validation,
            held_out_cameras=config.held_out_cameras,
        )
    except ValidationError as error:
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise InputError(f"--train and --validation: {words}") from None


def _template(config: CaptureSettings) -> Template | None:
    return None if config.template is None else load_template(config.template).in_units("m")


def _add(files: CaptureFiles, camera: str, footage: Footage, suffix: str) -> None:
    """Add picture files as they are, and the frames of a video as pictures."""
    if isinstance(footage, PictureFolder):
        paths = dict(zip(footage.numbers.tolist(), footage.paths, strict=True))
        add_pictures(files, camera, paths)
        return
    assert isinstance(footage, Video)
    reader = VideoReader(footage.file.path)
    for number, frame in zip(footage.numbers.tolist(), footage.frames.tolist(), strict=True):
        files.write_picture(camera, number, reader.read(frame), suffix)
    reader.close()
