"""From footage to `Shots`: look for the board in the pictures of every camera."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.calib.boards import Board
from mvboot.calib.detect import Detector, Look
from mvboot.calib.shots import Shots
from mvboot.formats.footage import Footage
from mvboot.formats.pictures import Gray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_PICTURES = 300
"""Pictures of a camera that are looked at; of longer videos every second, third ... instant."""

TRIAL_PICTURES = 20
SURE_AFTER = 4
"""Pictures with the board in them after which its look is settled."""

BATCH = 16
MEASURED_PICTURES = 3


@dataclass(frozen=True)
class CameraFinds:
    """What one camera's pictures showed.

    Parameters
    ----------
    camera, size
        Name, and width and height in px.
    look
        How the board appears to this camera.
    numbers
        Instants (S,) that were looked at.
    pixels
        The board's points (S, P, 2) in px, NaN where not found.
    edge_px
        Width of the sharpest edges (S,) in each picture in px: 2 is sharp, 6 is a blur.
    proportions
        Measured lengths of parts of the board over one another, as `Detector.proportions` has
        them, from a few pictures (n,).
    """

    camera: str
    size: tuple[int, int]
    look: Look
    numbers: Ints
    pixels: Floats
    edge_px: Floats
    proportions: Floats

    @property
    def found(self) -> int:
        """In how many pictures anything of the board was found."""
        return int((~np.isnan(self.pixels[..., 0])).any(-1).sum())


def chosen_instants(footages: Mapping[str, Footage], limit: int = MAX_PICTURES) -> Ints:
    """Return the instants to look at: all of them, or evenly spaced ones of a long recording.

    The same for every camera, so that what they saw can be matched.
    """
    every = np.unique(np.concatenate([footage.numbers for footage in footages.values()]))
    step = -(-len(every) // limit)
    return np.asarray(every[::step])


def find_board(footage: Footage, detector: Detector, instants: Ints) -> CameraFinds:
    """Look for the board in the pictures of one camera at these instants."""
    wanted = np.intersect1d(instants, footage.numbers)
    look = usual_look(footage, detector, wanted)
    pixels: list[Floats] = []
    edges: list[float] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in _batches(footage, wanted):
            pixels += pool.map(lambda picture: detector.detect(picture, look), batch)
            edges += pool.map(edge_width, batch)
    points = len(detector.board.points)
    found = np.array(pixels).reshape(len(wanted), points, 2)
    most = np.argsort(np.isnan(found[..., 0]).sum(-1), kind="stable")[:MEASURED_PICTURES]
    parts = [detector.proportions(picture, look) for _, picture in footage.pictures(wanted[most])]
    return CameraFinds(
        footage.camera,
        footage.size,
        look,
        wanted,
        found,
        np.array(edges),
        np.concatenate(parts) if parts else np.empty(0),
    )


def usual_look(footage: Footage, detector: Detector, instants: Ints) -> Look:
    """Return the appearance that finds most of the board in a few pictures over the recording."""
    looks = detector.looks()
    if len(looks) == 1:
        return looks[0]
    found, hits = np.zeros(len(looks)), np.zeros(len(looks))
    for some in _spread(instants, TRIAL_PICTURES, SURE_AFTER + 1):
        for _, picture in footage.pictures(some):
            counts = [int((~np.isnan(detector.detect(picture, k)[:, 0])).sum()) for k in looks]
            found += counts
            hits += np.array(counts) > 0
        if hits[int(found.argmax())] >= SURE_AFTER:
            break
    return looks[int(found.argmax())]


def together(board: Board, finds: Mapping[str, CameraFinds]) -> Shots:
    """Return what all cameras saw, by instant."""
    numbers = np.unique(np.concatenate([f.numbers for f in finds.values()]))
    pixels = np.full((len(finds), len(numbers), len(board.points), 2), np.nan)
    for c, f in enumerate(finds.values()):
        pixels[c, np.searchsorted(numbers, f.numbers)] = f.pixels
    sizes = tuple(f.size for f in finds.values())
    return Shots(board, tuple(finds), sizes, numbers, pixels)


def edge_width(picture: Gray) -> float:
    """Return how many px the steepest edges of a picture take from dark to bright.

    Contrast over the largest slopes, after a light smoothing against noise.
    """
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
    slope = np.hypot(cv2.Sobel(smooth, -1, 1, 0) / 8, cv2.Sobel(smooth, -1, 0, 1) / 8)
    low, high = np.percentile(smooth, (1, 99))
    steepest = float(np.percentile(slope, 99.5))
    return float(high - low) / max(steepest, 1e-3)


def _batches(footage: Footage, instants: Ints) -> Iterator[list[Gray]]:
    batch: list[Gray] = []
    for _, picture in footage.pictures(instants):
        batch.append(picture)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _spread(instants: Ints, most: int, at_once: int) -> Iterator[Ints]:
    """Yield batches of instants, each batch spread over the whole recording."""
    chosen = instants[
        np.unique(np.linspace(0, len(instants) - 1, min(most, len(instants))).astype(int))
    ]
    rounds = -(-len(chosen) // at_once)
    for k in range(rounds):
        yield chosen[k::rounds]
