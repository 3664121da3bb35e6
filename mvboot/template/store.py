"""Templates in files: one NPZ, no pickles, the same bytes for the same template."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.guard import reading
from mvboot.mesh.reading import load_arrays
from mvboot.template.charts import Charts
from mvboot.template.skeleton import Skeleton
from mvboot.template.template import Template, require_topology

SHIPPED = ("body", "quadruped")
SCHEMA = 1
MESHES = (".ply", ".obj", ".glb", ".gltf", ".stl", ".off")
MAKE_ONE = "make one of a mesh with mvboot template FILE --units UNIT --out TEMPLATE.npz"
_SINGLE = ("vertices", "embedding", "shapes", "uv")
_SKELETON = ("parents", "heads", "tails", "axes", "limits", "head_shapes")


def load_template(name: str | Path) -> Template:
    """Return a shipped template ("body", "quadruped") or one from an NPZ file.

    Raises
    ------
    InputError
        No such file, a damaged one, a mesh instead of a template, or faces that do not have the
        hash the file states.
    """
    if name in SHIPPED:
        with as_file(files("mvboot") / "assets" / f"{name}.npz") as path:
            return read_template(path)
    return read_template(name)


def write_template(template: Template, path: str | Path) -> None:
    """Write a template; what there is per vertex or face is stored in single precision."""
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "keypoints": list(template.keypoints),
        "edges": [list(edge) for edge in template.edges],
        "parts": [] if template.charts is None else list(template.charts.names),
        "bones": [] if template.skeleton is None else list(template.skeleton.names),
    }
    header |= {n: getattr(template, n) for n in ("name", "units", "up", "forward", "licence")}
    arrays: dict[str, Any] = {
        "header": json.dumps(header),
        "topology": template.topology,
        "vertices": template.vertices,
        "faces": template.faces,
        "embedding": template.embedding,
        "symmetry": template.symmetry,
        "shapes": template.shapes,
    }
    arrays |= _chart_arrays(template.charts) | _skeleton_arrays(template.skeleton)
    arrays |= _keypoint_arrays(template)
    stored: dict[str, Any] = {
        name: _compact(name, values) for name, values in arrays.items() if values is not None
    }
    with atomic_file(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **stored)


def read_template(path: str | Path) -> Template:
    """Read a template file; see `load_template` for what is refused."""
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"there is no such template file; shipped templates: {', '.join(SHIPPED)}", path
        )
    if path.suffix.lower() in MESHES:
        raise InputError(f"is a mesh, not a template; {MAKE_ONE}", where=path)
    with reading(path, "template"):
        return _template(path)


def _template(path: Path) -> Template:
    arrays = load_arrays(path)
    if "header" not in arrays or "topology" not in arrays:
        raise InputError(f"is not a template; {MAKE_ONE}", where=path)
    try:
        template = _built(json.loads(str(arrays["header"])), arrays)
    except InputError as error:
        raise InputError(error.message, where=path) from None
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"is a damaged template: {error!r}", where=path) from None
    require_topology(template, str(arrays["topology"]), path)
    return template


def _built(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Template:
    if header.get("schema") != SCHEMA:
        raise InputError(f"has schema {header.get('schema')}, this version reads {SCHEMA}")
    wide: dict[str, Any] = {
        name: values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
        for name, values in arrays.items()
        if values.dtype.kind in "fiu"
    }
    return Template(
        name=header["name"],
        units=header["units"],
        vertices=wide["vertices"],
        faces=wide["faces"],
        up=header["up"],
        forward=header["forward"],
        embedding=wide.get("embedding"),
        symmetry=wide.get("symmetry"),
        shapes=wide.get("shapes"),
        licence=header["licence"],
        charts=_charts(header["parts"], wide),
        skeleton=_skeleton(header["bones"], wide),
        keypoints=_keypoints(header["keypoints"], wide),
        edges=tuple((a, b) for a, b in header["edges"]),
    )


def _chart_arrays(charts: Charts | None) -> dict[str, Any]:
    if charts is None:
        return {}
    return {"parts": charts.parts, "uv": charts.uv, "part_symmetry": charts.symmetry}


def _charts(names: list[str], wide: dict[str, Any]) -> Charts | None:
    if not names:
        return None
    return Charts(tuple(names), wide["parts"], wide["uv"], wide.get("part_symmetry"))


def _skeleton_arrays(skeleton: Skeleton | None) -> dict[str, Any]:
    if skeleton is None:
        return {}
    weights = skeleton.weights
    arrays = {f"skeleton_{name}": getattr(skeleton, name) for name in _SKELETON}
    return arrays | {
        "weight_rows": weights.indptr,
        "weight_bones": weights.indices,
        "weights": weights.data,
    }


def _skeleton(names: list[str], wide: dict[str, Any]) -> Skeleton | None:
    if not names:
        return None
    entries = (wide["weights"], wide["weight_bones"], wide["weight_rows"])
    weights = csr_array(entries, shape=(len(wide["weight_rows"]) - 1, len(names)))
    return Skeleton(
        names=tuple(names),
        weights=weights,
        **{name: wide[f"skeleton_{name}"] for name in _SKELETON},
    )


def _keypoint_arrays(template: Template) -> dict[str, Any]:
    if not template.keypoints:
        return {}
    ids, weights = zip(*template.keypoints.values(), strict=True)
    return {
        "keypoint_sizes": np.array([len(each) for each in ids]),
        "keypoint_vertices": np.concatenate(ids),
        "keypoint_weights": np.concatenate(weights),
    }


def _keypoints(names: list[str], wide: dict[str, Any]) -> dict[str, Any]:
    if not names:
        return {}
    cuts = np.cumsum(wide["keypoint_sizes"])[:-1]
    ids = np.split(wide["keypoint_vertices"], cuts)
    weights = np.split(wide["keypoint_weights"], cuts)
    return dict(zip(names, zip(ids, weights, strict=True), strict=True))


def _compact(name: str, values: Any) -> NDArray[Any]:
    """Return an array in the smallest usual type: int16 or int32, float32 for the large ones."""
    array = np.asarray(values)
    if name in _SINGLE:
        return array.astype(np.float32)
    if array.dtype.kind in "iu":
        return array.astype(np.int16 if np.abs(array).max(initial=0) < 2**15 else np.int32)
    return array
