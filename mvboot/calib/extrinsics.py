"""Where cameras stand to one another: pairs that saw the board together, chained along a tree.

Every shared instant proposes a relative pose; the medoid, the one that predicts the other instants
best, is taken, so that wrong poses of single pictures do not matter. The tree joins the pairs that
agree best, and bundle adjustment starts from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from mvboot.calib.bundle import Bundle
from mvboot.calib.intrinsics import MIN_POINTS, Intrinsics
from mvboot.calib.shots import Shots
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

Floats = NDArray[np.float64]

PROPOSALS = 16
JUDGES = 24
"""Instants of a pair that propose its pose, and that judge the proposals; drawn evenly."""

CANDIDATES = 3


@dataclass(frozen=True)
class Link:
    """Two cameras that saw the board together.

    Parameters
    ----------
    a, b
        Their names.
    shared
        Number of instants at which both saw enough of the board.
    b_from_a
        The relative pose that fits most instants.
    error_px
        Median over the instants of the error in camera b of the board as camera a saw it.
    """

    a: str
    b: str
    shared: int
    b_from_a: Pose
    error_px: float


def find_links(shots: Shots, cameras: Mapping[str, Intrinsics]) -> list[Link]:
    """Return the link of every pair of cameras with a shared instant."""
    links = []
    for a, b in combinations(shots.cameras, 2):
        rows = np.flatnonzero(_posed(cameras[a]) & _posed(cameras[b]))
        if len(rows):
            links.append(_link(shots, cameras, a, b, rows))
    return links


def link_errors(shots: Shots, cameras: Mapping[str, Intrinsics], link: Link) -> Floats:
    """Return the error in px (S,) in camera b of what a saw; NaN where one saw too little."""
    rows = np.flatnonzero(_posed(cameras[link.a]) & _posed(cameras[link.b]))
    errors = np.full(len(shots.numbers), np.nan)
    if len(rows):
        errors[rows] = _disagreement(shots, cameras, link.a, link.b, rows, link.b_from_a)
    return errors


def groups(names: Sequence[str], links: Sequence[Link]) -> list[list[str]]:
    """Return the cameras in groups that links connect, the largest first."""
    graph = _graph(names, links, [1.0] * len(links))
    count, label = connected_components(graph, directed=False)
    found = [[names[int(i)] for i in np.flatnonzero(label == k)] for k in range(count)]
    return sorted(found, key=len, reverse=True)


def chained(
    shots: Shots, cameras: Mapping[str, Intrinsics], links: Sequence[Link]
) -> tuple[Rig, list[Link]]:
    """Return the rig along the tree of the best links, and that tree.

    The world is the frame of the camera with the most shared instants. The links must connect
    every camera.
    """
    names = shots.cameras
    cost = [(1e-3 + link.error_px) / np.sqrt(link.shared) for link in links]
    tree = minimum_spanning_tree(_graph(names, links, cost))
    together = {name: sum(k.shared for k in links if name in (k.a, k.b)) for name in names}
    root = max(range(len(names)), key=lambda i: together[names[int(i)]])
    order, parent = breadth_first_order(tree, root, directed=False)
    by_pair = {(link.a, link.b): link for link in links}
    poses, used = {names[root]: Pose.identity()}, []
    for i in order[1:]:
        child, mother = names[i], names[parent[i]]
        link = by_pair.get((mother, child)) or by_pair[(child, mother)]
        step = link.b_from_a if link.a == mother else link.b_from_a.inverse()
        poses[child] = step @ poses[mother]
        used.append(link)
    posed = {name: cameras[name].camera.with_pose(poses[name]) for name in names}
    return Rig(posed, shots.board.units), used


def placed(shots: Shots, cameras: Mapping[str, Intrinsics], rig: Rig) -> Bundle:
    """Return the rig with the board's pose at each instant: the best of what its cameras say."""
    motions = [_board_in_rig(shots, cameras, rig, s) for s in range(len(shots.numbers))]
    R, t = torch.stack([m.R for m in motions]), torch.stack([m.t for m in motions])
    return Bundle(rig, Pose(R, t), shots.board.points)


def _board_in_rig(shots: Shots, cameras: Mapping[str, Intrinsics], rig: Rig, s: int) -> Pose:
    best: tuple[float, Pose | None] = (np.inf, None)
    seeing = [
        n
        for n in np.argsort(-shots.counts[:, s], kind="stable")
        if shots.counts[n, s] >= MIN_POINTS
    ]
    for c in seeing[:CANDIDATES]:
        name = shots.cameras[c]
        pose = rig[name].cam_from_world.inverse() @ cameras[name].cam_from_board[s]
        world = pose.apply(torch.from_numpy(shots.board.points))
        errors = [_typical_gap(rig[shots.cameras[k]], world, shots.pixels[k, s]) for k in seeing]
        error = float(np.mean(errors))
        if best[1] is None or error < best[0]:
            best = (error, pose)
    assert best[1] is not None, "instants without a posed view must have been left out"
    return best[1]


def _link(
    shots: Shots, cameras: Mapping[str, Intrinsics], a: str, b: str, rows: NDArray[np.int64]
) -> Link:
    judges = rows[_evenly(len(rows), JUDGES)]
    proposals = rows[_evenly(len(rows), PROPOSALS)]
    best: tuple[float, Pose | None] = (np.inf, None)
    for s in proposals:
        pose = cameras[b].cam_from_board[int(s)] @ cameras[a].cam_from_board[int(s)].inverse()
        error = float(np.median(_disagreement(shots, cameras, a, b, judges, pose)))
        if best[1] is None or error < best[0]:
            best = (error, pose)
    assert best[1] is not None
    return Link(a, b, len(rows), best[1], best[0])


def _disagreement(
    shots: Shots,
    cameras: Mapping[str, Intrinsics],
    a: str,
    b: str,
    rows: NDArray[np.int64],
    b_from_a: Pose,
) -> Floats:
    """Return, per instant (n,), the median error in px in b of the board where a saw it."""
    points = torch.from_numpy(shots.board.points).expand(len(rows), -1, 3)
    in_a = cameras[a].cam_from_board[torch.from_numpy(rows)].apply(points)
    gap = cameras[b].camera.project(b_from_a.apply(in_a)).numpy()
    gap = np.linalg.norm(gap - shots.pixels[shots.cameras.index(b), rows], axis=-1)
    seen = ~np.isnan(shots.pixels[shots.cameras.index(b), rows, :, 0])
    gap = np.where(np.isnan(gap), np.inf, gap)  # behind the camera: as wrong as can be
    return np.array([np.median(row[good]) for row, good in zip(gap, seen, strict=True)])


def _typical_gap(camera: Camera, world: torch.Tensor, pixels: Floats) -> float:
    seen = ~np.isnan(pixels[:, 0])
    gap = np.linalg.norm(camera.project(world).numpy()[seen] - pixels[seen], axis=-1)
    return float(np.median(np.where(np.isnan(gap), np.inf, gap)))


def _posed(camera: Intrinsics) -> NDArray[np.bool_]:
    return ~torch.isnan(camera.cam_from_board.t[:, 0]).numpy()


def _evenly(count: int, wanted: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))


def _graph(names: Sequence[str], links: Sequence[Link], cost: Sequence[float]) -> csr_array:
    place = {name: i for i, name in enumerate(names)}
    a, b = [place[link.a] for link in links], [place[link.b] for link in links]
    return csr_array((np.array(cost, dtype=float), (a, b)), shape=(len(names), len(names)))
