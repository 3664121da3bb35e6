"""Whether detections fit a rig, and which cause is named where they do not."""

from dataclasses import replace
from itertools import combinations

import layouts
import numpy as np
import pytest
from gallery import turned
from takes import path, seen

from mvboot.calib import diagnose
from mvboot.calib.diagnosis import Names


@pytest.fixture(scope="module")
def take():
    rig = layouts.ring(6)
    return rig, seen(rig, path(40))


def told(rig, keypoints, **known):
    return [(f.code, f.cameras) for f in diagnose(rig, keypoints, **known).findings]


def changed(keypoints, camera, change):
    xy = keypoints.xy.copy()
    xy[camera] = change(xy[camera])
    return replace(keypoints, xy=xy, confidence=np.where(np.isnan(xy[..., 0]), np.nan, 0.9))


def later(frames):
    def change(xy):
        moved = np.full_like(xy, np.nan)
        moved[frames:] = xy[:-frames]
        return moved

    return change


@pytest.mark.parametrize("noise_px", [0.0, 1.0, 5.0])
def test_noise_is_no_fault_and_is_printed(noise_px):
    rig = layouts.ring(4)
    found = diagnose(rig, seen(rig, path(30), noise_px))
    assert found.findings == () and found.doubts == ()
    pairs = found.as_dict()["per_pair"]
    assert len(pairs) == 6
    assert all(abs(pair["epipolar_px"] - noise_px) <= 0.4 * noise_px + 0.01 for pair in pairs)


@pytest.mark.slow
def test_every_exchange_of_two_names_is_found_and_no_other_camera_is_blamed(take):
    rig, keypoints = take
    for a, b in combinations(rig.names, 2):
        assert told(rig, keypoints.renamed({a: b, b: a})) == [("swapped-names", (a, b))]


def test_three_exchanged_names_are_found_with_options_that_undo_it(take):
    rig, keypoints = take
    mixed = keypoints.renamed({"cam1": "cam2", "cam2": "cam5", "cam5": "cam1"})
    called = Names(cameras={"cam1": "left"})
    (finding,) = diagnose(rig, mixed, names=called).findings
    assert finding.cameras == ("cam1", "cam2", "cam5")
    for option in ("left=cam5", "cam2=cam1", "cam5=cam2"):
        assert f"--camera-map {option}" in finding.message


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0.2, 2.0])
def test_a_camera_that_was_turned_is_the_only_one_named(take, degrees):
    rig, keypoints = take
    (finding,) = diagnose(turned(rig, degrees, "cam3"), keypoints).findings
    assert (finding.code, finding.cameras) == ("inconsistent-keypoints", ("cam3",))
    assert "rig refine" in finding.message and "noise allows" in finding.message


def test_of_two_cameras_nothing_tells_which_is_wrong():
    rig = layouts.ring(2)
    (finding,) = diagnose(turned(rig, 2, "cam2"), seen(rig, path(30))).findings
    assert finding.cameras == rig.names and "which is wrong" in finding.message
    assert "refine" not in finding.message


@pytest.mark.parametrize("frames", [1, 3])
def test_a_late_camera_is_told_with_its_offset(take, frames):
    rig, keypoints = take
    late = changed(keypoints, 2, later(frames))
    (finding,) = diagnose(rig, late, names=Names(offsets={"cam3": 2})).findings
    assert (finding.code, finding.cameras) == ("late-camera", ("cam3",))
    assert f"--offset cam3={frames + 2}" in finding.message


@pytest.mark.slow
def test_pictures_that_were_mirrored_or_halved_are_told(take):
    rig, keypoints = take
    mirrored = changed(keypoints, 2, lambda xy: np.abs([1279, 0] - xy))
    assert told(rig, mirrored) == [("flipped-pictures", ("cam3",))]
    (halved,) = diagnose(rig, changed(keypoints, 2, lambda xy: (xy + 0.5) / 2 - 0.5)).findings
    assert halved.code == "resized-pictures" and "--resize cam3=640x480" in halved.message


def test_left_and_right_exchanged_in_one_camera(take):
    rig, keypoints = take
    exchanged = changed(keypoints, 1, lambda xy: xy[:, :, [1, 0, *range(2, 12)]])
    sides = {"k0": "k1", "k1": "k0"}
    for a in range(2, 12, 2):
        exchanged = changed(
            exchanged, 1, lambda xy, a=a: xy[:, :, [*range(a), a + 1, a, *range(a + 2, 12)]]
        )
        sides |= {f"k{a}": f"k{a + 1}", f"k{a + 1}": f"k{a}"}
    assert told(rig, exchanged, names=Names(sides=sides)) == [("exchanged-sides", ("cam2",))]


@pytest.fixture(scope="module")
def pair_of_people():
    rig = layouts.ring(4)
    people = [path(30, seed=i, middle=(x, 0.2 * i, 0.6)) for i, x in ((1, -0.6), (2, 0.6))]
    return rig, seen(rig, np.stack(people, 1))


def test_individuals_exchanged_in_one_camera_are_told(pair_of_people):
    rig, keypoints = pair_of_people
    exchanged = changed(keypoints, 3, lambda xy: xy[:, ::-1])
    assert told(rig, keypoints) == []
    assert told(rig, exchanged) == [("exchanged-individuals", ("cam4",))]


def test_the_largest_in_each_view_may_be_another_one(pair_of_people):
    rig, keypoints = pair_of_people
    unnamed = replace(keypoints, identified=False)
    found = diagnose(rig, unnamed.largest(), unnamed, Names(largest=True))
    assert [f.code for f in found.findings] == ["mixed-individuals"]
    assert "frames" in found.findings[0].message and "--subject" in found.findings[0].message
    assert diagnose(rig, keypoints.of("i0"), keypoints).findings == ()
