"""PLY, binary little endian: the mesh and what is known of each of its vertices.

Vertex properties are ``x y z``, then those that are known of ``nx ny nz``, ``red green blue``,
``error`` (px), ``sigma`` (unit of the file), ``n_views`` and ``visible`` (0 or 1). Comments state
unit, up axis, and the hashes of rig and template as ``name: value``. PLY itself has no place for a
texture: write OBJ or GLB for that.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.guard import reading
from mvboot.mesh.surface_mesh import SurfaceMesh

TYPES = {
    **dict.fromkeys(("char", "int8"), "<i1"),
    **dict.fromkeys(("uchar", "uint8"), "<u1"),
    **dict.fromkeys(("short", "int16"), "<i2"),
    **dict.fromkeys(("ushort", "uint16"), "<u2"),
    **dict.fromkeys(("int", "int32"), "<i4"),
    **dict.fromkeys(("uint", "uint32"), "<u4"),
    **dict.fromkeys(("float", "float32"), "<f4"),
    **dict.fromkeys(("double", "float64"), "<f8"),
}
WORDS = {"f4": "float", "f8": "double", "u1": "uchar", "u2": "ushort"}
STATED = ("units", "up", "rig", "template", "made by")
OTHERS = "other programs' files are read by mvboot.mesh.reading.read_mesh"


def write_ply(mesh: SurfaceMesh, path: Path) -> None:
    """Write a mesh without its texture; places are floats, or doubles far from the origin."""
    columns = _columns(mesh)
    kinds = [(name, f"<{kind}") for name, kind, _ in columns]
    vertices = np.empty(len(mesh.vertices), dtype=kinds)
    for name, _, values in columns:
        vertices[name] = values
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    header = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {name}: {value}" for name, value in mesh.statement.items()),
        f"element vertex {len(vertices)}",
        *(f"property {WORDS[kind]} {name}" for name, kind, _ in columns),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    with atomic_file(path) as partial, open(partial, "wb") as stream:
        stream.write(("\n".join(header) + "\n").encode())
        stream.write(vertices.tobytes())
        stream.write(faces.tobytes())


def read_ply(path: str | Path) -> SurfaceMesh:
    """Read what `write_ply` wrote; InputError for a damaged file, or one that states no unit."""
    path = Path(path)
    with reading(path, "PLY"):
        return _surface(path)


def _surface(path: Path) -> SurfaceMesh:
    content = _read(path)
    notes = dict(content.notes)
    if "units" not in notes:
        raise InputError(f"states no units, so mvboot did not write it; {OTHERS}", where=path)
    stated = {name: notes.pop(name, "") for name in STATED}
    try:
        return SurfaceMesh(
            stated["units"],
            *content.triangles(),
            up=None if stated["up"] in ("", "unknown") else stated["up"],
            normals=content.columns("nx ny nz", np.float64),
            colours=content.columns("red green blue", np.uint8),
            error_px=content.column("error", np.float64),
            sigma=content.column("sigma", np.float64),
            n_views=content.column("n_views", np.int64),
            visible=content.column("visible", np.bool_),
            rig="" if stated["rig"] == "none" else stated["rig"],
            template="" if stated["template"] == "none" else stated["template"],
            notes=notes,
        )
    except InputError as error:
        raise InputError(error.message, where=path) from None


def read_triangles(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return vertices (V, 3) and faces (F, 3) of any binary little endian PLY of triangles."""
    with reading(path, "PLY"):
        return _read(path).triangles()


@dataclass(frozen=True)
class _Content:
    """Rows of a PLY file's vertices and faces, and its comments ``name: text``."""

    vertices: NDArray[Any]
    faces: NDArray[Any]
    notes: dict[str, str]

    def triangles(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        places = np.stack([self.vertices[axis] for axis in "xyz"], -1)
        return places.astype(np.float64), self.faces["corners"].astype(np.int64)

    def columns(self, names: str, kind: Any) -> NDArray[Any] | None:
        values = [self.column(name, kind) for name in names.split()]
        present = [one for one in values if one is not None]
        return np.stack(present, -1) if len(present) == len(values) else None

    def column(self, name: str, kind: Any) -> NDArray[Any] | None:
        there = name in (self.vertices.dtype.names or ())
        return self.vertices[name].astype(kind) if there else None


def _read(path: Path) -> _Content:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None
    head, mark, body = content.partition(b"end_header\n")
    lines = head.decode(errors="replace").splitlines()
    if not mark or lines[:2] != ["ply", "format binary_little_endian 1.0"]:
        raise InputError(f"is no binary little endian PLY file; {OTHERS}", where=path)
    try:
        elements = _elements(lines)
        (size, row), (count, face) = elements["vertex"], elements["face"]
        vertices = np.frombuffer(body, row, size)
        faces = np.frombuffer(body, face, count, vertices.nbytes)
        whole = {"x", "y", "z"} <= set(row.names or ()) and (faces["count"] == 3).all()
    except (KeyError, ValueError, IndexError):
        whole = False
    if not whole:
        raise InputError("is damaged or cut off, or holds anything but triangles", where=path)
    pairs = (line.removeprefix("comment ").partition(": ") for line in lines if ": " in line)
    return _Content(vertices, faces, {name: text for name, _, text in pairs})


def _columns(mesh: SurfaceMesh) -> list[tuple[str, str, NDArray[Any]]]:
    """Return name, type and values (V,) of every vertex property there is."""
    known: tuple[tuple[str, str, NDArray[Any] | None], ...] = (
        ("x y z", _precision(mesh.vertices), mesh.vertices),
        ("nx ny nz", "f4", mesh.normals),
        ("red green blue", "u1", mesh.colours),
        ("error", "f4", mesh.error_px),
        ("sigma", "f4", mesh.sigma),
        ("n_views", "u2", mesh.n_views),
        ("visible", "u1", mesh.visible),
    )
    return [
        (name, kind, values.reshape(len(values), -1)[:, i])
        for names, kind, values in known
        if values is not None
        for i, name in enumerate(names.split())
    ]


def _precision(vertices: NDArray[np.float64]) -> str:
    """Return the type of places: doubles in a world so far away that floats would round them."""
    if not len(vertices):
        return "f4"
    step = float(np.spacing(np.float32(np.abs(vertices).max()))) / 2
    return "f8" if step > 1e-6 * float(np.ptp(vertices, axis=0).max()) else "f4"


def _elements(lines: list[str]) -> dict[str, tuple[int, np.dtype[Any]]]:
    """Return count and type of a row of each element, in the order of the file."""
    found: dict[str, tuple[int, np.dtype[Any]]] = {}
    name, count = "", 0
    properties: list[Any] = []
    for line in [*lines, "element  0"]:
        words = line.split(" ")
        if words[0] == "element":
            if name:
                found[name] = (count, np.dtype(properties))
            name, count, properties = words[1], int(words[2]), []
        elif words[:2] == ["property", "list"]:
            properties += [("count", TYPES[words[2]]), ("corners", TYPES[words[3]], 3)]
        elif words[0] == "property":
            properties.append((words[2], TYPES[words[1]]))
    if list(found) != ["vertex", "face"] or min(size for size, _ in found.values()) < 0:
        raise ValueError("other elements")
    return found
