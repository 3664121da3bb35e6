"""Convert one action of a subject of Human3.6M to a capture; see card.md.

python datasets/human36m/prepare.py DOWNLOAD --subject S1 --action "Walking 1" --out CAPTURE
"""

import sys
from typing import Annotated
from xml.etree import ElementTree

import numpy as np
import typer
from scipy.spatial.transform import Rotation

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.conversion import add_video, agreement, labels, sized, truth
from mvboot.errors import InputError
from mvboot.formats.rig_format import camera_errors
from mvboot.geometry import Camera
from mvboot.rig import Rig

CARD = "datasets/human36m/card.md"
LICENCE = "Human3.6M licence agreement: academic research only, no redistribution"
FPS = 50.0
SUBJECTS, CAMERAS = 11, ("54138969", "55011271", "58860488", "60457274")
JOINTS = {
    "hip": 0,
    **{f"right_{part}": i for part, i in (("hip", 1), ("knee", 2), ("ankle", 3))},
    **{f"left_{part}": i for part, i in (("hip", 6), ("knee", 7), ("ankle", 8))},
    **{"spine": 12, "thorax": 13, "nose": 14, "head_top": 15},
    **{f"left_{part}": i for part, i in (("shoulder", 17), ("elbow", 18), ("wrist", 19))},
    **{f"right_{part}": i for part, i in (("shoulder", 25), ("elbow", 26), ("wrist", 27))},
}
"""The joints that differ, of the 32 stored: the others are copies or ends of hands and feet."""


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    subject: Annotated[str, typer.Option(help="S1, S5, S6, S7, S8, S9 or S11.")],
    action: Annotated[str, typer.Option(help="Name of the videos, such as 'Walking 1'.")],
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert one action of a subject of Human3.6M."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    videos = {
        path.stem.rpartition(".")[2]: path
        for path in folder.all(f"{subject}/Videos/*.mp4")
        if path.stem.rpartition(".")[0] == action
    }
    if not videos:
        raise folder.lacks("the videos", f"{subject}/Videos/{action}.CAMERA.mp4")
    names = public.chosen(videos, cameras, "camera")
    known = read_cameras(folder.find("the cameras", "metadata.xml"), subject)
    rig = Rig({c: sized(known[c], videos[c]) for c in names if c in known}, "mm", "z")
    if len(rig) < len(names):
        raise InputError(f"the cameras are {', '.join(CAMERAS)}; {CARD}", videos[names[0]])

    def poses(kind, stem, columns):
        path = f"{subject}/{{}}{kind}/{stem}.cdf"
        found = folder.find("joints", path.format("MyPoseFeatures/"), path.format("Poses_"))
        return read_poses(found).reshape(-1, 32, columns)[:, list(JOINTS.values())]

    xyz = poses("D3_Positions", action, 3)
    seen = [poses("D2_Positions", f"{action}.{name}", 2) for name in names]
    count = min(map(len, [xyz, *seen]))
    rows = choice.of(range(count))
    keypoints = labels(names, rows, JOINTS, [pixels[rows] for pixels in seen])
    points = truth(rig, rows, JOINTS, xyz[rows, None], fps=FPS)
    source = {"dataset": "Human3.6M", "licence": LICENCE, "subject": subject, "action": action}
    with CaptureWriter(out, rig, fps=FPS, provenance=source, overwrite=overwrite) as writer:
        for name in names:
            add_video(writer.files, name, videos[name], choice)
        writer.write_keypoints(keypoints)
        writer.write_keypoints3d(points)
    print(f"{out}: {len(names)} cameras, {len(rows)} frames; {agreement(rig, keypoints, points)}")


def read_cameras(path, subject):
    """Return the cameras of a subject from the ``w0`` of metadata.xml, in mm.

    It holds 6 numbers for each camera and subject (angles about x, y, z, and the centre), then 9
    for each camera: f, c, k1 k2 k3, p1 p2.
    """
    try:
        text = ElementTree.parse(path).findtext(".//w0") or ""
        numbers = np.array(text.strip("[] \n").split(), float)
        person = int(subject.removeprefix("S")) - 1
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"cannot be read for {subject} ({error})", where=path) from None
    outer = 6 * SUBJECTS * len(CAMERAS)
    if len(numbers) != outer + 9 * len(CAMERAS) or not 0 <= person < SUBJECTS:
        raise InputError(f"has no cameras (w0) of {subject}, or not those of {CARD}", where=path)
    poses = numbers[:outer].reshape(len(CAMERAS), SUBJECTS, 6)[:, person]
    cameras = {}
    for name, pose, inner in zip(CAMERAS, poses, numbers[outer:].reshape(-1, 9), strict=True):
        (fx, fy, cx, cy), (k1, k2, k3, p1, p2) = inner[:4], inner[4:]
        with camera_errors(path, name):
            R = Rotation.from_euler("XYZ", pose[:3]).as_matrix()
            K = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
            cameras[name] = Camera.from_opencv(K, [k1, k2, p1, p2, k3], R, -R @ pose[3:])
    return cameras


def read_poses(path):
    """Return the variable ``Pose`` of a CDF file: one row for each frame."""
    try:
        import cdflib
    except ImportError:
        raise InputError("CDF files need the package cdflib: pip install cdflib", path) from None
    try:
        values = np.asarray(cdflib.CDF(path).varget("Pose"), float)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"is no readable CDF file with Pose ({error})", where=path) from None
    return values.reshape(-1, values.shape[-1])


if __name__ == "__main__":
    sys.exit(public.run(prepare))
