"""Footage and labels of other data sets into a capture: files as they are, truth as it is.

Picture files and whole videos are linked or copied, never encoded anew. Only frames that are
picked out of a video are decoded, and stored without further loss.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mvboot.datasets.decoding import VideoReader
from mvboot.datasets.layout import VIDEOS, CaptureFiles
from mvboot.datasets.public import Frames
from mvboot.errors import InputError
from mvboot.files import safe_name
from mvboot.formats.pictures import header_size, read_colour
from mvboot.formats.video import open_video
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.rig import Rig

Floats = NDArray[np.float64]
SUBJECT = ("subject",)


def add_pictures(files: CaptureFiles, camera: str, paths: Mapping[int, Path]) -> None:
    """Add picture files by frame number as they are; the content is not looked at."""
    for frame, path in paths.items():
        _link(path, files.picture_path(camera, frame, path.suffix.lower()))


def add_video(files: CaptureFiles, camera: str, path: Path, frames: Frames) -> None:
    """Add a video as it is, or the frames that are chosen of it as PNG pictures."""
    if frames.ranges is None:
        name = safe_name(camera, "camera")
        _link(path, files.folder / VIDEOS / f"{name}{path.suffix.lower()}")
        return
    reader = VideoReader(path)
    for frame in frames.of(range(reader.file.count)):
        files.write_picture(camera, frame, reader.read(frame))
    reader.close()


def sized(camera: Camera, footage: Path) -> Camera:
    """Return the camera with the size of its footage (a picture or a video).

    InputError where the camera already states another size, or the file cannot be read.
    """
    size = header_size(footage)
    if size is None and footage.suffix.lower() in (".mp4", ".avi", ".mov", ".mkv"):
        size = open_video(footage).size
    width, height = size or read_colour(footage).shape[1::-1]
    if camera.size is not None and camera.size != (width, height):
        raise InputError(
            f"has {width} x {height} px, but its camera is calibrated for {camera.size[0]} x "
            f"{camera.size[1]}",
            where=footage,
        )
    return replace(camera, size=(width, height))


def labels(
    cameras: Sequence[str],
    frames: Sequence[int],
    keypoints: Sequence[str],
    xy: ArrayLike,
    confidence: ArrayLike = 1.0,
) -> Keypoints2D:
    """Return 2D keypoints (C, F, K, 2) px of one individual; NaN where there is none.

    ``confidence`` broadcasts to (C, F, K) and is ignored where there is no keypoint.
    """
    pixels = np.asarray(xy, np.float64)
    known = np.asarray(np.isfinite(pixels).all(-1))
    certain = np.where(known, np.broadcast_to(confidence, known.shape), np.nan)
    return Keypoints2D(
        tuple(cameras),
        np.asarray(frames, np.int64),
        SUBJECT,
        tuple(keypoints),
        np.where(known[..., None], pixels, np.nan)[:, :, None],
        certain[:, :, None],
    )


def truth(
    rig: Rig,
    frames: Sequence[int],
    keypoints: Sequence[str],
    xyz: ArrayLike,
    *,
    individuals: Sequence[str] = SUBJECT,
    score: ArrayLike = 1.0,
    fps: float | None = None,
) -> Keypoints3D:
    """Return 3D keypoints (F, I, K, 3) in the rig's unit that come from elsewhere; NaN: none.

    ``score`` broadcasts to (F, I, K). What only a triangulation knows stays NaN.
    """
    points = np.asarray(xyz, np.float64)
    known = np.asarray(np.isfinite(points).all(-1))
    unknown = np.full(known.shape, np.nan)
    return Keypoints3D(
        frames=np.asarray(frames, np.int64),
        individuals=tuple(individuals),
        keypoints=tuple(keypoints),
        units=rig.units,
        xyz=np.where(known[..., None], points, np.nan),
        error_px=unknown,
        residual=unknown,
        score=np.where(known, np.broadcast_to(score, known.shape), np.nan),
        covariance=np.broadcast_to(np.nan, (*known.shape, 3, 3)),
        inliers=np.zeros((len(rig), *known.shape), np.bool_),
        reason=np.where(known, "", "not labelled").astype(object),
        cameras=rig.names,
        fps=fps,
        up=rig.up,
    )


def gaps(rig: Rig, seen: Keypoints2D, known: Keypoints3D) -> Floats:
    """Return how far the 3D truth projects from the 2D keypoints of one individual, px.

    Shape (C, F, K) over the cameras and frames of ``seen``, NaN where either is missing; both
    must have the same keypoints.
    """
    if seen.keypoints != known.keypoints:
        raise InputError("2D and 3D keypoints have different names")
    rows = np.searchsorted(known.frames, seen.frames).clip(max=len(known.frames) - 1)
    shared = known.frames[rows] == seen.frames
    points = np.where(shared[:, None, None], known.xyz[rows, 0], np.nan)
    found = np.full(seen.xy.shape[:2] + seen.xy.shape[3:4], np.nan)
    for c, name in enumerate(seen.cameras):
        there = np.flatnonzero(seen.present[c].any(axis=(1, 2)))  # where a moving camera has poses
        if len(there):
            camera = rig[name].at(seen.frames[there])
            gap = camera.project(points[there]) - seen.xy[c, there, 0]
            found[c, there] = np.linalg.norm(gap, axis=-1)
    return found


def agreement(rig: Rig, seen: Keypoints2D, known: Keypoints3D) -> str:
    """Say how well the 3D truth agrees with the 2D keypoints: wrong conventions show here."""
    found = gaps(rig, seen, known)
    found = found[np.isfinite(found)]
    if not len(found):
        return "3D truth and 2D keypoints share no frame"
    return (
        f"the 3D truth projects {np.median(found):.3g} px (median; at most {found.max():.3g}) "
        "from the 2D keypoints"
    )


def _link(source: Path, target: Path) -> None:
    """Make a hard link, or a copy where the folders are on different disks."""
    if not source.is_file():
        raise InputError("no such file", where=source)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)
