"""How well detections fit a rig, as tables for people."""

import numpy as np

from mvboot.calib.diagnosis import Diagnosis

Row = tuple[str, ...]

MOST_PAIRS = 15
"""Pairs that are printed; the worst of more."""


def camera_rows(diagnosis: Diagnosis) -> list[Row]:
    """Return a row for each camera: medians of its pairs, and of its distance from the others."""
    given = diagnosis.agreement
    header = ("camera", "epipolar px", "noise allows", "left out px", "noise allows")
    rows: list[Row] = [header]
    for c, name in enumerate(diagnosis.rig.names):
        pairs = given.judged[c]
        off = (np.median(values[c][pairs]) if pairs.any() else np.nan for values in _of(diagnosis))
        rows.append((name, *map(_px, off), _px(given.left_out[c]), _px(given.left_out_allowed[c])))
    return rows


def pair_rows(diagnosis: Diagnosis) -> list[Row]:
    """Return a row for each pair of cameras, the worst first."""
    given, names = diagnosis.agreement, diagnosis.rig.names
    first, second = np.nonzero(np.triu(given.judged))
    excess = given.px[first, second] / given.allowed[first, second]
    rows: list[Row] = [("pair", "epipolar px", "noise allows", "")]
    for i in np.argsort(-excess)[:MOST_PAIRS]:
        pair = first[i], second[i]
        told = "beyond" if given.bad[pair] else ""
        off = (_px(values[pair]) for values in _of(diagnosis))
        rows.append((f"{names[pair[0]]} - {names[pair[1]]}", *off, told))
    return rows


def _of(diagnosis: Diagnosis) -> tuple[np.ndarray, np.ndarray]:
    return diagnosis.agreement.px, diagnosis.agreement.allowed


def _px(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3g}"
