"""A disc of triangles laid out in the unit circle, no triangle folded over another.

Every inner vertex is a weighted mean of its neighbours and the border runs along a circle
(W. Tutte 1963; mean value weights of M. Floater 2003), which is one-to-one whatever the shape.
The weights are then divided by the local stretch, which evens out the areas
(S. Yoshizawa, A. Belyaev, H.-P. Seidel, "A fast and simple stretch-minimizing mesh
parameterization", 2004), and any positive weights keep the layout one-to-one.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve

from mvboot.mesh.edges import edges_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROUNDS = 12
"""Reweighting rounds at most; they end earlier where the stretch no longer falls."""


def border_loop(faces: IntArray) -> IntArray | None:
    """Return the border vertices (B,) in the order of the faces, or None unless it is one loop."""
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    size = int(faces.max()) + 1
    inner = np.isin(a * size + b, b * size + a)
    after = dict(zip(a[~inner].tolist(), b[~inner].tolist(), strict=True))
    if not after or len(after) != (~inner).sum():
        return None
    loop = [min(after)]
    while after[loop[-1]] != loop[0]:
        loop.append(after[loop[-1]])
        if len(loop) > len(after):
            return None
    return np.array(loop) if len(loop) == len(after) else None


def is_disc(faces: IntArray) -> bool:
    """Whether faces (F, 3) form a disc: one piece with one border and no handle."""
    euler = len(np.unique(faces)) - len(edges_of(faces)) + len(faces)
    return euler == 1 and border_loop(faces) is not None


def flatten_disc(vertices: FloatArray, faces: IntArray, up: FloatArray) -> FloatArray:
    """Return uv (V, 2) in [0, 1], counterclockwise as seen from outside, with ``up`` along +v.

    ``vertices`` (V, 3), all used by ``faces`` (F, 3), which must form a disc (`is_disc`).
    ``up`` (V,) is any height: the layout is turned so that v follows it as well as it can.
    """
    loop = border_loop(faces)
    assert loop is not None, "not a disc"
    steps = np.linalg.norm(np.diff(vertices[np.append(loop, loop[0])], axis=0), axis=1)
    angle = 2 * np.pi * np.append(0.0, np.cumsum(steps)[:-1]) / steps.sum()
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weights = _mean_value_weights(vertices, faces)
    uv = _solved(weights, loop, circle)
    stretch, best = _stretch(vertices, faces, uv), np.inf
    kept = uv
    for _ in range(ROUNDS):
        total = float((stretch[0] ** 2 * stretch[1]).sum())
        if not total < best * 0.999:
            break
        best, kept = total, uv
        weights = weights @ diags_array(1.0 / stretch[0])
        uv = _solved(weights, loop, circle)
        stretch = _stretch(vertices, faces, uv)
    return 0.5 + 0.5 * _turned(kept, up)


def _mean_value_weights(vertices: FloatArray, faces: IntArray) -> csr_array:
    """Return w_ij (V, V): the half tangents of the two angles at i beside the edge to j."""
    rows, columns, values = [], [], []
    for i in range(3):
        a, b, c = (faces[:, (i + k) % 3] for k in range(3))
        to_b, to_c = vertices[b] - vertices[a], vertices[c] - vertices[a]
        size_b, size_c = np.linalg.norm(to_b, axis=1), np.linalg.norm(to_c, axis=1)
        twice_area = np.linalg.norm(np.cross(to_b, to_c), axis=1)
        half_tangent = twice_area / (size_b * size_c + (to_b * to_c).sum(axis=1))
        for other, size in ((b, size_b), (c, size_c)):
            rows.append(a)
            columns.append(other)
            values.append(np.maximum(half_tangent, 1e-6) / size)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(len(vertices), len(vertices)))


def _solved(weights: csr_array, loop: IntArray, circle: FloatArray) -> FloatArray:
    size = weights.shape[0]
    uv = np.zeros((size, 2))
    uv[loop] = circle
    inner = np.setdiff1d(np.arange(size), loop)
    if len(inner):
        rows = weights[inner]
        means = diags_array(1.0 / rows.sum(axis=1)) @ rows
        system = (diags_array(np.ones(len(inner))) - means[:, inner]).tocsc()
        uv[inner] = spsolve(system, means @ uv)
    return uv


def _stretch(
    vertices: FloatArray, faces: IntArray, uv: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the root mean square stretch (uv to surface) around each vertex, and its area."""
    p, q = vertices[faces], uv[faces]
    flat = (q[:, 1, 0] - q[:, 0, 0]) * (q[:, 2, 1] - q[:, 0, 1])
    flat = np.abs(flat - (q[:, 2, 0] - q[:, 0, 0]) * (q[:, 1, 1] - q[:, 0, 1])) + 1e-300
    turn = np.stack([q[:, 2] - q[:, 1], q[:, 0] - q[:, 2], q[:, 1] - q[:, 0]], axis=1)
    gradient = np.einsum("fck,fcx->fkx", turn, p) / flat[:, None, None]
    squared = (gradient**2).sum(axis=(1, 2)) / 2
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1) / 2
    around = np.zeros((2, len(vertices)))
    for corner in faces.T:
        np.add.at(around[0], corner, area * squared)
        np.add.at(around[1], corner, area)
    return np.sqrt(around[0] / (around[1] + 1e-300)) + 1e-300, around[1]


def _turned(uv: FloatArray, up: FloatArray) -> FloatArray:
    """Return the layout (V, 2) turned about the centre so that ``up`` grows along +v."""
    slope = np.linalg.lstsq(np.column_stack([uv, np.ones(len(uv))]), up, rcond=None)[0][:2]
    size = np.linalg.norm(slope)
    if size < 1e-12:
        return uv
    x, y = slope / size
    return np.asarray(uv @ np.array([[y, x], [-x, y]]))
