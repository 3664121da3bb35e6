"""Points drawn evenly over the area of a triangle mesh."""

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.nearest import Located


def sampled(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> Located:
    """Return ``count`` points of the faces (F, 3) of vertices (V, 3), even over their area."""
    corners = vertices[faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    chosen = rng.choice(len(faces), count, p=area / area.sum())
    return Located(chosen, rng.dirichlet(np.ones(3), count))
