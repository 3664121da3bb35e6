"""Meshes whose geometry is known, and the templates that come with mvboot: fixtures."""

import numpy as np
import pytest
import trimesh

from mvboot.template import load_template


@pytest.fixture(scope="session")
def body():
    return load_template("body")


@pytest.fixture(scope="session")
def quadruped():
    return load_template("quadruped")


@pytest.fixture(scope="session", params=["body", "quadruped"])
def shipped(request):
    return load_template(request.param)


@pytest.fixture(scope="session")
def sphere():
    """The unit sphere: vertices (642, 3) and faces."""
    mesh = trimesh.creation.icosphere(3)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


@pytest.fixture(scope="session")
def sheet():
    """A flat sheet 2 x 2 about the origin with a square hole 1 x 1: vertices and faces."""
    return make_sheet(21, hole=True)


@pytest.fixture(scope="session")
def full_sheet():
    return make_sheet(13, hole=False)


def make_sheet(count, hole):
    """Return a jittered triangle grid on [-1, 1]^2; the borders of sheet and hole stay straight."""
    steps = np.linspace(-1, 1, count)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1)
    size = np.maximum(abs(x), abs(y))
    free = (size < 0.999) & ((abs(size - 0.5) > 0.01) if hole else True)
    vertices[free, :2] += np.random.default_rng(0).uniform(-0.02, 0.02, (free.sum(), 2))
    i, j = (axis.ravel() for axis in np.meshgrid(*[np.arange(count - 1)] * 2, indexing="ij"))
    a, b, c, d = i * count + j, (i + 1) * count + j, (i + 1) * count + j + 1, i * count + j + 1
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    if hole:
        faces = faces[np.abs(vertices[faces].mean(axis=1)).max(axis=1) > 0.5]
    used, faces = np.unique(faces, return_inverse=True)
    return vertices[used], faces.reshape(-1, 3)
