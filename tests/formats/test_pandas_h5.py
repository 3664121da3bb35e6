"""Tables of pandas in HDF5: read as pandas does, and nothing in them is ever run."""

import pickle
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest

from mvboot.errors import InputError
from mvboot.formats.detections import load_keypoints
from mvboot.formats.pandas_h5 import literal, read_pandas_h5

KEY = "df_with_missing"
NAMES = ["scorer", "bodyparts", "coords"]


def frame(rows=3):
    columns = pd.MultiIndex.from_product(
        [["net"], ["tail", "nose"], ["x", "y", "likelihood"]], names=NAMES
    )
    values = np.arange(rows * 6, dtype=float).reshape(rows, 6) / 100 + 0.1
    return pd.DataFrame(values, columns=columns)


def written(table, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table.to_hdf(path, key=KEY, mode="w", **options)
    return path


@pytest.mark.parametrize("format", ["fixed", "table"])
@pytest.mark.parametrize("index", [None, ["img03.png", "img10.png", "img7.png"], [5, 6, 9]])
def test_both_layouts_are_read(tmp_path, format, index):
    table = frame()
    if index is not None:
        table.index = index
    found = read_pandas_h5(written(table, tmp_path / "a.h5", format=format))
    assert found.levels == tuple(NAMES)
    assert found.columns == [tuple(column) for column in table.columns]
    assert found.rows == [str(row) for row in table.index]
    np.testing.assert_array_equal(found.values, table.to_numpy())


def test_rows_of_several_levels_are_their_last_one(tmp_path):
    table = frame()
    rows = [("labeled-data", "v", f"img{i}.png") for i in (3, 1, 2)]
    table.index = pd.MultiIndex.from_tuples(rows)
    assert read_pandas_h5(written(table, tmp_path / "a.h5")).rows == [row[-1] for row in rows]


def test_columns_of_words_are_left_out(tmp_path):
    table = frame()
    table[("net", "", "set")] = ["train", "test", "train"]
    path = written(table, tmp_path / "cam.h5")
    found = load_keypoints(tmp_path / "{camera}.h5")
    assert found.keypoints == ("tail", "nose") and path.exists()
    assert found.xy[0, 2, 0, 0].tolist() == table.iloc[2, :2].tolist()


class Touch:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("format", ["fixed", "table"])
@pytest.mark.parametrize("where", ["group", "columns", "array"])
def test_nothing_is_unpickled(tmp_path, format, where):
    path = written(frame(), tmp_path / "cam.h5", format=format)
    code = np.bytes_(pickle.dumps(Touch(tmp_path / "PWNED"), protocol=0))
    with h5py.File(path, "a") as file:
        table = file[KEY]
        if where == "group":
            for name in ("encoding", "info" if format == "table" else "errors"):
                table.attrs[name] = code
        elif where == "columns":
            node = table["table"] if format == "table" else table["axis0_level0"]
            node.attrs["values_block_0_kind" if format == "table" else "name"] = code
        else:
            del table["table" if format == "table" else "block0_values"]
            kind = h5py.vlen_dtype(np.uint8)
            node = table.create_dataset(
                "table" if format == "table" else "block0_values", (1,), kind
            )
            node[0] = np.frombuffer(bytes(code), np.uint8)
    try:
        load_keypoints(tmp_path / "{camera}.h5", "deeplabcut")
    except InputError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
    assert not (tmp_path / "PWNED").exists()


def test_plain_values_are_built_and_calls_refused(tmp_path):
    plain = [(1, [("net", "nose", "x"), ("net", "nose", "y")]), {"a": None, "b": 2.5}]
    assert literal(np.bytes_(pickle.dumps(plain, protocol=0)), tmp_path) == plain
    for bad in (pickle.dumps(Touch(tmp_path / "x"), 0), b"(lp0\n", b"", b"\x00\xff", b"g7\n."):
        with pytest.raises(InputError):
            literal(np.bytes_(bad), tmp_path)
    assert not (tmp_path / "x").exists()


def spoiled(path, change):
    written(frame(), path)
    with h5py.File(path, "a") as file:
        change(file[KEY])
    return path


def replace_values(make):
    def change(table):
        del table["block0_values"]
        make(table)

    return change


def external(table):
    table.create_dataset("block0_values", (3, 6), "f8", external=[("/etc/passwd", 0, 144)])


def virtual(table):
    layout = h5py.VirtualLayout((3, 6), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3, 6))
    table.create_virtual_dataset("block0_values", layout)


def references(table):
    table.create_dataset("block0_values", (3, 6), h5py.ref_dtype)


def declared(table):
    table.create_dataset("block0_values", (10**9, 6), "f8", chunks=(1000, 6))


def codes(table):
    table["block0_items_label1"][0] = 77


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replace_values(lambda t: t.__setitem__("block0_values", h5py.SoftLink("/x"))), "a link"),
        (
            replace_values(
                lambda t: t.__setitem__("block0_values", h5py.ExternalLink("b.h5", "/x"))
            ),
            "a link",
        ),
        (replace_values(external), "another file"),
        (replace_values(virtual), "another file"),
        (replace_values(declared), "would need 48 GB"),
        (codes, "labels that do not exist"),
        (lambda table: table.__delitem__("axis1"), "has no axis1"),
    ],
)
def test_what_reaches_beyond_the_file_is_refused(tmp_path, change, said):
    path = spoiled(tmp_path / "a.h5", change)
    with pytest.raises(InputError, match=said) as error:
        load_keypoints(tmp_path / "{camera}.h5", "deeplabcut")
    assert str(path) in str(error.value)


def test_references_are_no_numbers(tmp_path):
    spoiled(tmp_path / "a.h5", replace_values(references))
    with pytest.raises(InputError):
        load_keypoints(tmp_path / "{camera}.h5", "deeplabcut")


def test_a_damaged_file_is_one_line(tmp_path):
    content = bytearray(written(frame(), tmp_path / "whole.h5").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(20):
        mutated = bytearray(content)
        for place in rng.integers(8, len(content), 40):
            mutated[place] = rng.integers(256)
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / "a.h5").write_bytes(mutated)
        try:
            load_keypoints(tmp_path / "x" / "{camera}.h5")
        except InputError as error:
            assert "\n" not in str(error)


def test_a_3d_file_is_no_detections(tmp_path):
    columns = pd.MultiIndex.from_product([["s"], ["nose"], ["x", "y", "z"]], names=NAMES)
    written(pd.DataFrame(np.ones((2, 3)), columns=columns), tmp_path / "a.h5")
    with pytest.raises(InputError, match="3D points"):
        load_keypoints(tmp_path / "{camera}.h5")
