"""One camera: intrinsics K, a lens, an image size and a pose (or one pose per frame).

Pixel convention, stated once: OpenCV's. The centre of the first pixel is (0, 0), so an image of
width w spans x from -0.5 to w - 0.5. Formats that differ shift at their reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mvboot.geometry.arrays import like, to_tensor
from mvboot.geometry.batches import require_leading, spread
from mvboot.geometry.lens import Lens
from mvboot.geometry.lenses import make_lens
from mvboot.geometry.pose import Pose

MAX_SIDE = 1_000_000
"""Of a picture in px: no camera has so many."""


@dataclass(frozen=True)
class Linearization:
    """First-order model of a camera around observed pixels, in world axes.

    For a world point X near the ray of an observation, with v = X - origin and depth s = gauge . v,
    the reprojection residual in pixels is ``(matrix @ v) / s``: exact for a camera without
    distortion, first order in the residual otherwise. The ray itself is the null vector of
    ``matrix``. Batch dimensions are those of the pixels.
    """

    origin: Float[Tensor, "*batch 3"]
    matrix: Float[Tensor, "*batch 2 3"]
    gauge: Float[Tensor, "*batch 3"]
    valid: Bool[Tensor, "*batch"]


@dataclass(frozen=True)
class Camera:
    """A calibrated camera; frozen, methods return new objects.

    The poses' batch dimensions are the first dimensions of the points and pixels it is asked about
    (see `batches`): a camera with poses (F,) projects points (F, ..., 3), row f with pose f, and
    nothing else. `at` chooses the poses for other points. A mismatch raises ValueError.

    Parameters
    ----------
    K
        Intrinsic matrix (3, 3) in pixels, with skew; last row 0 0 1.
    lens
        Distortion model on the plane at unit depth.
    cam_from_world
        Pose, ``x_in_cam = R x_in_world + t``: batch shape () for a fixed camera, (F,) for one
        pose per frame, in the unit of the rig.
    size
        Image width and height in pixels, or None where the format stores none.
    frames
        Frame numbers (F,) of the per-frame poses; None for a fixed camera.
    """

    K: Float[Tensor, "3 3"]
    lens: Lens
    cam_from_world: Pose
    size: tuple[int, int] | None = None
    frames: Int[Tensor, " F"] | None = None

    @staticmethod
    def from_opencv(
        K: Any,
        dist: Any = None,
        R: Any = None,
        t: Any = None,
        size: Sequence[int | float] | None = None,
        lens: str = "brown",
        frames: Any = None,
    ) -> "Camera":
        """Build a camera from OpenCV's parameters.

        K (3, 3) px; ``dist`` in OpenCV's order (None or empty: no distortion); R a Rodrigues
        vector (3,) in radians or a matrix (3, 3), t (3,) world-to-camera; with ``frames`` (F,)
        both get a leading F. ``lens`` is "pinhole", "brown" (4, 5, 8, 12, 14 coefficients) or
        "fisheye" (4); zeros beyond such a count are left out. Raises ValueError for a transposed
        K, a mirrored or non-orthonormal R, non-finite values, non-positive focal lengths or sizes,
        and wrong counts.
        """
        matrix = checked_intrinsics(to_tensor(K))
        coefficients = to_tensor(dist).reshape(-1) if dist is not None else matrix.new_zeros(0)
        if len(coefficients) == 0 and lens == "brown":
            lens = "pinhole"
        if lens == "fisheye" and len(coefficients) == 0:
            coefficients = matrix.new_zeros(4)
        if lens == "pinhole" and len(coefficients) and bool((coefficients == 0).all()):
            coefficients = matrix.new_zeros(0)
        pose = Pose.from_rotation(
            R if R is not None else torch.eye(3, dtype=torch.float64),
            t if t is not None else torch.zeros(3, dtype=torch.float64),
        )
        if frames is not None and pose.batch_shape == ():
            pose = pose[None]
        return Camera(
            matrix,
            make_lens(lens, coefficients).to(matrix),
            pose.to(matrix),
            checked_size(size),
            _frames(frames, pose),
        )

    # --- what it is made of ---------------------------------------------------------------

    @property
    def center(self) -> Float[Tensor, "*batch 3"]:
        """Camera centre in the world, (3,) or (F, 3) with per-frame poses."""
        return self.cam_from_world.center

    @property
    def forward(self) -> Float[Tensor, "*batch 3"]:
        """Unit optical axis in the world, (3,) or (F, 3)."""
        return self.cam_from_world.R[..., 2, :]

    @property
    def is_moving(self) -> bool:
        """Whether the camera has one pose per frame."""
        return self.frames is not None

    @property
    def projection_matrix(self) -> Float[Tensor, "*batch 3 4"]:
        """P = K [R | t], which maps homogeneous world points to undistorted pixels."""
        pose = self.cam_from_world
        return self.K @ torch.cat([pose.R, pose.t[..., None]], -1)

    # --- new cameras ----------------------------------------------------------------------

    def at(self, frames: Any) -> "Camera":
        """Return the camera with its pose(s) at the given frame numbers (an int or an array).

        A fixed camera returns itself. A frame without a pose raises ValueError.
        """
        if self.frames is None:
            return self
        wanted = torch.as_tensor(frames, dtype=torch.int64)
        row = torch.searchsorted(self.frames, wanted).clamp_max(len(self.frames) - 1)
        missing = self.frames[row] != wanted
        if bool(missing.any()):
            example = int(wanted[missing].reshape(-1)[0])
            raise ValueError(
                f"the camera has poses for frames {int(self.frames[0])} to "
                f"{int(self.frames[-1])} but none for frame {example}"
            )
        return replace(self, cam_from_world=self.cam_from_world[row], frames=None)

    def require_one_pose(self) -> None:
        """Raise ValueError for a camera with a batch of poses: an instant has one."""
        if self.cam_from_world.batch_shape:
            raise ValueError(
                f"one instant needs one pose, the camera has {self.cam_from_world.batch_shape}; "
                "choose that of the frame with `at`"
            )

    def with_pose(self, cam_from_world: Pose) -> "Camera":
        """Return the camera at another pose (same frames)."""
        return replace(self, cam_from_world=cam_from_world)

    def resized(self, size: tuple[int, int]) -> "Camera":
        """Return the camera of pictures that were scaled to fit into a size, bars on both sides.

        The shape of a pixel stays; where width and height ask for different scales the smaller
        one counts and the picture lies in the middle. A camera without a size is ValueError.
        """
        if self.size is None:
            raise ValueError("the camera states no size, so that it cannot be resized")
        old, new = torch.tensor([self.size, checked_size(size)]).to(self.K)
        scale = (new / old).min()
        K = self.K.clone()
        K[:2, :2] *= scale
        # from the outer rim of the first pixel, which lies half a pixel before its centre
        K[:2, 2] = (K[:2, 2] + 0.5 - old / 2) * scale + new / 2 - 0.5
        return replace(self, K=K, size=size)

    def to(self, like: Tensor) -> "Camera":
        """Return the camera with the dtype and on the device of ``like``."""
        return replace(
            self,
            K=self.K.to(like),
            lens=self.lens.to(like),
            cam_from_world=self.cam_from_world.to(like),
        )

    # --- what it does ---------------------------------------------------------------------

    def project(self, points: Any) -> Any:
        """Project world points (..., 3) to pixels (..., 2).

        NaN behind the camera and beyond the lens's invertible radius. With poses (F,) the points
        are (F, ..., 3). NumPy in, NumPy out; tensors keep gradients.
        """
        x_in_world = to_tensor(points)
        camera = self._like(x_in_world)
        plane, visible = camera.lens.project(camera.cam_from_world.apply(x_in_world))
        px = plane @ camera.K[:2, :2].mT + camera.K[:2, 2]
        return like(points, torch.where(visible[..., None], px, torch.full_like(px, torch.nan)))

    def ray(self, pixels: Any) -> tuple[Any, Any]:
        """Return the viewing rays of pixels (..., 2): origin (3,) and unit direction (..., 3).

        Both are in the world. Directions are NaN where the lens has no inverse. With poses (F,)
        the pixels are (F, ..., 2), and the origin is (F, 1, ..., 3), so that it broadcasts
        against the directions.
        """
        px = to_tensor(pixels)
        require_leading(self.cam_from_world.batch_shape, px.shape, "pixels")
        camera = self._like(px)
        direction, valid = camera.lens.unproject(camera.plane_from_pixels(px))
        world = camera.cam_from_world.inverse().rotate(direction)
        world = world / world.norm(dim=-1, keepdim=True)
        world = torch.where(valid[..., None], world, torch.full_like(world, torch.nan))
        origin = spread(camera.center, 1, px.ndim - 1)
        return like(pixels, origin), like(pixels, world)

    def undistort(self, pixels: Any) -> Any:
        """Move pixels (..., 2) to where a camera with the same K and no lens would see them.

        NaN where the lens has no inverse, and for rays 90 degrees or more off the axis.
        """
        px = to_tensor(pixels)
        camera = self._like(px)
        direction, valid = camera.lens.unproject(camera.plane_from_pixels(px))
        valid = valid & (direction[..., 2] > 0)
        depth = torch.where(valid, direction[..., 2], torch.ones_like(direction[..., 2]))
        flat = (direction / depth[..., None]) @ camera.K[:2].mT
        return like(pixels, torch.where(valid[..., None], flat, torch.full_like(flat, torch.nan)))

    def linearize(self, pixels: Float[Tensor, "*points 2"]) -> Linearization:
        """Return the first-order model around observed pixels that triangulation solves with.

        Missing (NaN) pixels and pixels without a ray come back with ``valid`` false and the
        optical axis for a ray.
        """
        require_leading(self.cam_from_world.batch_shape, pixels.shape, "pixels")
        camera = self._like(pixels)
        direction, valid = camera.lens.unproject(camera.plane_from_pixels(pixels))
        ahead = torch.tensor([0.0, 0.0, 1.0]).to(direction)
        direction = torch.where(valid[..., None], direction, ahead)
        world_from_cam = camera.cam_from_world.inverse()
        dims = pixels.ndim - 1
        R = spread(camera.cam_from_world.R, 2, dims)
        matrix = camera.K[:2, :2] @ (camera.lens.jacobian(direction) @ R)
        gauge = world_from_cam.rotate(camera.lens.gauge(direction))
        origin = spread(world_from_cam.t, 1, dims).expand_as(direction)
        return Linearization(origin, matrix, gauge, valid)

    def plane_from_pixels(self, pixels: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2"]:
        """Undo K, skew included: pixels to the distorted plane at unit depth."""
        K = self.K
        y = (pixels[..., 1] - K[1, 2]) / K[1, 1]
        x = (pixels[..., 0] - K[0, 2] - K[0, 1] * y) / K[0, 0]
        return torch.stack([x, y], -1)

    def _like(self, values: Tensor) -> "Camera":
        if values.dtype == self.K.dtype and values.device == self.K.device:
            return self
        return self.to(values)


def checked_intrinsics(K: Float[Tensor, "*any"]) -> Float[Tensor, "3 3"]:
    """Return K if it is a usable intrinsic matrix, scaled so that its last entry is 1.

    Raises ValueError with the reason: wrong shape, not finite, transposed, a last row other than
    0 0 1, an entry below the diagonal, or focal lengths that are not positive.
    """
    if tuple(K.shape) != (3, 3):
        raise ValueError(f"K must be a 3x3 matrix, got shape {tuple(K.shape)}")
    if not bool(torch.isfinite(K).all()):
        raise ValueError("K has a value that is not a finite number")
    below = K[2, :2].abs().max()
    right = K[:2, 2].abs().max()
    if below > 0 and below > right:
        raise ValueError(
            "transposed K: the principal point stands in the last row; "
            "K must be [[fx, skew, cx], [0, fy, cy], [0, 0, 1]]"
        )
    if K[2, 2] == 0 or below > 0 or K[1, 0] != 0:
        raise ValueError(
            f"K must be [[fx, skew, cx], [0, fy, cy], [0, 0, 1]], got last row "
            f"{K[2].tolist()} and K[1][0] = {K[1, 0].item()}"
        )
    K = K / K[2, 2]
    if not (K[0, 0] > 0 and K[1, 1] > 0):
        raise ValueError(
            f"focal lengths must be positive, got {float(K[0, 0]):g} and {float(K[1, 1]):g} "
            "(a negative one mirrors the picture)"
        )
    return K


def checked_size(size: Any) -> tuple[int, int] | None:
    """Return (width, height) as integers, or None; raise ValueError unless both are positive."""
    if size is None:
        return None
    if len(size) != 2 or not all(float(v).is_integer() and 0 < v <= MAX_SIDE for v in size):
        raise ValueError(
            f"size must be two integers (width, height) from 1 to {MAX_SIDE:,}, got {list(size)}"
        )
    return int(size[0]), int(size[1])


def _frames(frames: Any, pose: Pose) -> Tensor | None:
    if frames is None:
        if pose.batch_shape != ():
            raise ValueError("several poses were given without their frame numbers")
        return None
    numbers = torch.as_tensor(frames, dtype=torch.int64)
    if len(numbers) == 0:
        raise ValueError("no poses were given for a camera with one pose per frame")
    if pose.batch_shape != tuple(numbers.shape):
        raise ValueError(f"{len(numbers)} frame numbers but {pose.batch_shape} poses")
    if bool((numbers[1:] <= numbers[:-1]).any()):
        raise ValueError("frame numbers of the poses must be strictly increasing")
    return numbers
