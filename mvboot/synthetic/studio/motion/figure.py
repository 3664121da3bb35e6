"""A template's skeleton in metres and for one shape: where its bones are, and its lowest point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M
from mvboot.template import Skeleton, Template

Floats = NDArray[np.float64]


AT_ONCE = 256
"""Poses of a whole mesh in memory."""


@dataclass(frozen=True)
class Figure:
    """Who moves.

    Parameters
    ----------
    template
        Its surface and bones.
    shape
        (S,) shape coefficients.
    skeleton
        The template's.
    heads, rest
        (B, 3) heads of the bones and (V, 3) vertices in the rest pose of this shape, metres.
    """

    template: Template
    shape: Floats
    skeleton: Skeleton
    heads: Floats
    rest: Floats

    @staticmethod
    def of(template: Template, shape: Floats | None) -> "Figure":
        """Return the figure of a template with a skeleton; without one InputError."""
        skeleton = template.skeleton
        if skeleton is None:
            raise InputError(
                f"the template {template.name!r} has no skeleton, so it cannot be made to move; "
                "add bones to it, or use a template that has them"
            )
        coefficients = np.zeros(template.n_shapes) if shape is None else np.asarray(shape)
        if coefficients.shape != (template.n_shapes,):
            raise InputError(
                f"the shape has {coefficients.shape} numbers, the template {template.name!r} has "
                f"{template.n_shapes} shape components"
            )
        metres = UNITS_IN_M[template.units]
        heads = skeleton.heads + np.tensordot(coefficients, skeleton.head_shapes, axes=1)
        return Figure(
            template, coefficients, skeleton, metres * heads, metres * template.rest(coefficients)
        )

    def head(self, bone: str) -> Floats:
        """Return a bone's head (3,) in the rest pose."""
        return np.asarray(self.heads[self.skeleton.index(bone)])

    def skin(self, *bones: str) -> Floats:
        """Return the rest vertices (N, 3) that mostly follow one of some bones."""
        columns = [self.skeleton.index(bone) for bone in bones]
        share = np.asarray(self.skeleton.weights[:, columns].sum(axis=1))
        return np.asarray(self.rest[share > 0.5])

    def frames(self, rotations: Floats, root: Floats) -> tuple[Floats, Floats]:
        """Return turns (T, B, 3, 3) and heads (T, B, 3) of all bones, the root's head at (T, 3)."""
        axes, parents = self.skeleton.axes, self.skeleton.parents
        turns = axes @ matrices(rotations) @ axes.transpose(0, 2, 1)
        heads = np.repeat(root[:, None], len(parents), axis=1)
        for bone, parent in enumerate(parents[1:], 1):
            turns[:, bone] = turns[:, parent] @ turns[:, bone]
            reach = self.heads[bone] - self.heads[parent]
            heads[:, bone] = heads[:, parent] + turns[:, parent] @ reach
        return turns, heads

    def lowest(self, rotations: Floats, root: Floats) -> Floats:
        """Return the height (T,) of the lowest vertex, metres."""
        metres = UNITS_IN_M[self.template.units]
        shift = (root - self.heads[0]) / metres
        found = [
            self.template.posed(rotations[i : i + AT_ONCE], shift[i : i + AT_ONCE], self.shape)[
                ..., 2
            ].min(axis=-1)
            for i in range(0, len(rotations), AT_ONCE)
        ]
        return np.asarray(metres * np.concatenate(found))


def matrices(rotvec: Floats) -> Floats:
    """Return the rotation matrices (..., 3, 3) of Rodrigues vectors (..., 3)."""
    flat = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix()
    return np.asarray(flat).reshape(*rotvec.shape[:-1], 3, 3)


def rodrigues(turns: Floats) -> Floats:
    """Return the Rodrigues vectors (..., 3) of rotation matrices (..., 3, 3)."""
    flat = Rotation.from_matrix(turns.reshape(-1, 3, 3)).as_rotvec()
    return np.asarray(flat).reshape(*turns.shape[:-2], 3)


def turned_about(axis: int, angle: Floats) -> Floats:
    """Return the matrices (..., 3, 3) of turns about x (0), y (1) or z (2) by angles (...)."""
    return matrices(np.asarray(angle)[..., None] * np.eye(3)[axis])
