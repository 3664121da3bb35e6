"""Patterns: cameras and frames in paths."""

import pytest

from mvboot.errors import InputError
from mvboot.formats.pattern import expand, frames


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def numbers(found):
    return {camera: list(paths) for camera, paths in found.items()}


LAYOUTS = {
    "{camera}/stills/*.jpg": (
        ("back/stills/back-02242022135222-0.jpg", "back/stills/back-02242022135219-10.jpg"),
        {"back": [0, 10]},
    ),
    "{camera}{frame}.jpg": (
        ("left1.jpg", "left10.jpg", "left2.jpg", "right1.jpg"),
        {"left": [1, 2, 10], "right": [1]},
    ),
    "int_{camera}_img/*.jpg": (
        ("int_cam01_img/cam01_03_int.jpg", "int_cam02_img/cam02_7_int.jpg"),
        {"cam01": [3], "cam02": [7]},
    ),
    "{camera}/*.png": (("cam1/cam1.png.3.png", "cam1/cam10_4.png"), {"cam1": [3, 4]}),
    "{camera}/f_*.png": (("2/f_1.png", "2/f_2.png", "10/f_12.png"), {"2": [1, 2], "10": [12]}),
    "*_{camera}.png": (("1_1.png", "12_1.png", "1_12.png"), {"1": [1, 12], "12": [1]}),
    "{camera}_{camera}_*.png": (("a1_a1_5.png", "a1_a2_5.png"), {"a1": [5]}),
    "take{frame}/{camera}.png": (("take007/a.png", "take7/b9.png"), {"a": [7], "b9": [7]}),
    "{frame}/{camera}_{frame}_*.png": (("03/a_03_77.png", "03/a_04_77.png"), {"a": [3]}),
}


@pytest.mark.parametrize("pattern", LAYOUTS)
def test_frames_are_numbered(pattern, tmp_path):
    names, expected = LAYOUTS[pattern]
    touch(tmp_path, *names)
    found = frames(f"{tmp_path}/{pattern}")
    assert numbers(found) == expected
    assert list(found) == list(expected)
    paths = expand(f"{tmp_path}/{pattern}")
    assert {c: set(p) for c, p in paths.items()} == {c: set(p.values()) for c, p in found.items()}


def test_frame_stands_for_digits_only(tmp_path):
    touch(tmp_path, "a_1.jpg", "a_x.jpg", "a_.jpg")
    assert [path.name for path in expand(f"{tmp_path}/{{camera}}_{{frame}}.jpg")["a"]] == [
        "a_1.jpg"
    ]


def test_one_number_twice_names_both_files(tmp_path):
    touch(tmp_path, "a/9-take1.jpg", "a/10-take1.jpg")
    with pytest.raises(InputError, match=r"9-take1.jpg and .*10-take1.jpg .* write \{frame\}"):
        frames(f"{tmp_path}/{{camera}}/*.jpg")
    found = frames(f"{tmp_path}/{{camera}}/{{frame}}-take1.jpg")
    assert numbers(found) == {"a": [9, 10]}


@pytest.mark.parametrize("name", ["cam1/scene.jpg", "cam1/cam1.jpg", "cam1/cam1_scene.v2"])
def test_a_file_without_a_number_asks_for_one(name, tmp_path):
    touch(tmp_path, name)
    with pytest.raises(InputError, match=r"(scene|cam1)\.\w+: has no number.*\{frame\}"):
        frames(f"{tmp_path}/{{camera}}/*")


def test_a_number_too_long_for_a_frame_is_refused(tmp_path):
    touch(tmp_path, f"a/{2**63}.jpg", f"b/{2**63 - 1}.jpg")
    with pytest.raises(InputError, match="too long"):
        frames(f"{tmp_path}/{{camera}}/*.jpg")


def test_an_empty_camera_is_named(tmp_path):
    touch(tmp_path, "a/x/1.jpg", "b/x/1.jpg", "c/x/1.png", ".hidden/x/1.png", "notes.txt")
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match=r"camera c, d matches"):
        expand(f"{tmp_path}/{{camera}}/x/*.jpg")
    touch(tmp_path, "c/x/1.jpg", "d/x/1.jpg")
    assert list(expand(f"{tmp_path}/{{camera}}/x/*.jpg")) == ["a", "b", "c", "d"]


def test_a_folder_of_results_beside_the_cameras_is_no_camera(tmp_path):
    touch(tmp_path, "a/1.jpg", "calibration/rig.yaml", "calibration/summary.json")
    assert list(expand(f"{tmp_path}/{{camera}}/*.jpg")) == ["a"]


def test_folders_beside_cameras_may_stay_where_the_camera_is_part_of_a_name(tmp_path):
    touch(tmp_path, "cam_a/1.jpg", "results/1.txt")
    assert list(expand(f"{tmp_path}/cam_{{camera}}/*.jpg")) == ["a"]
    assert list(expand(f"{tmp_path}/{{camera}}")) == ["cam_a", "results"]


def test_hidden_files_count_only_where_asked_for(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/._1.jpg", ".b/1.jpg", ".b/.2.jpg")
    assert [path.name for path in expand(f"{tmp_path}/{{camera}}/*.jpg")["a"]] == ["1.jpg"]
    assert [path.name for path in expand(f"{tmp_path}/.{{camera}}/.*.jpg")["b"]] == [".2.jpg"]


def test_a_pattern_names_its_camera(tmp_path):
    touch(tmp_path, "1.jpg")
    with pytest.raises(InputError, match=r"write \{camera\}"):
        frames(f"{tmp_path}/*.jpg")


def test_nothing_says_what_is_there(tmp_path):
    touch(tmp_path, "a/1.png")
    with pytest.raises(InputError, match=r"nothing matches .* which holds a"):
        frames(f"{tmp_path}/{{camera}}/*.jpg")
    with pytest.raises(InputError, match="there is no folder"):
        frames(f"{tmp_path}/b/{{camera}}{{frame}}.jpg")


REAL = {
    "mouse4/{camera}/calibration_images/*.jpg": (["back", "mid", "side", "top"], range(21)),
    "stereo2/{camera}{frame}.jpg": (["left", "right"], range(1, 30)),
    "human4/calibration/intrinsics/int_{camera}_img/*.jpg": (
        ["cam01", "cam02", "cam03", "cam04"],
        range(1, 8),
    ),
}


@pytest.mark.parametrize("pattern", REAL)
def test_real_layouts(pattern, shared_data):
    cameras, expected = REAL[pattern]
    assert numbers(frames(f"{shared_data}/{pattern}")) == {c: list(expected) for c in cameras}


RIG = ("Cam-A", "Cam-B", "cam1", "cam10", "side_2")
NAMED = {
    "*{camera}DLC*.csv": (("t_Cam-ADLC_x.csv", "t_Cam-BDLC_x.csv"), {"Cam-A", "Cam-B"}),
    "t_{camera}*.csv": (("t_Cam-ADLC_x.csv", "t_Cam-BDLC_x.csv"), {"Cam-A", "Cam-B"}),
    "*{camera}*.csv": (("t_cam1_9.csv", "t_cam10_9.csv"), {"cam1", "cam10"}),
    "{camera}_*.csv": (("side_2_x.csv", "cam1_x.csv"), {"cam1", "side_2"}),
    "{camera}*": (("cam_a.csv", "Cam_B.csv"), {"cam_a", "Cam_B"}),
}


@pytest.mark.parametrize("pattern", NAMED)
def test_names_of_the_rig_tell_where_the_camera_ends(pattern, tmp_path):
    names, expected = NAMED[pattern]
    touch(tmp_path, *names)
    assert set(expand(f"{tmp_path}/{pattern}", RIG)) == expected


def test_a_number_in_one_with_the_frame_is_ambiguous(tmp_path):
    touch(tmp_path, "cam1002.jpg")
    with pytest.raises(InputError, match="may be of camera cam1 or cam10; narrow the pattern"):
        expand(f"{tmp_path}/{{camera}}{{frame}}.jpg", RIG)
    assert set(expand(f"{tmp_path}/{{camera}}{{frame}}.jpg", ("cam1", "cam2"))) == {"cam1"}


def test_a_camera_beside_a_star_is_ambiguous(tmp_path):
    touch(tmp_path, "left01.jpg", "left02.jpg", "right01.jpg")
    with pytest.raises(InputError, match=r"may be 'l' or 'left01'.*\{camera\}\{frame\}.jpg'$"):
        expand(f"{tmp_path}/{{camera}}*.jpg")
    with pytest.raises(InputError, match=r"left01.jpg names none of the cameras Cam-A"):
        expand(f"{tmp_path}/{{camera}}*.jpg", RIG[:2])
    assert set(expand(f"{tmp_path}/{{camera}}{{frame}}.jpg")) == {"left", "right"}


def test_two_names_in_one_file_are_ambiguous(tmp_path):
    touch(tmp_path, "x_east_west.csv")
    with pytest.raises(InputError, match="may be of camera east or west; narrow the pattern"):
        expand(f"{tmp_path}/*{{camera}}*.csv", ("east", "west"))


@pytest.mark.parametrize("word", ["{cam}", "{Camera}", "{}", "{name}"])
def test_another_word_in_braces_is_named(word, tmp_path):
    touch(tmp_path, "a.csv")
    with pytest.raises(InputError) as caught:
        expand(f"{tmp_path}/{word}.csv")
    assert caught.value.message == f"write {{camera}}, not {word}, where the camera's name stands"


def test_an_unknown_field_beside_a_camera_is_named(tmp_path):
    touch(tmp_path, "a_1.csv")
    with pytest.raises(InputError, match=r"the fields are \{camera\} and \{frame\}, \{Frame\} is"):
        expand(f"{tmp_path}/{{camera}}_{{Frame}}.csv")


def test_one_number_twice_says_the_pattern_that_works(tmp_path):
    touch(tmp_path, *(f"a/img_{i:05d}_v1_kp.json" for i in range(3)))
    with pytest.raises(InputError, match=r"both have the number 1") as caught:
        frames(f"{tmp_path}/{{camera}}/*.json")
    pattern = caught.value.message.split("'")[-2]
    assert pattern == f"{tmp_path}/{{camera}}/img_{{frame}}_v*_kp.json"
    assert numbers(frames(pattern)) == {"a": [0, 1, 2]}
