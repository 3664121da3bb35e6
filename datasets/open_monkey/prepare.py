"""Convert one batch of OpenMonkeyStudio to a capture; see card.md.

python datasets/open_monkey/prepare.py DOWNLOAD --batch 7 --unit-in-metres 0.4 --out CAPTURE
"""

import sys
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.camera_blocks import read_cameras
from mvboot.datasets.conversion import agreement, labels, truth
from mvboot.errors import InputError
from mvboot.formats.mat import cells, read_mat
from mvboot.formats.pictures import read_colour
from mvboot.rig import Rig

CARD = "datasets/open_monkey/card.md"
LICENCE = "OpenMonkeyStudio: none stated with the data; ask its authors beyond research"
JOINTS = (
    *("nose", "head", "neck", "right_shoulder", "right_hand", "left_shoulder", "left_hand"),
    *("hip", "right_knee", "right_foot", "left_knee", "left_foot", "tail"),
)


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    batch: Annotated[str, typer.Option(help="7, 9, 9a, 9b, 10 or 11: those with 3D labels.")],
    unit_in_metres: public.UnitInMetres,
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert one batch of OpenMonkeyStudio."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    part = public.Download(folder.find("the batch", f"Batch{batch}"), CARD)
    known = read_cameras(
        part.find("the poses", "camera.txt"),
        part.find("the intrinsics", "intrinsic.txt"),
        distortion=2,
        metres=unit_in_metres,
    )
    boxes = read_boxes(part.find("the crops", "crop_para.mat"))
    pictures = find_pictures(folder, batch, boxes)
    names = public.chosen({c for _, c in pictures if c in known}, cameras, "camera")
    rig = Rig({name: with_size(known[name]) for name in names}, "m")
    xyz = read_joints(part.find("the 3D labels", "coords_3D.mat"), unit_in_metres)
    rows = choice.of({frame for frame, camera in pictures if camera in names})
    kept = {key: pictures[key] for key in pictures if key[0] in rows and key[1] in names}
    seen = read_labels(folder.find("the 2D labels", "Data.mat"), kept, boxes, names, rows)
    missing = np.full((len(JOINTS), 3), np.nan)
    points = truth(rig, rows, JOINTS, [[xyz.get(row, missing)] for row in rows])
    source = {"dataset": "OpenMonkeyStudio", "licence": LICENCE, "batch": batch}
    source["unit_in_metres"] = unit_in_metres
    with CaptureWriter(out, rig, provenance=source, overwrite=overwrite) as writer:
        for (frame, camera), path in kept.items():
            whole = pasted(path, boxes[frame, camera], rig[camera].size)
            writer.files.write_picture(camera, frame, whole)
        writer.write_keypoints(seen)
        writer.write_keypoints3d(points)
    print(f"{out}: {len(names)} cameras, {len(rows)} frames; {agreement(rig, seen, points)}")


def with_size(camera):
    """Return the camera with its pictures' size, twice the principal point: no file states it."""
    cx, cy = camera.K[:2, 2].tolist()
    return replace(camera, size=(round(2 * cx), round(2 * cy)))


def read_boxes(path):
    """Return left, top, width and height (px) of each crop by frame and camera."""
    rows = np.atleast_2d(public.field(read_mat(path), "crop", path)).astype(np.int64)
    if rows.shape[1] != 6:
        raise InputError(f"crop needs 6 columns, has {rows.shape[1]}", where=path)
    return {(int(row[0]), str(row[1])): tuple(map(int, row[2:])) for row in rows}


def read_joints(path, metres):
    """Return the joints (13, 3) in metres by frame."""
    rows = np.atleast_2d(public.field(read_mat(path), "coords", path)).astype(float)
    if rows.shape[1] != 4 or len(rows) % len(JOINTS):
        raise InputError(f"coords needs 4 columns and {len(JOINTS)} rows a frame", where=path)
    blocks = rows.reshape(-1, len(JOINTS), 4)
    return {int(block[0, 0]): block[:, 1:] * metres for block in blocks}


def find_pictures(folder, batch, boxes):
    """Return the pictures of a batch by frame and camera, those whose place is known."""
    found = {}
    for path in folder.all(f"Images/batch{batch}_*_*.jpg"):
        _, frame, camera = path.stem.split("_")
        if (int(frame), camera) in boxes:
            found[int(frame), camera] = path
    if not found:
        raise folder.lacks("pictures with a crop", f"Images/batch{batch}_FRAME_CAMERA.jpg")
    return found


def read_labels(path, kept, boxes, names, rows):
    """Return 2D keypoints in pixels of whole pictures; zeros and negative numbers are missing.

    Rows of the file are: top, left, height, width, then y and x of each joint in the crop.
    """
    labelled = public.field(read_mat(path), "T", path)
    values = np.atleast_2d(public.field(labelled, "data", path)).astype(float)
    row_of = {str(name): i for i, name in enumerate(cells(public.field(labelled, "name", path)))}
    if values.shape != (len(row_of), 4 + 2 * len(JOINTS)):
        raise InputError(f"T.data has shape {values.shape}; {CARD} shows the columns", where=path)
    xy = np.full((len(names), len(rows), len(JOINTS), 2), np.nan)
    for (frame, camera), picture in kept.items():
        if picture.name in row_of:
            points = values[row_of[picture.name], 4:].reshape(-1, 2)[:, ::-1]
            points = np.where((points > 0).all(-1)[:, None], points, np.nan)
            xy[names.index(camera), rows.index(frame)] = points + boxes[frame, camera][:2]
    return labels(names, rows, JOINTS, xy)


def pasted(path, box, size):
    """Return the crop at its place in a black picture of the camera's size."""
    crop = read_colour(path)
    left, top, width, height = box
    if crop.shape[:2] != (height, width):
        raise InputError(
            f"has {crop.shape[1]} x {crop.shape[0]} px, crop_para.mat says {width} x {height}", path
        )
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    x0, y0, x1, y1 = (
        max(left, 0),
        max(top, 0),
        min(left + width, size[0]),
        min(top + height, size[1]),
    )
    whole[y0:y1, x0:x1] = crop[y0 - top : y1 - top, x0 - left : x1 - left]
    return whole


if __name__ == "__main__":
    sys.exit(public.run(prepare))
