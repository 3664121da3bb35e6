"""Multi-view consistency without any truth: how far matches are from each other's epipolar lines.

The pixel of another camera that is nearest on the surface is the match, whatever the width of any
kernel, so that numbers of different trainings can be compared. Consistency is not correctness:
fields that drift together stay consistent, so look at `drift` and at labels beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.geometry.epipolar import epipolar_distance, fundamental_matrix
from mvboot.losses import EpipolarError, Penalty, hard_matches
from mvboot.metrics.distribution import distribution
from mvboot.metrics.rules import Rules, size_of
from mvboot.surfaces import Seen
from mvboot.template import Template

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MatchErrors:
    """Matches in camera b of n pixels of camera a, in one frame.

    Parameters
    ----------
    a, b
        Names of the cameras.
    in_a
        (n,) distance of each pixel of a from its match's epipolar line, px of a's original
        picture without its lens; NaN where nothing in b is near enough on the surface.
    in_b
        (n,) distance of the match from the pixel's epipolar line, px of b.
    """

    a: str
    b: str
    in_a: Floats
    in_b: Floats

    @property
    def both(self) -> Floats:
        """The mean of the two distances (n,)."""
        return 0.5 * (self.in_a + self.in_b)


def epipolar_errors(
    seen: Mapping[str, Seen],
    cameras: Mapping[str, Camera],
    template: Template,
    frame: int,
    rules: Rules | None = None,
) -> list[MatchErrors]:
    """Match the fields of one instant, every camera with every other, both ways.

    Parameters
    ----------
    seen
        What each camera's field sees.
    cameras
        Each at its pose in the frame.
    template
        Its size sets the gate: a match farther away on the surface than ``gate`` times it does not
        count, because the surface point is hidden from the other camera.
    frame
        Number of the frame, which draws the pixels that are matched.
    rules
        Of each picture at most ``points`` pixels are matched, with all pixels of the other.
    """
    rules = rules or Rules()
    gate = rules.gate * size_of(template)
    straight = {
        name: torch.from_numpy(cameras[name].undistort(view.pixels)) for name, view in seen.items()
    }
    found = []
    for a, b in permutations(seen, 2):
        chosen = rules.drawn(len(seen[a].pixels), a, frame)
        here, there = straight[a][chosen], straight[b]
        F = fundamental_matrix(cameras[a], cameras[b])
        lines = EpipolarError(here, there, F, Penalty("unsquared")).forth
        u, v = (torch.from_numpy(x) for x in (seen[a].values[chosen], seen[b].values))
        matches = hard_matches(u, v, lines)
        near = (matches.index >= 0) & (matches.gap <= gate)
        in_a, in_b = (torch.full((len(here),), torch.nan, dtype=torch.float64) for _ in range(2))
        in_a[near] = epipolar_distance(F.mT, there[matches.index[near]], here[near])
        in_b[near] = matches.error[near]
        found.append(MatchErrors(a, b, in_a.numpy(), in_b.numpy()))
    return found


def epipolar_summary(matches: Sequence[MatchErrors]) -> dict[str, Any]:
    """Return mean, median and 90th percentile in px of the symmetric error, as plain values.

    Over all matches, for each pair of cameras (``a | b``), and for each camera, there of the
    distances in its own picture. ``matched`` is the share of pixels with a match: fields that
    are spread out too far lose matches and look better than they are.
    """
    pairs = {tuple(sorted((match.a, match.b))) for match in matches}
    names = sorted({match.a for match in matches})
    return {
        "pairs": len(pairs),
        **_scores(match.both for match in matches),
        "per_pair": {
            " | ".join(pair): _scores(m.both for m in matches if {m.a, m.b} == set(pair))
            for pair in sorted(pairs)
        },
        "per_camera": {
            name: _scores(
                own
                for m in matches
                for own, camera in ((m.in_a, m.a), (m.in_b, m.b))
                if camera == name
            )
            for name in names
        },
    }


def _scores(errors: Iterable[Floats]) -> dict[str, Any]:
    values = np.concatenate([np.zeros(0), *errors])
    known = np.isfinite(values)
    return {
        "pixels": len(values),
        "matched": float(known.mean()) if len(values) else None,
        **distribution(values, "px"),
    }
