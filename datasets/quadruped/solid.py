"""The animal's body as a smooth union of cones, and its surface as triangles."""

import numpy as np

BLEND = 0.02
"""Length (m) over which neighbouring cones melt into one another."""
CELL = 0.024
ROUNDS = 8


def cone_distances(points, cones):
    """Return signed distances (N, C) to round cones (head, tail, radius, radius, squash).

    A squashed cone is narrower across x by that factor (ears, chest).
    """
    found = []
    for head, tail, first, last, squash in cones:
        scale = np.array([1.0 / squash, 1.0, 1.0])
        start, axis = np.multiply(head, scale), np.subtract(tail, head) * scale
        local = points * scale - start
        along = np.clip(local @ axis / (axis @ axis), 0.0, 1.0)
        gap = np.linalg.norm(local - along[:, None] * axis, axis=1)
        found.append((gap - (first + along * (last - first))) * min(squash, 1.0))
    return np.stack(found, axis=1)


def distance(points, cones):
    """Return the signed distance (N,) to the smooth union, about right near the surface."""
    each = cone_distances(points, cones)
    least = each.min(axis=1)
    return least - BLEND * np.log(np.exp((least[:, None] - each) / BLEND).sum(axis=1))


def left_surface(cones):
    """Return vertices (V, 3) and quadrilaterals (Q, 4) of the half with x >= 0, by surface nets.

    One vertex in each cell of a grid that the surface passes, one face across each edge of the
    grid that it cuts (S. Gibson 1998); then the vertices are spread evenly and put back onto the
    surface in turn.
    """
    ends = np.concatenate([[c[0] for c in cones], [c[1] for c in cones]])
    low, high = ends.min(axis=0) - 0.2, ends.max(axis=0) + 0.2
    half = int(np.ceil(max(-low[0], high[0]) / CELL))
    x = (np.arange(-half, half) + 0.5) * CELL  # a cell, not a node, lies on the mirror plane
    axes = [x, *(np.arange(low[k], high[k], CELL) for k in (1, 2))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = distance(grid.reshape(-1, 3), cones).reshape(grid.shape[:3])
    vertices, cell = _cell_points(grid, values)
    quads = _quads(values, cell)
    quads = quads[(vertices[quads, 0] > -1e-9).all(axis=1)]
    used, quads = np.unique(quads, return_inverse=True)
    vertices, quads = vertices[used], quads.reshape(-1, 4)
    stays = np.where(vertices[:, :1] < 1e-9, [0.0, 1.0, 1.0], 1.0)
    for _ in range(ROUNDS):
        vertices = stays * _onto(stays * _evened(vertices, quads), cones)
    return vertices, quads


def _cell_points(grid, values):
    """Return the mean crossing (V, 3) of each cell that the surface passes, and its number."""
    shape = np.array(values.shape) - 1
    total, count = np.zeros((*shape, 3)), np.zeros(shape)
    for axis in range(3):
        near, far = (np.take(values, r, axis) for r in _steps(values, axis))
        start, end = (np.take(grid, r, axis) for r in _steps(values, axis))
        cut = (near > 0) != (far > 0)
        share = np.where(cut, near / np.where(cut, near - far, 1.0), 0.0)
        point = np.where(cut[..., None], start + share[..., None] * (end - start), 0.0)
        for corner in np.ndindex(2, 2):
            view = _shifted(axis, corner, shape)
            total += point[view]
            count += cut[view]
    cell = np.where(count > 0, np.cumsum(count > 0).reshape(shape) - 1, -1)
    return total[count > 0] / count[count > 0][:, None], cell


def _steps(values, axis):
    size = values.shape[axis]
    return np.arange(size - 1), np.arange(1, size)


def _shifted(axis, corner, shape):
    """Return the view of the edges along ``axis`` at one of the four corners of every cell."""
    offsets = iter(corner)
    starts = [0 if k == axis else next(offsets) for k in range(3)]
    return tuple(slice(s, s + n) for s, n in zip(starts, shape, strict=True))


def _quads(values, cell):
    quads = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        near, far = (np.take(values, r, axis) for r in _steps(values, axis))
        for inward in (True, False):
            cut = (near > 0) & (far <= 0) if inward else (near <= 0) & (far > 0)
            at = np.argwhere(cut)
            at = at[(at[:, first] > 0) & (at[:, second] > 0)]
            corners = []
            for a, b in ((1, 1), (0, 1), (0, 0), (1, 0)):
                step = np.zeros(3, dtype=int)
                step[first], step[second] = a, b
                corners.append(cell[tuple((at - step).T)])
            quads.append(np.stack(corners[::-1] if inward else corners, axis=1))
    return np.concatenate(quads)


def _evened(vertices, quads):
    total, count = np.zeros_like(vertices), np.zeros(len(vertices))
    for k in range(4):
        for other in (1, 3):
            np.add.at(total, quads[:, k], vertices[quads[:, (k + other) % 4]])
            np.add.at(count, quads[:, k], 1.0)
    return (vertices + total / count[:, None]) / 2


def _onto(vertices, cones):
    """Return the vertices after three Newton steps towards the surface."""
    step = 1e-5
    for _ in range(3):
        value = distance(vertices, cones)
        slope = np.stack([distance(vertices + step * e, cones) - value for e in np.eye(3)], axis=1)
        slope /= step
        vertices = vertices - value[:, None] * slope / (slope**2).sum(axis=1, keepdims=True)
    return vertices
