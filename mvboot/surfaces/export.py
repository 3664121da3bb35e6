"""Fitted surfaces into files: a mesh of each frame, and an animation of all of them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mvboot.errors import InputError, NothingUsable
from mvboot.formats.single import camera_centers, near_origin
from mvboot.formats.surfaces import named_surface_export
from mvboot.mesh.normals import vertex_normals
from mvboot.mesh.surface_mesh import SurfaceMesh
from mvboot.rig import Rig
from mvboot.surfaces.animation import animation_of
from mvboot.surfaces.fit import Lost, Surface
from mvboot.surfaces.texture import Paint
from mvboot.template import Template

ANIMATION = "animation.glb"


def surface_mesh(
    surface: Surface, template: Template, rig: Rig, paint: Paint | None = None, frame: int = 0
) -> SurfaceMesh:
    """Return a fitted surface as a mesh for a file, with its measures and perhaps colours.

    ``sigma`` is the standard deviation of the lifted point along one axis, on average over the
    axes. InputError unless surface, template and rig have one unit and one mesh.
    """
    require_fitting(surface, template, rig)
    variance = np.trace(surface.covariance, axis1=1, axis2=2) / 3
    return SurfaceMesh(
        rig.units,
        surface.vertices,
        template.faces,
        up=rig.up,
        normals=vertex_normals(surface.vertices, template.faces),
        colours=None if paint is None else paint.colours,
        error_px=surface.error_px,
        sigma=np.sqrt(variance),
        n_views=surface.views,
        visible=~surface.carried,
        uv=None if paint is None else paint.uv,
        texture=None if paint is None else paint.texture,
        origin=near_origin(camera_centers(rig), rig.units),
        rig=rig.fingerprint(),
        template=template.topology,
        notes={"frame": str(frame), "subject": template.name},
    )


def write_surface(
    folder: str | Path,
    frames: Iterable[tuple[int, Surface | Lost]],
    template: Template,
    rig: Rig,
    forms: Iterable[str] = ("ply",),
    fps: float | None = None,
    paint: Paint | None = None,
) -> list[int]:
    """Write one subject's surfaces as they come, and return the frames that have one.

    Parameters
    ----------
    folder
        Gets ``frame_000012.ply`` and so on; with ``fps`` also an animation, ``animation.glb``.
    frames
        Frame numbers in order, each with its surface, or why there is none: those are left out.
    template, rig
        What the surfaces were fitted with, in one unit.
    forms
        What each frame is written as (`SURFACE_EXPORTS`); none: the animation alone.
    fps
        Frames in a second, the clock of the animation. With bones memory does not grow with the
        frames but by their postures; without, every shape is kept.
    paint
        Colours and texture of the template (`Painter`).

    Raises
    ------
    InputError
        An unknown form, surfaces of another template or unit, a frame rate that is not positive.
    NothingUsable
        No frame has a surface.
    """
    folder = Path(folder)
    exports = {form: named_surface_export(form) for form in forms}
    animation = None if fps is None else animation_of(template, rig, fps, paint)
    written = []
    for frame, surface in frames:
        if isinstance(surface, Lost):
            continue
        mesh = surface_mesh(surface, template, rig, paint, frame)
        for form, export in exports.items():
            export.write(mesh, folder / f"frame_{frame:06d}.{form}")
        if animation is not None:
            animation.add(frame, surface)
        written.append(frame)
    if not written:
        raise NothingUsable("no frame has a surface, so there is nothing to write")
    if animation is not None:
        animation.write(folder / ANIMATION)
    return written


def require_fitting(surface: Surface, template: Template, rig: Rig) -> None:
    """Raise InputError unless a surface, its template and a rig have one unit and one mesh."""
    if len({surface.units, template.units, rig.units}) > 1:
        raise InputError(
            f"the surface is in {surface.units}, the template in {template.units} and the rig in "
            f"{rig.units}; bring them to one unit (in_units)"
        )
    if surface.vertices.shape != template.vertices.shape:
        raise InputError(
            f"the surface has {len(surface.vertices)} vertices, the template {template.name!r} "
            f"{len(template.vertices)}; it was fitted with another template"
        )
