"""SurfaceMesh: a surface ready for a file, with what is known of each vertex."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mvboot import __version__
from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M, UP_AXES
from mvboot.units import UNIT_NAMES

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """A triangle mesh with units, measures per vertex, and perhaps a picture on it.

    Parameters
    ----------
    units
        Of all lengths: "m", "cm", "mm" or "um".
    vertices, faces
        (V, 3) and (F, 3), faces counterclockwise as seen from outside.
    up
        Axis of the world that points up, or None where unknown.
    normals
        (V, 3) unit normals, or None.
    colours
        (V, 3) RGB of the vertices, or None.
    error_px
        (V,) how far the vertex projects from where its views show it; NaN unknown. None: no such
        measure.
    sigma
        (V,) standard deviation of the place along one axis, in ``units``; NaN and None likewise.
    n_views
        (V,) how many views agreed; None: not counted.
    visible
        (V,) whether the vertex was seen; where not, something else put it there. None likewise.
    uv, texture
        (F, 3, 2) places of the face corners in the picture (h, w, 3) RGB, in [0, 1], v upwards.
    origin
        (3,) place in the mesh's world from which GLB counts, whose numbers are single; None: zero,
        or the middle of a mesh so far from zero that they would round it.
    rig, template
        Hashes of what it was made with (`Rig.fingerprint`, `Template.topology`), or "".
    notes
        Anything else that a file should state, such as the frame: one line each.

    Raises
    ------
    InputError
        No units, an unknown up axis, shapes that do not fit together.
    """

    units: str
    vertices: Floats
    faces: IntArray
    up: str | None = None
    normals: Floats | None = None
    colours: Bytes | None = None
    error_px: Floats | None = None
    sigma: Floats | None = None
    n_views: IntArray | None = None
    visible: Bools | None = None
    uv: Floats | None = None
    texture: Bytes | None = None
    origin: Floats | None = None
    rig: str = ""
    template: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.units not in UNITS_IN_M:
            raise InputError(f"the mesh has units {self.units!r}; state one of {UNIT_NAMES}")
        if self.up is not None and self.up not in UP_AXES:
            raise InputError(f"up must be one of {', '.join(UP_AXES)}, got {self.up!r}")
        size = len(self.vertices)
        shapes = {
            "vertices": (size, 3),
            "origin": (3,),
            "normals": (size, 3),
            "colours": (size, 3),
            "faces": (len(self.faces), 3),
            "uv": (len(self.faces), 3, 2),
            **dict.fromkeys(("error_px", "sigma", "n_views", "visible"), (size,)),
        }
        for name, expected in shapes.items():
            values = getattr(self, name)
            if values is not None and values.shape != expected:
                raise InputError(f"the mesh's {name} have shape {values.shape}, not {expected}")
        if self.faces.size and not (self.faces.min() >= 0 and self.faces.max() < size):
            raise InputError(f"faces name vertices that are not among the mesh's {size}")
        if (self.uv is None) != (self.texture is None):
            raise InputError("a texture needs uv of the faces' corners, and uv a texture")

    @property
    def statement(self) -> dict[str, str]:
        """What every file states besides the mesh: words by name."""
        known = {
            "made by": f"mvboot {__version__}",
            "units": self.units,
            "up": self.up or "unknown",
            "rig": self.rig or "none",
            "template": self.template or "none",
        }
        return known | {name: " ".join(text.split()) for name, text in self.notes.items()}
