"""What a person says about the frames of a round: ticks of its review sheet, in a JSON file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mvboot.bootstrap.round import SELECTION, Selection, round_folder
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


def review_of(folder: Path) -> Review | None:
    """Return the review beside the sheet of a round, None where there is none.

    InputError where it is of another round, or names a frame that is not on the sheet.
    """
    path = folder / REVIEW
    if not path.is_file():
        return None
    review = read_review(path)
    _require_of(review, folder, path)
    return review


def refused_frames(reviews: list[Review]) -> frozenset[int]:
    """Return the frames that were rejected; of several reviews of a frame the latest counts."""
    refused: set[int] = set()
    for review in sorted(reviews, key=lambda one: one.round):
        refused = (refused - set(review.keep)) | set(review.reject)
    return frozenset(refused)


def adopted(path: Path, rounds: Path) -> None:
    """Put a review file into the folder of its round, where that round and later ones find it.

    InputError where there is no such round, or a frame is not on its sheet.
    """
    review = read_review(path)
    folder = round_folder(rounds, review.round)
    if not folder.is_dir():
        raise InputError(f"is of round {review.round}, which has not begun", where=path)
    _require_of(review, folder, path)
    if path.resolve() != (folder / REVIEW).resolve():
        dump_yaml(review.model_dump(mode="json"), folder / REVIEW)


def _require_of(review: Review, folder: Path, path: Path) -> None:
    if review.round != int(folder.name):
        raise InputError(f"is of round {review.round}, but lies in {folder.name}", where=path)
    chosen = load_yaml(folder / SELECTION, Selection).chosen
    strange = sorted({*review.keep, *review.reject} - {*chosen})
    if strange:
        raise InputError(
            f"frame {strange[0]} is not on the sheet of round {review.round}, which has "
            f"{', '.join(map(str, sorted(chosen)))}",
            where=path,
        )
