"""Convert the body session of one subject of HUMBI to a capture; see card.md.

python datasets/humbi/prepare.py DOWNLOAD --subject 82 --unit-in-metres 1 --out CAPTURE
"""

import sys
from typing import Annotated

import numpy as np
import typer

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.camera_blocks import read_cameras
from mvboot.datasets.conversion import add_pictures, sized, truth
from mvboot.errors import InputError
from mvboot.rig import Rig

CARD = "datasets/humbi/card.md"
LICENCE = "HUMBI: research only, on the terms accepted for the download"
JOINTS = (
    "nose",
    "neck",
    *(f"{side}_{joint}" for side in ("right", "left") for joint in ("shoulder", "elbow", "wrist")),
    "mid_hip",
    *(f"{side}_{joint}" for side in ("right", "left") for joint in ("hip", "knee", "ankle")),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("big_toe", "small_toe", "heel")
    ),
)


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    subject: Annotated[int, typer.Option(help="Number of the subject.")],
    unit_in_metres: public.UnitInMetres,
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert the body session of one subject of HUMBI."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    body = folder.find("the body session", f"subject_{subject}/body", f"*/subject_{subject}/body")
    session = public.Download(body, CARD)
    known = read_cameras(
        session.find("the poses", "extrinsic.txt"),
        session.find("the intrinsics", "intrinsic.txt"),
        distortion=0,
        metres=unit_in_metres,
    )
    rows = choice.of(int(path.parent.name) for path in session.all("*/image"))
    footage = find_pictures(session, rows)
    names = public.chosen((name for name in footage if name in known), cameras, "camera")
    rig = Rig({name: sized(known[name], next(iter(footage[name].values()))) for name in names}, "m")
    xyz = np.array([read_joints(session, row) for row in rows]) * unit_in_metres
    source = {"dataset": "HUMBI", "licence": LICENCE, "subject": subject}
    source["unit_in_metres"] = unit_in_metres
    points = truth(rig, rows, JOINTS, xyz[:, None])
    with CaptureWriter(out, rig, provenance=source, overwrite=overwrite) as writer:
        for name in names:
            add_pictures(writer.files, name, footage[name])
        writer.write_keypoints3d(points)
    neck, hip = (xyz[:, JOINTS.index(name)] for name in ("neck", "mid_hip"))
    trunk = np.nanmedian(np.linalg.norm(neck - hip, axis=-1))
    print(f"{out}: {len(names)} cameras, {len(rows)} frames; neck to hip measures {trunk:.2f} m")


def find_pictures(session, rows):
    """Return the pictures of each camera by frame; a camera is the number in their names."""
    found = {}
    for row in rows:
        for path in session.all(f"{row:08d}/image/image*.jpg"):
            camera = str(int(path.stem.removeprefix("image")))
            found.setdefault(camera, {})[row] = path
    if not found:
        raise session.lacks("the pictures", "FRAME/image/imageCAMERA.jpg")
    return found


def read_joints(session, row):
    """Return the joints (25, 3) of a frame in the files' unit."""
    path = session.find("the joints", f"{row:08d}/reconstruction/keypoints.txt")
    rows = public.table(path, columns=3)
    if len(rows) != len(JOINTS):
        raise InputError(f"needs {len(JOINTS)} joints, has {len(rows)}", where=path)
    return rows


if __name__ == "__main__":
    sys.exit(public.run(prepare))
