"""``mvboot board``: print a calibration board at true scale."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from mvboot.errors import InputError
from mvboot.stages.output import Output

if TYPE_CHECKING:
    from mvboot.calib.boards import Board

SUFFIXES = (".svg", ".pdf", ".png", ".yaml")


def board(
    board: Annotated[
        str,
        Argument(
            help="YAML file, charuco:8x11:24mm:18mm:DICT_5X5_100 (squares), checkerboard:9x6:25mm "
            "(inner corners) or aprilgrid:6x6:88mm:26.4mm (tags)."
        ),
    ],
    out: Annotated[
        list[Path], Option(help="File to write: .svg, .pdf, .png or .yaml; repeatable.")
    ],
    margin: Annotated[float, Option(help="Quiet border around the print in mm.", min=0)] = 10.0,
    paper: Annotated[
        str | None, Option(help="Centre it on a4, a3, a2, a1, a0 or letter, upright or lying.")
    ] = None,
    inverted: Annotated[bool, Option("--inverted", help="Print white on black.")] = False,
    dpi: Annotated[int, Option(help="Pixels per inch of a PNG.", min=10, max=2400)] = 300,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace what is there.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a calibration board at true scale (SVG, PDF, PNG) or save its description (YAML)."""
    from mvboot.calib.board_spec import load_board, save_board
    from mvboot.report.board import Sheet, draw_board

    say = Output(as_json)
    for path in out:
        _require_writable(path, overwrite)
    sheet = Sheet(load_board(board), margin, paper, inverted)
    _warn_of_no_top(sheet.board, say)
    for path in out:
        if path.suffix == ".yaml":
            save_board(sheet.board, path)
        else:
            draw_board(sheet, path, dpi)
    print_size, page = (tuple(round(side, 3) for side in s) for s in (sheet.print_size, sheet.size))
    points = len(sheet.board.points)
    say.say(
        f"wrote {', '.join(str(path) for path in out)}: {sheet.board.spec}, "
        f"{print_size[0]:g} x {print_size[1]:g} mm on a page of {page[0]:g} x {page[1]:g} mm, "
        f"{points} points"
    )
    say.say(
        "print at 100 % (no fit to page), glue on something flat, measure a square and state the "
        "measured size when calibrating"
    )
    say.result(
        {
            "board": sheet.board.spec,
            "files": [str(path) for path in out],
            "print_mm": print_size,
            "page_mm": page,
            "points": points,
        }
    )


def _warn_of_no_top(board: "Board", say: Output) -> None:
    from mvboot.calib.boards import Checkerboard

    if isinstance(board, Checkerboard) and board.looks_alike_upside_down:
        say.warn(
            f"{board.spec} looks the same upside down: several cameras cannot agree which end is "
            "which, unless it is upright in every picture and mvboot calibrate is told so by "
            f"--upright; print {board.columns}x{board.rows + 1} inner corners, or a ChArUco board"
        )


def _require_writable(path: Path, overwrite: bool) -> None:
    if path.suffix not in SUFFIXES:
        raise InputError(f"a board is written as {', '.join(SUFFIXES)}", where=path)
    if path.is_dir():
        raise InputError("is a folder; --out must name a file", where=path)
    if path.exists() and not overwrite:
        raise InputError("exists already; choose another path or add --overwrite", where=path)
