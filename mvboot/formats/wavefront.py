"""OBJ with its materials and texture: for exchange. `template.obj` reads it.

Vertices keep their order and number: texture coordinates have numbers of their own. Comments at
the top state unit, up axis and hashes; OBJ has no place for measures of the vertices.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.pictures import png
from mvboot.mesh.surface_mesh import SurfaceMesh


def write_obj(mesh: SurfaceMesh, path: Path) -> None:
    """Write a mesh; its texture goes beside it as ``.png``, with a ``.mtl`` that names it."""
    if " " in path.stem and mesh.texture is not None:
        raise InputError("the names in a textured OBJ must not have spaces; rename it", path)
    lines = [f"# {name}: {value}" for name, value in mesh.statement.items()]
    lines += _numbers("v", mesh.vertices)
    if mesh.normals is not None:
        lines += _numbers("vn", mesh.normals)
    places: NDArray[np.int64] | None = None
    if mesh.uv is not None and mesh.texture is not None:
        spots, places = np.unique(mesh.uv.reshape(-1, 2), axis=0, return_inverse=True)
        places = places.reshape(mesh.faces.shape)
        lines += _numbers("vt", spots)
        lines += [f"mtllib {path.stem}.mtl", "usemtl surface"]
        _write_material(mesh.texture, path)
    corner = _corner(mesh.normals is not None, places is not None)
    texture = mesh.faces if places is None else places
    lines += [
        "f " + " ".join(corner.format(v=v + 1, t=t + 1) for v, t in zip(face, spot, strict=True))
        for face, spot in zip(mesh.faces.tolist(), texture.tolist(), strict=True)
    ]
    with atomic_file(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _corner(normals: bool, texture: bool) -> str:
    if normals:
        return "{v}/{t}/{v}" if texture else "{v}//{v}"
    return "{v}/{t}" if texture else "{v}"


def _numbers(word: str, values: NDArray[np.float64]) -> list[str]:
    return [word + "".join(f" {value:.15g}" for value in row) for row in values.tolist()]


def _write_material(texture: NDArray[np.uint8], path: Path) -> None:
    picture, material = path.with_suffix(".png"), path.with_suffix(".mtl")
    with atomic_file(picture) as partial:
        partial.write_bytes(png(texture))
    with atomic_file(material) as partial:
        partial.write_text(
            f"newmtl surface\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {picture.name}\n",
            encoding="utf-8",
        )
