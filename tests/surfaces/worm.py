"""A tube with three bones, at most three of them at any vertex."""

import numpy as np
from scipy.sparse import csr_array

from mvboot.surfaces import Posture, Surface
from mvboot.template import Skeleton, Template
from mvboot.template.charts import charts_of_parts

AROUND, ALONG, LENGTH = 12, 31, 0.9


def make_worm():
    """Return the tube along x, in metres, z up, with two charts and one shape component."""
    angle = 2 * np.pi * np.arange(AROUND) / AROUND
    x = np.linspace(0, LENGTH, ALONG)
    ring = np.stack([0 * angle, 0.1 * np.cos(angle), 0.1 * np.sin(angle)], -1)
    vertices = (ring[None] + np.stack([x, 0 * x, 0 * x], -1)[:, None]).reshape(-1, 3)
    i, j = (one.ravel() for one in np.indices((ALONG - 1, AROUND)))
    a, b = i * AROUND + j, i * AROUND + (j + 1) % AROUND
    faces = np.concatenate(
        [np.stack([a, b, a + AROUND], 1), np.stack([b, b + AROUND, a + AROUND], 1)]
    )
    parts = np.tile(1 + (j >= AROUND // 2), 2)
    charts = charts_of_parts(vertices, faces, parts, ("left", "right"), vertices[:, 0])
    heads = np.array([[0.0, 0, 0], [0.3, 0, 0], [0.6, 0, 0]])
    near = np.maximum(0, 1 - np.abs(vertices[:, :1] - heads[:, 0] - 0.15) / 0.4)
    skeleton = Skeleton(
        ("root", "middle", "head"),
        np.array([-1, 0, 1]),
        heads,
        heads + [0.3, 0, 0],
        np.tile(np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]]), (3, 1, 1)),
        csr_array(near / near.sum(1, keepdims=True)),
        np.tile([-3.0, 3.0], (3, 3, 1)),
        0.1 * heads[None],
    )
    shapes = 0.1 * vertices[None]
    return Template(
        "worm",
        "m",
        vertices,
        faces,
        up="z",
        charts=charts,
        embedding=vertices,
        skeleton=skeleton,
        shapes=shapes,
    )


def worm_surface(worm, seed, sigma=0.01):
    """Return a surface of the worm in some pose, all of it seen by three cameras."""
    rng = np.random.default_rng(seed)
    shape = np.array([0.5])
    posture = Posture(rng.normal(0, 0.4, (3, 3)), rng.normal(0, 0.2, 3) + [0, 0, 0.5], shape)
    vertices = worm.posed(posture.rotations, posture.translation, posture.shape)
    return surface_of(vertices, posture, sigma)


def surface_of(vertices, posture=None, sigma=0.01):
    """Return a surface with these vertices, all of it seen by three cameras."""
    count = len(vertices)
    return Surface(
        "m",
        vertices,
        np.zeros(count, bool),
        np.tile(sigma**2 * np.eye(3), (count, 1, 1)),
        np.full(count, 3),
        np.full(count, 1.5),
        posture,
        np.zeros((count, 3)),
    )
