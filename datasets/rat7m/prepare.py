"""Convert instants of one recording of Rat 7M to a capture; see card.md.

python datasets/rat7m/prepare.py DOWNLOAD --recording s1-d1 --frames 0..3499:10 --out CAPTURE
"""

import sys
from typing import Annotated

import numpy as np
import typer

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.conversion import sized, truth
from mvboot.datasets.decoding import VideoReader
from mvboot.errors import InputError
from mvboot.formats.mat import read_mat
from mvboot.formats.rig_format import array, brown, camera_errors
from mvboot.geometry import Camera
from mvboot.rig import Rig

CARD = "datasets/rat7m/card.md"
LICENCE = "CC BY 4.0 (as figshare states it for each item)"
CHUNK = 3500
"""Frames of a video file; the next file goes on where it ends."""
MATLAB_ORIGIN = 1.0
"""MATLAB calls the centre of the first pixel 1."""


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    recording: Annotated[str, typer.Option(help="Subject and day, such as s1-d1.")],
    frames: Annotated[str, typer.Option(help="Samples of the motion capture, as 0..3499:10.")],
    cameras: public.CameraNames = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert instants of one recording of Rat 7M."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    path = folder.find("cameras and motion capture", f"**/mocap-{recording}.mat")
    content = read_mat(path)
    entries = public.field(content, "cameras", path)
    xyz = read_markers(public.field(content, "mocap", path), path)
    names = public.chosen(entries, cameras, "camera")
    rows = choice.of(range(len(next(iter(xyz.values())))))
    shown = {name: video_frames(entries[name], name, rows, path) for name in names}
    videos = {name: find_videos(folder, recording, name, shown[name]) for name in names}
    rig = Rig(
        {
            name: sized(read_camera(entries[name], name, path), next(iter(videos[name].values())))
            for name in names
        },
        units="mm",
    )
    points = truth(rig, rows, list(xyz), np.stack([xyz[name][rows] for name in xyz], 1)[:, None])
    source = {"dataset": "Rat 7M", "licence": LICENCE, "recording": recording}
    with CaptureWriter(out, rig, provenance=source, overwrite=overwrite) as writer:
        for name in names:
            write_pictures(writer.files, name, dict(zip(rows, shown[name], strict=True)), videos)
        writer.write_keypoints3d(points)
    print(f"{out}: {len(names)} cameras, {len(rows)} frames, {len(xyz)} markers")


def read_camera(entry, name, path):
    """Return a camera in mm: MATLAB's row-vector matrices, pixels counted from 1."""
    with camera_errors(path, name):
        K = array(entry["IntrinsicMatrix"], (3, 3), "IntrinsicMatrix").T.copy()
        K[:2, 2] -= MATLAB_ORIGIN
        k1, k2, k3 = [*np.ravel(entry["RadialDistortion"]), 0.0][:3]
        p1, p2 = np.ravel(entry["TangentialDistortion"])
        return Camera.from_opencv(
            K,
            brown([k1, k2, p1, p2, k3]),
            array(entry["rotationMatrix"], (3, 3), "rotationMatrix").T,
            array(entry["translationVector"], (3,), "translationVector"),
        )


def read_markers(markers, path):
    """Return the positions (N, 3) mm of each marker, NaN where it was lost."""
    found = {
        name: np.asarray(values, float)
        for name, values in markers.items()
        if np.ndim(values) == 2 and np.shape(values)[1] == 3
    }
    if not found or len({len(values) for values in found.values()}) > 1:
        raise InputError("mocap needs markers of N x 3 numbers, all of one length", where=path)
    return found


def video_frames(entry, name, rows, path):
    """Return which frame of the camera, counted over all its files, each sample shows."""
    shown = np.ravel(public.field(entry, "frame", path)).astype(np.int64)
    if rows[-1] >= len(shown):
        raise InputError(f"camera {name} has no frame for sample {rows[-1]}", where=path)
    return shown[rows].tolist()


def find_videos(folder, recording, name, shown):
    """Return the files that hold these frames of a camera, by number of their first frame."""
    starts = sorted({frame // CHUNK * CHUNK for frame in shown})
    stem = f"{recording}-{name.lower()}"
    return {start: folder.find("a video", f"**/{stem}-{start}.mp4") for start in starts}


def write_pictures(files, name, frames, videos):
    """Write the picture of each sample; samples of one video frame get the same picture."""
    readers = {start: VideoReader(path) for start, path in videos[name].items()}
    for row, frame in frames.items():
        start = frame // CHUNK * CHUNK
        files.write_picture(name, row, readers[start].read(frame - start))
    for reader in readers.values():
        reader.close()


if __name__ == "__main__":
    sys.exit(public.run(prepare))
