"""What the scripts of public data sets share: choices, folders, errors in one line."""

from typing import Annotated

import pytest
import typer

from mvboot.datasets.public import Download, Frames, chosen, field, run, table
from mvboot.errors import InputError, NothingUsable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [0, 1, 2, 5, 9, 10]),
        ("5", [5]),
        ("1..9", [1, 2, 5, 9]),
        ("0..10:5", [0, 5, 10]),
        ("9, 0..1,1..2", [0, 1, 2, 9]),
    ],
)
def test_frames_are_chosen(text, expected):
    assert Frames.parse(text).of([10, 9, 5, 2, 1, 0]) == expected


@pytest.mark.parametrize("text", ["", "5..1", "1..5:0", "a", "1..", "-3", "1...4", "1,,2"])
def test_broken_choices_of_frames_are_refused(text):
    with pytest.raises(InputError, match="--frames"):
        Frames.parse(text)


def test_a_choice_of_nothing_is_refused():
    with pytest.raises(InputError, match="none of the frames 3 to 5"):
        Frames.parse("9").of([3, 5])
    with pytest.raises(InputError, match="no frame"):
        Frames().of([])


def test_names_are_chosen_in_natural_order_or_as_listed():
    assert chosen({"c10", "c9", "c1"}, None, "camera") == ["c1", "c9", "c10"]
    assert chosen(["a", "b", "c"], "c, a", "camera") == ["c", "a"]
    with pytest.raises(InputError, match="no camera x; there are a"):
        chosen(["a"], "a,x", "camera")
    with pytest.raises(InputError, match="twice"):
        chosen(["a"], "a,a", "camera")


def test_download(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a1.txt", "a2.txt", "a10.txt", ".a3.txt", "b/only.txt"):
        (tmp_path / name).touch()
    folder = Download(tmp_path, "card.md")
    assert [path.name for path in folder.all("a*.txt")] == ["a1.txt", "a2.txt", "a10.txt"]
    assert folder.find("it", "none.txt", "*/only.txt") == tmp_path / "b" / "only.txt"
    with pytest.raises(InputError, match=r"has 3 of them: a1.txt, a2.txt, a10.txt; keep one"):
        folder.find("them", "a*.txt")
    with pytest.raises(InputError, match=r"has no x.txt or y.txt \(it\); card.md shows"):
        folder.find("it", "x.txt", "y.txt")
    with pytest.raises(InputError, match="no such folder"):
        Download(tmp_path / "a1.txt", "card.md")


def test_table_and_field(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1 2.5\n\n-3e1,4\n")
    assert table(path, columns=2) == [[1, 2.5], [-30, 4]]
    with pytest.raises(InputError, match=r"t.csv:1: needs 3 numbers, has 2"):
        table(path, columns=3)
    path.write_text("1 2\n3 x\n")
    with pytest.raises(InputError, match=r"t.csv:2: needs numbers"):
        table(path)
    with pytest.raises(InputError, match="no such file"):
        table(tmp_path / "none")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        table(path)
    assert field({"a": 1}, "a", path) == 1
    for content in ({}, [], 3):
        with pytest.raises(InputError, match="has no a"):
            field(content, "a", path)


def test_run_ends_in_one_line_and_a_code(capsys):
    def command(what: Annotated[str, typer.Option()] = "") -> None:
        """Do it."""
        if what == "input":
            raise InputError("wrong", where="file")
        if what == "nothing":
            raise NothingUsable("empty")
        if what == "disk":
            raise OSError(28, "No space left on device", "file")
        if what == "stop":
            raise KeyboardInterrupt

    cases = {"": (0, ""), "input": (2, "file: wrong"), "nothing": (3, "empty")}
    cases |= {"disk": (2, "file: No space left"), "stop": (130, "")}
    for what, (code, words) in cases.items():
        assert run(command, ["--what", what]) == code
        err = capsys.readouterr().err
        assert words in err and err.count("\n") == bool(words)
    assert run(command, ["--else"]) == 2
    assert "--else" in capsys.readouterr().err
