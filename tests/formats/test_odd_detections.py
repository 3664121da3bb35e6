"""Detections as tools really write them: odd, but with one meaning."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from mvboot import InputError, load_keypoints
from mvboot.formats.detections import describe
from mvboot.formats.skeletons import HALPE_26
from mvboot.formats.written_detections import save_keypoints2d
from mvboot.keypoints import Keypoints2D, are_identified

HEAD = "scorer,n,n,n\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"


def notes(keypoints):
    return " | ".join(keypoints.source["notes"])


def cameras(folder, *texts, suffix="csv", names="abcdef"):
    for name, text in zip(names, texts, strict=False):
        (folder / f"{name}.{suffix}").write_text(text)
    return folder / f"{{camera}}.{suffix}"


def people(folder, frame, *entries):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{frame:06d}_keypoints.json").write_text(json.dumps({"people": list(entries)}))


BODY = [10.0, 20.0, 0.5] * 18


# --- scores and missing points --------------------------------------------------------------------


def test_scores_a_little_over_1_count_as_1(tmp_path):
    found = load_keypoints(cameras(tmp_path, HEAD + "0,5,6,1.03\n1,5,6,0.5\n"))
    assert found.confidence.ravel().tolist() == [1.0, 0.5]
    assert "a: scores above 1 (1, up to 1.03) count as 1" in notes(found)
    assert "note: a: scores above 1" in describe(found)
    with pytest.raises(InputError, match="confidence of 97, outside"):
        load_keypoints(cameras(tmp_path, HEAD + "0,5,6,97\n"))


def test_minus_one_is_missing_and_a_point_without_score_is_a_persons(tmp_path):
    found = load_keypoints(cameras(tmp_path, HEAD + "0,-1,-1,-1\n1,5,6,\n2,0,0,0\n3,-1,6,0.5\n"))
    assert found.present.ravel().tolist() == [False, True, False, True]
    assert found.confidence[0, 1, 0, 0] == 1.0 and "without a score (1)" in notes(found)
    with pytest.raises(InputError, match="confidence of -1"):
        load_keypoints(cameras(tmp_path, HEAD + "0,5,6,-1\n"))


# --- text tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ",")]
)
def test_every_csv_is_read_as_spreadsheets_write_it(tmp_path, encoding, separator, decimal):
    texts = {
        "dlc": HEAD + "0,5.25,6.5,0.9\n",
        "slp": "track,frame_idx,nose.x,nose.y,nose.score\n,0,5.25,6.5,0.9\n",
        "own": "frame,camera,individual,keypoint,x,y,confidence\n0,a,i,nose,5.25,6.5,0.9\n",
        "cal": "sync_index,cam_id,point_id,img_loc_x,img_loc_y\n0,0,1,5.25,6.5\n",
    }
    for name, text in texts.items():
        changed = text.replace(",", "|").replace(".", decimal).replace("|", separator)
        changed = changed.replace(f"nose{decimal}", "nose.")
        (tmp_path / name).mkdir()
        path = tmp_path / name / "a.csv"
        path.write_bytes(changed.encode(encoding))
        found = load_keypoints(path if name in ("own", "cal") else path.with_name("{camera}.csv"))
        assert found.xy.ravel().tolist() == [5.25, 6.5], name


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    pattern = cameras(tmp_path, "")
    for format in (None, "deeplabcut", "sleap-csv"):
        with pytest.raises(InputError, match=r"a\.csv: the file is empty"):
            load_keypoints(pattern, format)


def test_broken_tables_are_one_line(tmp_path):
    cut = "track,frame_idx,nose.x,nose.y\n,0,1,2\n,1,1,2,3\n"
    with pytest.raises(
        InputError, match=r"no readable table \(Expected 4 fields in line 3"
    ) as error:
        load_keypoints(cameras(tmp_path, cut))
    assert "\n" not in str(error.value)
    (tmp_path / "a.csv").write_bytes(
        (HEAD + "0,5,6,0.9\n").replace("nose", "n\xf6se").encode("latin-1")
    )
    with pytest.raises(InputError, match="save it as UTF-8"):
        load_keypoints(tmp_path / "{camera}.csv", "deeplabcut")


def test_columns_of_words_are_left_alone(tmp_path):
    text = "scorer,n,n,n,set\nbodyparts,nose,nose,nose,\ncoords,x,y,likelihood,\n"
    found = load_keypoints(cameras(tmp_path, text + "v/img3.png,5,6,0.9,train\n"))
    assert found.keypoints == ("nose",) and found.frames.tolist() == [3]
    with pytest.raises(InputError, match="'tall' is no number: nose y"):
        load_keypoints(cameras(tmp_path, HEAD + "0,5,tall,0.9\n"))


def test_rows_that_state_their_frames(tmp_path):
    one = HEAD + "10,5,6,0.9\n12,7,8,0.9\n"
    found = load_keypoints(cameras(tmp_path, one, HEAD + "12,5,6,0.9\n"))
    assert found.frames.tolist() == [10, 12] and found.present[1].ravel().tolist() == [False, True]
    with pytest.raises(InputError, match="two rows of the frame number 4"):
        load_keypoints(cameras(tmp_path, HEAD + "4,5,6,1\n4,5,6,1\n"))


def test_the_first_repeated_row_is_named(tmp_path):
    rows = "".join(f"{i},a,fly,nose,1,2,0.5\n" for i in (3, 4, 5, 4, 3))
    (tmp_path / "k.csv").write_text("frame,camera,individual,keypoint,x,y,confidence\n" + rows)
    said = r"frame 4, camera a, individual fly, keypoint nose \(lines 3 and 5\).*: 2"
    with pytest.raises(InputError, match=said):
        load_keypoints(tmp_path / "k.csv")


# --- cameras that differ --------------------------------------------------------------------------


def test_a_keypoint_that_one_camera_does_not_know_is_never_seen_by_it(tmp_path):
    more = HEAD.replace("n,n,n", "n,n,n,n,n,n").replace(
        "nose,nose,nose", "nose,nose,nose,ear,ear,ear"
    )
    more = more.replace("x,y,likelihood", "x,y,likelihood,x,y,likelihood")
    found = load_keypoints(cameras(tmp_path, HEAD + "0,5,6,1\n", more + "0,5,6,1,7,8,1\n"))
    assert found.keypoints == ("nose", "ear") and not found.present[0, ..., 1].any()
    assert "no keypoint ear in camera a" in notes(found)
    apart = HEAD.replace("nose", "tail") + "0,5,6,1\n"
    with pytest.raises(InputError, match="different keypoints, none in common"):
        load_keypoints(cameras(tmp_path, HEAD + "0,5,6,1\n", apart))


def test_openpose_people_of_nothing_and_cameras_that_see_nobody(tmp_path):
    people(tmp_path / "a", 0, {"pose_keypoints_2d": BODY}, {})
    people(tmp_path / "a", 1, {"person_id": [-1], "pose_keypoints_2d": []})
    people(tmp_path / "b", 0)
    people(tmp_path / "b", 1)
    found = load_keypoints(tmp_path / "{camera}")
    assert found.shape == (2, 2, 1, 18) and found.present[0, :, 0, 0].tolist() == [True, False]
    assert "people without keypoints, left out: 2" in notes(found)
    assert "no detection at all in camera b" in notes(found)
    people(tmp_path / "a", 0)
    people(tmp_path / "a", 1)
    with pytest.raises(InputError, match="nobody was detected by any camera"):
        load_keypoints(tmp_path / "{camera}")


def test_openpose_hands_in_some_frames_and_older_keys(tmp_path):
    hand = [1.0, 2.0, 0.5] * 21
    people(tmp_path / "a", 0, {"pose_keypoints": BODY})
    people(tmp_path / "a", 1, {"pose_keypoints": BODY, "hand_left_keypoints": hand})
    found = load_keypoints(tmp_path / "{camera}")
    assert len(found.keypoints) == 18 + 21 and found.keypoints[-1] == "hand_left_20"
    assert found.present[0, :, 0, -1].tolist() == [False, True]
    people(tmp_path / "a", 2, {"pose_keypoints_2d": [1, 2, 0.5] * 25})
    with pytest.raises(InputError, match=r"18 in 000000_key.*25 in 000002_key"):
        load_keypoints(tmp_path / "{camera}")


@pytest.mark.parametrize("count", [17, 26, 133, 136, 16])
def test_skeletons_are_named_by_their_count(tmp_path, count):
    people(tmp_path / "a", 0, {"pose_keypoints_2d": [1, 2, 0.5] * count})
    names = load_keypoints(tmp_path / "{camera}").keypoints
    assert len(set(names)) == count and "keypoint_00" not in names
    if count in (26, 136):
        assert names[:26] == tuple(HALPE_26) and names[19] == "hip"


BROKEN = [5, "x", None, {"pose_keypoints_2d": 5}, {"pose_keypoints_2d": [1, "a", 2]}]
BROKEN += [{"pose_keypoints_2d": [[1, 2], [3]]}, {"person_id": {}, "pose_keypoints_2d": BODY}]
BROKEN += [{"keypoints": BODY}, {"pose_keypoints_2d": [10**400, 1, 1]}]


@pytest.mark.parametrize("entry", BROKEN)
def test_openpose_values_of_another_type_are_one_line(tmp_path, entry):
    people(tmp_path / "a", 0, entry)
    with pytest.raises(InputError, match=r"000000_keypoints\.json: has"):
        load_keypoints(tmp_path / "{camera}", "openpose")


# --- lists of people ------------------------------------------------------------------------------


def coco(v=(2, 1), **changes):
    person = {"image_id": 5, "category_id": 1, "keypoints": [3, 4, v[0], 9, 9, v[1]]}
    return {
        "images": [{"id": 5, "file_name": "f12_png.rf.0f8fad5bd9cb469fa16570867728950e.jpg"}],
        "categories": [{"id": 1, "keypoints": ["a", "b"]}],
        "annotations": [{**person, **changes}, {"image_id": 5, "category_id": 1, "bbox": [0]}],
    }


def test_coco_visibility_is_no_confidence_but_fractions_are(tmp_path):
    found = load_keypoints(cameras(tmp_path, json.dumps(coco()), suffix="json"))
    assert found.confidence.ravel().tolist() == [1, 1] and found.frames.tolist() == [12]
    found = load_keypoints(cameras(tmp_path, json.dumps(coco(v=(0.25, 0.5))), suffix="json"))
    assert found.confidence.ravel().tolist() == [0.25, 0.5]
    for change in ({"keypoints": "x"}, {"image_id": []}, {"image_id": 6}, {"score": "x"}):
        with pytest.raises(InputError, match=r"a\.json"):
            load_keypoints(cameras(tmp_path, json.dumps(coco(**change)), suffix="json"))


def alphapose(*entries):
    return json.dumps(
        [{"image_id": image, "keypoints": points, **more} for image, points, more in entries]
    )


@pytest.mark.parametrize("idx", [4, [4], [[4.0]], "4"])
def test_alphapose_tracks_in_lists_and_one_for_each_camera(tmp_path, idx):
    one = alphapose(("3.jpg", [1, 2, 0.5] * 17, {"idx": idx}))
    other = alphapose((3, [1, 2, 0.5] * 17, {"idx": 9}))
    found = load_keypoints(cameras(tmp_path, one, other, suffix="json"))
    assert found.individuals == ("person_4",) and found.identified and found.present.all()


def test_alphapose_of_one_idx_for_everybody_is_not_tracked(tmp_path):
    both = [("3.jpg", [1 + i, 2, 0.5] * 17, {"idx": 0}) for i in range(2)]
    found = load_keypoints(cameras(tmp_path, alphapose(*both), suffix="json"))
    assert found.individuals == ("person_0", "person_1") and not found.identified
    with pytest.raises(InputError, match="only a number"):
        found.of("person_1")
    for bad in ({"idx": {}}, {"idx": "x"}):
        with pytest.raises(InputError, match=r"a\.json: has an idx"):
            text = alphapose(("3.jpg", [1, 2, 0.5] * 17, bad))
            load_keypoints(cameras(tmp_path, text, suffix="json"), "alphapose")


def test_thousands_of_tracks_are_refused_with_their_size(tmp_path):
    entries = [(f"{i * 9}.jpg", [1, 2, 0.5] * 17, {"idx": i}) for i in range(3000)]
    with pytest.raises(InputError, match=r"would need .* GB.*3000 frames x 3000 individuals or tr"):
        load_keypoints(cameras(tmp_path, alphapose(*entries), suffix="json"))


def mmpose(scores=(0.9, 0.8), names=True):
    instance = {"keypoints": [[3, 4], [5, 6]], "keypoint_scores": list(scores)}
    frames = [{"frame_id": 0, "instances": []}, {"frame_id": 1, "instances": [instance]}]
    meta = {"keypoint_id2name": {"1": "tail", "0": "nose"}} if names else {}
    return {"meta_info": meta, "instance_info": frames}


def test_mmpose(tmp_path):
    found = load_keypoints(cameras(tmp_path, json.dumps(mmpose()), suffix="json"))
    assert found.keypoints == ("nose", "tail") and found.frames.tolist() == [0, 1]
    assert found.xy[0, 1, 0].tolist() == [[3, 4], [5, 6]] and not found.present[0, 0].any()
    assert found.confidence[0, 1, 0].tolist() == [0.9, 0.8]
    listed = json.dumps(mmpose(names=False)["instance_info"])
    found = load_keypoints(cameras(tmp_path, listed, suffix="json"))
    assert found.keypoints == ("keypoint_00", "keypoint_01") and found.frames.tolist() == [0, 1]
    (tmp_path / "p" / "cam").mkdir(parents=True)
    for frame in (7, 8):
        content = json.dumps(mmpose()["instance_info"][1]["instances"])
        (tmp_path / "p" / "cam" / f"{frame:06d}.json").write_text(content)
    assert load_keypoints(tmp_path / "p" / "{camera}").frames.tolist() == [7, 8]
    with pytest.raises(InputError, match="other numbers of scores"):
        load_keypoints(cameras(tmp_path, json.dumps(mmpose(scores=(1,))), suffix="json"))


# --- SLEAP ----------------------------------------------------------------------------------------


def test_sleap_of_sleap_io_has_its_axes_the_other_way(tmp_path):
    tracks = np.arange(5 * 2 * 3 * 2, dtype=float).reshape(5, 2, 3, 2) + 1  # frame track node xy
    for name, dims in (("a", True), ("b", False)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["tracks"] = tracks
            file["point_scores"] = tracks[..., 0] / 100
            file["node_names"] = ["x", "y", "z"]
            file["track_names"] = ["mia", "tom"]
            if dims:
                file["tracks"].attrs["dims"] = json.dumps(["frame", "track", "node", "xy"])
    found = load_keypoints(tmp_path / "{camera}.h5")
    for c in range(2):
        np.testing.assert_array_equal(found.xy[c], tracks)
        np.testing.assert_allclose(found.confidence[c], tracks[..., 0] / 100)


def test_sleap_that_ends_at_its_last_animal(tmp_path):
    for name, count in (("a", 6), ("b", 4)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["tracks"] = np.ones((1, 2, 3, count))
            file["node_names"] = [b"x", b"y", b"z"]
    found = load_keypoints(tmp_path / "{camera}.h5")
    assert found.frames.tolist() == list(range(6)) and not found.present[1, 4:].any()
    assert "frames end at" in notes(found)


def slp(path, version=1.2, videos=1):
    skeleton = {"nodes": [{"id": 1}, {"id": 0}]}
    content = {"nodes": [{"name": "tail"}, {"name": "nose"}], "skeletons": [skeleton]}
    with h5py.File(path, "w") as file:
        group = file.create_group("metadata")
        group.attrs["json"], group.attrs["format_id"] = json.dumps(content), version
        file["tracks_json"] = [json.dumps([0, "mia"]).encode()]
        kind = [("frame_id", "u8"), ("video", "u4"), ("frame_idx", "u8")]
        file["frames"] = np.array([(0, 0, 4), (1, videos - 1, 6)], kind)
        kind = "instance_id i8,instance_type u1,frame_id u8,skeleton u4,track i4,from_predicted i8"
        fields = [tuple(field.split()) for field in kind.split(",")]
        fields += [("score", "f4"), ("point_id_start", "u8"), ("point_id_end", "u8")]
        rows = [(0, 1, 0, 0, 0, -1, 0.9, 0, 2), (1, 1, 1, 0, 0, -1, 0.9, 2, 4)]
        rows.append((2, 0, 1, 0, 0, 1, 1.0, 0, 2))  # a person corrected the second one
        file["instances"] = np.array(rows, fields)
        kind = [("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?")]
        file["points"] = np.array([(50, 60, True, True), (0.5, 0.5, False, True)], kind)
        predicted = [(10, 20, True, False, 0.8), (30, 40, True, False, 0.7)] * 2
        file["pred_points"] = np.array(predicted, [*kind, ("score", "f8")])


def test_slp(tmp_path):
    slp(tmp_path / "a.slp")
    slp(tmp_path / "b.slp", version=1.0)
    found = load_keypoints(tmp_path / "{camera}.slp")
    assert found.keypoints == ("nose", "tail") and found.individuals == ("mia",)
    assert found.frames.tolist() == [4, 6]
    assert found.xy[0, 0, 0].tolist() == [[10, 20], [30, 40]]
    assert found.xy[0, 1, 0, 0].tolist() == [50, 60] and not found.present[0, 1, 0, 1]
    np.testing.assert_allclose(found.confidence[0, :, 0, 0], [0.8, 1.0])
    assert found.xy[1, 0, 0].tolist() == [[9.5, 19.5], [29.5, 39.5]], "counted from the corner"
    slp(tmp_path / "a.slp", videos=2)
    with pytest.raises(InputError, match="holds 2 videos"):
        load_keypoints(tmp_path / "{camera}.slp")


# --- who is who, and names that become paths ------------------------------------------------------


@pytest.mark.parametrize("name", ["ind", "individual", "animal_", "track_", "person-", "Instance "])
def test_numbers_of_trackers_are_no_names(name):
    assert not are_identified([f"{name}1", f"{name}2"]) and are_identified([f"{name}1", "single"])
    assert are_identified(["mia", "tom"])


def test_default_animals_of_deeplabcut_are_not_identified(tmp_path):
    def table(one, two):
        columns = pd.MultiIndex.from_product(
            [["n"], [one, two], ["nose"], ["x", "y", "likelihood"]]
        )
        columns = columns.set_names(["scorer", "individuals", "bodyparts", "coords"])
        return pd.DataFrame(np.full((2, 6), 0.5), columns=columns).to_csv()

    assert not load_keypoints(cameras(tmp_path, table("ind1", "ind2"))).identified
    assert load_keypoints(cameras(tmp_path, table("mia", "single"))).identified


@pytest.mark.parametrize("format", ["deeplabcut", "sleap", "openpose", "coco", "csv"])
@pytest.mark.parametrize("name", ["../out", "a/b", "/abs", "..", ""])
def test_a_camera_that_would_leave_its_folder_is_refused(tmp_path, format, name):
    xy = np.ones((1, 1, 1, 1, 2))
    one = Keypoints2D((name,), np.array([0]), ("i",), ("k",), xy, xy[..., 0])
    with pytest.raises(InputError, match="the camera's name"):
        save_keypoints2d(one, tmp_path / "in", format)
    assert not list(tmp_path.iterdir())
