"""Boards as Kalibr, Anipose, sleap-anipose and Caliscope describe them."""

import pytest

from mvboot.calib.board_spec import load_board
from mvboot.errors import InputError

KALIBR = "target_type: aprilgrid\ntagCols: 6\ntagRows: 5\ntagSize: 0.04\ntagSpacing: 0.3\n"
CORNERS = "target_type: checkerboard\ntargetCols: 9\ntargetRows: 6\nrowSpacingMeters: 0.0255\n"
SLEAP = "square_length = 24.0\nmarker_length = 18.75\nmarker_bits = 4\ndict_size = 1000\n"
ANIPOSE = """[calibration]
board_type = "charuco"
board_size = [8, 11]
board_marker_bits = 4
board_marker_dict_number = 1000
board_marker_length = 18.75
board_square_side_length = 24
"""
CALISCOPE = """columns = 4
rows = 5
board_height = 11.0
board_width = 8.5
dictionary = "DICT_4X4_1000"
units = "inch"
aruco_scale = 0.75
inverted = true
"""
MOUSE = "charuco:8x11:24mm:18.75mm:DICT_4X4_1000"
FILES = {
    "kalibr's tags": ("t.yaml", KALIBR, "", "aprilgrid:6x5:0.04m:0.012m"),
    "kalibr's corners": (
        "t.yaml", CORNERS + "colSpacingMeters: 0.0255\n", "", "checkerboard:9x6:0.0255m",
    ),
    "two lengths": (
        "t.yml", CORNERS + "colSpacingMeters: 0.024\n", "", "checkerboard:9x6:0.024x0.0255m",
    ),
    "sleap-anipose": ("b.toml", "board_x = 8\nboard_y = 11\n" + SLEAP, ":mm", MOUSE),
    "its other names": ("b.toml", "board_width = 8\nboard_height = 11\n" + SLEAP, ":mm", MOUSE),
    "anipose": ("config.toml", ANIPOSE, "", MOUSE),
    "anipose's checkerboard": (
        "config.toml", ANIPOSE.replace("charuco", "checkerboard"), "", "checkerboard:8x11:24mm",
    ),
    "caliscope, measured": (
        "charuco.toml", CALISCOPE + "square_size_override_cm = 5.4\n", "",
        "charuco:4x5:54mm:40.5mm:DICT_4X4_1000",
    ),
    "caliscope, by the page": (
        "charuco.toml", CALISCOPE, "", "charuco:4x5:53.975mm:40.48125mm:DICT_4X4_1000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_program_is_a_board(name, tmp_path):
    file, text, unit, spec = FILES[name]
    (tmp_path / file).write_text(text)
    board = load_board(f"{tmp_path / file}{unit}")
    assert board.spec == spec and load_board(spec).spec == spec


def test_the_old_layout_of_caliscope_is_kept(tmp_path):
    (tmp_path / "charuco.toml").write_text(CALISCOPE + "legacy_pattern = true\n")
    assert load_board(str(tmp_path / "charuco.toml")).legacy is True


REFUSED = {
    "circles": ("t.yaml", "target_type: circlegrid\ntargetCols: 6\n", "", "not supported"),
    "odd type": ("t.yaml", "target_type: [a]\n", "", "not supported"),
    "a key lacks": ("t.yaml", KALIBR.replace("tagRows: 5", ""), "", "tagRows: is missing"),
    "a word": ("t.yaml", KALIBR.replace("0.3", "wide"), "", "tagSpacing"),
    "infinite": ("t.yaml", KALIBR.replace("0.3", ".inf"), "", "tagSpacing"),
    "a million tags": ("t.yaml", KALIBR.replace("6", "1000000"), "", "at most 10000"),
    "no unit": ("b.toml", "board_x = 8\nboard_y = 11\n" + SLEAP, "", "no unit; add .*:mm"),
    "odd unit": ("b.toml", "board_x = 8\nboard_y = 11\n" + SLEAP, ":inch", "no unit; add .*:mm"),
    "no marker": ("b.toml", "board_x = 8\nsquare_length = 24\n", ":mm", "no marker_length"),
    "two units": ("b.toml", CALISCOPE, ":mm", "leave :mm away"),
    "thick": ("b.toml", CALISCOPE + "thickness_cm = 0.5\n", "", "two sides"),
    "a table": ("b.toml", "[square_length]\n", ":mm", "marker_length"),
    "dictionary": ("b.toml", CALISCOPE.replace("_1000", "_7"), "", "DICT_4X4_7"),
    "something else": ("b.toml", "a = 1\n", "", "is no board"),
    "broken": ("b.toml", "a = ", "", "broken TOML"),
    "nested": ("b.toml", "a = " + "[" * 9000, "", "broken TOML"),
    "list": ("b.yaml", "- 1\n", "", "key: value"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_board_is_refused_in_one_message(name, tmp_path):
    file, text, unit, message = REFUSED[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=message) as refusal:
        load_board(f"{tmp_path / file}{unit}")
    assert file in str(refusal.value) and len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("aprilgrid:6x5:40mm:0.3", r"has no unit; .* write aprilgrid:6x5:40mm:12mm$"),
        ("checkerboard:9x6:24x25.5", "no length with a unit"),
        ("checkerboard:9x6:24x0mm", "positive"),
        ("checkerboard:99999x99999:24mm", "at most 10000"),
        ("checkerboard:" + "9" * 5000 + "x6:24mm", "not COLUMNSxROWS"),
        ("checkerboard:9x6:" + "9" * 400 + "mm", "no length with a unit"),
        ("checkerboard:٩x6:24mm", "not COLUMNSxROWS"),
    ],
)
def test_words_that_are_no_board(word, message):
    with pytest.raises(InputError, match=message):
        load_board(word)
