"""Scores of evaluations, and their limits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mvboot.errors import InputError, QualityMissed
from mvboot.stages.stage import ConfigT, InputsT, Stage, Summary


@dataclass(frozen=True)
class Evaluation(Stage[ConfigT, InputsT, Summary]):
    """Measures something; the results are the summary.

    ``limits`` are the largest scores that are good enough, as they were typed.
    """

    limits: Mapping[str, str] = field(default_factory=dict)
    scores: ClassVar[Sequence[str]] = ()
    """What may be limited."""

    def __post_init__(self) -> None:
        limits_of(self.limits, self.scores)

    def write(self, results: Summary, folder: Path) -> Summary:
        """Write nothing but the summary."""
        return results

    def judge(self, results: Summary, summary: Summary) -> None:
        """Raise QualityMissed for a score above its limit, or without a value."""
        require_scores(self.scored(summary), limits_of(self.limits, self.scores))

    def scored(self, summary: Summary) -> Mapping[str, Any]:
        """Return the summary with every score under its name."""
        return summary


def limits_of(texts: Mapping[str, str], scores: Sequence[str]) -> dict[str, float]:
    """Return the limits of ``--fail-above`` by score; InputError for what cannot be meant."""
    limits: dict[str, float] = {}
    for score, text in texts.items():
        if score not in scores:
            raise InputError(f"--fail-above {score}: there are {', '.join(scores)}")
        try:
            limits[score] = float(text)
        except ValueError:
            limits[score] = math.nan
        if not limits[score] > 0:
            raise InputError(f"--fail-above {score} must be a positive number, got {text!r}")
    return limits


def require_scores(summary: Mapping[str, Any], limits: Mapping[str, float]) -> None:
    """Raise QualityMissed for a score above its limit, or without a value."""
    for score, limit in limits.items():
        name, key = score.split(".")
        value = summary.get(name, {}).get(key)
        if value is None:
            why = summary["not_measured"].get(name, "there is nothing to measure it on")
            raise QualityMissed(f"{score} has no value: {why}")
        if value > limit:
            raise QualityMissed(f"{score} is {value:.4g}, above {limit:g}")
