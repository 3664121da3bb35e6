"""`load_rig` and `save_rig`: one door to every rig format."""

import shlex
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.files import hash_file, natural_key, require_readable
from mvboot.formats.rig_format import RigFile, RigFormat
from mvboot.geometry import Camera, pixel_gap
from mvboot.guard import reading, recognises
from mvboot.rig import Rig
from mvboot.units import UNIT_NAMES

MODULES = (
    "rig_yaml",
    "anipose",
    "pose2sim",
    "caliscope",
    "qualisys",
    "easymocap",
    "opencv_storage",
    "jarvis",
    "openpose_xml",
    "colmap",
    "dannce",
    "panoptic",
    "human36m",
    "idr",
    "middlebury",
    "projection",
    "kalibr",
    "mc_calib",
    "voxelpose",
)
RIG_YAML = "rig.yaml"
GROUP = "mvboot.rig_formats"
"""Entry points by which other packages add formats."""


@lru_cache(maxsize=1)
def rig_formats() -> dict[str, RigFormat]:
    """Return every rig format by name: ours, and those that other packages add.

    A package adds one by an entry point of the group ``mvboot.rig_formats`` that names a
    `RigFormat`. InputError for one that is no such thing, or has the name of ours.
    """
    formats = [import_module(f"mvboot.formats.{module}").FORMAT for module in MODULES]
    for point in entry_points(group=GROUP):
        added = point.load()
        if not isinstance(added, RigFormat) or added.name in {known.name for known in formats}:
            raise InputError(
                f"the entry point {point.name} of {GROUP} ({point.value}) must name a RigFormat "
                "with a name of its own; uninstall or mend its package"
            )
        formats.append(added)
    return {format.name: format for format in formats}


def load_rig(path: str | Path, format: str | None = None, units: str | None = None) -> Rig:
    """Read a rig from a file or folder of any known format.

    Parameters
    ----------
    path
        File or folder, also one with a ``rig.yaml`` in it; ``file.json#S1`` picks one of several
        rigs in a file.
    format
        Name of the format; None: inferred from the content.
    units
        "m", "cm", "mm" or "um": the unit of the file's lengths. Required where the format neither
        states nor prescribes one.

    Raises
    ------
    InputError
        A missing file, an unknown or ambiguous format, broken content, an unusable camera, no
        unit, or a unit that contradicts the one in the file.
    """
    path = _located(Path(path))
    content, chosen = _read(path, format)
    return Rig(
        cameras=content.cameras,
        units=_units(content, chosen, units, path),
        up=content.up,
        provenance={**content.provenance, "rig": _provenance(path, chosen)},
    )


def load_cameras(path: str | Path, format: str | None = None) -> dict[str, Camera]:
    """Read the cameras of a rig whose unit of length does not matter; errors as for `load_rig`."""
    return dict(_read(_located(Path(path)), format)[0].cameras)


def save_rig(rig: Rig, path: str | Path, format: str | None = None) -> None:
    """Write a rig; the format comes from the suffix (``.yaml``: ours) or must be named.

    InputError for a rig the format cannot express, and for a suffix that fits no format.
    """
    path = Path(path)
    chosen = _named(format) if format else _by_suffix(path)
    if chosen.write is None:
        raise InputError(f"{chosen.title} can be read but not written", where=path)
    chosen.write(rig, path)


def converted(
    rig: Rig, path: str | Path, format: str | None = None
) -> tuple[dict[str, float], dict[str, str], Rig]:
    """Write a rig and read it back.

    Returns the largest gap in px per camera (`pixel_gaps`), the name each camera has in the
    written file (formats without names number the cameras in rig order), and what was read back.
    """
    path = Path(path)
    chosen = _named(format) if format else _by_suffix(path)
    save_rig(rig, path, chosen.name)
    content = chosen.read(path)
    units = content.known_units or rig.units
    written = Rig(content.cameras, units)
    if set(written.names) == set(rig.names):
        names = {name: name for name in rig.names}
    else:
        names = dict(zip(rig.names, written.names, strict=True))
    renamed = Rig({name: written[names[name]] for name in rig.names}, units, content.up)
    return pixel_gaps(rig, renamed), names, renamed


def pixel_gaps(a: Rig, b: Rig, depths: int = 5) -> dict[str, float]:
    """Return, per camera, the largest gap in px between the two rigs' projections of a cloud.

    The cloud is a grid over each picture of ``a``, at several depths around the distance to the
    point the cameras look at. Both rigs must have the same cameras; units are converted, moving
    cameras are compared at their first frame.
    """
    a, b = a.still(), b.in_units(a.units).still()
    centers = np.stack([camera.center.numpy() for camera in a.cameras.values()])
    reach = float(np.linalg.norm(centers - centers.mean(0), axis=1).max()) or 1.0
    cloud = reach * np.geomspace(0.2, 5, depths)
    return {name: pixel_gap(a[name], b[name], cloud) for name in a.names}


def _read(path: Path, format: str | None) -> tuple[RigFile, RigFormat]:
    if not path.exists() and not _without_fragment(path).exists():
        raise InputError("no such file or folder", where=path)
    chosen = _named(format) if format else _recognised(path)
    with reading(path, chosen.title):
        content = chosen.read(path)
    if not content.cameras:
        raise InputError(f"holds no camera ({chosen.title})", where=path)
    require_readable(content.cameras, "camera", path)
    return content, chosen


def _named(name: str) -> RigFormat:
    formats = rig_formats()
    if name not in formats:
        raise InputError(f"unknown rig format {name!r}; known are {', '.join(formats)}")
    return formats[name]


def _recognised(path: Path) -> RigFormat:
    found = [known for known in rig_formats().values() if recognises(known.matches, path)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(format.name for format in found)
        raise InputError(
            f"could be {names}; make it a rig.yaml with `mvboot rig convert ... --format NAME`",
            where=path,
        )
    inside = _rigs_in(path)
    if inside:
        raise InputError(f"is a folder; the rig in it is {inside[0]}, give that", where=path)
    raise InputError(
        f"is no rig format that is known ({', '.join(rig_formats())}). If it is one of them, "
        "`mvboot rig show ... --format NAME` says what is wrong with it. If not, write its numbers "
        f"into a {RIG_YAML}: `mvboot rig template --out {RIG_YAML}` makes one to fill in",
        where=path,
    )


def _rigs_in(folder: Path) -> list[Path]:
    """Return the files in a folder that hold rigs, of the first hundred."""
    if not folder.is_dir():
        return []
    files = [path for path in sorted(folder.iterdir(), key=natural_key) if path.is_file()][:100]
    known = rig_formats().values()
    return [path for path in files if any(recognises(one.matches, path) for one in known)]


def _located(path: Path) -> Path:
    """Return the rig.yaml in a folder that is of no rig format itself, else the path as it is."""
    own = path / RIG_YAML
    if not own.is_file():
        return path
    other = any(recognises(known.matches, path) for known in rig_formats().values())
    return path if other else own


def _by_suffix(path: Path) -> RigFormat:
    for format in rig_formats().values():
        if format.suffixes and path.name.endswith(format.suffixes):
            return format
    writable = [format.name for format in rig_formats().values() if format.write]
    raise InputError(f"name the format to write with --to, one of {', '.join(writable)}", path)


def _units(content: RigFile, format: RigFormat, units: str | None, path: Path) -> str:
    if units and content.units and units != content.units:
        raise InputError(
            f"states its lengths in {content.units}, but {units} was asked for; "
            "leave --units out, or convert the rig",
            where=path,
        )
    chosen = units or content.known_units
    if chosen is None:
        named = "" if recognises(format.matches, path) else f" --format {format.name}"
        lacks = f"{format.title} stores no unit of length; "
        convert = f"`mvboot rig convert {shlex.quote(str(path))} {RIG_YAML}{named} --units mm`"
        once = f"{convert} (or another of {UNIT_NAMES})"
        raise InputError(
            f"{lacks}give units, one of {UNIT_NAMES}, or once for all {convert}",
            where=path,
            typed={
                "--to-units": f"{lacks}state it with --units, one of {UNIT_NAMES}",
                "--units": f"{lacks}state it with --units, one of {UNIT_NAMES}, or make a file "
                f"that does: {convert}",
                "": f"{lacks}make a file that does, and give that: {once}",
            },
        )
    return chosen


def _provenance(path: Path, format: RigFormat) -> dict[str, str]:
    record = {"format": format.name, "file": path.name}
    file = _without_fragment(path)
    if file.is_file():
        record["sha256"] = hash_file(file)
    return record


def _without_fragment(path: Path) -> Path:
    return path.with_name(path.name.partition("#")[0])
