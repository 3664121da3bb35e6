"""Film a walk, write its true surfaces as files, reconstruct one frame without a template.

    python benchmarks/surface_files.py FOLDER [FRAMES]

Leaves the GLB of the walk in FOLDER/walk. Times are of the processor, children included, so that
other work on the machine does not count.
"""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mvboot.datasets import Capture
from mvboot.mesh.nearest import TriangleTree
from mvboot.surfaces import Posture, Surface
from mvboot.surfaces.dense import dense_points
from mvboot.surfaces.export import write_surface
from mvboot.surfaces.oriented import OrientedPoints, oriented_points
from mvboot.surfaces.reconstruct import ReconstructSettings, surface_of_points
from mvboot.surfaces.texture import Painter
from mvboot.synthetic.scene import ring_rig
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings

CAMERAS, SIZE, CLOUD = 8, 256, 20_000


@contextmanager
def timed(what: str) -> Iterator[None]:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + used.ru_utime + used.ru_stime

    start = spent()
    yield
    print(f"{what}: {spent() - start:.2f} s")


def true_surface(vertices: np.ndarray, posture: Posture) -> Surface:
    count = len(vertices)
    return Surface(
        "m",
        vertices,
        np.zeros(count, dtype=bool),
        np.zeros((count, 3, 3)),
        np.full(count, CAMERAS),
        np.zeros(count),
        posture,
        np.zeros((count, 3)),
    )


def walk(capture: Capture, folder: Path) -> None:
    template, poses = capture.template, capture.truth.poses
    frames = []
    painter = Painter(template)
    for frame in capture.frames.tolist():
        vertices = poses.vertices(template, frame)[0]
        posture = Posture(poses.rotations[0, frame], poses.translations[0, frame], poses.shapes[0])
        frames.append((frame, true_surface(vertices, posture)))
    with timed("texture of 1024 px, one frame of eight cameras"):
        pictures = {name: capture.picture(name, 0) for name in capture.cameras}
        painter.add(frames[0][1].vertices, capture.rig, pictures)
    for frame, surface in frames[1:]:
        pictures = {name: capture.picture(name, frame) for name in capture.cameras}
        painter.add(surface.vertices, capture.rig, pictures)
    paint = painter.paint()
    print(f"vertices that some camera saw: {100 * paint.seen.mean():.0f} %")
    with timed(f"PLY and animation of {len(frames)} frames"):
        write_surface(folder, frames, template, capture.rig, fps=30, paint=paint)
    print(f"animation.glb: {(folder / 'animation.glb').stat().st_size / 1e6:.1f} MB")


def reconstruction(capture: Capture) -> None:
    template = capture.template
    true = capture.truth.poses.vertices(template, 0)[0]
    fields = {name: capture.field(name, 0) for name in capture.cameras}
    with timed(f"points of {CAMERAS} fields of {SIZE} px"):
        points = oriented_points(dense_points(fields, capture.rig))
    report("points", points.points, true, template.faces)
    with timed(f"surface of {len(points.points)} points"):
        mesh = surface_of_points(points, capture.rig)
    report("surface", mesh.vertices, true, template.faces)
    missing = TriangleTree(mesh.vertices[mesh.faces]).nearest(true).distance
    print(f"true vertices within 10 mm of the surface: {100 * (missing < 0.01).mean():.0f} %")


def report(what: str, points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Print how far points are from a mesh."""
    off = 1000 * TriangleTree(vertices[faces]).nearest(points).distance
    print(f"{len(points)} {what}: {np.median(off):.2f} mm median, {off.mean():.2f} mm mean")


def sphere() -> None:
    rng = np.random.default_rng(0)
    way = rng.normal(size=(CLOUD, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    places = 0.4 * way + rng.normal(0, 0.001, way.shape)
    known = (np.full(CLOUD, 0.001), np.full(CLOUD, 3), np.zeros(CLOUD))
    rig = ring_rig(CAMERAS, 2.6, 1.6, rng)
    with timed(f"Poisson and simplification of {CLOUD} points of a sphere, 1 mm noise"):
        mesh = surface_of_points(OrientedPoints("m", places, way, *known), rig)
    off = 1000 * np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.4)
    print(f"{len(mesh.faces)} faces: {off.mean():.2f} mm mean")
    with timed("the same without simplification"):
        settings = ReconstructSettings(faces=10**7)
        surface_of_points(OrientedPoints("m", places, way, *known), rig, settings=settings)


def main() -> None:
    folder, frames = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    settings = SynthSettings.model_validate(
        {"frames": frames, "cameras": CAMERAS, "size": SIZE, "occluders": 0, "fields": "embedding",
         "gait": "walk"}
    )  # fmt: skip
    if not (folder / "capture").exists():
        synthesise(settings, folder / "capture")
    capture = Capture.open(folder / "capture")
    sphere()
    reconstruction(capture)
    walk(capture, folder / "walk")


if __name__ == "__main__":
    main()
