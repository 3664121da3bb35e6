"""Transfer: where on its epipolar line a match must lie, from where other views see the point.

Two views leave a match free to slip along a line. A third view that sees the point says how far
along the ray of its pixel it lies, and so where on the line (point transfer, Hartley and Zisserman
2004, 15.3; cameras are known here, so that it goes through the point in space and has no degenerate
plane). Several views vote: each proposes the depth that agrees with its own sighting, the depth on
which most of them agree within a few pixels wins and is refined by reweighted least squares. The
view that is measured has no vote.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from mvboot.geometry import Camera

HALF = 0.2
"""Weight of agreeing sightings at which a transfer counts half as much as the line itself."""


class Sighting(NamedTuple):
    """Where one view shows the points that N pixels of another show.

    ``pixels`` (N, 2) undistorted px, ``weight`` (N,) in [0, 1], 0 where it does not show them,
    ``reach_px``: how far off it may be.
    """

    camera: Camera
    pixels: Float[Tensor, "n 2"]
    weight: Float[Tensor, " n"]
    reach_px: float


class _Rays(NamedTuple):
    """Rays of N pixels in V views: at depth z they project to ``foot + z * toward``."""

    foot: Float[Tensor, "v n 3"]
    toward: Float[Tensor, "v n 3"]

    def at(self, depth: Float[Tensor, "*b v n"]) -> tuple[Tensor, Tensor]:
        """Return pixels (..., V, N, 2) and depth in the views; NaN behind them."""
        found = self.foot + depth[..., None] * self.toward
        ahead = torch.where(found[..., 2:] > 0, found[..., 2:], torch.nan)
        return found[..., :2] / ahead, ahead[..., 0]


@torch.no_grad()
def transfer_rows(
    camera: Camera, pixels: Float[Tensor, "n 2"], sightings: Sequence[Sighting]
) -> Float[Tensor, "v n 3"]:
    """Return for each sighting the row that measures along the line, by the vote of the others.

    Parameters
    ----------
    camera, pixels
        A view and its N undistorted pixels.
    sightings
        Where V other views show the points of these pixels.

    Returns
    -------
    (V, N, 3) float64, without gradient: ``row . (x', 1)`` is the distance in px of x' along the
    epipolar line from where the others say it is, times the root of how sure they are (in [0, 1)).
    Zeros where no other view shows the point.
    """
    rays = _rays(camera, pixels.double(), sightings)
    seen = torch.stack([one.pixels.double() for one in sightings])
    reach = seen.new_tensor([one.reach_px for one in sightings])[:, None]
    weight = torch.stack([one.weight.double() for one in sightings])
    slope, offset = _equations(rays, seen)
    depth = -(slope * offset).sum(-1) / (slope * slope).sum(-1)
    depth = torch.where(torch.isfinite(depth) & (depth > 0), depth, torch.nan)
    weight = weight * _agreement(rays, seen, reach, depth)
    best, support = _elected(rays, seen, reach, depth, weight)
    best = _refined(rays, seen, reach, best, weight)
    return _rows(rays, best, support)


def _rays(camera: Camera, pixels: Tensor, sightings: Sequence[Sighting]) -> _Rays:
    directions = pad(pixels, (0, 1), value=1.0) @ torch.linalg.inv(camera.K).mT
    directions = directions @ camera.cam_from_world.R
    P = torch.stack([one.camera.projection_matrix for one in sightings]).to(pixels)
    foot = P[:, :, :3] @ camera.center.to(pixels) + P[:, :, 3]
    toward = torch.einsum("vij,nj->vni", P[:, :, :3], directions)
    return _Rays(foot[:, None].expand_as(toward), toward)


def _equations(rays: _Rays, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return a, b (V, N, 2) with ``a z + b = 0`` where the ray projects to the sighting."""
    slope = rays.toward[..., :2] - seen * rays.toward[..., 2:]
    return slope, rays.foot[..., :2] - seen * rays.foot[..., 2:]


def _agreement(rays: _Rays, seen: Tensor, reach: Tensor, depth: Tensor) -> Tensor:
    """Return in [0, 1] how well depths (..., V, N) agree with each view's sighting."""
    gap2 = (rays.at(depth)[0] - seen).square().sum(-1)
    return torch.exp(-0.5 * gap2 / reach.square()).nan_to_num(0.0)


def _elected(
    rays: _Rays, seen: Tensor, reach: Tensor, depth: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Return for each view the depth (V, N) that the others elect, and the weight behind it."""
    proposed = depth[:, None].expand(-1, len(depth), -1)
    votes = weight * _agreement(rays, seen, reach, proposed)  # of each proposal, by each view
    without = votes.sum(1) - votes.transpose(0, 1)  # for each view left out, of each proposal
    own = torch.eye(len(depth), dtype=torch.bool, device=depth.device)[..., None]
    without = without.masked_fill(own | (weight == 0)[None], 0.0)
    support, best = without.max(1)
    return depth.gather(0, best), support


def _refined(rays: _Rays, seen: Tensor, reach: Tensor, best: Tensor, weight: Tensor) -> Tensor:
    """Return depths (V, N) after one step of least squares over the views that agree."""
    slope, offset = _equations(rays, seen)
    everywhere = best[:, None].expand(-1, len(best), -1)
    share = weight * _agreement(rays, seen, reach, everywhere)
    share = share / (reach * rays.at(everywhere)[1]).square()
    own = torch.eye(len(best), dtype=torch.bool, device=best.device)[..., None]
    share = share.masked_fill(own, 0.0).nan_to_num(0.0)
    found = -(share * (slope * offset).sum(-1)).sum(1) / (share * (slope * slope).sum(-1)).sum(1)
    return torch.where(torch.isfinite(found) & (found > 0), found, best)


def _rows(rays: _Rays, depth: Tensor, support: Tensor) -> Float[Tensor, "v n 3"]:
    """Return rows that measure along the projected rays from their points at these depths."""
    target = rays.at(depth)[0]
    moving = rays.toward[..., :2] - target * rays.toward[..., 2:]
    along = moving / moving.square().sum(-1, keepdim=True).sqrt()
    row = torch.cat([along, -(along * target).sum(-1, keepdim=True)], -1)
    row = row * (support / (support + HALF)).sqrt()[..., None]
    known = torch.isfinite(row).all(-1, keepdim=True) & (support > 0)[..., None]
    return torch.where(known, row, torch.zeros_like(row))
