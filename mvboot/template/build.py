"""Any mesh made a template: canonical coordinates from nothing but its surface."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.mesh.reading import Mesh, read_mesh, require_outward
from mvboot.rig import UP_AXES
from mvboot.template.charts import automatic_charts, charts_of_uv
from mvboot.template.embedding import embed
from mvboot.template.landmarks import at_vertex
from mvboot.template.symmetry import mirror_vertices
from mvboot.template.template import Template
from mvboot.units import UNIT_WORDS


def template_of_mesh(
    path: str | Path,
    units: str | None = None,
    name: str | None = None,
    up: str | None = None,
    largest_piece: bool = False,
    licence: str = "",
    landmarks: Mapping[str, int] | None = None,
) -> Template:
    """Make a template of any mesh file: charts, an embedding and, where there is one, symmetry.

    Charts come from the file's texture coordinates, or are cut automatically where it has none
    or more islands than part numbers. The mirror is sought across x.

    Parameters
    ----------
    path
        PLY, OBJ, GLB, STL, OFF or NPZ (`read_mesh`).
    units
        Unit of the file's numbers, "m", "cm", "mm" or "um"; required: no such file states it.
    name
        What it is called; the file's name if left out.
    up
        Axis of the file that points up, if that is known; the v of automatic charts follows it.
    largest_piece
        Keep the piece with most faces of a mesh that has several, instead of refusing it.
    licence
        Terms of the mesh, to be kept with it.
    landmarks
        Vertices of the file, counted from 0, by the names of the template's keypoints.

    Raises
    ------
    InputError
        No unit, what `read_mesh` refuses, faces that look inwards, and landmarks at vertices that
        the surface does not have.
    """
    path = Path(path)
    if units is None:
        lacks = "a mesh file does not state its unit;"
        raise InputError(
            f"{lacks} give units: {UNIT_WORDS}",
            path,
            {"--units": f"{lacks} state it with --units: {UNIT_WORDS}"},
        )
    mesh = read_mesh(path, largest_piece)
    require_outward(mesh.vertices, mesh.faces, path.name)
    places = {
        name: at_vertex(_numbered(mesh, v, name, path)) for name, v in (landmarks or {}).items()
    }
    charts = None if mesh.uv is None else charts_of_uv(mesh.faces, mesh.uv)
    bare = Template(name or path.stem, units, mesh.vertices, mesh.faces, up, licence=licence)
    height = mesh.vertices @ np.asarray(UP_AXES[up or "z"])
    return replace(
        bare,
        charts=charts or automatic_charts(mesh.vertices, mesh.faces, height),
        embedding=embed(bare.graph),
        symmetry=mirror_vertices(mesh.vertices),
        keypoints=places,
    )


def _numbered(mesh: Mesh, vertex: int, name: str, path: Path) -> int:
    found = mesh.number(vertex)
    if found is None:
        raise InputError(
            f"landmark {name!r}: the surface has no vertex {vertex}; the file's vertices count "
            f"from 0 to {mesh.last}, and those without a face do not belong to it",
            where=path,
        )
    return found
