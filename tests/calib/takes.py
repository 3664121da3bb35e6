"""Recordings of a walking subject, as a good detector would see it with any rig."""

import numpy as np

from mvboot.keypoints import Keypoints2D


def path(frames, points=12, size=0.25, speed=0.02, seed=0, middle=(0.0, 0.0, 0.6)):
    """A body of points that wanders about and moves its limbs (F, K, 3)."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, size, (points, 3))
    turn = rng.uniform(0, 2 * np.pi, (points, 3))
    time = np.arange(frames)[:, None, None]
    limbs = 0.3 * size * np.sin(0.4 * time + turn)
    walk = (
        speed
        / 0.15
        * np.stack([np.sin(0.15 * time), np.cos(0.11 * time), 0.2 * np.sin(0.3 * time)], -1)
    )
    return np.asarray(middle) + body + limbs + walk[:, 0]


def seen(rig, xyz, noise_px=1.0, wrong=0.05, seed=1, frames=None):
    """Detections (C, F, I, K, 2) of points (F, K, 3) or of several individuals (F, I, K, 3)."""
    rng = np.random.default_rng(seed)
    cube = xyz if xyz.ndim == 4 else xyz[:, None]
    frames = np.arange(len(cube)) if frames is None else frames
    pixels = []
    for camera in rig.cameras.values():
        xy = np.stack(
            [camera.at(int(f)).project(x.reshape(-1, 3)) for f, x in zip(frames, cube, strict=True)]
        ).reshape(*cube.shape[:3], 2)
        xy = xy + noise_px * rng.normal(size=xy.shape)
        size = np.array(camera.size or (1280, 960))
        inside = ((xy > -0.5) & (xy < size - 0.5)).all(-1)
        anywhere = size * rng.random(xy.shape)
        xy = np.where((rng.random(xy.shape[:-1]) < wrong)[..., None], anywhere, xy)
        pixels.append(np.where(inside[..., None], xy, np.nan))
    xy = np.stack(pixels)
    return Keypoints2D(
        cameras=rig.names,
        frames=np.asarray(frames),
        individuals=tuple(f"i{i}" for i in range(cube.shape[1])),
        keypoints=tuple(f"k{i}" for i in range(cube.shape[2])),
        xy=xy,
        confidence=np.where(np.isnan(xy[..., 0]), np.nan, 0.9),
    )
