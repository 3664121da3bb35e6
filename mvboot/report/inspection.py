"""What a file that mvboot wrote holds, and its provenance."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mvboot.config import parse_yaml, read_text
from mvboot.errors import InputError
from mvboot.formats.rig_format import read_json
from mvboot.formats.rigs import load_rig
from mvboot.formats.tables import metadata_of


def file_facts(path: Path) -> dict[str, Any]:
    """Return plain facts of a Parquet table, a summary.json or a rig; InputError for others."""
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
    raise InputError("is no mvboot file: Parquet table, summary.json or rig.yaml", where=path)


def _table_facts(path: Path) -> dict[str, Any]:
    metadata = metadata_of(path)
    if not metadata:
        raise InputError("is no mvboot table: it has no provenance, or is cut off", where=path)
    return {**metadata, "rows": pq.read_metadata(path).num_rows}
