"""`save_surface`: one door to every written form of a surface."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mvboot.errors import InputError
from mvboot.formats.glb import write_glb
from mvboot.formats.ply import write_ply
from mvboot.formats.wavefront import write_obj
from mvboot.mesh.surface_mesh import SurfaceMesh


class SurfaceExport(NamedTuple):
    """One written form: a line for people and the writer; its suffix is its name."""

    title: str
    write: Callable[[SurfaceMesh, Path], None]


SURFACE_EXPORTS = {
    "ply": SurfaceExport("everything known of each vertex", write_ply),
    "obj": SurfaceExport("for exchange, with texture", write_obj),
    "glb": SurfaceExport("for viewing, in metres and y up, with texture", write_glb),
}


def save_surface(mesh: SurfaceMesh, path: str | Path) -> None:
    """Write a mesh in the form of the path's suffix; InputError for an unknown one."""
    path = Path(path)
    named_surface_export(path.suffix.lower().removeprefix(".")).write(mesh, path)


def named_surface_export(name: str) -> SurfaceExport:
    """Return a form by name; InputError listing the known ones."""
    if name not in SURFACE_EXPORTS:
        known = ", ".join(SURFACE_EXPORTS)
        raise InputError(f"unknown form of a surface {name!r}; known are {known}")
    return SURFACE_EXPORTS[name]
