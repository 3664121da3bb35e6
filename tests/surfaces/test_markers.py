from dataclasses import replace

import numpy as np
import pytest
from worm import make_worm, worm_surface

from mvboot.errors import InputError
from mvboot.formats import save_keypoints3d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.surfaces.fit import Lost
from mvboot.surfaces.markers import Markers, marker_paths
from mvboot.surfaces.visibility import visible_vertices

SPOTS = {"tip": "vertex:365", "side": "face:45:0.2,0.3,0.5", "mark": "uv:right:0.5,0.5"}


@pytest.fixture(scope="module")
def worm():
    return make_worm()


@pytest.fixture(scope="module")
def surfaces(worm):
    return [worm_surface(worm, seed) for seed in range(4)]


@pytest.fixture
def paths(worm, ball, surfaces):
    frames = [(10 + row, {"worm": surface}) for row, surface in enumerate(surfaces)]
    return marker_paths(frames, Markers.of(SPOTS, worm), worm, ball.rig, fps=50)


def expected(worm, surfaces):
    located = worm.locate(np.array(2), np.array([0.5, 0.5]))
    places = []
    for surface in surfaces:
        v = surface.vertices
        side = np.array([0.2, 0.3, 0.5]) @ v[worm.faces[45]]
        places.append([v[365], side, worm.points(located, v)])
    return np.array(places)


def test_paths_are_those_of_the_surface(worm, ball, surfaces, paths):
    np.testing.assert_allclose(paths.xyz[:, 0], expected(worm, surfaces), atol=1e-12)
    assert paths.keypoints == ("tip", "side", "mark")
    assert paths.frames.tolist() == [10, 11, 12, 13]
    np.testing.assert_allclose(paths.covariance, np.broadcast_to(1e-4 * np.eye(3), (4, 1, 3, 3, 3)))
    np.testing.assert_allclose(paths.error_px, 1.5)
    assert paths.accepted.all()
    sees = visible_vertices(surfaces[2].vertices, worm.faces, ball.rig)
    np.testing.assert_array_equal(paths.inliers[:, 2, 0, 0], sees[:, 365])
    np.testing.assert_array_equal(paths.inliers[:, 2, 0, 1], sees[:, worm.faces[45]].all(1))
    away = np.mean([np.linalg.norm(c.center.numpy() - paths.xyz[0, 0, 0]) / c.K[0, 0]
                    for c in ball.rig.cameras.values()])  # fmt: skip
    assert paths.residual[0, 0, 0] == pytest.approx(1.5 * away)


def test_trc_and_c3d_hold_the_paths(worm, surfaces, paths, tmp_path):
    true = expected(worm, surfaces)
    save_keypoints3d(paths, tmp_path / "m.trc")
    lines = [line.split("\t") for line in (tmp_path / "m.trc").read_text().splitlines()]
    assert [name for name in lines[3][2:] if name] == ["tip", "side", "mark"]
    read = np.array([[float(cell) for cell in line[2:]] for line in lines[6:]]).reshape(4, 3, 3)
    np.testing.assert_allclose(read, true[..., [1, 2, 0]], atol=1e-8)  # y up
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed (extra export)")
    save_keypoints3d(paths, tmp_path / "m.c3d")
    file = ezc3d.c3d(str(tmp_path / "m.c3d"))
    assert file["parameters"]["POINT"]["LABELS"]["value"] == ["tip", "side", "mark"]
    read = file["data"]["points"][:3].transpose(2, 1, 0)
    np.testing.assert_allclose(read, 1000 * true, atol=1e-3)


@pytest.mark.parametrize("suffix", [".csv", ".anipose.csv", ".dlc.h5", ".nc", ".plural.nc"])
def test_every_form_takes_them(paths, tmp_path, suffix):
    save_keypoints3d(paths, tmp_path / f"m{suffix}")
    assert (tmp_path / f"m{suffix}").stat().st_size > 0


def test_our_own_table_comes_back(paths, tmp_path):
    save_keypoints3d(paths, tmp_path / "m.parquet")
    back = read_keypoints3d(tmp_path / "m.parquet")
    np.testing.assert_array_equal(back.xyz, paths.xyz)
    np.testing.assert_array_equal(back.inliers, paths.inliers)
    assert back.provenance["template"] == paths.provenance["template"]


def test_carried_spots_are_missing_unless_kept(worm, ball, surfaces, tmp_path):
    carried, unknown = np.zeros(len(worm.vertices), bool), surfaces[0].covariance.copy()
    carried[worm.faces[45, 1]], unknown[worm.faces[45, 1]] = True, np.nan
    error = np.where(carried, np.nan, 1.5)
    surface = replace(surfaces[0], carried=carried, covariance=unknown, error_px=error)
    markers = Markers.of({**SPOTS, "end": "face:45:0.5,0,0.5"}, worm)
    frames = [(0, {"worm": surface})]
    found = marker_paths(frames, markers, worm, ball.rig, fps=50)
    assert found.accepted[0, 0].tolist() == [True, False, True, True]
    assert "carried" in found.reason[0, 0, 1]
    assert not found.inliers[:, 0, 0, 1].any()
    kept = marker_paths(frames, markers, worm, ball.rig, fps=50, keep_carried=True)
    np.testing.assert_allclose(
        kept.xyz[0, 0, 1], np.array([0.2, 0.3, 0.5]) @ surface.vertices[worm.faces[45]]
    )
    assert kept.score[0, 0].tolist() == [1, 0, 1, 1]
    assert kept.residual[0, 0, 1] == 0
    assert np.isnan(kept.covariance[0, 0, 1]).all()
    save_keypoints3d(kept, tmp_path / "m.c3d")


def test_who_is_lost_or_absent_is_missing(worm, ball, surfaces):
    markers = Markers.of(SPOTS, worm)
    frames = [
        (0, {"tom": surfaces[0], "mia": Lost("3 of the 372 vertices are seen")}),
        (1, {"mia": surfaces[1]}),
    ]
    found = marker_paths(frames, markers, worm, ball.rig)
    assert found.individuals == ("tom", "mia")
    assert found.accepted[..., 0].tolist() == [[True, False], [False, True]]
    assert "3 of the 372" in found.reason[0, 1, 0]
    assert "not in this frame" in found.reason[1, 0, 0]


@pytest.mark.parametrize(
    ("spot", "message"),
    [
        ("vertex:x", "is no spot"),
        ("vertex:-1", "no vertex -1"),
        ("face:45:0.2,0.3", "is no spot"),
        ("face:45:0.2,0.3,0.6", "sum to one"),
        ("face:45:-0.2,0.6,0.6", "must not be negative"),
        ("face:9999:1,0,0", "no face 9999"),
        ("uv:3:0.5,0.5", "no part 3"),
        ("uv:0:0.5,0.5", "numbered from 1"),
        ("uv:nose:0.5,0.5", "is no spot"),
        ("uv:1:5,5", "beside the chart"),
        ("uv:1:nan,0.5", "is no spot"),
        ("edge:1", "is no spot"),
    ],
)
def test_spots_that_are_not_understood(worm, spot, message):
    with pytest.raises(InputError, match=f"^marker 'tip': .*{message}"):
        Markers.of({"tip": spot}, worm)


def test_nothing_to_mark(worm, ball):
    with pytest.raises(InputError, match="no virtual markers"):
        Markers.of({}, worm)
    with pytest.raises(InputError, match="no charts"):
        Markers.of({"tip": "uv:1:0.5,0.5"}, ball.template)
    with pytest.raises(InputError, match="no frame"):
        marker_paths([], Markers.of(SPOTS, worm), worm, ball.rig)
