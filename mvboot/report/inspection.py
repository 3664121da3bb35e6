"""What a file that mvboot wrote holds, and its provenance."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mvboot.config import parse_yaml
from mvboot.errors import InputError
from mvboot.formats.ply import read_ply
from mvboot.formats.rigs import load_rig
from mvboot.formats.tables import metadata_of
from mvboot.npz import NpzFile
from mvboot.reading import read_json, read_text
from mvboot.surfaces.store import SurfaceFile
from mvboot.template import Template, load_template


def file_facts(path: Path) -> dict[str, Any]:
    """Return plain facts of a table, a summary.json, a rig or surfaces; InputError for others."""
    if path.is_dir() and (path / "summary.json").is_file():
        path = path / "summary.json"
    if not path.is_file():
        raise InputError("no such file, and no folder with a summary.json", where=path)
    if path.suffix == ".parquet":
        return _table_facts(path)
    if path.suffix == ".json" and path.name == "summary.json":
        content: dict[str, Any] = read_json(path)
        return content
    if path.name == "config.yaml":
        settings: dict[str, Any] = dict(parse_yaml(read_text(path), path))
        return settings
    if path.name.endswith((".yaml", ".yml")):
        rig = load_rig(path)
        return {
            "kind": "rig",
            "cameras": list(rig.names),
            "units": rig.units,
            "up": rig.up,
            "hash": rig.fingerprint(),
            "provenance": dict(rig.provenance),
        }
    if path.suffix == ".npz":
        with NpzFile(path) as file:
            names = file.names
        if "header" in names and "topology" in names:
            return _template_facts(load_template(path))
        return _surface_facts(SurfaceFile(path))
    if path.suffix == ".ply":
        return {"kind": "surface mesh", **read_ply(path).statement}
    raise InputError(
        "is no mvboot file: Parquet table, summary.json, rig.yaml, surface.npz or PLY of a surface",
        where=path,
    )


def _surface_facts(surfaces: SurfaceFile) -> dict[str, Any]:
    counted = Counter(individual for individual, _ in surfaces.keys)
    return {
        "kind": "surfaces",
        "units": surfaces.units,
        "template": surfaces.template,
        "rig": surfaces.rig,
        "cameras": list(surfaces.cameras),
        "version": surfaces.version,
        "frames": dict(counted),
    }


def _template_facts(template: Template) -> dict[str, Any]:
    return {
        "kind": "template",
        "name": template.name,
        "units": template.units,
        "up": template.up,
        "vertices": len(template.vertices),
        "bones": 0 if template.skeleton is None else len(template.skeleton.names),
        "keypoints": list(template.keypoints),
        "topology": template.topology,
        "licence": template.licence,
    }


def _table_facts(path: Path) -> dict[str, Any]:
    metadata = metadata_of(path)
    if not metadata:
        raise InputError("is no mvboot table: it has no provenance, or is cut off", where=path)
    return {**metadata, "rows": pq.read_metadata(path).num_rows}
