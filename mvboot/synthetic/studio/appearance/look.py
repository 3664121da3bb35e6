"""What a subject looks like: its own surface, and what it wears."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mvboot.synthetic.studio.material import Material

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """Something worn: a mesh that moves with the bones.

    Parameters
    ----------
    name
        What it is.
    vertices
        (V, 3) in the rest pose of this subject's shape, in the template's units.
    faces
        (F, 3).
    weights
        (V, B) how much each vertex follows each bone; rows sum to one.
    material
        What it is made of.
    places
        (V, 3) where its texture is looked up, in metres: on the rest pose of the mean shape, so
        that a pattern does not depend on who wears it.
    """

    name: str
    vertices: Floats
    faces: IntArray
    weights: csr_array
    material: Material
    places: Floats


@dataclass(frozen=True)
class Look:
    """A subject's looks, whatever its pose.

    Parameters
    ----------
    skin
        The template's own surface, looked up at the rest pose of its mean shape.
    bare
        (F,) which faces of the template are seen; those well under clothes are left out, so that
        nothing pokes through.
    pieces
        What it wears.
    """

    skin: Material
    bare: NDArray[np.bool_]
    pieces: tuple[Piece, ...] = ()

    def wearing(self, pieces: Sequence[Piece], hidden: NDArray[np.bool_]) -> "Look":
        """Return the look with more pieces, which hide faces (F,) of the template."""
        return Look(self.skin, self.bare & ~hidden, (*self.pieces, *pieces))
