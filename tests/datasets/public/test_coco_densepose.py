"""COCO-DensePose: points in a box of 256, masks as run lengths, pictures of any size."""

import json
import os

import numpy as np
import pytest

from mvboot.datasets import Capture
from mvboot.template import load_template

IMAGES = {785: (64, 48), 139: (48, 64), 872: (64, 48)}
BOX = (8.0, 6.0, 32.0, 24.0)
POINTS = [(20.5, 12.5, 3, 0.25, 0.75), (30.5, 20.5, 17, 0.5, 0.125), (8.5, 6.5, 24, 1.0, 0.0)]
"""Middle of a pixel (edges of the picture at 0), part, u, v."""


def encoded(mask):
    """Return COCO's run lengths of a mask."""
    flat = np.concatenate([[0], mask.T.ravel(), [2]])
    ends = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], ends]))
    text = ""
    for i, run in enumerate(runs):
        value = int(run - (runs[i - 2] if i > 2 else 0))
        while True:
            bits, value = value & 31, value >> 5
            done = value == (-1 if bits & 16 else 0)
            text += chr(48 + (bits if done else bits | 32))
            if done:
                break
    return {"counts": text, "size": list(mask.shape)}


def person(number, image, points=POINTS):
    """Return a person whose left half of the box is torso, whose lower right quarter is a leg."""
    x, y, w, h = BOX
    torso, leg = np.zeros((2, 256, 256), int)
    torso[:, :128] = 1
    leg[128:, 128:] = 1
    px, py, part, u, v = np.array(points).T
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": list(BOX),
        "dp_x": ((px - x) / w * 256).tolist(),
        "dp_y": ((py - y) / h * 256).tolist(),
        "dp_I": part.tolist(),
        "dp_U": u.tolist(),
        "dp_V": v.tolist(),
        "dp_masks": [encoded(torso), [], encoded(leg)] + [[]] * 11,
    }


@pytest.fixture
def download(tmp_path, tools):
    folder = tmp_path / "coco"
    images = [
        {"id": i, "width": w, "height": h, "file_name": f"COCO_val2014_{i:012d}.jpg"}
        for i, (w, h) in IMAGES.items()
    ]
    people = [person(1, 785), person(2, 785, POINTS[:1]), person(3, 139)]
    people += [{"id": 4, "image_id": 872, "bbox": list(BOX)}]  # without labels
    content = {"images": images, "annotations": people, "categories": []}
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "densepose_coco_2014_minival.json").write_text(json.dumps(content))
    for i, (w, h) in IMAGES.items():
        path = folder / "val2014" / f"COCO_val2014_{i:012d}.jpg"
        tools["write_picture"](path, np.full((h, w, 3), 90, np.uint8))
    return folder


def test_labelled_people(download, prepare, script, tmp_path):
    out = tmp_path / "out"
    result = prepare("coco_densepose", download, "--part", "minival", "--out", out)
    assert result.code == 0, result.err
    assert "2 pictures of 2 sizes; 1 more people" in result.out
    capture = Capture.open(out)
    counts = capture.check()
    assert (counts["pictures"], counts["fields"], counts["masks"], counts["labelled"]) == ((2,) * 4)
    assert capture.cameras == ("48x64", "64x48") and capture.size("48x64") == (48, 64)
    source = download / "val2014" / "COCO_val2014_000000000785.jpg"
    assert os.path.samefile(out / "images" / "64x48" / "000785.jpg", source)
    field = capture.field("64x48", 785)
    assert field.topology == script("coco_densepose")["SURFACE"]
    known = np.argwhere(field.part > 0)
    assert len(known) == len(POINTS)
    for x, y, part, u, v in POINTS:
        value = field.at([x - 0.5, y - 0.5])  # OpenCV: the middle of the first pixel is 0
        assert value.part == part
        np.testing.assert_allclose(value.coordinates, [u, v], atol=1e-6)
    expected = np.zeros((48, 64), bool)
    expected[6:30, 8:24] = True  # the left half of the box
    expected[18:30, 24:40] = True  # the lower right quarter
    np.testing.assert_array_equal(capture.mask("64x48", 785) > 0.5, expected)
    np.testing.assert_array_equal(field.foreground > 0.5, expected)
    assert capture.rig.provenance["calibrated"] is False


def test_sizes_and_images_can_be_chosen(download, prepare, tmp_path):
    newer = download / "annotations" / "densepose_minival2014.json"
    (download / "annotations" / "densepose_coco_2014_minival.json").rename(newer)
    chosen = ("--part", "minival", "--cameras", "48x64", "--frames", "100..200")
    result = prepare("coco_densepose", download, *chosen, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    assert Capture.open(tmp_path / "out").frames.tolist() == [139]


def test_with_a_template_fields_mean_its_surface(download, prepare, tmp_path):
    template = load_template("quadruped")
    template.save(tmp_path / "surface.npz")
    given = ("--part", "minival", "--template", tmp_path / "surface.npz")
    assert prepare("coco_densepose", download, *given, "--out", tmp_path / "out").code == 0
    assert Capture.open(tmp_path / "out").topology == template.topology


def test_bad_input(download, refused, tmp_path):
    out, usual = tmp_path / "out", ("--part", "minival")
    refused("coco_densepose", out, download, "--part", "train", says=["2014_train", "card.md"])
    refused("coco_densepose", out, download, *usual, "--cameras", "9x9", says=["48x64, 64x48"])
    path = download / "annotations" / "densepose_coco_2014_minival.json"
    content = json.loads(path.read_text())

    def refused_with(says, **changes):
        people = [{**content["annotations"][0], **changes}]
        path.write_text(json.dumps({**content, "annotations": people}))
        refused("coco_densepose", out, download, *usual, says=[path.name, *says])

    refused_with(["person 1"], dp_U=[0.5])
    refused_with(["person 1", "pixels instead of"], dp_masks=[{"counts": "04", "size": [9, 9]}])
    refused_with(["person 1", "broken labels"], bbox=[1, 2])
    refused_with(["person 1", "chart coordinates"], dp_U=[2.0, 0.0, 0.0])
    path.write_text(json.dumps({"images": [], "annotations": content["annotations"][-1:]}))
    refused("coco_densepose", out, download, *usual, says=["no DensePose labels", "card.md"])
    path.write_text(json.dumps(content))
    (download / "val2014" / "COCO_val2014_000000000139.jpg").unlink()
    refused("coco_densepose", out, download, *usual, says=["COCO_val2014_000000000139.jpg"])
