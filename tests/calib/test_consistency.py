"""What detections tell about a rig that its geometry cannot."""

from dataclasses import replace

import layouts
import numpy as np
import pytest
import torch
from gallery import inverted, shifted, transposed, turned

from mvboot import InputError, Rig, load_keypoints, load_rig
from mvboot.calib import check_rig, diagnose
from mvboot.geometry import Pose
from mvboot.keypoints import Keypoints2D

FRAMES = np.arange(10, 15)


def detections(rig, around=(0.0, 0.0, 0.6), spread=0.25, noise_px=1.0, wrong=0.1):
    """Thirty keypoints in five frames, some of them anywhere in the picture."""
    rng = np.random.default_rng(0)
    xyz = rng.normal(around, spread, (len(FRAMES), 30, 3))
    pixels = []
    for camera in rig.cameras.values():
        seen = np.stack([camera.at(int(f)).project(x) for f, x in zip(FRAMES, xyz, strict=True)])
        seen += noise_px * rng.normal(size=seen.shape)
        size = np.array(camera.size or (1280, 960))
        inside = ((seen > -0.5) & (seen < size - 0.5)).all(-1)
        seen[rng.random(seen.shape[:2]) < wrong] = size * rng.random(2)
        seen[~inside] = np.nan
        pixels.append(seen[:, None])
    xy = np.stack(pixels)
    return Keypoints2D(
        cameras=rig.names,
        frames=FRAMES,
        individuals=("one",),
        keypoints=tuple(f"k{i}" for i in range(30)),
        xy=xy,
        confidence=np.where(np.isnan(xy[..., 0]), np.nan, 0.9),
    )


def found(rig, keypoints):
    return [(finding.code, finding.cameras) for finding in diagnose(rig, keypoints).findings]


def mirrored(rig):
    """The world seen in a mirror, determinants repaired by turning every camera round."""
    cameras = {
        name: camera.with_pose(Pose(-camera.cam_from_world.R @ FLIP, -camera.cam_from_world.t))
        for name, camera in rig.cameras.items()
    }
    return Rig(cameras, rig.units)


FLIP = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        layouts.ring,
        layouts.dome,
        layouts.wide_pair,
        layouts.no_sizes,
        layouts.tripod,
        lambda: layouts.ring(lens="fisheye"),
        lambda: layouts.in_first_camera(layouts.ring()),
    ],
)
def test_a_rig_agrees_with_its_own_detections(make):
    rig = make()
    seen_from = rig.cameras[rig.names[0]].at(10)
    around = (0.0, 0.0, 0.6)
    if make not in (layouts.ring, layouts.dome, layouts.wide_pair):
        around = tuple(np.asarray(seen_from.center + 2.5 * seen_from.forward))
    assert found(rig, detections(rig, around)) == []


@pytest.mark.slow
def test_a_camera_that_was_moved_is_named():
    rig = layouts.ring()
    moved = shifted(turned(rig, 12, "cam3"), (0.0, 0.0, 0.3), "cam3")
    assert check_rig(moved) == ()
    assert found(moved, detections(rig)) == [("inconsistent-keypoints", ("cam3",))]


@pytest.mark.slow
def test_two_cameras_that_were_moved_are_both_named():
    rig = layouts.ring()
    moved = turned(turned(rig, 15, "cam3"), -14, "cam6")
    assert found(moved, detections(rig)) == [
        ("inconsistent-keypoints", ("cam3",)),
        ("inconsistent-keypoints", ("cam6",)),
    ]


@pytest.mark.parametrize("count", [3, 5, 8])
def test_swapped_names_are_told(count):
    rig = layouts.ring(count)
    keypoints = detections(rig).renamed({"cam1": "cam3", "cam3": "cam1"})
    assert found(rig, keypoints) == [("swapped-names", ("cam1", "cam3"))]


@pytest.mark.slow
def test_reversed_poses_that_look_like_a_rig_are_told():
    rig = layouts.in_first_camera(layouts.ring())
    keypoints = detections(rig, tuple(np.asarray(2.5 * rig["cam1"].forward)))
    reversed_rig = inverted(rig)
    assert check_rig(reversed_rig) == ()
    assert found(reversed_rig, keypoints) == [("inverse-pose", rig.names)]


@pytest.mark.slow
def test_one_transposed_rotation_is_told():
    rig = layouts.ring()
    assert found(transposed(rig, "cam2"), detections(rig)) == [("inverse-pose", ("cam2",))]


@pytest.mark.slow
def test_a_mirrored_world_is_told():
    rig = layouts.ring()
    broken = mirrored(rig)
    assert found(broken, detections(rig)) == [("mirrored-world", rig.names)]


@pytest.mark.slow
def test_the_rig_of_another_recording_agrees_with_nothing():
    other = layouts.moved(layouts.ring(), Pose.from_rotation((0.3, 0.2, 0.5), (0.4, 0.3, 0.1)))
    mixed = Rig(
        {
            name: (turned(other, 9 * i, name) if i % 2 else layouts.ring())[name]
            for i, name in enumerate(other.names)
        },
        "m",
    )
    keypoints = detections(layouts.ring(5))
    strange = Rig({f"cam{i + 1}": mixed[f"cam{j}"] for i, j in enumerate((4, 8, 2, 6, 1))}, "m")
    assert found(strange, keypoints) == [("inconsistent-keypoints", strange.names)]


def test_cameras_without_common_points_are_not_judged():
    rig = layouts.ring()
    keypoints = detections(rig)
    keypoints.xy[3] = np.nan
    keypoints.confidence[3] = np.nan
    moved = turned(rig, 30, "cam4")
    assert found(moved, keypoints) == []


def test_keypoints_of_other_cameras_are_refused():
    rig = layouts.ring()
    with pytest.raises(InputError, match="cam1"):
        diagnose(rig, detections(rig).renamed({"cam1": "kitchen"}))


def test_unidentified_people_are_refused():
    rig = layouts.ring()
    with pytest.raises(InputError, match="individual"):
        diagnose(rig, replace(detections(rig), identified=False))


def test_frames_without_a_pose_are_refused():
    rig = layouts.tripod()
    keypoints = replace(detections(rig), frames=FRAMES + 100)
    with pytest.raises(InputError, match=r"pan: .* frame 110"):
        diagnose(rig, keypoints)


# --- real recordings ----------------------------------------------------------------------------


@pytest.mark.slow
def test_mouse4_shows_which_block_was_lost(shared_data):
    rig = load_rig(shared_data / "mouse4" / "calibration.toml", units="mm")
    pattern = shared_data / "mouse4" / "{camera}" / "minimal_{camera}_proofread.analysis.h5"
    assert found(rig, load_keypoints(str(pattern))) == [("inconsistent-keypoints", ("side",))]


@pytest.mark.slow
def test_human4_was_calibrated_roughly(shared_data):
    folder = shared_data / "human4"
    rig = load_rig(folder / "calibration" / "Calib.qca.txt")
    pattern = folder / "openpose" / "{camera}" / "{camera}.*.json"
    names = {f"cam0{i}": f"cam_0{i}" for i in range(1, 5)}
    keypoints = load_keypoints(str(pattern)).renamed(names).largest(0.4).above(0.4)
    (pair,) = diagnose(rig, keypoints).findings
    assert pair.code == "inconsistent-keypoints" and "rig refine" in pair.message
    swapped = keypoints.renamed({"cam_01": "cam_04", "cam_04": "cam_01"})
    assert found(rig, swapped) == [("swapped-names", ("cam_01", "cam_04"))]
