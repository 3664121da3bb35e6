"""How well a bundle adjustment determined the cameras: the covariance of every parameter.

The normal matrix of the cameras with instants (or free points) eliminated by Schur's complement,
inverted; the noise is that of the residuals. Triggs et al., Bundle adjustment, a modern synthesis
(2000), sections 6 and 9. Derivatives by the distorted image point are central differences, the rest
is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.bundle import TERMS, Bundle, Held, Observations, free_parameters
from mvboot.geometry import Camera, Pose, make_lens

Floats = NDArray[np.float64]

POSE = ("rx", "ry", "rz", "tx", "ty", "tz")
BLOCKS_AT_ONCE = 2_000
STEP = 1e-6
UNDETERMINED = 1e-14
"""Smallest eigenvalue of the normal matrix, over its largest."""

SMALLEST = 1e-100
"""Stands for no information at all: its inverse can still be squared."""


@dataclass(frozen=True)
class CameraCovariance:
    """Uncertainty of one camera.

    Parameters
    ----------
    names
        Its free parameters: fx, fy, cx, cy (px), k1 ... (distortion), rx, ry, rz (radians: a turn
        after its pose), tx, ty, tz (units), the last six against the rig's first camera.
    matrix
        Their covariance (n, n).
    center
        Covariance (3, 3) of the camera's centre in the world in units^2, zero for the first one.
    """

    names: tuple[str, ...]
    matrix: Floats
    center: Floats

    def deviation(self, name: str) -> float:
        """Return the standard deviation of a parameter; 0 for one that was not free."""
        if name not in self.names:
            return 0.0
        i = self.names.index(name)
        return float(np.sqrt(max(self.matrix[i, i], 0.0)))

    @property
    def rotation_deg(self) -> float:
        """Standard deviation of the orientation: root of the summed variances, in degrees."""
        return float(np.degrees(np.sqrt(sum(self.deviation(n) ** 2 for n in POSE[:3]))))

    @property
    def center_deviation(self) -> float:
        """Standard deviation of the centre's position in units, all axes together."""
        return float(np.sqrt(max(np.trace(self.center), 0.0)))


def noise_of(residuals: Floats, weight: NDArray[np.int64], parameters: int) -> float:
    """Return the error in px per axis of an observation of weight 1, from residuals (N, 2)."""
    freedom = max(1, 2 * len(residuals) - parameters)
    return float(np.sqrt((weight[:, None] * residuals**2).sum() / freedom))


def covariance(
    bundle: Bundle, observations: Observations, held: Held
) -> dict[str, CameraCovariance]:
    """Return the covariance of each camera's free parameters at the adjusted bundle.

    Either the instants move and all points are held, or the points move and the motion is held.
    With free points the size of the world is fixed where no second camera's pose is held: the
    root mean square of the distances between the first camera and the others.
    """
    layout = _Layout(bundle, held)
    normal, alone, freedoms = _reduced(layout, observations, free_points=held.motion)
    scale_free = held.motion and all(layout.has_pose[1:])
    values = _inverse(normal, alone, layout.by_size() if scale_free else None)
    noise = noise_of(bundle.residuals(observations), observations.weight, freedoms - scale_free)
    values *= noise**2
    return {name: layout.of_camera(c, values) for c, name in enumerate(bundle.rig.names)}


class _Layout:
    """Where each camera's free parameters stand in the normal matrix."""

    def __init__(self, bundle: Bundle, held: Held) -> None:
        self.bundle = bundle
        self.cameras = list(bundle.rig.cameras.values())
        names = bundle.rig.names
        groups = [held.of(name) for name in names]
        self.has_pose = [c > 0 and "pose" not in groups[c] for c in range(len(names))]
        self.names = [
            free_parameters(camera, group) + (POSE if posed else ())
            for camera, group, posed in zip(self.cameras, groups, self.has_pose, strict=True)
        ]
        self.start = np.concatenate([[0], np.cumsum([len(n) for n in self.names])])

    @property
    def size(self) -> int:
        return int(self.start[-1])

    def jacobian(self, c: int, x_in_cam: Floats, by_point: Floats) -> Floats:
        """Return d pixel / d parameters (N, 2, n) of a camera."""
        camera = self.cameras[c]
        columns = [
            _by_intrinsic(camera, name, x_in_cam) for name in self.names[c] if name not in POSE
        ]
        if self.has_pose[c]:
            turned = x_in_cam - camera.cam_from_world.t.numpy()
            columns += list(np.moveaxis(-by_point @ _cross(turned), -1, 0))
            columns += list(np.moveaxis(by_point, -1, 0))
        return np.stack(columns, -1) if columns else np.zeros((*by_point.shape[:2], 0))

    def by_size(self) -> Floats:
        """Return d size / d parameters (n,): half the sum of squared distances from the first."""
        first = self.cameras[0].cam_from_world
        gradient = np.zeros(self.size)
        for c, camera in enumerate(self.cameras):
            if self.has_pose[c]:
                apart = (camera.cam_from_world @ first.inverse()).t.numpy()
                turned = camera.cam_from_world.rotate(first.center).numpy()
                end = self.start[c + 1]
                gradient[end - 6 : end] = [*np.cross(turned, apart), *apart]
        return gradient

    def of_camera(self, c: int, values: Floats) -> CameraCovariance:
        rows = slice(self.start[c], self.start[c + 1])
        matrix = values[rows, rows]
        center = np.zeros((3, 3))
        if self.has_pose[c]:
            pose = self.cameras[c].cam_from_world
            R, t = pose.R.numpy(), pose.t.numpy()
            by_pose = np.concatenate([-R.T @ _cross(t), -R.T], 1)
            center = by_pose @ matrix[-6:, -6:] @ by_pose.T
        return CameraCovariance(self.names[c], matrix, center)


def _reduced(
    layout: _Layout, observations: Observations, free_points: bool
) -> tuple[Floats, Floats, int]:
    """Return the cameras' normal matrix (n, n) without instants or points.

    Also its diagonal (n,) as it was with them, and the number of all free parameters.
    """
    label = observations.point if free_points else observations.instant
    labels, block = np.unique(label, return_inverse=True)
    width = 3 if free_points else 6
    normal, alone = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    order = np.argsort(block, kind="stable")
    for first in range(0, len(labels), BLOCKS_AT_ONCE):
        low, high = np.searchsorted(block[order], [first, first + BLOCKS_AT_ONCE])
        rows = order[low:high]
        count = min(BLOCKS_AT_ONCE, len(labels) - first)
        own, cross, inner = _blocks(
            layout, observations.where(rows), block[rows] - first, count, width
        )
        normal += own
        alone += own.diagonal()
        normal -= np.einsum("bik,bkl,bjl->ij", cross, np.linalg.pinv(inner), cross, optimize=True)
    return normal, alone, layout.size + width * len(labels)


def _blocks(
    layout: _Layout, o: Observations, block: NDArray[np.int64], count: int, width: int
) -> tuple[Floats, Floats, Floats]:
    """Return sums of J^T W J: cameras (n, n), cameras by blocks (count, n, w), blocks (., w, w)."""
    own = np.zeros((layout.size, layout.size))
    cross = np.zeros((count, layout.size, width))
    inner = np.zeros((count, width, width))
    for c, rows in _by_camera(o, len(layout.cameras)):
        camera_jacobian, block_jacobian = _jacobians(layout, c, o.where(rows), width)
        root = np.sqrt(o.weight[rows])[:, None, None]
        A, B = camera_jacobian * root, block_jacobian * root
        place = slice(layout.start[c], layout.start[c + 1])
        own[place, place] += np.einsum("nki,nkj->ij", A, A, optimize=True)
        np.add.at(cross[:, place], block[rows], np.einsum("nki,nkj->nij", A, B))
        np.add.at(inner, block[rows], np.einsum("nki,nkj->nij", B, B))
    return own, cross, inner


def _by_camera(o: Observations, cameras: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for c in range(cameras):
        rows = np.flatnonzero(o.camera == c)
        if len(rows):
            yield c, rows


def _jacobians(layout: _Layout, c: int, o: Observations, width: int) -> tuple[Floats, Floats]:
    """Return d pixel / d camera (N, 2, n), and by the instant's pose or the point (N, 2, w)."""
    camera, bundle = layout.cameras[c], layout.bundle
    motion = bundle.rig_from_points[torch.from_numpy(o.instant)]
    turned = motion.rotate(torch.from_numpy(bundle.points[o.point]))
    x_in_cam = camera.cam_from_world.apply(turned + motion.t).numpy()
    by_point = _by_point(camera, x_in_cam)
    by_world = by_point @ camera.cam_from_world.R.numpy()
    if width == 3:
        inner = by_world @ motion.R.numpy()
    else:
        inner = np.concatenate([-by_world @ _cross(turned.numpy()), by_world], -1)
    return layout.jacobian(c, x_in_cam, by_point), inner


def _by_point(camera: Camera, x_in_cam: Floats) -> Floats:
    """Return d pixel / d x_in_cam (N, 2, 3)."""
    alone = camera.with_pose(Pose.identity())
    step = STEP * np.linalg.norm(x_in_cam, axis=-1, keepdims=True)
    columns = []
    for axis in np.eye(3):
        ahead, behind = alone.project(x_in_cam + step * axis), alone.project(x_in_cam - step * axis)
        columns.append((ahead - behind) / (2 * step))
    return np.asarray(np.nan_to_num(np.stack(columns, -1)))


def _by_intrinsic(camera: Camera, name: str, x_in_cam: Floats) -> Floats:
    """Return d pixel / d parameter (N, 2)."""
    pixels = [_changed(camera, name, sign * STEP).project(x_in_cam) for sign in (1, -1)]
    return np.asarray(np.nan_to_num((pixels[0] - pixels[1]) / (2 * STEP * _unit(camera, name))))


def _unit(camera: Camera, name: str) -> float:
    """Return the size of a change that `_changed` takes as 1."""
    return float(camera.K[0, 0]) if name in PLACE_IN_K else 1.0


PLACE_IN_K = {"fx": (0, 0), "fy": (1, 1), "cx": (0, 2), "cy": (1, 2)}


def _changed(camera: Camera, name: str, change: float) -> Camera:
    """Return the camera at identity pose with one parameter changed."""
    K, coefficients = camera.K.clone(), camera.lens.coefficients.clone()
    if name in PLACE_IN_K:
        K[PLACE_IN_K[name]] += change * _unit(camera, name)
    else:
        coefficients[TERMS[camera.lens.name].index(name)] += change
    lens = make_lens(camera.lens.name, coefficients)
    return Camera(K, lens, Pose.identity(), camera.size)


def _inverse(normal: Floats, alone: Floats, fixed: Floats | None) -> Floats:
    """Return the inverse (n, n); changes along the gradient ``fixed`` are left out where given.

    What the data do not determine gets a huge variance, not an infinite one. Parameters are
    measured by how well each is determined ``alone`` (n,): what is left of an undetermined one is
    rounding.
    """
    if not len(normal):
        return normal
    unit = 1 / np.sqrt(np.maximum(alone, SMALLEST))
    basis = np.eye(len(normal))
    if fixed is not None:
        basis = np.linalg.svd((unit * fixed)[None])[2][1:].T
    scaled = unit[:, None] * basis
    values, vectors = np.linalg.eigh(scaled.T @ normal @ scaled)
    spread = scaled @ vectors / np.sqrt(np.maximum(values, UNDETERMINED * values[-1]))
    return np.asarray(spread @ spread.T)


def _cross(v: Floats) -> Floats:
    """Return the matrices (..., 3, 3) with ``_cross(v) @ w = v x w``."""
    zero = np.zeros_like(v[..., 0])
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return np.stack(rows, -1).reshape(*v.shape[:-1], 3, 3)
