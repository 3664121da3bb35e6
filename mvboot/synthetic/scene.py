"""Synthetic scenes of points: an articulated walker, and clouds for tests and benchmarks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

Floats = NDArray[np.float64]

SIZE = (1280, 960)
FOCAL_PX = 1100.0
FPS = 30.0
LAP_S = 4.5
BROWN = (-0.12, 0.05, 4e-4, -3e-4, -0.01)
FISHEYE = (0.02, -0.004, 0.001, -2e-4)

# A quadruped, in metres: name, parent, offset from the parent at rest, swing amplitude in degrees
# and phase in turns. Offsets turn with the joint, so bone lengths never change.
JOINTS = (
    ("hip", None, (0.0, 0.0, 0.0), 0, 0.0),
    ("spine", "hip", (0.24, 0.0, 0.03), 4, 0.0),
    ("withers", "spine", (0.24, 0.0, -0.01), 4, 0.25),
    ("neck", "withers", (0.14, 0.0, 0.14), 8, 0.1),
    ("nose", "neck", (0.16, 0.0, -0.03), 10, 0.3),
    ("ear_left", "neck", (0.02, 0.05, 0.07), 3, 0.0),
    ("ear_right", "neck", (0.02, -0.05, 0.07), 3, 0.5),
    ("tail_mid", "hip", (-0.16, 0.0, 0.06), 14, 0.2),
    ("tail_tip", "tail_mid", (-0.16, 0.0, -0.02), 20, 0.35),
    ("elbow_left", "withers", (-0.03, 0.09, -0.19), 22, 0.0),
    ("paw_front_left", "elbow_left", (0.02, 0.0, -0.21), 28, 0.15),
    ("elbow_right", "withers", (-0.03, -0.09, -0.19), 22, 0.5),
    ("paw_front_right", "elbow_right", (0.02, 0.0, -0.21), 28, 0.65),
    ("knee_left", "hip", (0.04, 0.09, -0.18), 22, 0.5),
    ("paw_hind_left", "knee_left", (-0.03, 0.0, -0.20), 28, 0.65),
    ("knee_right", "hip", (0.04, -0.09, -0.18), 22, 0.0),
    ("paw_hind_right", "knee_right", (-0.03, 0.0, -0.20), 28, 0.15),
)


@dataclass(frozen=True)
class Scene:
    """An articulated subject seen by a rig, with exact truth.

    Parameters
    ----------
    rig
        The cameras, in metres, z up.
    frames
        Frame numbers (F,).
    keypoints, edges
        Names of the K keypoints, and the bones as pairs of them.
    xyz
        True positions (F, K, 3) in metres.
    fps
        Frame rate in Hz.
    """

    rig: Rig
    frames: NDArray[np.int64]
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    xyz: Floats
    fps: float

    def detections(
        self,
        rng: np.random.Generator,
        noise_px: float = 1.0,
        outliers: float = 0.1,
        missing: float = 0.1,
    ) -> Keypoints2D:
        """Return what a detector would say: noise, wrong detections, drop-out, confidences.

        Wrong ones lie anywhere in the picture and are less confident on average, though some are
        as sure of themselves as the right ones. Points outside the picture are missing.
        """
        frames, keypoints = self.xyz.shape[:2]
        pixels = project_all(self.rig, self.xyz.reshape(-1, 3))
        pixels, wrong = disturbed(self.rig, pixels, rng, noise_px, outliers, missing)
        sure = np.where(wrong, rng.beta(2, 3, wrong.shape), rng.beta(12, 2, wrong.shape))
        confidence = np.where(np.isnan(pixels[..., 0]), np.nan, sure)
        shape = (len(self.rig), frames, 1, keypoints)
        return Keypoints2D(
            cameras=self.rig.names,
            frames=self.frames,
            individuals=("walker",),
            keypoints=self.keypoints,
            xy=pixels.reshape(*shape, 2),
            confidence=confidence.reshape(shape),
            source={"title": "synthetic scene"},
        )


@dataclass(frozen=True)
class PointsProblem:
    """Independent points seen by a rig, for tests and benchmarks.

    Parameters
    ----------
    rig
        C cameras.
    xyz
        True points (N, 3).
    pixels
        Detections (C, N, 2), NaN where missing.
    wrong
        Which detections are outliers (C, N).
    """

    rig: Rig
    xyz: Floats
    pixels: Floats
    wrong: NDArray[np.bool_]


def articulated_scene(
    cameras: int = 6, frames: int = 100, seed: int = 0, fisheye: bool = False
) -> Scene:
    """Return a four-legged walker on a circle inside a ring of cameras.

    The same arguments give the same scene. With ``fisheye`` the last camera has such a lens.
    """
    rng = np.random.default_rng(seed)
    rig = ring_rig(cameras, radius=2.6, height=1.2, rng=rng, fisheye=fisheye)
    time = np.arange(frames) / FPS
    names = tuple(joint[0] for joint in JOINTS)
    edges = tuple((joint[1], joint[0]) for joint in JOINTS if joint[1] is not None)
    return Scene(rig, np.arange(frames), names, edges, _walk(time, rng.uniform(0, 1)), fps=FPS)


def points_problem(
    cameras: int,
    points: int,
    rng: np.random.Generator,
    noise_px: float = 1.0,
    outliers: float = 0.25,
    missing: float = 0.1,
    distortion: bool = False,
) -> PointsProblem:
    """Return points in a unit cube seen by a ring of cameras, with noise and outliers.

    Without ``distortion`` the lenses are pinholes.
    """
    rig = ring_rig(cameras, radius=3.0, height=1.0, rng=rng, distortion=distortion)
    xyz = rng.uniform((-0.5, -0.5, 0.0), (0.5, 0.5, 1.0), (points, 3))
    pixels, wrong = disturbed(rig, project_all(rig, xyz), rng, noise_px, outliers, missing)
    return PointsProblem(rig, xyz, pixels, wrong)


def ring_rig(
    cameras: int,
    radius: float,
    height: float,
    rng: np.random.Generator,
    distortion: bool = True,
    fisheye: bool = False,
) -> Rig:
    """Return cameras on a ring at uneven heights that look at the middle; metres, z up."""
    named = {}
    for c in range(cameras):
        angle = 2 * np.pi * (c + rng.uniform(-0.15, 0.15)) / cameras
        lift = height * rng.uniform(0.6, 1.6)
        center = np.array([radius * np.cos(angle), radius * np.sin(angle), lift])
        K = [[FOCAL_PX, 0, SIZE[0] / 2 + 5], [0, FOCAL_PX * 1.002, SIZE[1] / 2 - 4], [0, 0, 1]]
        wide = fisheye and c == cameras - 1
        lens = "fisheye" if wide else ("brown" if distortion else "pinhole")
        coefficients = {"fisheye": FISHEYE, "brown": BROWN, "pinhole": None}[lens]
        R = looking_at(center, np.array([0.0, 0.0, 0.4]))
        named[f"cam_{c + 1:02d}"] = Camera.from_opencv(K, coefficients, R, -R @ center, SIZE, lens)
    return Rig(named, units="m", up="z", provenance={"source": "synthetic ring"})


def looking_at(center: Floats, target: Floats) -> Floats:
    """Return the rotation (3, 3) of a camera at ``center`` that looks at ``target``, z up."""
    forward = (target - center) / np.linalg.norm(target - center)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def project_all(rig: Rig, xyz: Floats) -> Floats:
    """Return the exact pixels (C, N, 2) of points (N, 3); NaN outside a camera's picture."""
    pixels = np.stack([camera.project(xyz) for camera in rig.cameras.values()])
    for row, camera in zip(pixels, rig.cameras.values(), strict=True):
        if camera.size is not None:
            inside = ((row > -0.5) & (row < np.array(camera.size) - 0.5)).all(-1)
            row[~inside] = np.nan
    return pixels


def disturbed(
    rig: Rig,
    pixels: Floats,
    rng: np.random.Generator,
    noise_px: float,
    outliers: float,
    missing: float,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return pixels (C, N, 2) with noise, outliers anywhere in the picture and drop-out.

    Each by itself and of the distribution that is named, so that estimators can be checked against
    it; `Detector` is like the detectors there are, whose errors last and have reasons.
    """
    noisy = pixels + noise_px * rng.standard_normal(pixels.shape)
    wrong = (rng.random(pixels.shape[:-1]) < outliers) & ~np.isnan(pixels[..., 0])
    for c, camera in enumerate(rig.cameras.values()):
        size = camera.size or SIZE
        noisy[c, wrong[c]] = rng.uniform((0, 0), size, (int(wrong[c].sum()), 2)) - 0.5
    dropped = rng.random(pixels.shape[:-1]) < missing
    noisy[dropped] = np.nan
    return noisy, wrong & ~dropped


def _walk(time: Floats, phase: float) -> Floats:
    """Return the joints' positions (F, K, 3): forward kinematics on a circular path."""
    heading = 2 * np.pi * (time / LAP_S + phase)
    body = _about_z(heading + np.pi / 2)
    place = np.stack(
        [0.7 * np.cos(heading), 0.7 * np.sin(heading), 0.45 + 0.01 * np.sin(8 * np.pi * time)], -1
    )
    rotations: dict[str | None, Floats] = {None: body}
    places: dict[str | None, Floats] = {None: place}
    for name, parent, offset, degrees, turn in JOINTS:
        swing = np.radians(degrees) * np.sin(2 * np.pi * (1.6 * time + turn))
        rotations[name] = rotations[parent] @ _about_y(swing)
        places[name] = places[parent] + (rotations[name] @ np.array(offset)[:, None])[..., 0]
    return np.stack([places[joint[0]] for joint in JOINTS], axis=1)


def _about_y(angle: Floats) -> Floats:
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([c, zero, s, zero, one, zero, -s, zero, c], -1).reshape(-1, 3, 3)


def _about_z(angle: Floats) -> Floats:
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([c, -s, zero, s, c, zero, zero, zero, one], -1).reshape(-1, 3, 3)
