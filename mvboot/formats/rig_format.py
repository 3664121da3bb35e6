"""What a rig format is, and the small pieces that all of them read and refuse with."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import safe_name
from mvboot.geometry import Camera, Lens, Pose
from mvboot.geometry.arrays import has_truth_value
from mvboot.rig import Rig

ROUNDED = 0.01
"""Deviation from a rotation that a few printed digits explain."""


@dataclass(frozen=True)
class RigFile:
    """The content of one rig file.

    Parameters
    ----------
    cameras
        Name to camera, poses in the unit of the file.
    units
        Unit of length that the file itself states, or None.
    usual_units
        Unit that the format's documentation prescribes, or None: used unless the user says else.
    up
        Axis of the world that points up, where the format defines it.
    """

    cameras: Mapping[str, Camera]
    units: str | None = None
    usual_units: str | None = None
    up: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known_units(self) -> str | None:
        """The unit that the file states, else the one its format prescribes, else None."""
        return self.units or self.usual_units


@dataclass(frozen=True)
class RigFormat:
    """One foreign format.

    Parameters
    ----------
    name
        What users say to ``--format``.
    title
        One line for people.
    matches
        Whether a path (known to exist) is of this format, by its content.
    read
        Path to `RigFile`; InputError for anything it cannot understand.
    write
        Rig and path to a file or folder; InputError for a rig the format cannot express.
        None where the format has no written form.
    suffixes
        Suffixes by which `save_rig` recognises the format; empty where it must be named.
    """

    name: str
    title: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], RigFile]
    write: Callable[[Rig, Path], None] | None = None
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a format can express; `check` refuses the rest by name.

    Parameters
    ----------
    format
        Title for messages.
    lenses
        Lens names it has.
    coefficients
        Most distortion coefficients of the brown lens.
    skew
        Whether K may be skewed.
    size
        Whether the image size must be known.
    names_files
        Whether cameras' names become names of files.
    """

    format: str
    lenses: tuple[str, ...] = ("pinhole", "brown")
    coefficients: int = 5
    skew: bool = True
    size: bool = False
    names_files: bool = False

    def check(self, rig: Rig, path: Path) -> None:
        """Raise InputError naming the first camera and feature that the format cannot express."""
        for name in rig.names:
            if self.names_files:
                safe_name(name, "camera", path)
            fault = self._fault(rig[name])
            if fault:
                raise InputError(
                    f"{self.format} cannot express camera {name}: {fault}; "
                    "choose another format, rig.yaml expresses everything",
                    where=path,
                )

    def _fault(self, camera: Camera) -> str | None:
        used = used_coefficients(camera.lens)
        if camera.is_moving:
            return "it has one pose per frame"
        if camera.lens.name not in self.lenses and len(used):
            return f"its lens is {camera.lens.name}"
        if camera.lens.name == "brown" and len(used) > self.coefficients:
            return f"its lens has {len(used)} distortion coefficients"
        if not self.skew and float(camera.K[0, 1]) != 0:
            return f"its K is skewed by {float(camera.K[0, 1]):g} px"
        if self.size and camera.size is None:
            return "its image size is unknown"
        return None


def used_coefficients(lens: Lens) -> NDArray[np.float64]:
    """Return the distortion coefficients without trailing zeros; a fisheye always has its four."""
    values = np.asarray(lens.coefficients.detach().numpy(), dtype=np.float64)
    if lens.name == "fisheye":
        return values
    last = np.flatnonzero(values)
    return values[: last[-1] + 1] if len(last) else values[:0]


def padded_coefficients(lens: Lens, count: int) -> list[float]:
    """Return the distortion coefficients as a list of this length, zeros added."""
    used = used_coefficients(lens)
    return [*map(float, used), *[0.0] * (count - len(used))]


def brown(values: Any) -> NDArray[np.float64]:
    """Return distortion coefficients as an array; none at all where all of them are zero."""
    flat = numbers(values, "the distortion coefficients").reshape(-1)
    return flat if flat.any() else np.zeros(0)


@contextmanager
def camera_errors(where: Path, camera: str) -> Iterator[None]:
    """Turn what goes wrong inside into an InputError with the file and the camera.

    Missing keys, wrong types and the geometry's refusals (transposed K, mirrored world) end here.
    """
    try:
        yield
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"camera {camera}: {error.args[0]!r} is missing", where=where) from None
    except np.linalg.LinAlgError:
        raise InputError(
            f"camera {camera}: its matrix is singular, no camera has such a one", where=where
        ) from None
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(f"camera {camera}: {error}", where=where) from None


def numbers(value: Any, what: str) -> NDArray[np.float64]:
    """Return an array of numbers of any shape; ValueError naming ``what`` for anything else."""
    if has_truth_value(value):
        raise ValueError(f"{what} must be numbers, not true and false")
    try:
        return np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{what} must be numbers, got {repr(value)[:40]}") from None


def image_sides(value: Any, key: str) -> tuple[float, float] | None:
    """Return a width and height; ValueError naming the key for anything but two numbers."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        raise ValueError(f"{key} must be [width, height] in px, got {repr(value)[:40]}")
    return value[0], value[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def table(value: Any, key: str, where: Path) -> dict[str, Any]:
    """Return a table of keys and values; InputError naming its key where it is none."""
    if not isinstance(value, dict):
        raise InputError(f"{key} must be a table of keys, got {repr(value)[:40]}", where=where)
    return value


def one_of(value: Any, known: Iterable[str], key: str, where: Path) -> str | None:
    """Return a word that must be known, or None; InputError naming the key for any other value."""
    if value is None or (isinstance(value, str) and value in known):
        return value
    raise InputError(
        f"{key} is {repr(value)[:40]}, which is none of {', '.join(known)}; correct it", where
    )


def require_new(name: str, cameras: Iterable[str], where: Path) -> None:
    """Raise InputError where there is a camera of this name already."""
    if name in cameras:
        raise InputError(f"two cameras are called {name!r}", where=where)


def array(value: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Return numbers of a shape; ValueError naming ``what`` where there are too few or many."""
    values = numbers(value, what)
    if values.size != int(np.prod(shape)):
        raise ValueError(f"{what} needs {'x'.join(map(str, shape))} numbers, got {values.size}")
    return values.reshape(shape)


def numpy_pose(camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return R (3, 3) and t (3,) of a camera as arrays."""
    pose = camera.cam_from_world
    return np.asarray(pose.R.detach().numpy()), np.asarray(pose.t.detach().numpy())


def pose_from_matrix(matrix: Any, what: str) -> Pose:
    """Return the pose in a matrix (4, 4); ValueError naming ``what`` where it is no rigid one."""
    T = array(matrix, (4, 4), what)
    if not np.allclose(T[3], [0, 0, 0, 1]):
        raise ValueError(f"the last row of {what} must be 0 0 0 1, got {T[3].tolist()}")
    return Pose.from_rotation(T[:3, :3], T[:3, 3])


def pose_matrix(pose: Pose) -> NDArray[np.float64]:
    """Return a pose as a matrix (4, 4)."""
    top = np.column_stack([pose.R.detach().numpy(), pose.t.detach().numpy()])
    return np.vstack([top, [0, 0, 0, 1]])


def camera_numbers(rig: Rig) -> list[int]:
    """Return numbers for formats that have no names: n where all are ``cam_n``, else 0, 1, ..."""
    ends = [name.removeprefix("cam_") for name in rig.names]
    if all(end.isdigit() for end in ends) and len({int(end) for end in ends}) == len(ends):
        return [int(end) for end in ends]
    return list(range(len(rig)))


def rodrigues(camera: Camera) -> list[float]:
    """Return the rotation as a Rodrigues vector in radians."""
    return [float(v) for v in camera.cam_from_world.rotvec]


def toml_table(name: str, values: Mapping[str, Any]) -> str:
    """Return a TOML table of plain values (a JSON value is a TOML value for what we write)."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def decompose(P: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Split a projection matrix (3, 4) into K (K[2, 2] = 1, positive focal lengths), R and t.

    RQ decomposition with the sign of P fixed so that det R = +1 (Hartley and Zisserman 6.2.4).
    ValueError where P is singular.
    """
    P = array(P, (3, 4), "a projection matrix")
    M = P[:, :3]
    if not np.isfinite(P).all() or abs(np.linalg.det(M)) < 1e-12 * np.linalg.norm(M) ** 3:
        raise ValueError("the projection matrix is singular")
    P = P * np.sign(np.linalg.det(M))
    flipped = np.linalg.qr(np.flipud(P[:, :3]).T)
    K, R = np.flipud(np.fliplr(flipped.R.T)), np.flipud(flipped.Q.T)
    signs = np.sign(np.diag(K))
    K, R = K * signs, signs[:, None] * R
    t = np.linalg.solve(K, P[:, 3])
    K = np.triu(K / K[2, 2])
    return K, R, t


def pinhole_camera(P: Any) -> Camera:
    """Return the camera without distortion that a projection matrix (3, 4) describes.

    ValueError where it is a pose alone.
    """
    refuse_rotation(array(P, (3, 4), "a projection matrix")[:, :3])
    K, R, t = decompose(P)
    return Camera.from_opencv(K, None, R, t, lens="pinhole")


def refuse_rotation(M: NDArray[np.float64]) -> None:
    """Raise ValueError where what should hold focal lengths in px (3, 3) is a rotation.

    At any scale: a projection matrix is known up to a factor, and no camera's focal length is 1 px.
    """
    gram = M @ M.T
    scale = np.trace(gram) / 3
    if scale > 0 and np.abs(gram - scale * np.eye(3)).max() < ROUNDED * scale:
        raise ValueError(
            "these are the numbers of a pose [R | t], without focal lengths in px; multiply K with "
            "them, P = K [R | t], or write both into a rig.yaml (`mvboot rig template`)"
        )


def projection(camera: Camera) -> NDArray[np.float64]:
    """Return P (3, 4) as an array."""
    return np.asarray(camera.projection_matrix.detach().to(torch.float64).numpy())
