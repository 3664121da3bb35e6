import numpy as np
import pytest

from mvboot.calib.board_spec import load_board, save_board
from mvboot.calib.boards import AprilGrid, Charuco, Checkerboard
from mvboot.errors import InputError

WORDS = {
    "charuco:8x11:24mm:18.75mm:DICT_4X4_1000": Charuco(8, 11, "mm", 24, 18.75, "DICT_4X4_1000"),
    "charuco:5x4:.03m:.022m:DICT_5X5_50": Charuco(5, 4, "m", 0.03, 0.022, "DICT_5X5_50"),
    "checkerboard:9x6:25mm": Checkerboard(9, 6, "mm", 25.0),
    "checkerboard:9x6:2.5cm": Checkerboard(9, 6, "cm", 2.5),
    "aprilgrid:6x6:88mm:26.4mm": AprilGrid(6, 6, "mm", 88.0, 26.4),
}
BOARDS = [
    *WORDS.values(),
    Charuco(6, 8, "mm", 24.0, 18.0, "DICT_4X4_50", legacy=True),
    Charuco(6, 8, "mm", 24.0, 18.0, "DICT_4X4_50", legacy=False),
]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_a_board(word):
    assert load_board(word) == WORDS[word]


@pytest.mark.parametrize("square", [24.0, 23.98765432, 0.00002, 1 / 3, 1e5])
@pytest.mark.parametrize("units", ["m", "cm", "mm", "um"])
def test_the_word_of_a_board_is_that_board(square, units):
    for board in (
        Checkerboard(9, 6, units, square),
        Charuco(8, 11, units, square, 0.7 * square, "DICT_5X5_100"),
        AprilGrid(5, 7, units, square, 0.3 * square),
    ):
        assert load_board(board.spec) == board


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.spec)
def test_a_file_is_that_board(board, tmp_path):
    assert np.isfinite(board.points).all(), "what a board remembers must not get into its file"
    save_board(board, tmp_path / "board.yaml")
    assert load_board(str(tmp_path / "board.yaml")) == board


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", "a board is a YAML or TOML file"),
        ("circles:4x5:20mm", "checkerboard:COLUMNSxROWS"),
        ("checkerboard:9x6", "no board"),
        ("checkerboard:9x6:25mm:1mm", "no board"),
        ("checkerboard:9:25mm", "'9' .* not COLUMNSxROWS"),
        ("checkerboard:9x-6:25mm", "'9x-6'"),
        ("checkerboard:9x6:25", "'25' .* no length with a unit"),
        ("checkerboard:9x6:25in", "'25in'"),
        ("checkerboard:9x6:-25mm", "'-25mm'"),
        ("checkerboard:9x6:nanmm", "'nanmm'"),
        ("checkerboard:9x6:0mm", "positive"),
        ("charuco:8x11:24mm:18mm", "charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY"),
        ("charuco:8x11:24mm:1.8cm:DICT_4X4_50", "mixes cm and mm"),
        ("charuco:8x11:24mm:25mm:DICT_4X4_50", "smaller than its square"),
        ("charuco:8x11:24mm:18mm:4X4", "unknown marker dictionary '4X4'"),
        ("aprilgrid:6x6:88mm:0mm", "positive"),
    ],
)
def test_words_that_are_no_board(word, expected):
    with pytest.raises(InputError, match=expected):
        load_board(word)


GOOD = "schema: 1\nboard: checkerboard\ncolumns: 9\nrows: 6\nunits: mm\nsquare: 25\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("schema: 1\n", "", "schema: is missing"),
        ("schema: 1", "schema: 2", "b.yaml:1:.*schema"),
        ("checkerboard", "circles", "b.yaml:2:.*board"),
        ("rows: 6", "row: 6", "did you mean 'rows'"),
        ("columns: 9", "columns: nine", "b.yaml:3:.*columns"),
        ("columns: 9", "columns: 2", "b.yaml: .*3x3"),
        ("units: mm", "units: inch", "b.yaml:5:.*units"),
        ("square: 25", "square: -1", "b.yaml:6:.*square"),
        ("square: 25", "square: .nan", "b.yaml:6:.*square"),
        ("square: 25", "square: [", "b.yaml"),
        (GOOD, "", "key: value"),
    ],
)
def test_files_that_are_no_board(old, new, expected, tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    assert load_board(str(path)) == Checkerboard(9, 6, "mm", 25.0)
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(InputError, match=expected):
        load_board(str(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        load_board(str(tmp_path / "none.yaml"))
