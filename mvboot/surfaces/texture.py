"""Texture: the colours of a surface, gathered from the cameras that see it, of many frames.

Each camera counts at a vertex by how many pixels it has for the surface there and how straight it
looks at it, and less and less towards the border of what it sees; between the vertices these
weights are interpolated, so that no seam is left where another camera takes over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, diags_array

from mvboot.errors import InputError
from mvboot.mesh.edges import edges_of
from mvboot.mesh.normals import unit, vertex_normals
from mvboot.rig import Rig
from mvboot.surfaces.visibility import visible_vertices
from mvboot.template import Located, Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

SIZE = 1024
GUTTER = 2
"""Texels around every chart that are painted too: players mix neighbouring texels."""
FEATHER = 4
"""Edges over which a camera fades out towards the border of what it sees."""
LAST = 1e-3
"""Weight of a camera right at that border: it counts where no other one sees the place."""
GRAZING = 0.25
"""Cosine of the angle below which a camera does not count: it sees the background beside it."""
UNSEEN = 128
"""Gray of what no camera saw."""
ROW = 4096
"""Pixels that OpenCV looks up in a row; it takes 32,767 at most."""


@dataclass(frozen=True, eq=False)
class Paint:
    """Colours of a template.

    ``colours`` (V, 3) RGB of the vertices and ``seen`` (V,), whether any camera saw them; gray
    where not. ``uv`` (F, 3, 2) and ``texture`` (h, w, 3) as in `SurfaceMesh`; None for a template
    without charts.
    """

    colours: Bytes
    seen: Bools
    uv: Floats | None = None
    texture: Bytes | None = None


class Painter:
    """Gathers the colours of one template, instant after instant.

    Parameters
    ----------
    template
        Its charts lie side by side in the texture, each in a square of its own; without charts
        only vertices get colours.
    size
        Width and height of the texture.

    Raises
    ------
    InputError
        A texture too small for the number of charts.
    """

    def __init__(self, template: Template, size: int = SIZE) -> None:
        self._template = template
        edges = edges_of(template.faces)
        ends, count = np.concatenate([edges, edges[:, ::-1]]), len(template.vertices)
        links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count)).tocsr()
        self._mean = diags_array(1 / np.maximum(links.sum(1), 1)) @ links
        self._atlas = None if template.charts is None else _Atlas.of(template, size)
        points = count + (0 if self._atlas is None else len(self._atlas.texels))
        self._total, self._colour = np.zeros(points), np.zeros((points, 3))

    def add(self, vertices: Floats, rig: Rig, pictures: Mapping[str, Bytes]) -> None:
        """Take the colours of one instant.

        Parameters
        ----------
        vertices
            (V, 3) of the surface, in the unit of the rig.
        rig
            The cameras at their poses in the frame.
        pictures
            RGB (h, w, 3) by camera; cameras without one are left out.

        Raises
        ------
        InputError
            A camera that the rig does not have, or a picture of another size than the camera's.
        """
        own = rig.subset(pictures)
        weights = self._weights(vertices, own)
        points, atlas = vertices, self._atlas
        if atlas is not None:
            points = np.concatenate([vertices, self._template.points(atlas.located, vertices)])
        for row, name in enumerate(own.names):
            _require_size(name, own, pictures[name])
            weight = weights[row]
            if atlas is not None:
                corners = weight[self._template.faces[atlas.located.faces]]
                spread = (atlas.located.barycentric * corners).sum(1)
                weight = np.concatenate([weight, spread])
            there = np.flatnonzero(weight > 0)
            pixels = np.asarray(own[name].project(points[there]))
            there, pixels = there[np.isfinite(pixels[:, 0])], pixels[np.isfinite(pixels[:, 0])]
            self._total[there] += weight[there]
            self._colour[there] += weight[there, None] * _looked_up(pictures[name], pixels)

    def paint(self) -> Paint:
        """Return what was gathered."""
        seen = self._total > 0
        mean = self._colour / np.where(seen, self._total, 1)[:, None]
        colours = np.where(seen[:, None], np.round(mean), UNSEEN).astype(np.uint8)
        size = len(self._template.vertices)
        if self._atlas is None:
            return Paint(colours, seen)
        texture = self._atlas.picture(colours[size:])
        return Paint(colours[:size], seen[:size], self._atlas.uv, texture)

    def _weights(self, vertices: Floats, rig: Rig) -> Floats:
        """Return how much each camera counts at each vertex (C, V), up to a common factor."""
        seen = visible_vertices(vertices, self._template.faces, rig)
        normals = vertex_normals(vertices, self._template.faces)
        weights = np.zeros(seen.shape)
        for row, name in enumerate(rig.names):
            camera = rig[name]
            way = camera.center.numpy() - vertices
            away = np.maximum(np.linalg.norm(way, axis=1), 1e-12)
            facing = (normals * unit(way)).sum(1)
            facing = np.where(facing > GRAZING, facing, 0.0)
            resolution = facing * (float(camera.K[0, 0]) / away) ** 2
            inside = seen[row] & ~(self._mean @ (~seen[row]).astype(np.float64) > 0)
            fade = inside.astype(np.float64)
            for _ in range(FEATHER):
                fade = inside * (self._mean @ fade)
            weights[row] = resolution * facing * (fade + LAST * seen[row])
        return weights


@dataclass(frozen=True, eq=False)
class _Atlas:
    """The charts of a template side by side in one picture."""

    size: int
    uv: Floats
    texels: IntArray
    """(n,) those that are painted, counted row by row from the top."""
    located: Located
    """The surface points (n,) that they show."""

    @staticmethod
    def of(template: Template, size: int) -> "_Atlas":
        charts = template.charts
        assert charts is not None
        across = int(np.ceil(np.sqrt(len(charts.names))))
        tile = size // across
        inner = tile - 2 * GUTTER
        if inner < 2 * GUTTER:
            raise InputError(
                f"a texture of {size} px has {tile} px for each of {len(charts.names)} charts; "
                "make it larger"
            )
        row, column = np.divmod(charts.parts - 1, across)
        x = column[:, None] * tile + GUTTER + inner * charts.uv[..., 0]
        y = row[:, None] * tile + GUTTER + inner * charts.uv[..., 1]
        down, right = np.divmod(np.arange(size * size), size)
        up = size - 1 - down  # v counts upwards
        part = (up // tile) * across + right // tile + 1
        used = np.unique(charts.parts)
        shown = np.flatnonzero((right < across * tile) & (up < across * tile) & np.isin(part, used))
        spots = np.stack([right % tile, up % tile], -1)[shown]
        located = template.locate(part[shown], (spots + 0.5 - GUTTER) / inner)
        assert located.distance is not None
        near = located.distance * inner <= GUTTER
        chosen = Located(located.faces[near], located.barycentric[near])
        return _Atlas(size, np.stack([x, y], -1) / size, shown[near], chosen)

    def picture(self, colours: Bytes) -> Bytes:
        """Return the picture (size, size, 3) with the texels' colours (n, 3)."""
        flat = np.full((self.size * self.size, 3), UNSEEN, dtype=np.uint8)
        flat[self.texels] = colours
        return flat.reshape(self.size, self.size, 3)


def _require_size(name: str, rig: Rig, picture: Bytes) -> None:
    size = rig[name].size
    if picture.ndim != 3 or (size is not None and picture.shape[1::-1] != tuple(size)):
        raise InputError(
            f"the picture of camera {name} has shape {picture.shape}, the camera has size {size}"
        )


def _looked_up(picture: Bytes, pixels: Floats) -> Floats:
    """Return colours (n, 3) at pixels (n, 2), interpolated, that of the border beyond it."""
    count = -(-len(pixels) // ROW) * ROW
    places = np.zeros((count, 2), np.float32)
    places[: len(pixels)] = pixels
    x, y = (places[:, axis].reshape(-1, ROW) for axis in (0, 1))
    if not count:
        return np.zeros((0, 3))
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, 3)[: len(pixels)].astype(np.float64)
