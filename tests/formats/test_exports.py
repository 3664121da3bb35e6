"""Each form is read back by a reader that is not ours."""

import csv
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from mvboot import InputError
from mvboot.formats.exports import EXPORTS, require_room, save_keypoints3d
from mvboot.formats.trc import Y_UP
from mvboot.geometry import Pose
from mvboot.rig import Rig
from mvboot.synthetic.scene import ring_rig


def ring(away=0.0):
    """Return three cameras about a place this many metres from the world's origin."""
    rig = ring_rig(3, 2.5, 1.0, np.random.default_rng(0))
    moved = Pose(
        torch.eye(3, dtype=torch.float64), torch.tensor([-away, 0, 0], dtype=torch.float64)
    )
    return Rig(
        {n: replace(c, cam_from_world=c.cam_from_world @ moved) for n, c in rig.cameras.items()},
        "m",
    )


def test_anipose_columns_are_exactly_those(make_solved, tmp_path):
    solved = make_solved(1, 3)
    save_keypoints3d(solved, tmp_path / "p.anipose.csv")
    with open(tmp_path / "p.anipose.csv") as stream:
        rows = list(csv.DictReader(stream))
    expected = [
        f"{k}_{part}"
        for k in solved.keypoints
        for part in ("x", "y", "z", "error", "ncams", "score")
    ]
    expected += [f"M_{i}{j}" for i in range(3) for j in range(3)]
    expected += ["center_0", "center_1", "center_2", "fnum"]
    assert list(rows[0]) == expected
    assert [int(row["fnum"]) for row in rows] == [10, 11, 12]
    assert all(row["k0_x"] == "" and row["k0_ncams"] == "" for row in rows)
    assert float(rows[1]["k2_y"]) == solved.xyz[1, 0, 2, 1]
    assert float(rows[1]["k2_ncams"]) == solved.n_views[1, 0, 2]


def test_anipose_holds_one_individual(solved, tmp_path):
    with pytest.raises(InputError, match=r"mia, tom.*--subject"):
        save_keypoints3d(solved, tmp_path / "p.anipose.csv")


@pytest.mark.parametrize("individuals", [1, 2])
def test_deeplabcut(make_solved, tmp_path, individuals):
    solved = make_solved(individuals, 3)
    save_keypoints3d(solved, tmp_path / "p.dlc.h5")
    table = pd.read_hdf(tmp_path / "p.dlc.h5", key="df_with_missing")
    levels = ["scorer", *(["individuals"] if individuals > 1 else []), "bodyparts", "coords"]
    assert list(table.columns.names) == levels
    column = ("mvboot", *(("tom",) if individuals > 1 else ()), "k2", "z")
    assert np.array_equal(table[column], solved.xyz[:, individuals - 1, 2, 2], equal_nan=True)
    assert table.index.tolist() == [10, 11, 12]
    assert table.xs("k0", axis=1, level="bodyparts").isna().all(axis=None)


def read_trc(path):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    header = dict(zip(lines[1], lines[2], strict=True))
    names = [name for name in lines[3][2:] if name]
    values = [[float(cell) if cell else np.nan for cell in line[2:]] for line in lines[6:]]
    return header, names, lines, np.array(values).reshape(len(values), len(names), 3)


def test_trc(make_solved, tmp_path):
    solved = make_solved(2, 3, up=None)
    save_keypoints3d(solved, tmp_path / "p.trc")
    header, names, lines, values = read_trc(tmp_path / "p.trc")
    assert lines[0] == ["PathFileType", "4", "(X/Y/Z)", "p.trc"]
    assert header["NumMarkers"] == "6" and header["NumFrames"] == "3" and header["Units"] == "m"
    assert header["DataRate"] == "25" and header["OrigDataStartFrame"] == "10"
    assert names == [f"{who}_k{k}" for who in ("mia", "tom") for k in range(3)]
    assert lines[4][2:5] == ["X1", "Y1", "Z1"] and lines[5] == [""]
    assert float(lines[6][1]) == 0.4
    assert np.allclose(values, solved.xyz.reshape(3, 6, 3), rtol=1e-8, equal_nan=True)


def test_trc_turns_the_up_axis_to_y_and_centimetres_to_millimetres(make_solved, tmp_path):
    solved = make_solved(1, 2, up="z", units="cm")
    save_keypoints3d(solved, tmp_path / "p.trc")
    header, _, _, values = read_trc(tmp_path / "p.trc")
    x, y, z = np.moveaxis(10 * solved.xyz[:, 0], -1, 0)
    assert header["Units"] == "mm"
    assert np.allclose(values, np.stack([y, z, x], -1), rtol=1e-8, equal_nan=True)


@pytest.mark.parametrize("up", Y_UP)
def test_each_turn_is_a_rotation_that_carries_up_to_y(up):
    from mvboot.rig import UP_AXES

    R = Y_UP[up]
    assert np.allclose(R @ R.T, np.eye(3)) and np.isclose(np.linalg.det(R), 1)
    assert np.allclose(R @ UP_AXES[up], [0, 1, 0])


def test_micrometres_become_millimetres(make_solved, tmp_path):
    solved = make_solved(1, 2, up="y", units="um")
    save_keypoints3d(solved, tmp_path / "p.trc")
    header, _, _, values = read_trc(tmp_path / "p.trc")
    assert header["Units"] == "mm"
    assert np.allclose(values, solved.xyz[:, 0] / 1000, rtol=1e-6, equal_nan=True)


def test_micrometres_become_millimetres_in_c3d(make_solved, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    solved = make_solved(1, 2, units="um")
    save_keypoints3d(solved, tmp_path / "p.c3d")
    points = ezc3d.c3d(str(tmp_path / "p.c3d"))["data"]["points"]
    assert np.allclose(points[:3].T[solved.accepted[:, 0]], solved.xyz[solved.accepted] / 1000)
    assert solved.accepted.any()


@pytest.mark.parametrize("form", ["trc", "c3d"])
def test_a_frame_rate_is_needed(solved, tmp_path, form):
    with pytest.raises(InputError, match="--fps"):
        save_keypoints3d(replace(solved, fps=None), tmp_path / f"p.{form}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keypoints", [4, 300])
def test_c3d(make_solved, tmp_path, keypoints):
    ezc3d = pytest.importorskip("ezc3d")
    solved = make_solved(1, keypoints)
    save_keypoints3d(solved, tmp_path / "p.c3d")
    file = ezc3d.c3d(str(tmp_path / "p.c3d"))
    point = file["parameters"]["POINT"]
    labels = point["LABELS"]["value"] + point.get("LABELS2", {"value": []})["value"]
    assert labels == list(solved.keypoints)
    assert point["UNITS"]["value"] == ["mm"] and point["RATE"]["value"][0] == 25
    assert file["header"]["points"]["first_frame"] == 10
    residual = file["data"]["meta_points"]["residuals"][0].T
    accepted = solved.accepted[:, 0]
    assert (residual[~accepted] == -1).all()
    step = abs(point["SCALE"]["value"][0])
    assert np.abs(residual - 1000 * solved.residual[:, 0])[accepted].max() <= step
    assert step < 0.03, "one byte must still resolve the residuals"
    xyz = file["data"]["points"][:3].transpose(2, 1, 0)
    assert np.allclose(xyz[accepted], 1000 * solved.xyz[:, 0][accepted], atol=1e-3)
    mask = file["data"]["meta_points"]["camera_masks"].transpose(0, 2, 1).astype(bool)
    assert np.array_equal(mask[:, accepted], solved.inliers[:7, :, 0][:, accepted])


@pytest.mark.parametrize(("form", "ending"), [("movement", ""), ("movement-plural", "s")])
def test_movement_netcdf(solved, tmp_path, form, ending):
    xarray = pytest.importorskip("xarray")
    path = tmp_path / f"p{EXPORTS[form].suffix}"
    save_keypoints3d(solved, path)
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        assert data.position.dims == ("time", "space", f"keypoint{ending}", f"individual{ending}")
        assert data.confidence.dims == ("time", f"keypoint{ending}", f"individual{ending}")
        assert data.attrs["ds_type"] == "poses" and data.attrs["fps"] == 25
        chosen = data.position.sel({f"keypoint{ending}": "k2", f"individual{ending}": "tom"})
        assert np.array_equal(chosen, solved.xyz[:, 1, 2], equal_nan=True)
        assert np.allclose(data.time, solved.frames / 25)
        assert bool(data.position.sel({f"keypoint{ending}": "k0"}).isnull().all())


def test_movement_itself_takes_it(make_solved, tmp_path):
    """Checked by hand with movement 0.15 (plural) and 0.17 (singular)."""
    reader = pytest.importorskip("movement.io.load_poses", reason="movement is not installed")
    save_keypoints3d(make_solved(1, 3), tmp_path / "p.anipose.csv")
    data = reader.from_anipose_file(str(tmp_path / "p.anipose.csv"))
    assert data.sizes["space"] == 3 and data.sizes["time"] == 3


def test_the_longest_suffix_decides_and_unknown_ones_are_listed(make_solved, tmp_path):
    solved = make_solved(1, 2)
    for name, form in EXPORTS.items():
        path = tmp_path / f"p{form.suffix}"
        save_keypoints3d(solved, path)
        assert path.stat().st_size > 0, name
    with pytest.raises(InputError, match=r"anipose \(.anipose.csv\)"):
        save_keypoints3d(solved, tmp_path / "p.obj")
    with pytest.raises(InputError, match="unknown export 'obj'"):
        save_keypoints3d(solved, tmp_path / "p.c3d", format="obj")


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (np.arange(66000), "65535 frames at most, there are 66000"),
        (np.arange(70000, 70010), "these are 70000 to 70009"),
        (np.array([3, 4, 9]), "4 is followed by 9"),
    ],
)
def test_limits_of_c3d_are_said(frames, said):
    with pytest.raises(InputError, match=said):
        require_room(["csv", "c3d"], frames, ring())
    require_room(["csv", "trc"], frames, ring())


@pytest.mark.parametrize(("away", "refused"), [(0, False), (50, False), (5e5, True)])
def test_c3d_refuses_a_rig_far_from_the_origin_before_any_work(away, refused):
    """UTM coordinates: a rig 500 km from the origin; one 50 m away loses 2 micrometres."""
    rig = ring(away)
    require_room(["csv", "trc"], np.arange(3), rig)
    with pytest.raises(InputError, match="far from its origin") if refused else nullcontext():
        require_room(["c3d"], np.arange(3), rig)


def test_c3d_refuses_a_world_that_single_precision_rounds(make_solved, tmp_path):
    pytest.importorskip("ezc3d")
    solved = make_solved(1, 3)
    far = replace(solved, xyz=solved.xyz + 5e6)
    with pytest.raises(InputError, match="far from its origin"):
        save_keypoints3d(far, tmp_path / "p.c3d")
    assert not (tmp_path / "p.c3d").exists()


def test_trc_keeps_a_world_far_from_the_origin(make_solved, tmp_path):
    solved = make_solved(1, 3)
    far = replace(solved, xyz=solved.xyz + 5e6, up="y")
    save_keypoints3d(far, tmp_path / "p.trc")
    found = read_trc(tmp_path / "p.trc")[3]
    assert np.nanmax(np.abs(found - far.xyz[:, 0])) < 1e-6


@pytest.mark.parametrize("form", ["trc", "c3d"])
@pytest.mark.parametrize("name", ["nose\tx", "nose\n99", "a\0"])
def test_names_that_would_break_the_rows_are_refused(make_solved, tmp_path, form, name):
    solved = make_solved(1, 3)
    wrong = replace(solved, keypoints=(name, *solved.keypoints[1:]))
    with pytest.raises(InputError, match="tabs or line ends"):
        save_keypoints3d(wrong, tmp_path / f"p.{form}")
    assert list(tmp_path.iterdir()) == []
