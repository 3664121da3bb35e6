"""The container of GLB (glTF 2.0): arrays in one binary block, and JSON that says what they are."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.files import atomic_file

Json = dict[str, Any]

COMPONENTS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
SHAPES = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTICES, INDICES = 34962, 34963
"""What a view of the block is for: vertex attributes, and the faces that name them."""
MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942


class Gltf:
    """A glTF document in the making; its parts are lists that refer to each other by position."""

    def __init__(self, asset: Json) -> None:
        self._document: Json = {"asset": {"version": "2.0", **asset}}
        self._binary = bytearray()

    def add(self, kind: str, part: Json) -> int:
        """Append a part ("nodes", "meshes", ...) and return its position."""
        parts: list[Json] = self._document.setdefault(kind, [])
        parts.append(part)
        return len(parts) - 1

    def array(
        self, values: NDArray[Any], kind: str, target: int | None = None, bounds: bool = False
    ) -> int:
        """Append an array, its first axis the elements, and return the position of its accessor.

        ``kind`` is the type of its numbers (`COMPONENTS`). Matrices are stored by columns.
        ``bounds`` states least and greatest, as glTF wants for places and times.
        """
        stored = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
        flat = stored.mT if stored.ndim == 3 else stored
        view = self._view(flat.tobytes(), target)
        accessor: Json = {
            "bufferView": view,
            "componentType": COMPONENTS[kind],
            "count": len(stored),
            "type": SHAPES[stored.shape[1:]],
        }
        if bounds:
            rows = stored.reshape(len(stored), -1)
            accessor |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        return self.add("accessors", accessor)

    def picture(self, content: bytes) -> int:
        """Append a PNG picture and return the position of a texture that shows it."""
        image = {"bufferView": self._view(content, None), "mimeType": "image/png"}
        source = self.add("images", image)
        sampler = self.add("samplers", {"wrapS": 33071, "wrapT": 33071})  # clamped to the edge
        return self.add("textures", {"source": source, "sampler": sampler})

    def show(self, *roots: int) -> None:
        """Make a scene of some nodes the one that is shown."""
        self._document["scene"] = self.add("scenes", {"nodes": list(roots)})

    def write(self, path: Path) -> None:
        """Write the document as a GLB file."""
        document = self._document | {"buffers": [{"byteLength": len(self._binary)}]}
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self._binary) + b"\0" * (-len(self._binary) % 4)
        total = 12 + 8 + len(text) + 8 + len(binary)
        with atomic_file(path) as partial, open(partial, "wb") as stream:
            stream.write(struct.pack("<3I", MAGIC, VERSION, total))
            stream.write(struct.pack("<2I", len(text), JSON_CHUNK) + text)
            stream.write(struct.pack("<2I", len(binary), BINARY_CHUNK) + binary)

    def _view(self, content: bytes, target: int | None) -> int:
        view: Json = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(content)}
        if target is not None:
            view["target"] = target
        self._binary += content + b"\0" * (-len(content) % 4)
        return self.add("bufferViews", view)
