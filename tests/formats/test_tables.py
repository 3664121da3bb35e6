from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mvboot import InputError, Keypoints2D, load_keypoints
from mvboot.formats import keypoints2d_table
from mvboot.formats.keypoints2d_table import Keypoints2DFile, read_keypoints2d, write_keypoints2d
from mvboot.formats.keypoints3d_table import Keypoints3DWriter, read_keypoints3d, write_keypoints3d
from mvboot.formats.tables import with_metadata


def detections(seed=0):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 900, (3, 7, 2, 4, 2))
    confidence = rng.uniform(0.1, 1, xy.shape[:-1])
    gone = rng.random(confidence.shape) < 0.3
    xy[gone], confidence[gone] = np.nan, np.nan
    xy[:, 2], confidence[:, 2] = np.nan, np.nan
    names = ("naïve 2", "b", "c")
    return Keypoints2D(names, np.arange(7) * 3 + 4, ("mia", "tom"), tuple("wxyz"), xy, confidence)


def same(a, b):
    return all(
        np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True)
        for n in ("frames", "xy", "confidence")
    ) and (a.cameras, a.individuals, a.keypoints) == (b.cameras, b.individuals, b.keypoints)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_2d_round_trip(tmp_path, suffix):
    path = tmp_path / f"k.{suffix}"
    write_keypoints2d(detections(), path)
    assert same(read_keypoints2d(path), detections())
    assert load_keypoints(path).source["format"] == "mvboot"


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_2d_covariances_come_back(tmp_path, suffix):
    plain = detections()
    sizes = np.random.default_rng(1).uniform(1, 9, plain.confidence.shape)
    covariance = sizes[..., None, None] * np.array([[2.0, -0.3], [-0.3, 1.0]])
    covariance[~plain.present] = np.nan
    exact = replace(plain, covariance=covariance)
    path = tmp_path / f"k.{suffix}"
    write_keypoints2d(exact, path)
    found = read_keypoints2d(path)
    assert same(found, exact)
    assert np.array_equal(found.covariance, covariance, equal_nan=True)
    write_keypoints2d(plain, path)
    assert read_keypoints2d(path).covariance is None


def test_a_header_that_names_nothing_is_one_line(tmp_path):
    schema = with_metadata(pa.schema([("x", pa.float64())]), {"kind": "keypoints2d"})
    with pq.ParquetWriter(tmp_path / "k.parquet", schema) as writer:
        for _ in range(2):
            writer.write_table(pa.table({"x": [1.0]}, schema=schema))
    with pytest.raises(InputError, match=r"k\.parquet: is no readable mvboot table"):
        Keypoints2DFile.open(tmp_path / "k.parquet")


def test_a_parquet_table_that_asks_for_all_memory_is_refused(tmp_path):
    rows = 40_000_000
    column = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), pa.array([1.0]))
    pq.write_table(pa.table({"x": column}), tmp_path / "k.parquet")
    with pytest.raises(InputError, match=r"would need 320 MB.*40000000 rows x 1 columns"):
        read_keypoints2d(tmp_path / "k.parquet")


def test_a_2d_table_of_somebody_else_in_any_order(tmp_path):
    write_keypoints2d(detections(), tmp_path / "k.parquet")
    table = pd.read_parquet(tmp_path / "k.parquet").sample(frac=1, random_state=0).dropna()
    table.to_parquet(tmp_path / "foreign.parquet")
    found = load_keypoints(tmp_path / "foreign.parquet").for_cameras(detections().cameras)
    keep = [0, 1, 3, 4, 5, 6]  # nothing was seen in the third frame, so its rows are gone
    order = [found.keypoints.index(name) for name in "wxyz"]
    who = [found.individuals.index(name) for name in ("mia", "tom")]
    assert np.array_equal(
        found.xy[:, :, who][:, :, :, order], detections().xy[:, keep], equal_nan=True
    )


def test_a_2d_file_is_streamed_in_whole_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(keypoints2d_table, "ROWS_PER_GROUP", 48)
    write_keypoints2d(detections(), tmp_path / "k.parquet")
    file = Keypoints2DFile.open(tmp_path / "k.parquet")
    assert file is not None and file.frame_count == 7
    blocks = list(file.chunks(points=16))
    assert len(blocks) == 4 and all(block.cameras == detections().cameras for block in blocks)
    assert np.array_equal(
        np.concatenate([block.xy for block in blocks], axis=1), detections().xy, equal_nan=True
    )
    sample = file.sample(24, np.random.default_rng(0))
    rows = np.searchsorted(detections().frames, sample.frames)
    assert np.array_equal(sample.xy, detections().xy[:, rows], equal_nan=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("x", "wide", "no number"),
        ("frame", 1.5, "whole numbers"),
        ("confidence", 1.5, "outside"),
        ("camera", None, "without a name"),
        ("y", np.inf, "infinite"),
    ],
)
def test_2d_rows_that_make_no_sense(tmp_path, column, value, message):
    write_keypoints2d(detections(), tmp_path / "k.csv")
    table = pd.read_csv(tmp_path / "k.csv").dropna().astype({column: object})
    table.loc[table.index[3], column] = value
    table.to_csv(tmp_path / "k.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_keypoints2d(tmp_path / "k.csv")


def test_3d_round_trip(solved, tmp_path):
    write_keypoints3d(solved, tmp_path / "p.parquet")
    back = read_keypoints3d(tmp_path / "p.parquet")
    for name in ("frames", "xyz", "error_px", "residual", "score", "covariance", "inliers"):
        assert np.array_equal(getattr(back, name), getattr(solved, name), equal_nan=True), name
    for name in ("individuals", "keypoints", "cameras", "units", "up", "fps", "provenance"):
        assert getattr(back, name) == getattr(solved, name), name
    assert (back.reason == solved.reason).all()


def test_the_3d_table_has_the_columns_of_the_contract_and_every_row(solved, tmp_path):
    write_keypoints3d(solved, tmp_path / "p.parquet")
    write_keypoints3d(solved, tmp_path / "p.csv")
    for table in (pd.read_parquet(tmp_path / "p.parquet"), pd.read_csv(tmp_path / "p.csv")):
        assert {
            *("frame", "individual", "keypoint", "x", "y", "z", "error_px", "n_views", "score"),
            *("cov_xx", "cov_xy", "cov_xz", "cov_yy", "cov_yz", "cov_zz", "reason"),
        } <= set(table)
        assert len(table) == solved.accepted.size
        row = table[(table.frame == 11) & (table.individual == "tom") & (table.keypoint == "k2")]
        assert np.allclose(row[["x", "y", "z"]].to_numpy()[0], solved.xyz[1, 1, 2])
        assert table["x"].isna().sum() == (~solved.accepted).sum()
        assert (table["x"].isna() == (table["reason"].fillna("") != "")).all()


def test_blocks_become_row_groups(solved, tmp_path):
    with Keypoints3DWriter(tmp_path / "p.parquet") as writer:
        for f in range(3):
            part = {
                name: getattr(solved, name)[[f]]
                for name in (
                    "frames",
                    "xyz",
                    "error_px",
                    "residual",
                    "score",
                    "covariance",
                    "reason",
                )
            }
            writer.write(replace(solved, inliers=solved.inliers[:, [f]], **part))
    assert pq.read_metadata(tmp_path / "p.parquet").num_row_groups == 3
    back = read_keypoints3d(tmp_path / "p.parquet")
    assert np.array_equal(back.xyz, solved.xyz, equal_nan=True)
    assert np.array_equal(back.inliers, solved.inliers)


def test_an_interrupted_write_leaves_nothing(solved, tmp_path):
    with pytest.raises(RuntimeError), Keypoints3DWriter(tmp_path / "p.parquet") as writer:
        writer.write(solved)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_3d_table_without_our_header_or_cut_off_is_refused(solved, tmp_path):
    write_keypoints3d(solved, tmp_path / "p.parquet")
    pd.read_parquet(tmp_path / "p.parquet").to_parquet(tmp_path / "bare.parquet")
    data = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:-200])
    for name in ("bare", "cut"):
        with pytest.raises(InputError, match=name):
            read_keypoints3d(tmp_path / f"{name}.parquet")


def test_names_that_are_no_text_are_refused_in_one_line(tmp_path):
    names = pa.array([b"\xff\xfe"] * 2, pa.binary()).view(pa.string())
    columns = {name: names for name in ("camera", "individual", "keypoint")}
    columns |= {"frame": pa.array([0, 1])}
    columns |= {name: pa.array([0.5, 0.5]) for name in ("x", "y", "confidence")}
    pq.write_table(pa.table(columns), tmp_path / "k.parquet")
    with pytest.raises(InputError, match=r"k.parquet: is no readable table of 2D keypoints"):
        read_keypoints2d(tmp_path / "k.parquet")
