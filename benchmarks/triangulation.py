"""Speed and accuracy of robust triangulation beside its peers, in one run.

    python benchmarks/triangulation.py --out benchmarks/results/triangulation.md

Peers are optional (`pip install -r benchmarks/requirements.txt`); what is missing is said. They
solve one point at a time, so they get a sample of the same points, and figures are per point, from
the same arrays: picking a point's views is part of the work.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from origin import origin
from scipy.stats import chi2

from mvboot import Rig
from mvboot.synthetic import PointsProblem, points_problem
from mvboot.synthetic.scene import project_all, ring_rig
from mvboot.triangulation import TriangulationOptions, cpu, triangulate_points

POINTS = 100_000
PYCOLMAP_POINTS, ANIPOSE_POINTS = 20_000, 200
STREAMED_POINTS = 10_000_000
THRESHOLD_PX = 8.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--points", type=int, default=POINTS)
    arguments.add_argument("--streamed", type=int, default=STREAMED_POINTS)
    given = arguments.parse_args()
    lines = [
        "# Robust triangulation",
        "",
        *origin(),
        *peers(given.points),
        *threads(given.points),
        *growth(given.points),
        *truthful(),
        *chance(),
    ]
    lines += [*streamed(given.streamed), *help_time()]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


def best_time(function, repeats=3):
    """Return the shortest of some runs in seconds, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def millimetres(points, truth):
    error = 1000 * np.linalg.norm(points - truth, axis=-1)
    return error[~np.isnan(error)]


def row(name, seconds, points, error, reference=None):
    rate = points / seconds
    ratio = "" if reference is None else f"{reference / rate:,.0f}"
    refused = 100 * (1 - len(error) / points)
    return (
        f"| {name} | {points:,} | {rate:,.1f} | {ratio} | {np.median(error):.3f} | "
        f"{np.percentile(error, 95):.3f} | {refused:.2f} |"
    )


@contextmanager
def using(threads: int):
    """Triangulate on this many threads inside the block."""
    before, cpu.threads = cpu.threads, lambda: threads
    try:
        yield
    finally:
        cpu.threads = before


def peers(points: int) -> list[str]:
    """All on one thread of one process; mvboot with the peers' setting first."""
    p = points_problem(8, points, np.random.default_rng(0))
    lenient = TriangulationOptions(min_views=2)
    with using(1):
        triangulate_points(p.rig, p.pixels[:, :500])
        lenient_seconds, two = best_time(lambda: triangulate_points(p.rig, p.pixels, None, lenient))
        seconds, ours = best_time(lambda: triangulate_points(p.rig, p.pixels))
    rate = points / lenient_seconds
    known = np.where(p.wrong[..., None], np.nan, p.pixels)
    wide = TriangulationOptions(threshold_px=50, min_views=2)
    oracle = triangulate_points(p.rig, known, options=wide)
    common = ours.accepted & oracle.accepted
    lines = [
        "## Beside the peers, one thread each: 8 cameras, 1 px noise, 25 % outliers, 10 % missing",
        "",
        "| | points | points/s | mvboot is faster by | median mm | p95 mm | refused % |",
        "|---|---|---|---|---|---|---|",
        row(
            "mvboot, `min_views=2` as the peers",
            lenient_seconds,
            points,
            millimetres(two.points, p.xyz),
            rate,
        ),
        row("mvboot, default", seconds, points, millimetres(ours.points, p.xyz)),
    ]
    for peer in (pycolmap_row, anipose_row):
        try:
            lines.append(peer(p, rate))
        except ImportError as error:
            lines.append(f"| not installed: {error.name} | | | | | | |")
    found = millimetres(ours.points[common], p.xyz[common])
    best = millimetres(oracle.points[common], p.xyz[common])
    return [
        *lines,
        "",
        "Against the oracle that is told which detections are wrong, on the "
        f"{common.sum():,} points both accept: median {np.median(found):.3f} mm and "
        f"{np.median(best):.3f} mm, "
        f"{100 * (np.median(found) / np.median(best) - 1):+.2f} %.",
        "",
    ]


def threads(points: int) -> list[str]:
    """One thread and two, alone and beside a process that keeps one core busy."""
    p = points_problem(8, points, np.random.default_rng(0))
    lines = [
        "## Threads, and a busy neighbour",
        "",
        "| | one thread, points/s | two threads, points/s | ratio |",
        "|---|---|---|---|",
    ]
    for neighbours in (0, 1, 2):
        busy = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)
        ]
        try:
            rates = [points / seconds for seconds in in_turns(p, (1, 2))]
        finally:
            for one in busy:
                one.kill()
        title = ("alone", "beside one busy process", "beside two busy processes")[neighbours]
        lines.append(f"| {title} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[1] / rates[0]:.2f} |")
    return [*lines, ""]


def in_turns(p: PointsProblem, counts: tuple[int, ...], rounds: int = 9) -> list[float]:
    """Return the shortest time with each number of threads; in turns, as the clock rate drifts."""
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            with using(count):
                times[count].append(best_time(lambda: triangulate_points(p.rig, p.pixels), 1)[0])
    return [min(times[count]) for count in counts]


def pycolmap_row(p: PointsProblem, rate: float) -> str:
    import pycolmap

    cameras, poses = [], []
    for camera in p.rig.cameras.values():
        K = camera.K.numpy()
        # The half pixel is added to centre and pixels alike, so it drops out.
        cameras.append(
            pycolmap.Camera(
                model="PINHOLE",
                width=camera.size[0],
                height=camera.size[1],
                params=[K[0, 0], K[1, 1], K[0, 2], K[1, 2]],
            )
        )
        pose = camera.cam_from_world
        poses.append(pycolmap.Rigid3d(pycolmap.Rotation3d(pose.R.numpy()), pose.t.numpy()))
    options = pycolmap.EstimateTriangulationOptions()
    options.residual_type = pycolmap.TriangulationResidualType.REPROJECTION_ERROR
    options.ransac.max_error = THRESHOLD_PX
    count = min(PYCOLMAP_POINTS, p.pixels.shape[1])
    seen = ~np.isnan(p.pixels[..., 0])
    points = np.full((count, 3), np.nan)

    def solve():
        for n in range(count):
            views = np.flatnonzero(seen[:, n])
            found = pycolmap.estimate_triangulation(
                p.pixels[views, n], [poses[c] for c in views], [cameras[c] for c in views], options
            )
            if found is not None:
                points[n] = found["xyz"]

    seconds, _ = best_time(solve)
    return row(
        "pycolmap.estimate_triangulation", seconds, count, millimetres(points, p.xyz[:count]), rate
    )


def anipose_row(p: PointsProblem, rate: float) -> str:
    from aniposelib.cameras import Camera, CameraGroup

    cameras = []
    for name, camera in p.rig.cameras.items():
        pose = camera.cam_from_world
        cameras.append(
            Camera(
                matrix=camera.K.numpy(),
                dist=np.zeros(5),
                size=camera.size,
                rvec=pose.rotvec.numpy(),
                tvec=pose.t.numpy(),
                name=name,
            )
        )
    group = CameraGroup(cameras)
    pixels = p.pixels[:, :ANIPOSE_POINTS]
    start = time.perf_counter()
    points = group.triangulate_ransac(pixels.copy(), progress=False)[0]
    seconds = time.perf_counter() - start
    return row(
        "aniposelib triangulate_ransac",
        seconds,
        ANIPOSE_POINTS,
        millimetres(points, p.xyz[:ANIPOSE_POINTS]),
        rate,
    )


def growth(points: int) -> list[str]:
    lines = [
        "## Growth with the number of cameras",
        "",
        "| cameras | points/s | time per point over 8 cameras | median mm |",
        "|---|---|---|---|",
    ]
    first = None
    for cameras in (4, 8, 16, 32, 64):
        p = points_problem(cameras, points // (1 + cameras // 32), np.random.default_rng(0))
        seconds, result = best_time(lambda p=p: triangulate_points(p.rig, p.pixels), 2)
        each = seconds / p.pixels.shape[1]
        first = each if cameras == 8 else first
        ratio = f"{each / first:.1f}" if first else ""
        median = np.median(millimetres(result.points, p.xyz))
        lines.append(f"| {cameras} | {1 / each:,.0f} | {ratio} | {median:.3f} |")
    return [*lines, ""]


def truthful() -> list[str]:
    p = points_problem(8, 20_000, np.random.default_rng(1))
    result = triangulate_points(p.rig, p.pixels)
    ok = result.accepted
    gap = (result.points - p.xyz)[ok]
    squared = np.einsum("ni,nij,nj->n", gap, np.linalg.inv(result.covariance[ok]), gap)
    shares = [f"{100 * (squared <= chi2.ppf(q, 3)).mean():.1f} %" for q in (0.5, 0.9, 0.95)]
    return [
        "## Covariance",
        "",
        f"The 50, 90 and 95 % ellipsoids hold {', '.join(shares)} of {ok.sum():,} points "
        f"(same problem; noise estimated as {result.noise_px:.3f} px, truth 1).",
        "",
    ]


def chance() -> list[str]:
    """Every view wrong, uniform within 50 px of the truth (methods.md A.9)."""
    lines = [
        "## Accepted although every view is wrong (1,000 trials)",
        "",
        "| cameras | threshold px | three views | default | groups of 4, three views "
        "| groups of 4, default |",
        "|---|---|---|---|---|---|",
    ]
    for cameras in (5, 8, 15, 31):
        for threshold in (4.0, 8.0):
            shares = [
                accepted_by_chance(cameras, threshold, views, grouped)
                for grouped in (False, True)
                for views in (3, None)
            ]
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            lines.append(f"| {cameras} | {threshold:g} | {cells} |")
    return [*lines, ""]


def accepted_by_chance(
    cameras: int, threshold: float, min_views: int | None, grouped: bool
) -> float:
    rng = np.random.default_rng(0)
    rig: Rig = ring_rig(cameras, 2.7, 1.0, rng, distortion=False)
    size = 4 if grouped else 1
    truth = np.tile(project_all(rig, np.array([[0.0, 0.0, 0.4]])), (1, 1000 * size, 1))
    pixels = truth + rng.uniform(-50, 50, truth.shape)
    options = TriangulationOptions(threshold_px=threshold, min_views=min_views)
    groups = np.arange(1000 * size) // size if grouped else None
    return float(triangulate_points(rig, pixels, options=options, groups=groups).accepted.mean())


def streamed(points: int) -> list[str]:
    """Triangulate a file of many points in a process of its own and report its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("streaming.py")), folder]
        start = time.perf_counter()
        found = subprocess.run([*command, str(points)], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    return [
        "## Memory: a recording streamed through `mvboot triangulate`",
        "",
        *found.stdout.strip().splitlines(),
        "",
        f"Whole run, writing the input included: {seconds / 60:.1f} min.",
        "",
    ]


def help_time() -> list[str]:
    command = [str(Path(sys.executable).with_name("mvboot")), "--help"]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return [
        "## `mvboot --help`",
        "",
        f"Median of five: {np.median(times):.3f} s (largest {max(times):.3f} s).",
    ]


if __name__ == "__main__":
    main()
