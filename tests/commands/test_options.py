"""Lists and pairs on the command line."""

import pytest

from mvboot.commands.options import by_camera, listed, pairs, resolved
from mvboot.commands.refinement import RefineConfig
from mvboot.errors import InputError


def test_lists_and_pairs():
    assert listed("a, b", "--cameras") == ["a", "b"]
    assert pairs(["a=b", "c=d=e"], "--map", "A=B") == {"a": "b", "c": "d=e"}
    assert pairs([], "--map", "A=B") is None
    assert by_camera(["brown2", "c=fisheye,brown5"], "--lens") == {
        "all": ["brown2"],
        "c": ["fisheye", "brown5"],
    }


@pytest.mark.parametrize("text", ["a,,b", "a,a", ""])
def test_poor_lists_are_refused(text):
    with pytest.raises(InputError, match="--cameras"):
        listed(text, "--cameras")


@pytest.mark.parametrize("text", ["ab", "=b", "a="])
def test_poor_pairs_are_refused(text):
    with pytest.raises(InputError, match="A=B"):
        pairs([text], "--map", "A=B")


def test_settings_come_from_file_then_options_then_words(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("rig: a.yaml\nseed: 1\nheld_out: 0.5\n")
    given = {"keypoints": "k", "out": "o", "seed": 2, "units": None}
    settings = resolved(RefineConfig, given, config, ["seed=3"], "mvboot rig refine")
    assert (settings.seed, settings.held_out, str(settings.rig)) == (3, 0.5, "a.yaml")


def test_what_is_missing_is_named_as_it_is_typed():
    with pytest.raises(InputError, match="RIG, --out is missing; see mvboot rig refine --help"):
        resolved(RefineConfig, {"keypoints": "k"}, None, None, "mvboot rig refine", ["rig"])
