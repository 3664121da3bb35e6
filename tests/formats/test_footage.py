"""Footage: pictures and videos of several cameras, and the instants that they share."""

import dataclasses
import pickle

import av
import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mvboot.datasets.decoding import VideoReader
from mvboot.errors import InputError
from mvboot.formats import video
from mvboot.formats.footage import frame_notes, in_step, open_pictures, open_videos
from mvboot.formats.pictures import header_size, read_colour, read_gray
from mvboot.formats.timestamps import LEFT_OUT, instants_of_times
from mvboot.formats.video import open_video

W, H, STEP = 48, 32, 8


def still(number, width=W, height=H):
    """Return a gray picture that tells its number: 8 per count; its top left quarter is white."""
    picture = np.full((height, width), STEP * number, dtype=np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


def number_of(picture):
    return round(float(picture[-H // 4 :, -W // 4 :].mean()) / STEP)


def write_picture(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(path.suffix, picture)[1]
    path.write_bytes(encoded.tobytes())


def write_video(path, count=10, codec="libx264", rotation=0, size=(W, H)):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(still(number, *size), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def seen(footage, numbers=None):
    """Return {instant: number that the picture shows}."""
    return {instant: number_of(picture) for instant, picture in footage.pictures(numbers)}


# --- pictures


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".webp"])
def test_pictures_come_in_order_of_their_numbers(suffix, tmp_path):
    for camera in ("left", "rückseite"):
        for number in (12, 3, 7):
            write_picture(tmp_path / camera / f"t9-{number}{suffix}", still(number))
    found = open_pictures(f"{tmp_path}/{{camera}}/*{suffix}")
    assert list(found) == ["left", "rückseite"]
    for name, footage in found.items():
        assert (footage.camera, footage.size) == (name, (W, H))
        assert footage.numbers.tolist() == [3, 7, 12]
        assert footage.numbers.dtype == np.int64
        assert list(seen(footage)) == [3, 7, 12]
        assert seen(footage) == {3: 3, 7: 7, 12: 12}
        assert seen(footage, [12, 5, 3]) == {3: 3, 12: 12}
        assert seen(footage, []) == {}
        assert seen(pickle.loads(pickle.dumps(footage)), [7]) == {7: 7}
    assert frame_notes(found) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_of_another_size_is_refused_at_opening(suffix, tmp_path):
    write_picture(tmp_path / f"a1{suffix}", still(1))
    write_picture(tmp_path / f"a2{suffix}", still(2, H, W))
    with pytest.raises(
        InputError, match=rf"a: .*a2{suffix} has 32 x 48 px, but .*a1{suffix} 48 x 32 .turned by 90"
    ):
        open_pictures(f"{tmp_path}/{{camera}}{{frame}}{suffix}")
    write_picture(tmp_path / f"a2{suffix}", still(2, W + 2, H))
    with pytest.raises(InputError, match=r"50 x 32 px, but .* 48 x 32; all"):
        open_pictures(f"{tmp_path}/{{camera}}{{frame}}{suffix}")


def test_a_picture_of_another_size_is_refused_when_read(tmp_path):
    write_picture(tmp_path / "a1.bmp", still(1))
    write_picture(tmp_path / "a2.bmp", still(2, H, W))
    footage = open_pictures(f"{tmp_path}/{{camera}}{{frame}}.bmp")["a"]
    with pytest.raises(InputError, match="turned by 90"):
        list(footage.pictures())


def exif(path, orientation, order="big"):
    """Put an orientation tag, behind an unrelated one, into a JPEG."""
    mark = b"MM" if order == "big" else b"II"
    fields = [(0x0100, 9), (0x0112, orientation)]
    entries = b"".join(
        tag.to_bytes(2, order) + (3).to_bytes(2, order) + (1).to_bytes(4, order)
        + value.to_bytes(2, order) + bytes(2)
        for tag, value in fields
    )  # fmt: skip
    head = mark + (42).to_bytes(2, order) + (8).to_bytes(4, order)
    content = b"Exif\0\0" + head + len(fields).to_bytes(2, order) + entries + bytes(4)
    jpeg = path.read_bytes()
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tags_are_applied(orientation, order, tmp_path):
    path = tmp_path / "a1.jpg"
    write_picture(path, still(3))
    exif(path, orientation, order)
    (footage,) = open_pictures(f"{tmp_path}/{{camera}}{{frame}}.jpg").values()
    assert footage.size == header_size(path) == ((H, W) if orientation >= 5 else (W, H))
    ((_, picture),) = footage.pictures()
    white = picture > 128
    rows, columns = (np.flatnonzero(white.any(axis)) for axis in (1, 0))
    right = orientation in (2, 3, 6, 7)
    below = orientation in (3, 4, 7, 8)
    assert (columns.min() > 0, rows.min() > 0) == (right, below)


def test_deep_pictures_are_scaled_to_their_maximum(tmp_path):
    path = tmp_path / "a1.png"
    write_picture(path, np.uint16([[0, 512], [1024, 4095]]))
    assert read_gray(path).tolist() == [[0, 32], [64, 255]]
    write_picture(path, np.zeros((2, 2), np.uint16))
    assert read_gray(path).tolist() == [[0, 0], [0, 0]]


def test_colours_are_red_green_blue_and_deep_ones_scaled(tmp_path):
    path = tmp_path / "a1.png"
    write_picture(path, np.uint8([[[10, 20, 30]]]))  # blue, green, red, as OpenCV has them
    assert read_colour(path).tolist() == [[[30, 20, 10]]]
    write_picture(path, np.uint16([[[0, 1024, 4095]]]))
    assert read_colour(path).tolist() == [[[255, 64, 0]]]
    path.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a1\.png: cannot be read as a picture"):
        read_colour(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("kept", [0, 3, 30, -40])
def test_a_damaged_picture_is_named(suffix, kept, tmp_path):
    rng = np.random.default_rng(0)
    for number in (1, 2):
        write_picture(tmp_path / f"a{number}{suffix}", rng.integers(0, 255, (H, W), np.uint8))
    path = tmp_path / f"a2{suffix}"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=rf"a2{suffix}: cannot be read"):
        list(open_pictures(f"{tmp_path}/{{camera}}{{frame}}{suffix}")["a"].pictures())


def test_a_header_that_breaks_off_tells_no_size(tmp_path):
    path = tmp_path / "a1.jpg"
    write_picture(path, still(1))
    exif(path, 6)
    whole = path.read_bytes()
    start = whole.index(b"\xff\xc0") + 9
    for length in range(start):
        path.write_bytes(whole[:length])
        assert header_size(path) is None
    path.write_bytes(whole[:start])
    assert header_size(path) == (H, W)
    assert header_size(tmp_path / "none.jpg") is None


# --- videos


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.avi", "libx264"), ("a.mkv", "libx264"),
     ("a.h264", "libx264"), ("a.mov", "mpeg4")],
)  # fmt: skip
def test_frames_of_a_video_are_counted_exactly(name, codec, tmp_path):
    write_video(tmp_path / name, 20, codec)
    found = open_videos(f"{tmp_path}/{{camera}}.{name[2:]}")
    footage = found["a"]
    assert footage.size == (W, H)
    assert footage.numbers.tolist() == list(range(20))
    assert seen(footage) == {number: number for number in range(20)}
    assert seen(footage, [17, 4]) == {4: 4, 17: 17}
    assert seen(footage, [400]) == {}
    assert seen(pickle.loads(pickle.dumps(footage)), [7]) == {7: 7}
    assert frame_notes(found) == []


def test_gray_values_span_the_whole_range(tmp_path):
    write_video(tmp_path / "a.mp4", 3)
    (picture,) = (picture for _, picture in open_video(tmp_path / "a.mp4").pictures([0]))
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture[2, 2] > 250
    assert picture[-2, -2] < 5


LIMITED, FULL = 1, 2
RANGES = [
    *(("ffv1", kind, bits) for kind, bits in (("gray", 8), ("gray10le", 10), ("gray12le", 12))),
    *(("ffv1", f"yuv420p{bits}le", bits) for bits in (10, 12)),
    *(("ffv1", "yuv420p", 8), ("libx264", "yuv444p", 8), ("libx264", "yuv422p10le", 10)),
]


def write_ramp(path, codec, kind, bits, spread):
    """Write black to white along x as luma of limited or full range, tagged so; colours gray."""
    ramp = np.tile(np.linspace(0, 1, W), (H, 1))
    one = 1 << (bits - 8)
    luma = ramp * (256 * one - 1) if spread == FULL else (16 + 219 * ramp) * one
    values = np.uint16 if bits > 8 else np.uint8
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, kind
        stream.options = {"qp": "0"} if codec == "libx264" else {}
        stream.codec_context.color_range = spread
        frame = av.VideoFrame(W, H, kind)
        frame.color_range = spread
        for plane, values_there in zip(frame.planes, (luma, None, None), strict=False):
            row = plane.line_size // np.dtype(values).itemsize
            filled = np.full((plane.height, row), 128 * one, values)
            if values_there is not None:
                filled[:, :W] = np.rint(values_there)
            plane.update(filled.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return np.rint(255 * ramp)


@pytest.mark.parametrize("spread", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize(("codec", "kind", "bits"), RANGES)
def test_black_is_black_and_white_is_white_in_every_range(tmp_path, codec, kind, bits, spread):
    path = tmp_path / "v.mkv"
    ramp = write_ramp(path, codec, kind, bits, spread)
    ((_, gray),) = open_video(path).pictures([0])
    colours = VideoReader(path).read(0)
    assert (gray[0, 0], gray[0, -1]) == (0, 255)
    assert colours[0, 0].tolist() == [0, 0, 0] and colours[0, -1].tolist() == [255, 255, 255]
    assert np.abs(gray - ramp).max() <= 1.5
    assert np.abs(colours - ramp[..., None]).max() <= 1.5


@pytest.mark.parametrize("kind", ["yuv444p", "yuv444p10le", "yuv444p12le"])
def test_deep_colours_are_red_green_blue_too(tmp_path, kind):
    wanted = np.broadcast_to(np.uint8([200, 90, 30]), (H, W, 3))
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, kind
        container.mux(stream.encode(av.VideoFrame.from_ndarray(wanted, format="rgb24")))
        container.mux(stream.encode())
    assert np.abs(VideoReader(tmp_path / "v.mkv").read(0) - wanted.astype(float)).max() <= 3


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotations_of_phones_are_applied(rotation, tmp_path):
    write_video(tmp_path / "a.mp4", 2, rotation=rotation)
    video = open_video(tmp_path / "a.mp4")
    assert video.size == ((W, H) if rotation == 180 else (H, W))
    ((_, picture),) = video.pictures([1])
    expected = np.rot90(still(1), rotation // 90)
    assert np.abs(picture.astype(int) - expected).mean() < 5


def test_videos_of_different_length_are_opened_and_noted(tmp_path):
    write_video(tmp_path / "left.mp4", 10)
    write_video(tmp_path / "right.mp4", 8)
    found = open_videos(f"{tmp_path}/{{camera}}.mp4")
    (note,) = frame_notes(found)
    assert "left 10, right 8" in note
    assert "--timestamps" in note


def test_several_files_of_a_camera_are_refused(tmp_path):
    for take in (1, 2):
        write_video(tmp_path / "a" / f"{take}.mp4", 1)
    with pytest.raises(InputError, match=r"2 files belong to camera a: .*1.mp4, .*2.mp4; narrow"):
        open_videos(f"{tmp_path}/{{camera}}/*.mp4")


@pytest.mark.parametrize("kept", [0, 10, 1000, -200])
def test_a_broken_video_is_named(kept, tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a\.mp4: (cannot be read as a video \(.*\)|holds no )"):
        open_videos(f"{tmp_path}/{{camera}}.mp4")


def test_a_damaged_frame_is_refused_when_read(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path)
    with av.open(str(path)) as container:
        start, size = [(packet.pos, packet.size) for packet in container.demux(video=0)][4]
    whole = bytearray(path.read_bytes())
    whole[start : start + size] = bytes(size)
    path.write_bytes(whole)
    footage = open_videos(f"{tmp_path}/{{camera}}.mp4")["a"]
    assert len(footage.numbers) == 10
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read as a video \(.*\); re-encode"):
        list(footage.pictures())


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(InputError, match=r"a\.mp4: "):
        open_video(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "b.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(InputError, match="holds no video"):
        open_video(tmp_path / "b.wav")
    with pytest.raises(InputError, match="cannot be read"):
        open_video(tmp_path / "none.mp4")


def test_a_lost_frame_is_missed_and_not_made_up_for(tmp_path):
    write_video(tmp_path / "a.mp4", 6)
    video = open_video(tmp_path / "a.mp4")
    one_more = np.insert(video.stamps, 3, video.stamps[3] - 1)
    lossy = dataclasses.replace(video, stamps=one_more, count=7)
    assert {i: number_of(p) for i, p in lossy.pictures([2, 4, 6])} == {2: 2, 4: 3, 6: 5}
    with pytest.raises(InputError, match="frame 3 of 7 cannot be decoded"):
        list(lossy.pictures(range(7)))
    jumbled = dataclasses.replace(video, stamps=video.stamps[1:], count=5)
    with pytest.raises(InputError, match="out of order"):
        list(jumbled.pictures([4]))


def test_a_video_that_changes_its_size_is_refused(tmp_path):
    write_video(tmp_path / "a.h264", 3)
    write_video(tmp_path / "b.h264", 3, size=(W, W))
    both = (tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes()
    (tmp_path / "c.h264").write_bytes(both)
    with pytest.raises(InputError, match="frame 3 has 48 x 48 px, the first 48 x 32"):
        list(open_video(tmp_path / "c.h264").pictures(range(6)))


# --- frame maps


@pytest.fixture
def two(tmp_path):
    """Return the pattern of videos cam_0 with 4 and cam_1 with 3 frames, and a path of a table."""
    write_video(tmp_path / "cam_0.mp4", 4)
    write_video(tmp_path / "cam_1.mp4", 3)
    return str(tmp_path / "{camera}.mp4"), tmp_path / "timestamps.csv"


def write_table(path, columns, *rows):
    pd.DataFrame(list(rows), columns=columns.split(",")).to_csv(path, index=False)
    return path


CALISCOPE = "sync_index,cam_id,frame_time"
OWN = "camera,frame,time"
INDEXED = [(5, 0, 0.5), (5, 1, 0.51), (6, 0, 0.6), (7, 0, 0.7), (7, 1, 0.7), (9, 1, 9), (9, 0, 9)]


def test_caliscope_sync_indices_are_instants(two):
    pattern, path = two
    write_table(path, CALISCOPE, *INDEXED)
    found = open_videos(pattern, path)
    assert seen(found["cam_0"]) == {5: 0, 6: 1, 7: 2, 9: 3}
    assert seen(found["cam_1"]) == {5: 0, 7: 1, 9: 2}
    assert seen(found["cam_1"], [5, 6, 9]) == {5: 0, 9: 2}
    assert frame_notes(found) == []
    bare = open_videos(pattern.replace("{camera}", "cam_{camera}"), path)
    assert {camera: list(video.numbers) for camera, video in bare.items()} == {
        "0": [5, 6, 7, 9],
        "1": [5, 7, 9],
    }


def test_caliscope_times_without_sync_index(two):
    pattern, path = two
    rows = [(0, 7.0), (1, 7.01), (0, 8.0), (0, 9.0), (1, 9.1), (0, 10.0), (1, 10.2)]
    found = open_videos(pattern, write_table(path, "cam_id,frame_time", *rows))
    assert seen(found["cam_0"]) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert seen(found["cam_1"]) == {0: 0, 2: 1, 3: 2}


def test_our_table_puts_frames_together_by_time(two):
    pattern, path = two
    rows = [
        *[("cam_0", frame, 100 + 0.1 * frame) for frame in (3, 1, 0, 2)],
        *[("Cam-1", frame, 100.01 + 0.1 * instant) for frame, instant in enumerate((0, 1, 3))],
    ]
    found = open_videos(pattern, write_table(path, OWN, *rows))
    assert seen(found["cam_0"]) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert seen(found["cam_1"]) == {0: 0, 1: 1, 3: 2}
    assert frame_notes(found) == []


def test_clocks_that_do_not_meet_are_noted(two):
    pattern, path = two
    rows = [("cam_0", frame, frame) for frame in range(4)]
    rows += [("cam_1", frame, 100 + frame) for frame in range(3)]
    notes = frame_notes(open_videos(pattern, write_table(path, OWN, *rows)))
    assert [note.split(" (")[0] for note in notes] == [
        f"camera {name} shares no instant with another camera" for name in ("cam_0", "cam_1")
    ]


def test_frames_that_are_left_out_are_noted(two):
    pattern, path = two
    rows = [("cam_0", frame, time) for frame, time in enumerate((0.0, 0.02, 1.0, 2.0))]
    rows += [("cam_1", frame, time) for frame, time in enumerate((0.03, 1.0, 2.0))]
    found = open_videos(pattern, write_table(path, OWN, *rows))
    assert seen(found["cam_0"]) == {0: 1, 1: 2, 2: 3}
    (note,) = frame_notes(found)
    assert note.startswith("camera cam_0: 1 of 4 frames are left out")


ROWS = [("cam_0", i, i) for i in range(4)] + [("cam_1", i, i) for i in range(3)]
BROKEN = {
    "header": ("camera,when", [("cam_0", 1)], r"needs the columns .* but has camera, when"),
    "fewer rows": (CALISCOPE, INDEXED[:-1], "camera cam_0: the table has 3 rows, .* 4 frames"),
    "sync twice": (
        CALISCOPE, [(5, 0, 0), (5, 0, 1), (6, 0, 2), (7, 0, 3), *[(i, 1, i) for i in range(3)]],
        "camera cam_0: sync_index must be a number and increase .* frame 1",
    ),
    "negative": (CALISCOPE, [(i - 1, c, i) for c in (0, 1) for i in range(4 - c)], "negative"),
    "half": (CALISCOPE, [(5.5, *row[1:]) for row in INDEXED], "sync_index must hold whole numbers"),
    "no camera": (CALISCOPE, [(5, None, 0.5), *INDEXED[1:]], "row without cam_id"),
    "names": (OWN, [("left", i, i) for i in range(4)], "table has left; .* has cam_0, cam_1"),
    "one absent": (OWN, ROWS[:4], "table has cam_0; .* has cam_0, cam_1"),
    "frame twice": (OWN, [*ROWS[:2], ROWS[1], *ROWS[3:]], "from 0 to 3, each once; .* frame 2"),
    "time back": (OWN, [*ROWS[:3], ("cam_0", 3, 1.5), *ROWS[4:]], "time must be .* frame 3"),
    "no time": (OWN, [("cam_0", 0, None), *ROWS[1:]], "time must be a number .* frame 0"),
    "text": (OWN, [*ROWS[:3], ("cam_0", 3, "noon"), *ROWS[4:]], "time holds something"),
    "empty": (OWN, [], "table has none"),
    "time of caliscope": ("cam_id,frame_time", [(i // 4, 1) for i in range(7)], "frame_time must"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_table_that_does_not_fit_is_refused(name, two):
    columns, rows, message = BROKEN[name]
    pattern, path = two
    with pytest.raises(InputError, match=f"timestamps.csv: .*{message}"):
        open_videos(pattern, write_table(path, columns, *rows))


def test_a_late_camera_is_put_back_in_step(two):
    """Frame n of cam_1 shows what cam_0 shows at n - 1."""
    found = in_step(open_videos(two[0]), {"cam_1": 1})
    assert seen(found["cam_0"]) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert seen(found["cam_1"]) == {0: 1, 1: 2}
    assert not any("left out" in note for note in frame_notes(found))
    early = in_step(open_videos(two[0]), {"cam_1": -1})
    assert seen(early["cam_1"]) == {1: 0, 2: 1, 3: 2}


def test_a_late_camera_with_a_table_and_with_pictures(two, tmp_path):
    pattern, path = two
    write_table(path, CALISCOPE, *INDEXED)
    found = in_step(open_videos(pattern, path), {"cam_1": 2, "cam_0": 1})
    assert seen(found["cam_1"]) == {5: 2}  # its frame 2 has the instant of the row of frame 0
    assert seen(found["cam_0"]) == {5: 1, 6: 2, 7: 3}
    for number in (4, 5, 9):
        write_picture(tmp_path / f"left_{number}.png", still(number))
    found = in_step(open_pictures(str(tmp_path / "{camera}_*.png")), {"left": 5})
    assert seen(found["left"]) == {0: 5, 4: 9}


@pytest.mark.parametrize(
    ("offsets", "message"), [({"top": 1}, "no camera top"), ({"cam_1": 3}, "cam_1.*no picture")]
)
def test_an_offset_that_cannot_be_meant(offsets, message, two):
    with pytest.raises(InputError, match=message):
        in_step(open_videos(two[0]), offsets)


SECONDS = {"cam_0": [0.0, 0.033, 0.066, 0.1], "cam_1": [0.001, 0.034, 0.1]}
SHARED = {"cam_0": [0, 1, 2, 3], "cam_1": [0, 1, 3]}


def clocked(path, change, times=SECONDS):
    """Write our table with each time changed."""
    rows = [(name, i, change(t)) for name, own in times.items() for i, t in enumerate(own)]
    return write_table(path, OWN, *rows)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t,
        lambda t: 1000 * t,
        lambda t: 1_718_000_000_123_456_789 + round(1e9 * t),
        lambda t: 1_718_000_000 + t,
        lambda t: str(pd.Timestamp("2026-12-01 10:00:00.000001") + pd.Timedelta(t, "s")),
    ],
    ids=["s", "ms", "ns since 1970", "s since 1970", "dates"],
)
def test_times_in_any_one_unit_are_the_same_instants(change, two):
    pattern, path = two
    found = open_videos(pattern, clocked(path, change))
    assert {name: list(video.numbers) for name, video in found.items()} == SHARED


@pytest.mark.parametrize("factor", [1e3, 1e6, 1e9])
def test_one_camera_in_another_unit_is_refused(factor, two):
    pattern, path = two
    mixed = {**SECONDS, "cam_1": [factor * t for t in SECONDS["cam_1"]]}
    with pytest.raises(InputError, match=r"camera cam_0 are 0\.033.* of cam_1 .* two units"):
        open_videos(pattern, clocked(path, lambda t: t, mixed))


def test_rows_in_another_unit_are_refused(tmp_path):
    write_video(tmp_path / "a.mp4", 8)
    mixed = {"a": [0.0, 0.1, 0.2, 0.3, 400.0, 500.0, 600.0, 700.0]}
    table = clocked(tmp_path / "t.csv", lambda t: t, mixed)
    with pytest.raises(InputError, match=r"a: frames are 0\.1 apart up to frame 3, then 100:"):
        open_videos(str(tmp_path / "{camera}.mp4"), table)


def test_pauses_and_other_rates_are_no_other_unit(tmp_path):
    """One camera pauses for an hour, another films slowly for as long."""
    write_video(tmp_path / "a.mp4", 8)
    write_video(tmp_path / "b.mp4", 3)
    times = {"a": [0.0, 0.1, 0.2, 0.3, 3600.0, 3600.1, 3600.2, 3600.3], "b": [0.0, 1800.0, 3600.0]}
    table = clocked(tmp_path / "t.csv", lambda t: t, times)
    found = open_videos(str(tmp_path / "{camera}.mp4"), table)
    assert list(found["b"].numbers) == [0, 4, 5]


@pytest.mark.parametrize("kind", ["list", "twice", "huge", "binary"])
def test_a_table_of_odd_types_is_refused_in_one_line(kind, two, tmp_path):
    cameras, frames = ["cam_0"] * 4 + ["cam_1"] * 3, [0, 1, 2, 3, 0, 1, 2]
    times = [float(frame) for frame in frames]
    columns = {
        "list": [[cameras] * 7, frames, times],
        "twice": [cameras, frames, times, times],
        "huge": [cameras, frames, np.arange(2**64 - 8, 2**64 - 1, dtype=np.uint64)],
        "binary": [cameras, frames, [b"\xff"] * 7],
    }[kind]
    path = tmp_path / "times.parquet"
    names = ["camera", "frame", "time", "time"][: len(columns)]
    pq.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], names), path)
    with pytest.raises(InputError, match=r"times.parquet: [^\n]*$"):
        open_videos(two[0], path)


def test_a_missing_table_is_named(two):
    pattern, path = two
    with pytest.raises(InputError, match="no such file"):
        open_videos(pattern, path)


def test_drops_never_shift_later_frames():
    """Three jittered cameras of one clock, each with its own drops: every frame keeps its tick."""
    rng = np.random.default_rng(1)
    ticks = {name: np.flatnonzero(rng.random(500) > 0.1 * i) for i, name in enumerate("abc")}
    times = {name: (tick + rng.uniform(-0.2, 0.2, len(tick))) / 30 for name, tick in ticks.items()}
    found = instants_of_times(times)
    assert set(np.concatenate(list(ticks.values()))) == set(range(500))  # no tick lost by all
    for name, tick in ticks.items():
        np.testing.assert_array_equal(found[name], tick)


def test_cameras_of_different_rates_share_what_they_share():
    found = instants_of_times({"fast": np.arange(0, 1, 1 / 60), "slow": np.arange(0, 1, 1 / 30)})
    np.testing.assert_array_equal(found["fast"], np.arange(60))
    np.testing.assert_array_equal(found["slow"], np.arange(0, 60, 2))


def test_instants_increase_whatever_the_times():
    rng = np.random.default_rng(2)
    for _ in range(50):
        times = {name: np.unique(rng.uniform(0, 10, rng.integers(1, 40))) for name in "abcd"}
        for name, instants in instants_of_times(times).items():
            kept = instants[instants != LEFT_OUT]
            assert (np.diff(kept) > 0).all()
            assert len(instants) == len(times[name])


# --- real recordings


def test_real_pictures(shared_data):
    found = open_pictures(f"{shared_data}/mouse4/{{camera}}/calibration_images/*.jpg")
    assert {footage.size for footage in found.values()} == {(1280, 1024)}
    ((number, picture),) = found["top"].pictures([20])
    assert (number, picture.shape) == (20, (1024, 1280))
    stereo = open_pictures(f"{shared_data}/stereo2/{{camera}}{{frame}}.jpg")
    assert {camera: len(footage.numbers) for camera, footage in stereo.items()} == {
        "left": 29,
        "right": 29,
    }


@pytest.mark.parametrize("pattern", ["cam_{camera}.mp4", "{camera}.mp4"])
def test_real_timestamps(pattern, shared_data):
    folder = shared_data / "boards4"
    found = open_videos(f"{folder}/{pattern}", folder / "timestamps.csv")
    assert len(found) == 4
    for footage in found.values():
        assert footage.numbers.tolist() == list(range(416, 464))
        assert [number for number, _ in footage.pictures([463, 416])] == [416, 463]
    assert frame_notes(found) == []


def test_real_times_give_the_sync_indices_of_the_recorder(shared_data):
    table = pd.read_csv(shared_data / "boards4" / "timestamps.csv")
    rows = {name: part for name, part in table.groupby("cam_id")}
    found = instants_of_times({name: part.frame_time.to_numpy() for name, part in rows.items()})
    for name, part in rows.items():
        np.testing.assert_array_equal(found[name] + 416, part.sync_index)


def test_real_videos(shared_data):
    found = open_videos(f"{shared_data}/human4/videos/{{camera}}.mp4")
    assert {camera: footage.size for camera, footage in found.items()} == {
        "cam01": (1080, 1920),
        "cam02": (1080, 1920),
        "cam03": (1088, 1920),
        "cam04": (1088, 1920),
    }
    assert {len(footage.numbers) for footage in found.values()} == {100}
    assert frame_notes(found) == []


@pytest.mark.parametrize("kind", ["gray10le", "gray12le", "yuv420p10le", "yuv422p12le"])
def test_deep_video_is_not_black(tmp_path, kind):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, kind
        frame = av.VideoFrame.from_ndarray(still(3), format="gray").reformat(format=kind)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    ((_, picture),) = open_video(tmp_path / "a.mkv").pictures([0])
    assert np.abs(picture.astype(int) - still(3)).max() <= 2


def test_a_picture_that_declares_too_much_is_not_decoded(tmp_path):
    write_picture(tmp_path / "a.png", still(1))
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = (60000).to_bytes(4, "big") * 2
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="60000 x 60000 px"):
        read_gray(tmp_path / "a.png")


def write_deep(path, highest):
    """Write frames of 16 bits, a ramp from 0 to each of the highest values."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = W, H, "gray16le"
        for value in highest:
            ramp = np.tile(np.linspace(0, value, W).astype(np.uint16), (H, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(ramp, format="gray16le")))
        container.mux(stream.encode())


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_sensors_of_fewer_bits_than_they_are_stored_in_are_not_black(tmp_path, bits):
    """All frames by one factor: what is half as bright stays so, whichever frame is first."""
    path, most = tmp_path / "v.mkv", (1 << bits) - 1
    write_deep(path, [most // 2, most, most // 4])
    for pictures in (
        [picture for _, picture in open_video(path).pictures(range(3))],
        [VideoReader(path).read(i)[..., 1] for i in range(3)],
    ):
        for picture, share in zip(pictures, (0.5, 1.0, 0.25), strict=True):
            ramp = share * np.linspace(0, 255, W)
            assert np.abs(picture - ramp).max() <= 1.5


def test_values_that_turn_brighter_than_the_bits_seen_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "LOOKED_AT", 2)
    write_deep(tmp_path / "v.mkv", [900, 4000, 30000])
    found = open_video(tmp_path / "v.mkv")
    assert found.bits == 12
    with pytest.raises(InputError, match="frame 2 has values up to 30000"):
        list(found.pictures(range(3)))
