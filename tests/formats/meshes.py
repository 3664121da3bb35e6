"""A mesh with everything a file can hold."""

import numpy as np

from mvboot.mesh.surface_mesh import SurfaceMesh


def full_mesh(**changes):
    """Return a pyramid in cm, z up: tip at (0, 0, 100), with a texture red above and blue below."""
    vertices = np.array([[0.0, 0, 100], [50, 0, 0], [0, 50, 0], [-50, -50, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:4, :, 0], texture[4:, :, 2] = 255, 255
    uv = np.tile([[0.5, 0.99], [0.01, 0.01], [0.99, 0.01]], (4, 1, 1))
    values = {
        "up": "z",
        "normals": vertices / np.linalg.norm(vertices, axis=1, keepdims=True),
        "colours": np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [188, 188, 188]], np.uint8),
        "error_px": np.array([0.5, np.nan, 1.25, 2.0]),
        "sigma": np.array([0.1, np.nan, 0.25, 1.0]),
        "n_views": np.array([3, 0, 2, 300]),
        "visible": np.array([True, False, True, True]),
        "uv": uv,
        "texture": texture,
        "rig": "00112233aabbccdd",
        "template": "ffeeddcc99887766",
        "notes": {"frame": "12", "subject": "tom: the cat"},
    }
    return SurfaceMesh("cm", vertices, faces, **(values | changes))
