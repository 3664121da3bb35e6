"""Cameras that have each other's detections: which exchange of names makes all agree.

Every exchange of two is scored, and every one of three in small rigs; the best is taken, and the
next from there, until nothing gets better.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations

import numpy as np

from mvboot.calib.finding import Finding
from mvboot.calib.rays import Floats, Rays, focal_px, rays_of
from mvboot.calib.suspicion import Suspicion, believed

MOST_FOR_THREE = 8
"""Cameras up to which cycles of three are tried."""

POINTS = 500
STEP = 0.02
"""Mean logarithm by which errors must become smaller for another exchange."""

UNKNOWN_PX = 1e4
"""Error of two cameras that cannot be compared: both at one place, or without rays."""

Order = tuple[int, ...]


def exchanged_names(suspicion: Suspicion, called: Mapping[str, str]) -> Finding | None:
    """Return the exchange of cameras that explains the contradiction, or None.

    ``called`` has the name that a camera's detections came with, by its name in the rig.
    """
    search = _Search(suspicion)
    order = search.best()
    moved = [i for i, c in enumerate(order) if i != c]
    if not moved or not search.gain(order, moved):
        return None
    names = suspicion.evidence.rig.names
    told = [(called.get(names[i], names[i]), names[order[i]]) for i in moved]
    options = " ".join(f"--camera-map {a}={b}" for a, b in told)
    if len(moved) == 2:
        a, b = (names[i] for i in moved)
        message = (
            f"cameras {a} and {b} have each other's keypoints: they agree once the two names are "
            f"swapped; rename them in the rig or in the keypoint files, or add {options}"
        )
    else:
        listed = ", ".join(names[i] for i in moved)
        message = (
            f"cameras {listed} have one another's keypoints: they agree with {options}; add that, "
            "or rename them in the rig or in the keypoint files"
        )
    return Finding("swapped-names", tuple(names[i] for i in moved), message)


class _Search:
    """Errors of the rig's camera a with the detections of i, against b with those of j."""

    def __init__(self, suspicion: Suspicion) -> None:
        self.suspicion = suspicion
        evidence = suspicion.evidence
        self.count = len(evidence.rig)
        self.pairs = evidence.pairs
        there = np.flatnonzero(evidence.rays.present.sum(0) >= 2)
        if len(there) > POINTS:
            there = np.random.default_rng(0).choice(there, POINTS, replace=False)
        self.points = there
        self.rays: dict[tuple[int, int], tuple[Floats, Floats]] = {}
        self.errors: dict[tuple[int, int, int, int], float] = {}

    def best(self) -> Order:
        """Return the camera of the rig that each camera's detections belong to."""
        order: Order = tuple(range(self.count))
        cost = self.cost(order)
        for _ in range(self.count):
            costs = {other: self.cost(other, order, cost) for other in self._others(order)}
            other = min(costs, key=lambda o: costs[o], default=order)
            if other == order or not costs[other] < cost - STEP:
                return order
            order, cost = other, costs[other]
        return order

    def cost(self, order: Order, known: Order | None = None, cost: float = 0.0) -> float:
        """Return the mean logarithm of the errors; from that of a ``known`` order if given."""
        every = len(self.pairs)
        if known is None:
            return float(sum(np.log(self.error(order, p)) for p in self.pairs)) / every
        for a, b in self.pairs:
            if order[a] != known[a] or order[b] != known[b]:
                new, old = self.error(order, (a, b)), self.error(known, (a, b))
                cost += (np.log(new) - np.log(old)) / every
        return cost

    def gain(self, order: Order, moved: list[int]) -> float:
        """Return how much better the moved cameras agree; 0 if it is not believed."""
        pairs = [p for p in self.pairs if set(p) & set(moved)]
        same = tuple(range(self.count))
        before, after = (np.array([self.error(o, p) for p in pairs]) for o in (same, order))
        return believed(before, after, np.array([self.suspicion.given.allowed[p] for p in pairs]))

    def error(self, order: Order, pair: tuple[int, int]) -> float:
        """Return the error of a pair of cameras' detections at other cameras of the rig."""
        i, j = pair
        key = (order[i], i, order[j], j)
        if key not in self.errors:
            parts = [self._rays(order[i], i), self._rays(order[j], j)]
            cameras = list(self.suspicion.evidence.rig.cameras.values())
            scale = np.array([focal_px(cameras[order[c]]) for c in pair])
            origin, direction = (np.stack(part) for part in zip(*parts, strict=True))
            error = self.suspicion.error(Rays(origin, direction, scale), 0, 1)
            self.errors[key] = UNKNOWN_PX if np.isnan(error) else error
        return self.errors[key]

    def _rays(self, camera: int, detections: int) -> tuple[Floats, Floats]:
        if (camera, detections) not in self.rays:
            rig, keypoints = self.suspicion.evidence.rig, self.suspicion.evidence.keypoints
            origin, direction = rays_of(rig[rig.names[camera]], keypoints, detections)
            self.rays[camera, detections] = origin[self.points], direction[self.points]
        return self.rays[camera, detections]

    def _others(self, order: Order) -> Iterator[Order]:
        sizes = (2, 3) if self.count <= MOST_FOR_THREE else (2,)
        for size in sizes:
            for which in combinations(range(self.count), size):
                for turned in permutations(which):
                    if all(a != b for a, b in zip(turned, which, strict=True)):
                        other = list(order)
                        for a, b in zip(which, turned, strict=True):
                            other[a] = order[b]
                        yield tuple(other)
