import errno
import hashlib
import os
import subprocess
import sys

import pytest

from mvboot.errors import InputError
from mvboot.files import atomic_file, atomic_folder, hash_file, natural_key, safe_name


class Interrupted(Exception):
    pass


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- one file -----------------------------------------------------------------------------------


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "points.csv"
    with atomic_file(path) as partial:
        partial.write_text("x,y\n")
        assert partial.suffix == ".csv" and partial.parent.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "x,y\n"
    assert everything(path.parent) == ["points.csv"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(Interrupted), atomic_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise Interrupted
    assert everything(tmp_path) == []


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(Interrupted), atomic_file(path) as partial:
        partial.write_text("half")
        raise Interrupted
    assert path.read_text() == "old" and everything(tmp_path) == ["a.txt"]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("old", "new"):
        with atomic_file(str(path)) as partial:
            partial.write_text(text)
    assert path.read_text() == "new" and everything(tmp_path) == ["a.txt"]


def test_others_may_read_the_file(tmp_path):
    expected = tmp_path / "plain.txt"
    expected.write_text("")
    with atomic_file(tmp_path / "a.txt") as partial:
        partial.write_text("")
    assert (tmp_path / "a.txt").stat().st_mode == expected.stat().st_mode


# --- a folder of results ------------------------------------------------------------------------


def fill(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text)


def test_a_folder_appears_when_the_block_ends(tmp_path):
    out = tmp_path / "runs" / "first"
    with atomic_folder(out) as folder:
        fill(folder, a="1")
        (folder / "sub").mkdir()
        fill(folder / "sub", b="2")
        assert not out.exists()
    assert everything(out) == ["a", "sub", "sub/b"]
    assert everything(tmp_path / "runs") == ["first", "first/a", "first/sub", "first/sub/b"]


def test_an_empty_folder_may_be_there_already(tmp_path):
    (tmp_path / "out").mkdir()
    with atomic_folder(tmp_path / "out") as folder:
        fill(folder, a="1")
    assert everything(tmp_path / "out") == ["a"]


def test_a_folder_with_content_is_refused_before_any_work(tmp_path):
    fill(tmp_path, a="old")
    with (
        pytest.raises(InputError, match=r"not empty.*--overwrite"),
        atomic_folder(tmp_path),
    ):
        pytest.fail("the block must not run")
    assert everything(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, overwrite):
    fill(tmp_path, out="a file")
    with (
        pytest.raises(InputError, match="is a file"),
        atomic_folder(tmp_path / "out", overwrite),
    ):
        pytest.fail("the block must not run")


def test_overwriting_replaces_what_has_the_same_name(tmp_path):
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    fill(out, a="old", kept="mine")
    fill(out / "sub", stale="old")
    with atomic_folder(out, overwrite=True) as folder:
        fill(folder, a="new")
        (folder / "sub").mkdir()
        fill(folder / "sub", fresh="new")
    assert everything(out) == ["a", "kept", "sub", "sub/fresh"]
    assert (out / "a").read_text() == "new" and (out / "kept").read_text() == "mine"


def test_a_file_and_a_folder_replace_each_other(tmp_path):
    out = tmp_path / "out"
    (out / "b").mkdir(parents=True)
    fill(out, a="a file")
    with atomic_folder(out, overwrite=True) as folder:
        (folder / "a").mkdir()
        fill(folder, b="a file now")
    assert (out / "a").is_dir() and (out / "b").is_file()


def test_a_link_is_replaced_and_its_target_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    fill(tmp_path / "elsewhere", precious="1")
    (tmp_path / "out").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "out" / "sub")
    with atomic_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "sub").mkdir()
    assert not (tmp_path / "out" / "sub").is_symlink()
    assert everything(tmp_path / "elsewhere") == ["precious"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_the_folder_as_it_was(tmp_path, overwrite):
    out = tmp_path / "out"
    if overwrite:
        out.mkdir()
        fill(out, a="old")
    before = everything(tmp_path)
    with pytest.raises(Interrupted), atomic_folder(out, overwrite) as folder:
        fill(folder, a="half")
        raise Interrupted
    assert everything(tmp_path) == before


def test_folders_made_for_what_failed_go_too(tmp_path):
    with pytest.raises(Interrupted), atomic_folder(tmp_path / "a" / "b" / "out") as folder:
        fill(folder, a="half")
        raise Interrupted
    with pytest.raises(Interrupted), atomic_file(tmp_path / "c" / "d.txt"):
        raise Interrupted
    assert everything(tmp_path) == []


def test_folders_that_somebody_else_filled_stay(tmp_path):
    with pytest.raises(Interrupted), atomic_folder(tmp_path / "a" / "out"):
        fill(tmp_path / "a", other="1")
        raise Interrupted
    assert everything(tmp_path) == ["a", "a/other"]


# --- what killed commands left ------------------------------------------------------------------


def test_what_killed_commands_left_is_mentioned_once(tmp_path, capsys):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f".partial-{gone.pid}-a", ".partial-old", f".partial-{os.getppid()}-running"):
        (tmp_path / name).mkdir()
    for name in "ab":
        with atomic_file(tmp_path / name) as partial:
            partial.write_text("")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {tmp_path} holds") and "may be deleted" in line
    assert line.endswith(f": .partial-{gone.pid}-a, .partial-old")


def test_nothing_is_said_where_nothing_was_left(tmp_path, capsys):
    with atomic_folder(tmp_path / "out") as folder:
        fill(folder, a="1")
    assert capsys.readouterr().err == ""


# --- what cannot be written -------------------------------------------------------------------


def test_a_full_disk_names_the_folder_that_was_asked_for(tmp_path):
    out = tmp_path / "new" / "out"
    with (
        pytest.raises(OSError, match="No space left") as error,
        atomic_folder(out) as folder,
        atomic_file(folder / "sub" / "a.npz"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.filename == str(out) and everything(tmp_path) == []


def test_a_folder_that_may_not_be_written_is_named_instead_of_a_temporary_one(
    tmp_path, monkeypatch
):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "mkdir", refuse)
    for context in (atomic_file, atomic_folder):
        with pytest.raises(PermissionError) as error, context(tmp_path / "out"):
            pytest.fail("the block must not run")
        assert error.value.filename == str(tmp_path / "out")


def test_errors_of_other_files_and_of_pipes_keep_their_name(tmp_path):
    missing = FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "input"))
    for given in (missing, BrokenPipeError(errno.EPIPE, "Broken pipe")):
        name = given.filename
        with pytest.raises(OSError) as error, atomic_file(tmp_path / "out"):
            raise given
        assert error.value is given and given.filename == name


# --- names and hashes ---------------------------------------------------------------------------


def test_natural_order():
    names = ["cam10", "cam2", "cam1", "b/cam3", "Cam2", "7", "cam2_a"]
    expected = ["7", "Cam2", "cam1", "cam2", "cam2_a", "b/cam3", "cam10"]
    assert sorted(names, key=natural_key) == expected


def test_hash_is_the_start_of_sha256(tmp_path):
    fill(tmp_path, a="content")
    assert hash_file(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()[:16]


@pytest.mark.parametrize("name", ["cam 01", "Nase-ä", "a.b", "..a"])
def test_ordinary_names_become_file_names(name):
    assert safe_name(name, "camera") == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../a", "/etc/passwd", "a\\b", "a\0", "a\n", " a", "x" * 300]
)
def test_names_never_become_paths(name):
    with pytest.raises(InputError, match=r"rig.yaml: camera .* cannot be part of"):
        safe_name(name, "camera", "rig.yaml")
