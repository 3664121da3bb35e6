"""Rigid transforms between named frames: ``b_from_a`` carries a point from a to b."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.geometry.arrays import to_tensor
from mvboot.geometry.batches import require_leading, spread, times
from mvboot.geometry.rotations import matrix_of, polished, rotvec_of

ORTHONORMAL_TOLERANCE = 1e-3
"""Largest entry of ``R R^T - I`` accepted; text formats with four digits stay below it."""


FARTHEST = 1e15
"""Of a camera from the origin: map coordinates in micrometres are below it."""
LARGEST_TURN = 1e6
"""Length of a Rodrigues vector; beyond it its angle has no digits left."""


@dataclass(frozen=True)
class Pose:
    """A rotation and a translation, ``x_in_b = R @ x_in_a + t``, or a batch of them.

    The batch dimensions are the first dimensions of the points it acts on (see `batches`): one
    pose () serves all points, poses (F,) act on points (F, ..., 3). Of two poses that are composed,
    the batch of one must begin with that of the other. A mismatch raises ValueError.

    Parameters
    ----------
    R
        Rotation matrices, shape (..., 3, 3), determinant +1.
    t
        Translations in the unit of the world, shape (..., 3).
    """

    R: Float[Tensor, "*batch 3 3"]
    t: Float[Tensor, "*batch 3"]

    @staticmethod
    def identity() -> "Pose":
        """Return the transform that changes nothing."""
        return Pose(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))

    @staticmethod
    def from_rotation(rotation: Any, translation: Any) -> "Pose":
        """Build a pose from a 3x3 matrix or a Rodrigues vector (radians) and a translation.

        Shapes are (..., 3, 3) or (..., 3) and (..., 3); a (1, 3) or (3, 1) vector is flattened.
        A matrix is projected onto the nearest rotation; one that is farther than
        ``ORTHONORMAL_TOLERANCE`` from orthonormal, or is a mirror (determinant -1), or any value
        that is not finite or absurdly large, raises ValueError.
        """
        R, t = to_tensor(rotation), to_tensor(translation)
        if R.shape in ((1, 3), (3, 1)):
            R = R.reshape(3)
        if t.numel() == 3 and R.ndim < 3:
            t = t.reshape(3)
        if not (bool((R.abs() <= LARGEST_TURN).all()) and bool((t.abs() <= FARTHEST).all())):
            raise ValueError(
                "the pose has a value that is not a finite number, or is too large for one"
            )
        if R.shape[-2:] == (3, 3) and (*R.shape[:-2], 3) == t.shape:
            return Pose(_nearest_rotation(R), t)
        if R.shape[-1:] == (3,) and R.shape == t.shape:
            return Pose(matrix_of(R), t)
        raise ValueError(
            f"a pose needs a Rodrigues vector or a 3x3 matrix and a translation of 3 numbers, "
            f"got shapes {tuple(R.shape)} and {tuple(t.shape)}"
        )

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading dimensions: () for one pose, (F,) for one pose per frame."""
        return tuple(self.t.shape[:-1])

    @property
    def rotvec(self) -> Float[Tensor, "*batch 3"]:
        """Rodrigues vector (axis times angle in radians)."""
        return rotvec_of(self.R)

    @property
    def center(self) -> Float[Tensor, "*batch 3"]:
        """Origin of frame b expressed in frame a: the camera centre of a ``cam_from_world``."""
        return -(self.R.mT @ self.t[..., None])[..., 0]

    def apply(self, x_in_a: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 3"]:
        """Carry points from a to b."""
        return self.rotate(x_in_a) + spread(self.t, 1, x_in_a.ndim - 1)

    def rotate(self, v_in_a: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 3"]:
        """Carry directions from a to b (no translation)."""
        return times(self.R, v_in_a)

    def inverse(self) -> "Pose":
        """Return ``a_from_b``."""
        return Pose(self.R.mT, self.center)

    def __matmul__(self, a_from_z: "Pose") -> "Pose":
        """Compose: ``b_from_a @ a_from_z`` is ``b_from_z``."""
        if self.batch_shape == a_from_z.batch_shape:
            return Pose(self.R @ a_from_z.R, self.apply(a_from_z.t))
        batch = max(self.batch_shape, a_from_z.batch_shape, key=len)
        for pose in (self, a_from_z):
            require_leading(pose.batch_shape, (*batch, 3), "translations")
        R, R_z = (spread(pose.R, 2, len(batch)) for pose in (self, a_from_z))
        t_z = spread(a_from_z.t, 1, len(batch)).expand(*batch, 3)
        return Pose(R @ R_z, self.apply(t_z))

    def __getitem__(self, index: Any) -> "Pose":
        """Slice the batch dimensions."""
        return Pose(self.R[index], self.t[index])

    def scaled(self, factor: float) -> "Pose":
        """Return the same pose in another unit of length: ``factor`` new units per old one."""
        return Pose(self.R, self.t * factor)

    def to(self, like: Tensor) -> "Pose":
        """Return the pose with the dtype and on the device of ``like``."""
        return Pose(self.R.to(like), self.t.to(like))


def _nearest_rotation(R: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    gap = (R.detach() @ R.detach().mT - torch.eye(3).to(R)).abs().amax()
    if gap > ORTHONORMAL_TOLERANCE:
        raise ValueError(
            f"the rotation is not orthonormal (R R^T differs from the identity by {gap:.2g}); "
            "give a 3x3 rotation matrix or a Rodrigues vector"
        )
    if bool((torch.linalg.det(R.detach()) < 0).any()):
        raise ValueError(
            "mirrored world: the rotation has determinant -1, so left and right are swapped; "
            "flip one axis of the world in the program that wrote it"
        )
    return R if gap < 1e-12 else polished(R)
