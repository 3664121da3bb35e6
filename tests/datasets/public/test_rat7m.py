"""Rat 7M: MATLAB's transposed matrices, pixels from 1, videos in pieces, shifted cameras."""

import numpy as np
import pytest
from scipy.io import savemat

from mvboot.datasets import public

MARKERS = ("HeadF", "HeadB", "SpineM", "KneeL")
FIRST = {"Camera1": 2, "Camera2": 3}
"""Frame that each camera shows at sample 0."""
PIECE = 5
"""Frames of a video file here; 3500 in the real data set."""


@pytest.fixture
def download(tmp_path, exact, tools):
    folder = tmp_path / "rat7m"
    cameras = exact["true_cameras"](2, unit=1000)
    xyz = exact["moving"](range(9), len(MARKERS), unit=1000)
    xyz[3, 2] = np.nan
    write_mat(folder / "data" / "mocap-s1-d1.mat", cameras, xyz)
    for name in FIRST:
        for start in range(0, 15, PIECE):
            path = folder / "videos" / f"s1-d1-{name.lower()}-{start}.mp4"
            with_numbers = dict(times=8 * np.arange(PIECE), first=start)
            tools["write_numbered"](path, PIECE, **with_numbers)
    return folder, cameras, xyz


@pytest.fixture
def tools(tools):
    """Add a maker of videos whose first picture has another number than 0."""
    import av

    def write_numbered(path, count, times, first):
        tools["write_video"](path, count=1)  # makes the folder
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = tools["W"], tools["H"], "yuv420p"
            stream.bit_rate = 8_000_000
            for number in range(first, first + count):
                picture = tools["numbered"](number)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())

    return tools | {"write_numbered": write_numbered}


def write_mat(path, cameras, xyz):
    path.parent.mkdir(parents=True)
    entries = {}
    for (name, first), camera in zip(FIRST.items(), cameras, strict=True):
        K = camera.K.copy()
        K[:2, 2] += 1
        frame = first + np.arange(len(xyz))
        frame[5:] -= name == "Camera2"  # it shows one frame at two samples
        entries[name] = {
            "IntrinsicMatrix": K.T,
            "rotationMatrix": camera.R.T,
            "translationVector": camera.t[None],
            "RadialDistortion": camera.dist[[0, 1, 4]][None],
            "TangentialDistortion": camera.dist[[2, 3]][None],
            "frame": frame[None],
        }
    mocap = {marker: xyz[:, k] for k, marker in enumerate(MARKERS)}
    savemat(path, {"cameras": entries, "mocap": mocap})


@pytest.fixture
def in_pieces(script):
    """Return the command for videos of `PIECE` frames."""
    command = script("rat7m")["prepare"]
    assert command.__globals__["CHUNK"] == 3500
    command.__globals__["CHUNK"] = PIECE
    return command


def test_instants_across_files(download, in_pieces, opened, tools, tmp_path):
    folder, cameras, xyz = download
    out = tmp_path / "rat"
    arguments = [folder, "--recording", "s1-d1", "--frames", "0..8:2,5", "--out", out]
    assert public.run(in_pieces, [str(argument) for argument in arguments]) == 0
    capture, known = opened(out)
    assert capture.rig.units == "mm" and capture.cameras == tuple(FIRST)
    assert capture.frames.tolist() == [0, 2, 4, 5, 6, 8]
    shown = {"Camera1": [2, 4, 6, 7, 8, 10], "Camera2": [3, 5, 7, 7, 8, 10]}
    for name, numbers in shown.items():
        pictures = [capture.picture(name, frame) for frame in capture.frames.tolist()]
        assert [tools["number_of"](picture) for picture in pictures] == numbers
    assert known.keypoints == MARKERS
    np.testing.assert_allclose(known.xyz[:, 0], xyz[[0, 2, 4, 5, 6, 8]])
    for name, camera in zip(FIRST, cameras, strict=True):
        gap = capture.rig[name].project(known.xyz[:, 0]) - camera.pixels(known.xyz[:, 0])
        assert np.abs(gap).max() < 1e-3


def test_bad_input(download, refused, tmp_path):
    folder, out, usual = download[0], tmp_path / "out", ("--recording", "s1-d1")
    some = (*usual, "--frames", "0..3")
    refused("rat7m", out, folder, *usual, says=["--frames"])
    wrong = ("--recording", "s9-d9", "--frames", "0")
    refused("rat7m", out, folder, *wrong, says=["mocap-s9-d9.mat", "card.md"])
    refused("rat7m", out, folder, *some, "--cameras", "Camera7", says=["no camera Camera7"])
    refused("rat7m", out, folder, *usual, "--frames", "100", says=["frames 0 to 8"])
    (folder / "videos" / "s1-d1-camera2-0.mp4").unlink()
    refused("rat7m", out, folder, *some, says=["s1-d1-camera2-0.mp4", "card.md"])
    path = folder / "data" / "mocap-s1-d1.mat"
    savemat(path, {"cameras": {"Camera1": {"frame": np.arange(9)}}, "mocap": {"HeadF": np.eye(3)}})
    refused("rat7m", out, folder, *usual, "--frames", "0", says=["IntrinsicMatrix", "Camera1"])
    path.write_bytes(path.read_bytes()[:150])
    refused("rat7m", out, folder, *some, says=["mocap-s1-d1.mat", "MATLAB"])
