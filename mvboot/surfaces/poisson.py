"""Poisson surfaces (Kazhdan and Hoppe 2013) and their simplification, by pycolmap.

Both run in a process of their own: on points that make no surface the library ends the process it
runs in.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import NothingUsable
from mvboot.formats.ply import read_triangles, write_ply
from mvboot.mesh.surface_mesh import SurfaceMesh
from mvboot.surfaces.oriented import OrientedPoints

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

MESHING = """
import sys, pycolmap
options = pycolmap.PoissonMeshingOptions(
    depth=int(sys.argv[3]), trim=0.0, color=False, num_threads=1)
pycolmap.poisson_meshing(sys.argv[1], sys.argv[2], options)
"""
SIMPLIFYING = """
import sys, pycolmap
options = pycolmap.MeshSimplificationOptions(target_face_ratio=float(sys.argv[3]), num_threads=1)
pycolmap.simplify_mesh(sys.argv[1], sys.argv[2], options)
"""
NO_FACES = np.zeros((0, 3), dtype=np.int64)


def poisson_mesh(points: OrientedPoints, depth: int) -> tuple[Floats, IntArray]:
    """Return vertices (V, 3) and faces (F, 3) of a surface through oriented points.

    It has at most 2^depth cells along its longest side, and closes itself where there are no
    points. NothingUsable where the points make no surface.
    """
    middle, size = _frame(points.points)
    rows = SurfaceMesh(
        points.units, (points.points - middle) / size, NO_FACES, normals=points.normals
    )
    vertices, faces = _through(MESHING, rows, str(depth))
    return size * vertices + middle, faces


def simplified(vertices: Floats, faces: IntArray, count: int) -> tuple[Floats, IntArray]:
    """Return the mesh with about ``count`` faces: edges of the least error fall (Garland 1997)."""
    if len(faces) <= count:
        return vertices, faces
    middle, size = _frame(vertices)
    rows = SurfaceMesh("m", (vertices - middle) / size, faces)
    fewer, faces = _through(SIMPLIFYING, rows, repr(count / len(faces)))
    return size * fewer + middle, faces


def _through(program: str, mesh: SurfaceMesh, setting: str) -> tuple[Floats, IntArray]:
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.ply", Path(folder) / "found.ply"
        write_ply(mesh, given)
        command = [sys.executable, "-c", program, str(given), str(found), setting]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        vertices, faces = np.zeros((0, 3)), NO_FACES
        if ended.returncode == 0 and found.exists():
            vertices, faces = read_triangles(found)
    if not len(faces):
        said = ended.stderr.strip().splitlines()[-1:] or ["it gave no face"]
        raise NothingUsable(
            f"{len(mesh.vertices)} points make no surface ({said[0]}); do the fields and the "
            "cameras fit together?"
        )
    return vertices, faces


def _frame(points: Floats) -> tuple[Floats, float]:
    """Return middle and size of points: single precision holds more digits about zero."""
    low, high = points.min(0), points.max(0)
    return (low + high) / 2, max(float((high - low).max()), 1e-12)
