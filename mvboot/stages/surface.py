"""Dense fields of a calibrated rig to metric surfaces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import NothingUsable
from mvboot.formats.exports import named_export
from mvboot.formats.surfaces import named_surface_export
from mvboot.reading import read_json
from mvboot.stages.output import Output
from mvboot.stages.stage import CONFIG, SUMMARY, Stage, Summary, called, written
from mvboot.stages.surface_scene import Scene, SurfaceConfig
from mvboot.surfaces import Follower, Lost, Surface
from mvboot.surfaces.export import write_surface
from mvboot.surfaces.markers import marker_paths
from mvboot.surfaces.reconstruct import reconstruct
from mvboot.surfaces.store import SurfaceFile, SurfaceWriter
from mvboot.surfaces.texture import Paint, Painter

SURFACES, MESHES = "surface.npz", "meshes"
FEW = 0.25
"""A smaller share of the vertices seen is too little not to be mentioned."""
MOST = 0.5
"""A frame of which a smaller share is seen shows mostly the template."""
NAMED = 20
"""Lost frames that are named in words; the summary has all."""


@dataclass(frozen=True)
class Surfaces:
    """Surfaces that are made while they are written: a recording's do not fit into memory."""

    scene: Scene
    say: Output


class MakeSurfaces(Stage[SurfaceConfig, Scene, Surfaces]):
    """Dense fields of a calibrated rig to metric surfaces."""

    config = SurfaceConfig

    def read(self, config: SurfaceConfig, say: Output) -> Scene:
        """Open rig, template and fields."""
        scene = Scene(config)
        _warn_of_crowd(scene, say)
        return scene

    def plan(self, inputs: Scene, say: Output) -> Summary:
        """Say what would be fitted to what."""
        facts = inputs.facts()
        what = "fit the template" if inputs.template is not None else "mesh the points"
        say.say(
            f"would {what} to {facts['frames']} frames of {len(inputs.rig)} cameras, for "
            f"{', '.join(inputs.fields)}, and write to {inputs.config.out}"
        )
        return {"out": str(inputs.config.out), **facts}

    def compute(self, inputs: Scene, say: Output) -> Surfaces:
        """Return what makes the surfaces, frame by frame."""
        return Surfaces(inputs, say)

    def write(self, results: Surfaces, folder: Path) -> Summary:
        """Make and write surfaces and markers; NothingUsable where no frame has a surface."""
        scene, say = results.scene, results.say
        make = meshed if scene.template is None else fitted
        made = make(scene, folder, say)
        if not any(one["frames"] for one in made.values()):
            reason = next(iter(next(iter(made.values()))["lost"].values()))
            raise NothingUsable(f"no frame has a surface; the first: {reason}")
        markers = marked(scene, folder, made)
        files = [name for name in written(folder) if name != f"{MESHES}/"]
        return {
            **scene.facts(),
            "surfaces": made,
            "markers": markers,
            "files": [*files, f"{MESHES}/", SUMMARY, CONFIG],
            **scene.provenance(),
        }

    def describe(self, results: Surfaces, summary: Summary, say: Output) -> None:
        """Say how much of each subject was seen, and what to mind."""
        _say_result(summary, say)
        _say_origin(results.scene, say)


def surface(
    config: SurfaceConfig | None = None, *, out: Path, overwrite: bool = False, **settings: Any
) -> Summary:
    """Make surfaces of dense fields, as ``mvboot surface`` does.

    Parameters
    ----------
    config
        All settings; or give them by name, as in ``surface(data="capture", fields={"subject":
        "fields"}, out="surface")``.
    out
        Folder to write to: the surfaces of a recording do not fit into memory.
    overwrite
        Replace an earlier result.

    Returns
    -------
    The content of ``summary.json``; `mvboot.surfaces.store.SurfaceFile` reads ``surface.npz``.

    Raises
    ------
    InputError
        Bad input; nothing is written.
    NothingUsable
        No frame has a surface; nothing is written.
    """
    with called(MakeSurfaces(), config, {**settings, "out": out}, overwrite) as folder:
        return dict(read_json(folder / SUMMARY))


def fitted(scene: Scene, folder: Path, say: Output) -> dict[str, Any]:
    """Fit every subject, write it, and return what became of each."""
    template, rig = scene.template, scene.rig
    assert template is not None
    with SurfaceWriter(folder / SURFACES, template, rig) as written:
        made = {subject: _followed(scene, subject, written, say) for subject in scene.fields}
    surfaces = SurfaceFile(folder / SURFACES)
    for subject in scene.fields:
        if not made[subject]["frames"]:
            continue
        paint = _painted(scene, surfaces, subject) if scene.config.texture else None
        frames, inner = surfaces.of(subject), _meshes(scene, folder, subject)
        write_surface(inner, frames, template, rig, scene.config.format, scene.fps, paint)
    return made


def meshed(scene: Scene, folder: Path, say: Output) -> dict[str, Any]:
    """Mesh the points of every subject and frame without a template, and say what became of it."""
    made, config = {}, scene.config
    when = {name: getattr(config, name) for name in ("foreground", "threshold_px", "min_views")}
    for subject in scene.fields:
        lost, points = {}, []
        with say.progress(scene.frames, len(scene.frames), f"meshing {subject}") as watched:
            for frame in watched:
                fields, rig = scene.read(subject, frame), scene.rig_at(frame)
                try:
                    mesh = reconstruct(fields, rig, scene.silhouettes(frame), **when)
                except NothingUsable as error:
                    lost[str(frame)] = str(error)
                    continue
                for form in config.format:
                    path = _meshes(scene, folder, subject) / f"frame_{frame:06d}.{form}"
                    named_surface_export(form).write(mesh, path)
                points.append(len(mesh.vertices))
        made[subject] = {
            "frames": len(points),
            "vertices": float(np.mean(points)) if points else None,
            "lost": lost,
        }
    return made


def marked(scene: Scene, folder: Path, made: Mapping[str, Any]) -> dict[str, float] | None:
    """Write the markers, and return in which share of frames each has a place; None without any."""
    if scene.markers is None or scene.template is None:
        return None
    surfaces = SurfaceFile(folder / SURFACES)
    paths = marker_paths(
        _instants(scene, surfaces, made),
        scene.markers,
        scene.template,
        scene.rig,
        scene.fps,
        scene.config.keep_carried,
    )
    for form, name in scene.exports.items():
        named_export(form).write(paths, folder / name)
    there = paths.accepted.mean(axis=(0, 1))
    return dict(zip(paths.keypoints, there.tolist(), strict=True))


def _followed(scene: Scene, subject: str, written: SurfaceWriter, say: Output) -> dict[str, Any]:
    config = scene.config
    follower = Follower(scene.fitter, config.threshold_px, config.min_views)
    lost: dict[str, str] = {}
    numbers: dict[str, list[float]] = {"error_px": [], "seen": [], "noise": []}
    carried: dict[str, float] = {}
    with say.progress(scene.frames, len(scene.frames), f"fitting {subject}") as watched:
        for frame in watched:
            seen, rig = scene.seen(subject, frame), scene.rig_at(frame)
            found = next(follower.follow([(seen, rig)]))
            if isinstance(found, Lost):
                lost[str(frame)] = found.reason
                continue
            written.add(subject, frame, found)
            numbers["error_px"].append(float(np.nanmedian(found.error_px)))
            numbers["seen"].append(float((~found.carried).mean()))
            if numbers["seen"][-1] < MOST:
                carried[str(frame)] = numbers["seen"][-1]
            numbers["noise"].append(follower.noise)
    means = {name: float(np.mean(values)) if values else None for name, values in numbers.items()}
    return {
        "frames": len(numbers["seen"]),
        "seen_share": means["seen"],
        "mostly_carried": carried,
        "error_px": means["error_px"],
        "field_noise": means["noise"],
        "lost": lost,
    }


def _meshes(scene: Scene, folder: Path, subject: str) -> Path:
    return folder / MESHES / subject if len(scene.fields) > 1 else folder / MESHES


def _painted(scene: Scene, surfaces: SurfaceFile, subject: str) -> Paint:
    assert scene.template is not None
    painter = Painter(scene.template)
    for frame, surface in surfaces.of(subject):
        painter.add(surface.vertices, scene.rig_at(frame), scene.pictures(frame))
    return painter.paint()


def _instants(
    scene: Scene, surfaces: SurfaceFile, made: Mapping[str, Any]
) -> Iterator[tuple[int, dict[str, Surface | Lost]]]:
    for frame in scene.frames:
        why = {subject: made[subject]["lost"].get(str(frame)) for subject in scene.fields}
        yield (
            frame,
            {
                subject: surfaces.read(subject, frame) if reason is None else Lost(reason)
                for subject, reason in why.items()
            },
        )


def _warn_of_crowd(scene: Scene, say: Output) -> None:
    if scene.crowd > 1:
        say.warn(
            f"the capture has keypoints of {scene.crowd} individuals, but a field shows one "
            "subject; where fields show several, surfaces are wrong: make fields of each, and "
            "name them with --fields NAME=DIR"
        )


def _say_origin(scene: Scene, say: Output) -> None:
    glb = "glb" in scene.config.format or (scene.template is not None and scene.fps is not None)
    if glb and any(scene.glb_origin):
        place = ", ".join(f"{value:.0f}" for value in scene.glb_origin)
        say.warn(
            f"this world lies far from its origin, which GLB's single precision would round: GLB "
            f"files count from ({place}) {scene.rig.units} of the rig's world, and say so; PLY and "
            "surface.npz have doubles"
        )


def _say_result(summary: Mapping[str, Any], say: Output) -> None:
    for subject, one in summary["surfaces"].items():
        total = one["frames"] + len(one["lost"])
        say.say(f"{subject}: a surface in {one['frames']} of {total} frames")
        if one.get("vertices") is not None:
            say.say(f"  of {one['vertices']:,.0f} vertices on average")
        if one.get("seen_share") is not None:
            _say_seen(subject, one, summary["units"], say)
        for frame, why in list(one["lost"].items())[:NAMED]:
            say.warn(f"{subject}, frame {frame}: {why}")
        if len(one["lost"]) > NAMED:
            say.warn(f"{subject}: {len(one['lost']) - NAMED} more frames without a surface")
    if summary["markers"]:
        shares = [f"{name} {share:.0%}" for name, share in summary["markers"].items()]
        say.say(f"markers have a place in these shares of the frames: {', '.join(shares)}")
        empty = [name for name, share in summary["markers"].items() if not share]
        if empty:
            say.warn(
                f"no frame shows the surface at {', '.join(empty)}: missing in every file; "
                "keep_carried=true writes where the template puts markers that nothing shows"
            )


def _say_seen(subject: str, one: Mapping[str, Any], units: str, say: Output) -> None:
    say.say(
        f"  {one['seen_share']:.0%} of the vertices seen, the rest carried by the template; "
        f"median reprojection error {one['error_px']:.2f} px; fields off by "
        f"{one['field_noise']:.3g} {units}"
    )
    if one["mostly_carried"]:
        worst = min(one["mostly_carried"], key=one["mostly_carried"].get)
        say.say(
            f"  {len(one['mostly_carried'])} of {one['frames']} frames show less than half of it: "
            f"mostly the template, the least in frame {worst} "
            f"({one['mostly_carried'][worst]:.0%} seen)"
        )
    few = sum(share < FEW for share in one["mostly_carried"].values())
    if few:
        say.warn(
            f"{subject}: in {few} of {one['frames']} frames the views agree on less than "
            f"{FEW:.0%} of the surface; the rest is the template's (visible in PLY and GLB, "
            "carried in surface.npz), not measured. Three "
            "views must agree unless min_views says otherwise; where cameras stand far apart "
            "min_views=2 takes what two see"
        )
