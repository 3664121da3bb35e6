"""A sphere seen by three cameras, whose perfect fields are known, and all pairs written out."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mvboot import Camera
from mvboot.geometry import fundamental_matrix
from mvboot.losses import Penalty

SIZE, DISTANCE = 64, 4.0
RADIUS_PX = 26.0


def camera(longitude, latitude, scale=1.0):
    """Return a camera that looks at the origin, from angles in degrees."""
    lon, lat = np.radians([longitude, latitude])
    outward = np.array([np.sin(lon) * np.cos(lat), np.sin(lat), np.cos(lon) * np.cos(lat)])
    right = np.cross([0.0, 1.0, 0.0], outward)
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(-outward, right), -outward])
    focal = RADIUS_PX * np.sqrt(DISTANCE**2 - 1)
    K = np.array([[focal, 0, (SIZE - 1) / 2], [0, focal, (SIZE - 1) / 2], [0, 0, 1]])
    t = -R @ outward * DISTANCE * scale
    return Camera.from_opencv(K, np.zeros(5), R, t, size=(SIZE, SIZE))


def chart(points):
    """Return longitude and latitude of points of the unit sphere, each in [-1, 1]."""
    x, y, z = points.unbind(-1)
    return torch.stack([torch.atan2(x, z) / np.pi, torch.asin(y.clamp(-1, 1)) / (np.pi / 2)], -1)


@dataclass
class View:
    camera: Camera
    pixels: torch.Tensor
    """(N, 2) of the sphere."""
    points: torch.Tensor
    """(N, 3) on the unit sphere."""

    @property
    def field(self):
        return chart(self.points)


def view(longitude, latitude, stride=2):
    seen = camera(longitude, latitude)
    y, x = torch.meshgrid(*[torch.arange(0, SIZE, stride).double()] * 2, indexing="ij")
    pixels = torch.stack([x, y], -1).reshape(-1, 2)
    origin, ray = (torch.as_tensor(value) for value in seen.ray(pixels))
    along = ray @ origin
    inside = along**2 - origin @ origin + 1
    hit = inside > 0
    distance = (-along - inside.clamp(min=0).sqrt())[hit]
    return View(seen, pixels[hit], origin + distance[:, None] * ray[hit])


@dataclass
class Sphere:
    a: View
    b: View
    c: View

    @property
    def F(self):
        return self.fundamental("a", "b")

    def fundamental(self, first, second):
        return fundamental_matrix(getattr(self, first).camera, getattr(self, second).camera)


@pytest.fixture(scope="session")
def sphere():
    return Sphere(view(-20, 0), view(20, 0), view(0, 35))


@pytest.fixture(scope="session")
def fine_sphere():
    return Sphere(view(-20, 0, 1), view(20, 0, 1), view(0, 35, 1))


@dataclass
class Explicit:
    expected: torch.Tensor
    log_mass: torch.Tensor
    visibility: torch.Tensor
    mean: torch.Tensor
    covariance: torch.Tensor
    entropy: torch.Tensor
    floor: torch.Tensor

    def loss(self, weight=1.0):
        weight = weight * self.visibility.detach()
        return (weight * self.expected).sum() / weight.sum()


def cost(residual, penalty: Penalty):
    squared = residual.square().sum(-1)
    if penalty.distance == "squared":
        return squared.clamp(max=penalty.limit_px**2)
    if penalty.distance == "robust":
        return 1 - torch.exp(-squared / (2 * penalty.limit_px**2))
    return (squared + 1e-300).sqrt().clamp(max=penalty.limit_px)


@pytest.fixture(scope="session")
def explicit():
    """Every pair as a matrix, as the equations have it."""

    def computed(u, v, residuals, sigma, v_weight=None):
        weight = torch.ones_like(v[:, 0]) if v_weight is None else v_weight
        log_m = -torch.cdist(u, v, compute_mode="donot_use_mm_for_euclid_dist").square()
        log_m = log_m / (2 * sigma**2) + weight.log()
        M = log_m.softmax(1)
        pixels = residuals.pixels.to(u.dtype)
        homogeneous = torch.nn.functional.pad(pixels, (0, 1), value=1.0)
        L = residuals.lines.to(u.dtype)
        d = cost(torch.einsum("nri,mi->nmr", L, homogeneous), residuals.penalty)
        mean = M @ pixels
        off = pixels - mean[:, None]
        at_mean = cost(torch.einsum("nri,nmi->nmr", L[..., :2], off), residuals.penalty)
        return Explicit(
            (M * d).sum(1),
            log_m.logsumexp(1),
            log_m.amax(1).exp(),
            mean,
            torch.einsum("nm,nmi,nmj->nij", M, off, off),
            -(M * M.clamp(min=1e-300).log()).sum(1),
            (M * at_mean).sum(1),
        )

    return computed
