import json

import pytest

from mvboot.bootstrap.review import Review, adopted, read_review, refused_frames, review_of
from mvboot.bootstrap.round import Selection
from mvboot.errors import InputError


def test_the_latest_word_on_a_frame_counts():
    first = Review(round=1, keep=(1, 2), reject=(3, 4))
    later = Review(round=2, keep=(3,), reject=(1,))
    assert refused_frames([later, first]) == {1, 4}
    assert refused_frames([]) == frozenset()


def chosen(folder, number, *frames):
    """Begin a round that chose these frames."""
    folder.mkdir(parents=True)
    scores = dict.fromkeys(frames, 1.0)
    counts = {"points": 1, "accepted_points": 1, "error_px": 1.0, "rejected": {}, "below": 0}
    views = {"pictures": 1, "hidden_views": 0, "unsure_views": 0}
    Selection(round=number, frames=9, chosen=scores, **counts, **views).write(
        folder / "selection.json"
    )


def test_a_file_goes_to_its_round(tmp_path):
    path = tmp_path / "download.json"
    path.write_text(json.dumps({"kind": "mvboot review", "round": 2, "keep": [5], "reject": [7]}))
    with pytest.raises(InputError, match="round 2, which has not begun"):
        adopted(path, tmp_path / "rounds")
    chosen(tmp_path / "rounds" / "02", 2, 5, 7)
    adopted(path, tmp_path / "rounds")
    kept = tmp_path / "rounds" / "02" / "review.json"
    assert read_review(kept) == Review(round=2, keep=(5,), reject=(7,))
    adopted(kept, tmp_path / "rounds")  # where it lies already
    assert read_review(kept).reject == (7,)


def test_a_review_is_of_the_sheet_that_it_lies_beside(tmp_path):
    folder = tmp_path / "rounds" / "02"
    chosen(folder, 2, 5, 7)
    assert review_of(folder) is None
    path = folder / "review.json"
    path.write_text('{"round": 2, "keep": [5], "reject": [99]}')
    with pytest.raises(InputError, match="frame 99 is not on the sheet of round 2, which has 5, 7"):
        review_of(folder)
    with pytest.raises(InputError, match="frame 99 is not on the sheet"):
        adopted(path, tmp_path / "rounds")
    path.write_text('{"round": 1, "keep": [5]}')
    with pytest.raises(InputError, match="is of round 1, but lies in 02"):
        review_of(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"round": 1, "keep": [1], "reject": [1]}', "both kept and rejected"),
        ('{"round": 0}', "round"),
        ('{"rounds": 1}', "unknown key"),
        ('{"kind": "other", "round": 1}', "kind"),
        ('{"round": 1', "broken"),
        ("[]", "key: value"),
    ],
)
def test_files_that_are_no_review(tmp_path, content, words):
    path = tmp_path / "review.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_review(path)
