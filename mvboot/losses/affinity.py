"""The affinity loss: what the matches that two fields imply cost on average.

In the style of Yu et al., NeurIPS 2021, probabilistic epipolar training; the formulas and where
they are our own reconstruction: the documentation of the methods, part B.3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.losses.blocks import Blocks
from mvboot.losses.matching import BOX, FEW_PAIRS, REACH, STATISTICS, Matching, expected_cost
from mvboot.losses.residuals import PairError, Residuals

HOPELESS = 0.01
"""Share of pixels that are hidden from the other view or beyond help, in `likelihood`."""
FADE = 1e-6
"""Mean visibility below which nothing matches, and the loss fades to zero."""


@dataclass(frozen=True, eq=False)
class Matches:
    """What one field expects of its matches in another, for each of its N pixels x.

    Parameters
    ----------
    measured
        (N,) whether x counts: a weight, a prediction, and something to match. Elsewhere the rest
        is 0.
    weight
        (N,) foreground weight of x, without gradient.
    expected
        (N,) E(x) = sum_x' M d: px^2 for squared distances, px for others; with gradient.
    log_mass
        (N,) log sum_x' m(x, x'), the normaliser of M; with gradient.
    visibility
        (N,) v(x) = max_x' m(x, x') in [0, 1], without gradient: with one the loss could be lowered
        by making pixels unmatchable.
    floor
        (N,) the part of E that comes from the width of the kernel alone: what it would be if the
        expected match had no error. E = error of the expected match + floor for squared distances.
        In perfect fields it is all of E, and grows with sigma.
    mean, covariance
        (N, 2) px and (N, 2, 2) px^2 of the match x'.
    entropy
        (N,) of M, in nats.
    """

    measured: Bool[Tensor, " n"]
    weight: Float[Tensor, " n"]
    expected: Float[Tensor, " n"]
    log_mass: Float[Tensor, " n"]
    visibility: Float[Tensor, " n"]
    floor: Float[Tensor, " n"]
    mean: Float[Tensor, "n 2"]
    covariance: Float[Tensor, "n 2 2"]
    entropy: Float[Tensor, " n"]

    def average(self, values: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        """Return the mean of values (N,), weighted by foreground and visibility."""
        weight = self.weight * self.visibility
        least = (FADE * self.weight.sum()).clamp(min=torch.finfo(values.dtype).tiny)
        return torch.div((weight * values).sum(), torch.maximum(weight.sum(), least))


def normalised(matches: Matches) -> Float[Tensor, ""]:
    """Return the loss: sum_x v E / sum_x v."""
    return matches.average(matches.expected)


def likelihood(matches: Matches) -> Float[Tensor, ""]:
    """Return the mean of -log P(the match of x is right), for robust distances.

    P = sum_x' M exp(-d^2 / 2 limit^2), of which a share `HOPELESS` goes to pixels that no match can
    be right for, so that one pixel costs 4.6 at most. No weight by visibility is needed, which
    would leave out those pixels that have most to learn; our own form of L_M.
    """
    cost = matches.weight * surprise(matches.expected)
    least = torch.finfo(cost.dtype).tiny
    return torch.div(cost.sum(), matches.weight.sum().clamp(min=least))


def surprise(wrong: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Return -log P(right) of the chance that matches are wrong, a share `HOPELESS` kept back."""
    return -torch.log1p(-(1 - HOPELESS) * wrong.clamp(max=1))


def unnormalised(matches: Matches) -> Float[Tensor, ""]:
    """Return the mean over x of sum_x' m d: for ablation, as matching nothing costs nothing."""
    cost = matches.weight * matches.log_mass.exp() * matches.expected
    least = torch.finfo(cost.dtype).tiny
    return torch.div(cost.sum(), matches.weight.sum().clamp(min=least))


@dataclass(frozen=True, eq=False)
class AffinityLoss:
    """The loss of one pair or of a batch of pairs (B,), and what to log beside it.

    Parameters
    ----------
    value
        The loss, with gradient.
    floor
        The part of it that is due to sigma alone.
    visibility
        Mean v over the foreground: how much can be matched at this sigma.
    entropy
        Mean entropy of a match, nats.
    """

    value: Float[Tensor, "*batch"]
    floor: Float[Tensor, "*batch"]
    visibility: Float[Tensor, "*batch"]
    entropy: Float[Tensor, "*batch"]


def affinity_loss(
    u: Float[Tensor, "*batch n d"],
    v: Float[Tensor, "*batch m d"],
    error: PairError,
    sigma: float,
    u_weight: Float[Tensor, "*batch n"] | None = None,
    v_weight: Float[Tensor, "*batch m"] | None = None,
    reduction: Callable[[Matches], Tensor] = normalised,
) -> AffinityLoss:
    """Return the mean cost of the matches of two fields, over both directions where both are known.

    Parameters
    ----------
    u, v
        Canonical coordinates (N, D) and (M, D) of the pixels of two pictures, or batches of them
        (B, N, D), (B, M, D). Parts are more coordinates (`with_parts`).
    error
        `EpipolarError`, `FlowError` or `WarpError` of the same pixels.
    sigma
        Width of the kernel in units of u; about what one pixel covers, or wider to begin with.
    u_weight, v_weight
        Foreground in [0, 1] of the pixels (N,), (M,); none is 1. Pixels of weight 0 do not exist:
        their coordinates may be NaN. Weights have no gradient.
    reduction
        How the matches of one direction become its loss: `normalised` or `unnormalised`.

    Returns
    -------
    A loss without anything to match is 0. Coordinates that are not finite where the weight is
    positive make it NaN.

    Raises
    ------
    ValueError
        A sigma that is not positive, shapes that do not fit together.
    """
    if u.dim() == 2:
        return _pair_loss(u, v, (error.forth, error.back), sigma, u_weight, v_weight, reduction)
    forth, back = error.forth, error.back
    pairs = [
        _pair_loss(
            u[i],
            v[i],
            (forth[i], None if back is None else back[i]),
            sigma,
            None if u_weight is None else u_weight[i],
            None if v_weight is None else v_weight[i],
            reduction,
        )
        for i in range(len(u))
    ]
    names = ("value", "floor", "visibility", "entropy")
    return AffinityLoss(*(torch.stack([getattr(pair, name) for pair in pairs]) for name in names))


def _pair_loss(
    u: Tensor,
    v: Tensor,
    residuals: tuple[Residuals, Residuals | None],
    sigma: float,
    u_weight: Tensor | None,
    v_weight: Tensor | None,
    reduction: Callable[[Matches], Tensor],
) -> AffinityLoss:
    forth, back = residuals
    sides = [match_fields(u, v, forth, sigma, u_weight, v_weight)]
    if back is not None:
        sides.append(match_fields(v, u, back, sigma, v_weight, u_weight))
    tiny = torch.finfo(sides[0].expected.dtype).tiny
    shares = [(s.weight * s.visibility).sum() / s.weight.sum().clamp(min=tiny) for s in sides]
    return AffinityLoss(
        torch.stack([reduction(side) for side in sides]).mean(),
        torch.stack([side.average(side.floor) for side in sides]).mean(),
        torch.stack(shares).mean(),
        torch.stack([side.average(side.entropy) for side in sides]).mean(),
    )


def match_fields(
    u: Float[Tensor, "n d"],
    v: Float[Tensor, "m d"],
    residuals: Residuals,
    sigma: float,
    u_weight: Float[Tensor, " n"] | None = None,
    v_weight: Float[Tensor, " m"] | None = None,
    reach: float = REACH,
) -> Matches:
    """Return the matches in one direction; arguments as for `affinity_loss`.

    Half-precision coordinates are matched in single precision, v in the precision of u. Matches
    whose m is less than ``exp(-reach^2 / 2)`` of the best of their x may be left out.
    """
    _check(u, v, residuals, sigma, (u_weight, v_weight))
    if u.dtype not in (torch.float32, torch.float64):
        u = u.float()
    v = v.to(u.dtype)
    u_weight = _known_weight(u, u_weight, residuals.predicted)
    v_weight = _known_weight(u, v_weight, residuals.present)
    rows, columns = (w.nonzero()[:, 0] for w in (u_weight, v_weight))
    if len(columns) == 0:
        rows = rows[:0]
    with torch.autocast(u.device.type, enabled=False):
        return _matched(u, v, rows, columns, residuals, sigma, u_weight, v_weight, reach)


def _matched(
    u: Tensor,
    v: Tensor,
    rows: Tensor,
    columns: Tensor,
    residuals: Residuals,
    sigma: float,
    u_weight: Tensor,
    v_weight: Tensor,
    reach: float,
) -> Matches:
    size, u, v = len(u), u[rows], v[columns]
    middle = residuals.pixels[columns].mean(0)
    if len(rows):
        slots = BOX if len(u) * len(v) > FEW_PAIRS else max(len(u), len(v))
        boxed_u, boxed_v = Blocks.of(u.detach(), slots), Blocks.of(v.detach(), slots)
        chosen = residuals.of(rows, columns).about(middle)
        matching = Matching.of(boxed_u, boxed_v, v_weight[columns], chosen, sigma)
        expected, log_mass, statistics = expected_cost(u, v, matching, reach)
    else:
        expected, log_mass, statistics = u.sum(1), u.sum(1), u.new_zeros(0, STATISTICS)

    def spread(values: Tensor) -> Tensor:
        return values.new_zeros(size, *values.shape[1:]).index_put((rows,), values)

    best, entropy, floor, x, y, xx, xy, yy = statistics.unbind(1)
    mean = torch.stack([x, y], 1)
    second = torch.stack([xx, xy, xy, yy], 1).reshape(-1, 2, 2)
    return Matches(
        measured=spread(torch.ones_like(rows, dtype=torch.bool)),
        weight=spread(u_weight[rows]),
        expected=spread(expected),
        log_mass=spread(log_mass),
        visibility=spread(best.exp2().clamp(max=1)),
        floor=spread(floor),
        mean=spread(mean + middle.to(mean)),
        covariance=spread(second - mean[:, :, None] * mean[:, None, :]),
        entropy=spread(entropy.clamp(min=0)),
    )


def _known_weight(
    like: Tensor, weight: Tensor | None, known: Bool[Tensor, " n"]
) -> Float[Tensor, " n"]:
    given = torch.ones_like(known) if weight is None else weight.detach()
    return given.to(like.dtype).masked_fill(~known, 0)


def _check(
    u: Tensor,
    v: Tensor,
    residuals: Residuals,
    sigma: float,
    weights: tuple[Tensor | None, Tensor | None],
) -> None:
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    if u.dim() != 2 or v.dim() != 2 or u.shape[1] != v.shape[1]:
        raise ValueError(f"fields must be (N, D) and (M, D), got {u.shape} and {v.shape}")
    pixels = (len(residuals.lines), len(residuals.pixels))
    if pixels != (len(u), len(v)):
        raise ValueError(f"fields have {len(u)} and {len(v)} pixels, their error {pixels}")
    for field, weight in zip((u, v), weights, strict=True):
        if weight is not None and weight.shape != field.shape[:1]:
            raise ValueError(f"a field of {len(field)} pixels has weights {tuple(weight.shape)}")
