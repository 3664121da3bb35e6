"""A sequence of fitted surfaces as one animated GLB: bones that turn, or shapes that blend."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError, NothingUsable
from mvboot.formats.glb import Skin, strongest, write_morphed_glb, write_skinned_glb
from mvboot.formats.single import camera_centers, near_origin
from mvboot.mesh.normals import vertex_normals
from mvboot.mesh.surface_mesh import SurfaceMesh
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.surfaces.fit import Surface
from mvboot.surfaces.posture import Posture
from mvboot.surfaces.texture import Paint
from mvboot.template import Template

Floats = NDArray[np.float64]

CHECKED = 300
"""Vertices at which an animation is compared with the surfaces it stands for."""


class Animation(Protocol):
    """What takes the frames of one subject and then writes them."""

    def add(self, frame: int, surface: Surface) -> None:
        """Take the surface of a frame; frames come in order."""

    def write(self, path: Path) -> None:
        """Write all frames."""


def animation_of(
    template: Template, rig: Rig, fps: float, paint: Paint | None = None
) -> "SkinnedAnimation | MorphedAnimation":
    """Return the animation that suits a template: by its bones, or by its shapes.

    InputError for a frame rate that is not positive.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise InputError(f"an animation needs the frame rate, a positive number; got {fps}")
    if template.skeleton is None:
        return MorphedAnimation(template, rig, fps, paint)
    return SkinnedAnimation(template, rig, fps, paint)


class SkinnedAnimation:
    """One surface, moved by the template's bones.

    Shape and what lies off the posed template are those of all frames on average, and four bones
    move a vertex at most; how far that is from the fitted surfaces is written into the file.
    """

    def __init__(self, template: Template, rig: Rig, fps: float, paint: Paint | None) -> None:
        self._template, self._rig, self._fps, self._paint = template, rig, fps, paint
        size = len(template.vertices)
        self._checked = np.unique(np.linspace(0, size - 1, min(CHECKED, size)).astype(np.int64))
        self._offsets = np.zeros_like(template.vertices)
        self._frames: list[int] = []
        self._postures: list[Posture] = []
        self._places: list[Floats] = []

    def add(self, frame: int, surface: Surface) -> None:
        """Take the surface of a frame; InputError for one that was fitted without bones."""
        if surface.posture is None:
            raise InputError(f"the surface of frame {frame} has no posture to move bones by")
        self._frames.append(frame)
        self._postures.append(surface.posture)
        self._places.append(surface.vertices[self._checked])
        self._offsets += surface.offsets

    def write(self, path: Path) -> None:
        """Write the skinned mesh and the samples of its bones."""
        _require_frames(self._frames, path)
        template, skeleton = self._template, self._template.skeleton
        assert skeleton is not None
        shape = np.mean([posture.shape for posture in self._postures], axis=0)
        vertices = template.rest(shape) + self._offsets / len(self._frames)
        rotations = np.stack([posture.rotations for posture in self._postures])
        shifts = np.stack([posture.translation for posture in self._postures])
        bind = np.tile(np.eye(4), (len(skeleton.names), 1, 1))
        bind[:, :3, :3] = skeleton.axes
        bind[:, :3, 3] = template.joints(np.zeros((len(skeleton.names), 3)), None, shape)
        moved = np.asarray(template.transforms(rotations, shifts, shape))
        weights = skeleton.weights.toarray()
        gap = np.linalg.norm(self._moved(vertices, weights, moved) - self._places, axis=2)
        gap_mm = 1000 * UNITS_IN_M[self._rig.units] * gap
        told = (
            "one shape for all frames, at most four bones a vertex: from the fitted surfaces "
            f"{gap_mm.mean():.2f} mm on average, {gap_mm.max():.2f} mm at most"
        )
        skin = Skin(skeleton.names, skeleton.parents, bind, weights, moved @ bind, up=self._rig.up)
        mesh = _mesh(template, self._rig, vertices, template.up, self._paint, told)
        write_skinned_glb(mesh, skin, _times(self._frames, self._fps), path)

    def _moved(self, vertices: Floats, weights: Floats, moved: Floats) -> Floats:
        """Return where a player puts the checked vertices (F, n, 3)."""
        bones, shares = strongest(weights[self._checked])
        points = np.append(vertices[self._checked], np.ones((len(self._checked), 1)), 1)
        blended = np.einsum("nk,fnkij->fnij", shares, moved[:, bones, :3])
        return np.asarray((blended @ points[..., None])[..., 0])


class MorphedAnimation:
    """A surface that takes the shape of each frame in turn."""

    def __init__(self, template: Template, rig: Rig, fps: float, paint: Paint | None) -> None:
        self._template, self._rig, self._fps, self._paint = template, rig, fps, paint
        self._frames: list[int] = []
        self._origin = near_origin(camera_centers(rig), rig.units)
        self._shapes: list[NDArray[np.float32]] = []

    def add(self, frame: int, surface: Surface) -> None:
        """Take the surface of a frame."""
        self._frames.append(frame)
        self._shapes.append((surface.vertices - self._origin).astype(np.float32))

    def write(self, path: Path) -> None:
        """Write the shapes and when they are taken."""
        _require_frames(self._frames, path)
        rig, first = self._rig, self._shapes[0] + self._origin
        mesh = _mesh(self._template, rig, first, rig.up, self._paint, "the shape of each frame")
        shapes = np.stack(self._shapes) + self._origin
        write_morphed_glb(mesh, shapes, _times(self._frames, self._fps), path)


def _mesh(
    template: Template, rig: Rig, vertices: Floats, up: str | None, paint: Paint | None, told: str
) -> SurfaceMesh:
    return SurfaceMesh(
        rig.units,
        vertices,
        template.faces,
        up=up,
        normals=vertex_normals(vertices, template.faces),
        colours=None if paint is None else paint.colours,
        uv=None if paint is None else paint.uv,
        texture=None if paint is None else paint.texture,
        origin=near_origin(camera_centers(rig), rig.units),
        rig=rig.fingerprint(),
        template=template.topology,
        notes={"subject": template.name, "animation": told},
    )


def _require_frames(frames: list[int], path: Path) -> None:
    if not frames:
        raise NothingUsable(f"{path}: there is no frame to animate")


def _times(frames: list[int], fps: float) -> Floats:
    return (np.array(frames) - frames[0]) / fps
