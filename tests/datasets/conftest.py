"""Videos of a varying frame rate whose frames tell their number, and small exact captures."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mvboot.datasets import CaptureWriter
from mvboot.fields import DenseField
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at

W, H = 64, 48
MESH = "0123456789abcdef"


def numbered(number):
    """Return a picture that tells its number: coarse in the red left half, fine in the green."""
    picture = np.zeros((H, W, 3), np.uint8)
    picture[:, : W // 2, 0] = 20 + 10 * (number // 20)
    picture[:, W // 2 :, 1] = 20 + 10 * (number % 20)
    return picture


def number_of(picture):
    coarse = (picture[8:-8, 8 : W // 2 - 8, 0].mean() - 20) / 10
    fine = (picture[8:-8, W // 2 + 8 : -8, 1].mean() - 20) / 10
    return round(float(coarse)) * 20 + round(float(fine))


def uneven_times(count):
    """Return times in ms with gaps of 10 to 150 ms and one of 2 s, as phones make them."""
    steps = np.random.default_rng(1).integers(10, 150, count)
    steps[count // 3] = 2000
    return np.cumsum(steps)


def write_video(path, count=90, codec="libx264", gop=30, times=None, options=None, base=1000):
    path.parent.mkdir(parents=True, exist_ok=True)
    times = uneven_times(count) if times is None else times
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options or {})
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.time_base = stream.time_base = Fraction(1, base)
        stream.bit_rate = 8_000_000
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            frame.pts, frame.time_base = int(time), Fraction(1, base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_picture(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture[..., ::-1])


def ring(count=4, distortion=True, size=(W, H)):
    """Return cameras around the origin at uneven heights, with lenses and skewed K."""
    cameras = {}
    for c in range(count):
        angle = 2 * np.pi * c / max(count, 3)
        center = np.array([3 * np.cos(angle), 3 * np.sin(angle), 0.4 + 0.5 * (c % 3)])
        R = looking_at(center, np.zeros(3))
        K = [[70, 0.3, size[0] / 2 + 1], [0, 72, size[1] / 2 - 2], [0, 0, 1]]
        coefficients = [-0.2, 0.05, 0.002, -0.001] if distortion else None
        cameras[f"cam{c}"] = Camera.from_opencv(K, coefficients, R, -R @ center, size)
    return Rig(cameras, units="m", up="z")


POINTS = {"nose": (0.3, 0.0, 0.3), "hand_left": (0.1, 0.4, 0.0), "hand_right": (0.1, -0.4, 0.0)}


def detections(rig, frames, points=POINTS):
    """Return exact projections of points that move slowly along x, confidence 0.9."""
    xyz = np.array(list(points.values()))
    shift = 0.01 * np.asarray(frames, float)[:, None, None] * [1.0, 0, 0]
    xy = np.stack([rig[name].project(xyz + shift) for name in rig.names])[:, :, None]
    return Keypoints2D(
        rig.names,
        np.asarray(frames, np.int64),
        ("fly",),
        tuple(points),
        xy,
        np.where(np.isnan(xy[..., 0]), np.nan, 0.9),
    )


def field_of(camera, frame):
    """Return charts that name each pixel: part 1 left and 2 right, u and v from the pixel."""
    y, x = np.mgrid[:H, :W]
    part = np.where(x < W // 2, 1, 2)
    part[(y < 8) | (y >= H - 8) | (x < 8) | (x >= W - 8)] = 0
    uv = np.stack([x / W, y / H], -1)
    return DenseField.of_charts(part, uv, MESH, camera, frame)


def write_capture(out, rig=None, frames=range(10), **settings):
    """Write a capture with pictures, masks, fields and keypoints of every camera and frame."""
    rig = rig or ring()
    with CaptureWriter(out, rig, **({"fps": 30.0, "template": MESH} | settings)) as writer:
        for name in rig.names:
            for frame in frames:
                field = field_of(name, frame)
                writer.files.write_picture(name, frame, numbered(frame))
                writer.files.write_mask(name, frame, field.foreground)
                writer.files.write_field(field)
        writer.write_keypoints(detections(rig, frames))
    return out


@pytest.fixture
def tools():
    """Return the makers above, for tests that want other footage."""
    return {
        name: globals()[name]
        for name in ("numbered", "number_of", "uneven_times", "write_video", "write_picture",
                     "ring", "detections", "field_of", "write_capture", "POINTS", "MESH", "W", "H")
    }  # fmt: skip


@pytest.fixture(scope="session")
def capture_folder(tmp_path_factory):
    """Return a capture of four cameras and ten frames; do not change it."""
    return write_capture(tmp_path_factory.mktemp("capture") / "four", labelled=[0, 1, 2])
