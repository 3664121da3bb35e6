"""What goes wrong in front of a board, done to shots: a thousand times faster than in pictures."""

from dataclasses import replace
from functools import cache

import numpy as np
import recordings
import torch
from problems import BOARD, rig_of

from mvboot.synthetic.boards import board_poses, board_shots
from mvboot.synthetic.scene import project_all

LENS = "brown2"
ONE_LENS = {name: (LENS,) for name in "abcd"}
"""For `CalibrationOptions.lenses`: the true lens, where its choice is not the point."""


@cache
def rig():
    return rig_of((LENS,) * 4)


@cache
def sound(shots=24, noise_px=0.2):
    """A board held still before four cameras."""
    motion = board_poses(rig(), BOARD, shots, np.random.default_rng(0))
    return board_shots(rig(), BOARD, motion, np.random.default_rng(1), noise_px)


@cache
def waved(frames=40):
    """A board waved about before the four cameras."""
    poses = recordings.smooth_poses()[:frames]
    return board_shots(rig().in_units("m"), BOARD, poses, np.random.default_rng(2), 0.2)


@cache
def of_shape(bend=0.0, stretch=1.0, shots=24):
    """What is seen of a board that bends by a length in mm and is too wide; and its points."""
    points = BOARD.points * [stretch, 1, 1]
    middle, half = (points[:, 0].max() + points[:, 0].min()) / 2, np.ptp(points[:, 0]) / 2
    points[:, 2] = bend * (1 - ((points[:, 0] - middle) / half) ** 2)
    motion = board_poses(rig(), BOARD, shots, np.random.default_rng(0))
    flat = board_shots(rig(), BOARD, motion, np.random.default_rng(1), 0.0)
    x = motion.apply(torch.from_numpy(points).expand(shots, -1, 3)).numpy()
    pixels = project_all(rig(), x.reshape(-1, 3)).reshape(flat.pixels.shape)
    pixels += np.random.default_rng(1).normal(0, 0.2, pixels.shape)
    return replace(flat, pixels=np.where(flat.seen[..., None], pixels, np.nan)), points


def mirrored(shots, name):
    c = shots.cameras.index(name)
    pixels = shots.pixels.copy()
    pixels[c, ..., 0] = shots.sizes[c][0] - 1 - pixels[c, ..., 0]
    return replace(shots, pixels=pixels)


def late(shots, name, frames):
    """A camera whose pictures come later than they are numbered, or earlier."""
    c, most = shots.cameras.index(name), abs(frames)
    some = shots.at(np.arange(most, len(shots.numbers) - most))
    pixels = some.pixels.copy()
    pixels[c] = shots.pixels[c, most - frames :][: len(some.numbers)]
    return replace(some, pixels=pixels)


def hung(shots, name, first, end=None):
    """A camera that delivered one picture from an instant on."""
    c = shots.cameras.index(name)
    pixels = shots.pixels.copy()
    pixels[c, first:end] = pixels[c, first]
    return replace(shots, pixels=pixels)


def swapped(shots, a, b, first):
    """Two cameras whose cables were exchanged at an instant."""
    i, j = shots.cameras.index(a), shots.cameras.index(b)
    pixels = shots.pixels.copy()
    pixels[i, first:], pixels[j, first:] = shots.pixels[j, first:], shots.pixels[i, first:]
    return replace(shots, pixels=pixels)


def bumped(shots, name, first, by=(25.0, -10.0)):
    """A camera that was knocked at an instant and looks elsewhere since."""
    c = shots.cameras.index(name)
    pixels = shots.pixels.copy()
    pixels[c, first:] += by
    return replace(shots, pixels=pixels)


def turned(shots, name):
    """A camera whose pictures are turned by 90 degrees, all of them."""
    c = shots.cameras.index(name)
    width, height = shots.sizes[c]
    pixels, sizes = shots.pixels.copy(), list(shots.sizes)
    x, y = np.moveaxis(shots.pixels[c], -1, 0)
    pixels[c], sizes[c] = np.stack([y, width - 1 - x], -1), (height, width)
    return replace(shots, pixels=pixels, sizes=tuple(sizes))


def seen_only(shots, by_camera):
    """Each camera saw the board at these instants only, given as slices."""
    kept = np.zeros(shots.seen.shape, bool)
    for name, instants in by_camera.items():
        kept[shots.cameras.index(name), instants] = True
    return shots.where(shots.seen & kept)
