"""What is asked of a calibration, checked against the board and the cameras."""

import re
from collections.abc import Mapping

from mvboot.calib.boards import Board
from mvboot.calib.calibrate import CalibrationOptions, check_options, require_a_top
from mvboot.errors import InputError
from mvboot.formats.detections import respelled
from mvboot.formats.intrinsics_yaml import load_intrinsics
from mvboot.rig import UNITS_IN_M
from mvboot.stages.settings.calibrate import CalibrateSettings
from mvboot.units import length_in_m


def options_of(
    config: CalibrateSettings, board: Board, cameras: tuple[str, ...]
) -> CalibrationOptions:
    """Return the options of the calibration; InputError for what cannot be meant."""
    lenses = {name: tuple(names) for name, names in _each(config.lens, cameras).items()}
    held = {name: frozenset(words) for name, words in _each(config.hold, cameras).items()}
    given = load_intrinsics(config.intrinsics) if config.intrinsics else {}
    spelled = respelled(cameras, tuple(given))
    known = {spelled.get(name, name): camera for name, camera in given.items()} or None
    distances = dict(_distance(key, text, board) for key, text in config.distance.items())
    options = CalibrationOptions(
        lenses=lenses,
        known=known,
        held=held,
        distances=distances,
        max_shots=config.max_shots,
        allow_partial=config.allow_partial,
        upright=config.upright,
    )
    check_options(cameras, options)
    world_of(config, cameras)
    if not (config.intrinsics_only or config.upright):
        require_a_top(board, cameras)
    return options


def world_of(config: CalibrateSettings, cameras: tuple[str, ...]) -> tuple[str, str]:
    """Return "board" and a number, or "camera" and a name; InputError for anything else."""
    kind, _, value = (config.world or f"camera:{cameras[0]}").partition(":")
    if kind == "board" and re.fullmatch(r"\d+", value):
        return kind, value
    if kind == "camera" and value in cameras:
        return kind, value
    raise InputError(
        f"--world {config.world!r} is neither board:NUMBER nor camera:NAME with one of "
        f"{', '.join(cameras)}"
    )


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
