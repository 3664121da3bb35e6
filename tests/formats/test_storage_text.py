"""OpenCV's storages are read as OpenCV writes them, and refused where they are damaged."""

import cv2
import numpy as np
import pytest

from mvboot import InputError
from mvboot.formats.file_storage import Storage
from mvboot.formats.storage_text import parse_storage

MATRIX = np.array([[1.5, -2.0, 1e-30], [0.0, np.inf, 3e20]])


@pytest.mark.parametrize("suffix", ["yml", "xml", "json"])
def test_what_opencv_writes_is_read(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("K", MATRIX)
    storage.write("bytes", np.arange(6, dtype=np.uint8).reshape(2, 3))
    storage.write("pairs", np.arange(8, dtype=np.float32).reshape(1, 4, 2))
    storage.write("width", 640)
    storage.write("scale", 0.25)
    storage.write("name", "left camera")
    storage.startWriteStruct("names", cv2.FileNode_SEQ)
    for word in ("a b", "c"):
        storage.write("", word)
    storage.endWriteStruct()
    storage.release()
    found = parse_storage(path)
    np.testing.assert_array_equal(found["K"], MATRIX)
    np.testing.assert_array_equal(found["bytes"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(found["pairs"], np.arange(8).reshape(1, 4, 2))
    assert (found["width"], found["scale"], found["name"]) == (640, 0.25, "left camera")
    assert Storage(path).strings("names") == ["a b", "c"]


YAML = """%YAML:1.0
---
K: !!opencv-matrix
   rows: 2
   cols: 2
   dt: d
   data: [ 1., 0., 0., 1. ]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rows: 2", "rows: 2000000000", "with 4 numbers"),
        ("rows: 2", "rows: -1", "without rows"),
        ("rows: 2", "rows: [2]", "without rows"),
        ("dt: d", "dt: q", "without rows, columns or type"),
        ("1., 0.", "1., x", "no number"),
        (", 1. ]", " ]", "2 x 2 with 3 numbers; is it cut off"),
        ("data: [", "data: [[", "broken YAML|no number|cut off"),
    ],
)
def test_a_damaged_matrix_is_one_line(tmp_path, old, new, said):
    path = tmp_path / "a.yml"
    assert old in YAML
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        parse_storage(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        "<opencv_storage>" + "<a>" * 5_000,
        "<opencv_storage>" + "<a>" * 500 + "</a>" * 500 + "</opencv_storage>",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><opencv_storage><b>&a;</b></opencv_storage>',
        "%YAML:1.0\n---\na: " + "[" * 5_000,
        "just words",
        "",
    ],
)
def test_hostile_and_foreign_text_is_one_line(tmp_path, text):
    path = tmp_path / "a.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a.yml"):
        parse_storage(path)
