"""A board by one word (``charuco:8x11:24mm:18.75mm:DICT_4X4_1000``) or by a file."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mvboot.calib.board_files import kalibr_board, toml_board
from mvboot.calib.boards import AprilGrid, Board, Charuco, Checkerboard
from mvboot.config import load_yaml, parse_yaml, yaml_text
from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.reading import read_text
from mvboot.units import UNIT_PATTERN, Unit

USAGE = (
    "a board is a YAML or TOML file, charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY (squares), "
    "checkerboard:COLUMNSxROWS:SQUARE (inner corners) or aprilgrid:COLUMNSxROWS:TAG:GAP (tags), "
    "lengths with their unit as in 24mm"
)

LENGTH = rf"([0-9]{{1,9}}\.?[0-9]{{0,20}}|\.[0-9]{{1,20}})({UNIT_PATTERN})"


class _BoardFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    schema_: Literal[1] = Field(alias="schema")
    columns: int = Field(gt=0)
    rows: int = Field(gt=0)
    units: Unit


class _CheckerboardFile(_BoardFile):
    board: Literal["checkerboard"]
    square: float = Field(gt=0)
    down: float | None = Field(None, gt=0)

    def build(self) -> Board:
        return Checkerboard(self.columns, self.rows, self.units, self.square, self.down)


class _CharucoFile(_BoardFile):
    board: Literal["charuco"]
    square: float = Field(gt=0)
    marker: float = Field(gt=0)
    dictionary: str
    legacy: bool | None = None

    def build(self) -> Board:
        return Charuco(
            self.columns,
            self.rows,
            self.units,
            self.square,
            self.marker,
            self.dictionary,
            self.legacy,
        )


class _AprilGridFile(_BoardFile):
    board: Literal["aprilgrid"]
    tag: float = Field(gt=0)
    gap: float = Field(gt=0)

    def build(self) -> Board:
        return AprilGrid(self.columns, self.rows, self.units, self.tag, self.gap)


FILES: dict[str, type[_CheckerboardFile | _CharucoFile | _AprilGridFile]] = {
    "checkerboard": _CheckerboardFile,
    "charuco": _CharucoFile,
    "aprilgrid": _AprilGridFile,
}


class _Kind(BaseModel):
    board: Literal["checkerboard", "charuco", "aprilgrid"]


def load_board(text: str) -> Board:
    """Return the board that a word or the path of a file describes.

    A file is YAML (ours, or Kalibr's target) or TOML (`toml_board`; ``board.toml:mm`` states the
    unit of lengths that have none). InputError with what is wrong and the forms there are.
    """
    path, _, units = text.partition(":")
    if Path(path).suffix == ".toml":
        return toml_board(Path(path), units or None)
    if Path(text).suffix in (".yaml", ".yml"):
        return _yaml_board(text)
    kind, *parts = text.split(":")
    if kind == "charuco" and len(parts) == 4:
        (square, marker), units = _lengths(parts[1:3], text)
        return Charuco(*_counts(parts[0], text), units, square, marker, parts[3])
    if kind == "checkerboard" and len(parts) == 2:
        sides, units = _lengths(_two_sides(parts[1]), text)
        return Checkerboard(*_counts(parts[0], text), units, *sides)
    if kind == "aprilgrid" and len(parts) == 3:
        _require_a_length(parts, text)
        (tag, gap), units = _lengths(parts[1:], text)
        return AprilGrid(*_counts(parts[0], text), units, tag, gap)
    raise InputError(f"no board {text!r:.80}; {USAGE}")


def _yaml_board(path: str) -> Board:
    content = parse_yaml(read_text(path), path)
    if isinstance(content, dict) and "target_type" in content:
        return kalibr_board(content, Path(path))
    file = load_yaml(path, FILES[load_yaml(path, _Kind).board])
    try:
        return file.build()
    except InputError as error:
        raise InputError(error.message, where=path) from None


def save_board(board: Board, path: str | Path) -> None:
    """Write a board as the YAML file that `load_board` reads."""
    kinds = {Checkerboard: "checkerboard", Charuco: "charuco", AprilGrid: "aprilgrid"}
    fields = {key: value for key, value in asdict(board).items() if value is not None}
    content: dict[str, Any] = {"schema": 1, "board": kinds[type(board)], **fields}
    with atomic_file(path) as partial:
        partial.write_text(yaml_text(content), encoding="utf-8")


def _counts(part: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", part)
    if match is None:
        raise InputError(f"{part!r:.40} in the board {text!r:.80} is not COLUMNSxROWS; {USAGE}")
    return int(match[1]), int(match[2])


def _two_sides(part: str) -> list[str]:
    """Return the sides of a square; ``24x25.5mm`` is 24 mm across and 25.5 mm down."""
    across, times, down = part.partition("x")
    unit = re.sub(r"[0-9.]", "", down)
    return [across + unit, down] if times else [part]


def _require_a_length(parts: list[str], text: str) -> None:
    """Raise InputError for a gap without unit, a ratio as in Kalibr's files, with the length."""
    counts, tag, gap = parts
    match = re.fullmatch(LENGTH, tag)
    if match and re.fullmatch(r"[0-9]*\.?[0-9]+", gap):
        length = f"{float(match[1]) * float(gap):.6g}{match[2]}"
        raise InputError(
            f"the gap {gap!r} in the board {text!r:.80} has no unit; if it is a ratio of the tag, "
            f"as in Kalibr's files, write aprilgrid:{counts}:{tag}:{length}"
        )


def _lengths(parts: list[str], text: str) -> tuple[list[float], str]:
    matches = [re.fullmatch(LENGTH, part) for part in parts]
    for part, match in zip(parts, matches, strict=True):
        if match is None:
            raise InputError(
                f"{part!r:.40} in the board {text!r:.80} is no length with a unit, as 24mm; {USAGE}"
            )
    units = {match[2] for match in matches if match}
    if len(units) > 1:
        raise InputError(
            f"the board {text!r:.80} mixes {' and '.join(sorted(units))}; use one unit"
        )
    return [float(match[1]) for match in matches if match], units.pop()
