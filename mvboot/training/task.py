"""What a task of ``mvboot train`` is: its settings, what it reads, its network and its loss.

The run, the training step, validation, checkpoints and logs are the same for all tasks
(`mvboot.training.run`, `mvboot.training.module`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from mvboot.datasets import Capture, Sample
from mvboot.networks import DenseNetwork
from mvboot.training.batches import RunData
from mvboot.training.config import Places
from mvboot.training.dense.objective import Terms


@dataclass(frozen=True)
class Weighted:
    """A group of terms of the loss, and how much it counts.

    ``within`` has the weights of single terms in the group, where they are not 1.
    """

    weight: float
    terms: Terms
    within: Mapping[str, float] = field(default_factory=dict)

    def losses(self) -> list[Tensor]:
        """Return all terms with their weights."""
        return [
            self.weight * self.within.get(name, 1.0) * value
            for name, value in self.terms.losses.items()
        ]


class Objective(ABC):
    """What a task asks of its network. One object serves one run, and may remember."""

    medians: frozenset[str] = frozenset()
    """Names of what `held` says whose median is logged, not the mean."""

    @abstractmethod
    def terms(
        self,
        batch: Mapping[str, Sample],
        network: DenseNetwork,
        teacher: DenseNetwork | None,
        progress: float,
    ) -> Mapping[str, Weighted]:
        """Return the loss of a batch of `RunData` by name, where ``progress`` is done (0 to 1)."""

    @abstractmethod
    def held(
        self, network: DenseNetwork, teacher: DenseNetwork | None, sample: Sample
    ) -> Mapping[str, Tensor]:
        """Return what held-out views of an instant say, each name with any number of values."""

    def figures(self, progress: float) -> Mapping[str, float]:
        """Return what changes over the run and is worth a line in the logs."""
        return {}

    def fault(self, step: int) -> str | None:
        """Return what is wrong with a run that has degenerated, else None."""
        return None


@dataclass(frozen=True)
class Task:
    """A task.

    Parameters
    ----------
    title
        A few words for people.
    config
        Its settings with `Places`; ``config.settings_type`` has the settings alone.
    data
        From what was filmed, the settings and captures with labels to what a run reads.
    network
        From the settings, the data and the file of a teacher (or None) to what is trained, as it
        starts. InputError for a teacher that does not fit, or that is needed.
    objective
        From the settings, that network and the data to its loss.
    finished
        From the trained network and the data to the network that is saved.
    """

    title: str
    config: type[Places]
    data: Callable[[Capture, Any, Sequence[Capture]], RunData]
    network: Callable[[Any, Any, Path | None], DenseNetwork]
    objective: Callable[[Any, DenseNetwork, Any], Objective]
    finished: Callable[[DenseNetwork, Any], DenseNetwork] = lambda network, data: network
