"""Lens models: from a point in camera axes to distorted image-plane coordinates, and back.

A lens works on the image plane at unit distance: pixels follow by the matrix K. Every lens is
inverted by a safeguarded Newton iteration and knows where it stops being invertible: beyond that
radius a barrel-distorted image folds back onto itself and no answer is right, so none is given.
Sources: OpenCV's camera models (``projectPoints`` and ``fisheye``); Brown, "Decentering distortion
of lenses" (1966); Kannala and Brandt, PAMI 2006.
"""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.geometry.lens import Lens

NEWTON_STEPS = 20
BISECTIONS = 60
CONVERGED = 1e-13


class _Planar(Lens):
    """Lenses that distort the plane z = 1; nothing at or behind z = 0 is visible."""

    def distort(self, xy: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2"]:
        return xy

    def distort_jacobian(self, xy: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2 2"]:
        return torch.eye(2).to(xy).expand(*xy.shape, 2)

    @cached_property
    def max_radius(self) -> float:
        """Radius on the undistorted plane up to which the lens is invertible."""
        return float("inf")

    def project(
        self, x_in_cam: Float[Tensor, "*points 3"]
    ) -> tuple[Float[Tensor, "*points 2"], Bool[Tensor, "*points"]]:
        z = x_in_cam[..., 2:]
        front = z[..., 0] > 0
        xy = x_in_cam[..., :2] / torch.where(front[..., None], z, torch.ones_like(z))
        return self.distort(xy), front & self._inside(xy)

    def unproject(
        self, distorted: Float[Tensor, "*points 2"]
    ) -> tuple[Float[Tensor, "*points 3"], Bool[Tensor, "*points"]]:
        xy, valid = self._undistort(distorted)
        return torch.cat([xy, torch.ones_like(xy[..., :1])], dim=-1), valid

    def gauge(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 3"]:
        return torch.tensor([0.0, 0.0, 1.0]).to(direction).expand(direction.shape)

    def jacobian(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 2 3"]:
        z = direction[..., 2:]
        xy = direction[..., :2] / z
        J = self.distort_jacobian(xy) / z[..., None]
        return torch.cat(
            [J, -(J[..., :1] * xy[..., None, :1] + J[..., 1:] * xy[..., None, 1:])], -1
        )

    def _inside(self, xy: Float[Tensor, "*points 2"]) -> Bool[Tensor, "*points"]:
        finite = torch.isfinite(xy).all(-1)
        if self.max_radius == float("inf"):
            return finite
        return finite & ((xy**2).sum(-1) <= self.max_radius**2)

    def _undistort(
        self, distorted: Float[Tensor, "*points 2"]
    ) -> tuple[Float[Tensor, "*points 2"], Bool[Tensor, "*points"]]:
        return distorted, torch.isfinite(distorted).all(-1)


class Pinhole(_Planar):
    """No distortion."""

    name = "pinhole"
    counts = (0,)


class Brown(_Planar):
    """OpenCV's radial, tangential, rational, thin-prism and tilted model.

    Coefficients k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [tx ty]]]]: 4, 5, 8, 12 or 14 of them.
    """

    name = "brown"
    counts = (4, 5, 8, 12, 14)

    # Not cached: a tensor made first inside no_grad would carry no gradient ever after.
    @property
    def _padded(self) -> Tensor:
        c = self.coefficients
        return torch.cat([c, c.new_zeros(14 - len(c))])

    @property
    def _tilt(self) -> Tensor:
        """Homography of the tilted sensor (OpenCV's tau_x, tau_y), identity without tilt."""
        tx, ty = self._padded[12], self._padded[13]
        one, zero = torch.ones_like(tx), torch.zeros_like(tx)
        cx, sx, cy, sy = tx.cos(), tx.sin(), ty.cos(), ty.sin()
        rot_x = torch.stack([one, zero, zero, zero, cx, sx, zero, -sx, cx]).reshape(3, 3)
        rot_y = torch.stack([cy, zero, -sy, zero, one, zero, sy, zero, cy]).reshape(3, 3)
        R = rot_y @ rot_x
        rows = [R[2, 2], zero, -R[0, 2], zero, R[2, 2], -R[1, 2], zero, zero, one]
        return torch.stack(rows).reshape(3, 3) @ R

    @cached_property
    def _has_tilt(self) -> bool:
        tilt = self.coefficients[12:]  # a tilt of zero still has a gradient
        return len(tilt) == 2 and (tilt.requires_grad or bool((tilt != 0).any()))

    @cached_property
    def _has_prism(self) -> bool:
        return len(self.coefficients) >= 12

    @cached_property
    def _is_rational(self) -> bool:
        return len(self.coefficients) >= 8

    @cached_property
    def max_radius(self) -> float:
        """First radius at which the radial mapping r N(r^2)/D(r^2) stops growing."""
        c = self._padded.detach().cpu().double().numpy()
        top = np.polynomial.Polynomial([1.0, c[0], c[1], c[4]])
        bottom = np.polynomial.Polynomial([1.0, c[5], c[6], c[7]])
        q = np.polynomial.Polynomial([0.0, 1.0])
        slope = (top + 2 * q * top.deriv()) * bottom - 2 * q * top * bottom.deriv()
        roots = np.concatenate([slope.trim().roots(), bottom.trim().roots()])
        real = roots[np.abs(roots.imag) <= 1e-9 * np.abs(roots)].real
        positive = real[real > 0]
        return float(np.sqrt(positive.min())) if len(positive) else float("inf")

    def _radial(self, r2: Tensor) -> tuple[Tensor, Tensor]:
        """Return the radial factor and its derivative with respect to r^2."""
        k1, k2, _, _, k3, k4, k5, k6 = self._padded[:8]
        top = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        dtop = k1 + r2 * (2 * k2 + r2 * 3 * k3)
        if not self._is_rational:
            return top, dtop
        bottom = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        dbottom = k4 + r2 * (2 * k5 + r2 * 3 * k6)
        return top / bottom, (dtop - top / bottom * dbottom) / bottom

    def distort(self, xy: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2"]:
        """Distort coordinates on the plane z = 1."""
        plane = self._distort_plane(xy)
        if not self._has_tilt:
            return plane
        ray = torch.cat([plane, torch.ones_like(plane[..., :1])], -1) @ self._tilt.mT
        return ray[..., :2] / ray[..., 2:]

    def _distort_plane(self, xy: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2"]:
        p1, p2 = self._padded[2], self._padded[3]
        x, y = xy[..., 0], xy[..., 1]
        r2 = x * x + y * y
        radial, _ = self._radial(r2)
        xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        if self._has_prism:
            s1, s2, s3, s4 = self._padded[8:12]
            xd = xd + r2 * (s1 + s2 * r2)
            yd = yd + r2 * (s3 + s4 * r2)
        return torch.stack([xd, yd], -1)

    def distort_jacobian(self, xy: Float[Tensor, "*points 2"]) -> Float[Tensor, "*points 2 2"]:
        """Return the derivative of `distort`."""
        p1, p2 = self._padded[2], self._padded[3]
        x, y = xy[..., 0], xy[..., 1]
        r2 = x * x + y * y
        radial, slope = self._radial(r2)
        cross = 2 * (x * y * slope + p1 * x + p2 * y)
        entries = torch.stack(
            [
                radial + 2 * (x * x * slope + p1 * y + 3 * p2 * x),
                cross,
                cross,
                radial + 2 * (y * y * slope + 3 * p1 * y + p2 * x),
            ],
            -1,
        )
        J = entries.reshape(*xy.shape, 2)
        if self._has_prism:
            s1, s2, s3, s4 = self._padded[8:12]
            prism = torch.stack([s1 + 2 * s2 * r2, s3 + 2 * s4 * r2], -1)
            J = J + 2 * prism[..., :, None] * xy[..., None, :]
        return self._tilt_jacobian(self._distort_plane(xy)) @ J if self._has_tilt else J

    def _tilt_jacobian(self, plane: Tensor) -> Tensor:
        H = self._tilt
        ray = torch.cat([plane, torch.ones_like(plane[..., :1])], -1) @ H.mT
        tilted = ray[..., :2] / ray[..., 2:]
        return (H[:2, :2] - tilted[..., :, None] * H[2, :2]) / ray[..., 2:, None]

    def _undistort(
        self, distorted: Float[Tensor, "*points 2"]
    ) -> tuple[Float[Tensor, "*points 2"], Bool[Tensor, "*points"]]:
        with torch.no_grad():
            target = distorted.detach()
            xy, valid = self._newton(target, target.clone())
            if not bool(valid.all()):
                redo = torch.isfinite(target).all(-1) & ~valid
                if bool(redo.any()):
                    start = self._radial_inverse(target[redo])
                    xy[redo], valid[redo] = self._newton(target[redo], start)
            xy = torch.where(valid[..., None], xy, torch.zeros_like(xy))
        if distorted.requires_grad or self.coefficients.requires_grad:
            # One Newton step with the Jacobian held constant carries the exact first derivative.
            gap = self.distort(xy) - torch.where(valid[..., None], distorted, distorted.detach())
            step = torch.linalg.solve(self.distort_jacobian(xy).detach(), gap[..., None])[..., 0]
            xy = xy - torch.where(valid[..., None], step, torch.zeros_like(step))
        return xy, valid

    def _newton(self, target: Tensor, xy: Tensor) -> tuple[Tensor, Tensor]:
        """Iterate until every coordinate is as exact as the arithmetic; mask the rest."""
        tolerance = max(CONVERGED, 8 * torch.finfo(target.dtype).eps)
        gap = self.distort(xy) - target
        for _ in range(NEWTON_STEPS):
            J = self.distort_jacobian(xy)
            a, b, c, d = J[..., 0, 0], J[..., 0, 1], J[..., 1, 0], J[..., 1, 1]
            step = torch.stack(
                [d * gap[..., 0] - b * gap[..., 1], a * gap[..., 1] - c * gap[..., 0]], -1
            )
            step = step / (a * d - b * c)[..., None]
            xy = xy - step
            gap = self.distort(xy) - target
            moved = step.abs().amax(-1)
            if not bool((moved > tolerance).any()):
                break
        residual = gap.abs().amax(-1)
        scale = 1 + target.abs().amax(-1)
        return xy, (residual <= 100 * tolerance * scale) & self._inside(xy)

    def _radial_inverse(self, target: Tensor) -> Tensor:
        """Undo the radial part alone by bisection: a start inside the invertible radius."""
        reach = self.max_radius if np.isfinite(self.max_radius) else 1e3
        wanted = torch.linalg.vector_norm(target, dim=-1)
        low, high = torch.zeros_like(wanted), torch.full_like(wanted, reach)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            short = middle * self._radial(middle**2)[0] < wanted
            low, high = torch.where(short, middle, low), torch.where(short, high, middle)
        return torch.mul(target, (low / wanted.clamp_min(1e-300))[..., None])


class Fisheye(Lens):
    """Kannala-Brandt (OpenCV ``fisheye``): radius = theta (1 + k1 theta^2 + ... + k4 theta^8).

    Works past 90 degrees off the axis as long as the mapping grows, up to theta = pi.
    """

    name = "fisheye"
    counts = (4,)

    @cached_property
    def max_theta(self) -> float:
        """Angle off the axis (rad) up to which the lens is invertible."""
        k1, k2, k3, k4 = self.coefficients.detach().cpu().double().tolist()
        slope = np.polynomial.Polynomial([1.0, 3 * k1, 5 * k2, 7 * k3, 9 * k4]).trim()
        roots = slope.roots()
        real = roots[np.abs(roots.imag) <= 1e-9 * np.abs(roots)].real
        positive = real[real > 0]
        limit = float(np.sqrt(positive.min())) if len(positive) else np.pi
        return min(limit, np.pi)

    def _radius(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distorted radius and its derivative at the angle ``theta``."""
        k1, k2, k3, k4 = self.coefficients
        q = theta * theta
        radius = theta * (1 + q * (k1 + q * (k2 + q * (k3 + q * k4))))
        return radius, 1 + q * (3 * k1 + q * (5 * k2 + q * (7 * k3 + q * 9 * k4)))

    def project(
        self, x_in_cam: Float[Tensor, "*points 3"]
    ) -> tuple[Float[Tensor, "*points 2"], Bool[Tensor, "*points"]]:
        """See `Lens.project`; a point on the axis has an exact limit and a finite gradient."""
        xy, z = x_in_cam[..., :2], x_in_cam[..., 2]
        r2 = (xy**2).sum(-1)
        on_axis = r2 <= 1e-20 * (z * z)
        r = torch.where(on_axis, torch.ones_like(r2), r2).sqrt()
        theta = torch.atan2(r, z)
        scale = torch.where(
            on_axis, 1 / torch.where(z == 0, torch.ones_like(z), z), self._radius(theta)[0] / r
        )
        visible = torch.isfinite(x_in_cam).all(-1) & torch.where(
            on_axis, z > 0, theta.detach() <= self.max_theta
        )
        return xy * scale[..., None], visible

    def unproject(
        self, distorted: Float[Tensor, "*points 2"]
    ) -> tuple[Float[Tensor, "*points 3"], Bool[Tensor, "*points"]]:
        """See `Lens.unproject`; directions have unit length."""
        finite = torch.isfinite(distorted).all(-1)
        xy = torch.where(finite[..., None], distorted, torch.zeros_like(distorted))
        r2 = (xy**2).sum(-1)
        on_axis = r2 <= 1e-20
        radius = torch.where(on_axis, torch.ones_like(r2), r2).sqrt()
        theta, valid = self._angle(torch.where(on_axis, torch.zeros_like(radius), radius))
        scale = torch.where(on_axis, torch.ones_like(radius), theta.sin() / radius)
        cos = torch.where(on_axis, (1 - r2).clamp_min(0).sqrt(), theta.cos())
        return torch.cat([xy * scale[..., None], cos[..., None]], -1), finite & valid

    def gauge(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 3"]:
        """Return the direction itself: depth along the ray stays positive past 90 degrees."""
        return direction

    def jacobian(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 2 3"]:
        """See `Lens.jacobian`."""
        xy, z = direction[..., :2], direction[..., 2]
        r2 = (xy**2).sum(-1)
        on_axis = r2 <= 1e-20 * (z * z)
        r = torch.where(on_axis, torch.ones_like(r2), r2).sqrt()
        radius, slope = self._radius(torch.atan2(r, z))
        n2 = r2 + z * z
        radial = xy / r[..., None]
        along = slope * z / n2  # d radius / d r
        across = radius / r
        outer = radial[..., :, None] * radial[..., None, :]
        eye = torch.eye(2).to(direction)
        J = outer * along[..., None, None] + (eye - outer) * across[..., None, None]
        J = torch.where(on_axis[..., None, None], eye / z[..., None, None], J)
        down = torch.where(on_axis, torch.zeros_like(r), -slope * r / n2)
        return torch.cat([J, (radial * down[..., None])[..., None]], -1)

    def _angle(self, radius: Tensor) -> tuple[Tensor, Tensor]:
        """Invert `_radius` by bisection and Newton; differentiable through the last step."""
        with torch.no_grad():
            wanted = radius.detach()
            low, high = torch.zeros_like(wanted), torch.full_like(wanted, self.max_theta)
            for _ in range(12):
                middle = (low + high) / 2
                short = self._radius(middle)[0] < wanted
                low, high = torch.where(short, middle, low), torch.where(short, high, middle)
            theta = (low + high) / 2
            for _ in range(NEWTON_STEPS):
                value, slope = self._radius(theta)
                step = (value - wanted) / slope.clamp_min(1e-12)
                theta = (theta - step).clamp(0, self.max_theta)
                if not bool((step.abs() > CONVERGED).any()):
                    break
            tolerance = max(1e-10, 16 * torch.finfo(wanted.dtype).eps)
            valid = (self._radius(theta)[0] - wanted).abs() <= tolerance * (1 + wanted)
        value, slope = self._radius(theta)
        return theta - torch.where(
            valid, (value - radius) / slope.detach().clamp_min(1e-12), 0
        ), valid


LENSES: dict[str, type[Lens]] = {lens.name: lens for lens in (Pinhole, Brown, Fisheye)}


def make_lens(name: str, coefficients: Tensor) -> Lens:
    """Return the lens called ``name``; one or two brown coefficients are k1 and k2.

    Zeros at the end say nothing: of a count that no lens has, as many are left out as it takes. An
    unknown name or a wrong number of coefficients raises ValueError: three could be k1 k2 p1 or
    k1 k2 k3.
    """
    if name not in LENSES:
        raise ValueError(f"unknown lens {name!r}; use one of {', '.join(LENSES)}")
    counts = LENSES[name].counts
    while len(coefficients) and len(coefficients) not in counts and coefficients[-1] == 0:
        coefficients = coefficients[:-1]
    if name == "brown" and len(coefficients) < 3:
        coefficients = torch.cat([coefficients, coefficients.new_zeros(4 - len(coefficients))])
    return LENSES[name](coefficients)
