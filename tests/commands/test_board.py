import json

import cv2
import numpy as np
import pytest

from mvboot.calib.board_spec import load_board, save_board
from mvboot.calib.boards import APRILTAG_BORDER, APRILTAGS, Charuco, marker_dictionary
from mvboot.report.board import Sheet

DPI = 110


@pytest.fixture
def printed(mvboot, tmp_path):
    """Print a board into a picture with the command; returns it and the places of its points."""

    def run(text, *options):
        path = tmp_path / "board.png"
        result = mvboot("board", text, "--out", path, "--dpi", DPI, "--overwrite", *options)
        assert result.code == 0, result.err
        board = load_board(str(text))
        sheet = Sheet(board, paper="a2" if "a2" in options else None)
        units = sheet.print_size[0] / board.size[0]
        pixels = (board.points[:, :2] * units + sheet.corner) * DPI / 25.4 - 0.5
        return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), pixels

    return run


@pytest.mark.parametrize("options", [(), ("--paper", "a2")])
@pytest.mark.parametrize("word", ["checkerboard:9x6:20mm", "checkerboard:4x7:3cm"])
def test_opencv_finds_the_checkerboard(printed, word, options):
    image, expected = printed(word, *options)
    columns, rows = load_board(word).columns, load_board(word).rows
    found, corners = cv2.findChessboardCornersSB(image, (columns, rows))
    assert found
    corners = corners.reshape(-1, 2)
    if np.linalg.norm(corners[0] - expected[0]) > 2:  # OpenCV may begin at the other end
        corners = corners[::-1]
    np.testing.assert_allclose(corners, expected, atol=0.2)


@pytest.mark.parametrize("legacy", [None, False, True])
@pytest.mark.parametrize("shape", [(8, 11), (6, 8)])
def test_opencv_finds_the_charuco_board(printed, tmp_path, shape, legacy):
    board = Charuco(*shape, "mm", 23.0, 17.0, "DICT_5X5_100", legacy)
    save_board(board, tmp_path / "board.yaml")
    image, expected = printed(tmp_path / "board.yaml")
    detector = cv2.aruco.CharucoDetector(board.opencv(bool(legacy)))
    corners, ids, _, markers = detector.detectBoard(image)
    assert sorted(ids.ravel()) == list(range(len(expected)))
    assert len(markers) == shape[0] * shape[1] // 2
    np.testing.assert_allclose(corners.reshape(-1, 2), expected[ids.ravel()], atol=0.2)


@pytest.mark.parametrize("word", ["aprilgrid:5x7:40mm:12mm", "aprilgrid:2x3:3cm:0.6cm"])
def test_opencv_finds_the_aprilgrid(printed, word):
    image, expected = printed(word)
    wanted = cv2.aruco.DetectorParameters()
    wanted.markerBorderBits = APRILTAG_BORDER
    wanted.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(marker_dictionary(APRILTAGS), wanted)
    corners, ids, _ = detector.detectMarkers(image)
    assert sorted(ids.ravel()) == list(range(len(expected) // 4))
    found = np.concatenate(corners)[np.argsort(ids.ravel())].reshape(-1, 2)
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_opencv_finds_the_inverted_board(printed):
    word = "charuco:5x7:30mm:22mm:DICT_4X4_50"
    image, expected = printed(word, "--inverted")
    wanted = cv2.aruco.DetectorParameters()
    wanted.detectInvertedMarker = True
    detector = cv2.aruco.CharucoDetector(load_board(word).opencv(False), detectorParams=wanted)
    corners, ids, *_ = detector.detectBoard(image)
    np.testing.assert_allclose(corners.reshape(-1, 2), expected[ids.ravel()], atol=0.2)
    assert len(ids) == 24


def test_it_says_what_it_wrote_and_how_to_print(mvboot, tmp_path):
    outs = [tmp_path / "new" / f"b.{suffix}" for suffix in ("svg", "pdf", "png", "yaml")]
    options = [word for path in outs for word in ("--out", path)]
    result = mvboot("board", "charuco:8x11:23mm:17mm:DICT_5X5_100", *options, "--paper", "a4")
    assert result.code == 0, result.err
    assert all(str(path) in result.out and path.stat().st_size for path in outs)
    assert "184 x 253 mm on a page of 210 x 297 mm, 70 points" in result.out
    for words in ("100 %", "no fit to page", "flat", "measured size when calibrating"):
        assert words in result.out
    assert load_board(str(outs[3])) == load_board("charuco:8x11:23mm:17mm:DICT_5X5_100")
    facts = json.loads(
        mvboot("board", outs[3], "--out", tmp_path / "again.pdf", "--paper", "a4", "--json").out
    )
    assert facts == {
        "board": "charuco:8x11:23mm:17mm:DICT_5X5_100",
        "files": [str(tmp_path / "again.pdf")],
        "print_mm": [184, 253],
        "page_mm": [210, 297],
        "points": 70,
    }
    assert (tmp_path / "again.pdf").read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize(("shape", "better"), [("8x6", "8x7"), ("7x5", "7x6")])
def test_a_checkerboard_without_a_top_is_warned_of_when_printed(shape, better, mvboot, tmp_path):
    result = mvboot("board", f"checkerboard:{shape}:25mm", "--out", tmp_path / "b.svg")
    assert result.code == 0
    assert result.err.startswith(f"warning: checkerboard:{shape}:25mm looks the same upside down")
    assert "mvboot calibrate is told so by --upright" in result.err
    assert f"print {better} inner corners" in result.err
    assert mvboot("board", f"checkerboard:{better}:25mm", "--out", tmp_path / "c.svg").err == ""


def test_what_is_there_stays(mvboot, tmp_path):
    path = tmp_path / "b.svg"
    path.write_text("precious")
    result = mvboot("board", "checkerboard:9x6:25mm", "--out", tmp_path / "b.pdf", "--out", path)
    assert result.code == 2 and "b.svg: exists already" in result.err
    assert path.read_text() == "precious" and not (tmp_path / "b.pdf").exists()
    assert mvboot("board", "checkerboard:9x6:25mm", "--out", path, "--overwrite").code == 0
    assert "<svg" in path.read_text()


@pytest.mark.parametrize(
    ("board", "out", "options", "expected"),
    [
        (
            "checkerboard:9x6:25mm",
            "b.jpg",
            (),
            "b.jpg: a board is written as .svg, .pdf, .png, .yaml",
        ),
        ("checkerboard:9x6:25mm", "b", (), ".svg, .pdf, .png, .yaml"),
        ("checkerboard:9x6:25mm", "folder.svg", ("--overwrite",), "is a folder"),
        ("checkerboard:9x6:25mm", "file/b.svg", (), "file"),
        ("checkerboard:9x6:40mm", "b.svg", ("--paper", "a4"), "the smallest paper that fits is a2"),
        ("checkerboard:9x6:25mm", "b.svg", ("--paper", "legal"), "unknown paper 'legal'"),
        ("checkerboard:9x6:25mm", "b.svg", ("--margin", "-1"), "--margin"),
        ("checkerboard:9x6:25mm", "b.svg", ("--margin", "nan"), "--margin"),
        ("checkerboard:9x6:25mm", "b.png", ("--dpi", "0"), "--dpi"),
        ("checkerboard:99x66:25mm", "b.png", ("--dpi", "1200"), "smaller --dpi"),
        ("checkerboard:9x6", "b.svg", (), "no board 'checkerboard:9x6'"),
        ("none.yaml", "b.svg", (), "no such file"),
    ],
)
def test_bad_input_is_one_line_and_no_file(mvboot, tmp_path, board, out, options, expected):
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "file").write_text("")
    result = mvboot("board", board, "--out", tmp_path / out, *options)
    assert result.code == 2 and expected in result.err
    assert result.err.count("\n") == 1 and "Traceback" not in result.err and not result.out
    assert {path.name for path in tmp_path.iterdir()} == {"folder.svg", "file"}
