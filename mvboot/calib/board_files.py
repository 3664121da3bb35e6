"""Boards as other programs describe them: Kalibr's target.yaml, and three TOML files.

- Kalibr: ``target_type`` aprilgrid (tag in m, ``tagSpacing`` is the gap over the tag) or
  checkerboard (inner corners, spacings in m);
- sleap-anipose's ``board.toml``: ``board_x, board_y`` or ``board_width, board_height`` squares,
  ``square_length, marker_length, marker_bits, dict_size``, without a unit;
- Anipose's ``config.toml``: the same in ``[calibration]``, in mm;
- Caliscope's ``charuco.toml``: ``columns, rows``, the square in cm or from the size of the page.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from mvboot.calib.boards import AprilGrid, Board, Charuco, Checkerboard
from mvboot.config import from_options
from mvboot.errors import InputError
from mvboot.reading import read_toml
from mvboot.rig import UNITS_IN_M

CM = {"cm": 1.0, "inch": 2.54, "mm": 0.1}


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, populate_by_name=True)


class _KalibrTags(_File):
    columns: int = Field(alias="tagCols", gt=0)
    rows: int = Field(alias="tagRows", gt=0)
    tag: float = Field(alias="tagSize", gt=0)
    spacing: float = Field(alias="tagSpacing", gt=0)

    def build(self) -> Board:
        gap = round(self.tag * self.spacing, 9)
        return AprilGrid(self.columns, self.rows, "m", self.tag, gap)


class _KalibrCorners(_File):
    columns: int = Field(alias="targetCols", gt=0)
    rows: int = Field(alias="targetRows", gt=0)
    across: float = Field(alias="colSpacingMeters", gt=0)
    down: float = Field(alias="rowSpacingMeters", gt=0)

    def build(self) -> Board:
        down = None if self.down == self.across else self.down
        return Checkerboard(self.columns, self.rows, "m", self.across, down)


KALIBR: Mapping[str, type[_KalibrTags | _KalibrCorners]] = {
    "aprilgrid": _KalibrTags,
    "checkerboard": _KalibrCorners,
}


class _Anipose(_File):
    columns: int = Field(validation_alias=AliasChoices("board_x", "board_width"), gt=0)
    rows: int = Field(validation_alias=AliasChoices("board_y", "board_height"), gt=0)
    square: float = Field(alias="square_length", gt=0)
    marker: float = Field(alias="marker_length", gt=0)
    bits: int = Field(alias="marker_bits", gt=0)
    markers: int = Field(alias="dict_size", gt=0)

    def build(self, units: str) -> Board:
        name = f"DICT_{self.bits}X{self.bits}_{self.markers}"
        return Charuco(self.columns, self.rows, units, self.square, self.marker, name)


class _AniposeConfig(_File):
    kind: Literal["charuco", "checkerboard"] = Field(alias="board_type")
    size: tuple[int, int] = Field(alias="board_size")
    square: float = Field(alias="board_square_side_length", gt=0)
    marker: float = Field(1.0, alias="board_marker_length", gt=0)
    bits: int = Field(4, alias="board_marker_bits", gt=0)
    markers: int = Field(50, alias="board_marker_dict_number", gt=0)

    def build(self, units: str) -> Board:
        if self.kind == "checkerboard":
            return Checkerboard(*self.size, units, self.square)
        name = f"DICT_{self.bits}X{self.bits}_{self.markers}"
        return Charuco(*self.size, units, self.square, self.marker, name)


class _Caliscope(_File):
    columns: int = Field(gt=0)
    rows: int = Field(gt=0)
    board_height: float = Field(gt=0)
    board_width: float = Field(gt=0)
    dictionary: str = "DICT_4X4_50"
    units: Literal["cm", "inch", "mm"] = "inch"
    aruco_scale: float = Field(0.75, gt=0, lt=1)
    square_cm: float | None = Field(None, alias="square_size_override_cm")
    legacy: bool | None = Field(None, alias="legacy_pattern")
    thickness_cm: float = 0.0

    def build(self) -> Board:
        if self.thickness_cm:
            raise InputError(
                "has two sides that are thickness_cm apart, but a board is flat here; set it to "
                "0 if every camera sees the same side"
            )
        page = min(self.board_height / self.rows, self.board_width / self.columns)
        square = round(10 * (self.square_cm or page * CM[self.units]), 9)
        marker = round(square * self.aruco_scale, 9)
        return Charuco(self.columns, self.rows, "mm", square, marker, self.dictionary, self.legacy)


def kalibr_board(content: Mapping[Any, Any], path: Path) -> Board:
    """Return the board of Kalibr's target.yaml; InputError for its other targets."""
    kind = content.get("target_type")
    if not isinstance(kind, str) or kind not in KALIBR:
        raise InputError(
            f"target_type {kind!r} is not supported: boards are checkerboard, aprilgrid and "
            "ChArUco; show the cameras one of these",
            where=path,
        )
    return _built(from_options(content, KALIBR[kind], str(path)).build, path)


def toml_board(path: Path, units: str | None) -> Board:
    """Return the board of Anipose's, sleap-anipose's or Caliscope's TOML file.

    ``units`` is the unit of lengths that the file states without one. InputError where it is
    neither, where a unit is missing, or stated twice.
    """
    content = read_toml(path)
    if "square_length" in content:
        if units not in UNITS_IN_M:
            raise InputError(
                f"stores no unit; add it as --board {path}:mm (or :m, :cm, :um), the unit its "
                f"square_length of {content['square_length']!r:.20} was measured in",
                where=path,
            )
        own = from_options(_lengths_named(content, path), _Anipose, str(path))
        return _built(lambda: own.build(str(units)), path)
    config = content.get("calibration")
    if isinstance(config, dict) and "board_type" in config:
        anipose = from_options(config, _AniposeConfig, str(path))
        return _built(lambda: anipose.build(units or "mm"), path)
    if {"columns", "rows", "board_height"} <= set(content):
        if units is not None:
            raise InputError(f"states its units; leave :{units} away", where=path)
        return _built(from_options(content, _Caliscope, str(path)).build, path)
    raise InputError(
        "is no board of sleap-anipose (square_length), Anipose ([calibration]) or Caliscope "
        "(charuco.toml)",
        where=path,
    )


def _lengths_named(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the content; InputError where no marker is in it: corners or squares, who knows."""
    if "marker_length" not in content:
        raise InputError(
            "has no marker_length: name a checkerboard as --board checkerboard:COLUMNSxROWS:SQUARE "
            "with its inner corners",
            where=path,
        )
    return content


def _built(build: Callable[[], Board], path: Path) -> Board:
    try:
        return build()
    except InputError as error:
        raise InputError(error.message, where=path) from None
