"""How good a calibration by a board is, and what its figures hide.

A small error says little where the data do not determine the answer: the covariance does, and the
board itself is a ruler that can be laid into the working volume.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.bundle import Bundle, Observations
from mvboot.calib.check import folding_lenses
from mvboot.calib.finding import Finding
from mvboot.calib.flatness import BoardShape
from mvboot.calib.rounds import Adjusted, rms
from mvboot.calib.select import coverage
from mvboot.calib.shots import Shots
from mvboot.calib.uncertainty import CameraCovariance
from mvboot.geometry import Camera, image_size
from mvboot.rig import Rig
from mvboot.triangulation.linear import triangulate_linear

Floats = NDArray[np.float64]

UNOBSERVABLE, UNCERTAIN = 0.03, 0.01
"""Deviation of a focal length over itself: nothing is known, and little is known."""

BELIEVED = (0.1, 300.0)
"""Focal length over the picture's longer side; no camera is beyond, a degenerate fit may be."""

FEW_VIEWS = 10
UNCOVERED = 0.5
"""Share of a picture that the board covered below which the lens is extrapolated."""

BENT = 0.002
"""Bend of a board over its diagonal that is worth a word."""

WORSE, WORSE_PX = 3.0, 0.3
LEFT_OUT = 0.2
SOFT_PX = 5.0


@dataclass(frozen=True)
class CameraQuality:
    """One camera of a calibration.

    Parameters
    ----------
    rms_px
        Error per axis of the points that counted.
    views, points
        Pictures and points that counted.
    left_out
        Share of the points found that did not count.
    covered
        Share of the picture that the board covered at some instant.
    covariance
        Of its parameters.
    """

    rms_px: float
    views: int
    points: int
    left_out: float
    covered: float
    covariance: CameraCovariance


@dataclass(frozen=True)
class Ruler:
    """The board measured by the rig it calibrated.

    Parameters
    ----------
    ratio
        Triangulated over printed distances of neighbouring points (n,).
    error
        Distance (m,) of triangulated points from where the board is, in units.
    volume
        Size (3,) of the box around nine tenths of all board points, in units.
    """

    ratio: Floats
    error: Floats
    volume: Floats

    def summary(self) -> dict[str, object]:
        """Return median and median absolute deviation of the ratio, error and volume; JSON."""
        middle = float(np.median(self.ratio)) if len(self.ratio) else None
        spread = None if middle is None else float(np.median(np.abs(self.ratio - middle)))
        return {
            "board_scale_ratio": {"median": middle, "mad": spread},
            "error_in_units": {
                "median": float(np.median(self.error)) if len(self.error) else None,
                "p95": float(np.percentile(self.error, 95)) if len(self.error) else None,
            },
            "working_volume": self.volume.tolist(),
        }


def camera_qualities(
    shots: Shots,
    observations: Observations,
    adjusted: Adjusted,
    covariance: Mapping[str, CameraCovariance],
) -> dict[str, CameraQuality]:
    """Return the figures of each camera."""
    covered = (coverage(shots) > 0).mean((1, 2))
    found = {}
    for c, name in enumerate(shots.cameras):
        own = observations.camera == c
        used = own & adjusted.used
        found[name] = CameraQuality(
            rms(adjusted.residuals[used]),
            len(np.unique(observations.instant[used])),
            int(used.sum()),
            1 - float(used.sum() / max(1, own.sum())),
            float(covered[c]),
            covariance[name],
        )
    return found


def measure_board(shots: Shots, bundle: Bundle, used: Observations) -> Ruler:
    """Triangulate the board's points at every instant from the observations that counted."""
    cameras, instants, points = len(shots.cameras), len(shots.numbers), len(shots.board.points)
    pixels = np.full((cameras, instants, points, 2), np.nan)
    pixels[used.camera, used.instant, used.point] = used.pixels
    solved = triangulate_linear(bundle.rig, pixels.reshape(cameras, -1, 2))
    solved = np.asarray(solved).reshape(instants, points, 3)
    board = torch.from_numpy(bundle.points).expand(instants, -1, 3)
    expected = bundle.rig_from_points.apply(board).numpy()
    error = np.linalg.norm(solved - expected, axis=-1)
    i, j = neighbours(shots)
    distance = np.linalg.norm(solved[:, i] - solved[:, j], axis=-1)
    printed = np.linalg.norm(shots.board.points[i] - shots.board.points[j], axis=-1)
    ratio = (distance / printed).ravel()
    seen = expected[~np.isnan(error)]
    low, high = np.percentile(seen, (5, 95), axis=0) if len(seen) else np.zeros((2, 3))
    return Ruler(ratio[~np.isnan(ratio)], error[~np.isnan(error)], high - low)


def neighbours(shots: Shots) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of points that are next to one another across or down the board."""
    grid = shots.board.grid
    apart = np.abs(grid[:, None] - grid).sum(-1)
    i, j = np.nonzero(np.triu(apart == 1))
    return i, j


def unobservable(rig: Rig, covariance: Mapping[str, CameraCovariance]) -> list[Finding]:
    """Return a finding for each camera whose focal length the recording does not determine."""
    found = []
    for name in rig.names:
        share = _focal_share(rig, covariance, name)
        widths = _focal_widths(rig[name])
        if share > UNOBSERVABLE or not BELIEVED[0] < widths < BELIEVED[1]:
            known = f"known to {100 * share:.0f} % only" if share > UNOBSERVABLE else "it collapsed"
            message = (
                f"the focal length of camera {name} is not determined ({known}): the board was "
                "shown at one tilt; tilt it towards and away from the camera by 30 to 45 degrees, "
                "and near and far"
            )
            found.append(Finding("focal-unobservable", (name,), message))
    return found


def cautions(
    rig: Rig,
    qualities: Mapping[str, CameraQuality],
    shape: BoardShape | None,
    edge_px: Mapping[str, float],
    board_diagonal: float,
) -> list[Finding]:
    """Return what a small error does not tell, camera by camera."""
    found = [caution for name in rig.names for caution in _of_camera(rig, qualities, name)]
    uncovered = {
        n: f"{100 * q.covered:.0f} %" for n, q in qualities.items() if q.covered < UNCOVERED
    }
    if uncovered:
        text = (
            f"the board covered only a part of the pictures of {_each(uncovered)}; elsewhere the "
            "lens is extrapolated: show it in the corners too, if the subject goes there"
        )
        found.append(Finding("uncovered", tuple(uncovered), text))
    soft = {n: f"{edge:.0f} px" for n, edge in edge_px.items() if edge > SOFT_PX}
    if soft:
        text = f"pictures are soft: edges are wide in {_each(soft)}; focus, or light for less blur"
        found.append(Finding("soft-pictures", tuple(soft), text))
    if shape is not None and shape.is_better and shape.bend > BENT * board_diagonal:
        flat, measured = shape.held_out_px
        text = (
            f"the board is not flat: it bends by {shape.bend:.2g} {rig.units}; its measured shape "
            f"was used ({measured:.2g} px against {flat:.2g} px on held-out pictures)"
        )
        found.append(Finding("board-not-flat", (), text))
    return found + folding_lenses(rig) + _turned(rig)


def _of_camera(rig: Rig, qualities: Mapping[str, CameraQuality], name: str) -> list[Finding]:
    own = qualities[name]
    others = [q.rms_px for other, q in qualities.items() if other != name]
    usual = float(np.median(others)) if others else own.rms_px
    share = _focal_share(rig, {name: own.covariance}, name)
    said = [
        (
            share > UNCERTAIN,
            "focal-uncertain",
            f"the focal length of camera {name} is known to {100 * share:.1f} % only: show the "
            "board at more tilts, near and far",
        ),
        (
            own.views < FEW_VIEWS,
            "few-views",
            f"camera {name} has {own.views} usable pictures; 20 or more are good",
        ),
        (
            own.rms_px > max(WORSE * usual, WORSE_PX),
            "worse-camera",
            f"camera {name} is far worse than the rest ({own.rms_px:.2g} px against "
            f"{usual:.2g} px): its focus, its lens or its synchronisation",
        ),
        (
            own.left_out > LEFT_OUT,
            "left-out",
            f"{100 * own.left_out:.0f} % of what camera {name} saw was left out as inconsistent: "
            "motion blur, rolling shutter or pictures that are not simultaneous",
        ),
    ]
    return [Finding(code, (name,), text) for condition, code, text in said if condition]


def _each(figures: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({figure})" for name, figure in figures.items())


def _turned(rig: Rig) -> list[Finding]:
    """Return a word on cameras whose pictures are held the other way than those of most."""
    upright = {n: c.size[1] > c.size[0] for n, c in rig.cameras.items() if c.size is not None}
    count = sum(upright.values())
    odd = [n for n, u in upright.items() if u != (2 * count > len(upright))]
    if not odd or len(odd) == len(upright) or 2 * len(odd) >= len(upright):
        return []
    text = (
        f"the pictures of camera {', '.join(odd)} are turned by 90 degrees against those of the "
        "others; the rig describes them as they are, so videos must stay turned the same way"
    )
    return [Finding("turned", tuple(odd), text)]


def _focal_widths(camera: Camera) -> float:
    return float((camera.K[0, 0] * camera.K[1, 1]).sqrt()) / max(image_size(camera))


def _focal_share(rig: Rig, covariance: Mapping[str, CameraCovariance], name: str) -> float:
    K = rig[name].K
    own = covariance[name]
    return max(own.deviation("fx") / float(K[0, 0]), own.deviation("fy") / float(K[1, 1]))
