"""Write the ready boards: ``python calib/boards/make.py`` (the files come out the same again)."""

from pathlib import Path

from mvboot.calib.board_spec import load_board, save_board
from mvboot.report.board import Sheet, draw_board

READY = {
    "charuco_a4": ("charuco:8x11:23mm:17mm:DICT_5X5_100", "a4"),
    "charuco_a3": ("charuco:8x11:34mm:25mm:DICT_5X5_100", "a3"),
    "charuco_a0": ("charuco:8x11:100mm:75mm:DICT_5X5_100", "a0"),
    "checkerboard_a4": ("checkerboard:9x6:25mm", "a4"),
    "aprilgrid_a3": ("aprilgrid:5x7:40mm:12mm", "a3"),
}
"""The board and the paper of each file; odd numbers of rows, which every OpenCV prints alike."""


def make(folder: Path) -> None:
    """Write every ready board as .pdf, .svg and .yaml."""
    for name, (word, paper) in READY.items():
        board = load_board(word)
        save_board(board, folder / f"{name}.yaml")
        for suffix in ("pdf", "svg"):
            draw_board(Sheet(board, paper=paper), folder / f"{name}.{suffix}")


if __name__ == "__main__":
    make(Path(__file__).parent)
