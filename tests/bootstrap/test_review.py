import json

import pytest

from mvboot.bootstrap.review import Review, adopted, read_review, refused_frames
from mvboot.errors import InputError


def test_the_latest_word_on_a_frame_counts():
    first = Review(round=1, keep=(1, 2), reject=(3, 4))
    later = Review(round=2, keep=(3,), reject=(1,))
    assert refused_frames([later, first]) == {1, 4}
    assert refused_frames([]) == frozenset()


def test_a_file_goes_to_its_round(tmp_path):
    path = tmp_path / "download.json"
    path.write_text(json.dumps({"kind": "mvboot review", "round": 2, "keep": [5], "reject": [7]}))
    with pytest.raises(InputError, match="round 2, which has not begun"):
        adopted(path, tmp_path / "rounds")
    (tmp_path / "rounds" / "02").mkdir(parents=True)
    adopted(path, tmp_path / "rounds")
    kept = tmp_path / "rounds" / "02" / "review.json"
    assert read_review(kept) == Review(round=2, keep=(5,), reject=(7,))
    adopted(kept, tmp_path / "rounds")  # where it lies already
    assert read_review(kept).reject == (7,)


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
