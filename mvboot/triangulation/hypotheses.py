"""Which camera pairs start a hypothesis, in which order, and after how many to stop.

Everything depends on the number m of cameras that see a point, so one small table per m serves
all points and the work for one point is bounded whatever the size of the rig.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.triangulation.options import TriangulationOptions


class HypothesisTable(NamedTuple):
    """Pairs to try for m detections, and the stopping rule.

    Attributes
    ----------
    pairs
        (C + 1, H, 2): row m lists pairs of positions among the m detections, shuffled.
    available
        (C + 1,): how many entries of row m are pairs.
    enough
        (C + 1, C + 1): ``enough[n, m]`` trials suffice once n of m views agree (Fischler and
        Bolles 1981: ``log(1 - certainty) / log(1 - share of good pairs)``).
    """

    pairs: NDArray[np.int32]
    available: NDArray[np.int32]
    enough: NDArray[np.int32]


@lru_cache(maxsize=8)
def hypothesis_table(
    cameras: int, max_hypotheses: int, certainty: float, seed: int
) -> HypothesisTable:
    """Return the table for a rig of this many cameras; the same arguments give the same table."""
    rng = np.random.default_rng(seed)
    available = np.array([min(m * (m - 1) // 2, max_hypotheses) for m in range(cameras + 1)])
    pairs = np.zeros((cameras + 1, max(1, int(available.max())), 2), dtype=np.int32)
    for m in range(2, cameras + 1):
        every = np.stack(np.triu_indices(m, k=1), axis=-1)
        pairs[m, : available[m]] = rng.permutation(every)[: available[m]]
    return HypothesisTable(pairs, available.astype(np.int32), _enough(cameras, certainty))


def _enough(cameras: int, certainty: float) -> NDArray[np.int32]:
    n = np.arange(cameras + 1)[:, None]
    m = np.arange(cameras + 1)[None, :]
    good = np.clip(n * (n - 1) / np.maximum(m * (m - 1), 1), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        trials = np.log(1 - certainty) / np.log1p(-good)
    enough: NDArray[np.int32] = np.ceil(np.clip(trials, 1, 1_000_000)).astype(np.int32)
    return enough


def table_for(cameras: int, options: TriangulationOptions) -> HypothesisTable:
    """Return the table of pairs that options ask for."""
    return hypothesis_table(cameras, options.max_hypotheses, options.certainty, options.seed)
