"""A distribution in three numbers."""

import numpy as np
from numpy.typing import NDArray


def distribution(values: NDArray[np.float64], unit: str) -> dict[str, float | None]:
    """Return mean, median and 90th percentile of the finite values, None where there are none.

    The keys end in the unit: ``mean_cm``, ``median_cm``, ``p90_cm``.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return {f"mean_{unit}": None, f"median_{unit}": None, f"p90_{unit}": None}
    return {
        f"mean_{unit}": float(known.mean()),
        f"median_{unit}": float(np.median(known)),
        f"p90_{unit}": float(np.percentile(known, 90)),
    }
