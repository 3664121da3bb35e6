"""GLB: a mesh, still or moving, y up and in metres as glTF prescribes.

Lengths are converted from the mesh's unit and its up axis is turned to y by a rotation; where the
up axis is unknown, axes stay as they are. ``asset.extras`` says what was done. Along the borders of
charts the vertices of a textured mesh are doubled: glTF has one texture coordinate a vertex.

Numbers are single. A world far from its origin is counted from another one: ``origin`` in the
extras says from where, in metres and y up, and so does the translation of the node, but for a mesh
that bones move: there players would multiply it with rounded weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.formats.gltf import INDICES, VERTICES, Gltf, Json
from mvboot.formats.pictures import png
from mvboot.formats.single import near_origin
from mvboot.formats.trc import Y_UP
from mvboot.mesh.surface_mesh import SurfaceMesh
from mvboot.rig import UNITS_IN_M

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

BONES_PER_VERTEX = 4
"""What every glTF player can do; smaller weights are left out and the rest shared out again."""
GLTF_Y_UP = {**Y_UP, "z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])}
"""Rotations that carry each up axis to +y. Editors that stand z up turn files back by the inverse
of that for z, so that a world that is z up arrives there with its own axes."""
MOST_SHAPES = 2048
"""Shapes of one mesh that graphics cards hold at a time."""


@dataclass(frozen=True, eq=False)
class Skin:
    """Bones that move a mesh.

    Parameters
    ----------
    names, parents
        Of the B bones; (B,) -1 for the root, which comes first; parents before children.
    bind
        (B, 4, 4) where each bone is in the mesh as given: world_from_bone.
    weights
        (V, B) how much each vertex follows each bone.
    places
        (F, B, 4, 4) where each bone is at each instant: world_from_bone, in the mesh's unit.
    up
        Axis that points up in the world of ``places``, which need not be that of the mesh.
    """

    names: tuple[str, ...]
    parents: IntArray
    bind: Floats
    weights: Floats
    places: Floats
    up: str | None


def write_glb(mesh: SurfaceMesh, path: Path) -> None:
    """Write a mesh that stands still."""
    made = _Document(mesh, mesh.up, mesh.vertices)
    made.show(made.node({"mesh": made.mesh(), **made.place}))
    made.gltf.write(path)


def write_skinned_glb(mesh: SurfaceMesh, skin: Skin, times: Floats, path: Path) -> None:
    """Write a mesh that bones move; ``times`` (F,) are seconds.

    Rotations of all bones and the root's translation have a sample for each instant; players go
    between them along the shortest turn.
    """
    made = _Document(mesh, skin.up, skin.places[..., :3, 3].reshape(-1, 3))
    joints, weights = strongest(skin.weights)
    attributes = {
        "JOINTS_0": made.gltf.array(joints[made.source], "uint16", VERTICES),
        "WEIGHTS_0": made.gltf.array(weights[made.source], "float32", VERTICES),
    }
    bind = made.turned(skin.bind, mesh.up)
    places = made.turned(skin.places, skin.up)
    places[..., :3, 3] -= made.origin
    parents = np.where(skin.parents < 0, len(skin.parents), skin.parents)
    whole = np.concatenate([places, np.broadcast_to(np.eye(4), (len(places), 1, 4, 4))], 1)
    local = np.linalg.inv(whole[:, parents]) @ places
    turns = Rotation.from_matrix(local[..., :3, :3].reshape(-1, 3, 3)).as_quat()
    turns = _continuous(turns.reshape(*local.shape[:2], 4))
    shifts = local[..., :3, 3]
    first = made.bones(skin, turns[0], shifts[0])
    inverse = made.gltf.array(np.linalg.inv(bind), "float32")
    joints_of = [first + bone for bone in range(len(skin.names))]
    own = made.gltf.add(
        "skins", {"joints": joints_of, "inverseBindMatrices": inverse, "skeleton": first}
    )
    clock = made.gltf.array(times, "float32", bounds=True)
    channels = [(first, "translation", shifts[:, 0])]
    channels += [(first + bone, "rotation", turns[:, bone]) for bone in range(len(skin.names))]
    made.animate(clock, channels)
    made.show(first, made.node({"mesh": made.mesh(attributes), "skin": own}))
    made.gltf.write(path)


def write_morphed_glb(mesh: SurfaceMesh, shapes: Floats, times: Floats, path: Path) -> None:
    """Write a mesh that takes the shapes (F, V, 3), in its unit and world, at ``times`` (F,).

    Players blend neighbouring shapes. InputError for more than `MOST_SHAPES`.
    """
    count = len(shapes)
    if count > MOST_SHAPES:
        raise InputError(
            f"{count} frames without bones are more than the {MOST_SHAPES} shapes that a player "
            "can hold; write fewer frames, or one file a frame",
            where=path,
        )
    made = _Document(mesh, mesh.up, mesh.vertices)
    axes = made.axes(mesh.up)
    targets = [
        {
            "POSITION": made.gltf.array(
                ((shape - mesh.vertices) @ axes.T)[made.source], "float32", VERTICES, bounds=True
            )
        }
        for shape in shapes
    ]
    own = made.node({"mesh": made.mesh({}, targets), **made.place})
    clock = made.gltf.array(times, "float32", bounds=True)
    made.animate(clock, [(own, "weights", np.eye(count).ravel())])
    made.show(own)
    made.gltf.write(path)


def strongest(weights: Floats) -> tuple[IntArray, Floats]:
    """Return the bones (V, 4) with the largest of the weights (V, B), and these, which sum to 1."""
    missing = max(0, BONES_PER_VERTEX - weights.shape[1])
    padded = np.pad(weights, ((0, 0), (0, missing)))
    bones = np.argsort(-padded, axis=1, kind="stable")[:, :BONES_PER_VERTEX]
    kept = np.take_along_axis(padded, bones, 1)
    shares = kept / kept.sum(1, keepdims=True)
    return np.where(shares > 0, bones, 0), shares  # glTF: a bone of no weight is bone 0


class _Document:
    """A glTF document of one mesh, with its conversion to metres and y up.

    ``source`` says which of the mesh's vertices each vertex of the file is; ``origin`` (3,) is from
    where places count, in metres and y up. ``places`` (n, 3) lie in the world that is shown, of
    this up axis and the mesh's unit.
    """

    def __init__(self, surface: SurfaceMesh, up: str | None, places: Floats) -> None:
        self.surface = surface
        given = surface.origin
        near = near_origin(places, surface.units) if given is None else given
        self.origin = self.axes(up) @ near
        known = "turned to +y" if surface.up else "unknown, axes as they are"
        stated = surface.statement
        converted = {"source units": stated.pop("units"), "source up": stated.pop("up")}
        extras: Json = {"units": "m", "up": known, **converted, **stated}
        if self.place:
            extras["origin"] = self.place["translation"]
        self.gltf = Gltf({"generator": stated["made by"], "extras": extras})
        self.faces, self.source, self.uv = _split(surface)

    @property
    def place(self) -> Json:
        """Translation of the topmost nodes: the origin, nothing where it is zero."""
        return {"translation": self.origin.tolist()} if self.origin.any() else {}

    def axes(self, up: str | None) -> Floats:
        """Return the matrix (3, 3) from a world of the mesh's unit to metres, y up."""
        return UNITS_IN_M[self.surface.units] * _rotation(up)

    def turned(self, places: Floats, up: str | None) -> Floats:
        """Return where bones (..., 4, 4) are in metres, y up; their own axes stay as they are."""
        found = np.array(places)
        found[..., :3, 3] = places[..., :3, 3] @ self.axes(up).T
        found[..., :3, :3] = _rotation(up) @ places[..., :3, :3]
        return found

    def mesh(
        self, extra: Mapping[str, int] | None = None, targets: list[Json] | None = None
    ) -> int:
        """Append the mesh, with further vertex attributes and shapes."""
        surface, gltf, axes = self.surface, self.gltf, self.axes(self.surface.up)
        shown = surface.vertices @ axes.T - (0 if extra else self.origin)  # bones bring the world
        places = shown[self.source]
        attributes = {"POSITION": gltf.array(places, "float32", VERTICES, bounds=True)}
        material: Json = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}
        if surface.normals is not None and targets is None:  # of a shape alone, they would be wrong
            normals = surface.normals @ _rotation(surface.up).T
            attributes["NORMAL"] = gltf.array(normals[self.source], "float32", VERTICES)
        if surface.visible is not None:
            visible = surface.visible[self.source].astype(np.float64)
            attributes["_VISIBLE"] = gltf.array(visible, "float32", VERTICES)
        if surface.texture is not None and self.uv is not None:
            downwards = self.uv * [1, -1] + [0, 1]
            attributes["TEXCOORD_0"] = gltf.array(downwards, "float32", VERTICES)
            texture = gltf.picture(png(surface.texture))
            material["pbrMetallicRoughness"]["baseColorTexture"] = {"index": texture}
        elif surface.colours is not None:
            linear = _linear(surface.colours)[self.source]
            attributes["COLOR_0"] = gltf.array(linear, "float32", VERTICES)
        primitive: Json = {
            "attributes": attributes | dict(extra or {}),
            "indices": gltf.array(self.faces.ravel(), "uint32", INDICES),
            "material": gltf.add("materials", material),
        }
        if targets is None:
            return gltf.add("meshes", {"primitives": [primitive]})
        weights = np.eye(len(targets))[0].tolist()
        return gltf.add(
            "meshes", {"primitives": [primitive | {"targets": targets}], "weights": weights}
        )

    def node(self, part: Json) -> int:
        return self.gltf.add("nodes", part)

    def bones(self, skin: Skin, turns: Floats, shifts: Floats) -> int:
        """Append a node for each bone, at its first instant; return the position of the root."""
        first = 0
        for bone, name in enumerate(skin.names):
            part: Json = {
                "name": name,
                "rotation": turns[bone].tolist(),
                "translation": shifts[bone].tolist(),
            }
            position = self.node(part)
            first = first if bone else position
            children = np.flatnonzero(skin.parents == bone)
            if len(children):
                part["children"] = [int(first + child) for child in children]
        return first

    def animate(self, clock: int, channels: list[tuple[int, str, Floats]]) -> None:
        """Append an animation: samples of a path of a node, for each instant of the clock."""
        samplers: list[Json] = []
        targets: list[Json] = []
        for own, path, values in channels:
            output = self.gltf.array(values, "float32")
            targets.append({"sampler": len(samplers), "target": {"node": own, "path": path}})
            samplers.append({"input": clock, "output": output, "interpolation": "LINEAR"})
        self.gltf.add("animations", {"samplers": samplers, "channels": targets})

    def show(self, *roots: int) -> None:
        self.gltf.show(*roots)


def _rotation(up: str | None) -> Floats:
    return GLTF_Y_UP[up] if up else np.eye(3)


def _split(mesh: SurfaceMesh) -> tuple[IntArray, IntArray, Any]:
    """Return faces, the vertex that each of their corners comes from, and its uv, if textured."""
    if mesh.uv is None:
        return mesh.faces, np.arange(len(mesh.vertices)), None
    corners = np.column_stack([mesh.faces.reshape(-1, 1), mesh.uv.reshape(-1, 2)])
    rows, place = np.unique(corners, axis=0, return_inverse=True)
    return place.reshape(mesh.faces.shape), rows[:, 0].astype(np.int64), rows[:, 1:]


def _continuous(turns: Floats) -> Floats:
    """Return quaternions (F, ...) with signs that never jump from one instant to the next."""
    flips = np.sign((turns[1:] * turns[:-1]).sum(-1, keepdims=True))
    signs = np.cumprod(np.where(flips == 0, 1, flips), axis=0)
    return np.concatenate([turns[:1], signs * turns[1:]])


def _linear(colours: NDArray[np.uint8]) -> Floats:
    """Return colours in [0, 1] without the gamma of sRGB (IEC 61966-2-1), as glTF wants them."""
    share = colours / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
