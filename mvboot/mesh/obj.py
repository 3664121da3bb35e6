"""Wavefront OBJ: vertices in the file's own order, and texture coordinates per face corner.

General readers split and reorder vertices along texture seams; a template's vertex numbers
should be those that the user's other tools show.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def read_obj(path: Path) -> tuple[FloatArray, IntArray, FloatArray | None]:
    """Return vertices (V, 3), faces (F, 3) and uv (F, 3, 2), None where any corner has none.

    Larger faces become fans. ValueError for anything that is not OBJ, with the line.
    """
    vertices: list[list[float]] = []
    places: list[list[float]] = []
    corners: list[tuple[int, int | None]] = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        word, *values = line.split("#")[0].split() or [""]
        try:
            if word == "v":
                vertices.append([float(value) for value in values[:3]])
            elif word == "vt":
                places.append([float(value) for value in values[:2]])
            elif word == "f":
                ring = [_corner(value, len(vertices), len(places)) for value in values]
                for second, third in pairwise(ring[1:]):
                    corners += [ring[0], second, third]
        except ValueError:
            raise ValueError(f"line {number} is not OBJ: {line.strip()[:60]!r}") from None
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    faces = np.array([vertex for vertex, _ in corners], dtype=np.int64).reshape(-1, 3)
    textured = [place for _, place in corners if place is not None]
    if not corners or len(textured) < len(corners):
        return points, faces, None
    if min(textured) < 0 or max(textured) >= len(places):
        raise ValueError("faces name texture coordinates that are not there")
    return points, faces, np.array(places)[textured].reshape(-1, 3, 2)


def _corner(text: str, vertices: int, places: int) -> tuple[int, int | None]:
    """Return the vertex and the place of ``7/3/1``, counted from 0; negatives count back."""
    vertex, place, *_ = [*text.split("/"), ""]
    return _index(vertex, vertices), _index(place, places) if place else None


def _index(text: str, size: int) -> int:
    number = int(text)
    return number - 1 if number > 0 else size + number
