"""Convert one sequence of Ski-PosePTZ to a capture; see card.md.

python datasets/ski_ptz/prepare.py DOWNLOAD --split train --sequence 0 --out CAPTURE
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import cv2
import h5py
import numpy as np
import typer
from steady import SIDE, steadied, write_picture

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.conversion import agreement, labels, truth
from mvboot.errors import InputError
from mvboot.rig import Rig

CARD = "datasets/ski_ptz/card.md"
LICENCE = "Ski-PosePTZ: research only, on the terms in license.txt of the download"
JOINTS = (
    *("hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("spine", "neck", "head", "head_top", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_shoulder", "right_elbow", "right_wrist"),
)
KEYS = {"seq": 1, "cam": 1, "frame": 1, "2D": 34, "3D": 51}
KEYS |= {"cam_intrinsic": 9, "cam_position": 3, "R_cam_2_world": 9}


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    sequence: Annotated[int, typer.Option(help="Number of the sequence.")],
    split: Annotated[Literal["train", "test"], typer.Option(help="Part it is in.")] = "train",
    centers: Annotated[Path | None, typer.Option(help="ski_centers.csv, if elsewhere.")] = None,
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert one sequence of Ski-PosePTZ."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    path = folder.find("the labels", f"{split}/labels.h5")
    rows = read_rows(path, sequence)
    names = public.chosen({f"cam_{row['cam']:02d}" for row in rows}, cameras, "camera")
    numbers = choice.of({row["frame"] for row in rows})
    kept = {
        name: {
            row["frame"]: row
            for row in rows
            if f"cam_{row['cam']:02d}" == name and row["frame"] in numbers
        }
        for name in names
    }
    views = {n: steadied(by_frame, n, path) for n, by_frame in kept.items() if by_frame}
    rig = Rig({name: camera for name, (camera, _) in views.items()}, "m")
    xy = np.full((len(rig), len(numbers), len(JOINTS), 2), np.nan)
    for c, (name, (_, warps)) in enumerate(views.items()):
        for frame, warp in warps.items():
            pixels = SIDE * kept[name][frame]["2D"].reshape(-1, 1, 2)
            xy[c, numbers.index(frame)] = cv2.perspectiveTransform(pixels, warp)[:, 0]
    seen = labels(rig.names, numbers, JOINTS, xy)
    places = read_centers(centers or download / "ski_centers.csv", sequence, centers is not None)
    points = truth(rig, numbers, JOINTS, [[world(kept, places, f)] for f in numbers])
    source = {"dataset": "Ski-PosePTZ", "licence": LICENCE, "split": split, "sequence": sequence}
    with CaptureWriter(out, rig, provenance=source, overwrite=overwrite) as writer:
        for name, (camera, warps) in views.items():
            for frame, warp in warps.items():
                file = f"{split}/seq_{sequence:03d}/{name}/image_{frame:06d}.png"
                picture = folder.find("a picture", file)
                write_picture(writer.files, name, frame, picture, warp, camera.size)
        writer.write_keypoints(seen)
        if places:
            writer.write_keypoints3d(points)
    found = agreement(rig, seen, points) if places else "no ski_centers.csv, so no 3D truth"
    print(f"{out}: {len(rig)} cameras, {len(numbers)} frames; {found}")


def read_rows(path, sequence):
    """Return the labels of a sequence, one mapping for each picture."""
    try:
        with h5py.File(path) as file:
            values = {key: np.asarray(file[key], float) for key in KEYS}
    except (OSError, KeyError) as error:
        raise InputError(f"is no labels.h5 of this data set ({error})", where=path) from None
    count = len(np.ravel(values["seq"]))
    if any(values[key].size != count * size for key, size in KEYS.items()):
        raise InputError(f"its arrays do not fit together; {CARD} shows them", where=path)
    flat = {key: values[key].reshape(count, size) for key, size in KEYS.items()}
    there = np.flatnonzero(flat["seq"][:, 0] == sequence)
    if not len(there):
        known = ", ".join(f"{number:g}" for number in np.unique(flat["seq"]))
        raise InputError(f"has no sequence {sequence}; there are {known}", where=path)
    return [
        {key: int(flat[key][i, 0]) if size == 1 else flat[key][i] for key, size in KEYS.items()}
        for i in there
    ]


def read_centers(path, sequence, required):
    """Return where the hip is in the world (3,) m, by frame; none where the file is absent."""
    if not path.is_file() and not required:
        return {}
    rows = public.table(path, columns=5)
    return {int(row[1]): np.array(row[2:]) for row in rows if row[0] == sequence}


def world(kept, places, frame):
    """Return the joints (17, 3) m in the world; stored from the hip, along a camera's axes."""
    row = next((rows[frame] for rows in kept.values() if frame in rows), None)
    if row is None or frame not in places:
        return np.full((len(JOINTS), 3), np.nan)
    return row["3D"].reshape(-1, 3) @ row["R_cam_2_world"].reshape(3, 3).T + places[frame]


if __name__ == "__main__":
    sys.exit(public.run(prepare))
