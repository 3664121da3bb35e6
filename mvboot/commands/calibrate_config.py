"""Everything ``mvboot calibrate`` can be told."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mvboot.calib.boards import Board
from mvboot.calib.calibrate import CalibrationOptions, check_options, require_a_top
from mvboot.errors import InputError
from mvboot.formats.detections import respelled
from mvboot.formats.intrinsics_yaml import load_intrinsics
from mvboot.rig import UNITS_IN_M
from mvboot.units import Unit, length_in_m


class CalibrateConfig(BaseModel):
    """Everything ``mvboot calibrate`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    board: str
    images: str | None = None
    videos: str | None = None
    timestamps: Path | None = None
    offset: dict[str, int] = Field(default={}, description="camera: frames that it is late")
    out: Path
    cameras: list[str] = Field(default=[], description="use only these cameras")
    lens: dict[str, list[str]] = Field(default={}, description="camera, or all: lenses to try")
    intrinsics: Path | None = Field(None, description="rig whose intrinsics are kept")
    hold: dict[str, list[str]] = Field(default={}, description="camera, or all: what stays")
    distance: dict[str, str] = Field(default={}, description="a:b: measured length as 788mm")
    units: Unit | None = Field(None, description="unit of the rig")
    world: str | None = Field(None, description="board:NUMBER or camera:NAME")
    max_shots: int = Field(150, ge=3)
    max_pictures: int = Field(300, ge=3)
    allow_partial: bool = False
    upright: bool = Field(False, description="the board was upright in every picture")
    intrinsics_only: bool = Field(False, description="each camera alone, no poses")
    poses: Path | None = Field(None, description="rig whose poses join the new intrinsics")

    def options(self, board: Board, cameras: tuple[str, ...]) -> CalibrationOptions:
        """Return the options of the calibration; InputError for what cannot be meant."""
        lenses = {name: tuple(names) for name, names in self._each(self.lens, cameras).items()}
        held = {name: frozenset(words) for name, words in self._each(self.hold, cameras).items()}
        given = load_intrinsics(self.intrinsics) if self.intrinsics else {}
        spelled = respelled(cameras, tuple(given))
        known = {spelled.get(name, name): camera for name, camera in given.items()} or None
        distances = dict(_distance(key, text, board) for key, text in self.distance.items())
        options = CalibrationOptions(
            lenses=lenses,
            known=known,
            held=held,
            distances=distances,
            max_shots=self.max_shots,
            allow_partial=self.allow_partial,
            upright=self.upright,
        )
        check_options(cameras, options)
        self.world_of(cameras)
        if not (self.intrinsics_only or self.upright):
            require_a_top(board, cameras)
        return options

    def world_of(self, cameras: tuple[str, ...]) -> tuple[str, str]:
        """Return "board" and a number, or "camera" and a name; InputError for anything else."""
        kind, _, value = (self.world or f"camera:{cameras[0]}").partition(":")
        if kind == "board" and re.fullmatch(r"\d+", value):
            return kind, value
        if kind == "camera" and value in cameras:
            return kind, value
        raise InputError(
            f"--world {self.world!r} is neither board:NUMBER nor camera:NAME with one of "
            f"{', '.join(cameras)}"
        )

    @staticmethod
    def _each(words: Mapping[str, list[str]], cameras: tuple[str, ...]) -> dict[str, list[str]]:
        """Spread what is said of all cameras over those that are not named."""
        common = {name: words["all"] for name in cameras} if "all" in words else {}
        return common | {name: value for name, value in words.items() if name != "all"}


def _distance(key: str, text: str, board: Board) -> tuple[tuple[str, str], float]:
    names = key.split(":")
    metres = length_in_m(text)
    if len(names) != 2 or metres is None:
        raise InputError(f"distance {key}={text} is not of the form A:B=788mm")
    return (names[0], names[1]), metres / UNITS_IN_M[board.units]
