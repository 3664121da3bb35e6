"""A flat sheet and a sphere whose fields are known exactly."""

from dataclasses import dataclass

import numpy as np
import trimesh

from mvboot.fields import Crop, DenseField
from mvboot.rig import Rig
from mvboot.synthetic.scene import ring_rig
from mvboot.template import Charts, Template
from mvboot.template.landmarks import inside

RADIUS, MIDDLE = 0.4, np.array([0.0, 0.0, 0.4])
STRIDE = 8
SIDE = 40


@dataclass
class Ball:
    """A sphere of radius 0.4 m in the middle of a ring of five cameras with lenses."""

    template: Template
    rig: Rig

    def field(self, camera, change=lambda values: values):
        """Return what a camera sees, in cells of 8 px, as an embedding; ``change`` spoils it."""
        grid = Crop.whole(self.rig[camera].size).strided(STRIDE)
        origin, way = self.rig[camera].ray(grid.centers())
        along = ((MIDDLE - origin) * way).sum(-1)
        miss2 = ((MIDDLE - origin) ** 2).sum() - along**2
        deep = np.sqrt(np.where(miss2 < RADIUS**2, RADIUS**2 - miss2, np.nan))
        values = origin + (along - deep)[..., None] * way - MIDDLE
        return DenseField.of_embedding(change(values), self.template.topology, camera, 0, grid=grid)

    def footprint(self):
        """Return how many metres a cell covers."""
        return STRIDE * 2.6 / 1100


def make_ball():
    """Return the ball."""
    mesh = trimesh.creation.icosphere(4)
    vertices = RADIUS * np.asarray(mesh.vertices)
    top = int(vertices[:, 2].argmax())
    bottom = int(vertices[:, 2].argmin())
    keypoints = {
        "top": (np.array([top]), np.ones(1)),
        "bottom": (np.array([bottom]), np.ones(1)),
        "heart": inside(vertices, np.zeros(3), np.arange(len(vertices)), 200),
    }
    template = Template(
        "ball", "m", vertices, np.asarray(mesh.faces), embedding=vertices, keypoints=keypoints
    )
    rig = ring_rig(5, radius=2.6, height=1.6, rng=np.random.default_rng(0))
    return Ball(template, rig)


@dataclass
class Sheet:
    """A flat template of 2 x 2 m, in charts and as an embedding, seen head-on."""

    template: Template
    places: np.ndarray

    def embedding(self, shift=0.0, camera="c", frame=0, foreground=None):
        """Return a field whose every pixel lies ``shift`` metres (...) beside the true place."""
        values = self.places + np.multiply.outer(shift, [1.0, 0, 0])
        values = np.where(
            np.isnan(np.broadcast_to(shift, values.shape[:2]))[..., None], np.nan, values
        )
        return DenseField.of_embedding(values, self.template.topology, camera, frame, foreground)

    def charts(self, shift=0.0, camera="c", frame=0):
        """Return the same as charts: part 1 where x < 0, else part 2."""
        x, y = self.places[..., 0] + shift, self.places[..., 1]
        part = np.where(x < 0, 1, 2)
        uv = np.stack([np.where(x < 0, x + 1, x), (y + 1) / 2], -1)
        return DenseField.of_charts(part, uv, self.template.topology, camera, frame)


def make_sheet():
    """Return the sheet."""
    steps = np.linspace(-1, 1, 21)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    vertices = np.stack([x, y, 0 * x], 1)
    i, j = (axis.ravel() for axis in np.meshgrid(*[np.arange(20)] * 2, indexing="ij"))
    a, b, c, d = i * 21 + j, (i + 1) * 21 + j, (i + 1) * 21 + j + 1, i * 21 + j + 1
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    left = vertices[faces].mean(1)[:, 0] < 0
    corners = vertices[faces]
    u = np.where(left[:, None], corners[..., 0] + 1, corners[..., 0])
    uv = np.clip(np.stack([u, (corners[..., 1] + 1) / 2], -1), 0, 1)
    charts = Charts(("left", "right"), np.where(left, 1, 2), uv)
    template = Template("sheet", "m", vertices, faces, charts=charts, embedding=vertices)
    across = np.linspace(-0.7, 0.7, SIDE)
    places = np.stack([*np.meshgrid(across, across), np.zeros((SIDE, SIDE))], -1)
    return Sheet(template, places)
