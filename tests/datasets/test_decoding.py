"""Any frame of a video, exactly, whatever the frame rate, order, process or damage."""

import multiprocessing
import pickle

import numpy as np
import pytest

from mvboot.datasets.decoding import VideoReader
from mvboot.errors import InputError

CASES = {
    "one key frame.mp4": dict(gop=1000),
    "b frames.mp4": dict(gop=25, options={"bf": "3", "b-adapt": "0"}),
    "open gop.mp4": dict(gop=25, options={"x264-params": "open-gop=1:bframes=3:b-adapt=0"}),
    "matroska.mkv": dict(gop=12, options={"x264-params": "open-gop=1:bframes=2"}),
    "transport.ts": dict(gop=20, options={"bf": "2"}),
    "mpeg4.avi": dict(gop=20, codec="mpeg4", times=range(90), base=25),
}


@pytest.mark.parametrize("name", CASES)
def test_frames_are_found_in_any_order(name, tools, tmp_path):
    tools["write_video"](tmp_path / name, **CASES[name])
    reader = VideoReader(tmp_path / name)
    assert reader.file.count == 90
    if not name.endswith("avi"):
        assert np.diff(reader.file.stamps).std() > 0  # the frame rate does vary
    rng = np.random.default_rng(0)
    wanted = [89, 0, *rng.permutation(90)[:40], 30, 31, 33, 33, 60, 12]
    assert [tools["number_of"](reader.read(int(i))) for i in wanted] == wanted


def test_a_stamp_is_needed_exactly_where_the_rate_varies(tools, tmp_path):
    """OpenCV and readers that go by the mean rate land elsewhere: the reason for this reader."""
    path = tmp_path / "v.mp4"
    tools["write_video"](path)
    stamps = VideoReader(path).file.stamps
    by_rate = stamps[0] + np.arange(90) * (stamps[-1] - stamps[0]) / 89
    nearest = np.abs(stamps[:, None] - by_rate).argmin(0)
    assert (nearest != np.arange(90)).mean() > 0.5


def test_a_reader_travels_without_its_open_file(tools, tmp_path):
    path = tmp_path / "v.mp4"
    tools["write_video"](path, gop=10)
    reader = VideoReader(path)
    reader.read(40)
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.file.count == 90  # looked through already
    assert tools["number_of"](copy.read(41)) == 41
    assert tools["number_of"](reader.read(42)) == 42
    reader.close()
    reader.close()
    assert tools["number_of"](reader.read(43)) == 43


def send(reader, index, queue):
    queue.put(reader.read(index))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_forked_processes_do_not_disturb_each_other(tools, tmp_path):
    path = tmp_path / "v.mp4"
    tools["write_video"](path, gop=10)
    reader = VideoReader(path)
    reader.read(10)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=send, args=(reader, 70, queue))
    child.start()
    picture = queue.get()
    child.join()
    assert tools["number_of"](picture) == 70
    assert [tools["number_of"](reader.read(i)) for i in (11, 12, 50)] == [11, 12, 50]


def test_what_cannot_be_read_is_named(tools, tmp_path):
    path = tmp_path / "v.mkv"
    with pytest.raises(InputError, match=r"v\.mkv: cannot be read as a video"):
        VideoReader(path).read(0)
    tools["write_video"](path, gop=10)
    with pytest.raises(InputError, match=r"v\.mkv: has 90 frames, there is no frame 90"):
        VideoReader(path).read(90)
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 900)
    content[middle] = bytes(900)
    path.write_bytes(content)
    reader = VideoReader(path)
    told = 0
    for index in range(reader.file.count):
        try:
            picture = reader.read(index)
        except InputError as error:
            assert "v.mkv" in str(error)
            told += 1
        else:
            assert picture.shape == (48, 64, 3)
    assert told < 60
    assert tools["number_of"](reader.read(3)) == 3  # still fine after the failures
