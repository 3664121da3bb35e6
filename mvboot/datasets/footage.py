"""Find the pictures of a capture folder's cameras, and match them to the cameras by name."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mvboot.datasets.layout import CAPTURE, IMAGES, VIDEOS
from mvboot.datasets.pictures import PictureFiles, Pictures, VideoPictures
from mvboot.datasets.schema import CameraEntry, CaptureModel
from mvboot.errors import InputError
from mvboot.files import natural_key
from mvboot.formats.pattern import frames
from mvboot.formats.timestamps import read_instants
from mvboot.rig import Rig


def find_pictures(folder: Path, model: CaptureModel, rig: Rig) -> dict[str, Pictures]:
    """Return the pictures of every camera that is used.

    InputError where a camera has none, or both pictures and a video, where there are pictures of
    a camera that the rig does not have, and where frames are stated that have no picture.
    """
    images = numbered_files(folder / IMAGES)
    videos = _videos(folder / VIDEOS)
    unknown = sorted({*images, *videos} - set(rig.names), key=natural_key)
    if unknown:
        raise InputError(
            f"there are pictures of {', '.join(unknown)}, but the rig's cameras are "
            f"{', '.join(rig.names)}; rename the folders and videos, or the cameras",
            where=folder,
        )
    entries = model.cameras or {name: CameraEntry(frames=None, timestamps=None) for name in rig}
    shown = _shown(folder, model, {n: videos[n] for n in entries if n in videos}, list(entries))
    found: dict[str, Pictures] = {}
    for name, entry in entries.items():
        if name in images and name in videos:
            raise InputError(f"camera {name} has both pictures and a video; keep one", folder)
        if name in images:
            found[name] = PictureFiles(name, _stated(name, entry, images[name], folder))
        elif name in videos:
            numbers = shown.get(name)
            if entry.frames is not None:
                numbers = np.array(entry.frames, np.int64)
            found[name] = VideoPictures(name, videos[name], numbers)
        else:
            raise InputError(
                f"no pictures of camera {name}: there is neither {IMAGES}/{name}/ nor "
                f"{VIDEOS}/{name}.mp4; add them, or list the cameras to use in {CAPTURE}",
                where=folder,
            )
    return found


def filmed_cameras(folder: Path) -> tuple[str, ...]:
    """Return the names that the folders of pictures, and the videos, of a capture have."""
    images = folder / IMAGES
    found = {path.name for path in images.iterdir() if path.is_dir()} if images.is_dir() else set()
    return tuple(sorted(found | _videos(folder / VIDEOS).keys(), key=natural_key))


def numbered_files(folder: Path) -> Mapping[str, Mapping[int, Path]]:
    """Return the files ``<camera>/...<frame>.<suffix>`` of a folder; none where it is absent."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return {}
    return frames(f"{folder}/{{camera}}/*")


def _stated(
    name: str, entry: CameraEntry, paths: Mapping[int, Path], folder: Path
) -> Mapping[int, Path]:
    if entry.frames is None:
        return paths
    absent = [frame for frame in entry.frames if frame not in paths]
    if absent:
        raise InputError(
            f"{CAPTURE} lists frame {absent[0]} of camera {name}, but there is no such picture"
            + (f" (and of {len(absent) - 1} more)" if len(absent) > 1 else ""),
            where=folder / IMAGES / name,
        )
    return {frame: paths[frame] for frame in entry.frames}


def _videos(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir(), key=natural_key):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(
                f"{found[path.stem].name} and {path.name} are both of camera {path.stem}; keep one",
                where=folder,
            )
        found[path.stem] = path
    return found


def _shown(
    folder: Path, model: CaptureModel, videos: Mapping[str, Path], cameras: list[str]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return the instant of each frame of each video, where a table says so."""
    if model.timestamps is None:
        return {}
    without = [name for name in cameras if name not in videos]
    if without:
        raise InputError(
            f"timestamps go with videos, but camera {', '.join(without)} has none", folder / CAPTURE
        )
    counts = {name: VideoPictures(name, path).reader.file.count for name, path in videos.items()}
    return dict(read_instants(folder / model.timestamps, counts))
