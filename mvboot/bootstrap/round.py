"""What is known of a round, as its folder keeps it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mvboot.config import load_yaml
from mvboot.errors import InputError
from mvboot.files import atomic_file

MODEL, DETECTIONS, POINTS, LABELS = (
    "model",
    "detections.parquet",
    "points3d.parquet",
    "labels.parquet",
)
SELECTION, ROUND = "selection.json", "round.json"


def round_folder(rounds: Path, number: int) -> Path:
    """Return the folder of a round among those of a run."""
    return rounds / f"{number:02d}"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        with atomic_file(path) as partial:
            partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


class Selection(_Kept):
    """Which frames a round chose, and why not the others.

    ``rejected`` counts frames by reason, each frame for the first that it met; ``below`` are those
    that a better frame of their window, or of all, stands before.
    """

    round: int
    frames: int
    points: int
    accepted_points: int
    error_px: float | None
    rejected: dict[str, int]
    below: int
    chosen: dict[int, float]
    pictures: int
    hidden_views: int
    unsure_views: int

    @property
    def mean_score(self) -> float | None:
        """Mean score of the chosen frames."""
        scores = list(self.chosen.values())
        return sum(scores) / len(scores) if scores else None

    @property
    def main_reason(self) -> str:
        """What rejected most frames."""
        return max(self.rejected, key=lambda name: self.rejected[name])


class Round(_Kept):
    """A finished round: 0 learned from labels of people alone.

    ``pictures`` are those that it learned from, ``refused`` the frames that a person took out.
    """

    round: int
    pictures: int
    refused: int = 0
    selection: Selection | None = None
    held_out_px: float | None
    pck: float | None
    median_px: float | None


def read_round(folder: Path) -> Round:
    """Read a finished round; InputError for a damaged one."""
    found = load_yaml(folder / ROUND, Round)
    if not (folder / DETECTIONS).is_file():
        raise InputError(f"{DETECTIONS} is gone; start the run anew", where=folder)
    return found
