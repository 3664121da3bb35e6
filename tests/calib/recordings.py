"""Board recordings as pictures in folders: a sound one with its truth, and what users do wrong.

Rendered once per session and kept in memory: the broken ones are modifications of the sound one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mvboot.calib.boards import Board, Charuco
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig
from mvboot.synthetic.boards import BoardRenderer, board_poses
from mvboot.synthetic.scene import looking_at

BOARD = Charuco(6, 8, "mm", 30.0, 22.0, "DICT_5X5_250")
SIZE = (640, 480)
LENS = (-0.12, 0.05, 4e-4, -3e-4, 0.0)
MIDDLE = np.array([0.0, 0.0, 0.3])
SHOTS = 24
FRAMES, LATE = 40, 3

Pictures = Mapping[str, Sequence[np.ndarray]]


@dataclass(frozen=True)
class Recording:
    """A recording on disk with its truth; ``world_from_board`` (S,) is in the rig's metres."""

    folder: Path
    pattern: str
    board: Board
    rig: Rig
    world_from_board: Pose


@dataclass(frozen=True)
class Broken:
    """A faulty recording: what a user gives the command, and what the fault is.

    ``board`` is the word for the command line, ``cameras`` are those that the fault concerns, and
    ``facts`` are further ones by name.
    """

    pattern: str
    board: str
    cameras: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


# --- what the sound ones are made of ------------------------------------------------------------


@cache
def four_cameras() -> Rig:
    """Cameras a to d on an arc before the common volume, in metres with z up."""
    cameras = {}
    for i, (name, degrees) in enumerate(zip("abcd", (-30, -10, 10, 30), strict=True)):
        angle, radius = np.radians(degrees), 0.75 + 0.02 * i
        center = np.array([radius * np.sin(angle), -radius * np.cos(angle), 0.35 + 0.1 * (i % 2)])
        R = looking_at(center, MIDDLE)
        focal = 780.0 + 15 * i
        K = [[focal, 0, 322.0 - i], [0, 1.002 * focal, 236.5 + 2 * i], [0, 0, 1]]
        cameras[name] = Camera.from_opencv(K, LENS, R, -R @ center, SIZE)
    return Rig(cameras, "m", "z")


@cache
def renderers(board: Board) -> dict[str, BoardRenderer]:
    rig = four_cameras()
    return {n: BoardRenderer(rig[n], board, rig.units, room=i) for i, n in enumerate(rig)}


def film(world_from_board: Pose, board: Board = BOARD, seed: int = 0) -> Pictures:
    """Pictures of the four cameras, one for each pose (S,)."""
    shots = range(len(world_from_board.t))
    return {
        name: [
            camera.picture(world_from_board[s], np.random.default_rng((seed, c, s))) for s in shots
        ]
        for c, (name, camera) in enumerate(renderers(board).items())
    }


@cache
def still_poses(board: Board = BOARD) -> Pose:
    return board_poses(four_cameras(), board, SHOTS, np.random.default_rng(7))


@cache
def still_pictures(board: Board = BOARD) -> Pictures:
    return film(still_poses(board), board)


@cache
def empty_room() -> Pictures:
    """Pictures without a board: it lies behind all cameras."""
    behind = Pose.from_rotation(np.zeros((SHOTS, 3)), np.tile([0.0, -5.0, 0.0], (SHOTS, 1)))
    return film(behind, seed=1)


def facing_poses(middles: np.ndarray, rotvecs: np.ndarray) -> Pose:
    """The board's middle at places (S, 3), turned (S, 3) from facing the cameras upright."""
    width, height = np.array(BOARD.size) / 1000
    facing = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    zero = np.zeros_like(middles)
    return (
        Pose.from_rotation(np.tile(facing, (len(middles), 1, 1)), middles)
        @ Pose.from_rotation(rotvecs, zero)
        @ Pose.from_rotation(zero, zero - [width / 2, height / 2, 0.0])
    )


@cache
def smooth_poses() -> Pose:
    """A board waved about, under 18 mm a frame; ``LATE`` frames longer than a recording."""
    turn = 2 * np.pi * np.arange(FRAMES + LATE) / 40
    path = np.stack([0.08 * np.sin(turn), 0.06 * np.cos(0.7 * turn), 0.05 * np.sin(1.3 * turn)], -1)
    wobble = np.stack(
        [0.5 * np.sin(0.9 * turn), 0.5 * np.cos(1.1 * turn), 0.3 * np.sin(0.6 * turn)], -1
    )
    return facing_poses(MIDDLE + path, wobble)


@cache
def smooth_pictures() -> Pictures:
    return film(smooth_poses(), seed=2)


def save(folder: Path, pictures: Pictures) -> str:
    """Write ``{camera}/{number:03d}.png``; returns the pattern that finds them."""
    for name, row in pictures.items():
        (folder / name).mkdir(parents=True)
        for number, picture in enumerate(row):
            path = folder / name / f"{number:03d}.png"
            assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return str(folder / "{camera}" / "*.png")


# --- sound recordings ---------------------------------------------------------------------------


def sound(folder: Path, board: Board = BOARD) -> Recording:
    """The board held still before the four cameras, 24 times."""
    pattern = save(folder, still_pictures(board))
    return Recording(folder, pattern, board, four_cameras(), still_poses(board))


def sound_motion(folder: Path) -> Recording:
    """The board waved about before four synchronous cameras, 40 frames."""
    pattern = save(folder, {n: row[LATE:] for n, row in smooth_pictures().items()})
    return Recording(folder, pattern, BOARD, four_cameras(), smooth_poses()[LATE:])


# --- broken ones --------------------------------------------------------------------------------


def changed(name: str, change: Callable[[np.ndarray], np.ndarray], first: int = 0) -> Pictures:
    """The sound pictures with a change made to one camera's, from shot ``first`` on."""
    row = still_pictures()[name]
    return {**still_pictures(), name: [*row[:first], *(change(picture) for picture in row[first:])]}


def no_overlap(folder: Path) -> Broken:
    """The board was shown to a and b first and then to c and d, never to both pairs at once."""
    half, seen, empty = SHOTS // 2, still_pictures(), empty_room()
    pictures = {n: [*seen[n][:half], *empty[n][half:]] for n in "ab"}
    pictures |= {n: [*empty[n][:half], *seen[n][half:]] for n in "cd"}
    groups = (("a", "b"), ("c", "d"))
    return Broken(save(folder, pictures), BOARD.spec, ("a", "b", "c", "d"), {"groups": groups})


def blurred(folder: Path) -> Broken:
    """Camera c was never focused."""
    pictures = changed("c", lambda picture: cv2.GaussianBlur(picture, (0, 0), 9.0))
    return Broken(save(folder, pictures), BOARD.spec, ("c",))


def wrong_square_size(folder: Path) -> Broken:
    """The squares were not measured: 40 mm by the file that was printed, 30 mm on paper.

    The pictures cannot tell; the tape between a and d can.
    """
    rig = four_cameras()
    metres = float((rig["a"].center - rig["d"].center).norm())
    facts = {
        "distance_m": metres,
        "between": ("a", "d"),
        "scale": 30 / 40,
        "words": ("--distance", f"a:d={1000 * metres:.1f}mm"),
    }
    board = replace(BOARD, square=40.0, marker=29.33).spec
    return Broken(save(folder, still_pictures()), board, (), facts)


def wrong_dictionary(folder: Path) -> Broken:
    """The board was named with the markers of another print."""
    board = replace(BOARD, dictionary="DICT_6X6_250").spec
    facts = {"dictionary": BOARD.dictionary}
    return Broken(save(folder, still_pictures()), board, ("a", "b", "c", "d"), facts)


def mirrored(folder: Path) -> Broken:
    """Camera c's pictures were saved as a mirror shows them."""
    return Broken(save(folder, changed("c", np.fliplr)), BOARD.spec, ("c",))


def frozen(folder: Path) -> Broken:
    """Camera b hung after its first picture and delivered it again and again."""
    first = still_pictures()["b"][0]
    return Broken(save(folder, changed("b", lambda _: first)), BOARD.spec, ("b",))


def desynchronised(folder: Path) -> Broken:
    """Camera c ran without the trigger: its pictures are three frames late."""
    film = smooth_pictures()
    pictures = {n: row[:FRAMES] if n == "c" else row[LATE:] for n, row in film.items()}
    return Broken(save(folder, pictures), BOARD.spec, ("c",), {"late": LATE})


def rotated(folder: Path) -> Broken:
    """Half of camera d's pictures were turned by 90 degrees when they were saved."""
    half = SHOTS // 2
    pictures = changed("d", np.rot90, half)
    return Broken(
        save(folder, pictures), BOARD.spec, ("d",), {"from": half, "sizes": (SIZE, SIZE[::-1])}
    )


def parallel(folder: Path) -> Broken:
    """The board was only ever shifted, always square to camera a."""
    rng = np.random.default_rng(3)
    camera = four_cameras()["a"]
    middles = MIDDLE + rng.uniform(-0.08, 0.08, (SHOTS, 3))
    tilt = Pose.from_rotation(camera.cam_from_world.R.mT, np.zeros(3))
    width, height = np.array(BOARD.size) / 1000
    corners = middles - tilt.R.numpy() @ [width / 2, height / 2, 0.0]
    poses = Pose.from_rotation(np.tile(tilt.R.numpy(), (SHOTS, 1, 1)), corners)
    facts = {"fronto_parallel": "a", "world_from_board": poses}
    return Broken(save(folder, film(poses, seed=3)), BOARD.spec, ("a", "b", "c", "d"), facts)


def swapped(folder: Path) -> Broken:
    """The cables of b and c were exchanged half way through."""
    half, seen = SHOTS // 2, still_pictures()
    b, c = seen["b"], seen["c"]
    pictures = {**seen, "b": [*b[:half], *c[half:]], "c": [*c[:half], *b[half:]]}
    return Broken(save(folder, pictures), BOARD.spec, ("b", "c"), {"from": half})


def empty_folder(folder: Path) -> Broken:
    """Camera d's pictures were not copied: its folder is there but empty."""
    pictures = {**still_pictures(), "d": []}
    return Broken(save(folder, pictures), BOARD.spec, ("d",))


def nothing_matches(folder: Path) -> Broken:
    """The pattern names a kind of file that is not there."""
    save(folder, still_pictures())
    return Broken(str(folder / "{camera}" / "*.jpg"), BOARD.spec, ())


def mixed_resolutions(folder: Path) -> Broken:
    """Camera b was set to half the resolution half way through."""
    half, small = SHOTS // 2, (SIZE[0] // 2, SIZE[1] // 2)
    pictures = changed("b", lambda p: cv2.resize(p, small, interpolation=cv2.INTER_AREA), half)
    return Broken(
        save(folder, pictures), BOARD.spec, ("b",), {"from": half, "sizes": (SIZE, small)}
    )


BROKEN: dict[str, Callable[[Path], Broken]] = {
    make.__name__: make
    for make in (
        no_overlap,
        blurred,
        wrong_square_size,
        wrong_dictionary,
        mirrored,
        frozen,
        desynchronised,
        rotated,
        parallel,
        swapped,
        empty_folder,
        nothing_matches,
        mixed_resolutions,
    )
}
