"""Convert the pictures and labels of COCO-DensePose to a capture; see card.md.

python datasets/coco_densepose/prepare.py DOWNLOAD --part minival --out CAPTURE
"""

import hashlib
import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from masks import BOX, part_mask

from mvboot.datasets import CaptureWriter, public
from mvboot.datasets.conversion import add_pictures
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.geometry import Camera
from mvboot.reading import read_json
from mvboot.rig import Rig
from mvboot.template import Template

CARD = "datasets/coco_densepose/card.md"
LICENCE = "Annotations CC BY-NC 2.0; pictures on the terms of Flickr and their owners"
SURFACE = hashlib.sha256(b"DensePose: SMPL surface in 24 charts").hexdigest()[:16]
"""Stands for the surface of the labels where no template of it is given."""
FIELD_OF_VIEW = 1.2
"""Focal length over the longer side of a picture, a guess: COCO has no calibration."""


def prepare(
    download: public.DownloadFolder,
    out: public.Out,
    part: Annotated[str, typer.Option(help="train, valminusminival or minival.")],
    template: Annotated[
        Path | None, typer.Option(help="The DensePose surface as template.")
    ] = None,
    cameras: public.CameraNames = None,
    frames: public.FrameNumbers = None,
    overwrite: public.Overwrite = False,
) -> None:
    """Convert pictures of COCO-DensePose: one person each, labels at points, mask of parts."""
    folder, choice = public.Download(download, CARD), public.Frames.parse(frames)
    path = folder.find(
        "the labels", f"**/densepose_coco_2014_{part}.json", f"**/densepose_{part}2014.json"
    )
    content = read_json(path)
    people, others = labelled_people(content, path)
    by_size = defaultdict(dict)
    for image in public.field(content, "images", path):
        if image["id"] in people:
            by_size[f"{image['width']}x{image['height']}"][image["id"]] = image["file_name"]
    names = public.chosen(by_size, cameras, "camera (size of pictures)")
    rows = choice.of(frame for name in names for frame in by_size[name])
    images = find_pictures(folder, {name: by_size[name] for name in names}, set(rows))
    surface = Template.load(template) if template else SURFACE
    topology = surface.topology if isinstance(surface, Template) else surface
    rig = Rig({name: guessed(name) for name in images}, "m", provenance={"calibrated": False})
    source = {"dataset": "COCO-DensePose", "licence": LICENCE, "part": part}
    with CaptureWriter(
        out, rig, template=surface, provenance=source, overwrite=overwrite
    ) as writer:
        for name in images:
            add_pictures(writer.files, name, images[name])
            for frame in images[name]:
                known = labelled_field(people[frame], rig[name].size, topology, name, frame, path)
                writer.files.write_field(known)
                writer.files.write_mask(name, frame, known.foreground)
    print(f"{out}: {len(rows)} pictures of {len(rig)} sizes; {others} more people are left out")


def find_pictures(folder, by_size, rows):
    """Return the files of the images in ``rows`` by size and frame; a frame is an image's id."""
    files = {path.name: path for path in folder.all("**/*.jpg")}
    found = {}
    for name, images in by_size.items():
        for frame in sorted(rows & set(images)):
            if images[frame] not in files:
                raise folder.lacks("a picture", images[frame])
            found.setdefault(name, {})[frame] = files[images[frame]]
    return found


def labelled_people(content, path):
    """Return the person with most labelled points of each image, and how many others there are."""
    found, count = {}, 0
    for person in public.field(content, "annotations", path):
        if "dp_x" not in person:
            continue
        count += 1
        best = found.get(person["image_id"])
        if best is None or len(person["dp_x"]) > len(best["dp_x"]):
            found[person["image_id"]] = person
    if not found:
        raise InputError(f"has no DensePose labels (dp_x); {CARD} shows them", where=path)
    return found, count - len(found)


def guessed(name):
    """Return a camera with the size in its name; its focal length is a guess."""
    width, height = map(int, name.split("x"))
    f = FIELD_OF_VIEW * max(width, height)
    K = [[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]]
    return Camera.from_opencv(K, size=(width, height))


def labelled_field(person, size, topology, camera, frame, path):
    """Return part, u and v at the pixels of the labelled points, and the mask as foreground."""
    width, height = size
    part, uv = np.zeros((height, width), np.uint8), np.zeros((height, width, 2), np.float32)
    try:
        x, y, w, h = person["bbox"]
        columns = np.asarray(person["dp_x"], float) * w / BOX + x
        lines = np.asarray(person["dp_y"], float) * h / BOX + y
        at = lines.astype(int).clip(0, height - 1), columns.astype(int).clip(0, width - 1)
        part[at] = np.asarray(person["dp_I"], float).astype(np.uint8)
        uv[at] = np.stack([person["dp_U"], person["dp_V"]], -1)
        mask = part_mask(person["dp_masks"], (x, y, w, h), size)
        seen = np.maximum(mask, part > 0).astype(np.float32)
        return DenseField.of_charts(part, uv, topology, camera, frame, foreground=seen)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"person {person.get('id')}: broken labels ({error})", path) from None


if __name__ == "__main__":
    sys.exit(public.run(prepare))
