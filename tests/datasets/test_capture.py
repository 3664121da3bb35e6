"""Capture folders: written by us, made by hand, and wrong in every way."""

import pickle
import shutil

import numpy as np
import pytest
import torch

from mvboot import save_rig
from mvboot.config import dump_yaml
from mvboot.datasets import Capture, CaptureWriter, Splits
from mvboot.errors import InputError
from mvboot.fields import DenseField, write_field
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.geometry import Camera
from mvboot.rig import Rig
from mvboot.template import load_template


@pytest.fixture
def by_hand(tools, tmp_path):
    """Return a folder with a rig, pictures under odd names, and keypoints."""
    folder = tmp_path / "hand"
    rig = tools["ring"](3)
    folder.mkdir()
    save_rig(rig, folder / "rig.yaml")
    for name in rig.names:
        for frame in (3, 4, 12):
            path = folder / "images" / name / f"shot_{frame}.jpg"
            tools["write_picture"](path, tools["numbered"](frame))
    write_keypoints2d(tools["detections"](rig, [3, 12]), folder / "keypoints.csv")
    return folder


def edit(folder, **content):
    dump_yaml({"schema": 1, **content}, folder / "capture.yaml")


# --- made by hand


def test_a_folder_made_by_hand(by_hand, tools):
    capture = Capture.open(by_hand)
    capture.check()
    assert capture.cameras == ("cam0", "cam1", "cam2")
    assert capture.frames.tolist() == [3, 4, 12]
    assert capture.size("cam1") == (tools["W"], tools["H"])
    assert tools["number_of"](capture.picture("cam2", 12)) == 12
    assert capture.mask("cam2", 12) is None and capture.field("cam2", 12) is None
    assert not capture.is_labelled("cam2", 12)
    assert capture.keypoints.keypoints == tuple(tools["POINTS"])
    assert capture.split("train").tolist() == [3, 4, 12] and not len(capture.split("validation"))
    assert capture.template is None and capture.topology is None
    assert capture.time("cam0", 3) is None
    with pytest.raises(InputError, match="camera cam0 has no picture of frame 5"):
        capture.picture("cam0", 5)


def test_videos_of_a_varying_frame_rate(tools, tmp_path):
    folder = tmp_path / "videos"
    rig = tools["ring"](2)
    for name in rig.names:
        tools["write_video"](folder / "videos" / f"{name}.mp4", count=30)
    save_rig(rig, folder / "rig.yaml")
    capture = Capture.open(folder)
    assert capture.frames.tolist() == list(range(30))
    assert [tools["number_of"](capture.picture("cam1", f)) for f in (29, 4, 17)] == [29, 4, 17]

    # frame 10 of cam1 was dropped while filming: all later ones are one further on
    edit(folder, cameras={"cam0": {}, "cam1": {"frames": ["0..9", "11..30"]}})
    capture = Capture.open(folder)
    assert not capture.has("cam1", 10) and capture.has("cam0", 10)
    assert tools["number_of"](capture.picture("cam1", 11)) == 10
    assert tools["number_of"](capture.picture("cam0", 11)) == 11
    travelled = pickle.loads(pickle.dumps(capture))
    assert tools["number_of"](travelled.picture("cam1", 30)) == 29

    edit(folder, cameras={"cam0": {}, "cam1": {"frames": "0..9"}})
    with pytest.raises(InputError, match="lists 10 frames, but the video has 30"):
        Capture.open(folder).picture("cam1", 3)


def test_a_table_of_times_says_which_frames_belong_together(tools, tmp_path):
    folder = tmp_path / "videos"
    rig = tools["ring"](2)
    save_rig(rig, folder / "rig.yaml")
    rows = ["camera,frame,time"]
    for name, first in (("cam0", 0), ("cam1", 2)):  # cam1 was switched on two frames later
        tools["write_video"](folder / "videos" / f"{name}.mp4", count=8)
        rows += [f"{name},{i},{(first + i) * 0.04}" for i in range(8)]
    (folder / "times.csv").write_text("\n".join(rows))
    edit(folder, timestamps="times.csv")
    capture = Capture.open(folder)
    assert capture.frames.tolist() == list(range(10))
    assert tools["number_of"](capture.picture("cam0", 5)) == 5
    assert tools["number_of"](capture.picture("cam1", 5)) == 3
    edit(folder, timestamps="times.csv", cameras={"cam0": {"frames": "0..7"}})
    with pytest.raises(InputError, match="both a timestamps file and frames of cameras"):
        Capture.open(folder)


def test_some_cameras_and_frames_can_be_chosen(by_hand):
    shutil.rmtree(by_hand / "images" / "cam1")
    with pytest.raises(InputError, match=r"no pictures of camera cam1: .*images/cam1/"):
        Capture.open(by_hand)
    entry = {"frames": [3, 12], "timestamps": [0.5, 2.25]}
    edit(by_hand, cameras={"cam2": entry, "cam0": {}})
    capture = Capture.open(by_hand)
    assert capture.cameras == ("cam2", "cam0")
    assert capture.keypoints.cameras == ("cam0", "cam2")
    assert not capture.has("cam2", 4) and capture.has("cam0", 4)
    assert capture.time("cam2", 12) == 2.25


# --- wrong in some way


def test_faults_are_named_at_opening(by_hand, tools, tmp_path):
    with pytest.raises(InputError, match="no such capture folder"):
        Capture.open(tmp_path / "none")
    edit(by_hand, cameras={"cam7": {}})
    with pytest.raises(
        InputError, match=r"capture.yaml: cameras: no camera cam7 in the rig; it ha"
    ):
        Capture.open(by_hand)
    edit(by_hand, splits={"train": "3..4", "held_out_cameras": ["left"]})
    with pytest.raises(InputError, match=r"splits.held_out_cameras: no camera left in the rig"):
        Capture.open(by_hand)
    edit(by_hand, splits={"train": "3..6"})
    with pytest.raises(
        InputError, match=r"splits.train: frame 5 is listed, but no camera has a pi"
    ):
        Capture.open(by_hand)
    edit(by_hand, labelled=[3, 7])
    with pytest.raises(InputError, match="labelled: frame 7 is listed"):
        Capture.open(by_hand)
    edit(by_hand, cameras={"cam0": {"frames": [3, 5, 6]}})
    with pytest.raises(InputError, match=r"lists frame 5 of camera cam0, .* \(and of 1 more\)"):
        Capture.open(by_hand)
    edit(by_hand)
    tools["write_video"](by_hand / "videos" / "cam0.mp4", count=3)
    with pytest.raises(InputError, match="camera cam0 has both pictures and a video"):
        Capture.open(by_hand)
    (by_hand / "videos" / "cam0.mp4").rename(by_hand / "videos" / "top.mp4")
    with pytest.raises(InputError, match="pictures of top, but the rig's cameras are cam0, cam1, "):
        Capture.open(by_hand)
    (by_hand / "rig.yaml").unlink()
    with pytest.raises(InputError, match=r"no rig.yaml; write one with"):
        Capture.open(by_hand)


def test_a_broken_capture_yaml_points_at_its_line(by_hand):
    cases = {
        "schema: 2\n": r"capture.yaml:1:1: schema: Input should be 1",
        "schema: 1\nsplit: {}\n": r"capture.yaml:2:1: split: unknown key; did you mean 'splits'",
        "schema: 1\nsplits:\n  train: 9..2\n": r"capture.yaml:3:3: splits.train: the range 9..2",
        "schema: 1\nsplits: {train: 0..5, validation: [5]}\n": "frame 5 is both in train and",
        "schema: 1\ntemplate: body\n": "capture.yaml:2:1: template: String should match",
        "schema: 1\ncameras:\n  cam0:\n    timestamps: [1, 2]\n": "2 timestamps; it needs frames",
        "schema: 1\ncameras:\n  cam0: {frames: [3, 4], timestamps: [2, 1]}\n": "must increase",
        "schema: 1\ncameras:\n  cam0: {frames: [3], timestamps: [.nan]}\n": "not a finite number",
    }
    for text, message in cases.items():
        (by_hand / "capture.yaml").write_text(text)
        with pytest.raises(InputError, match=message):
            Capture.open(by_hand)


def test_odd_sizes_are_named(by_hand, tools):
    wrong = np.zeros((tools["W"], tools["H"], 3), np.uint8)
    tools["write_picture"](by_hand / "images" / "cam1" / "shot_12.jpg", wrong)
    capture = Capture.open(by_hand)  # looks at the first picture of each camera only
    with pytest.raises(InputError, match=r"shot_12.jpg: has 48 x 64 px, but shot_3.jpg .*turned"):
        capture.check()
    mask = by_hand / "masks" / "cam0" / "3.png"
    tools["write_picture"](mask, np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match=r"3.png: has 9 x 9 px, but the pictures of camera cam0 "):
        Capture.open(by_hand).mask("cam0", 3)
    for frame in (3, 4, 12):
        tools["write_picture"](by_hand / "images" / "cam0" / f"shot_{frame}.jpg", wrong)
    with pytest.raises(InputError, match=r"camera cam0 have 48 x 64 px, but rig.yaml says 64 x 48"):
        Capture.open(by_hand)


def test_masks_are_shares(by_hand, tools):
    picture = np.zeros((tools["H"], tools["W"], 3), np.uint8)
    picture[:, :10] = 255
    tools["write_picture"](by_hand / "masks" / "cam0" / "3.png", picture)
    tools["write_picture"](by_hand / "masks" / "cam0" / "4.png", picture // 255)
    capture = Capture.open(by_hand)
    assert capture.mask("cam0", 3).mean() == pytest.approx(10 / 64)
    with pytest.raises(InputError, match=r"4.png: holds only 0 and 1; masks are 0 to 255"):
        capture.mask("cam0", 4)


def test_keypoints_of_unknown_cameras_are_refused(by_hand, tools):
    renamed = tools["detections"](tools["ring"](3), [3]).renamed({"cam1": "side"})
    write_keypoints2d(renamed, by_hand / "keypoints.csv")
    with pytest.raises(InputError, match=r"keypoints of side, but the rig's cameras are cam0, cam"):
        Capture.open(by_hand).check()


def test_names_that_differ_by_spelling_are_those_of_the_pictures(by_hand, tools):
    rig = tools["ring"](3)
    respelt = {name: f"Cam {name[-1]}" for name in rig.names}
    write_keypoints2d(tools["detections"](rig, [3]).renamed(respelt), by_hand / "keypoints.csv")
    (by_hand / "boxes.csv").write_text("camera,frame,left,top,right,bottom\nCam_1,3,1,1,9,9\n")
    capture = Capture.open(by_hand, rig.renamed(respelt))
    capture.check()
    assert capture.cameras == rig.names == capture.keypoints.cameras
    assert capture.boxes.cameras == ("cam1",)


def test_fields_of_another_template_or_picture_are_refused(by_hand, tools):
    edit(by_hand, template="f" * 16)
    write_field(tools["field_of"]("cam0", 3), by_hand / "fields" / "cam0" / "000003.npz")
    capture = Capture.open(by_hand)
    with pytest.raises(InputError, match=r"000003.npz: the field of .* not f{16}"):
        capture.field("cam0", 3)
    write_field(tools["field_of"]("cam1", 4), by_hand / "fields" / "cam0" / "000003.npz")
    with pytest.raises(InputError, match=r"000003.npz: is the field of camera cam1, frame 4"):
        capture.field("cam0", 3)


# --- the writer


def test_what_is_written_is_read(capture_folder, tools):
    capture = Capture.open(capture_folder)
    counts = {"pictures": 40, "masks": 40, "fields": 40, "labelled": 12, "keypoints": 3}
    assert capture.check() == counts | {"templates": 0}
    assert capture.model.fps == 30 and capture.model.template == tools["MESH"]
    assert capture.time("cam0", 3) == pytest.approx(0.1)
    assert "0..9" in (capture_folder / "capture.yaml").read_text()
    assert capture.model.provenance["rig"] == capture.rig.fingerprint()
    np.testing.assert_array_equal(capture.picture("cam3", 7), tools["numbered"](7))
    field = tools["field_of"]("cam3", 7)
    np.testing.assert_array_equal(capture.mask("cam3", 7), field.foreground)
    np.testing.assert_array_equal(capture.field("cam3", 7).coordinates, field.coordinates)
    assert capture.is_labelled("cam3", 2) and not capture.is_labelled("cam3", 7)


def test_the_same_content_gives_the_same_bytes(tools, tmp_path):
    rig = tools["ring"](2)
    first, second = (tools["write_capture"](tmp_path / name, rig, range(2)) for name in "ab")
    paths = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    assert len(paths) == 3 * 2 * 2 + 3
    for path in paths:
        assert (first / path).read_bytes() == (second / path).read_bytes(), path


def test_splits_times_and_truth(tools, tmp_path):
    rig = tools["ring"](2)
    splits = Splits(train=(0, 1), validation=(3,), held_out_cameras=("cam1",))
    times = {"cam0": {frame: frame / 30 + 0.001 for frame in range(4)}}
    with CaptureWriter(tmp_path / "c", rig, splits=splits, times=times, seed=5) as writer:
        for name in rig.names:
            for frame in range(4):
                picture = tools["numbered"](frame)
                writer.files.write_picture(name, frame, picture, ".jpg")
                depth = np.full(picture.shape[:2], 2.5)
                writer.files.write_maps(name, frame, depth=depth, face=depth.astype(np.int32))
        writer.write_true_rig(tools["ring"](2, distortion=False))
        writer.files.truth_path("poses.parquet").write_bytes(b"of the renderer")
    capture = Capture.open(tmp_path / "c")
    assert capture.split("train").tolist() == [0, 1] and capture.split("validation").tolist() == [3]
    assert capture.training_cameras == ("cam0",)
    assert capture.time("cam0", 3) == pytest.approx(0.101) and capture.time("cam1", 3) is None
    assert capture.model.seed == 5
    assert capture.truth.maps("cam1", 3)["face"].dtype == np.int32
    assert capture.truth.rig["cam1"].lens.name == "pinhole"
    assert capture.rig["cam1"].lens.name == "brown"
    with pytest.raises(InputError, match="no true maps of camera cam1, frame 9"):
        capture.truth.maps("cam1", 9)
    with pytest.raises(InputError, match=r"keypoints3d.parquet: no such file"):
        _ = capture.truth.keypoints3d
    assert tools["write_capture"](tmp_path / "d", rig, range(1))
    assert Capture.open(tmp_path / "d").truth.rig is not None


def test_a_camera_that_is_not_in_use_is_named(capture_folder):
    capture = Capture.open(capture_folder)
    names = ", ".join(capture.cameras)
    asked = (
        *(capture.has, capture.camera, capture.time, capture.picture, capture.mask),
        *(capture.field, capture.is_labelled, lambda name, _: capture.size(name)),
        *(capture.truth.maps, capture.truth.points),
    )
    for ask in asked:
        with pytest.raises(InputError, match="cam9") as error:
            ask("cam9", 0)
        assert names in str(error.value)


def test_times_are_those_of_pictures_that_there_are(tools, tmp_path):
    times = {"cam0": {frame: frame / 10 for frame in range(2)}}
    with CaptureWriter(tmp_path / "c", tools["ring"](2), times=times) as writer:
        for name in ("cam0", "cam1"):
            for frame in range(2):
                writer.files.write_picture(name, frame, tools["numbered"](frame))
    capture = Capture.open(tmp_path / "c")
    assert capture.time("cam0", 1) == 0.1
    with pytest.raises(InputError, match="camera cam0 has no picture of frame 2"):
        capture.time("cam0", 2)


def test_nothing_is_left_of_a_capture_that_failed(tools, tmp_path):
    rig = tools["ring"](2)
    with pytest.raises(RuntimeError), CaptureWriter(tmp_path / "c", rig) as writer:
        writer.files.write_picture("cam0", 0, tools["numbered"](0))
        raise RuntimeError
    with (
        pytest.raises(InputError, match="no pictures of camera cam1"),
        CaptureWriter(tmp_path / "c", rig) as writer,
    ):
        writer.files.write_picture("cam0", 0, tools["numbered"](0))
    splits = Splits(train=(0, 1))
    with pytest.raises(InputError, match=r"splits.train: frame 1 is listed"):
        tools["write_capture"](tmp_path / "c", rig, range(1), splits=splits)
    assert list(tmp_path.iterdir()) == []


def test_overwriting_replaces_the_whole_capture(tools, tmp_path):
    rig = tools["ring"](2)
    tools["write_capture"](tmp_path / "c", rig, range(3))
    (tmp_path / "c" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        tools["write_capture"](tmp_path / "c", rig, range(1))
    with CaptureWriter(tmp_path / "c", rig, overwrite=True) as writer:
        for name in rig.names:
            writer.files.write_picture(name, 8, tools["numbered"](8))
    assert Capture.open(tmp_path / "c").frames.tolist() == [8]
    left = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert left == ["capture.yaml", "images", "notes.txt", "rig.yaml"]


def test_the_writer_refuses_what_does_not_fit(tools, tmp_path):
    rig, picture = tools["ring"](2), tools["numbered"](0)
    blank = np.zeros(picture.shape[:2])
    with pytest.raises(RuntimeError), CaptureWriter(tmp_path / "c", rig) as writer:
        files = writer.files
        for message, call in {
            "no camera 'top' in the rig; it has cam0": lambda: files.write_mask("top", 0, blank),
            "picture has 48 x 64 px, but the rig says 64 x 48": lambda: files.write_picture(
                "cam0", 0, picture.swapaxes(0, 1)
            ),
            "uint8, got float64": lambda: files.write_picture("cam0", 0, picture / 255),
            ".png or .jpg, not '.bmp'": lambda: files.write_picture("cam0", 0, picture, ".bmp"),
            "mask must be .h, w. in": lambda: files.write_mask("cam0", 0, blank + 255),
            "states no template": lambda: files.write_field(tools["field_of"]("cam0", 0)),
            "need depth beside face": lambda: files.write_maps("cam0", 0, face=blank),
        }.items():
            with pytest.raises(InputError, match=message):
                call()
        raise RuntimeError
    with pytest.raises(InputError, match="made with the template 0123456789abcdef, not a"):
        tools["write_capture"](tmp_path / "c", rig, template="a" * 16)


def test_processes_may_write_frames(tools, tmp_path):
    rig = tools["ring"](2)
    with CaptureWriter(tmp_path / "c", rig) as writer:
        files = pickle.loads(pickle.dumps(writer.files))
        for name in rig.names:
            files.write_picture(name, 0, tools["numbered"](0))
    assert Capture.open(tmp_path / "c").frames.tolist() == [0]


def test_moving_cameras(tools, tmp_path):
    still = tools["ring"](2)["cam0"]
    poses = [still.cam_from_world, still.cam_from_world]
    moving = Camera.from_opencv(
        still.K,
        still.lens.coefficients,
        torch.stack([p.R for p in poses]),
        torch.stack([p.t + i for i, p in enumerate(poses)]),
        still.size,
        frames=[0, 1],
    )
    rig = Rig({"cam0": moving, "cam1": tools["ring"](2)["cam1"]}, "m")
    with CaptureWriter(tmp_path / "c", rig) as writer:
        for name in rig.names:
            for frame in range(3):
                writer.files.write_picture(name, frame, tools["numbered"](frame))
    capture = Capture.open(tmp_path / "c")
    torch.testing.assert_close(
        capture.camera("cam0", 1).cam_from_world.t, still.cam_from_world.t + 1
    )
    with pytest.raises(InputError, match=r"rig.yaml: camera cam0: .* none for frame 2"):
        capture.camera("cam0", 2)


def test_embeddings_are_fields_too(tools, tmp_path):
    rig = tools["ring"](2)
    with CaptureWriter(tmp_path / "c", rig, template=tools["MESH"]) as writer:
        for name in rig.names:
            writer.files.write_picture(name, 0, tools["numbered"](0))
        values = np.random.default_rng(0).normal(size=(48, 64, 6))
        writer.files.write_field(DenseField.of_embedding(values, tools["MESH"], "cam0", 0))
    capture = Capture.open(tmp_path / "c")
    assert capture.field("cam0", 0).dimensions == 6 and capture.field("cam1", 0) is None
    assert capture.is_labelled("cam0", 0) and not capture.is_labelled("cam1", 0)


def test_which_fields_are_labels_can_be_chosen(tools, tmp_path):
    rig = tools["ring"](3)
    with CaptureWriter(tmp_path / "c", rig, template=tools["MESH"]) as writer:
        for name in rig.names:
            writer.files.write_picture(name, 0, tools["numbered"](0))
            writer.files.write_field(field_of(name, tools, 0.0))
    edit(tmp_path / "c", cameras={"cam0": {}, "cam1": {}}, labelled=[])
    write_keypoints2d(tools["detections"](rig, [0]), tmp_path / "c" / "keypoints.parquet")
    write_field(field_of("cam1", tools, 1.0), tmp_path / "new" / "cam1" / "000000.npz")
    capture = Capture.open(tmp_path / "c")
    assert not capture.is_labelled("cam1", 0)
    other = capture.relabelled(tmp_path / "new")
    assert other.is_labelled("cam1", 0) and not other.is_labelled("cam0", 0)
    assert (other.field("cam1", 0).coordinates == 1).all() and other.field("cam0", 0) is None
    assert (capture.field("cam1", 0).coordinates == 0).all()
    assert not other.labelled_by(["cam0"]).is_labelled("cam1", 0)
    assert other.labelled_by(["cam1"]).is_labelled("cam1", 0)
    assert other.keypoints.cameras == ("cam0", "cam1"), "of cam2, which is not in use, as well"


def field_of(name, tools, value):
    return DenseField.of_embedding(np.full((48, 64, 6), value), tools["MESH"], name, 0)


def test_the_template_lies_beside_the_capture(tools, tmp_path):
    template = load_template("quadruped")
    rig = tools["ring"](2)
    with CaptureWriter(tmp_path / "c", rig, template=template) as writer:
        for name in rig.names:
            writer.files.write_picture(name, 0, tools["numbered"](0))
    capture = Capture.open(tmp_path / "c")
    assert capture.topology == capture.template.topology == template.topology
    (tmp_path / "c" / "capture.yaml").unlink()
    assert Capture.open(tmp_path / "c").topology == template.topology
    edit(tmp_path / "c", template="f" * 16)
    with pytest.raises(InputError, match=r"capture.yaml: was made with the template f{16}"):
        _ = Capture.open(tmp_path / "c").template
