"""Convert one sequence of CMU Panoptic (HD cameras, bodies, hands) to a capture; see card.md.

python datasets/panoptic/prepare.py DOWNLOAD/171204_pose1 --out CAPTURE
"""

import sys

import numpy as np

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.conversion import add_pictures, add_video, sized, truth
from mvboot.errors import InputError
from mvboot.formats.pattern import frames as frames_of
from mvboot.formats.rigs import load_rig
from mvboot.reading import read_json

CARD = "datasets/panoptic/card.md"
LICENCE = "CMU Panoptic Studio: non-commercial research only"
FPS = 29.97
BODY = ("neck", "nose", "body_center") + tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
BODY += ("left_eye", "left_ear", "right_eye", "right_ear")
FINGERS = ("wrist",) + tuple(
    f"{finger}_{i}" for finger in ("thumb", "index", "middle", "ring", "little") for i in range(4)
)
HANDS = tuple(f"{side}_hand_{point}" for side in ("left", "right") for point in FINGERS)
JOINTS = BODY + HANDS


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert one sequence of CMU Panoptic: HD footage, bodies and hands."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    known = load_rig(folder.find("the cameras", "calibration_*.json"), format="panoptic")
    footage = find_footage(folder)
    names = public.chosen(footage, cameras, "camera")
    unknown = [name for name in names if name not in known.names]
    if unknown:
        raise InputError(f"no calibration of camera {', '.join(unknown)}; {CARD}", download)
    rig = known.subset(names)
    for name in names:
        sized(known[name], any_file(footage[name]))
    points = read_people(folder, rig, choice)
    source = {"dataset": "CMU Panoptic", "licence": LICENCE, "sequence": download.resolve().name}
    with CaptureWriter(out, rig, fps=FPS, provenance=source, overwrite=overwrite) as writer:
        for name in names:
            filmed = footage[name]
            if isinstance(filmed, dict):
                kept = choice.of(filmed)
                add_pictures(writer.files, name, {frame: filmed[frame] for frame in kept})
            else:
                add_video(writer.files, name, filmed, choice)
        writer.write_keypoints3d(points)
    people = ", ".join(points.individuals)
    print(f"{out}: {len(names)} cameras, {len(points.frames)} frames with joints of {people}")


def find_footage(folder):
    """Return the extracted pictures by frame, else the HD video, of each camera ``00_XX``."""
    if (folder.folder / "hdImgs").is_dir():
        return frames_of(f"{folder.folder}/hdImgs/{{camera}}/{{camera}}_{{frame}}.*")
    videos = folder.all("hdVideos/hd_*.mp4")
    if not videos:
        raise folder.lacks("the footage", "hdVideos/hd_00_XX.mp4", "hdImgs/00_XX/00_XX_FRAME.jpg")
    return {path.stem.removeprefix("hd_"): path for path in videos}


def any_file(filmed):
    """Return a file of a camera's footage."""
    return next(iter(filmed.values())) if isinstance(filmed, dict) else filmed


def read_people(folder, rig, choice):
    """Return bodies and hands (cm) by person; a person's number is the same in both."""
    bodies = numbered(folder, "hdPose3d_stage1_coco19/body3DScene_*.json")
    if not bodies:
        raise folder.lacks("the bodies", "hdPose3d_stage1_coco19/body3DScene_FRAME.json")
    hands = numbered(folder, "hdHand3d/handRecon3D_hd*.json")
    rows = choice.of(bodies)
    found = {}
    for row, frame in enumerate(rows):
        for body in public.field(read_json(bodies[frame]), "bodies", bodies[frame]):
            values = numbers(body, "joints19", (len(BODY), 4), bodies[frame])
            person = found.setdefault(int(body["id"]), empty(len(rows)))
            person[row, : len(BODY)] = np.where(values[:, 3:] > 0, values, np.nan)
        for pair in (
            public.field(read_json(hands[frame]), "people", hands[frame]) if frame in hands else ()
        ):
            if int(pair["id"]) >= 0:  # -1: a hand that belongs to nobody
                person = found.setdefault(int(pair["id"]), empty(len(rows)))
                person[row, len(BODY) :] = read_hands(pair, hands[frame])
    if not found:
        raise InputError("the chosen frames have no people", where=folder.folder)
    people = sorted(found)
    values = np.stack([found[person] for person in people], axis=1)
    return truth(
        rig,
        rows,
        JOINTS,
        values[..., :3],
        individuals=[f"person_{person}" for person in people],
        score=values[..., 3].clip(0, 1),
        fps=FPS,
    )


def read_hands(person, path):
    """Return (42, 4): x, y, z and score of the left, then the right hand; NaN where there is none.

    Points that the file calls invalid are left out.
    """
    both = []
    for hand in (person.get("left_hand"), person.get("right_hand")):
        points = np.full((len(FINGERS), 4), np.nan)
        if hand:
            points[:, :3] = numbers(hand, "landmarks", (len(FINGERS), 3), path)
            points[:, 3] = hand.get("averageScore", 1.0)
            points[np.asarray(hand.get("validity", np.ones(len(FINGERS)))) <= 0] = np.nan
        both.append(points)
    return np.concatenate(both)


def numbers(entry, key, shape, path):
    """Return the numbers of an entry in a shape; InputError where there are more or fewer."""
    values = np.asarray(public.field(entry, key, path), float)
    if values.size != np.prod(shape):
        raise InputError(f"{key} needs {np.prod(shape)} numbers, has {values.size}", where=path)
    return values.reshape(shape)


def numbered(folder, pattern):
    """Return files by the frame number at the end of their names."""
    return {int(path.stem[-8:]): path for path in folder.all(pattern)}


def empty(count):
    """Return x, y, z and score (F, K, 4) of a person who is in no frame."""
    return np.full((count, len(JOINTS), 4), np.nan)


if __name__ == "__main__":
    sys.exit(public.run(prepare))
