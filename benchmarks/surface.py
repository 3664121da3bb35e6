"""Surfaces: how near to the truth, how sure of it, and how fast.

    OMP_NUM_THREADS=1 python benchmarks/surface.py --work out/dense_training \
        --out benchmarks/results/surface.md

The poses are those of the captures that benchmarks/dense_training.py makes, and so are the trained
models; eight cameras of 256 px look at the exact body for everything else.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import ezc3d
import numpy as np
import torch
from dense_training import HELD_OUT, METHODS, said, spread
from origin import origin
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from scipy.stats import chi2

from mvboot.datasets import Capture
from mvboot.fields import DenseField
from mvboot.formats import save_keypoints3d
from mvboot.geometry import Camera
from mvboot.mesh.normals import vertex_normals
from mvboot.mesh.raycast import CameraRays, RayCaster
from mvboot.metrics.meshes import mesh_errors, mesh_summary, seen_errors_mm
from mvboot.rig import Rig
from mvboot.surfaces import Follower, Lifted, Lost, Seen, SurfaceFitter, lift, visible_vertices
from mvboot.surfaces.markers import Markers, marker_paths
from mvboot.surfaces.noise import Scatter
from mvboot.surfaces.oriented import OrientedPoints
from mvboot.surfaces.poisson import poisson_mesh
from mvboot.synthetic.scene import looking_at
from mvboot.template import Template
from mvboot.training.dense.settings import TrainSettings

CAMERAS, SIZE = 8, 256
NOISES = ((0.01, 3), (0.03, 3), (0.03, 10), (0.05, 10))
"""Standard deviation (m, along each axis of the embedding) and smoothness (px) of field noise."""
DRAWS = 4
TRAINED_FRAMES = 3


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("out/dense_training"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--frames", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(1)
    capture = Capture.open(given.work / "captures" / f"person_{given.seeds[0]}")
    lines = ["# Surfaces", "", *origin(), ""]
    for measure in (
        lambda: exact(capture, given.frames),
        lambda: virtual_markers(capture, given.frames),
        lambda: noisy(capture),
        lambda: trained(given.work, given.seeds, given.picture),
        lambda: poisson(capture),
    ):
        section = measure()
        lines += [*section, ""]
        print("\n".join(section), flush=True)
    if given.out:
        given.out.write_text("\n".join(lines).rstrip() + "\n")


def exact(capture: Capture, count: int) -> list[str]:
    """Follow exact fields of a walk."""
    template = template_of(capture)
    follower = Follower(SurfaceFitter(template))
    lifts, fits, seconds, memory = [], [], [], []
    for true, seen, rig in walked(capture, count):
        visible = visible_vertices(true, template.faces, rig).sum(0) >= 2
        started = time.process_time()
        lifted = lift(seen, rig, template)
        lift_s = time.process_time() - started
        started = time.process_time()
        surface = follower.surface(seen, rig)
        seconds.append((lift_s, time.process_time() - started))
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        rows = lifted.visible & visible
        lifts.append(1000 * np.linalg.norm(lifted.points - true, axis=1)[rows])
        fits.append(mesh_errors(surface, true, template.faces))
    found = mesh_summary(fits, template)
    lift_mm, fit_mm = np.concatenate(lifts), found["vertices"]
    return [
        f"## Exact fields, {CAMERAS} cameras of {SIZE} px, {count} frames of a walk",
        "",
        "| | mean mm | median mm | 90 % within mm |",
        "|---|---|---|---|",
        f"| lifted vertices that two cameras see | {lift_mm.mean():.2f} | "
        f"{np.median(lift_mm):.2f} | {np.quantile(lift_mm, 0.9):.2f} |",
        *(
            f"| fitted surface: {name} vertices | {found[key]['mean_mm']:.2f} | "
            f"{found[key]['median_mm']:.2f} | {found[key]['p90_mm']:.2f} |"
            for name, key in (("all", "vertices"), ("seen", "seen"), ("carried", "carried"))
        ),
        "",
        f"Chamfer {found['chamfer_mm']:.2f} mm, normal consistency "
        f"{found['normal_consistency']:.4f}, {found['carried_share']:.0%} of the vertices carried. "
        f"Mean over all vertices {fit_mm['mean_mm']:.2f} mm.",
        "",
        "| seconds of one CPU core | first frame | later frames, mean | slowest |",
        "|---|---|---|---|",
        *(
            f"| {what} | {seconds[0][column]:.2f} | "
            f"{np.mean([row[column] for row in seconds[1:]]):.2f} | "
            f"{max(row[column] for row in seconds[1:]):.2f} |"
            for column, what in enumerate(("one lift", "a frame: two lifts, pose, bend"))
        ),
        "",
        f"Memory (largest resident set) {memory[1]:.0f} MB after 2 frames, {memory[-1]:.0f} MB "
        f"after {count}.",
    ]


def virtual_markers(capture: Capture, count: int) -> list[str]:
    """Export spots of the surface of a walk, read the files back, and compare with the truth."""
    template = template_of(capture)
    follower = Follower(SurfaceFitter(template))
    markers = Markers.of(spots(template), template)
    true, frames = [], []
    for frame, (vertices, seen, rig) in enumerate(walked(capture, count)):
        true.append(markers.on(vertices))
        frames.append((frame, {"subject": follower.surface(seen, rig)}))
    own = np.stack([markers.on(one["subject"].vertices) for _, one in frames])
    paths = marker_paths(frames, markers, template, rig, fps=30, keep_carried=True)
    with tempfile.TemporaryDirectory() as folder:
        trc, c3d = Path(folder) / "m.trc", Path(folder) / "m.c3d"
        for path in (trc, c3d):
            save_keypoints3d(paths, path)
        rows = [line.split("\t")[2:] for line in trc.read_text().splitlines()[6:]]
        of_trc = np.array(rows, float).reshape(own.shape)[..., [2, 0, 1]]  # y up: z up
        of_c3d = ezc3d.c3d(str(c3d))["data"]["points"][:3].transpose(2, 1, 0) / 1000  # mm
    errors = {"the surface there": own, "TRC, read back": of_trc, "C3D, read back": of_c3d}
    off = {name: 1000 * np.linalg.norm(found - true, axis=-1) for name, found in errors.items()}
    return [
        f"## Virtual markers, {count} frames of the walk",
        "",
        f"{len(markers.names)} spots: the vertex nearest to each joint, and places inside faces "
        "beside them. Distance from the same spots of the true surface.",
        "",
        "| | mean mm | median mm | largest mm | largest difference from the surface's, mm |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {one.mean():.4f} | {np.median(one):.4f} | {one.max():.4f} | "
            f"{np.abs(one - off['the surface there']).max():.1e} |"
            for name, one in off.items()
        ),
    ]


def noisy(capture: Capture) -> list[str]:
    """Add smooth noise to exact fields, and count how often ellipsoids hold the truth."""
    template = template_of(capture)
    fitter, scatter = SurfaceFitter(template), Scatter(template)
    lines = [
        "## Noise and coverage",
        "",
        f"Gaussian noise on every axis of the embedding, smoothed, independent between cameras; "
        f"{DRAWS} draws each. Coverage is the share of lifted vertices within the ellipsoid that "
        "should hold 90 %. The second lift knows the posed template: what it hides, and where "
        "fields with such noise show it.",
        "",
        "| noise m | smooth px | estimated m | lift mm | coverage | second lift mm | coverage | "
        "fit mm |",
        "|---" * 8 + "|",
    ]
    true = capture.truth.poses.vertices(template, 10)[0]
    rig = ring(true.mean(0))
    fields = {name: shown(template, true, rig[name], name) for name in rig.names}
    for deviation, smooth in NOISES:
        rows = []
        for draw in range(DRAWS):
            rng = np.random.default_rng(draw)
            seen = {
                name: Seen.of(spoilt(field, deviation, smooth, rng), template)
                for name, field in fields.items()
            }
            first = lift(seen, rig, template)
            posed = fitter.fit(first, bend=False)
            again = (scatter, first.noise)
            second = lift(seen, rig, template, surface=posed.vertices, scatter=again)
            fit = fitter.fit(second, start=posed)
            fit_mm = 1000 * np.linalg.norm(fit.vertices - true, axis=1).mean()
            rows.append((first.noise, *judged(first, true), *judged(second, true), fit_mm))
        mean = np.mean(rows, 0)
        spread_of = [
            f"{min(r[c] for r in rows):.2f} to {max(r[c] for r in rows):.2f}" for c in (2, 4)
        ]
        lines.append(
            f"| {deviation} | {smooth} | {mean[0]:.3f} | {mean[1]:.1f} | {mean[2]:.3f} "
            f"({spread_of[0]}) | {mean[3]:.1f} | {mean[4]:.3f} ({spread_of[1]}) | {mean[5]:.1f} |"
        )
    return lines


def trained(work: Path, seeds: tuple[int, ...], picture: Path | None) -> list[str]:
    """Fit what the models of the dense experiment predict, without the held-out camera."""
    lines = [
        "## Fields of trained models",
        "",
        f"Held-out frames of the dense experiment, {TRAINED_FRAMES} a seed, without {HELD_OUT}. "
        "`surface` is how far a surface point lies from where pixels truly show it, clothes and "
        "hair included; `body` how far vertices are from those of the naked body. Mean over seeds "
        "(each seed), mm.",
        "",
        "| method | surface mean | surface median | body mean | chamfer | normals | carried |",
        "|---" * 7 + "|",
    ]
    for method in METHODS:
        each = [
            scored(work, seed, method, picture if method == METHODS[-1] else None)
            for seed in seeds
            if (work / f"seed_{seed}" / method / "model.safetensors").exists()
        ]
        cells = [
            f"{np.mean([one[key] for one in each]):.3g} "
            f"({', '.join(f'{one[key]:.3g}' for one in each)})"
            for key in ("surface", "median", "body", "chamfer", "normals", "carried")
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def scored(work: Path, seed: int, method: str, picture: Path | None) -> dict[str, float]:
    """Return the errors of one model's surfaces."""
    capture = Capture.open(work / "captures" / f"person_{seed}")
    template = template_of(capture)
    model = work / f"seed_{seed}" / method / "model.safetensors"
    frames = spread(capture.split("validation").tolist())[:: 8 // TRAINED_FRAMES][:TRAINED_FRAMES]
    errors, meshes = [], []
    for frame, fields in said(model, TrainSettings(), capture, frames).items():
        used = {name: field for name, field in fields.items() if name != HELD_OUT}
        rig = Rig({name: capture.camera(name, frame) for name in capture.cameras}, "m")
        seen = {name: Seen.of(field, template) for name, field in used.items()}
        surface = next(Follower(SurfaceFitter(template)).follow([(seen, rig)]))
        if isinstance(surface, Lost):
            print(f"{method}, seed {seed}, frame {frame}: {surface.reason}", flush=True)
            continue
        for name in used:
            field = capture.field(name, frame)
            if field is not None:
                points = capture.truth.points(name, frame)
                errors.append(seen_errors_mm(surface, field, points, template))
        true = capture.truth.poses.vertices(template, frame)[0]
        meshes.append(mesh_errors(surface, true, template.faces))
        if picture is not None:
            draw(capture, surface.vertices, template, frame, picture)
            picture = None
    found = mesh_summary(meshes, template)
    off = np.concatenate(errors)
    off = off[np.isfinite(off)]
    return {
        "surface": float(off.mean()),
        "median": float(np.median(off)),
        "body": found["vertices"]["mean_mm"],
        "chamfer": found["chamfer_mm"],
        "normals": found["normal_consistency"],
        "carried": found["carried_share"],
    }


def poisson(capture: Capture) -> list[str]:
    """Time the Poisson surface of 20,000 points."""
    template = template_of(capture)
    true = capture.truth.poses.vertices(template, 0)[0]
    rng = np.random.default_rng(0)
    rows = rng.integers(len(template.faces), size=20_000)
    weights = rng.dirichlet(np.ones(3), len(rows))
    corners = template.faces[rows]
    points = np.einsum("nc,nci->ni", weights, true[corners])
    normals = vertex_normals(true, template.faces)[corners].mean(1)
    size = len(points)
    cloud = OrientedPoints(
        "m", points, normals, np.zeros(size), np.full(size, 4, np.int64), np.zeros(size)
    )
    started = time.perf_counter()
    vertices, _ = poisson_mesh(cloud, 8)
    return [
        "## Without a template",
        "",
        f"The Poisson surface of 20,000 points has {len(vertices)} vertices and takes "
        f"{time.perf_counter() - started:.1f} s.",
    ]


def template_of(capture: Capture) -> Template:
    """Return the template of a capture."""
    assert capture.template is not None
    return capture.template


def walked(capture: Capture, count: int) -> Iterator[tuple[np.ndarray, dict[str, Seen], Rig]]:
    """Yield true vertices, what the exact fields of eight cameras see, and these cameras."""
    template, truth = template_of(capture), capture.truth.poses
    rig = ring(truth.vertices(template, 0)[0].mean(0))
    for frame in range(count):
        true = truth.vertices(template, frame)[0]
        fields = {name: shown(template, true, rig[name], name) for name in rig.names}
        yield true, {name: Seen.of(field, template) for name, field in fields.items()}, rig


def spots(template: Template) -> dict[str, str]:
    """Return a vertex at each joint, and a place in a face beside every third of them."""
    skeleton = template.skeleton
    assert skeleton is not None
    nearest = cKDTree(template.vertices).query(skeleton.heads)[1]
    found = {name: f"vertex:{v}" for name, v in zip(skeleton.names, nearest, strict=True)}
    for name, vertex in list(zip(skeleton.names, nearest, strict=True))[::3]:
        face = int(np.flatnonzero((template.faces == vertex).any(1))[0])
        found[f"{name}_inside"] = f"face:{face}:0.2,0.3,0.5"
    return found


def ring(middle: np.ndarray) -> Rig:
    """Return cameras with lenses all around a place, 4 m away."""
    rng, cameras = np.random.default_rng(0), {}
    for number in range(CAMERAS):
        angle = 2 * np.pi * (number + rng.uniform(-0.15, 0.15)) / CAMERAS
        place = np.array([4 * np.cos(angle), 4 * np.sin(angle), rng.uniform(-0.3, 1.5)]) + middle
        focal, centre = 1.75 * SIZE, SIZE / 2 - 0.5
        K = [[focal, 0, centre], [0, focal, centre], [0, 0, 1]]
        R = looking_at(place, middle)
        lens = [-0.12, 0.05, 4e-4, -3e-4, -0.01]
        cameras[f"cam_{number + 1}"] = Camera.from_opencv(K, lens, R, -R @ place, (SIZE, SIZE))
    return Rig(cameras, "m", "z")


def shown(template: Template, vertices: np.ndarray, camera: Camera, name: str) -> DenseField:
    """Return the exact field of a camera."""
    caster = RayCaster(vertices, template.faces)
    hits = caster.cast(camera.center.numpy(), CameraRays(camera).directions)
    assert template.embedding is not None
    values = hits.interpolated(template.faces, template.embedding).reshape(SIZE, SIZE, -1)
    return DenseField.of_embedding(values, template.topology, name, 0)


def spoilt(
    field: DenseField, deviation: float, smooth: float, rng: np.random.Generator
) -> DenseField:
    """Return a field with smooth noise."""
    noise = gaussian_filter(rng.normal(size=(*field.shape, field.dimensions)), (smooth, smooth, 0))
    values = field.coordinates + noise * (deviation / noise.std())
    return DenseField.of_embedding(values, field.topology, field.camera, field.frame)


def judged(lifted: Lifted, true: np.ndarray) -> tuple[float, float]:
    """Return the mean error in mm, and the share of errors within the ellipsoids of 90 %."""
    rows = lifted.visible
    off = (lifted.points - true)[rows]
    squared = np.einsum("ni,nij,nj->n", off, np.linalg.inv(lifted.covariance[rows]), off)
    held = (squared <= chi2.ppf(0.9, 3)).mean()
    return 1000 * float(np.linalg.norm(off, axis=1).mean()), float(held)


def draw(
    capture: Capture, vertices: np.ndarray, template: Template, frame: int, path: Path
) -> None:
    """Draw a surface over two pictures: one camera that made it, and the held-out one."""
    tiles = []
    for name in (capture.cameras[0], HELD_OUT):
        camera, picture = capture.camera(name, frame), capture.picture(name, frame)
        hits = RayCaster(vertices, template.faces).cast(
            camera.center.numpy(), CameraRays(camera).directions
        )
        normals = vertex_normals(vertices, template.faces)
        colour = 127.5 * (1 + hits.interpolated(template.faces, normals))
        met = hits.met.reshape(picture.shape[:2])
        mixed = picture.astype(np.float64)
        mixed[met] = 0.4 * mixed[met] + 0.6 * colour.reshape(picture.shape)[met]
        tiles += [picture, mixed.astype(np.uint8)]
    wide = np.concatenate(tiles, 1)[..., ::-1]
    cv2.imwrite(str(path), cv2.resize(wide, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


if __name__ == "__main__":
    main()
