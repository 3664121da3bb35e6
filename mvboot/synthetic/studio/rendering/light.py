"""Light of a synthetic scene: one lamp or sun that casts shadows, and the sky around."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.raycast import RayCaster

Floats = NDArray[np.float64]

FAR = 60.0
"""Distance in metres of a lamp with nothing above it: the sun, as far as shadows tell."""
WARM, COLD = np.array([1.0, 0.83, 0.64]), np.array([0.78, 0.89, 1.0])
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class Light:
    """What lights a scene; radiances are linear RGB in units of a white wall in full light.

    Parameters
    ----------
    lamp
        Place (3,) of the lamp in metres.
    size
        Radius of the lamp in metres: shadows have soft edges.
    key
        Colour (3,) of the lamp at the world's origin; it falls off with the square of distance.
    sky, ground
        Colours (3,) of the light from above and from below.
    """

    lamp: Floats
    size: float
    key: Floats
    sky: Floats
    ground: Floats

    def ambient(self, normals: Floats) -> Floats:
        """Return the light (N, 3) from all around on surfaces with normals (N, 3)."""
        up = 0.5 + 0.5 * normals[:, 2:]
        return np.asarray(up * self.sky + (1 - up) * self.ground)

    def falloff(self, distance: Floats) -> Floats:
        """Return how strong the lamp is at distances (N,) from it; 1 at the world's origin."""
        return np.asarray(
            (np.linalg.norm(self.lamp) / np.maximum(distance, 0.1 * np.linalg.norm(self.lamp))) ** 2
        )

    def spots(self, count: int, rng: np.random.Generator) -> Floats:
        """Return random places (N, 3) on the lamp, one for each of ``count`` shadow rays."""
        around = rng.standard_normal((count, 3))
        return np.asarray(self.lamp + self.size * around / np.linalg.norm(around, axis=1)[:, None])


def sample_light(room: RayCaster, scale: float, rng: np.random.Generator) -> Light:
    """Return light for a room: the lamp hangs below the first thing above it, else it is a sun.

    ``scale`` is the size of the room over that of one for people.
    """
    azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(38, 75))
    toward = np.array(
        [np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)]
    )
    above = float(room.cast(scale * np.array([0.0, 0.0, 0.5]), toward[None]).distance[0])
    reach = min(0.9 * above, scale * FAR)
    tint = rng.uniform(0, 1)
    key = rng.uniform(0.55, 1.1) * (tint * WARM + (1 - tint) * np.ones(3))
    sky = rng.uniform(0.35, 0.7) * (tint * COLD + (1 - tint) * np.ones(3))
    size = 0.012 * reach if reach == scale * FAR else scale * rng.uniform(0.1, 0.35)
    start = scale * np.array([0.0, 0.0, 0.5])
    return Light(start + reach * toward, size, key, sky, 0.45 * sky * rng.uniform(0.7, 1.0, 3))


def around_normals(normals: Floats, turn: Floats, index: int, count: int) -> Floats:
    """Return the ``index``-th of ``count`` directions (N, 3), spread by the cosine about normals.

    All ``count`` together sample the half space above each normal; ``turn`` (N,) in radians
    rotates the pattern of each.
    """
    share = (index + 0.5) / count
    angle = index * GOLDEN_ANGLE + turn
    x, y = np.sqrt(share) * np.cos(angle)[:, None], np.sqrt(share) * np.sin(angle)[:, None]
    first, second = tangents(normals)
    return np.asarray(x * first + y * second + np.sqrt(1 - share) * normals)


def tangents(normals: Floats) -> tuple[Floats, Floats]:
    """Return two unit directions (N, 3) each that complete normals (N, 3) to a right frame.

    After Duff et al., "Building an Orthonormal Basis, Revisited" (2017).
    """
    x, y, z = normals.T
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], -1)
    return first, np.stack([b, sign + y * y * a, -y], -1)
