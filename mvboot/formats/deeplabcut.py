"""DeepLabCut and Lightning Pose predictions: csv or h5, one file a camera.

Columns have the levels scorer / (individuals) / bodyparts / coords with x, y, likelihood; others
are left alone. Rows are frames counted from 0, or state their numbers; rows of labelled data
(``CollectedData``) are picture names, whose last number is the frame, and have no likelihood: a
label counts as certain. Unique body parts are those of the individual ``single``.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.csv_frames import read_frame
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, clean
from mvboot.formats.frame_names import frame_number
from mvboot.formats.hdf5 import contents_of
from mvboot.formats.pandas_h5 import Table, read_pandas_h5
from mvboot.formats.tables import CsvLayout, csv_layout, header_of
from mvboot.keypoints import Keypoints2D, are_identified
from mvboot.reading import head
from mvboot.sizes import require_size

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
COORDS = ("x", "y", "likelihood")
SCORER, ONE = "mvboot", "individual_0"


def _matches(path: Path) -> bool:
    if path.suffix == ".csv":
        if header_of(path)[:1] not in (["scorer"], ["bodyparts"]):
            return False
        layout = csv_layout(path)
        lines = head(path, 2_000_000).split("\n", 4)[:3]
        return any(line.startswith(f"bodyparts{layout.separator}") for line in lines)
    return path.suffix in (".h5", ".hdf5") and bool(contents_of(path)["pandas"])


def _read(path: Path) -> CameraDetections:
    return _detections(_read_csv(path) if path.suffix == ".csv" else read_pandas_h5(path), path)


def _read_csv(path: Path) -> Table:
    header = _header(path, csv_layout(path))
    if not {"bodyparts", "coords"} <= set(header):
        raise InputError("lacks the header rows scorer, bodyparts, coords", where=path)
    bodyparts = header["bodyparts"]
    # Newer label files spread a picture's path over three columns.
    labels = 3 if len(bodyparts) > 3 and bodyparts[1:3] == ["", ""] else 1
    columns = list(zip(*(names[labels:] for names in header.values()), strict=False))
    wanted = [c for c, column in enumerate(columns) if column[-1] in COORDS or column[-1] == "z"]
    table = read_frame(
        path,
        "DeepLabCut file",
        header=None,
        skiprows=len(header),
        usecols=[labels - 1, *(c + labels for c in wanted)],
        dtype={labels - 1: str},
    )
    if len(table) and table.iloc[0, 1:].isna().all() and not _has_digit(table.iloc[0, 0]):
        table = table.iloc[1:]  # the name of the rows
    rows = [str(name) for name in table.iloc[:, 0]]
    values = np.stack(
        [_numbers(table.iloc[:, i + 1], columns[c], path) for i, c in enumerate(wanted)]
        or [np.empty(len(rows))],
        axis=1,
    )
    return Table(tuple(header), [columns[c] for c in wanted], rows, values)


def _header(path: Path, layout: CsvLayout) -> dict[str, list[str]]:
    """Return the header's rows by the level that their first field names."""
    found = {}
    with open(path, encoding=layout.encoding) as stream:
        for line in islice(stream, len(LEVELS)):
            fields = layout.fields(line)
            if not fields or fields[0] not in LEVELS:
                break
            found[fields[0]] = fields
    return found


def _has_digit(name: object) -> bool:
    return any(letter.isdigit() for letter in str(name))


def _numbers(column: "pd.Series[float]", names: tuple[str, ...], path: Path) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise InputError(
            f"is no readable DeepLabCut file ({wrong.iloc[0]!r} is no number: {' '.join(names[1:])}"
            f", row {wrong.index[0]} of the frames)",
            where=path,
        )
    return numbers.to_numpy(dtype=np.float64)


def _detections(table: Table, path: Path) -> CameraDetections:
    place = _places(table, path)
    individuals = tuple(dict.fromkeys(owner for owner, _, _ in place))
    bodyparts = tuple(dict.fromkeys(bodypart for _, bodypart, _ in place))
    shape = (len(table.rows), len(individuals), len(bodyparts), 3)
    require_size(shape, "frames x individuals x bodyparts", path, path.stat().st_size)
    scored = any(coordinate == "likelihood" for _, _, coordinate in place)
    xyc = np.full(shape, np.nan if scored else 1.0)
    xyc[..., :2] = np.nan
    for (individual, bodypart, coordinate), column in place.items():
        at = individuals.index(individual), bodyparts.index(bodypart), COORDS.index(coordinate)
        xyc[:, *at] = table.values[:, column]
    frames, numbered = _frames(table.rows, path)
    order = np.argsort(frames, kind="stable")
    notes: list[str] = []
    xy, confidence = clean(xyc[order, ..., :2], xyc[order, ..., 2], path, notes)
    return CameraDetections(
        frames[order], individuals, bodyparts, xy, confidence, numbered,
        are_identified(individuals), tuple(notes),
    )  # fmt: skip


def _places(table: Table, path: Path) -> dict[tuple[str, str, str], int]:
    """Return the column of each individual, body part and coordinate."""
    levels = table.levels
    if not {"bodyparts", "coords"} <= set(levels):
        if len(levels) not in (3, 4):
            raise InputError("lacks the header rows scorer, bodyparts, coords", where=path)
        levels = LEVELS if len(levels) == 4 else (LEVELS[0], *LEVELS[2:])
    found: dict[tuple[str, str, str], int] = {}
    for i, column in enumerate(table.columns):
        names = dict(zip(levels, column, strict=True))
        key = (names.get("individuals", ONE), names["bodyparts"], names["coords"])
        if key[2] == "z":
            raise InputError("holds 3D points (x, y, z), not detections in pictures", where=path)
        if key[2] not in COORDS:
            continue
        if key in found:
            raise InputError(f"has two columns of {key[1]} {key[2]} ({key[0]})", where=path)
        found[key] = i
    if not found:
        raise InputError("has no columns x, y, likelihood", where=path)
    return found


def _frames(rows: list[str], path: Path) -> tuple[NDArray[np.int64], bool]:
    """Return the rows' frame numbers, and whether they state more than that they are counted."""
    names = [name.removesuffix(".0") for name in rows]
    if all(name.isascii() and name.isdigit() and len(name) < 19 for name in names):
        frames = np.array([int(name) for name in names], dtype=np.int64)
    else:
        frames = np.array([frame_number(name, path) for name in names], dtype=np.int64)
    if len(np.unique(frames)) < len(frames):
        values, counts = np.unique(frames, return_counts=True)
        raise InputError(f"has two rows of the frame number {values[counts > 1][0]}", where=path)
    return frames, not np.array_equal(frames, np.arange(len(frames)))


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a csv a camera; several individuals get a level of theirs."""
    several = len(keypoints.individuals) > 1
    levels = [[SCORER], *([keypoints.individuals] if several else []), keypoints.keypoints]
    names = [name for name in LEVELS if several or name != "individuals"]
    columns = pd.MultiIndex.from_product([*levels, COORDS], names=names)
    values = np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1)
    for name, own in zip(keypoints.cameras, values, strict=True):
        table = pd.DataFrame(own.reshape(len(own), -1), keypoints.frames, columns)
        with atomic_file(folder / f"{name}.csv") as partial:
            table.to_csv(partial, na_rep="NaN")  # pandas drops a first row of blanks


FORMAT = DetectionFormat(
    "deeplabcut", "DeepLabCut or Lightning Pose", _matches, _read, write=_write
)
