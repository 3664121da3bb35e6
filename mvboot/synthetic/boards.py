"""Boards before cameras, with exact truth: poses, what was found of them, and pictures.

Poses are in the world and the units of the rig; a board keeps its own units and is converted here.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.boards import Board
from mvboot.calib.shots import Shots
from mvboot.calib.views import Views
from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose, image_size
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.synthetic.scene import project_all

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Singles = NDArray[np.float32]

GRAZING_DEG = 75.0
"""A board seen at a larger angle off its normal is not found."""

ROLL_DEG = 60.0
TRIES = 200
SEEN = 0.5
"""Share of a board's points from which on a camera counts as seeing it."""

DEPTH = 0.3
"""How far before and behind the common focus the board is held, over its distance."""

LARGE, SMALL = 0.7, 0.3
"""Where there is no focus: the diagonal of the board over the shorter side of the picture."""

SAMPLES = 2
"""Rays across and down a pixel."""

INK, PAPER, ROOM, TEXTURE = 25.0, 225.0, 110.0, 12.0
GRAIN_PX = 16
MAX_PRINT_PX = 4096


# --- where the board is held --------------------------------------------------------------------


def board_poses(
    rig: Rig,
    board: Board,
    shots: int,
    rng: np.random.Generator,
    tilt_deg: float = 45.0,
    distance: tuple[float, float] | None = None,
) -> Pose:
    """Return ``world_from_board`` (S,) of a board that is shown to every camera in turn.

    In each shot the board lies anywhere in the picture of one camera, faces it but for a tilt of
    up to ``tilt_deg`` and a roll, and another camera sees at least half of its points as well.

    Parameters
    ----------
    rig
        Cameras that stand still.
    board
        What is held; its points are carried by the pose after conversion to the rig's units.
    shots
        Number of poses S.
    rng
        Decides everything.
    tilt_deg
        Largest angle in degrees between the board's normal and the ray to its middle.
    distance
        Range of distances from the camera in the rig's units. None: around the point that all
        cameras look at or, where there is none, where the board fills a good part of the picture.

    Raises
    ------
    InputError
        A moving rig, or a camera that shares no place for the board with another.
    """
    _require_still(rig)
    cameras = list(rig.cameras.values())
    ranges = [distance or reach for reach in _distances(rig, board)]
    facing, size = np.arange(shots) % len(rig), _size_in(board, rig.units)
    R = torch.zeros((shots, 3, 3), dtype=torch.float64)
    t = torch.zeros((shots, 3), dtype=torch.float64)
    unplaced = np.arange(shots)
    for _ in range(TRIES):
        if len(unplaced) == 0:
            break
        held = [
            _held(cameras[c], size, rng.uniform(*ranges[c]), tilt_deg, rng)
            for c in facing[unplaced]
        ]
        tried = Pose(torch.stack([p.R for p in held]), torch.stack([p.t for p in held]))
        good = _well_seen(rig, board, tried, facing[unplaced])
        R[unplaced[good]], t[unplaced[good]] = tried.R[good], tried.t[good]
        unplaced = unplaced[~good]
    if len(unplaced):
        lonely = ", ".join(rig.names[c] for c in np.unique(facing[unplaced]))
        raise InputError(
            f"no place found for the board where another camera sees it as well as {lonely}; "
            "allow more tilt or another distance, or take a smaller board"
        )
    return Pose(R, t)


def _require_still(seer: Rig | Camera) -> None:
    if seer.is_moving:
        raise InputError("boards are shown to cameras that stand still; choose a frame with `at`")


def _scale(board: Board, units: str) -> float:
    return UNITS_IN_M[board.units] / UNITS_IN_M[units]


def _size_in(board: Board, units: str) -> Floats:
    """Return width and height (2,) of the print in another unit."""
    return np.array(board.size) * _scale(board, units)


def _distances(rig: Rig, board: Board) -> list[tuple[float, float]]:
    """Return the default range of distances of the board from each camera."""
    views = Views(rig)
    focus = views.focus()
    narrow = [min(image_size(c)) / float(c.K[0, 0]) for c in rig.cameras.values()]
    if focus is not None:
        depths = [min(DEPTH, view / 2) for view in narrow]
        away = views.distances(focus)
        return [(d * (1 - depth), d * (1 + depth)) for d, depth in zip(away, depths, strict=True)]
    diagonal = float(np.hypot(*_size_in(board, rig.units)))
    return [(diagonal / view / LARGE, diagonal / view / SMALL) for view in narrow]


def _held(
    camera: Camera, size: Floats, distance: float, tilt_deg: float, rng: np.random.Generator
) -> Pose:
    """Return the pose () of a print of a size (2,) that faces a camera but for tilt and roll."""
    pixel = rng.uniform((0, 0), image_size(camera)) - 0.5
    origin, ray = camera.ray(pixel)
    if np.isnan(ray).any():
        ray = camera.forward.numpy()
    across = np.cross(camera.cam_from_world.R.numpy()[1], ray)
    across /= np.linalg.norm(across)
    facing = np.stack([across, np.cross(ray, across), ray], -1)
    axis, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(0, tilt_deg))
    roll = np.radians(rng.uniform(-ROLL_DEG, ROLL_DEG))
    return (
        Pose.from_rotation(facing, origin + distance * ray)
        @ Pose.from_rotation(tilt * np.array([np.cos(axis), np.sin(axis), 0.0]), np.zeros(3))
        @ Pose.from_rotation(np.array([0.0, 0.0, roll]), np.zeros(3))
        @ Pose.from_rotation(np.eye(3), np.array([*-size / 2, 0.0]))
    )


def _well_seen(
    rig: Rig, board: Board, world_from_board: Pose, facing: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which shots (S,) the camera that is faced sees, and another one."""
    pixels = _visible(rig, board, world_from_board, two_sided=False)
    seeing = (~np.isnan(pixels[..., 0])).mean(-1) >= SEEN
    faced = seeing[facing, np.arange(len(facing))]
    return np.asarray(faced & (seeing.sum(0) >= min(2, len(rig))))


# --- what is found of it ------------------------------------------------------------------------


def board_shots(
    rig: Rig,
    board: Board,
    world_from_board: Pose,
    rng: np.random.Generator,
    noise_px: float = 0.3,
    two_sided: bool = False,
) -> Shots:
    """Return what the cameras of a still rig find of a board at poses (S,): exact plus noise.

    A camera finds the points in its picture if the board's front faces it, at less than
    ``GRAZING_DEG`` between its normal and the ray. A board that is ``two_sided`` shows the mirror
    image of its front on the back, each point at its place. Noise is Gaussian, ``noise_px`` along
    each axis. InputError for a moving rig.
    """
    _require_still(rig)
    pixels = _visible(rig, board, world_from_board, two_sided)
    noise = noise_px * rng.standard_normal(pixels.shape)
    sizes = [image_size(camera) for camera in rig.cameras.values()]
    return Shots(
        board=board,
        cameras=rig.names,
        sizes=tuple((int(width), int(height)) for width, height in sizes),
        numbers=np.arange(pixels.shape[1]),
        pixels=pixels + noise,
    )


def _visible(rig: Rig, board: Board, world_from_board: Pose, two_sided: bool) -> Floats:
    """Return exact pixels (C, S, P, 2) of a board's points at poses (S,), NaN where unseen."""
    points = torch.from_numpy(board.points * _scale(board, rig.units))
    x_in_world = world_from_board.apply(points.expand(*world_from_board.batch_shape, -1, 3)).numpy()
    normal = world_from_board.R[:, None, :, 2].numpy()
    pixels = project_all(rig, x_in_world.reshape(-1, 3)).reshape(len(rig), *x_in_world.shape[:2], 2)
    for seen, camera in zip(pixels, rig.cameras.values(), strict=True):
        ray = x_in_world - camera.center.numpy()
        cosine = (ray * normal).sum(-1) / np.linalg.norm(ray, axis=-1)
        upright = np.abs(cosine) if two_sided else cosine
        seen[upright <= np.cos(np.radians(GRAZING_DEG))] = np.nan
    return pixels


# --- what it looks like -------------------------------------------------------------------------


@dataclass(frozen=True)
class BoardRenderer:
    """Pictures of one board by one camera; each ray of the camera is computed once.

    Parameters
    ----------
    camera
        A camera with a known size that stands still; any lens.
    board
        The board, printed on white paper with a margin of one square (or tag) around.
    units
        Unit of the camera's world.
    two_sided
        Whether the print shows through, mirrored, on the back; otherwise the back is blank.
    inverted
        Whether the print is white on black.
    room
        Seed of the background's texture.

    Raises
    ------
    InputError
        A moving camera.
    """

    camera: Camera
    board: Board
    units: str
    two_sided: bool = False
    inverted: bool = False
    room: int = 0

    def __post_init__(self) -> None:
        _require_still(self.camera)

    def picture(
        self,
        world_from_board: Pose,
        rng: np.random.Generator,
        blur_px: float = 0.4,
        noise: float = 2.0,
    ) -> Picture:
        """Return the gray picture (h, w) of the board at a pose ().

        ``blur_px`` is the standard deviation of a Gaussian blur (the default is a lens in focus),
        ``noise`` that of the sensor's gray values.
        """
        shade, cover = self._board(world_from_board)
        picture = shade + (1 - cover) * self._background
        if blur_px > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), blur_px)
        picture += noise * rng.standard_normal(picture.shape, dtype=np.float32)
        return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)

    def _board(self, world_from_board: Pose) -> tuple[Singles, Singles]:
        """Return the paper's gray times its cover of each pixel, and the cover: (h, w) each."""
        to_board = 1 / _scale(self.board, self.units)
        cam_from_board = (self.camera.cam_from_world @ world_from_board).scaled(to_board)
        x, y, on_paper = self._hits(cam_from_board)
        density = self._density(cam_from_board)
        shade = self._print(density, behind=bool(cam_from_board.center[2] > 0))
        rows, columns = self._background.shape
        fine, size = (rows * SAMPLES, columns * SAMPLES), (columns, rows)
        across, down = (np.where(on_paper, a * density - 0.5, -1).reshape(fine) for a in (x, y))
        lit = cv2.remap(shade, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        cover = on_paper.reshape(fine).astype(np.float32)
        shade, cover = (
            np.asarray(cv2.resize(rays, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
            for rays in (lit * cover, cover)
        )
        return shade, cover

    def _hits(self, cam_from_board: Pose) -> tuple[Singles, Singles, NDArray[np.bool_]]:
        """Return where the rays (n,) meet the board's plane, from the paper's corner, and if on it.

        A ray d meets it at (x, y) with ``d ~ H (x, y, 1)`` and H = [r1 r2 t]. The adjugate in
        place of the inverse lets a board seen edge-on vanish; its sign tells what lies ahead.
        """
        r1, r2, t = (*cam_from_board.R.numpy().T[:2], cam_from_board.t.numpy())
        adjugate = np.stack([np.cross(r2, t), np.cross(t, r1), np.cross(r1, r2)])
        from_ray = (np.sign(adjugate[2] @ t) * adjugate).astype(np.float32)
        margin = _margin(self.board)
        width, height = np.array(self.board.size) + 2 * margin
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y, ahead = from_ray @ self._rays
            x, y = x / ahead + margin, y / ahead + margin
            on_paper = (ahead > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return x, y, on_paper

    @cached_property
    def _rays(self) -> Singles:
        """Directions (3, n) in camera axes over the picture; zero where the lens has no inverse."""
        width, height = image_size(self.camera)
        x, y = ((np.arange(int(side) * SAMPLES) + 0.5) / SAMPLES - 0.5 for side in (width, height))
        pixels = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        _, rays = self.camera.with_pose(Pose.identity()).ray(pixels)
        return np.ascontiguousarray(np.nan_to_num(rays).T, dtype=np.float32)

    @cached_property
    def _background(self) -> Singles:
        """A gray room (h, w) with soft spots."""
        width, height = (int(side) for side in image_size(self.camera))
        coarse = (height // GRAIN_PX + 2, width // GRAIN_PX + 2)
        spots = np.random.default_rng(self.room).standard_normal(coarse).astype(np.float32)
        grown = cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(ROOM + TEXTURE * grown, dtype=np.float32)

    def _density(self, cam_from_board: Pose) -> float:
        """Return how many pixels of the print a unit gets: about one per ray, a power of two."""
        middle = cam_from_board.apply(torch.tensor([*np.array(self.board.size) / 2, 0.0]))
        away = max(float(middle.norm()), 1e-6 * max(self.board.size))
        wanted = SAMPLES * float(self.camera.K[0, 0]) / away
        most = MAX_PRINT_PX / (max(self.board.size) + 2 * _margin(self.board))
        return float(2.0 ** np.round(np.log2(min(wanted, most))))

    def _print(self, density: float, behind: bool) -> Singles:
        if behind and not self.two_sided:
            return np.full((1, 1), PAPER, dtype=np.float32)
        coverage = _ink_cover(self.board, density)
        return INK + (PAPER - INK) * (coverage if self.inverted else 1 - coverage)


def _margin(board: Board) -> float:
    """Return the width of the paper around the print: one square, or one tag."""
    return float(np.linalg.norm(board.points[1] - board.points[0]))


@lru_cache(maxsize=8)
def _ink_cover(board: Board, density: float) -> Singles:
    """Return the share of ink in each pixel of the paper, ``density`` pixels to a unit."""
    left, top, width, height = board.ink.T + np.array([[1], [1], [0], [0]]) * _margin(board)
    paper = np.ceil((np.array(board.size) + 2 * _margin(board)) * density).astype(int)
    across = _overlap(left * density, width * density, paper[0])
    down = _overlap(top * density, height * density, paper[1])
    return np.asarray(np.clip(down.T @ across, 0, 1), dtype=np.float32)


def _overlap(start: Floats, length: Floats, pixels: int) -> Singles:
    """Return the share (n, pixels) of each pixel that n intervals cover."""
    first = np.arange(pixels)
    shared = np.minimum(first + 1, (start + length)[:, None]) - np.maximum(first, start[:, None])
    return np.asarray(np.clip(shared, 0, 1), dtype=np.float32)
