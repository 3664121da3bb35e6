"""Dense fields in files: our NPZ, and the IUV pictures of DensePose."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.fields.crop import Crop
from mvboot.fields.field import DenseField
from mvboot.files import atomic_file
from mvboot.guard import reading
from mvboot.npz import NpzFile
from mvboot.sizes import require_png_chunks, require_size

SCHEMA = 1
PNG = b"\x89PNG"
UNPACKED = 5
"""Bytes that each byte of an IUV picture becomes."""
ARRAYS = frozenset(
    ("schema", "kind", "known", "coordinates", "foreground", "confidence")
    + ("original_from_grid", "topology", "camera", "frame")
)


def write_field(field: DenseField, path: str | Path) -> None:
    """Write a compressed NPZ without pickles; the same field gives the same bytes.

    Coordinates are stored for the pixels of the subject only, (n, D) in reading order.
    """
    arrays: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": field.kind,
        "known": field.known if field.part is None else field.part,
        "coordinates": field.coordinates[field.known],
        "foreground": field.foreground,
        "original_from_grid": field.grid.original_from_crop,
        "topology": field.topology,
        "camera": field.camera,
        "frame": field.frame,
    }
    if field.confidence is not None:
        arrays["confidence"] = field.confidence
    with atomic_file(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_field(path: str | Path) -> DenseField:
    """Read what `write_field` wrote; InputError for a missing or damaged file."""
    if not Path(path).is_file():
        raise InputError("no such field", where=path)
    if not zipfile.is_zipfile(path):
        raise InputError("cannot be read as a field: it is no NPZ file, or is cut off", where=path)
    with NpzFile(path, "a field") as file:
        arrays = file.several(name for name in file.names if name in ARRAYS)
    with reading(Path(path), "field"):
        if int(arrays["schema"]) != SCHEMA:
            raise InputError(f"has schema {arrays['schema']}, this version reads {SCHEMA}", path)
        try:
            return _field(arrays, Path(path))
        except InputError as error:
            raise InputError(str(error), where=path) from None


def _field(arrays: dict[str, NDArray[Any]], path: Path) -> DenseField:
    subject = arrays["known"] > 0
    if subject.ndim != 2 or arrays["coordinates"].ndim != 2:
        raise InputError("its coordinates are not those of a picture's pixels")
    shape = (*subject.shape, arrays["coordinates"].shape[1])
    require_size(shape, "its coordinates", path, path.stat().st_size, 4)
    empty = 0.0 if str(arrays["kind"]) == "charts" else np.nan
    coordinates = np.full(shape, empty, np.float32)
    coordinates[subject] = arrays["coordinates"]
    height, width = subject.shape
    return DenseField(
        part=arrays["known"] if str(arrays["kind"]) == "charts" else None,
        coordinates=coordinates,
        foreground=arrays["foreground"],
        confidence=arrays.get("confidence"),
        grid=Crop(arrays["original_from_grid"], (width, height)),
        topology=str(arrays["topology"]),
        camera=str(arrays["camera"]),
        frame=int(arrays["frame"]),
    )


def read_iuv(
    path: str | Path, topology: str, camera: str, frame: int, grid: Crop | None = None
) -> DenseField:
    """Read an IUV picture: channels part, u, v as OpenCV loads them (I in the blue one).

    u and v run from 0 to 255. The picture itself does not say which mesh its coordinates refer
    to, whose picture it is, or where a cut one lay: ``topology``, ``camera``, ``frame`` and
    ``grid`` (none: the whole original) do. InputError unless it has three channels of 8 bits.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
        _require_size(content, path)
        require_png_chunks(content.data, path)
        picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise InputError("cannot be read as a picture; is it damaged or cut off?", where=path)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(
            f"is no IUV picture: it needs three channels of 8 bits, but has {picture.dtype} of "
            f"shape {picture.shape}",
            where=path,
        )
    uv = picture[..., 1:].astype(np.float32) / 255
    try:
        return DenseField.of_charts(picture[..., 0], uv, topology, camera, frame, grid=grid)
    except InputError as error:
        raise InputError(str(error), where=path) from None


def _require_size(content: NDArray[np.uint8], path: str | Path) -> None:
    """Raise InputError for a PNG whose header states more pixels than its bytes could hold."""
    start = content[:24].tobytes()
    if start.startswith(PNG) and len(start) == 24:
        size = struct.unpack(">2I", start[16:])
        require_size([*size, 3], f"{size[0]} x {size[1]} px", path, content.size, UNPACKED)


def write_iuv(field: DenseField, path: str | Path) -> None:
    """Write a field of charts as such a picture; u and v are rounded to 1/255.

    Foreground, confidence and topology do not fit into it. InputError for an embedding.
    """
    if field.part is None:
        raise InputError("an embedding has no parts and cannot be an IUV picture", where=path)
    uv = np.round(field.coordinates * 255).astype(np.uint8)
    picture = np.concatenate([field.part[..., None], uv], axis=-1)
    with atomic_file(path) as partial:
        partial.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
