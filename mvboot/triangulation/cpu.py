"""The CPU engine: blocks of points solved by the compiled kernel on a pool of threads.

A block goes from pixels to results without leaving the processor's cache, and compiled code holds
no lock, so that threads run side by side. No barrier makes one thread wait for another: with other
work on the cores a pool of two is never slower than one thread.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numba.core import config as numba_config
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.geometry.arrays import to_tensor
from mvboot.rig import Rig
from mvboot.triangulation.hypotheses import table_for
from mvboot.triangulation.kernel import Problem, Rules, Solved, solve_groups
from mvboot.triangulation.observations import checked_weight
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.pinhole import (
    Pinholes,
    invert,
    pinhole_offsets,
    pinhole_rays,
    summarise,
    weigh,
)
from mvboot.triangulation.result import TriangulationResult

Floats = NDArray[np.float64]
BLOCK = 1024
"""Points of a block: its rays fit into the second-level cache, and torch solves it alone."""


def triangulate(
    rig: Rig,
    pixels: Floats,
    confidence: Any,
    options: TriangulationOptions,
    groups: tuple[NDArray[np.int64], NDArray[np.int64]],
    roots: Floats | None,
) -> TriangulationResult:
    """Triangulate pixels (C, N, 2); see `points.triangulate_points`.

    Group g holds the points ``order[starts[g]:starts[g + 1]]`` of ``groups = (order, starts)``;
    ``roots`` (C, N, 2, 2) are inverse roots of the detections' covariances, or None.
    """
    order, starts = groups
    alone = len(starts) - 1 == len(order)
    given = _Given(rig, Pinholes.of(rig), pixels, confidence, roots)
    ordered = given if alone else given.rows(order)
    work = _Work(ordered, _rules(len(rig), options), pixels.shape[1])
    blocks = list(_blocks(starts))
    if len(blocks) > 1 and threads() > 1:
        with ThreadPoolExecutor(min(threads(), len(blocks))) as pool:
            sums = list(pool.map(work.solve, blocks))
    else:
        sums = [work.solve(block) for block in blocks]
    result = work.result(sums, options.noise_px)
    return result if alone else _back(result, order)


def threads() -> int:
    """Return how many threads share the blocks: NUMBA_NUM_THREADS, else one a core."""
    return int(numba_config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def _rules(cameras: int, options: TriangulationOptions) -> Rules:
    table = table_for(cameras, options)
    return Rules(
        *table,
        options.required_views(cameras),
        options.threshold_px**2,
        options.min_sine2,
    )


def _blocks(starts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the starts of consecutive groups with about `BLOCK` points together."""
    first = 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + BLOCK, "right")) - 1)
        yield starts[first : last + 1]
        first = last


def _back(result: TriangulationResult, order: NDArray[np.int64]) -> TriangulationResult:
    """Return results that are in the order of the groups in the order of the points."""
    place = np.argsort(order)
    arrays = {name: value for name, value in vars(result).items() if isinstance(value, np.ndarray)}
    arrays = {k: v[:, place] if k == "inliers" else v[place] for k, v in arrays.items()}
    return TriangulationResult(**{**vars(result), **arrays})


@dataclass(frozen=True)
class _Given:
    """Detections of all points, sliced block by block."""

    rig: Rig
    pinholes: Pinholes
    pixels: Floats
    confidence: Any
    roots: Floats | None

    def rows(self, index: Any) -> "_Given":
        rig = self.rig
        if not self.pinholes.here.all():
            cameras = {name: _of_points(camera, index) for name, camera in rig.cameras.items()}
            rig = Rig(cameras, rig.units)
        return _Given(
            rig,
            self.pinholes,
            self.pixels[:, index],
            None if self.confidence is None else np.asarray(self.confidence)[:, index],
            None if self.roots is None else self.roots[:, index],
        )

    def lenses(self) -> Iterator[tuple[int, Camera]]:
        """Yield numbers and cameras that are no pinholes."""
        for c, camera in enumerate(self.rig.cameras.values()):
            if not self.pinholes.here[c]:
                yield c, camera


def _of_points(camera: Camera, index: Any) -> Camera:
    """Return a camera with one pose for each point at the poses of some points."""
    pose = camera.cam_from_world
    return camera.with_pose(pose[index]) if pose.batch_shape else camera


class _Room(threading.local):
    """Memory for the rays and the offsets of a block, kept by each thread.

    New memory for each block costs page faults, at which threads of one process wait in turn.
    """

    floats = np.empty(0)

    def arrays(self, points: int, cameras: int) -> tuple[Floats, Floats]:
        """Return rays (N, C, 12) and offsets (N, C, 2), uninitialised."""
        views = points * cameras
        if len(self.floats) < 14 * views:
            self.floats = np.empty(14 * views)
        rays, offsets = np.split(self.floats[: 14 * views], [12 * views])
        return rays.reshape(points, cameras, 12), offsets.reshape(points, cameras, 2)


class _Work:
    """Solves blocks of points into arrays that all blocks share."""

    def __init__(self, given: _Given, rules: Rules, points: int) -> None:
        self.given = given
        self.rules = rules
        self.solved = Solved.empty(points, len(given.rig))
        self.error_px = np.full(points, np.nan)
        self.score = np.full(points, np.nan)
        self.inverse = np.empty((points, 3, 3))
        self.room = _Room()

    def solve(self, starts: NDArray[np.int64]) -> tuple[float, int]:
        """Solve a block of groups; return its squared errors and their degrees of freedom."""
        rows = slice(int(starts[0]), int(starts[-1]))
        given, solved = self.given.rows(rows), self.solved.part(rows)
        with torch.no_grad():
            rays, offsets = self.room.arrays(*reversed(given.pixels.shape[:2]))
            weight = _observed(given, rays)
            order = np.arange(len(weight))
            solve_groups(Problem(rays, weight, order, starts - starts[0]), self.rules, solved)
            _fill_offsets(given, solved, rays, offsets)
        invert(solved.normal, self.inverse[rows])
        whitened = offsets if given.roots is None else _whitened(given.roots, offsets)
        sums = summarise(
            offsets, whitened, weight, solved.inliers, self.error_px[rows], self.score[rows]
        )
        return float(sums[0]), int(sums[1])

    def result(self, sums: list[tuple[float, int]], noise_px: float | None) -> TriangulationResult:
        """Return what all blocks found; the noise is estimated from their sums where not given."""
        squares, freedom = (sum(part) for part in zip(*sums, strict=True)) if sums else (0.0, 0)
        noise = noise_px or (float((squares / freedom) ** 0.5) if freedom > 0 else float("nan"))
        self.inverse *= noise**2
        return TriangulationResult(
            points=self.solved.points,
            inliers=self.solved.inliers.T,
            error_px=self.error_px,
            covariance=self.inverse,
            residual=self.solved.residual,
            score=self.score,
            code=self.solved.code,
            noise_px=noise,
        )


def _observed(given: _Given, rays: Floats) -> Floats:
    """Fill rays (N, C, 12), return weights (N, C) of a block; InputError as in `checked_weight`."""
    points, cameras = rays.shape[:2]
    weight, certain = np.empty((points, cameras)), np.ones((cameras, points))
    if given.confidence is not None:
        certain[:] = given.confidence
    pixels = np.ascontiguousarray(given.pixels)
    if not weigh(pixels, certain, weight):
        checked_weight(given.rig, to_tensor(given.pixels), given.confidence)
    pinhole_rays(pixels, given.pinholes, weight, rays)
    for c, camera in given.lenses():
        _lens_rays(camera, pixels[c], c, rays, weight)
    if given.roots is not None:
        matrix = given.roots.swapaxes(0, 1) @ rays[..., 3:9].reshape(points, cameras, 2, 3)
        rays[..., 3:9] = matrix.reshape(points, cameras, 6)
    return weight


def _lens_rays(camera: Camera, pixels: Floats, c: int, rays: Floats, weight: Floats) -> None:
    lines = camera.linearize(torch.from_numpy(pixels))
    rays[:, c, :3] = lines.origin.numpy()
    rays[:, c, 3:9] = lines.matrix.flatten(-2).numpy()
    rays[:, c, 9:] = lines.gauge.numpy()
    weight[~lines.valid.numpy(), c] = 0.0


def _fill_offsets(given: _Given, solved: Solved, rays: Floats, offsets: Floats) -> None:
    """Fill offsets (N, C, 2) of inliers: point minus detection in px, through the full lens."""
    if given.roots is None:
        pinhole_offsets(given.pinholes, rays, solved.inliers, solved.points, offsets)
    points = torch.from_numpy(solved.points)
    for c, camera in (
        given.lenses() if given.roots is None else enumerate(given.rig.cameras.values())
    ):
        gap = camera.project(points).numpy() - given.pixels[c]
        offsets[:, c] = np.where(solved.inliers[:, c, None], gap, 0.0)


def _whitened(roots: Floats, offsets: Floats) -> Floats:
    return np.ascontiguousarray((roots.swapaxes(0, 1) @ offsets[..., None])[..., 0])
