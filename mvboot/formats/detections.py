"""`load_keypoints`: one door to every format of 2D keypoints."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import natural_key
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, combine
from mvboot.formats.keypoints2d_table import is_table2d, read_keypoints2d, write_keypoints2d
from mvboot.formats.pattern import FIELD, expand
from mvboot.guard import reading, recognises
from mvboot.keypoints import Keypoints2D

MODULES = (
    "deeplabcut",
    "sleap",
    "openpose",
    "coco",
    "alphapose",
    "caliscope_points",
    "label3d",
)
OWN = "mvboot"
OWN_TABLES = {OWN: "keypoints.parquet", "csv": "keypoints.csv"}


@lru_cache(maxsize=1)
def detection_formats() -> dict[str, DetectionFormat]:
    """Return every foreign format of 2D keypoints by name."""
    formats = [import_module(f"mvboot.formats.{module}").FORMAT for module in MODULES]
    return {format.name: format for format in formats}


def load_keypoints(pattern: str | Path, format: str | None = None) -> Keypoints2D:
    """Read 2D keypoints of all cameras.

    Parameters
    ----------
    pattern
        Path with ``{camera}`` where the cameras' names stand (``'pose/{camera}.h5'``,
        ``'openpose/{camera}'``, ``'{camera}/*.csv'``); or one file that holds all cameras (our
        Parquet or CSV, Caliscope, Label3D), or the folder of it alone; or a folder with one file or
        folder a camera.
    format
        Name of the format; None: recognised by content.

    Raises
    ------
    InputError
        Nothing matches, unknown or mixed formats, broken files, keypoints that differ between
        cameras, files of different length without frame numbers, confidences outside [0, 1].
    """
    text = str(pattern)
    if FIELD not in text:
        path = _alone(Path(text))
        if not path.exists():
            raise InputError("no such file or folder", where=path)
        if _is_own(path, format):
            with reading(path, "mvboot table"):
                return read_keypoints2d(path)
        whole = _whole(path, format)
        if whole is not None and whole.read_all is not None:
            with reading(path, whole.title):
                cameras = whole.read_all(path)
            return _finish(cameras, whole, [path], text)
        text = _folder_pattern(path)
    return _per_camera(text, format)


def save_keypoints2d(keypoints: Keypoints2D, folder: str | Path, format: str) -> None:
    """Write 2D keypoints into a folder in a foreign format, or as our own Parquet or CSV table.

    A folder that holds nothing else can be read again by `load_keypoints`. Formats keep what they
    have a place for: some know no names of keypoints, or no confidence.

    Parameters
    ----------
    keypoints
        Of all cameras.
    folder
        It is made where it is missing.
    format
        Name of one of `detection_formats`, or "mvboot" or "csv".

    Raises
    ------
    InputError
        An unknown format, and what a format cannot hold.
    """
    folder = Path(folder)
    writer = _writer(format)
    folder.mkdir(parents=True, exist_ok=True)
    writer(keypoints, folder)


def _writer(format: str) -> Callable[[Keypoints2D, Path], None]:
    if format in OWN_TABLES:
        return lambda keypoints, folder: write_keypoints2d(keypoints, folder / OWN_TABLES[format])
    found = detection_formats().get(format)
    if found is None or found.write is None:
        written = [name for name, one in detection_formats().items() if one.write is not None]
        known = ", ".join([*written, *OWN_TABLES])
        raise InputError(f"unknown format of 2D keypoints {format!r}; known are {known}")
    return found.write


def describe(keypoints: Keypoints2D) -> str:
    """Say in one sentence what was read: format, cameras, keypoints, individuals, frames."""
    share = keypoints.present.mean(axis=(1, 2, 3))
    cameras = ", ".join(
        f"{name} {100 * part:.0f} %" for name, part in zip(keypoints.cameras, share, strict=True)
    )
    first, last = int(keypoints.frames[0]), int(keypoints.frames[-1])
    return (
        f"{keypoints.source.get('title', 'keypoints')}: {_count(keypoints.cameras, 'camera')} "
        f"(detected: {cameras}), {_count(keypoints.keypoints, 'keypoint')} "
        f"({_shortened(keypoints.keypoints, 8)}), {_count(keypoints.individuals, 'individual')}, "
        f"{len(keypoints.frames)} frames ({first} to {last})"
    )


def match_cameras(
    rig: Sequence[str],
    keypoints: Sequence[str],
    given: Mapping[str, str] | None = None,
    what: str = "keypoints",
) -> dict[str, str]:
    """Return the rig's name for each of the keypoints' cameras, or of ``what`` else has cameras.

    ``given`` (keypoint camera to rig camera) goes first, then equal names; if that leaves none
    over on both sides but spelling differs only in case and punctuation (``cam01`` and
    ``cam_01``), these are paired. Anything else left over on either side is an InputError that
    prints both lists.
    """
    given = dict(given or {})
    for source, target in given.items():
        if source not in keypoints or target not in rig:
            raise InputError(f"--camera-map {source}={target}: {_both(rig, keypoints, what)}")
    pairs = given | {name: name for name in keypoints if name in rig and name not in given}
    left_keypoints = [name for name in keypoints if name not in pairs]
    left_rig = [name for name in rig if name not in pairs.values()]
    by_spelling = {_plain(name): name for name in left_rig}
    spelled = {name: by_spelling.get(_plain(name)) for name in left_keypoints}
    unique = len(by_spelling) == len(left_rig) and len(set(spelled.values())) == len(spelled)
    if len(left_rig) == len(left_keypoints) and unique and None not in spelled.values():
        return pairs | {name: target for name, target in spelled.items() if target is not None}
    unmatched = _shortened([*left_keypoints, *left_rig])
    raise InputError(
        f"camera names do not match ({unmatched}): {_both(rig, keypoints, what)}; pair them with "
        "--camera-map FOUND=RIG, or take those that both have (--cameras, where a command has it)"
    )


def _both(rig: Sequence[str], found: Sequence[str], what: str) -> str:
    return f"the rig has {_shortened(rig)}; the {what} have {_shortened(found)}"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _is_own(path: Path, format: str | None) -> bool:
    return format == OWN or (format is None and is_table2d(path))


def _named(name: str) -> DetectionFormat:
    formats = detection_formats()
    if name not in formats:
        raise InputError(
            f"unknown keypoint format {name!r}; known are {', '.join([*formats, OWN])}"
        )
    return formats[name]


def _recognised(path: Path) -> DetectionFormat | None:
    formats = detection_formats().values()
    return next((known for known in formats if recognises(known.matches, path)), None)


def _whole(path: Path, format: str | None) -> DetectionFormat | None:
    """Return the format of a file that holds all cameras; None where it is a folder of them."""
    if format is not None:
        return _named(format)
    found = _recognised(path)
    if found is None and path.is_file():
        raise InputError(_unknown(), where=path)
    if found is not None and found.read_all is None:
        raise InputError(
            f"holds one camera ({found.title}); say which part of the path is the camera's name: "
            f"--keypoints '{path.parent / FIELD}...'",
            where=path,
        )
    return found


def _alone(path: Path) -> Path:
    """Return the only file of a folder where it is of a kind that holds all cameras, else path."""
    inside = [each for each in path.iterdir() if each.name[0] != "."] if path.is_dir() else []
    if len(inside) != 1 or not inside[0].is_file():
        return path
    known = _recognised(inside[0])
    whole = is_table2d(inside[0]) or (known is not None and known.read_camera is None)
    return inside[0] if whole else path


def _folder_pattern(folder: Path) -> str:
    """Return the pattern of a folder that has one folder or one file for each camera."""
    if folder.is_file():
        raise InputError("holds one camera; write {camera} where its name stands", where=folder)
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if entries and all(entry.is_dir() for entry in entries):
        return str(folder / FIELD)
    suffixes = {entry.suffix for entry in entries if entry.is_file()}
    if len(suffixes) != 1:
        raise InputError(
            "holds several kinds of files; write {camera} where the camera's name stands",
            where=folder,
        )
    return str(folder / f"{FIELD}{suffixes.pop()}")


def _per_camera(pattern: str, format: str | None) -> Keypoints2D:
    found = expand(pattern)
    sources = {name: _source(name, paths, pattern) for name, paths in found.items()}
    chosen = _named(format) if format else _one_format(sources)
    if chosen.read_camera is None:
        raise InputError(f"{chosen.title} holds all cameras in one file; give it without {FIELD}")
    detections = {}
    for name, path in sources.items():
        with reading(path, chosen.title):
            detections[name] = chosen.read_camera(path)
    return _finish(detections, chosen, list(sources.values()), pattern)


def _source(name: str, paths: list[Path], pattern: str) -> Path:
    """Return the one file or folder of a camera; files of one folder stand for the folder."""
    if len(paths) == 1 and (paths[0].is_dir() or paths[0].suffix != ".json"):
        return paths[0]
    parents = {path.parent for path in paths}
    folder = next(iter(parents))
    if len(parents) == 1 and all(path.suffix == ".json" for path in paths):
        return paths[0] if len(paths) == 1 and FIELD in Path(pattern).name else folder
    raise InputError(
        f"{len(paths)} files belong to camera {name}: "
        f"{', '.join(str(path) for path in paths[:3])}; narrow the pattern to one",
        where=pattern,
    )


def _one_format(sources: Mapping[str, Path]) -> DetectionFormat:
    formats = {}
    for name, path in sources.items():
        found = _recognised(path)
        if found is None:
            raise InputError(_unknown(), where=path)
        formats[name] = found
    names = sorted({found.name for found in formats.values()}, key=natural_key)
    if len(names) > 1:
        raise InputError(f"the cameras have different formats: {', '.join(names)}")
    return next(iter(formats.values()))


def _finish(
    detections: Mapping[str, CameraDetections],
    format: DetectionFormat,
    files: list[Path],
    pattern: str,
) -> Keypoints2D:
    if not all(len(seen.frames) for seen in detections.values()):
        empty = [name for name, seen in detections.items() if not len(seen.frames)]
        raise InputError(f"camera {', '.join(empty)} has no frame", where=pattern)
    return combine(detections, format, files)


def _unknown() -> str:
    return (
        f"is no keypoint format that is known ({', '.join([*detection_formats(), OWN])}); if it is "
        "one of them, name it with --keypoints-format to see what is wrong with it"
    )


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _shortened(names: Sequence[str], shown: int = 16) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
