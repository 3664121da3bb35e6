"""What a file that mvboot wrote holds, and its provenance."""

import shlex
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mvboot.config import parse_yaml
from mvboot.errors import InputError
from mvboot.formats.folder_kinds import folder_kind
from mvboot.formats.ply import read_ply
from mvboot.formats.rigs import load_cameras, load_rig
from mvboot.formats.tables import metadata_of
from mvboot.npz import NpzFile
from mvboot.reading import read_json, read_text
from mvboot.surfaces.store import SurfaceFile
from mvboot.template import Template, load_template

MESHES = (".obj", ".stl", ".off", ".glb")


def file_facts(path: Path) -> dict[str, Any]:
    """Return plain facts of a table, a summary.json, a rig or surfaces; InputError for others."""
    if path.is_dir() and (path / "summary.json").is_file():
        path = path / "summary.json"
    if not path.is_file():
        raise InputError(_of_folder(path) if path.is_dir() else "no such file or folder", path)
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
        if {"vertices", "faces"} <= {*names} and "header" not in names:
            raise InputError(_template_of(path), where=path)
        if "header" in names and "topology" in names:
            return _template_facts(load_template(path))
        return _surface_facts(SurfaceFile(path))
    if path.suffix.lower() in MESHES or (path.suffix == ".ply" and not _is_ours(path)):
        raise InputError(_template_of(path), where=path)
    if path.suffix == ".ply":
        return {"kind": "surface mesh", **read_ply(path).statement}
    raise InputError(
        "is no mvboot file: Parquet table, summary.json, rig.yaml, surface.npz or PLY of a surface",
        where=path,
    )


def _template_of(path: Path) -> str:
    """Return what to do with a mesh of another program."""
    out = shlex.quote(str(path.with_name(f"{path.stem}_template.npz")))
    return (
        "is a mesh that says nothing of itself; a template of it is made with `mvboot template "
        f"{shlex.quote(str(path))} --units mm --out {out}` (or m, cm, um: its unit)"
    )


def _is_ours(path: Path) -> bool:
    try:
        return bool(read_ply(path).statement)
    except InputError:
        return False


def _of_folder(path: Path) -> str:
    """Return what to do with a folder that is no result."""
    if not any(path.iterdir()):
        return "is an empty folder"
    with suppress(InputError):
        load_cameras(path)
        return f"is a rig; `mvboot rig show {shlex.quote(str(path))}` tells of it"
    kind = folder_kind(path)
    if kind is None:
        return "is a folder without a summary.json; name one of the files in it"
    command = "triangulate" if kind.option == "--keypoints" else "capture"
    return (
        f"is a folder of {kind.what}, no result; go on with `mvboot {command} --rig RIG "
        f"{kind.option} {kind.path} --out OUT`, with your rig's file for RIG"
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
