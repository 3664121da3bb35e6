"""Posture: how a template with bones stands, and how its points move when it changes.

The derivatives of linear blend skinning are exact: turning a bone about an axis turns everything
that hangs on it, each point by the share of it that does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.template import Skeleton, Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Posture:
    """What `Template.posed` takes: rotations (B, 3), translation (3,) and shape (S,)."""

    rotations: Floats
    translation: Floats
    shape: Floats

    @staticmethod
    def rest(template: Template) -> "Posture":
        """Return the rest pose of the mean shape."""
        assert template.skeleton is not None
        bones = len(template.skeleton.names)
        return Posture(np.zeros((bones, 3)), np.zeros(3), np.zeros(template.n_shapes))

    @property
    def numbers(self) -> Floats:
        """All of it as one vector (3 + 3 B + S,): translation, rotations, shape."""
        return np.concatenate([self.translation, self.rotations.ravel(), self.shape])

    def moved(self, step: Floats) -> "Posture":
        """Return the posture whose numbers are these plus ``step`` (3 + 3 B + S,)."""
        end = 3 + self.rotations.size
        return Posture(
            self.rotations + step[3:end].reshape(-1, 3),
            self.translation + step[:3],
            self.shape + step[end:],
        )


@dataclass(frozen=True, eq=False)
class Linear:
    """Points (n, 3) of a template in a posture, and their derivatives by its numbers (n, 3, P)."""

    points: Floats
    derivative: Floats


def linearised(template: Template, posture: Posture, vertices: IntArray) -> Linear:
    """Return vertices (n,) of a template with bones, and how they move with the posture."""
    skeleton = template.skeleton
    assert skeleton is not None
    arguments = (posture.rotations, posture.translation, posture.shape)
    transforms = np.asarray(template.transforms(*arguments))
    turn, shift = transforms[:, :3, :3], transforms[:, :3, 3]
    heads = skeleton.heads + np.einsum("s,sbi->bi", posture.shape, skeleton.head_shapes)
    rest = np.asarray(template.rest(posture.shape))[vertices]
    weights = skeleton.weights[vertices].toarray()
    moved = np.einsum("bij,nj->nbi", turn, rest, optimize=True) + shift
    shares = weights[..., None] * moved
    hangs = hangs_on(skeleton)
    carried = np.einsum("nki,kb->nbi", shares, hangs, optimize=True)
    mass = weights @ hangs
    arm = carried - mass[..., None] * ((turn @ heads[..., None])[..., 0] + shift)
    parents = _parents_turn(skeleton, turn)
    axes = parents @ skeleton.axes @ left_jacobian(posture.rotations)
    by_turn = _turned(axes, arm)
    by_shape = np.einsum("nb,bis->nis", weights, _shifts_by_shape(skeleton, turn, parents))
    if template.shapes is not None and template.n_shapes:
        blended = np.einsum("nb,bij->nij", weights, turn, optimize=True)
        by_shape = by_shape + blended @ template.shapes[:, vertices].transpose(1, 2, 0)
    by_shift = np.broadcast_to(np.eye(3), (len(vertices), 3, 3))
    return Linear(shares.sum(1), np.concatenate([by_shift, by_turn, by_shape], axis=2))


def unposed(template: Template, posture: Posture, offsets: Floats) -> Floats:
    """Return displacements (V, 3) of the posed vertices turned back into the rest pose."""
    turned = np.linalg.solve(_blended(template, posture), offsets[..., None])
    return np.asarray(turned[..., 0], np.float64)


def posed_offsets(template: Template, posture: Posture, offsets: Floats) -> Floats:
    """Return displacements (V, 3) of the rest pose turned along with their bones."""
    return np.asarray((_blended(template, posture) @ offsets[..., None])[..., 0])


def hangs_on(skeleton: Skeleton) -> Floats:
    """Return (B, B): 1 where the bone of the row hangs on the bone of the column, or is it."""
    hangs = np.eye(len(skeleton.names))
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            hangs[bone] += hangs[parent]
    return hangs


def left_jacobian(rotations: Floats) -> Floats:
    """Return J (..., 3, 3) with ``R(r + dr) = R(J dr) R(r)`` to first order in dr.

    Closed form of the left Jacobian of rotations (Chirikjian 2012, 10.3.2).
    """
    angle2 = (rotations**2).sum(-1)[..., None, None]
    small = angle2 < 1e-8
    safe = np.where(small, 1.0, angle2)
    angle = np.sqrt(safe)
    first = np.where(small, 0.5 - angle2 / 24, (1 - np.cos(angle)) / safe)
    second = np.where(small, 1 / 6 - angle2 / 120, (angle - np.sin(angle)) / (safe * angle))
    cross = skew(rotations)
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))


def skew(vectors: Floats) -> Floats:
    """Return matrices (..., 3, 3) that multiply like the cross product with vectors (..., 3)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _turned(axes: Floats, arm: Floats) -> Floats:
    """Return (n, 3, 3 B): arms (n, B, 3) crossed by the columns of axes (B, 3, 3)."""
    bones = len(axes)
    across = skew(axes.mT).reshape(bones, 9, 3) @ arm.transpose(1, 2, 0)
    return np.ascontiguousarray(
        across.reshape(bones, 3, 3, -1).transpose(3, 2, 0, 1).reshape(-1, 3, 3 * bones)
    )


def _parents_turn(skeleton: Skeleton, turn: Floats) -> Floats:
    """Return the rotation (B, 3, 3) of each bone's parent; the identity for the root."""
    return np.where((skeleton.parents >= 0)[:, None, None], turn[skeleton.parents], np.eye(3))


def _shifts_by_shape(skeleton: Skeleton, turn: Floats, parents: Floats) -> Floats:
    """Return how the translations of the bones' transforms change with the shape (B, 3, S)."""
    heads = skeleton.head_shapes.transpose(1, 2, 0)
    shifts = (parents - turn) @ heads
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            shifts[bone] += shifts[parent]
    return shifts


def _blended(template: Template, posture: Posture) -> Floats:
    """Return the mean rotation (V, 3, 3) of each vertex; not quite a rotation where bones meet."""
    assert template.skeleton is not None
    arguments = (posture.rotations, posture.translation, posture.shape)
    turn = np.asarray(template.transforms(*arguments))[:, :3, :3]
    return np.asarray((template.skeleton.weights @ turn.reshape(-1, 9)).reshape(-1, 3, 3))
