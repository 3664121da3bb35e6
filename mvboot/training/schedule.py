"""Numbers that change over a training run."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Schedule:
    """A positive number that goes from ``start`` to ``end`` in equal ratios, then stays.

    Parameters
    ----------
    start, end
        First and last value; a weight may end at 0, and then goes down in equal steps.
    until
        Share of the run in (0, 1] at which the end is reached.
    """

    start: float
    end: float
    until: float = 1.0

    def at(self, progress: float) -> float:
        """Return the value when a share of the run (0 to 1) is done."""
        done = min(progress / self.until, 1.0)
        if self.start <= 0 or self.end <= 0:
            return self.start + (self.end - self.start) * done
        return float(self.start * (self.end / self.start) ** done)


def drawn_at(progress: float) -> torch.Generator:
    """Return the same draws for the same step, so that a run that is resumed is the same."""
    return torch.Generator().manual_seed(round(progress * 2**40))
