"""Plain cameras: pinholes with any affine map from the plane at unit depth to picture places.

A camera looks through its lens at a picture, and a network at a crop of that, which may be
shifted, resized, turned or mirrored. Without distortion all of it is one affine map, so that a
crop of a calibrated camera is a plain camera exactly, of the same place and pose. With
distortion it is one only as far as the lens is affine over the crop (`plain_camera`).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.geometry.batches import spread, times
from mvboot.geometry.pose import Pose

NEAREST = 1e-3
"""Depth that points behind a camera are projected at: finite, with no gradient of the depth."""


@dataclass(frozen=True, eq=False)
class PlainCameras:
    """One or a batch of plain cameras, which are the first dimensions of the points (`batches`).

    Parameters
    ----------
    matrix
        (..., 3, 3) from ``(x / z, y / z, 1)`` to ``(u, v, 1)``; last row 0 0 1, of any
        determinant but 0: a mirrored crop has a negative one.
    cam_from_world
        Their poses.
    """

    matrix: Float[Tensor, "*batch 3 3"]
    cam_from_world: Pose

    def __getitem__(self, index: Tensor) -> "PlainCameras":
        """Return some of a batch."""
        return PlainCameras(self.matrix[index], self.cam_from_world[index])

    def to(self, like: Tensor) -> "PlainCameras":
        """Return the cameras with the dtype and on the device of ``like``."""
        return PlainCameras(self.matrix.to(like), self.cam_from_world.to(like))

    def unproject(
        self, places: Float[Tensor, "*batch k 2"], depths: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch k 3"]:
        """Return the points (..., K, 3) in the camera that are seen at places, at depths z."""
        inverse = torch.linalg.inv(self.matrix).to(places)
        plane = times(inverse, torch.nn.functional.pad(places, (0, 1), value=1.0))
        return plane * depths[..., None]

    def project(self, x_in_cam: Float[Tensor, "*batch k 3"]) -> Float[Tensor, "*batch k 2"]:
        """Return the places (..., K, 2) of points in the camera, nearer than `NEAREST` at it."""
        plane = x_in_cam[..., :2] / x_in_cam[..., 2:].clamp(min=NEAREST)
        matrix = self.matrix.to(plane)
        return times(matrix[..., :2, :2], plane) + spread(matrix[..., :2, 2], 1, plane.ndim - 1)

    def from_other(self, other: "PlainCameras") -> Pose:
        """Return the poses that carry points in other cameras to points in these."""
        return self.cam_from_world @ other.cam_from_world.inverse()

    def carried(
        self, other: "PlainCameras", x_in_other: Float[Tensor, "*batch k 3"]
    ) -> Float[Tensor, "*batch k 3"]:
        """Return points (..., K, 3) in other cameras as points in these."""
        return self.from_other(other).to(x_in_other).apply(x_in_other)


def plain_camera(
    sources: Float[Tensor, "n 2"], plane: Float[Tensor, "n 2"]
) -> tuple[Float[Tensor, "3 3"], float]:
    """Fit the matrix of a plain camera to places of a crop and the plane points seen there.

    Parameters
    ----------
    sources, plane
        N >= 3 places in the crop, not on one line, and ``(x / z, y / z)`` of the rays through
        them, float64. Rows with NaN, beyond the inverse of a lens, are left out.

    Returns
    -------
    The matrix of least squares in the crop, which is exact for a lens without distortion, and the
    largest distance that it is off, in units of the sources: 0 without distortion. It is how far
    the plain model is from the calibrated camera anywhere on the crop.

    Raises
    ------
    ValueError
        Fewer than three places with a ray.
    """
    known = torch.isfinite(plane).all(-1) & torch.isfinite(sources).all(-1)
    sources, plane = sources[known], plane[known]
    if len(sources) < 3:
        raise ValueError("the lens has no inverse where the crop lies")
    homogeneous = torch.nn.functional.pad(plane, (0, 1), value=1.0)
    rows = torch.linalg.lstsq(homogeneous, sources).solution.mT
    gap = torch.linalg.vector_norm(homogeneous @ rows.mT - sources, dim=-1).max()
    last = torch.tensor([[0.0, 0.0, 1.0]]).to(rows)
    return torch.cat([rows, last]), float(gap)
