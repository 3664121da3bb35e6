"""What goes wrong with a capture, camera by camera, each fault by one number and known exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict

from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import UNITS_IN_M, Rig

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = ("drops", "clock", "rotation", "translation", "focal", "gain", "colour", "labels")
"""Faults that are drawn, each from a stream of its own; a new one goes to the end."""

MAX_FRAMES = 10_000_000
MOST = {
    "desync_s": 60.0,
    "drift_ppm": 1e5,
    "rotation_deg": 180.0,
    "translation_m": 1e3,
    "gain": 3.0,
    "colour": 3.0,
    "noise": 1.0,
    "exposure_s": 1.0,
    "labels_px": 1e4,
}
"""Beyond these a fault means nothing."""


@dataclass(frozen=True)
class Faults:
    """How large each fault is; all zero: a perfect capture.

    Parameters
    ----------
    dropped
        Share of frames that each camera loses, each frame by itself.
    desync_s
        Standard deviation of a camera's constant delay in s.
    drift_ppm
        Standard deviation of how much too slow a camera's clock is, parts per million.
    rotation_deg, translation_m, focal
        How far the stated rig is off: every camera turned by exactly this angle about an axis
        of its own, moved by exactly this distance, and its focal lengths this share too long or
        too short.
    gain, colour
        Standard deviations of the logarithm of a camera's exposure, and of each channel of its
        white balance.
    vignetting
        Share of light lost in the corners of the picture.
    noise
        Standard deviation of the sensor's noise in the dark, over full scale.
    exposure_s
        How long the shutter is open: the length of motion blur.
    labels_px
        Standard deviation of labelled keypoints along each axis.

    Raises
    ------
    InputError
        A number that is negative or not finite, or a share of 1 or more.
    """

    dropped: float = 0.0
    desync_s: float = 0.0
    drift_ppm: float = 0.0
    rotation_deg: float = 0.0
    translation_m: float = 0.0
    focal: float = 0.0
    gain: float = 0.0
    colour: float = 0.0
    vignetting: float = 0.0
    noise: float = 0.0
    exposure_s: float = 0.0
    labels_px: float = 0.0

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"fault {field.name} must be 0 or more, got {value:g}")
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise InputError(f"fault {name} must be {most:g} or less")
        for name in ("dropped", "focal", "vignetting"):
            if getattr(self, name) >= 1:
                raise InputError(f"fault {name} is a share below 1, got {getattr(self, name):g}")

    def of_cameras(
        self, names: Sequence[str], rng: np.random.Generator
    ) -> dict[str, "CameraFaults"]:
        """Draw what goes wrong with each camera.

        Takes one number from ``rng``. Every fault of every camera then has a stream of its own:
        other cameras after it, more frames, or another size of another fault change nothing of
        it, and its own size only scales it.
        """
        root = np.random.SeedSequence(int(rng.integers(2**63)))
        streams = [kind.spawn(len(names)) for kind in root.spawn(len(KINDS))]
        return {
            name: CameraFaults.of(self, dict(zip(KINDS, own, strict=True)))
            for name, own in zip(names, zip(*streams, strict=True), strict=True)
        }


@dataclass(frozen=True, eq=False)
class CameraFaults:
    """What is wrong with one camera.

    Parameters
    ----------
    delay_s, slowness
        It films its frame k at the true time ``k / fps * (1 + slowness) + delay_s``.
    rotation
        Stated minus true orientation: a rotation vector (3,) in its own axes, radians.
    translation_m
        Stated minus true centre (3,) in the world, metres.
    focal
        Stated over true focal length.
    gain
        Factors (3,) of red, green and blue light.
    vignetting, noise, exposure_s
        As in `Faults`.
    dropped, labels_px
        As in `Faults`; the streams say which frames, and where the labels go.
    streams
        Seeds of what has a value for each frame, by kind.
    """

    delay_s: float
    slowness: float
    rotation: Floats
    translation_m: Floats
    focal: float
    gain: Floats
    vignetting: float
    noise: float
    exposure_s: float
    dropped: float
    labels_px: float
    streams: Mapping[str, np.random.SeedSequence]

    @staticmethod
    def of(faults: Faults, streams: Mapping[str, np.random.SeedSequence]) -> "CameraFaults":
        """Draw the faults of one camera, each from its stream."""
        draw = {kind: np.random.default_rng(stream) for kind, stream in streams.items()}
        delay, drift = draw["clock"].standard_normal(2)
        colour = draw["colour"].standard_normal(3)
        exposure = draw["gain"].standard_normal()
        # White balance without brightness: that is the gain's.
        light = faults.gain * exposure + faults.colour * np.sqrt(1.5) * (colour - colour.mean())
        return CameraFaults(
            delay_s=float(faults.desync_s * delay),
            slowness=float(1e-6 * faults.drift_ppm * drift),
            rotation=np.radians(faults.rotation_deg) * _direction(draw["rotation"]),
            translation_m=faults.translation_m * _direction(draw["translation"]),
            focal=float(1 + faults.focal * draw["focal"].choice([-1, 1])),
            gain=np.exp(light),
            vignetting=faults.vignetting,
            noise=faults.noise,
            exposure_s=faults.exposure_s,
            dropped=faults.dropped,
            labels_px=faults.labels_px,
            streams=streams,
        )

    def kept_frames(self, frames: Sequence[int] | Ints) -> Ints:
        """Return those of the frame numbers (F,) that the camera did not lose, perhaps none.

        Whether it lost a frame does not depend on the other frames. InputError for a negative
        number.
        """
        numbers = np.asarray(frames, dtype=np.int64)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < MAX_FRAMES:
            raise InputError(f"frame numbers must be 0 to {MAX_FRAMES - 1}")
        stream = np.random.default_rng(self.streams["drops"])
        fate = stream.random(int(numbers.max(initial=-1)) + 1)
        return np.asarray(numbers[fate[numbers] >= self.dropped])

    def filming_times(self, frames: Sequence[int] | Ints, fps: float) -> Floats:
        """Return the true times (F,) in s at which it films frames: the middle of the exposure.

        They are negative for the first frames of a camera that is early.
        """
        times = np.asarray(frames, dtype=np.int64) / fps
        return np.asarray(times * (1 + self.slowness) + self.delay_s)

    def stated(self, camera: Camera, metre: float = 1.0) -> Camera:
        """Return the camera that the calibration states, where ``camera`` is the true one.

        A moving camera is off by the same in all its poses. ``metre`` is the length of one in
        the units of the world.
        """
        turn = Pose.from_rotation(self.rotation, np.zeros(3))
        shift = torch.from_numpy(metre * self.translation_m)
        true = camera.cam_from_world
        pose = turn @ Pose(true.R, true.t - true.rotate(shift.expand_as(true.t)))
        scale = camera.K.new_tensor([[self.focal], [self.focal], [1.0]])
        bent = torch.cat([camera.K[:, :2] * scale, camera.K[:, 2:]], 1)
        return replace(camera, K=bent, cam_from_world=pose)

    def light_factors(self, size: tuple[int, int]) -> Floats:
        """Return by what the light in each pixel is multiplied (h, w, 3): gain and vignetting.

        Light falls off with the square of the distance from the middle of the picture.
        """
        width, height = size
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        fall = 1 - self.vignetting * (x**2 * width**2 + y**2 * height**2) / (width**2 + height**2)
        return np.asarray(fall[..., None] * self.gain)

    def label_errors(self, frames: Sequence[int] | Ints, count: int) -> Floats:
        """Return the errors (F, count, 2) in px of labels of ``count`` points in frames.

        A frame's errors do not depend on the other frames.
        """
        stream, numbers = self.streams["labels"], np.asarray(frames, dtype=np.int64)
        own = [
            np.random.SeedSequence(stream.entropy, spawn_key=(*stream.spawn_key, int(number)))
            for number in numbers
        ]
        errors = [np.random.default_rng(seed).standard_normal((count, 2)) for seed in own]
        return np.asarray(self.labels_px * np.reshape(errors, (len(numbers), count, 2)))

    def as_dict(self) -> dict[str, Any]:
        """Return what is constant over frames as plain values, for provenance."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        del content["streams"]
        return {name: np.asarray(value).tolist() for name, value in content.items()}


def miscalibrated(rig: Rig, faults: Mapping[str, CameraFaults]) -> Rig:
    """Return the rig that is stated where ``rig`` is the true one.

    InputError names a camera whose faults are not given.
    """
    _require(faults, rig.names)
    metre = 1 / UNITS_IN_M[rig.units]
    cameras = {name: faults[name].stated(camera, metre) for name, camera in rig.cameras.items()}
    return replace(rig, cameras=cameras)


def disturbed_labels(labels: Keypoints2D, faults: Mapping[str, CameraFaults]) -> Keypoints2D:
    """Return labels as an annotator clicks them: each off by ``labels_px``; absent ones stay so.

    InputError names a camera whose faults are not given.
    """
    _require(faults, labels.cameras)
    _, frames, individuals, keypoints = labels.shape
    errors = [
        faults[name].label_errors(labels.frames, individuals * keypoints) for name in labels.cameras
    ]
    moved = np.reshape(errors, (len(errors), frames, individuals, keypoints, 2))
    return replace(labels, xy=labels.xy + moved)


def _require(faults: Mapping[str, CameraFaults], names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in faults]
    if unknown:
        raise InputError(f"no faults are given for camera {', '.join(unknown)}")


def _direction(rng: np.random.Generator) -> Floats:
    """Return a unit vector (3,), equally likely in all directions."""
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))
