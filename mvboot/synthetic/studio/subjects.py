"""Who is filmed: templates with a shape, a look and a motion, posed together at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from mvboot.synthetic.studio.appearance import Look
from mvboot.synthetic.studio.material import Surface
from mvboot.synthetic.studio.motion.motion import Motion, Poses
from mvboot.synthetic.studio.rendering.shading import Shell
from mvboot.template import Skeleton, Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Subject:
    """One individual.

    Parameters
    ----------
    name
        Its name in tables.
    template
        Its surface.
    shape
        (S,) coefficients of the template's shape components.
    look
        Skin and what it wears.
    motion
        What it does about its own place, metres.
    home
        (3,) where in the world that is.
    """

    name: str
    template: Template
    shape: Floats
    look: Look
    motion: Motion
    home: Floats

    @cached_property
    def rest(self) -> Floats:
        """Rest vertices (W, 3) of the body and, after it, of the pieces worn."""
        rest = self.template.rest(self.shape)
        return np.concatenate([rest, *(piece.vertices for piece in self.look.pieces)])

    @cached_property
    def skeleton(self) -> Skeleton:
        """The template's bones, and how much all of these vertices follow each."""
        bones = self.template.skeleton
        assert bones is not None
        worn = [piece.weights for piece in self.look.pieces]
        return replace(bones, weights=csr_array(vstack([bones.weights, *worn], format="csr")))

    @cached_property
    def shell(self) -> Shell:
        """What is seen of it: bare skin and the pieces, over the vertices of `rest`."""
        template, look = self.template, self.look
        body = Surface(template.vertices, template.faces, look.skin)
        worn = [Surface(p.vertices, p.faces, p.material, p.places) for p in look.pieces]
        whole = Shell.of([body, *worn])
        seen = np.ones(len(whole.faces), dtype=bool)
        seen[: len(template.faces)] = look.bare
        return Shell(whole.faces[seen], whole.places, whole.materials, whole.material[seen])

    def poses(self, times: Floats) -> Poses:
        """Return how it stands in the world at times (T,) in s."""
        poses = self.motion.at(times)
        return Poses(poses.rotations, poses.translation + self.home)

    def at(self, times: Floats) -> Floats:
        """Return the vertices (T, W, 3) of body and pieces at times (T,) in s."""
        poses = self.poses(times)
        transforms = self.template.transforms(poses.rotations, poses.translation, self.shape)
        moved = self.skeleton.skinned(torch.from_numpy(self.rest), torch.from_numpy(transforms))
        return moved.numpy()


class Subjects:
    """All subjects of a scene as one mesh.

    Parameters
    ----------
    members
        At least one, all of the same template.
    """

    def __init__(self, members: Sequence[Subject]) -> None:
        self.members = tuple(members)
        self.template = members[0].template
        self._starts = np.cumsum([0, *(len(m.rest) for m in members)])

    @cached_property
    def shell(self) -> Shell:
        """What is seen of all of them, over all their vertices."""
        shells = [member.shell for member in self.members]
        kinds = np.cumsum([0, *(len(s.materials) for s in shells)])
        starts = zip(shells, self._starts, kinds, strict=False)
        faces, material = zip(*((s.faces + n, s.material + k) for s, n, k in starts), strict=True)
        return Shell(
            np.concatenate(faces),
            np.concatenate([s.places for s in shells]),
            tuple(m for s in shells for m in s.materials),
            np.concatenate(material),
        )

    @cached_property
    def body_faces(self) -> IntArray:
        """Faces (I * F, 3) of the bodies, over all vertices: those of each individual in turn."""
        starts = self._starts[:-1]
        return np.concatenate([self.template.faces + start for start in starts])

    def at(self, times: Floats) -> Floats:
        """Return all vertices (T, W, 3) at times (T,)."""
        return np.concatenate([member.at(times) for member in self.members], axis=1)

    def bodies(self, vertices: Floats) -> Floats:
        """Return the bodies' vertices (..., I, V, 3) out of all of them (..., W, 3)."""
        size = len(self.template.vertices)
        return np.stack([vertices[..., s : s + size, :] for s in self._starts[:-1]], axis=-3)
