"""Words of the command line that hold lists and pairs."""

import pytest

from mvboot.commands.options import by_camera, listed, offsets, pairs, resolved
from mvboot.errors import InputError
from mvboot.stages.settings.refine import RefineSettings


def test_a_list():
    assert listed("a,b", "--cameras") == ["a", "b"]
    assert listed(" cam 1 , cam 2", "--cameras") == ["cam 1", "cam 2"]
    assert listed("one", "--cameras") == ["one"]


@pytest.mark.parametrize("text", ["", ",", "a,,b", "a,b,", "a,b,a", "a, a"])
def test_a_list_of_nothing_or_of_something_twice(text):
    with pytest.raises(InputError, match=r"^--cameras .* must list different names"):
        listed(text, "--cameras")


def test_pairs():
    assert pairs(["a:b=7mm", "c:d=1=2"], "--distance", "A:B=LENGTH") == {
        "a:b": "7mm",
        "c:d": "1=2",
    }
    assert pairs([], "--distance", "A:B=LENGTH") is None
    assert pairs(None, "--distance", "A:B=LENGTH") is None


@pytest.mark.parametrize("text", ["a", "a=", "=b", "=", ""])
def test_pairs_of_another_form(text):
    with pytest.raises(InputError, match=f"^--x '{text}' is not of the form A=B$"):
        pairs([text], "--x", "A=B")


def test_offsets():
    assert offsets(["a=1", "b=-3", "c=+2"]) == {"a": 1, "b": -3, "c": 2}
    assert offsets(None) is None


@pytest.mark.parametrize("text", ["a=1.5", "a=", "a=one", "a=9999999999", "a=1_0"])
def test_offsets_that_are_no_frames(text):
    with pytest.raises(InputError, match=r"^--offset "):
        offsets([text])


def test_by_camera():
    assert by_camera(["brown2", "a=pinhole,brown1", "b=fisheye"], "--lens") == {
        "all": ["brown2"],
        "a": ["pinhole", "brown1"],
        "b": ["fisheye"],
    }
    assert by_camera(["a=focal", "a=k2"], "--hold") == {"a": ["focal", "k2"]}
    assert by_camera(None, "--lens") is None and by_camera([], "--lens") is None


@pytest.mark.parametrize("text", ["a=", "", "a=x,,y", "a=x,x", "=x"])
def test_by_camera_of_another_form(text):
    with pytest.raises(InputError, match=r"^--lens "):
        by_camera([text], "--lens")


def test_the_same_pair_twice():
    with pytest.raises(InputError, match=r"--distance a:b is given twice: 7mm and 8mm"):
        pairs(["a:b=7mm", "a:b=8mm"], "--distance", "A:B=LENGTH")


def test_settings_come_from_file_then_options_then_words(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("rig: a.yaml\nseed: 1\nheld_out: 0.5\n")
    given = {"keypoints": "k", "out": "o", "seed": 2, "units": None}
    settings = resolved(RefineSettings, given, config, ["seed=3"], "mvboot rig refine")
    assert (settings.seed, settings.held_out, str(settings.rig)) == (3, 0.5, "a.yaml")
    settings = resolved(RefineSettings, given, config, None, "mvboot rig refine")
    assert settings.seed == 2 and settings.keypoints == "k"


def test_what_is_missing_is_named_as_it_is_typed():
    with pytest.raises(InputError, match=r"RIG, --out is missing; see mvboot rig refine --help"):
        resolved(RefineSettings, {"keypoints": "k"}, None, None, "mvboot rig refine", ["rig"])
