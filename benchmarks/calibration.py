"""Speed and accuracy of calibration beside its peers, in one run on one core.

    OMP_NUM_THREADS=1 python benchmarks/calibration.py --out benchmarks/results/calibration.md

aniposelib is optional (`pip install -r benchmarks/requirements.txt`), and so are the real pairs of
pictures; what is missing is said. Peers get the detections and the start that mvboot gets.
RMS is per axis; where it is a length, as OpenCV counts, it is called one (1.41 times as large).
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from calibration_peers import anipose_solvers, opencv_multiview, opencv_stereo
from calibration_problem import (
    BOARD,
    CLEAR_POINTS,
    FOCAL_ERROR,
    NOISE_PX,
    POSE_ERROR_DEG,
    Problem,
    all_held,
    figures,
    from_first,
    in_sigmas,
    neighbours,
    pose_gaps,
    posed,
    problem,
    root_mean_square,
    synthetic_shots,
    timed,
    with_true_intrinsics,
)
from origin import origin

from mvboot import Rig
from mvboot.calib.boards import Charuco, Checkerboard
from mvboot.calib.bundle import GROUPS, INTRINSICS, Bundle, Held, Observations, adjust
from mvboot.calib.calibrate import LENS_VIEWS, CalibrationOptions, calibrate_rig
from mvboot.calib.detect import detector_of
from mvboot.calib.extrinsics import chained, find_links, placed
from mvboot.calib.find import chosen_instants, find_board, together
from mvboot.calib.intrinsics import board_observations, calibrate_camera
from mvboot.calib.rounds import adjust_in_rounds, rms
from mvboot.calib.select import chosen_shots
from mvboot.calib.shots import Shots
from mvboot.calib.uncertainty import POSE, covariance
from mvboot.formats.footage import open_pictures
from mvboot.synthetic.scene import ring_rig

LARGE_BOARD = Charuco(8, 11, "m", 0.06, 0.045, "DICT_4X4_250")
PAIRS_BOARD = Checkerboard(9, 6, "cm", 1.0)

RIGS = 10
COVERED_RIGS, COVERED_SHOTS, QUANTILE_90 = 200, 15, 1.645
LARGE_RIG, LARGE_SHOTS, TARGET_S = 32, 200, 60

ONE_FOCAL_AND_K1 = frozenset({"principal_point", "k2", "k3", "k4", "p1", "p2"})
DATA = Path(os.environ.get("MVBOOT_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    on_one_core()
    problems = [problem(seed) for seed in range(RIGS)]
    lines = [*heading(), *beside_aniposelib(problems), *truthful(problems), *large_rig()]
    lines += [*coverage(), *beside_multiview(), *beside_stereo()]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


def on_one_core() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("set OMP_NUM_THREADS=1: libraries start their threads when they are imported")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def heading() -> list[str]:
    where = "bound to one of them" if hasattr(os, "sched_setaffinity") else "not bound to one"
    return [
        "# Calibration",
        "",
        *origin()[:-1],
        f"{os.cpu_count()} cores, the process {where}, `OMP_NUM_THREADS=1`; seeds are fixed. "
        "CPU time is given beside the clock's: other work on the machine lengthens the latter.",
        "",
    ]


# --- aniposelib ---------------------------------------------------------------------------------


def beside_aniposelib(problems: list[Problem]) -> list[str]:
    seen = np.mean([p.shots.seen.sum() for p in problems])
    return [
        "## Beside aniposelib: 6 cameras (one fisheye), 40 shots of a ChArUco board, 0.3 px noise",
        "",
        f"{RIGS} rigs, {seen:,.0f} detections each. Start: focal lengths {100 * FOCAL_ERROR:g} % "
        f"off, no distortion, cameras turned by {POSE_ERROR_DEG:g} degrees and moved as much seen "
        "from the middle, boards posed in those cameras. Lenses are what aniposelib has (k1, "
        "fisheye k1) and the principal point is given; aniposelib estimates one focal length, "
        "mvboot fx and fy. Times: median of the rigs, each solved once before to warm up; "
        "the ratios are those of CPU times; `adjust` and `bundle_adjust` solve once, the other two "
        "again and again against outliers. RMS: of the boards fitted anew to the cameras "
        "that each found, the same for all. Errors: RMS over cameras and rigs, poses against the "
        "first camera.",
        "",
        *comparison(problems, ONE_FOCAL_AND_K1),
        "### Poses alone, the intrinsics given",
        "",
        "So both have the same unknowns. Cameras start as above, with the true intrinsics.",
        "",
        *comparison([with_true_intrinsics(p) for p in problems], INTRINSICS),
    ]


def comparison(problems: list[Problem], held: frozenset[str]) -> list[str]:
    solvers: dict[str, Callable[[Problem], Rig]] = {
        "mvboot `adjust`": lambda p: adjust(*posed_problem(p, held)).rig,
        "mvboot `adjust_in_rounds`": lambda p: adjust_in_rounds(*posed_problem(p, held)).bundle.rig,
    }
    note = []
    try:
        solvers |= anipose_solvers(only_extrinsics=held == INTRINSICS)
    except ImportError as error:
        note = [f"| not installed: {error.name} | | | | | | | | | |"]
    results = {name: [measured(solve, p) for p in problems] for name, solve in solvers.items()}
    usual = [np.median([s[1] for s, _, _ in found]) for found in list(results.values())[:2]]
    lines = [
        "| | time s | CPU s | over `adjust` | over `adjust_in_rounds` | RMS px | focal % | k1 "
        "| rotation deg | centre mm |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        seconds = np.median([s for s, _, _ in found], 0)
        cells = [*(f"{s:.2f}" for s in seconds), *(f"{seconds[1] / one:.1f}" for one in usual)]
        cells.append(f"{root_mean_square([r for _, r, _ in found]):.5f}")
        errors = np.sqrt(np.mean([e**2 for _, _, e in found], 0))
        cells += [f"{error:.4f}" if error > 1e-9 else "" for error in errors]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, *note, "", *verdict(results), ""]


def verdict(results: dict[str, list[tuple[np.ndarray, float, np.ndarray]]]) -> list[str]:
    """Say in how many rigs mvboot's RMS is no higher than the better one of aniposelib's."""
    peers = [found for name, found in results.items() if name.startswith("aniposelib")]
    if not peers:
        return []
    best = np.min([[r for _, r, _ in found] for found in peers], 0)
    lines = []
    for name, found in results.items():
        if name.startswith("mvboot"):
            ours = np.array([r for _, r, _ in found])
            lines.append(
                f"- {name}: RMS no higher than aniposelib's better one in {(ours <= best).sum()} "
                f"of {len(best)} rigs; at worst {100 * (ours / best - 1).max():+.3f} %."
            )
    return lines


def posed_problem(p: Problem, held: frozenset[str]) -> tuple[Bundle, Observations, Held]:
    return p.start, board_observations(p.shots), all_held(p.truth, *held)


def measured(solve: Callable[[Problem], Rig], p: Problem) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the times of the second run, RMS with boards fitted anew, and the errors."""
    solve(p)
    seconds, found = timed(solve, p)
    observations = board_observations(p.shots)
    boards = adjust(posed(found, p.shots), observations, all_held(found, *GROUPS))
    return seconds, rms(boards.residuals(observations)), figures(found, p.truth)


# --- noise and covariance -----------------------------------------------------------------------


def truthful(problems: list[Problem]) -> list[str]:
    lines = [
        "## At the noise floor",
        "",
        f"`adjust` on the same {RIGS} rigs. Expected: the noise times the root of 1 minus "
        "parameters over measured coordinates. Within 3 sigma of the truth should be 99.7 %.",
        "",
        "| free, in each camera | RMS px | expected px | parameters | within 3 sigma % |",
        "|---|---|---|---|---|",
    ]
    for what, held in (
        ("fx fy k1", ONE_FOCAL_AND_K1),
        ("fx fy cx cy and 4 lens terms", frozenset()),
    ):
        reached, expected, sigmas = [], [], []
        for p in problems:
            kept, observations = all_held(p.truth, *held), board_observations(p.shots)
            found = adjust(p.start, observations, kept)
            spread = covariance(found, observations, kept)
            mine = [x for _, x in in_sigmas(found.rig, p.truth, spread)]
            free = sum(len(s.names) for s in spread.values()) + 6 * len(p.shots.numbers)
            reached.append(rms(found.residuals(observations)))
            expected.append(NOISE_PX * np.sqrt(1 - free / (2 * len(observations))))
            sigmas += mine
        within = 100 * (np.abs(sigmas) <= 3).mean()
        lines.append(
            f"| {what} | {root_mean_square(reached):.4f} | {root_mean_square(expected):.4f} | "
            f"{len(sigmas)} | {within:.1f} |"
        )
    return [*lines, ""]


def coverage() -> list[str]:
    sigmas: dict[str, list[float]] = {n: [] for n in ("fx", "fy", "cx", "cy", "k1")}
    sigmas |= {"rotation": [], "centre": []}
    for seed in range(COVERED_RIGS):
        rng = np.random.default_rng(1000 + seed)
        truth = neighbours(3, rng)
        shots = synthetic_shots(truth, BOARD, COVERED_SHOTS, rng)
        observations = board_observations(shots)
        adjusted = adjust_in_rounds(posed(truth, shots), observations, Held())
        spread = covariance(adjusted.bundle, observations.where(adjusted.used), Held())
        for name, value in in_sigmas(adjusted.bundle.rig, truth, spread):
            kind = "rotation" if name in POSE[:3] else name
            if kind in sigmas:
                sigmas[kind].append(value)
    lines = [
        "## Intervals that hold the truth",
        "",
        f"90 % intervals of {COVERED_RIGS} synthetic rigs: 3 cameras, {COVERED_SHOTS} shots, fx "
        "fy cx cy and 5 lens terms free in each, `adjust_in_rounds`. Rotation and centre: each of "
        "three components, against the first camera.",
        "",
        "| | values | inside % | error over sigma, RMS |",
        "|---|---|---|---|",
    ]
    for kind, values in sigmas.items():
        inside = 100 * (np.abs(values) <= QUANTILE_90).mean()
        lines.append(
            f"| {kind} | {len(values):,} | {inside:.1f} | {root_mean_square(values):.3f} |"
        )
    return [*lines, ""]


# --- a large rig --------------------------------------------------------------------------------


def large_rig() -> list[str]:
    rng = np.random.default_rng(0)
    truth = ring_rig(LARGE_RIG, 2.7, 1.0, rng)
    shots = synthetic_shots(truth, LARGE_BOARD, LARGE_SHOTS, rng)
    stages, found = by_stages(shots)
    total = sum(stages.values())
    errors = figures(found, truth)
    lines = [
        f"## {LARGE_RIG} cameras, {LARGE_SHOTS} shots: {shots.seen.sum():,} detections",
        "",
        "| stage, lens given (`brown5`) | s | CPU s |",
        "|---|---|---|",
        *(f"| {name} | {s[0]:.1f} | {s[1]:.1f} |" for name, s in stages.items()),
        f"| together ({verdict_on(total)}) | {total[0]:.1f} | {total[1]:.1f} |",
        "",
        f"Errors against the truth: focal {errors[0]:.4f} %, k1 {errors[1]:.5f}, rotation "
        f"{errors[2]:.4f} degrees, centre {errors[3]:.3f} mm (RMS).",
        "",
        "| `calibrate_rig`, checks and quality figures included | shots used | s | CPU s |",
        "|---|---|---|---|",
    ]
    brown = {name: ("brown5",) for name in shots.cameras}
    for what, options in (
        ("lens given, every shot", CalibrationOptions(lenses=brown, max_shots=LARGE_SHOTS)),
        ("lens given", CalibrationOptions(lenses=brown)),
    ):
        seconds, made = timed(calibrate_rig, shots, options)
        used = len(made.shots.numbers)
        lines.append(
            f"| {what} ({verdict_on(seconds)}) | {used} | {seconds[0]:.1f} | {seconds[1]:.1f} |"
        )
    return [*lines, ""]


def verdict_on(seconds: np.ndarray) -> str:
    return f"target {TARGET_S} s of CPU time: {'met' if seconds[1] < TARGET_S else 'MISSED'}"


def by_stages(shots: Shots) -> tuple[dict[str, np.ndarray], Rig]:
    """Return the times of every stage, and the rig."""
    stages: dict[str, np.ndarray] = {}

    def stage(name: str, function: Callable, *arguments):
        stages[name], result = timed(function, *arguments)
        return result

    def lenses():
        views = {name: chosen_shots(shots.of([name]), LENS_VIEWS) for name in shots.cameras}
        return {name: calibrate_camera(few, ("brown5",)) for name, few in views.items()}

    def everywhere(alone):
        return {n: calibrate_camera(shots.of([n]), (), alone[n].camera) for n in shots.cameras}

    alone = stage(f"intrinsics, {LENS_VIEWS} views of each camera", lenses)
    cameras = stage("the board's pose in every view", everywhere, alone)
    links = stage("links", find_links, shots, cameras)
    rig, _ = stage("chain", chained, shots, cameras, links)
    start = stage("place", placed, shots, cameras, rig)
    observations = board_observations(shots)
    adjusted = stage("`adjust_in_rounds`", adjust_in_rounds, start, observations, Held())
    used = observations.where(adjusted.used)
    stage("covariance", covariance, adjusted.bundle, used, Held())
    return stages, adjusted.bundle.rig


# --- OpenCV -------------------------------------------------------------------------------------


def beside_multiview() -> list[str]:
    rng = np.random.default_rng(0)
    truth = neighbours(4, rng)
    partly = synthetic_shots(truth, BOARD, 60, rng)
    complete = partly.counts == len(BOARD.points)
    shots = partly.where(partly.seen & complete[..., None]).without_poor(CLEAR_POINTS)
    observations = board_observations(shots)
    seconds, length, theirs = opencv_multiview(shots, truth)
    our_seconds, ours = timed(
        lambda: adjust(alone_then_together(shots), observations, Held()),
    )
    held = all_held(truth, *INTRINSICS)
    alike = adjust(posed(theirs, shots), observations, held)
    rows = {
        "cv2.calibrateMultiview": (seconds, length, theirs),
        "mvboot, with OpenCV's intrinsics held": (None, length_rms(alike, shots), alike.rig),
        "mvboot": (our_seconds, length_rms(ours, shots), ours.rig),
    }
    lines = [
        f"## Beside OpenCV {cv2.__version__}: `calibrateMultiview`, 4 cameras, 5 lens terms",
        "",
        f"{len(observations):,} detections of boards seen whole, in {len(shots.numbers)} shots. "
        "With boards seen in part, points not seen given as (-1, -1), OpenCV's RMS was "
        f"{opencv_multiview(partly, truth)[1]:.1e} px. RMS as a length; errors against the truth, "
        "RMS over cameras, then distances of the cameras from the first one. OpenCV calibrates "
        "each camera alone and keeps its intrinsics.",
        "",
        "| | time s | CPU s | RMS px | rotation deg | centre mm | distances mm |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (times, error, found) in rows.items():
        _, _, turn, move = figures(found, truth)
        apart = ", ".join(f"{1000 * d:.2f}" for d in distances(found))
        took = " | " if times is None else f"{times[0]:.2f} | {times[1]:.2f}"
        lines.append(f"| {name} | {took} | {error:.5f} | {turn:.4f} | {move:.3f} | {apart} |")
    apart = ", ".join(f"{1000 * d:.2f}" for d in distances(truth))
    turns, moves = pose_gaps(alike.rig, theirs)
    return [
        *lines,
        f"| truth | | | {NOISE_PX * 2**0.5:.5f} | | | {apart} |",
        "",
        f"With the same intrinsics the two differ by at most {turns.max():.5f} degrees and "
        f"{moves.max():.4f} mm.",
        "",
    ]


def beside_stereo() -> list[str]:
    title = f"## Beside OpenCV {cv2.__version__}: `stereoCalibrate`, real pairs of a checkerboard"
    if not (DATA / "stereo2").is_dir():
        return [title, "", "Skipped: no recording stereo2 where MVBOOT_SHARED_DATA says."]
    footages = open_pictures(f"{DATA}/stereo2/{{camera}}{{frame}}.jpg")
    detector, instants = detector_of(PAIRS_BOARD), chosen_instants(footages)
    every = together(
        PAIRS_BOARD, {n: find_board(f, detector, instants) for n, f in footages.items()}
    )
    shots = every.at(every.seen.all((0, 2)))
    length, theirs = opencv_stereo(shots)
    observations = board_observations(shots)
    start = alone_then_together(shots)
    ours = adjust(start, observations, Held())
    spread = covariance(ours, observations, Held())
    rounds = adjust_in_rounds(start, observations, Held())
    out = int((~rounds.used).sum())
    turns, moves = pose_gaps(ours.rig, theirs)
    deviation = spread[shots.cameras[1]].center_deviation
    rows = {
        "cv2.stereoCalibrate": (length, theirs),
        "mvboot `adjust`": (length_rms(ours, shots), ours.rig),
        f"mvboot `adjust_in_rounds`, {out} left out": (2**0.5 * rounds.rms_px, rounds.bundle.rig),
    }
    lines = [
        title,
        "",
        f"{len(shots.numbers)} pairs, {len(observations):,} detections, 5 lens terms and all else "
        "free. OpenCV's RMS is a length; mvboot's is per axis, and multiplied by 1.41 beside it. "
        "The camera distance is in squares of the board.",
        "",
        "| | RMS as a length px | RMS per axis px | camera distance |",
        "|---|---|---|---|",
        *(
            f"| {name} | {error:.5f} | {error / 2**0.5:.5f} | {distances(rig)[0]:.5f} |"
            for name, (error, rig) in rows.items()
        ),
        "",
        f"The first two differ by {turns[0]:.4f} degrees and {moves[0] / 1000:.6f} squares; the "
        f"standard deviation of the centre is {deviation:.5f} squares.",
    ]
    return lines


def alone_then_together(shots: Shots) -> Bundle:
    """Return the start that mvboot finds from shots: each camera alone, then chained."""
    cameras = {n: calibrate_camera(shots.of([n]), ("brown5",)) for n in shots.cameras}
    rig, _ = chained(shots, cameras, find_links(shots, cameras))
    return placed(shots, cameras, rig)


def length_rms(bundle: Bundle, shots: Shots) -> float:
    return 2**0.5 * rms(bundle.residuals(board_observations(shots)))


def distances(rig: Rig) -> list[float]:
    """Return each camera's distance from the first one."""
    return [pose.center.norm().item() for pose in from_first(rig).values()][1:]


if __name__ == "__main__":
    main()
