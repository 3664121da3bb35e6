"""Draw the pictures of the guide: ``python calib/draw_pictures.py`` (they come out the same)."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from mvboot.calib.board_spec import load_board
from mvboot.calib.calibrate import (
    Calibration,
    CalibrationFailed,
    CalibrationOptions,
    calibrate_rig,
)
from mvboot.calib.detect import Look, detector_of
from mvboot.calib.shots import Shots
from mvboot.geometry import Camera, Pose
from mvboot.report.calibration import draw_coverage
from mvboot.rig import Rig
from mvboot.synthetic.boards import BoardRenderer, board_shots
from mvboot.synthetic.scene import looking_at

FOLDER = Path(__file__).parent / "pictures"
BOARD = load_board(str(Path(__file__).parent / "boards" / "charuco_a4.yaml"))
SHADES = 25
"""Steps from black to white; more make large files."""

GOOD, BAD = "#1e8449", "#b03a2e"
SIZE, FOCAL = (640, 480), 620.0
DISTORTION = (-0.2, 0.06, 0.0, 0.0)


# --- scenes -------------------------------------------------------------------------------------


def lone_camera() -> Camera:
    """Return a camera at the origin."""
    K = [[FOCAL, 0, SIZE[0] / 2], [0, FOCAL, SIZE[1] / 2], [0, 0, 1]]
    return Camera.from_opencv(K, DISTORTION, size=SIZE)


def ring(count: int, radius: float = 900.0, height: float = 450.0) -> Rig:
    """Return cameras around a cage, in mm, z up."""
    cameras = {}
    for c in range(count):
        angle = 2 * np.pi * c / count
        center = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        R = looking_at(center, np.array([0.0, 0.0, 60.0]))
        K = lone_camera().K
        cameras[f"cam{c + 1}"] = Camera.from_opencv(K, DISTORTION, R, -R @ center, SIZE)
    return Rig(cameras, "mm", up="z")


def held(
    distance: float,
    tilt: float = 0.0,
    about: float = 0.0,
    roll: float = 0.0,
    place: tuple[float, float] = (0.0, 0.0),
) -> Pose:
    """Return a board before the lone camera; angles in degrees, place as a share of half a side.

    ``about`` 0 tilts the upper edge away, 90 the right one.
    """
    across, down = np.array(place) * np.array(SIZE) / 2 / FOCAL * distance
    axis = np.radians(tilt) * np.array([np.cos(np.radians(about)), np.sin(np.radians(about)), 0])
    return (
        Pose.from_rotation(axis, [across, down, distance])
        @ Pose.from_rotation([0.0, 0.0, np.radians(roll)], np.zeros(3))
        @ Pose.from_rotation(np.eye(3), [*(-np.array(BOARD.size) / 2), 0.0])
    )


def seen(poses: Sequence[Pose], name: str) -> Shots:
    """Return what the lone camera, under a name, finds of a board at some poses."""
    rig = Rig({name: lone_camera()}, BOARD.units)
    return board_shots(rig, BOARD, stacked(poses), np.random.default_rng(0), noise_px=0.15)


def stacked(poses: Sequence[Pose]) -> Pose:
    """Return several poses as one batch."""
    return Pose(torch.stack([p.R for p in poses]), torch.stack([p.t for p in poses]))


def calibrated(poses: Sequence[Pose], name: str) -> Calibration:
    """Return the lone camera calibrated with what it finds."""
    return calibrate_rig(seen(poses, name), CalibrationOptions(lenses={name: ("brown2",)}))


def verdict(poses: Sequence[Pose]) -> tuple[str, bool]:
    """Return what the program says of the focal length, and whether it takes it."""
    try:
        part = calibrated(poses, "cam1")
    except CalibrationFailed as failed:
        return "refused: " + failed.findings[0].message.split(":")[0], False
    deviation = part.qualities["cam1"].covariance.deviation("fx")
    return f"focal length {float(part.rig['cam1'].K[0, 0]):.1f} +- {deviation:.1f} px", True


# --- pictures -----------------------------------------------------------------------------------


def draw_tilts() -> None:
    """Draw boards at one tilt, and at many."""
    rng = np.random.default_rng(3)
    places = [(-0.35, -0.2), (0.3, 0.15), (-0.1, 0.2), (0.35, -0.15)] * 5
    flat = [held(rng.uniform(480, 620), tilt=8 + rng.uniform(-1, 1), place=p) for p in places]
    about = [0, 90, 180, 270, 45, 135, 225, 315] * 3
    away = [480, 640, 760, 560, 900] * 4
    tilted = [
        held(d, tilt=38, about=a, roll=r, place=p)
        for d, a, r, p in zip(away, about, [0, 90, 20, -30, 60] * 4, places, strict=False)
    ]
    figure = new_figure(10, 5.3)
    rows = [(flat, "always nearly facing the camera"), (tilted, "tilted every way, near and far")]
    for row, (poses, words) in enumerate(rows):
        said, good = verdict(poses)
        top = 0.93 - 0.5 * row
        figure.text(0.01, top, f"{words} — {said}", color=GOOD if good else BAD, fontsize=12)
        for column, pose in enumerate(poses[:4]):
            axes = figure.add_axes((0.01 + 0.2475 * column, top - 0.42, 0.2375, 0.4))
            show(axes, picture(lone_camera(), pose), GOOD if good else BAD)
    save(figure, "tilts.png")


def draw_coverage_of_one() -> None:
    """Draw, as the program does, what a well and a badly covered camera saw."""
    grid = [(x, y) for x in (-0.75, -0.25, 0.25, 0.75) for y in (-0.62, 0.0, 0.62)]
    tilts = [(a, t) for a, t in zip([0, 90, 180, 270, 45, 225] * 4, [35, 25] * 12, strict=True)]
    everywhere = [
        held(d, tilt=t, about=a, roll=90 * (k % 2), place=p)
        for d in (520.0, 800.0)
        for k, (p, (a, t)) in enumerate(zip(grid, tilts, strict=False))
    ]
    middle = [held(800 + 20 * k, tilt=t, about=a) for k, (a, t) in enumerate(tilts)]
    parts = [calibrated(everywhere, "good"), calibrated(middle, "too little")]
    draw_coverage(parts, FOLDER / "coverage.png")


def draw_sizes() -> None:
    """Draw boards that are too small, right and too large in the picture."""
    figure = new_figure(10, 2.95)
    for column, (distance, words, color) in enumerate(
        [(2600, "too small", BAD), (430, "right", GOOD), (140, "too large", BAD)]
    ):
        gray = picture(lone_camera(), held(distance, tilt=25, about=60, roll=90))
        axes = figure.add_axes((0.01 + 0.33 * column, 0.02, 0.32, 0.84))
        show(axes, gray, color)
        axes.set_title(f"{words}: {found(gray)}", color=color, fontsize=12)
    save(figure, "size.png")


def draw_light() -> None:
    """Draw a sharp picture, one blurred by motion, one out of focus, and a reflection."""
    sharp = picture(lone_camera(), held(560, tilt=25, about=60, roll=80))
    kernel = np.zeros((15, 15), np.float32)
    kernel[7] = 1 / 15
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    glare = 1.2 * np.exp(-(((x - 350) / 85) ** 2 + ((y - 235) / 70) ** 2))
    cases = [
        (sharp, "sharp", GOOD),
        (cv2.filter2D(sharp, -1, kernel), "moved while exposed", BAD),
        (cv2.GaussianBlur(sharp, (0, 0), 6.0), "out of focus", BAD),
        (np.clip(sharp + 255 * glare, 0, 255).astype(np.uint8), "a lamp's reflection", BAD),
    ]
    figure = new_figure(10, 2.45)
    for column, (gray, words, color) in enumerate(cases):
        axes = figure.add_axes((0.01 + 0.2475 * column, 0.01, 0.2375, 0.77))
        show(axes, gray, color)
        axes.set_title(f"{words}\n{found(gray)}", color=color, fontsize=11)
    save(figure, "light.png")


def draw_shared() -> None:
    """Draw a ring from above: the board between neighbours, and the board before one at a time."""
    rig = ring(6)
    figure = new_figure(10, 4.9)
    between = [standing(330.0, 30.0 + 60 * k) for k in range(6)]
    alone = [standing(640.0, 60.0 * k) for k in range(6)]
    for column, (poses, words) in enumerate(
        [
            (between, "good: neighbours see it at the same instant"),
            (alone, "bad: before one camera at a time"),
        ]
    ):
        axes = figure.add_axes((0.01 + 0.5 * column, 0.01, 0.48, 0.9))
        joined = draw_ring(axes, rig, poses)
        axes.set_title(words, color=GOOD if joined else BAD, fontsize=12)
    save(figure, "shared_views.png")


def draw_floor() -> None:
    """Draw the board on the floor, with the world it makes, as two cameras see it."""
    rig = ring(6, radius=480.0, height=400.0)
    lying = Pose.from_rotation(
        np.diag([1.0, -1.0, -1.0]), [-BOARD.size[0] / 2, BOARD.size[1] / 2, 0.0]
    )
    figure = new_figure(10, 3.95)
    for column, name in enumerate(("cam4", "cam6")):
        axes = figure.add_axes((0.01 + 0.5 * column, 0.01, 0.48, 0.9))
        show(axes, picture(rig[name], lying), "black")
        axes.set_title(f"{name}: the upper left corner is the origin, z points up", fontsize=11)
        draw_axes(axes, rig[name], lying)
    save(figure, "floor.png")


# --- parts of pictures --------------------------------------------------------------------------


def standing(radius: float, degrees: float) -> Pose:
    """Return a board that stands in the ring, facing outwards and a little up."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    normal = np.array([cosine, sine, 0.5]) / np.hypot(1, 0.5)
    across = np.array([-sine, cosine, 0.0])
    R = np.stack([across, np.cross(-normal, across), -normal], -1)
    middle = np.array([radius * cosine, radius * sine, 150.0])
    return Pose.from_rotation(R, middle - R @ np.array([*(np.array(BOARD.size) / 2), 0.0]))


def draw_ring(axes: Axes, rig: Rig, poses: Sequence[Pose]) -> bool:
    """Draw cameras, boards and who shares one, from above; return whether all are joined."""
    shots = board_shots(rig, BOARD, stacked(poses), np.random.default_rng(0))
    seeing = shots.counts >= 0.5 * len(BOARD.points)
    centers = np.array([camera.center.numpy()[:2] for camera in rig.cameras.values()])
    shared = (seeing[:, None] & seeing[None]).sum(-1)
    for a, b in zip(*np.nonzero(np.triu(shared, 1)), strict=True):
        axes.plot(*centers[[a, b]].T, color=GOOD, lw=2.5, zorder=0)
    for name, center in zip(rig.names, centers, strict=True):
        draw_camera(axes, center, name)
    for s, pose in enumerate(poses):
        corners = torch.tensor([[0.0, 0.0, 0.0], [BOARD.size[0], 0.0, 0.0]], dtype=torch.float64)
        edge = pose.apply(corners).numpy()[:, :2]
        axes.plot(*edge.T, color="black", lw=5, solid_capstyle="butt")
        for c in np.flatnonzero(seeing[:, s]):
            axes.plot(
                *np.stack([edge.mean(0), centers[c]]).T, color="#7f8c8d", lw=0.9, ls=(0, (4, 3))
            )
    axes.set_aspect("equal")
    axes.set_xlim(-1210, 1210)
    axes.set_ylim(-1050, 1050)
    axes.axis("off")
    reached = {0}
    for _ in rig.names:
        reached |= {int(b) for a in reached for b in np.flatnonzero(shared[a])}
    return len(reached) == len(rig)


def draw_camera(axes: Axes, center: np.ndarray, name: str) -> None:
    """Draw a camera from above that looks at the middle, with its name behind it."""
    inwards = -center / np.linalg.norm(center)
    aside = np.array([-inwards[1], inwards[0]])
    shape = [center, center + 95 * inwards + 60 * aside, center + 95 * inwards - 60 * aside]
    axes.fill(*np.array(shape).T, color="#2e5c8a", zorder=3)
    axes.text(*(center - 130 * inwards), name, ha="center", va="center", fontsize=11)


def draw_axes(axes: Axes, camera: Camera, board: Pose, length: float = 90.0) -> None:
    """Draw the axes of the world that a board on the floor makes."""
    ends = length * torch.tensor([[0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, -1]]).double()
    origin, *tips = camera.project(board.apply(ends)).numpy()
    for tip, name, color in zip(tips, "xyz", ("#c0392b", "#1e8449", "#1f5fbf"), strict=True):
        axes.annotate("", tip, origin, arrowprops={"arrowstyle": "-|>", "color": color, "lw": 3})
        place = tip + 14 * (tip - origin) / np.linalg.norm(tip - origin)
        outline = [withStroke(linewidth=4, foreground="white")]
        text = axes.text(*place, name, color=color, fontsize=15, weight="bold", ha="center")
        text.set(path_effects=outline, va="center")


def picture(camera: Camera, pose: Pose) -> np.ndarray:
    """Return the camera's picture of the board, without noise."""
    renderer = BoardRenderer(camera, BOARD, BOARD.units)
    return renderer.picture(pose, np.random.default_rng(0), noise=0)


def found(gray: np.ndarray) -> str:
    """Return how much of the board the program finds in a picture."""
    pixels = detector_of(BOARD).detect(gray, Look())
    return f"{(~np.isnan(pixels[:, 0])).sum()} of {len(pixels)} points found"


def new_figure(width: float, height: float) -> Figure:
    """Return a figure in inches, a hundred pixels each."""
    return Figure(figsize=(width, height), dpi=100)


def show(axes: Axes, gray: np.ndarray, color: str) -> None:
    """Show a picture in a frame of a colour."""
    axes.imshow(gray, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=2.5)


def save(figure: Figure, name: str) -> None:
    """Write a picture of the guide."""
    FOLDER.mkdir(exist_ok=True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    colors = np.asarray(canvas.buffer_rgba())[..., :3] / 255
    coarse = np.rint(np.rint(colors * SHADES) / SHADES * 255).astype(np.uint8)
    Image.fromarray(coarse).save(FOLDER / name, optimize=True)


if __name__ == "__main__":
    draw_tilts()
    draw_coverage_of_one()
    draw_sizes()
    draw_light()
    draw_shared()
    draw_floor()
