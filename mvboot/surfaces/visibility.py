"""Which vertices of a surface each camera sees: nothing of the surface lies before them."""

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.raycast import RayCaster
from mvboot.rig import Rig

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLEAR = 0.25
"""Rays start so many edges before the vertex: its own faces do not hide it."""


def visible_vertices(vertices: Floats, faces: IntArray, rig: Rig) -> Bools:
    """Return which vertices (V, 3) of a mesh with faces (F, 3) each camera sees, (C, V).

    A ray from the vertex to the camera must meet no face; so a vertex on the far side of a closed
    mesh is hidden whichever way its faces look. Vertices outside the picture are not seen either.
    The rig is in the unit of the vertices and at its poses in one frame (`Rig.at`), else
    ValueError.
    """
    caster = RayCaster(vertices, faces)
    edges = vertices[faces] - vertices[np.roll(faces, 1, axis=1)]
    clear = CLEAR * float(np.median(np.linalg.norm(edges, axis=-1)))
    seen = np.zeros((len(rig), len(vertices)), dtype=np.bool_)
    for row, name in enumerate(rig.names):
        camera = rig[name]
        camera.require_one_pose()
        way = camera.center.numpy() - vertices
        away = np.linalg.norm(way, axis=1)
        way = way / np.maximum(away, 1e-12)[:, None]
        pixels = np.asarray(camera.project(vertices))
        inside = np.isfinite(pixels[:, 0])
        if camera.size is not None:
            inside &= ((pixels > -0.5) & (pixels < np.subtract(camera.size, 0.5))).all(1)
        seen[row] = inside & ~caster.blocked(vertices + clear * way, way, away - clear)
    return seen
