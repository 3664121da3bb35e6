"""The exact truth of one picture: what each pixel shows of whom, and which keypoints are seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.raycast import NOTHING, Hits, RayCaster, whole_size
from mvboot.synthetic.studio.rendering.backdrop import Eye
from mvboot.synthetic.studio.rendering.exposure import in_view
from mvboot.synthetic.studio.subjects import Subjects
from mvboot.template import Canonical

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLOSE = 1.5
"""A keypoint inside the body is seen where the ray to it meets the surface no farther from it
than this times the distance to the nearest vertex, and `SLACK` of the subject's size."""
SLACK = 0.006


@dataclass(frozen=True)
class View:
    """What one camera sees of the subjects' own surface at one instant.

    Parameters
    ----------
    face
        (h, w) face of the template in each pixel's centre, -1 for none.
    individual
        (h, w) index of whose it is, -1 for none.
    depth
        (h, w) along the camera's axis in metres, NaN for none.
    barycentric
        (h, w, 3) weights of the face's corners, NaN for none.
    """

    face: IntArray
    individual: IntArray
    depth: Floats
    barycentric: Floats

    def canonical(self, subjects: Subjects) -> Canonical:
        """Return the canonical coordinates of all pixels."""
        return subjects.template.canonical(self.face, self.barycentric)


@dataclass(frozen=True)
class Bodies:
    """The subjects' own surfaces at one instant: `vertices` (W, 3) of all of them."""

    subjects: Subjects
    vertices: Floats
    caster: RayCaster

    @staticmethod
    def of(subjects: Subjects, vertices: Floats) -> "Bodies":
        """Prepare vertices (W, 3)."""
        return Bodies(subjects, vertices, RayCaster(vertices, subjects.body_faces))

    def seen_by(self, eye: Eye) -> View:
        """Return what a camera sees; things of the room that stand before a subject hide it."""
        width, height = whole_size(eye.camera)
        rows = in_view(eye.camera, self.vertices)
        hits = self.caster.cast(eye.origin, eye.middle[rows])
        before = hits.distance < eye.walls[rows]
        return self._view(eye, hits.at(np.flatnonzero(before)), rows[before], (height, width))

    def _view(self, eye: Eye, hits: Hits, rows: IntArray, shape: tuple[int, int]) -> View:
        count = len(self.subjects.template.faces)
        face, individual = (np.full(shape[0] * shape[1], NOTHING) for _ in range(2))
        depth = np.full(len(face), np.nan)
        barycentric = np.full((len(face), 3), np.nan)
        individual[rows], face[rows] = np.divmod(hits.face, count)
        forward = eye.camera.forward.numpy()
        depth[rows] = hits.distance * (eye.middle[rows] @ forward)
        barycentric[rows] = hits.barycentric
        return View(
            face.reshape(shape),
            individual.reshape(shape),
            depth.reshape(shape),
            barycentric.reshape(*shape, 3),
        )

    def keypoints(self) -> Floats:
        """Return the keypoints (I, K, 3) in the world."""
        bodies = self.subjects.bodies(self.vertices)
        return np.asarray(self.subjects.template.landmarks(bodies))

    def visible(self, eye: Eye, room: RayCaster) -> Bools:
        """Return which keypoints (I, K) nothing hides from a camera, in its picture or not."""
        points = self.keypoints()
        flat = points.reshape(-1, 3)
        way = flat - eye.origin
        distance = np.linalg.norm(way, axis=1)
        way /= distance[:, None]
        first = self.caster.cast(eye.origin, way)
        met = eye.origin + first.distance[:, None] * way
        short = np.where(first.met, np.linalg.norm(met - flat, axis=1), np.inf)
        clear = (short <= self._reach(points).ravel()) | (first.distance >= distance)
        clear &= room.cast(eye.origin, way).distance >= np.minimum(first.distance, distance)
        return np.asarray(clear.reshape(points.shape[:2]))

    def _reach(self, points: Floats) -> Floats:
        """Return how far (I, K) from a keypoint a ray to it may meet the surface."""
        bodies = self.subjects.bodies(self.vertices)
        size = float(np.ptp(self.subjects.template.vertices, axis=0).max())
        nearest = [
            np.linalg.norm(body[None] - own[:, None], axis=-1).min(1)
            for body, own in zip(bodies, points, strict=True)
        ]
        return np.asarray(CLOSE * np.stack(nearest) + SLACK * size)
