"""Meshes from files, checked: one piece, manifold, consistently oriented, open or closed."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mvboot.errors import InputError
from mvboot.guard import reading
from mvboot.mesh.obj import read_obj
from mvboot.npz import read_npz
from mvboot.words import reason

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOLLOW = 1e-3
"""Faces look inwards where the volume that they enclose is below minus this share of what their
area could (area^1.5; a ball's is 0.09): sheets are flatter, and have no inside."""


@dataclass(frozen=True)
class Mesh:
    """Triangles: vertices (V, 3), faces (F, 3), and texture coordinates (F, 3, 2) or None.

    ``numbers`` says which vertex each of the file's own vertices became, -1 for one that no face
    uses; None where nothing was merged or left out.
    """

    vertices: FloatArray
    faces: IntArray
    uv: FloatArray | None = None
    numbers: IntArray | None = None

    @property
    def last(self) -> int:
        """Number of the file's last vertex."""
        return len(self.vertices if self.numbers is None else self.numbers) - 1

    def number(self, vertex: int) -> int | None:
        """Return the number here of a vertex of the file, None for one that is not there."""
        if not 0 <= vertex <= self.last:
            return None
        found = vertex if self.numbers is None else int(self.numbers[vertex])
        return found if found >= 0 else None


def read_mesh(path: str | Path, largest_piece: bool = False) -> Mesh:
    """Read a mesh: PLY, OBJ, GLB, STL, OFF, or NPZ with ``vertices``, ``faces``, perhaps ``uv``.

    Vertices at the same place are one vertex (files split them along texture seams), and those
    that no face uses are left out. With ``largest_piece`` the piece with most faces is kept.

    Raises
    ------
    InputError
        An unknown or damaged file, or a mesh that `require_sound` refuses.
    """
    path = Path(path)
    readers = {
        ".ply": _read_foreign,
        ".obj": _read_obj,
        ".glb": _read_foreign,
        ".stl": _read_stl,
        ".off": _read_foreign,
        ".npz": _read_npz,
    }
    if path.suffix.lower() not in readers:
        raise InputError(f"a mesh is read from one of {', '.join(readers)}", where=path)
    if not path.is_file():
        raise InputError("there is no such file", where=path)
    with reading(path, "mesh"):
        mesh = readers[path.suffix.lower()](path)
        _require_numbers(mesh, path)
    mesh = _welded(mesh)
    if not len(mesh.faces):
        raise InputError("all of its faces are lines or points; a template needs a surface", path)
    mesh = _largest(mesh) if largest_piece else mesh
    require_sound(mesh.vertices, mesh.faces, path)
    return mesh


def require_sound(vertices: FloatArray, faces: IntArray, where: str | Path | None = None) -> None:
    """Raise InputError unless the mesh is one piece, manifold and consistently oriented.

    Holes are fine. The message says what is wrong, at which vertices, and what to do.
    """
    size = len(vertices)
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    _, times = np.unique(np.minimum(a, b) * size + np.maximum(a, b), return_counts=True)
    if (times > 2).any():
        raise InputError(
            f"the mesh is not a surface: {int((times > 2).sum())} edges belong to more than two "
            "faces; remove inner walls and doubled faces",
            where,
        )
    directed, times = np.unique(a * size + b, return_counts=True)
    if (times > 1).any():
        first = int(directed[times > 1][0])
        raise InputError(
            f"{int((times > 1).sum())} edges have faces that look to opposite sides, the first "
            f"between vertices {first // size} and {first % size}; make the normals consistent "
            "in a mesh editor",
            where,
        )
    pieces = np.bincount(_pieces(faces, size))
    if len(pieces) > 1:
        listed = ", ".join(str(count) for count in sorted(pieces, reverse=True)[:5])
        raise InputError(
            f"the mesh has {len(pieces)} separate pieces (faces: {listed}); join them, or keep "
            "the largest with --largest-piece (largest_piece=True in Python)",
            where,
        )
    fans = _fans(faces)
    if (fans > 1).any():
        raise InputError(
            f"the surface only touches itself at vertex {int(np.argmax(fans > 1))} "
            f"({int((fans > 1).sum())} such vertices); split them in a mesh editor",
            where,
        )


def require_outward(vertices: FloatArray, faces: IntArray, name: str) -> None:
    """Raise InputError for a mesh whose faces look inwards; holes are closed by cones."""
    a, b, c = (vertices[faces] - vertices.mean(0)).swapaxes(0, 1)
    doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    volume = np.einsum("ni,ni->", np.cross(a, b), c) / 6
    if volume < -HOLLOW * (doubled / 2) ** 1.5:
        raise InputError(
            f"the faces of {name!r} look inwards: turn the order of their corners around "
            "(flip normals in a mesh editor)"
        )


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file by name; InputError for anything else."""
    return read_npz(path)


def _read_npz(path: Path) -> Mesh:
    arrays = load_arrays(path)
    if "topology" in arrays:
        raise InputError("is a finished template; load_template reads it", where=path)
    missing = [name for name in ("vertices", "faces") if name not in arrays]
    if missing:
        raise InputError(
            f"has no {' and no '.join(missing)}; there is {', '.join(sorted(arrays)) or 'nothing'}",
            where=path,
        )
    return _mesh(path, arrays["vertices"], arrays["faces"], arrays.get("uv"))


def _read_obj(path: Path) -> Mesh:
    try:
        return _mesh(path, *read_obj(path))
    except ValueError as error:
        raise InputError(f"cannot be read as a mesh: {reason(error)}", where=path) from None


def _read_stl(path: Path) -> Mesh:
    """Return the mesh of triangles that share nothing; editors number corners as `_welded` does."""
    mesh = _read_foreign(path)
    _require_numbers(mesh, path)
    return replace(_welded(mesh), numbers=None)


def _read_foreign(path: Path) -> Mesh:
    try:
        loaded: Any = trimesh.load(path, process=False)
        if isinstance(loaded, trimesh.Scene):
            loaded = loaded.to_mesh() if loaded.geometry else None
    except Exception as error:  # the readers of trimesh raise whatever they stumble over
        raise InputError(f"cannot be read as a mesh: {reason(error)}", where=path) from None
    if loaded is None or not len(getattr(loaded, "faces", ())):
        raise InputError("has no faces; a template needs a surface, not points", where=path)
    uv = getattr(loaded.visual, "uv", None)
    faces = np.asarray(loaded.faces)
    return _mesh(path, loaded.vertices, faces, None if uv is None else np.asarray(uv)[faces])


def _mesh(path: Path, vertices: object, faces: object, uv: object) -> Mesh:
    points, triangles = np.asarray(vertices), np.asarray(faces)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "fiu":
        raise InputError(f"vertices have shape {points.shape}, expected (V, 3)", where=path)
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.dtype.kind not in "iu":
        raise InputError(
            f"faces have shape {triangles.shape} of {triangles.dtype}, expected whole numbers "
            "(F, 3); split larger faces into triangles",
            where=path,
        )
    corners = None if uv is None else np.asarray(uv, dtype=np.float64)[..., :2]
    if corners is not None and corners.shape != (len(triangles), 3, 2):
        raise InputError(f"uv has shape {corners.shape}, expected (F, 3, 2)", where=path)
    return Mesh(points.astype(np.float64), triangles.astype(np.int64), corners)


def _require_numbers(mesh: Mesh, path: Path) -> None:
    if not len(mesh.faces):
        raise InputError("has no faces; a template needs a surface, not points", where=path)
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InputError(
            f"faces name vertices {int(mesh.faces.min())} to {int(mesh.faces.max())}, but there "
            f"are {len(mesh.vertices)}, counted from 0",
            where=path,
        )
    bad = ~np.isfinite(mesh.vertices).all(axis=1)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} vertices are not finite numbers, the first is vertex "
            f"{int(np.argmax(bad))}",
            where=path,
        )
    if mesh.uv is not None and not np.isfinite(mesh.uv).all():
        raise InputError("texture coordinates are not finite numbers", where=path)


def _welded(mesh: Mesh) -> Mesh:
    """Return the mesh with one vertex at each place, in order, and no face that is a line."""
    _, first, same = np.unique(mesh.vertices, axis=0, return_index=True, return_inverse=True)
    one = first[same.ravel()]
    faces = one[mesh.faces]
    whole = (faces != np.roll(faces, -1, axis=1)).all(axis=1)
    return _compact(replace(mesh, faces=faces), whole, one)


def _largest(mesh: Mesh) -> Mesh:
    piece = _pieces(mesh.faces, len(mesh.vertices))
    kept = piece == np.bincount(piece).argmax()
    numbers = np.arange(len(mesh.vertices)) if mesh.numbers is None else mesh.numbers
    return _compact(mesh, kept, numbers)


def _compact(mesh: Mesh, kept: NDArray[np.bool_], numbers: IntArray) -> Mesh:
    """Return the mesh of the faces ``kept`` (F,) and their vertices, numbered anew."""
    used, local = np.unique(mesh.faces[kept], return_inverse=True)
    new = np.full(len(mesh.vertices) + 1, -1)
    new[used] = np.arange(len(used))
    return Mesh(
        mesh.vertices[used],
        local.reshape(-1, 3),
        None if mesh.uv is None else mesh.uv[kept],
        new[numbers],  # -1 is the last place, which stays -1
    )


def _pieces(faces: IntArray, size: int) -> IntArray:
    """Return the connected piece (F,) of each face, counted from 0."""
    links = (np.ones(faces.size), (faces.ravel(), np.roll(faces, -1, axis=1).ravel()))
    label = connected_components(coo_array(links, shape=(size, size)), directed=False)[1]
    return np.unique(label[faces[:, 0]], return_inverse=True)[1].astype(np.int64)


def _fans(faces: IntArray) -> IntArray:
    """Return how many separate fans of faces meet at each vertex: one on a surface.

    Corners are joined across shared edges; around a vertex each joined group is a fan.
    """
    size = int(faces.max()) + 1
    corner = np.arange(faces.size).reshape(faces.shape)
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)
    corners = np.stack([corner, np.roll(corner, -1, axis=1)], axis=2)
    order = np.argsort(ends, axis=2)
    ends, corners = np.take_along_axis(ends, order, 2), np.take_along_axis(corners, order, 2)
    key = (ends[..., 0] * size + ends[..., 1]).ravel()
    by_edge = np.argsort(key, kind="stable")
    pair = np.flatnonzero(np.diff(key[by_edge]) == 0)
    left, right = corners.reshape(-1, 2)[by_edge[pair]], corners.reshape(-1, 2)[by_edge[pair + 1]]
    links = (np.ones(left.size), (left.ravel(), right.ravel()))
    fan = connected_components(coo_array(links, shape=(faces.size,) * 2), directed=False)[1]
    distinct = np.unique(np.stack([faces.ravel(), fan], axis=1), axis=0)
    return np.bincount(distinct[:, 0], minlength=size).astype(np.int64)
