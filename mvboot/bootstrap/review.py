"""What a person says about the frames of a round: ticks of its review sheet, in a JSON file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mvboot.config import dump_yaml, load_yaml
from mvboot.errors import InputError

REVIEW = "review.json"


class Review(BaseModel):
    """The ticks of a sheet: frames whose points are right, and frames whose points are not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["mvboot review"] = "mvboot review"
    round: int = Field(ge=1)
    keep: tuple[int, ...] = ()
    reject: tuple[int, ...] = ()


def read_review(path: Path) -> Review:
    """Read the file that a review sheet saves; InputError for another one."""
    review = load_yaml(path, Review)  # JSON is YAML
    both = sorted(set(review.keep) & set(review.reject))
    if both:
        raise InputError(f"frame {both[0]} is both kept and rejected", where=path)
    return review


def refused_frames(reviews: list[Review]) -> frozenset[int]:
    """Return the frames that were rejected; of several reviews of a frame the latest counts."""
    refused: set[int] = set()
    for review in sorted(reviews, key=lambda one: one.round):
        refused = (refused - set(review.keep)) | set(review.reject)
    return frozenset(refused)


def adopted(path: Path, rounds: Path) -> None:
    """Put a review file into the folder of its round, where that round and later ones find it.

    InputError where there is no such round.
    """
    review = read_review(path)
    folder = rounds / f"{review.round:02d}"
    if not folder.is_dir():
        raise InputError(f"is of round {review.round}, which has not begun", where=path)
    if path.resolve() != (folder / REVIEW).resolve():
        dump_yaml(review.model_dump(mode="json"), folder / REVIEW)
