"""Advice of ``mvboot inspect`` and ``mvboot capture`` on meshes and folders, typed as printed."""

import re
import shlex
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
import trimesh

from mvboot import save_rig
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.synthetic.scene import ring_rig

FRAMES = 40
"""So many that some can validate."""


def advised(text, **places):
    """Return the words of the command between backquotes, with places put in."""
    words = shlex.split(re.search("`mvboot (.*?)`", text)[1])
    return [str(places.get(word, word)) for word in words]


@pytest.mark.parametrize("suffix", ["obj", "off", "ply", "stl", "glb", "npz"])
def test_a_mesh_becomes_a_template(mvboot, tmp_path, suffix):
    ball = trimesh.creation.icosphere(subdivisions=2)
    path = tmp_path / f"my ball.{suffix}"
    if suffix == "npz":
        np.savez(path, vertices=np.array(ball.vertices), faces=np.array(ball.faces))
    else:
        ball.export(path)
    told = mvboot("inspect", path)
    assert told.code == 2 and "is a mesh that says nothing of itself" in told.err
    assert mvboot(*advised(told.err)).code == 0
    assert "kind: template" in mvboot("inspect", tmp_path / "my ball_template.npz").out


@pytest.fixture
def rig(tmp_path):
    ring = ring_rig(2, 3.0, 1.5, np.random.default_rng(0))
    found = replace(ring, cameras={n: c.resized((64, 48)) for n, c in ring.cameras.items()})
    save_rig(found, tmp_path / "rig.yaml")
    return found


def pictures(folder, rig):
    for name in rig.names:
        (folder / name).mkdir(parents=True)
        for frame in range(FRAMES):
            cv2.imwrite(str(folder / name / f"{frame}.png"), np.zeros((48, 64), np.uint8))


def videos(folder, rig):
    folder.mkdir()
    for name in rig.names:
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for _ in range(FRAMES):
                black = np.zeros((48, 64), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(black, format="gray")))
            container.mux(stream.encode())


@pytest.mark.parametrize("film", [pictures, videos])
def test_a_folder_of_footage_becomes_a_capture(mvboot, tmp_path, rig, film):
    folder, out = tmp_path / "my film", tmp_path / "capture"
    film(folder, rig)
    told = mvboot("inspect", folder)
    assert told.code == 2 and f"a folder of {film.__name__}, no result" in told.err
    assert mvboot(*advised(told.err, RIG=tmp_path / "rig.yaml", OUT=out)).code == 0
    start = ("capture", "--rig", tmp_path / "rig.yaml", "--out", tmp_path / "again", "--overwrite")
    for words in ([folder], ["--images", folder], ["--videos", folder]):
        refused = mvboot(*start, *words)
        assert refused.code == 2 and " say --" in refused.err
        mended = shlex.split(refused.err.partition(" say ")[2])
        assert mvboot(*start, *mended).code == 0


def test_a_folder_of_detections_is_triangulated(mvboot, tmp_path, walker):
    folder = tmp_path / "labels"
    folder.mkdir()
    write_keypoints2d(walker.detections, folder / "found.parquet")
    told = mvboot("inspect", folder)
    assert told.code == 2 and "a folder of detections" in told.err
    assert mvboot(*advised(told.err, RIG=walker.rig, OUT=tmp_path / "out")).code == 0
    start = ("capture", "--rig", walker.rig, "--out", tmp_path / "capture")
    assert "holds detections: --images or --videos" in mvboot(*start, "--images", folder).err


def test_rigs_and_empty_folders_are_told(mvboot, tmp_path, walker):
    save_rig(walker.scene.rig, tmp_path / "their rig", "opencv")
    told = mvboot("inspect", tmp_path / "their rig")
    assert told.code == 2 and mvboot(*advised(told.err), "--units", "m").code == 0
    (tmp_path / "empty").mkdir()
    assert "is an empty folder" in mvboot("inspect", tmp_path / "empty").err
    assert "is an empty folder" in mvboot("capture", tmp_path / "empty").err
    assert "no such file or folder" in mvboot("inspect", tmp_path / "nowhere").err
