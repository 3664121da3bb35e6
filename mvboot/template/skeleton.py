"""Bones that move a mesh: joints in a tree, skin weights, and linear blend skinning."""

import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from mvboot.errors import InputError
from mvboot.geometry.rotations import matrix_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_BONES = 8


@dataclass(frozen=True)
class Skeleton:
    """Bones, each turning about its head in axes of its own.

    A rotation of bone b is a Rodrigues vector in the columns of ``axes[b]`` and turns everything
    that hangs on it. By `bone_axes` the first component bends (flexion), the second twists about
    the bone, the third swings it sideways; mirrored bones have mirrored axes, so that the mirror
    image of a rotation (bend, twist, side) is (bend, -twist, -side) of the mirrored bone.

    Parameters
    ----------
    names
        Names of the B bones.
    parents
        (B,) index of each bone's parent, which comes before it; -1 for the root, the first.
    heads, tails
        (B, 3) ends of the bones in the rest pose, in the template's unit.
    axes
        (B, 3, 3) rotation matrices, bone axes as columns, in the rest pose.
    weights
        Sparse (V, B), how much each vertex follows each bone; rows sum to one.
    limits
        (B, 3, 2) least and greatest value of each component of a rotation, radians.
    head_shapes
        (S, B, 3) how the heads move with the shape components.

    Raises
    ------
    InputError
        Shapes that do not fit, parents out of order, weights that are negative or do not sum to
        one, limits the wrong way round.
    """

    names: tuple[str, ...]
    parents: IntArray
    heads: FloatArray
    tails: FloatArray
    axes: FloatArray
    weights: csr_array
    limits: FloatArray
    head_shapes: FloatArray

    def __post_init__(self) -> None:
        bones = len(self.names)
        if not bones or len(set(self.names)) != bones:
            raise InputError("a skeleton needs bones, each with a name of its own")
        shapes = {"parents": (), "heads": (3,), "tails": (3,), "axes": (3, 3), "limits": (3, 2)}
        for name, rest in shapes.items():
            _check_shape(name, getattr(self, name), (bones, *rest))
        _check_shape("head_shapes", self.head_shapes, (len(self.head_shapes), bones, 3))
        rooted = self.parents[0] == -1 and (self.parents[1:] >= 0).all()
        if not rooted or (self.parents >= np.arange(bones)).any():
            raise InputError("the first bone must be the root (-1) and parents come before bones")
        if self.weights.shape[1] != bones:
            raise InputError(f"weights for {self.weights.shape[1]} bones, but there are {bones}")
        sums = np.asarray(self.weights.sum(axis=1))
        if self.weights.data.min() < 0 or np.abs(sums - 1).max() > 1e-5:
            raise InputError("skin weights must not be negative and sum to one at every vertex")
        if (self.limits[..., 0] > self.limits[..., 1]).any():
            raise InputError("a joint limit has its least value above its greatest")

    def index(self, bone: str) -> int:
        """Return the position of a bone; an unknown name raises InputError."""
        if bone not in self.names:
            raise InputError(f"there is no bone {bone!r}; there are {', '.join(self.names)}")
        return self.names.index(bone)

    def scaled(self, factor: float) -> "Skeleton":
        """Return the skeleton with all lengths times a factor."""
        return replace(
            self,
            heads=factor * self.heads,
            tails=factor * self.tails,
            head_shapes=factor * self.head_shapes,
        )

    def clamped(self, rotations: FloatArray) -> FloatArray:
        """Return rotations (..., B, 3) with every component moved inside its limits."""
        return np.clip(rotations, self.limits[..., 0], self.limits[..., 1])

    def transforms(
        self,
        rotations: Float[Tensor, "*#batch bones 3"],
        heads: Float[Tensor, "*#batch bones 3"],
        translation: Float[Tensor, "*#batch 3"],
    ) -> Float[Tensor, "... bones 4 4"]:
        """Return what each bone does to a point of the rest pose: posed_from_rest, homogeneous.

        ``heads`` are those of the rest pose of the shape at hand.
        """
        axes = self._tensor(self.axes, rotations)
        turn = axes @ matrix_of(rotations) @ axes.mT
        shift = heads - (turn @ heads[..., None])[..., 0]
        root = torch.zeros(len(self.names), 1).to(rotations)
        root[0] = 1.0
        shift = shift + root * translation[..., None, :]
        top = torch.cat([turn, shift.expand(turn.shape[:-1])[..., None]], dim=-1)
        last = torch.tensor([0.0, 0.0, 0.0, 1.0]).to(top).expand(*top.shape[:-2], 1, 4)
        return self._chained(torch.cat([top, last], dim=-2))

    def skinned(
        self,
        points: Float[Tensor, "*#batch vertices 3"],
        transforms: Float[Tensor, "*#batch bones 4 4"],
    ) -> Float[Tensor, "... vertices 3"]:
        """Return points of the rest pose moved by the weighted mean of their bones' transforms."""
        batch = transforms.shape[:-3]
        rows = transforms[..., :3, :].reshape(-1, len(self.names), 12)
        blended = self._sparse.to(rows) @ rows.transpose(0, 1).reshape(len(self.names), -1)
        blended = blended.reshape(blended.shape[0], *batch, 3, 4).movedim(0, -3)
        return (blended[..., :3] @ points[..., None])[..., 0] + blended[..., 3]

    def _chained(self, local: Tensor) -> Tensor:
        """Multiply along the chains from the root, doubling the reach with every product."""
        ancestors = torch.as_tensor(np.where(self.parents < 0, len(self.names), self.parents))
        ancestors = torch.cat([ancestors, torch.tensor([len(self.names)])])
        identity = torch.eye(4).to(local).expand(*local.shape[:-3], 1, 4, 4)
        chained = torch.cat([local, identity], dim=-3)
        for _ in range(math.ceil(math.log2(self.depth))):
            chained = chained[..., ancestors, :, :] @ chained
            ancestors = ancestors[ancestors]
        return chained[..., :-1, :, :]

    @cached_property
    def depth(self) -> int:
        """Number of bones in the longest chain."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(1 if parent < 0 else depths[parent] + 1)
        return max(depths)

    @cached_property
    def _sparse(self) -> Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            return torch.sparse_csr_tensor(
                torch.as_tensor(self.weights.indptr.astype(np.int64)),
                torch.as_tensor(self.weights.indices.astype(np.int64)),
                torch.as_tensor(self.weights.data.astype(np.float64)),
                size=self.weights.shape,
                check_invariants=True,
            )

    def _tensor(self, values: FloatArray, like: Tensor) -> Tensor:
        return torch.as_tensor(values).to(like)


def bone_axes(heads: FloatArray, tails: FloatArray, across: FloatArray) -> FloatArray:
    """Return axes (B, 3, 3), columns: across the bone (bending), along it (twist), and sideways.

    ``across`` (B, 3) is the direction about which the bone bends; what of it runs along the bone
    is left out. Give a mirrored bone the negative of the mirrored direction.
    """
    along = tails - heads
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(across, along)
    side = side / np.linalg.norm(side, axis=1, keepdims=True)
    return np.stack([np.cross(along, side), along, side], axis=2)


def sparse_weights(weights: FloatArray) -> csr_array:
    """Return skin weights (V, B) that sum to one, of at most `MAX_BONES` bones a vertex.

    Weights below one percent are dropped, the others rounded to 1/256 before they are shared out
    again: equal weights stay equal, and few different numbers compress well.
    """
    least = np.sort(weights, axis=1)[:, -MAX_BONES:][:, :1]
    kept = np.where((weights >= least) & (weights > 0.01), weights, 0.0)
    steps = np.round(256 * kept / kept.sum(axis=1, keepdims=True))
    return csr_array(steps / steps.sum(axis=1, keepdims=True))


def _check_shape(name: str, values: NDArray[np.generic], expected: tuple[int, ...]) -> None:
    if values.shape != expected:
        raise InputError(f"the skeleton's {name} have shape {values.shape}, expected {expected}")
