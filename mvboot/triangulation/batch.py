"""The torch twin of `kernel`: the same algorithm over all groups at once, for GPUs and gradients.

Hypotheses are tried in the same order with the same stopping rule, so both engines pick the same
one; the refined point is then a solution of the robust normal equations ``g(X, theta) = 0`` and
gets its gradient from the implicit function theorem, ``dX = -(dg/dX)^-1 dg/dtheta``.
Shapes: G groups, P points a group (padded with weight 0), C cameras.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mvboot.triangulation.rays import (
    ACCEPTED,
    BEHIND,
    DISAGREE,
    DIVERGED,
    FEW_DETECTIONS,
    PARALLEL,
)
from mvboot.triangulation.refine import MAX_STEPS, SINGULAR, STEP_PX


class Table(NamedTuple):
    """`hypotheses.HypothesisTable` as tensors on the device of the problem."""

    pairs: Tensor
    available: Tensor
    enough: Tensor


class Problem(NamedTuple):
    """Gathered groups: rays (G, P, C, 12), weight (G, P, C), directions (G, P, C, 3)."""

    rays: Tensor
    weight: Tensor
    directions: Tensor
    threshold: float


def padded_members(order: Tensor, starts: Tensor) -> Tensor:
    """Return the points of each group as (G, P), padded with -1."""
    size = starts.diff()
    slot = torch.arange(int(size.max()) if len(size) else 1)
    index = (starts[:-1, None] + slot).clamp_max(max(len(order) - 1, 0))
    return torch.where(slot < size[:, None], order[index], -1)


def solve_groups(
    rays: Tensor,
    weight: Tensor,
    members: Tensor,
    table: Table,
    required: Tensor,
    threshold: float,
    min_sine2: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Solve all groups; the arguments and results of `kernel.solve_groups` as tensors.

    Returns points (N, 3), inliers (N, C), reason (N,), normal matrices (N, 6) and mean ray
    distances (N,). Only ``points`` carries gradients.
    """
    present = members >= 0
    gathered_weight = torch.where(present[..., None], weight[members], 0.0)
    with torch.no_grad():
        problem = Problem(
            rays.detach()[members],
            gathered_weight,
            ray_directions(rays.detach())[members],
            threshold,
        )
        X, outcome = best_hypothesis(problem, table, min_sine2)
        X = complete(problem, X)
        X, converged = refine(problem, X)
        errors = mean_errors(problem, X)
        code, inliers = verdict(problem, X, errors, outcome, converged, required)
        X = torch.where((code == ACCEPTED)[..., None], X, torch.nan)
        normal, _ = normal_equations(problem.rays, inliers * gathered_weight, X)
        distance = mean_ray_distance(problem, X, inliers)
    if rays.requires_grad:
        X = with_gradient(problem._replace(rays=rays[members]), X)
    scattered = (_scatter(part, members, present) for part in (X, inliers, code, normal, distance))
    points, inliers, code, normal, distance = scattered
    return points, inliers, code, normal, distance


def residuals(rays: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    """Return residuals (G, P, C, 2) in px and depths (G, P, C) of points (G, P, 3)."""
    v = X[..., None, :] - rays[..., :3]
    s = (rays[..., 9:] * v).sum(-1)
    r = torch.stack([(rays[..., 3:6] * v).sum(-1), (rays[..., 6:9] * v).sum(-1)], -1)
    return r / s[..., None], s


def mean_errors(problem: Problem, X: Tensor) -> Tensor:
    """Return each view's mean error (G, C) over the points it sees; infinite where it cannot."""
    r, s = residuals(problem.rays, X)
    seen = (problem.weight > 0) & ~torch.isnan(X[..., :1])
    error = torch.where(s > 0, torch.linalg.vector_norm(r, dim=-1), torch.inf)
    total = torch.where(seen, error, 0.0).sum(1)
    count = seen.sum(1)
    return torch.where(count > 0, total / count, torch.inf)


def ray_directions(rays: Tensor) -> Tensor:
    """Return unit viewing directions (..., 3): the null vectors of B, in front of the camera."""
    d = torch.linalg.cross(rays[..., 3:6], rays[..., 6:9])
    facing = (d * rays[..., 9:]).sum(-1, keepdim=True)
    length = torch.linalg.vector_norm(d, dim=-1, keepdim=True)
    return torch.div(d, torch.where(facing < 0, -length, length))


def midpoints(problem: Problem, a: Tensor, b: Tensor, min_sine2: float) -> tuple[Tensor, Tensor]:
    """Return midpoints (G, P, 3) of cameras a and b (G,), and the reason codes (G, P)."""
    da, db = _of_camera(problem.directions, a), _of_camera(problem.directions, b)
    oa, ob = _of_camera(problem.rays, a)[..., :3], _of_camera(problem.rays, b)[..., :3]
    both = (_of_camera(problem.weight, a) > 0) & (_of_camera(problem.weight, b) > 0)
    w = ob - oa
    cosine = (da * db).sum(-1)
    sine2 = 1 - cosine**2
    along_a, along_b = (da * w).sum(-1), (db * w).sum(-1)
    s = (along_a - cosine * along_b) / sine2
    t = (cosine * along_a - along_b) / sine2
    code = torch.where((s <= 0) | (t <= 0), BEHIND, ACCEPTED)
    code = torch.where(sine2 > min_sine2, code, PARALLEL)
    code = torch.where(both, code, FEW_DETECTIONS)
    X = 0.5 * (oa + s[..., None] * da + ob + t[..., None] * db)
    return torch.where((code == ACCEPTED)[..., None], X, torch.nan), code


def best_hypothesis(problem: Problem, table: Table, min_sine2: float) -> tuple[Tensor, Tensor]:
    """Return the best hypothesis of each group (G, P, 3) and why there is none (G,)."""
    seen = (problem.weight > 0).any(1)
    m = seen.sum(-1)
    views = torch.argsort((~seen).int(), dim=-1, stable=True)
    best = torch.full_like(problem.rays[:, :, 0, :3], torch.nan)
    best_gain = best.new_full(m.shape, -1.0)
    agreeing, trials = torch.zeros_like(m), torch.zeros_like(m)
    outcome = torch.full_like(m, FEW_DETECTIONS)
    running = table.available[m] > 0
    h = 0
    while bool(running.any()):
        pair = views.gather(1, table.pairs[m, h])
        X, why = midpoints(problem, pair[:, 0], pair[:, 1], min_sine2)
        made = running & (why == ACCEPTED).any(-1)
        refused = torch.where(outcome == ACCEPTED, outcome, torch.maximum(outcome, why.amax(-1)))
        outcome = torch.where(made, ACCEPTED, torch.where(running, refused, outcome))
        trials += made
        gain, count = score(problem, X)
        better = made & (gain > best_gain)
        best = torch.where(better[:, None, None], X, best)
        best_gain = torch.where(better, gain, best_gain)
        agreeing = torch.where(better, count, agreeing)
        h += 1
        done = made & (trials >= table.enough[agreeing, m])
        running = running & ~done & (h < table.available[m])
    return best, outcome


def score(problem: Problem, X: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gain (G,) of a hypothesis and how many views agree (G,)."""
    errors = mean_errors(problem, X)
    share = (1 - (errors / problem.threshold) ** 2).clamp_min(0.0)
    counted = torch.where(torch.isnan(X[..., :1]), 0.0, problem.weight)
    return (counted.sum(1) * share).sum(-1), (errors < problem.threshold).sum(-1)


def complete(problem: Problem, X: Tensor) -> Tensor:
    """Give points that the best pair does not see the point nearest to the agreeing rays."""
    agree = mean_errors(problem, X) < problem.threshold
    w = torch.where(agree[:, None], problem.weight, 0.0)[..., None]
    d, origin = problem.directions, problem.rays[..., :3]
    d = torch.where(problem.weight[..., None] > 0, d, 0.0)
    origin = torch.where(problem.weight[..., None] > 0, origin, 0.0)
    normal = (w[..., None] * (torch.eye(3).to(d) - d[..., :, None] * d[..., None, :])).sum(2)
    target = (w * (origin - (origin * d).sum(-1, keepdim=True) * d)).sum(2)
    nearest = solve_symmetric(normal, target)
    return torch.where(torch.isnan(X), nearest, X)


def refine(problem: Problem, X: Tensor) -> tuple[Tensor, Tensor]:
    """Run the robust Gauss-Newton of `refine.refine_group`; also return which groups converged."""
    X = X.clone()
    active = torch.arange(len(X), device=X.device)
    previous = X.new_full((len(X),), 1e-300)
    for _ in range(MAX_STEPS):
        rays, weight, directions = (values[active] for values in problem[:3])
        part = Problem(rays, weight, directions, problem.threshold)
        N, g = normal_matrices(part.rays, robust_weight(part, X[active]), X[active])
        step = solve_symmetric(N, g)
        X[active] -= step
        moved = (g * step).sum(-1)
        largest = torch.where(torch.isnan(moved), 0.0, moved).amax(-1)
        slow = largest * (largest / previous).clamp_max(1.0) >= STEP_PX**2
        active, previous = active[slow], largest[slow]
        if len(active) == 0:
            break
    converged = torch.ones(len(X), dtype=torch.bool, device=X.device)
    converged[active] = False
    return X, converged


def robust_weight(problem: Problem, X: Tensor) -> Tensor:
    """Return confidence times Tukey's biweight of the views' mean errors, (G, P, C)."""
    share = (1 - (mean_errors(problem, X) / problem.threshold) ** 2).clamp_min(0.0)
    return problem.weight * share[:, None] ** 2


def normal_matrices(rays: Tensor, w: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``sum w J^T J`` (G, P, 3, 3) and ``sum w J^T r`` (G, P, 3) over the views."""
    r, s = residuals(rays, X)
    used = (w > 0)[..., None]
    r = torch.where(used, r, 0.0)
    B = rays[..., 3:9].reshape(*rays.shape[:-1], 2, 3)
    J = (B - r[..., None] * rays[..., None, 9:]) / torch.where(used, s[..., None], 1.0)[..., None]
    J = torch.where(used[..., None], J, 0.0)
    weighted = w[..., None, None] * J
    return (
        torch.einsum("gpcik,gpcil->gpkl", weighted, J),
        torch.einsum("gpcik,gpci->gpk", weighted, r),
    )


def normal_equations(rays: Tensor, w: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    """Return `normal_matrices` with the matrix as its upper triangle (G, P, 6)."""
    N, g = normal_matrices(rays, w, X)
    return N.flatten(-2)[..., [0, 1, 2, 4, 5, 8]], g


def solve_symmetric(A: Tensor, b: Tensor) -> Tensor:
    """Solve 3x3 systems (..., 3, 3), (..., 3); NaN where the matrix is singular."""
    scale = A.diagonal(dim1=-2, dim2=-1).mean(-1)
    regular = torch.linalg.det(A) > SINGULAR * scale**3
    A = torch.where(regular[..., None, None], A, torch.eye(3).to(A))
    return torch.where(regular[..., None], torch.linalg.solve(A, b[..., None])[..., 0], torch.nan)


def verdict(
    problem: Problem,
    X: Tensor,
    errors: Tensor,
    outcome: Tensor,
    converged: Tensor,
    required: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the reason codes (G, P) and the inliers (G, P, C)."""
    seen = problem.weight > 0
    needed = required[seen.sum(-1)]
    inliers = seen & (errors < problem.threshold)[:, None]
    code = torch.where(inliers.sum(-1) < needed, DISAGREE, ACCEPTED)
    code = torch.where(torch.isnan(X[..., 0]), DISAGREE, code)
    code = torch.where(converged[:, None], code, DIVERGED)
    code = torch.where((outcome == ACCEPTED)[:, None], code, outcome[:, None])
    few = (seen.sum(-1) < needed) & (code != ACCEPTED)
    code = torch.where(few, FEW_DETECTIONS, code)
    return code, inliers & (code == ACCEPTED)[..., None]


def mean_ray_distance(problem: Problem, X: Tensor, inliers: Tensor) -> Tensor:
    """Return the mean distance (G, P) of each point from its inlier rays, in units."""
    v = X[..., None, :] - problem.rays[..., :3]
    along = (v * problem.directions).sum(-1, keepdim=True)
    off = torch.linalg.vector_norm(v - along * problem.directions, dim=-1)
    return torch.where(inliers, off, 0.0).sum(-1) / inliers.sum(-1)


def with_gradient(problem: Problem, X: Tensor) -> Tensor:
    """Return X with the gradient of the solution of ``g(X, rays) = 0`` with respect to the rays.

    One exact Newton step whose Jacobian is held fixed: it moves nothing, since g vanishes, and
    its derivative is that of the implicit function. Points of a group are coupled by their mean
    errors, so the system is (3P, 3P).
    """
    solved = ~torch.isnan(X[..., 0])
    start = torch.where(solved[..., None], X, 0.0).requires_grad_()
    weight = torch.where(solved[..., None], problem.weight, 0.0)

    def equations(rays: Tensor) -> Tensor:
        known = problem._replace(rays=rays, weight=weight)
        return normal_matrices(rays, robust_weight(known, start), start)[1].flatten(1)

    with torch.enable_grad():
        g = equations(problem.rays.detach())
        rows = [
            torch.autograd.grad(g[:, k].sum(), start, retain_graph=True)[0]
            for k in range(g.shape[1])
        ]
        slope = torch.stack([row.flatten(1) for row in rows], 1)
        padding = torch.diag_embed((~solved).to(slope).repeat_interleave(3, -1))
        start = start.detach()
        step = torch.linalg.solve(slope.detach() + padding, equations(problem.rays)[..., None])
    return torch.where(solved[..., None], start - step.reshape(start.shape), torch.nan)


def _of_camera(values: Tensor, camera: Tensor) -> Tensor:
    """Pick one camera (G,) of (G, P, C, ...)."""
    return values[torch.arange(len(camera), device=camera.device), :, camera]


def _scatter(values: Tensor, members: Tensor, present: Tensor) -> Tensor:
    n = int(present.sum())
    out = values.new_zeros(n, *values.shape[2:])
    return out.index_copy(0, members[present], values[present])
