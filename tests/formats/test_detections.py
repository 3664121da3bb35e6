import json

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from mvboot import InputError, load_keypoints
from mvboot.formats.detections import describe, match_cameras, respelled
from mvboot.formats.openpose import BODY_25, BODY_25B


def deeplabcut(values, individuals=None, bodyparts=("nose", "tail")):
    levels = [["net"], *([individuals] if individuals else []), bodyparts, ["x", "y", "likelihood"]]
    names = ["scorer", *(["individuals"] if individuals else []), "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product(levels, names=names)
    return pd.DataFrame(np.asarray(values, dtype=float).reshape(-1, len(columns)), columns=columns)


FRAMES = [[10, 20, 0.9, 30, 40, 0.8], [11, 21, 0.7, 0, 0, 0.0], [12, 22, 0.6, np.nan, np.nan, 0.5]]


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_deeplabcut(tmp_path, suffix):
    for name in ("left", "right"):
        table = deeplabcut(FRAMES)
        path = tmp_path / f"video-{name}DLC.{suffix}"
        table.to_csv(path) if suffix == "csv" else table.to_hdf(path, key="df_with_missing")
    found = load_keypoints(tmp_path / f"video-{{camera}}DLC.{suffix}")
    assert found.cameras == ("left", "right") and found.keypoints == ("nose", "tail")
    assert found.frames.tolist() == [0, 1, 2] and found.identified
    assert np.array_equal(found.xy[0, :, 0, 0], [[10, 20], [11, 21], [12, 22]])
    assert np.array_equal(found.confidence[1, :, 0, 0], [0.9, 0.7, 0.6])
    assert found.present[0, :, 0, 1].tolist() == [True, False, False]
    assert "2 cameras" in describe(found) and "nose, tail" in describe(found)
    assert "3 frames (0 to 2)" in describe(found) and found.source["format"] == "deeplabcut"


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_deeplabcut_with_several_animals(tmp_path, suffix):
    values = [[c + 10 * i + k if c < 2 else 0.9 for i in (1, 2) for k in (0, 1) for c in range(3)]]
    table = deeplabcut(values, individuals=["mia", "tom"])
    path = tmp_path / f"a.{suffix}"
    table.to_csv(path) if suffix == "csv" else table.to_hdf(path, key="tracks")
    found = load_keypoints(tmp_path / f"{{camera}}.{suffix}")
    assert found.individuals == ("mia", "tom") and found.identified
    assert found.xy[0, 0, 1, 1].tolist() == [21, 22]


def test_deeplabcut_labels_take_frames_from_picture_names(tmp_path):
    table = deeplabcut(FRAMES[:2]).drop(columns="likelihood", level="coords")
    table.index = ["labeled-data/v/img0042.png", "labeled-data/v/img0007.png"]
    table.to_csv(tmp_path / "a.csv")
    table.index = pd.MultiIndex.from_tuples(
        [("labeled-data", "v", "img0042.png"), ("labeled-data", "v", "img0009.png")]
    )
    table.to_csv(tmp_path / "b.csv")
    found = load_keypoints(tmp_path / "{camera}.csv")
    assert found.frames.tolist() == [7, 9, 42]
    assert found.xy[0, 2, 0, 0].tolist() == [10, 20] == found.xy[1, 2, 0, 0].tolist()
    assert found.confidence[0, 2, 0, 0] == 1.0 and not found.present[1, 0].any()


def sleap(path, names=(b"track_0",), scores=True):
    """tracks (T, 2, N, F) with T = 1 or 2, N = 3, F = 4: no two axes alike."""
    T = len(names)
    tracks = np.arange(T * 2 * 3 * 4, dtype=float).reshape(T, 2, 3, 4) + 1
    tracks[0, :, 1, 2] = np.nan
    with h5py.File(path, "w") as file:
        file["tracks"] = tracks
        file["node_names"] = np.array([b"a", b"b", b"c"])
        file["track_names"] = np.array(names)
        if scores:
            file["point_scores"] = np.where(np.isnan(tracks[:, 0]), np.nan, 0.75)
            file["point_scores"][0, 0, 0] = np.nan
    return tracks


def test_sleap(tmp_path):
    tracks = sleap(tmp_path / "top.analysis.h5")
    sleap(tmp_path / "side.analysis.h5", scores=False)
    found = load_keypoints(tmp_path / "{camera}.analysis.h5")
    assert found.shape == (2, 4, 1, 3) and found.keypoints == ("a", "b", "c")
    top = found.cameras.index("top")
    assert found.xy[top, 3, 0, 2].tolist() == tracks[0, :, 2, 3].tolist()
    assert not found.present[top, 2, 0, 1]
    assert found.confidence[top, 0, 0, 0] == 1.0, "placed by hand: coordinates without a score"
    assert found.confidence[top, 3, 0, 2] == 0.75 and found.confidence[1 - top, 0, 0, 0] == 1.0
    assert found.identified


def test_sleap_tracks_are_identified_only_if_they_were_named(tmp_path):
    for camera in "ab":
        sleap(tmp_path / f"{camera}.h5", names=(b"track_0", b"track_1"))
    assert not load_keypoints(tmp_path / "{camera}.h5").identified
    for camera in "ab":
        sleap(tmp_path / f"{camera}.h5", names=(b"mia", b"tom"))
    found = load_keypoints(tmp_path / "{camera}.h5")
    assert found.identified and found.individuals == ("mia", "tom")


@pytest.mark.parametrize("names", [BODY_25, BODY_25B])
def test_openpose_models_of_25_points_are_told_apart(tmp_path, names):
    """Both have a nose, eyes, heels and ankles; only their numbers differ."""
    rng = np.random.default_rng(0)
    body = {name: rng.uniform(0, 1000, 2) for name in names}
    for near, place in (
        ("LEye", "Nose"),
        ("REye", "Nose"),
        ("LHeel", "LAnkle"),
        ("RHeel", "RAnkle"),
    ):
        body[near] = body[place] + 10
    person = np.array([[*body[name], 0.9] for name in names])
    for camera in ("c1", "c2"):
        openpose(tmp_path / camera, 0, [person])
    found = load_keypoints(tmp_path / "{camera}")
    assert found.keypoints == tuple(names)
    nose = found.xy[0, 0, 0, found.keypoints.index("Nose")]
    assert nose.tolist() == pytest.approx(body["Nose"].tolist())


def test_openpose_of_a_recording_is_body_25b(shared_data):
    found = load_keypoints(shared_data / "human4" / "openpose" / "{camera}")
    assert found.keypoints == tuple(BODY_25B)


def openpose(folder, frame, people, ids=False):
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        {"person_id": [i if ids else -1], "pose_keypoints_2d": list(np.ravel(points))}
        for i, points in enumerate(people)
    ]
    (folder / f"v1_{frame:012d}_keypoints.json").write_text(json.dumps({"people": entries}))


def test_openpose(tmp_path):
    person = np.tile([50.0, 60.0, 0.5], (25, 1))
    person[3] = 0
    openpose(tmp_path / "op" / "c1", 7, [person, person + np.array([100, 0, 0])])
    openpose(tmp_path / "op" / "c1", 9, [])
    openpose(tmp_path / "op" / "c2", 9, [person])
    for pattern in ("op/{camera}", "op/{camera}/*.json", "op"):
        found = load_keypoints(tmp_path / pattern)
        assert found.keypoints == tuple(BODY_25) and found.frames.tolist() == [7, 9]
        assert found.individuals == ("person_0", "person_1") and not found.identified
        assert found.xy[0, 0, 1, 0].tolist() == [150, 60]
        assert not found.present[0, 0, 0, 3] and not found.present[0, 1].any()
        assert found.present[1, 1, 0].sum() == 24
    one = tmp_path / "one"
    openpose(one / "c1", 0, [person])
    openpose(one / "c2", 0, [person])
    assert load_keypoints(one / "{camera}").identified


def test_the_largest_person_is_chosen_in_each_camera_and_frame(tmp_path):
    small = np.column_stack([np.linspace(0, 10, 25), np.linspace(5, 15, 25), np.full(25, 0.9)])
    large = small * [4, 4, 1] + [200, 0, 0]
    openpose(tmp_path / "c1", 0, [small, large])
    openpose(tmp_path / "c2", 0, [large, small])
    chosen = load_keypoints(tmp_path / "{camera}").largest()
    assert chosen.identified and chosen.individuals == ("largest",)
    assert (chosen.xy[:, 0, 0, :, 0] >= 200).all()


def test_coco(tmp_path):
    for camera in ("cam1", "cam2"):
        content = {
            "images": [
                {"id": 5, "file_name": "f/000012.jpg"},
                {"id": 6, "file_name": "000013.jpg"},
            ],
            "categories": [{"id": 1, "name": "person", "keypoints": ["a", "b"]}],
            "annotations": [
                {"id": 1, "image_id": 5, "category_id": 1, "keypoints": [3, 4, 2, 9, 9, 0]},
                {
                    "id": 2,
                    "image_id": 5,
                    "category_id": 1,
                    "keypoints": [7, 8, 1, 1, 2, 2],
                    "score": 0.5,
                },
            ],
        }
        (tmp_path / f"{camera}.json").write_text(json.dumps(content))
    found = load_keypoints(tmp_path / "{camera}.json")
    assert found.source["format"] == "coco" and found.frames.tolist() == [12, 13]
    assert found.xy[0, 0, 0, 0].tolist() == [3, 4] and not found.present[0, 0, 0, 1]
    assert found.confidence[0, 0, 1].tolist() == [0.5, 0.5] and not found.identified


def test_alphapose(tmp_path):
    people = [
        {"image_id": "10.jpg", "keypoints": [1, 2, 0.5] * 17, "score": 2.9, "idx": 4},
        {"image_id": "11.jpg", "keypoints": [5, 6, 0.7] * 17, "score": 2.9, "idx": 4},
        {"image_id": "11.jpg", "keypoints": [7, 8, 0.7] * 17, "score": 2.9, "idx": 2},
    ]
    for camera in "ab":
        (tmp_path / f"{camera}.json").write_text(json.dumps(people))
    found = load_keypoints(tmp_path / "{camera}.json")
    assert found.source["format"] == "alphapose" and found.keypoints[:2] == ("nose", "left_eye")
    assert found.individuals == ("person_2", "person_4") and not found.identified
    assert found.xy[0, 1, 0, 0].tolist() == [7, 8] and not found.present[0, 0, 0].any()


def test_caliscope(tmp_path):
    (tmp_path / "xy.csv").write_text(
        "sync_index,cam_id,frame_index,frame_time,object_id,keypoint_id,img_loc_x,img_loc_y\n"
        "4,0,9,0.1,0,10,100,200\n4,1,7,0.1,0,10,110,210\n5,1,8,0.2,0,2,111,211\n"
    )
    found = load_keypoints(tmp_path / "xy.csv")
    assert found.cameras == ("cam_0", "cam_1") and found.keypoints == ("point_2", "point_10")
    assert found.frames.tolist() == [4, 5]
    assert found.xy[1, 1, 0, 0].tolist() == [111, 211] and not found.present[0, 1].any()


@pytest.mark.parametrize("apart", [False, True])
def test_label3d(tmp_path, apart):
    labels = np.empty((2, 1), dtype=object)
    for c in range(2):
        data = np.arange(12.0).reshape(2, 6) + 100 * c + 1
        data[1, 2:4] = np.nan
        frames = np.array([[3 + 5 * c * apart], [8 + 5 * c * apart]])
        labels[c, 0] = {"data_2d": data, "data_frame": frames, "data_sampleID": [[30], [80]]}
    names = np.empty((1, 2), dtype=object)
    names[0] = ["left", "right"]
    savemat(tmp_path / "x_dannce.mat", {"labelData": labels, "camnames": names})
    found = load_keypoints(tmp_path / "x_dannce.mat")
    assert found.cameras == ("left", "right") and found.shape == (2, 2, 1, 3)
    assert found.frames.tolist() == ([30, 80] if apart else [3, 8]), "the common clock"
    assert found.xy[1, 0, 0, 2].tolist() == [105, 106] and not found.present[0, 1, 0, 1]


def test_a_pattern_is_literal_but_for_its_wildcards(tmp_path):
    for camera in ("Cam-A", "Cam-B"):
        folder = tmp_path / camera
        folder.mkdir()
        deeplabcut(FRAMES).to_csv(folder / f"x[1].rng=0_{camera}.csv")
        deeplabcut(FRAMES).to_csv(folder / f"x[1].rng=1_{camera}.csv")
    found = load_keypoints(tmp_path / "{camera}" / "x[1].rng=0_{camera}.csv")
    assert found.cameras == ("Cam-A", "Cam-B")
    with pytest.raises(InputError, match="2 files belong to camera Cam-A"):
        load_keypoints(tmp_path / "{camera}" / "*.csv")
    with pytest.raises(InputError, match="nothing matches"):
        load_keypoints(tmp_path / "{camera}" / "x1.rng=0_{camera}.csv")


def test_one_file_of_one_camera_asks_for_the_pattern(tmp_path):
    deeplabcut(FRAMES).to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"\{camera\}"):
        load_keypoints(tmp_path / "a.csv")


RIG = ("cam_01", "cam_02", "top")


@pytest.mark.parametrize(
    ("keypoints", "given", "expected"),
    [
        (("top", "cam_02", "cam_01"), {}, {"top": "top", "cam_02": "cam_02", "cam_01": "cam_01"}),
        (("Cam01", "CAM-02", "Top"), {}, {"Cam01": "cam_01", "CAM-02": "cam_02", "Top": "top"}),
        (
            ("a", "cam_02", "top"),
            {"a": "cam_01"},
            {"a": "cam_01", "cam_02": "cam_02", "top": "top"},
        ),
        (
            ("top", "cam_02", "cam_01"),
            {"top": "cam_01", "cam_01": "top"},
            {"top": "cam_01", "cam_01": "top", "cam_02": "cam_02"},
        ),
    ],
)
def test_cameras_match_by_name(keypoints, given, expected):
    assert match_cameras(RIG, keypoints, given) == expected


@pytest.mark.parametrize(
    "keypoints", [("a", "b", "c"), ("cam_01", "cam_02"), (*RIG, "x"), ("cam1", "cam2", "top")]
)
def test_cameras_that_do_not_match_are_listed_on_both_sides(keypoints):
    with pytest.raises(InputError) as error:
        match_cameras(RIG, keypoints)
    assert all(name in str(error.value) for name in (*RIG, *keypoints))


def test_spelling_that_fits_two_cameras_is_no_match():
    with pytest.raises(InputError, match="do not match"):
        match_cameras(("cam_1", "cam-1"), ("cam1", "CAM1"))


REAL = {
    "fly3/05272019_fly4_0_R1C24_{camera}_rot-ccw-0.06_sec.rng=0.csv": (
        *("deeplabcut", ("Cam-A", "Cam-B", "Cam-C"), (3, 500, 1, 12)),
    ),
    "mouse4/{camera}/*.h5": ("sleap", ("back", "mid", "side", "top"), (4, 120, 1, 15)),
    "human4/openpose": ("openpose", ("cam01", "cam02", "cam03", "cam04"), (4, 100, 3, 25)),
    "mouse6_dannce/mouse1_label3d_dannce.mat": (
        *("label3d", tuple(f"Camera{i}" for i in range(1, 7)), (6, 81, 1, 22)),
    ),
    "boards4/xy.csv": ("caliscope", ("cam_0", "cam_1", "cam_2", "cam_3"), (4, 48, 1, 12)),
}


@pytest.mark.parametrize("pattern", REAL)
def test_real_recordings(pattern, shared_data):
    name, cameras, shape = REAL[pattern]
    found = load_keypoints(f"{shared_data}/{pattern}")
    assert (found.source["format"], found.cameras, found.shape) == (name, cameras, shape)


def openpose_frames(folder, name, frames=4):
    """Write files of one frame each whose last number is the view; x is the frame."""
    for c, camera in enumerate(("cam1", "cam2")):
        (folder / camera).mkdir(parents=True)
        for frame in range(frames):
            points = [100.0 + frame, 50.0, 0.9] * 25
            text = json.dumps({"people": [{"pose_keypoints_2d": points}]})
            (folder / camera / name.format(frame=frame, view=c)).write_text(text)


def test_a_frame_stands_where_the_pattern_says(tmp_path):
    openpose_frames(tmp_path, "img_{frame:05d}_v{view}_keypoints.json")
    with pytest.raises(InputError, match=r"both have the number 0; write \{frame\}") as caught:
        load_keypoints(tmp_path / "{camera}")
    advised = caught.value.message.split("'")[-2]
    found = load_keypoints(advised)
    np.testing.assert_array_equal(found.frames, range(4))
    np.testing.assert_array_equal(found.xy[0, :, 0, 0, 0], 100 + found.frames)


def test_only_the_files_that_match_are_read(tmp_path):
    openpose_frames(tmp_path, "img_{frame:05d}.json")
    found = load_keypoints(tmp_path / "{camera}/img_0000?.json")
    assert len(found.frames) == 4
    found = load_keypoints(tmp_path / "{camera}/img_*2.json")
    np.testing.assert_array_equal(found.frames, [2])


def test_a_pattern_without_a_camera_says_so(tmp_path):
    openpose_frames(tmp_path, "img_{frame:05d}.json")
    with pytest.raises(InputError, match=r"2 files match .* write \{camera\} .*; try '"):
        load_keypoints(tmp_path / "*", cameras=("cam1", "cam2"))


def test_respelled():
    assert respelled(["cam_1", "b", "x"], ["cam1", "B", "z"]) == {"cam1": "cam_1", "B": "b"}
    assert respelled(["cam_1", "cam-1"], ["cam1"]) == {}
