"""The views of a sample as plain cameras in the unit of their subject: what KeypointNet expects.

KeypointNet's object is about one unit to every side of the middle, and every camera is a pinhole
at a known distance from it. A rig says all of that in its own unit:

- the middle is where the rays through the middles of the crops of one instant meet best,
- the unit is half the width that the crops show at that depth,
- the camera of a crop is the plain camera (`mvboot.geometry.plain`) that maps the plane at unit
  depth to the crop. Resizing, turning and mirroring of crops are in it exactly.

A lens that distorts is straight only in the small. Its plain camera is the best one over the
crop, and `PlainViews.gap_px` says how far off that is anywhere on it: with k1 = -0.1, a focal
length of 600 px and crops of 96 px that show 120 px, 0.06 px in the middle of a picture of 640 px
and 0.8 px toward its corner; three times that with k1 = -0.3. Keypoints found that way are right
in the picture, but off by that much when they are carried to another view; undistort such footage
first.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.errors import InputError
from mvboot.geometry import Camera, PlainCameras, Pose, plain_camera

GRID = 9
"""Places to a side of a crop at which its lens is looked at."""

PARALLEL = 1e-4
"""Rays that turn by less than a hundredth of a radian do not say how far off the subject is."""


@dataclass(frozen=True, eq=False)
class PlainViews:
    """n views, with lengths in units of their subject.

    Parameters
    ----------
    cameras
        (n,) plain cameras whose places are -1 to 1 across the longer side of the crop, x right, y
        down, about a world whose origin is the middle of the subject.
    distance
        (n,) depth of that middle in each camera.
    unit
        (n,) the unit of length in the rig's.
    gap_px
        (n,) how far the plain camera is from the calibrated one at most, px of the crop.
    """

    cameras: PlainCameras
    distance: Float[Tensor, " n"]
    unit: Float[Tensor, " n"]
    gap_px: Float[Tensor, " n"]


def plain_views(sample: Sample) -> PlainViews:
    """Return the views of a sample as plain cameras; float64, on the CPU as all cameras are.

    InputError for an instant that only one camera shows, or several from one direction: nothing
    says how far off the subject is then. Also for a crop beyond what its lens can see.
    """
    places = _places(sample)
    fitted = [_fitted(sample, view, places) for view in range(len(sample))]
    matrix = torch.stack([matrix for matrix, _ in fitted])
    poses = [camera.cam_from_world for camera in sample.cameras]
    pose = Pose(torch.stack([one.R for one in poses]), torch.stack([one.t for one in poses]))
    height, width = sample.images.shape[-2:]
    middle = torch.linalg.inv(matrix)[:, :, 2]  # of the crop, on the plane at unit depth
    center, unit = torch.zeros_like(pose.t), torch.zeros_like(pose.t[:, 0])
    for views in _instants(sample):
        met = _meeting(pose[views].center, (pose[views].R.mT @ middle[views, :, None])[..., 0])
        depth = (pose[views].R @ met + pose[views].t)[:, 2]
        if bool((depth <= 0).any()):
            raise InputError("the middles of the crops of one instant meet behind a camera")
        focal = matrix[views, :2, :2].det().abs().sqrt()
        center[views], unit[views] = met, (depth / focal).mean()
    moved = pose.t + (pose.R @ center[..., None])[..., 0]
    own = Pose(pose.R, moved / unit[:, None])
    half = max(height, width) / 2
    gaps = torch.tensor([half * gap for _, gap in fitted], dtype=torch.float64)
    return PlainViews(PlainCameras(matrix, own), own.t[:, 2], unit, gaps)


def to_places(sample: Sample, pixels: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2"]:
    """Return px of the crops as places, -1 to 1 across their longer side."""
    height, width = sample.images.shape[-2:]
    middle = (pixels.new_tensor([width, height]) - 1) / 2
    return (pixels - middle) / (max(height, width) / 2)


def _places(sample: Sample) -> Float[Tensor, "grid 2"]:
    """Return px of the crop on a grid all over it."""
    height, width = sample.images.shape[-2:]
    x, y = (torch.linspace(-0.5, side - 0.5, GRID).double() for side in (width, height))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)


def _fitted(sample: Sample, view: int, pixels: Tensor) -> tuple[Tensor, float]:
    camera: Camera = sample.cameras[view]
    original = torch.from_numpy(sample.crops[view].to_original(pixels.numpy()))
    plane = camera.plane_from_pixels(camera.undistort(original))
    try:
        return plain_camera(to_places(sample, pixels), plane)
    except ValueError as error:
        name, frame = sample.views[view]
        raise InputError(f"camera {name}, frame {frame}: {error}") from None


def _instants(sample: Sample) -> list[Tensor]:
    """Return the places of the views of each group and frame."""
    group = sample.group.tolist()
    keys = [(group[view], sample.views[view].frame) for view in range(len(sample))]
    return [
        torch.tensor([view for view, own in enumerate(keys) if own == key])
        for key in dict.fromkeys(keys)
    ]


def _meeting(origins: Float[Tensor, "v 3"], rays: Float[Tensor, "v 3"]) -> Float[Tensor, " 3"]:
    """Return the point that is nearest to all rays."""
    rays = rays / torch.linalg.vector_norm(rays, dim=-1, keepdim=True)
    across = torch.eye(3).to(rays) - rays[:, :, None] * rays[:, None, :]
    total = across.sum(0)
    if float(torch.linalg.eigvalsh(total)[0]) < PARALLEL * len(rays):
        raise InputError(
            "views of one direction do not say how far off the subject is; a sample needs two "
            "cameras at an instant"
        )
    found: Tensor = torch.linalg.solve(total, (across @ origins[..., None]).sum(0))[:, 0]
    return found
