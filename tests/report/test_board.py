import re
import runpy
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import matplotlib
import numpy as np
import pytest

from mvboot.calib.board_spec import load_board
from mvboot.errors import InputError
from mvboot.report.board import FOOTER, PAPERS, Sheet, draw_board

ROOT = Path(__file__).parents[2]
WORDS = (
    "charuco:8x11:24mm:18mm:DICT_4X4_1000",
    "checkerboard:9x6:2.5cm",
    "aprilgrid:6x6:0.088m:0.0264m",
)
PAIR = {"svg": r"[ML] (-?[\d.]+) (-?[\d.]+)", "pdf": r"(-?[\d.]+) (-?[\d.]+) [ml]\n"}
"""Points of a path as each format writes them."""

POINT_MM = 25.4 / 72


@pytest.fixture(params=WORDS)
def sheet(request):
    return Sheet(load_board(request.param))


def read_svg(path):
    """Return page (mm) and the filled shapes in drawing order, as colour and (n, 4, 2) corners."""
    root = ET.parse(path).getroot()
    page = [root.get(side).removesuffix("pt") for side in ("width", "height")]
    assert root.get("viewBox") == f"0 0 {' '.join(page)}", "one unit is one point"
    assert not root.findall(".//*[@transform]"), "nothing moves what the paths say"
    shapes = [
        (path.get("style"), _rectangles(path.get("d"), PAIR["svg"]))
        for path in root.iter("{http://www.w3.org/2000/svg}path")
    ]
    return np.array(page, float) * POINT_MM, shapes[1:]  # the first is the page


def read_pdf(path):
    """Return what `read_svg` does; y is turned downwards."""
    data = path.read_bytes()
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    width, height = float(box[1]), float(box[2])
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    content = next(s for s in map(_inflated, streams) if " re" in s or " m\n" in s)
    assert " cm" not in content, "nothing moves what the paths say"
    pieces = re.split(r"\nf\n", content)[1:-1]
    shapes = []
    for piece in pieces:
        corners = _rectangles(piece, PAIR["pdf"])
        shapes.append((None, [0, height * POINT_MM] + corners * [1, -1]))
    return np.array([width, height]) * POINT_MM, shapes


def _inflated(stream):
    try:
        return zlib.decompress(stream).decode("latin1")
    except zlib.error:
        return ""


def _rectangles(text, pattern):
    corners = np.array([[float(x), float(y)] for x, y in re.findall(pattern, text)])
    return (corners[: len(corners) // 4 * 4] * POINT_MM).reshape(-1, 4, 2)


def boxes(corners):
    """Return left, top, right, bottom of rectangles."""
    return np.concatenate([corners.min(1), corners.max(1)], -1)


READERS = {"svg": read_svg, "pdf": read_pdf}


@pytest.fixture(params=READERS)
def drawn(request, tmp_path):
    def draw(sheet):
        path = tmp_path / f"board.{request.param}"
        draw_board(sheet, path)
        page, shapes = READERS[request.param](path)
        footer, *frame, pattern = (corners for _, corners in shapes)
        return SimpleNamespace(page=page, footer=footer, frame=frame, pattern=boxes(pattern))

    return draw


def test_a_square_is_as_large_as_it_says(drawn):
    found = drawn(Sheet(load_board("charuco:8x11:24mm:18mm:DICT_4X4_1000"), margin=10))
    np.testing.assert_allclose(found.page, [212, 264 + 20 + FOOTER], atol=1e-5)
    sides = found.pattern[:, 2:] - found.pattern[:, :2]
    squares = found.pattern[np.isclose(sides, 24, atol=1e-5).all(1)]
    assert len(squares) == 44
    np.testing.assert_allclose(squares[:, 2:] - squares[:, :2], 24, atol=2e-6)
    places = (squares[:, :2] - 10) / 24
    np.testing.assert_allclose(places, places.round(), atol=1e-6)
    assert sorted(places.round().sum(1) % 2) == [0] * 44 and places.min() > -1e-6


def test_every_kind_is_drawn_as_its_ink_says(sheet, drawn):
    found = drawn(sheet).pattern
    mm = sheet.print_size[0] / sheet.board.size[0]
    ink = sheet.board.ink * mm
    assert len(found) <= len(ink)
    area = (found[:, 2:] - found[:, :2]).prod(1).sum()
    np.testing.assert_allclose(area, ink[:, 2:].prod(1).sum(), rtol=1e-6)
    middles = ink[:, None, :2] + ink[:, None, 2:] / 2 + sheet.corner
    covering = ((found[:, :2] < middles) & (middles < found[:, 2:])).all(-1)
    assert (covering.sum(1) == 1).all()


@pytest.mark.parametrize(
    "word", [*WORDS, "checkerboard:9x6:1mm", "charuco:3x3:90mm:60mm:DICT_4X4_50"]
)
@pytest.mark.parametrize("options", [{}, {"margin": 0}, {"inverted": True}, {"paper": "a0"}])
def test_ruler_and_words_stay_off_the_pattern_and_on_the_page(word, options):
    sheet = Sheet(load_board(word), **options)
    (left, top), (width, height) = sheet.corner, sheet.print_size
    footer = sheet.footer.get_extents()
    assert footer.y0 >= top + height + sheet.margin + 2
    assert footer.x0 >= 4 and footer.x1 <= sheet.size[0] - 4 and footer.y1 <= sheet.size[1] - 4
    assert left >= sheet.margin - 1e-9 and top >= sheet.margin - 1e-9
    assert left + width <= sheet.size[0] - sheet.margin + 1e-9
    bar = sheet.footer.vertices[:5]
    assert bar[:, 0].min() == pytest.approx(footer.x0) and np.ptp(bar[:, 0]) == pytest.approx(10)


def test_the_ruler_measures_what_it_says(drawn):
    for word, length in ((WORDS[0], 100), ("checkerboard:4x4:10mm", 50)):
        sheet = Sheet(load_board(word))
        assert sheet.captions[0] == f"measure me: {length} mm"
        bar = boxes(drawn(sheet).footer[: length // 20 + 2])
        np.testing.assert_allclose(np.ptp(bar[:, [0, 2]]), length, atol=2e-6)
        np.testing.assert_allclose(bar[0, 2] - bar[0, 0], 10, atol=2e-6)


def test_the_words_name_the_board():
    board = load_board(WORDS[0])
    assert Sheet(board).captions[1] == WORDS[0]
    assert Sheet(board, inverted=True).captions[1] == f"{WORDS[0]}, inverted"
    legacy = type(board)(6, 8, "mm", 20.0, 15.0, "DICT_4X4_50", legacy=True)
    assert Sheet(legacy).captions[1] == "charuco:6x8:20mm:15mm:DICT_4X4_50, legacy"


@pytest.mark.parametrize("paper", PAPERS)
def test_boards_lie_in_the_middle_of_the_paper(paper, drawn):
    short, long = PAPERS[paper]
    for word, size in (
        ("checkerboard:4x7:12mm", (short, long)),
        ("checkerboard:9x4:12mm", (long, short)),
    ):
        sheet = Sheet(load_board(word), paper=paper)
        found = drawn(sheet)
        np.testing.assert_allclose(found.page, size, atol=1e-5)
        ends = found.pattern[:, :2].min(0), found.pattern[:, 2:].max(0)
        np.testing.assert_allclose((ends[0] + ends[1]) / 2, np.array(size) / 2, atol=1e-5)


@pytest.mark.parametrize("square", ["25mm", "2.5cm", "0.025m"])
def test_a_board_moves_up_where_the_ruler_needs_the_room(square):
    sheet = Sheet(load_board(f"checkerboard:9x6:{square}"), paper="a4")
    assert sheet.size == (297, 210) and sheet.corner == pytest.approx((23.5, 10))


@pytest.mark.parametrize(
    ("word", "options", "expected"),
    [
        (WORDS[0], {"paper": "a4"}, r"192 x 264 mm and needs 212 x 299 .* a4 is 210 x 297 .* a3"),
        ("checkerboard:9x6:200mm", {"paper": "a0"}, "no known paper fits; leave out --paper"),
        (WORDS[0], {"paper": "b5"}, "unknown paper 'b5'; known are a4, letter"),
        (WORDS[0], {"margin": -1}, "0 mm or more"),
        (WORDS[0], {"margin": float("nan")}, "0 mm or more"),
        ("checkerboard:9x6:1m", {}, "5080 mm"),
    ],
)
def test_sheets_that_cannot_be(word, options, expected):
    with pytest.raises(InputError, match=expected):
        Sheet(load_board(word), **options)


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_sheet_is_the_same_file_whatever_the_users_style(sheet, suffix, tmp_path):
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    draw_board(sheet, first, dpi=50)
    style = {"savefig.bbox": "tight", "savefig.facecolor": "red", "figure.dpi": 33}
    with matplotlib.rc_context(style | {"font.family": "serif"}):
        draw_board(sheet, second, dpi=50)
    assert first.read_bytes() == second.read_bytes()
    assert b"date" not in first.read_bytes().lower()


@pytest.mark.parametrize("dpi", [36, 61])
def test_a_picture_shows_exactly_the_ink(sheet, dpi, tmp_path):
    """Every pixel is as dark as the share of it that is inked: true places, and no seams."""
    path = tmp_path / "board.png"
    draw_board(sheet, path, dpi)
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    scale = dpi / 25.4
    np.testing.assert_array_equal(image.shape[::-1], np.ceil(np.array(sheet.size) * scale - 1e-6))
    mm = sheet.print_size[0] / sheet.board.size[0]
    ink = (sheet.board.ink * mm + [*sheet.corner, 0, 0]) * scale
    rows = int((sheet.corner[1] + sheet.print_size[1] + sheet.margin) * scale)
    expected = _overlap(ink[:, 1], ink[:, 3], rows).T @ _overlap(
        ink[:, 0], ink[:, 2], image.shape[1]
    )
    difference = np.abs(255 * (1 - expected) - image[:rows])
    assert difference.max() < 6
    assert image[:rows][expected > 0.9999].max() == 0


def _overlap(start, length, count):
    """Return how much of each pixel [i, i + 1] lies in [start, start + length] (n, count)."""
    pixel, start, length = np.arange(count), start[:, None], length[:, None]
    return np.clip(np.minimum(pixel + 1, start + length) - np.maximum(pixel, start), 0, 1)


def test_inverted_is_white_on_black_with_a_black_border(tmp_path):
    board = load_board("charuco:5x7:20mm:14mm:DICT_4X4_50")
    pictures = []
    for inverted in (False, True):
        sheet = Sheet(board, margin=8, paper="a4", inverted=inverted)
        draw_board(sheet, tmp_path / "board.png", dpi=254)
        left, top = (round(10 * side) for side in sheet.corner)
        image = cv2.imread(str(tmp_path / "board.png"), cv2.IMREAD_GRAYSCALE).astype(int)
        pictures.append(image[top - 100 : top + 1500, left - 100 : left + 1100])
    plain, turned = pictures
    inside = np.s_[20:1580, 20:1180]
    assert np.abs(plain + turned - 255)[inside].max() <= 1
    border = np.pad(np.zeros((1400, 1000), bool), 80, constant_values=True)
    assert turned[inside][border].max() == 0
    outside = np.pad(np.zeros((1560, 1160), bool), 20, constant_values=True)
    assert turned[outside].min() > 250, "nothing but paper around it"


def test_a_picture_knows_its_resolution(sheet, tmp_path):
    draw_board(sheet, tmp_path / "board.png", dpi=100)
    data = (tmp_path / "board.png").read_bytes()
    start = data.index(b"pHYs") + 4
    density = [int.from_bytes(data[start + i : start + i + 4], "big") for i in (0, 4)]
    assert density == [3937, 3937] and data[start + 8] == 1, "pixels a metre"


def test_a_page_of_whole_pixels_keeps_the_last_one(tmp_path):
    sheet = Sheet(load_board("checkerboard:4x4:16.828mm"))
    assert sheet.size[0] / 25.4 * 30 == pytest.approx(123)
    draw_board(sheet, tmp_path / "board.png", dpi=30)
    assert cv2.imread(str(tmp_path / "board.png")).shape[1] == 123


def test_too_many_pixels_and_other_suffixes(sheet, tmp_path):
    with pytest.raises(InputError, match=r"x\.png: \d+x\d+ px are too many; .*--dpi"):
        draw_board(sheet, tmp_path / "x.png", dpi=2400)
    with pytest.raises(InputError, match=r"\.svg, \.pdf or \.png"):
        draw_board(sheet, tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


def test_the_ready_boards_are_what_the_script_makes(tmp_path):
    folder = ROOT / "calib" / "boards"
    made = runpy.run_path(str(folder / "make.py"))
    made["make"](tmp_path)
    there = {path.name for path in folder.iterdir() if path.suffix in (".svg", ".pdf", ".yaml")}
    assert there == {path.name for path in tmp_path.iterdir()}
    for name, (word, paper) in made["READY"].items():
        assert load_board(str(folder / f"{name}.yaml")) == load_board(word)
        for suffix, read in READERS.items():
            (page, old), (_, new) = (read(f / f"{name}.{suffix}") for f in (folder, tmp_path))
            np.testing.assert_allclose(sorted(page), PAPERS[paper], atol=1e-5)
            np.testing.assert_allclose(old[-1][1], new[-1][1], atol=1e-5)
            assert (folder / f"{name}.{suffix}").stat().st_size < 150_000
    readme = (folder / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in made["READY"])
