"""What a calibration says of itself: summary.json, tables for people, and the coverage picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mvboot.calib.calibrate import Calibration
from mvboot.calib.finding import Finding
from mvboot.calib.intrinsics import board_observations
from mvboot.calib.select import coverage
from mvboot.calib.uncertainty import CameraCovariance
from mvboot.files import atomic_file

ACROSS = 4
"""Cameras in a row of the coverage picture."""

ARROWS = 400
"""Residual arrows drawn for a camera; drawn at random from more."""


def summary(calibration: Calibration, warnings: list[Finding]) -> dict[str, Any]:
    """Return the plain values of summary.json."""
    adjusted, rig = calibration.adjusted, calibration.rig
    shape = calibration.shape
    return {
        "rms_px": adjusted.rms_px,
        "rms_length_px": adjusted.rms_px * float(np.sqrt(2)),
        "units": rig.units,
        "board": calibration.shots.board.spec,
        "shots": len(calibration.shots.numbers),
        "per_camera": {name: _camera(calibration, name) for name in rig.names},
        **calibration.ruler.summary(),
        "board_shape": None
        if shape is None
        else {
            "bend": shape.bend,
            "stretch": shape.stretch,
            "held_out_px": {"flat": shape.held_out_px[0], "measured": shape.held_out_px[1]},
            "used": shape.is_better,
        },
        "links": [
            {"cameras": [k.a, k.b], "shots": k.shared, "error_px": k.error_px}
            for k in calibration.links
        ],
        "rounds": [vars(r) for r in adjusted.rounds],
        "trouble": adjusted.trouble,
        "left_out_cameras": list(calibration.left_out),
        "warnings": [str(w) for w in warnings],
    }


def camera_rows(calibration: Calibration) -> list[tuple[str, ...]]:
    """Return the table of cameras a person reads, with its header."""
    units = calibration.rig.units
    header = (
        "camera",
        "lens",
        "error px",
        "pictures",
        "covered",
        "left out",
        "focal px",
        "turn deg",
        f"place {units}",
    )
    return [header, *(_row(calibration, name) for name in calibration.rig.names)]


def link_rows(calibration: Calibration) -> list[tuple[str, ...]]:
    """Return how many shots each pair of cameras shares, as a square table with its header."""
    names = calibration.rig.names
    shared = {frozenset((k.a, k.b)): k.shared for k in calibration.links}
    rows = [
        (a, *("." if a == b else str(shared.get(frozenset((a, b)), 0)) for b in names))
        for a in names
    ]
    return [("shots shared by", *names), *rows]


def draw_coverage(parts: Sequence[Calibration], path: str | Path) -> None:
    """Draw, for each camera, where the board was seen and the residuals, into a PNG.

    ``parts`` is a calibrated rig, or several cameras that were calibrated alone.
    """
    drawn = [(part, name) for part in parts for name in part.rig.names]
    columns = min(ACROSS, len(drawn))
    rows = -(-len(drawn) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.9 * rows + 0.5), dpi=100)
    FigureCanvasAgg(figure)
    length = _magnification(parts)
    for place, (part, name) in enumerate(drawn, start=1):
        _draw_camera(figure.add_subplot(rows, columns, place), part, name, length)
    figure.suptitle(
        "where each camera saw the board (pictures per place), residuals drawn "
        f"{length:g} times as long",
        fontsize=11,
    )
    figure.tight_layout()
    with atomic_file(path) as partial:
        figure.savefig(partial, format="png")


def _draw_camera(axes: Axes, calibration: Calibration, name: str, length: float) -> None:
    shots = calibration.shots
    c = shots.cameras.index(name)
    width, height = shots.sizes[c]
    counts = coverage(shots)[c]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(counts, extent=extent, cmap="Blues", vmin=0, vmax=1.6 * max(1, counts.max()))
    observations = board_observations(shots)
    used = np.flatnonzero((observations.camera == c) & calibration.adjusted.used)
    some = np.random.default_rng(0).permutation(used)[:ARROWS]
    axes.quiver(
        *observations.pixels[some].T,
        *calibration.adjusted.residuals[some].T,
        color="#b03a2e",
        angles="xy",
        scale_units="xy",
        scale=1 / length,
        width=0.003,
    )
    quality = calibration.qualities[name]
    axes.set_title(
        f"{name}: {quality.rms_px:.2f} px, {quality.views} pictures, "
        f"{100 * quality.covered:.0f} % covered",
        fontsize=9,
    )
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    axes.set_xticks([])
    axes.set_yticks([])


def _magnification(parts: Sequence[Calibration]) -> float:
    """Return a round factor that makes a typical residual a fiftieth of the picture's width."""
    error = max(part.adjusted.rms_px for part in parts)
    wanted = 0.02 * parts[0].shots.sizes[0][0] / max(error, 1e-6)
    steps = np.outer(10.0 ** np.arange(5), [1, 2, 5]).ravel()
    return float(steps[np.abs(np.log(steps / wanted)).argmin()])


def _camera(calibration: Calibration, name: str) -> dict[str, Any]:
    quality, camera = calibration.qualities[name], calibration.rig[name]
    intrinsics = calibration.cameras[name]
    return {
        "rms_px": quality.rms_px,
        "frames": quality.views,
        "points": quality.points,
        "left_out": quality.left_out,
        "covered": quality.covered,
        "lens": intrinsics.choice.name,
        "held_out_px": intrinsics.held_out_px,
        "focal_px": [float(camera.K[0, 0]), float(camera.K[1, 1])],
        "deviation": deviations(quality.covariance),
    }


def deviations(covariance: CameraCovariance) -> dict[str, Any]:
    """Return standard deviations: of each parameter, of the turn (deg) and the place (units)."""
    return {
        "parameters": {name: covariance.deviation(name) for name in covariance.names},
        "rotation_deg": covariance.rotation_deg,
        "center": covariance.center_deviation,
    }


def _row(calibration: Calibration, name: str) -> tuple[str, ...]:
    quality, camera = calibration.qualities[name], calibration.rig[name]
    spread = quality.covariance
    focal = float((camera.K[0, 0] * camera.K[1, 1]).sqrt())
    return (
        name,
        calibration.cameras[name].choice.name,
        f"{quality.rms_px:.3f}",
        str(quality.views),
        f"{100 * quality.covered:.0f} %",
        f"{100 * quality.left_out:.1f} %",
        f"{focal:.1f} +- {spread.deviation('fx'):.2g}",
        f"+- {spread.rotation_deg:.2g}",
        f"+- {spread.center_deviation:.2g}",
    )
