"""`load_keypoints`: one door to every format of 2D keypoints."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from glob import glob
from importlib import import_module
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import natural_key, require_readable
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, combine
from mvboot.formats.keypoints2d_table import is_table2d, read_keypoints2d
from mvboot.formats.pattern import FIELD, FRAME, expand, frames
from mvboot.formats.pattern_advice import advice, beside, patterns, require_found
from mvboot.guard import reading, recognises
from mvboot.keypoints import Keypoints2D
from mvboot.words import listed

MODULES = (
    "deeplabcut",
    "sleap",
    "sleap_csv",
    "slp",
    "openpose",
    "mmpose",
    "coco",
    "alphapose",
    "caliscope_points",
    "label3d",
)
MOST_NOTES, LONGEST_NOTE = 8, 300
OWN = "mvboot"


@lru_cache(maxsize=1)
def detection_formats() -> dict[str, DetectionFormat]:
    """Return every foreign format of 2D keypoints by name."""
    formats = [import_module(f"mvboot.formats.{module}").FORMAT for module in MODULES]
    return {format.name: format for format in formats}


@dataclass(frozen=True)
class Asked:
    """How detections are to be read: the arguments of `load_keypoints`."""

    format: str | None
    cameras: tuple[str, ...]
    timed: bool


def load_keypoints(
    pattern: str | Path,
    format: str | None = None,
    cameras: Sequence[str] = (),
    timed: bool = False,
) -> Keypoints2D:
    """Read 2D keypoints of all cameras.

    Parameters
    ----------
    pattern
        Path with ``{camera}`` where the cameras' names stand (``'pose/{camera}.h5'``,
        ``'openpose/{camera}'``, ``'{camera}/f{frame}_v2.json'``); or one file that holds all
        cameras (our Parquet or CSV, Caliscope, Label3D), or the folder of it alone; or a folder
        with one file or folder a camera.
    format
        Name of the format; None: recognised by content.
    cameras
        Names that the cameras may have, as a rig's: they tell where ``{camera}`` ends beside a
        ``*`` (`pattern.expand`). None need be there.
    timed
        Whether a table of times pairs the frames: then files that merely count their frames may
        have different numbers of them, which ``source["rows"]`` states by camera.

    Raises
    ------
    InputError
        Nothing matches, unknown or mixed formats, broken files, keypoints that differ between
        cameras, files of different length without frame numbers, confidences outside [0, 1].
    """
    found = _read_all(str(pattern), Asked(format, tuple(cameras), timed))
    for names, what in (
        (found.cameras, "camera"),
        (found.individuals, "individual"),
        (found.keypoints, "keypoint"),
    ):
        require_readable(names, what, pattern)
    return found


def _read_all(text: str, asked: Asked) -> Keypoints2D:
    if FIELD not in text:
        path = _alone(Path(text))
        if not path.exists():
            require_found(text, asked.cameras, _is_read)
        if _is_own(path, asked.format):
            with reading(path, "mvboot table"):
                return read_keypoints2d(path)
        whole = _whole(path, asked)
        if whole is not None and whole.read_all is not None:
            with reading(path, whole.title):
                seen = whole.read_all(path)
            return _finish(seen, whole, [path], text, asked)
        text = _folder_pattern(path, asked)
    return _per_camera(text, asked)


def detections_beside(pattern: str, cameras: Sequence[str]) -> str | None:
    """Return the pattern itself where it gives each camera its detections, else one that does.

    None where no files beside it do. Files are recognised, not read.
    """
    asked = Asked(None, tuple(cameras), timed=False)
    with suppress(InputError):
        if FIELD in pattern and _expanded(pattern, asked).keys() >= set(cameras):
            return pattern
        if FIELD not in pattern and Path(pattern).exists() and _whole(_alone(Path(pattern)), asked):
            return pattern
    matching = [Path(path) for path in glob(pattern)]
    near = matching if len(matching) > 1 else beside(pattern)
    return next(iter(patterns(near, cameras, _is_read)), None)


def describe(keypoints: Keypoints2D) -> str:
    """Say what was read: format, cameras, keypoints, individuals, frames; then a line a note."""
    share = keypoints.present.mean(axis=(1, 2, 3))
    cameras = ", ".join(
        f"{name} {100 * part:.0f} %" for name, part in zip(keypoints.cameras, share, strict=True)
    )
    first, last = int(keypoints.frames[0]), int(keypoints.frames[-1])
    return (
        f"{keypoints.source.get('title', 'keypoints')}: {_count(keypoints.cameras, 'camera')} "
        f"(detected: {cameras}), {_count(keypoints.keypoints, 'keypoint')} "
        f"({listed(keypoints.keypoints, 8)}), {_count(keypoints.individuals, 'individual')}, "
        f"{len(keypoints.frames)} frames ({first} to {last})"
        f"{_noted(keypoints.source.get('notes', ()))}"
    )


def _noted(notes: Sequence[str]) -> str:
    """Return notes as lines of their own; after the first ones only how many more there are."""
    shown = [f"\n  note: {note[:LONGEST_NOTE]}" for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        shown.append(f"\n  and {len(notes) - MOST_NOTES} more notes")
    return "".join(shown)


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
    few = len(left_keypoints) + len(left_rig) < len(keypoints) + len(rig)
    unmatched = f" ({listed([*left_keypoints, *left_rig], 4)})" if few else ""
    wrong = f"camera names do not match{unmatched}: {_both(rig, keypoints, what)}; "
    within = patterns(keypoints, rig, lambda _: True)
    if within:
        around = f"they are called '{within[0]}': write in the pattern what surrounds {FIELD}"
        raise InputError(wrong + around)
    paired = f"{wrong}pair them with --camera-map FOUND=RIG"
    raise InputError(
        f"{wrong}pair them, or take those that both have",
        typed={
            "--cameras": f"{paired}, or take those that both have with --cameras",
            "--camera-map": paired,
            "": f"{wrong}rename the cameras of one of them",
        },
    )


def respelled(known: Sequence[str], found: Sequence[str]) -> dict[str, str]:
    """Return the known name of each found camera that has one, spelling aside.

    For what need not have all cameras; where spelling does not tell, the name is left out.
    """
    plain = [_plain(name) for name in known]
    pairs = {name: name for name in found if name in known}
    for name in found:
        free = [one for one in known if one not in pairs.values() and _plain(one) == _plain(name)]
        if name not in pairs and len(free) == 1 and plain.count(_plain(name)) == 1:
            pairs[name] = free[0]
    return pairs


def _both(rig: Sequence[str], found: Sequence[str], what: str) -> str:
    return f"the rig has {listed(rig)}; the {what} have {listed(found)}"


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


def _whole(path: Path, asked: Asked) -> DetectionFormat | None:
    """Return the format of a file that holds all cameras; None where it is a folder of them."""
    if asked.format is not None:
        return _named(asked.format)
    found = _recognised(path)
    if found is None and path.is_file():
        raise InputError(_unknown(path), where=path)
    if found is not None and found.read_all is None:
        raise InputError(
            f"holds one camera ({found.title}); say which part of the path is the camera's name: "
            f"--keypoints '{path.with_stem(FIELD)}'"
            + advice(beside(str(path)), asked.cameras, _is_read),
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


def _folder_pattern(folder: Path, asked: Asked) -> str:
    """Return the pattern of a folder that has one folder or one file for each camera."""
    if folder.is_file():
        raise InputError("holds one camera; write {camera} where its name stands", where=folder)
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if entries and all(entry.is_dir() for entry in entries):
        return str(folder / FIELD)
    suffixes = {entry.suffix for entry in entries if entry.is_file()}
    if len(suffixes) != 1:
        raise InputError(
            f"{'holds several kinds of files' if suffixes else 'is an empty folder'}; write "
            f"{FIELD} where the camera's name stands{advice(entries, asked.cameras, _is_read)}",
            where=folder,
        )
    return str(folder / f"{FIELD}{suffixes.pop()}")


def _per_camera(pattern: str, asked: Asked) -> Keypoints2D:
    found = _expanded(pattern, asked)
    sources = {name: _source(paths, pattern) for name, paths in found.items()}
    chosen = _named(asked.format) if asked.format else _one_format(sources)
    if chosen.read_camera is None:
        raise InputError(f"{chosen.title} holds all cameras in one file; give it without {FIELD}")
    by_frame = any(path not in found[name] for name, path in sources.items())
    if by_frame or (chosen.read_frames and all(path.is_dir() for path in sources.values())):
        return _by_frame(pattern if by_frame else f"{pattern}/*.json", chosen, asked)
    detections = {}
    for name, path in sources.items():
        with reading(path, chosen.title):
            detections[name] = chosen.read_camera(path)
    return _finish(detections, chosen, list(sources.values()), pattern, asked)


def _by_frame(pattern: str, chosen: DetectionFormat, asked: Asked) -> Keypoints2D:
    """Read files of one frame each, by the numbers that the pattern says they have."""
    if chosen.read_frames is None:
        raise InputError(
            f"{chosen.title}: one file holds all frames of a camera; write no {FRAME}, and narrow "
            "the pattern to one file",
            where=pattern,
        )
    detections, files = {}, []
    for name, numbered in frames(pattern, asked.cameras).items():
        files += [path.parent for path in numbered.values()][:1]
        with reading(files[-1], chosen.title):
            detections[name] = chosen.read_frames(numbered)
    return _finish(detections, chosen, files, pattern, asked)


def _expanded(pattern: str, asked: Asked) -> dict[str, list[Path]]:
    """Return the paths of each camera: one file or folder, or files of one frame each."""
    try:
        found = expand(pattern, asked.cameras)
    except InputError as error:
        near = advice(beside(pattern), asked.cameras, _is_read)
        raise InputError(f"{error.message}{near}", where=error.where) from None
    for name, paths in found.items():
        if len(paths) > 1 and not (FRAME in pattern or all(p.suffix == ".json" for p in paths)):
            every = [path for several in found.values() for path in several]
            raise InputError(
                f"{len(paths)} files belong to camera {name}: "
                f"{listed([path.name for path in paths], 3)}; narrow the pattern to one"
                f"{advice(every, asked.cameras, _is_read)}",
                where=pattern,
            )
    return found


def _source(paths: list[Path], pattern: str) -> Path:
    """Return the one file or folder of a camera; files of one frame each stand for their folder."""
    by_frame = FRAME in pattern or len(paths) > 1
    if by_frame or (paths[0].suffix == ".json" and paths[0].is_file() and not _is_read(paths[0])):
        return paths[0].parent
    return paths[0]


def _is_read(path: Path) -> bool:
    """Return whether a file or folder is of a known format."""
    return is_table2d(path) or _recognised(path) is not None


def _one_format(sources: Mapping[str, Path]) -> DetectionFormat:
    formats = {}
    for name, path in sources.items():
        found = _recognised(path)
        if found is None:
            raise InputError(_unknown(path), where=path)
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
    asked: Asked,
) -> Keypoints2D:
    if not all(len(seen.frames) for seen in detections.values()):
        empty = [name for name, seen in detections.items() if not len(seen.frames)]
        raise InputError(f"camera {listed(empty)} has no frame", where=pattern)
    if not asked.timed:
        return combine(detections, format, files)
    rows = {name: len(seen.frames) for name, seen in detections.items() if not seen.numbered}
    numbered = {name: replace(seen, numbered=True) for name, seen in detections.items()}
    found = combine(numbered, format, files)
    return replace(found, source={**found.source, "rows": rows})


def _unknown(path: Path) -> str:
    if path.is_file() and not path.stat().st_size:
        return "the file is empty"
    if path.is_dir() and not any(path.iterdir()):
        return "is an empty folder, not a file of keypoints"
    return (
        f"is no keypoint format that is known ({', '.join([*detection_formats(), OWN])}); if it is "
        "one of them, name it with --keypoints-format to see what is wrong with it"
    )


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
