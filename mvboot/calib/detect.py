"""Find a board in pictures: partial, upside down, printed white on black, seen from behind.

A board may be printed inverted, follow OpenCV's old ChArUco layout, or (on its back, or in a camera
that flips its pictures) show its mirror image. Which of these holds is found by trying them on a
few pictures of each camera.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.calib.boards import (
    APRILTAGS,
    AprilGrid,
    Board,
    Charuco,
    Checkerboard,
    marker_dictionary,
)

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

MIN_FOUND = 4
STRAY = 0.05
"""Distance from the common homography, over the extent of what was found, of a false point."""

BENDS = (0.0, 0.1, 0.2, 0.35, 0.55, 0.8, 0.95)
"""Distortions of the division model over the picture's half diagonal: straight to fisheye."""

SEEDS = range(3)
"""Of OpenCV's search for checkerboards, which draws at random: after a false grid, another try."""

JUMP = 0.6
"""How much a step between corners differs from the next one, over the shorter, in a false grid."""

JOINT, STEP = 0.45, 1 / 3
"""Half a window in which a corner is looked for, over the gap of tags or the step of corners."""

NARROWEST, WIDEST = 2, 30
"""Such half windows in px."""

TAG_BORDERS = (1, 2)


@dataclass(frozen=True)
class Look:
    """How a board appears in a camera's pictures.

    Parameters
    ----------
    inverted
        White on black.
    mirrored
        Seen from behind, or flipped left to right by the camera.
    legacy
        ChArUco in the layout of OpenCV before 4.6.
    border
        Width of a tag's black border in modules.
    """

    inverted: bool = False
    mirrored: bool = False
    legacy: bool = False
    border: int = 1


class Detector(ABC):
    """Finds the points of one board in gray pictures."""

    def __init__(self, board: Board) -> None:
        self.board = board

    @abstractmethod
    def looks(self) -> list[Look]:
        """Return the appearances worth trying, the usual one first."""

    @abstractmethod
    def _find(self, picture: Picture, look: Look) -> Floats:
        """Return pixels (P, 2) of the board in a picture that is neither inverted nor mirrored."""

    def proportions(self, picture: Picture, look: Look) -> Floats:
        """Return lengths of parts of the board over one another, as measured (n,); none here."""
        return np.empty(0)

    def detect(self, picture: Picture, look: Look) -> Floats:
        """Return the board's points (P, 2) in px in a picture (h, w), NaN where not found."""
        pixels = self._find(_as_printed(picture, look), look)
        height, width = picture.shape
        if look.mirrored:
            pixels[:, 0] = width - 1 - pixels[:, 0]
        return without_strays(self.board.points, pixels, (width, height))


class CheckerboardDetector(Detector):
    """A whole plain checkerboard; the mirror image of one is one too, so none is tried."""

    board: Checkerboard

    def looks(self) -> list[Look]:
        """See `Detector.looks`."""
        return [Look()]

    def _find(self, picture: Picture, look: Look) -> Floats:
        for seed in SEEDS:
            grid = self._grid(picture, seed)
            if grid is None:
                break
            if _is_smooth(grid):
                grid = min(grid, refined(picture, grid), key=self._unevenness)
                return _right_handed(grid, picture).reshape(-1, 2)
        return _nothing(self.board)

    def _grid(self, picture: Picture, seed: int) -> Floats | None:
        """Return what OpenCV takes for the corners (rows, columns, 2)."""
        shape = (self.board.columns, self.board.rows)
        flags = cv2.CALIB_CB_NORMALIZE_IMAGE + cv2.CALIB_CB_ACCURACY + cv2.CALIB_CB_EXHAUSTIVE
        cv2.setRNGSeed(seed)
        found, corners = cv2.findChessboardCornersSB(picture, shape, flags=flags)
        return np.asarray(corners, dtype=np.float64).reshape(*shape[::-1], 2) if found else None

    def _unevenness(self, grid: Floats) -> float:
        """Return how far (px) corners lie from a plane's picture: the lens adds alike to both."""
        points = self.board.points[:, :2]
        homography, _ = cv2.findHomography(points, grid.reshape(-1, 2), 0)
        if homography is None:
            return np.inf
        flat = cv2.perspectiveTransform(points[None], homography)[0]
        return float(np.linalg.norm(flat - grid.reshape(-1, 2)))


class CharucoDetector(Detector):
    """A ChArUco board, whole or in part."""

    board: Charuco

    def looks(self) -> list[Look]:
        """See `Detector.looks`."""
        legacies = [self.board.legacy] if self.board.legacy is not None else [False, True]
        if self.board.rows % 2 == 1:
            legacies = [False]
        flips = product((False, True), (False, True), legacies)
        return [Look(inverted, mirrored, legacy) for mirrored, inverted, legacy in flips]

    @cached_property
    def _detectors(self) -> dict[bool, cv2.aruco.CharucoDetector]:
        parameters = cv2.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_NONE
        return {
            legacy: cv2.aruco.CharucoDetector(
                self.board.opencv(legacy), cv2.aruco.CharucoParameters(), parameters
            )
            for legacy in (False, True)
        }

    def _find(self, picture: Picture, look: Look) -> Floats:
        pixels = _nothing(self.board)
        corners, ids, _, _ = self._detectors[look.legacy].detectBoard(picture)
        if ids is not None and len(ids) >= MIN_FOUND:
            pixels[np.ravel(ids)] = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        return pixels

    def proportions(self, picture: Picture, look: Look) -> Floats:
        """Return the sides of the markers (n,) over those of the squares around them."""
        corners, ids, quads, _ = self._detectors[look.legacy].detectBoard(
            _as_printed(picture, look)
        )
        if ids is None or len(ids) < MIN_FOUND or not len(quads):
            return np.empty(0)
        points = self.board.points[np.ravel(ids), :2]
        homography, _ = cv2.findHomography(
            np.asarray(corners, dtype=np.float64).reshape(-1, 2), points, 0
        )
        if homography is None:
            return np.empty(0)
        marker = np.asarray(quads, dtype=np.float64).reshape(-1, 1, 2)
        flat = cv2.perspectiveTransform(marker, homography).reshape(-1, 4, 2)
        sides = np.linalg.norm(flat - np.roll(flat, 1, axis=1), axis=-1)
        return np.asarray(np.median(sides, axis=1) / self.board.square)


class AprilGridDetector(Detector):
    """A grid of tags, whole or in part."""

    board: AprilGrid

    def looks(self) -> list[Look]:
        """See `Detector.looks`."""
        flips = product((False, True), (False, True), TAG_BORDERS)
        return [Look(inverted, mirrored, border=border) for mirrored, inverted, border in flips]

    @cached_property
    def _detectors(self) -> dict[int, cv2.aruco.ArucoDetector]:
        detectors = {}
        for border in TAG_BORDERS:
            parameters = cv2.aruco.DetectorParameters()
            parameters.markerBorderBits = border
            parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_NONE
            detectors[border] = cv2.aruco.ArucoDetector(marker_dictionary(APRILTAGS), parameters)
        return detectors

    def _find(self, picture: Picture, look: Look) -> Floats:
        pixels = _nothing(self.board)
        quads, ids, _ = self._detectors[look.border].detectMarkers(picture)
        for number, quad in zip(np.ravel(ids if ids is not None else []), quads, strict=True):
            if number < len(pixels) // 4:
                corners = np.asarray(quad, dtype=np.float64).reshape(4, 2)
                pixels[4 * number : 4 * number + 4] = self._at_joints(picture, corners)
        return pixels

    def proportions(self, picture: Picture, look: Look) -> Floats:
        """Return the gaps (n,) over the tags beside them, from neighbours in a row or column.

        Four corners of two neighbours lie on a line; their cross ratio does not change with the
        view. The outline of tags runs into the squares between them, so corners are refined in a
        window as large as a first estimate of the gap.
        """
        seen = _as_printed(picture, look)
        quads, ids, _ = self._detectors[look.border].detectMarkers(seen)
        numbers = np.ravel(ids).tolist() if ids is not None else []
        tags = {
            int(n): np.asarray(quad, dtype=np.float64).reshape(4, 2)
            for n, quad in zip(numbers, quads, strict=True)
        }
        first = self._gaps(tags)
        if len(first) == 0:
            return first
        share = JOINT * float(np.median(first))
        return self._gaps(
            {
                n: saddles(seen, quad, share * float(np.linalg.norm(quad[1] - quad[0])))
                for n, quad in tags.items()
            }
        )

    def _gaps(self, tags: Mapping[int, Floats]) -> Floats:
        columns = self.board.columns
        lines = []
        for n, tag in tags.items():
            if (n + 1) % columns and n + 1 in tags:
                beside = tags[n + 1]
                lines += [
                    (tag[1], tag[0], beside[1], beside[0]),
                    (tag[2], tag[3], beside[2], beside[3]),
                ]
            if n + columns in tags:
                above = tags[n + columns]
                lines += [
                    (tag[1], tag[2], above[1], above[2]),
                    (tag[0], tag[3], above[0], above[3]),
                ]
        if not lines:
            return np.empty(0)
        a, b, c, d = np.array(lines).swapaxes(0, 1)
        ac, bd, bc, ad = (
            np.linalg.norm(p - q, axis=1) for p, q in ((a, c), (b, d), (b, c), (a, d))
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = np.sqrt(1 + 1 / (ac * bd / (bc * ad) - 1)) - 1
        return np.asarray(gaps[np.isfinite(gaps)])

    def _at_joints(self, picture: Picture, quad: Floats) -> Floats:
        """Return a tag's corners (4, 2) where it touches the black squares that join the tags.

        Its outline runs into those squares, so that its corners are pixels off at first.
        """
        side = float(np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1).min())
        return saddles(picture, quad, JOINT * side * self.board.gap / self.board.tag)


DETECTORS: dict[type[Board], type[Detector]] = {
    Checkerboard: CheckerboardDetector,
    Charuco: CharucoDetector,
    AprilGrid: AprilGridDetector,
}


def detector_of(board: Board) -> Detector:
    """Return the detector for a kind of board."""
    return DETECTORS[type(board)](board)


def _as_printed(picture: Picture, look: Look) -> Picture:
    """Return the picture with the board's mirroring and inversion undone."""
    seen = np.ascontiguousarray(picture[:, ::-1]) if look.mirrored else picture
    return 255 - seen if look.inverted else seen


def without_strays(points: Floats, pixels: Floats, size: tuple[int, int]) -> Floats:
    """Return the pixels (P, 2) with those far from the board's homography set to NaN.

    A misread marker puts its corners anywhere. A wide lens bends a board, too, so the distortion
    with which most points fit is taken; one parameter is enough to tell (Fitzgibbon, Simultaneous
    linear estimation of multiple view geometry and lens distortion, 2001). ``size`` is the width
    and height of the picture in px. Fewer than four points, or points on a line, are nothing.
    """
    kept = np.full_like(pixels, np.nan)
    seen = np.flatnonzero(~np.isnan(pixels[:, 0]))
    if len(seen) < MIN_FOUND or _on_a_line(points[seen, :2]):
        return kept
    rows = seen[:0]
    for bend in BENDS:
        inside = seen[_on_a_plane(points[seen, :2], _straightened(pixels[seen], size, bend))]
        rows = inside if len(inside) > len(rows) else rows
        if len(rows) == len(seen):
            break
    if len(rows) >= MIN_FOUND and not _on_a_line(points[rows, :2]):
        kept[rows] = pixels[rows]
    return kept


def _straightened(pixels: Floats, size: tuple[int, int], bend: float) -> Floats:
    """Return the pixels (n, 2) as a lens without distortion would have them."""
    offset = 2 * pixels - (np.array(size) - 1)
    shrunk = 1 - bend * (offset**2).sum(1, keepdims=True) / float(np.hypot(*size)) ** 2
    return np.asarray(offset / np.maximum(shrunk, 0.01))


def _on_a_plane(points: Floats, pixels: Floats) -> NDArray[np.bool_]:
    """Return which pixels (n, 2) are where one homography puts points (n, 2)."""
    extent = float(np.linalg.norm(np.ptp(pixels, axis=0)))
    homography, inside = cv2.findHomography(points, pixels, cv2.RANSAC, max(STRAY * extent, 3.0))
    return inside.ravel().astype(bool) if homography is not None else np.zeros(len(points), bool)


def refined(picture: Picture, grid: Floats) -> Floats:
    """Return corners (rows, columns, 2) moved to the saddle points of the picture."""
    gaps = np.concatenate([np.diff(grid, axis=axis).reshape(-1, 2) for axis in (0, 1)])
    nearest = float(np.linalg.norm(gaps, axis=1).min())
    return saddles(picture, grid.reshape(-1, 2), STEP * nearest).reshape(grid.shape)


def saddles(picture: Picture, pixels: Floats, half_window: float) -> Floats:
    """Return pixels (n, 2) moved to the saddle point of the picture within a window around them."""
    half = int(np.clip(half_window, NARROWEST, WIDEST))
    corners = pixels.reshape(-1, 1, 2).astype(np.float32)
    rule = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    moved = cv2.cornerSubPix(picture, corners, (half, half), (-1, -1), rule)
    return np.asarray(moved, dtype=np.float64).reshape(-1, 2)


def _is_smooth(grid: Floats) -> bool:
    """Whether neighbouring steps of corners (rows, columns, 2) are alike.

    A lens and perspective change them little by little. Where a row is missed, OpenCV may make one
    up from whatever else is in the picture.
    """
    jumps = []
    for lines in (grid, grid.swapaxes(0, 1)):
        steps = np.diff(lines, axis=0)
        length = np.linalg.norm(steps, axis=-1)
        change = np.linalg.norm(np.diff(steps, axis=0), axis=-1)
        jumps.append((change / np.minimum(length[1:], length[:-1]).clip(1e-9)).max())
    return bool(max(jumps) <= JUMP)


def _on_a_line(points: Floats) -> bool:
    return bool(np.linalg.matrix_rank(points - points.mean(0), tol=1e-9 + 1e-6) < 2)


def _nothing(board: Board) -> Floats:
    return np.full((len(board.points), 2), np.nan)


def _upright(grid: Floats) -> Floats:
    """Return the corners of a board without a top turned so that it stands upright in the picture.

    Alike in all cameras only where board and cameras were upright: `require_a_top` asks.
    """
    quarters = range(4) if grid.shape[0] == grid.shape[1] else (0, 2)
    turned = [np.rot90(grid, quarter) for quarter in quarters]
    return max(turned, key=lambda g: (g[0, -1] - g[0, 0])[0] + (g[-1, 0] - g[0, 0])[1])


def _right_handed(grid: Floats, picture: Picture) -> Floats:
    """Return the corners (rows, columns, 2) so that they run as on the print.

    OpenCV may start at either end. Rows must turn into columns as x into y, and the first inner
    square must be black or white as the print has it.
    """
    across, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    if across[0] * down[1] - across[1] * down[0] < 0:
        grid = grid[:, ::-1]
    rows, columns = grid.shape[:2]
    if (rows + columns) % 2 == 0:
        return _upright(grid)
    middle = (grid[:-1, :-1] + grid[1:, 1:]) / 2
    place = np.clip(np.round(middle).astype(int), 0, np.array(picture.shape[::-1]) - 1)
    bright = picture[place[..., 1], place[..., 0]].astype(float)
    black = np.indices(bright.shape).sum(0) % 2 == 0
    return grid if bright[black].mean() < bright[~black].mean() else grid[::-1, ::-1]
