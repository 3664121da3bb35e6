"""Choose the instants to calibrate with: sharp ones that show the board everywhere and at any tilt.

A long recording holds thousands of nearly equal pictures. Greedy choice: each step takes the
instant that adds most to what has been seen least, counted in cells of every picture, in shapes the
board takes there (size and foreshortening), and in pairs of cameras that share it.
"""

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.calib.intrinsics import MIN_POINTS
from mvboot.calib.shots import Shots

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS = (8, 6)
FINE_CELLS = (32, 24)
SIZES = np.log(2.0)
"""Step of the logarithm of the board's area in the picture between two classes of size."""

TILTS = (0.6, 0.85)
"""Foreshortening (shorter over longer axis of a square) that separates three classes of tilt."""

SHAPE_WEIGHT, PAIR_WEIGHT = 2.0, 4.0
BLUR = 2.0
"""Edge width, over the camera's median, beyond which a picture is not chosen."""


def chosen_shots(shots: Shots, most: int, edge_px: Floats | None = None) -> Shots:
    """Return at most this many instants, in their order.

    ``edge_px`` (C, S): how wide edges are in each picture; views much blurrier than the camera's
    median are dropped first.
    """
    if edge_px is not None:
        shots = shots.where(shots.seen & _sharp(shots, edge_px)[..., None])
    shots = shots.without_poor(MIN_POINTS)
    if len(shots.numbers) <= most:
        return shots
    features, weight = _features(shots)
    seen = np.zeros(len(weight))
    left = np.ones(len(shots.numbers), dtype=bool)
    for _ in range(most):
        gain = np.where(left, features @ (weight / (1 + seen)), -1.0)
        best = int(gain.argmax())
        left[best] = False
        seen += features[best]
    return shots.at(~left)


def coverage(shots: Shots) -> NDArray[np.int64]:
    """Return in how many pictures the board covered each cell (C, rows, columns) of the picture.

    The board covers what lies within the hull of its points.
    """
    columns, rows = FINE_CELLS
    counts = np.zeros((len(shots.cameras), rows, columns), dtype=np.int64)
    for c, size in enumerate(shots.sizes):
        for s in np.flatnonzero(shots.counts[c] >= MIN_POINTS):
            place = (shots.pixels[c, s, shots.seen[c, s]] + 0.5) / size * FINE_CELLS - 0.5
            hull = cv2.convexHull(np.round(place).astype(np.int32))
            counts[c] += cv2.fillConvexPoly(np.zeros((rows, columns), np.uint8), hull, 1)
    return counts


def foreshortening(points: Floats, pixels: Floats) -> tuple[float, float]:
    """Return how a board (P, 2) appears (P, 2): shorter over longer axis, and log of the scale.

    From the affine part of its homography at the middle, the lens left aside.
    """
    homography, _ = cv2.findHomography(points, pixels, 0)
    if homography is None:
        return 1.0, 0.0
    x, y = points.mean(0)
    w = homography[2] @ [x, y, 1]
    place = homography[:2] @ [x, y, 1] / w
    affine = (homography[:2, :2] - np.outer(place, homography[2, :2])) / w
    long, short = np.linalg.svd(affine, compute_uv=False)
    return float(short / max(long, 1e-12)), float(np.log(max(long * short, 1e-12)))


def _features(shots: Shots) -> tuple[Floats, Floats]:
    """Return what each instant shows (S, F), zeros and ones, and what each feature weighs (F,)."""
    columns, weights = [], []
    good = shots.counts >= MIN_POINTS
    for c, size in enumerate(shots.sizes):
        cells = np.zeros((len(shots.numbers), CELLS[0] * CELLS[1]))
        shapes = np.full((len(shots.numbers), 2), -1)
        for s in np.flatnonzero(good[c]):
            seen = shots.seen[c, s]
            column, row = _cells(shots.pixels[c, s, seen], size)
            cells[s, row * CELLS[0] + column] = 1
            tilt, area = foreshortening(shots.board.points[seen, :2], shots.pixels[c, s, seen])
            shapes[s] = np.searchsorted(TILTS, tilt), np.floor(area / SIZES)
        kinds, place = np.unique(shapes, axis=0, return_inverse=True)
        one_hot = (place[:, None] == np.arange(len(kinds))) & good[c][:, None]
        columns += [cells, one_hot.astype(float)]
        weights += [np.ones(cells.shape[1]), np.full(len(kinds), SHAPE_WEIGHT)]
    for a, b in combinations(range(len(good)), 2):
        columns.append((good[a] & good[b])[:, None].astype(float))
        weights.append(np.array([PAIR_WEIGHT]))
    return np.concatenate(columns, 1), np.concatenate(weights)


def _cells(pixels: Floats, size: tuple[int, int]) -> tuple[Ints, Ints]:
    """Return the column and the row of the cell each pixel (n, 2) lies in."""
    place = (pixels + 0.5) / size * CELLS
    column, row = np.clip(place.astype(np.int64), 0, np.array(CELLS) - 1).T
    return column, row


def _sharp(shots: Shots, edge_px: Floats) -> NDArray[np.bool_]:
    """Return which pictures (C, S) are about as sharp as the camera's pictures of the board are."""
    known = np.where(shots.counts > 0, edge_px, np.nan)
    with np.errstate(all="ignore"):
        usual = np.array([np.nanmedian(row) if (~np.isnan(row)).any() else 0.0 for row in known])
    return np.asarray(~(edge_px > BLUR * usual[:, None]))
