import json

from mvboot.bootstrap import Round, Selection, Verdict
from mvboot.report.rounds import HEADER, rejections, round_rows, write_rounds

SELECTION = Selection(
    round=1, frames=45, points=765, accepted_points=700, error_px=1.0,
    rejected={"inliers": 3, "velocity": 0, "bones": 2}, below=35, chosen={3: 10.0, 9: 20.0},
    pictures=11, hidden_views=1, unsure_views=2,
)  # fmt: skip
ROUNDS = [
    Round(round=0, pictures=10, held_out_px=5.0, pck=0.5, median_px=4.0),
    Round(round=1, pictures=20, refused=1, selection=SELECTION, held_out_px=None, pck=None,
          median_px=None),
]  # fmt: skip


def test_the_table_of_rounds(tmp_path):
    header, first, second = round_rows(ROUNDS)
    assert header == HEADER and len(first) == len(second) == len(header)
    assert dict(zip(header, first, strict=True))["held-out px"] == "5.00"
    told = dict(zip(header, second, strict=True))
    assert told["rejected"] == "5 (inliers 3, bones 2)" and told["mean score"] == "15.00"
    assert told["chosen"] == "2" and told["taken out by hand"] == "1" and told["PCK .05"] == ""
    write_rounds(ROUNDS, Verdict(0, "it got worse"), tmp_path)
    lines = (tmp_path / "rounds.md").read_text().splitlines()
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert lines[-1] == "Best: round 0. It got worse."
    found = json.loads((tmp_path / "rounds.json").read_text())
    assert found["best"] == 0 and found["rounds"][1]["selection"]["chosen"] == {
        "3": 10.0,
        "9": 20.0,
    }
    write_rounds(ROUNDS, Verdict(0, None), tmp_path)
    assert (tmp_path / "rounds.md").read_text().endswith("Best: round 0.\n")


def test_no_rejection():
    assert rejections(SELECTION.model_copy(update={"rejected": {"inliers": 0}})) == "0"
