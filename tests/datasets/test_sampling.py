"""Which cameras and frames make a sample."""

from collections import Counter

import numpy as np
import pytest

from mvboot.datasets import Capture, Splits, View, camera_groups, sample_views
from mvboot.datasets.sampling import meeting_point
from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at


def rig_of(centers, target=(0.0, 0.0, 0.0)):
    cameras = {}
    for i, center in enumerate(np.asarray(centers, float)):
        R = looking_at(center, np.asarray(target))
        cameras[f"c{i}"] = Camera.from_opencv(np.diag([100.0, 100, 1]), None, R, -R @ center)
    return Rig(cameras, "m")


def dome(count):
    rng = np.random.default_rng(0)
    angle, lift = np.arange(count) * 2 * np.pi / count, rng.uniform(0.2, 2.0, count)
    return np.stack([3 * np.cos(angle), 3 * np.sin(angle), lift], -1)


def test_axes_meet_at_the_subject():
    target = np.array([0.3, -0.2, 0.9])
    np.testing.assert_allclose(meeting_point(rig_of(dome(5), target)), target, atol=1e-9)


@pytest.mark.parametrize("count", [3, 4, 8, 31])
def test_every_camera_has_two_partners(count):
    rig = rig_of(dome(count))
    pairs = camera_groups(rig).groups
    partners = Counter(name for pair in pairs for name in pair)
    assert set(partners) == set(rig.names) and min(partners.values()) >= 2
    assert len(set(map(frozenset, pairs))) == len(pairs)
    triplets = camera_groups(rig, size=3).groups
    assert {name for triplet in triplets for name in triplet} == set(rig.names)
    assert all(len(set(triplet)) == 3 for triplet in triplets)
    assert camera_groups(rig).warnings == ()


def test_partners_out_of_the_plane_come_first():
    ring = [[3 * np.cos(a), 3 * np.sin(a), 0] for a in np.arange(5) * 0.5]
    rig = rig_of([*ring, [1.5, 1.5, 2.5]])
    pairs = camera_groups(rig)
    assert {pair for pair in pairs.groups if "c5" in pair} == {(f"c{i}", "c5") for i in range(5)}
    assert all("c5" in triplet for triplet in camera_groups(rig, size=3).groups)
    assert pairs.warnings == ()


def test_partners_see_the_same_side_and_groups_grow():
    angles = np.radians([0, 40, 80, 120, 160, 200, 240, 280, 320])
    ring = [[3 * np.cos(a), 3 * np.sin(a), 0.3 * (i % 3)] for i, a in enumerate(angles)]
    rig = rig_of(ring)
    for size in (3, 4, 5):
        groups = camera_groups(rig, size=size).groups
        assert {name for group in groups for name in group} == set(rig.names)
        assert all(len(group) == size for group in groups)
    assert max(map(len, camera_groups(rig, size=9).groups)) == 5  # a camera and two on each side
    for first, second in camera_groups(rig).groups:
        apart = abs(int(first[1:]) - int(second[1:]))
        assert min(apart, 9 - apart) <= 2


def test_a_flat_rig_is_warned_of():
    ring = [[3 * np.cos(a), 3 * np.sin(a), 0] for a in np.arange(4) * 0.7]
    found = camera_groups(rig_of(ring))
    (warning,) = found.warnings
    assert "c0, c1, c2, c3 lies almost in a plane" in warning
    assert min(Counter(name for pair in found.groups for name in pair).values()) >= 2


def test_two_cameras_are_a_pair_with_a_warning():
    for size in (2, 3):
        found = camera_groups(rig_of(dome(2)), size=size)
        assert found.groups == (("c0", "c1"),)
        assert "two cameras: nothing can see slips" in found.warnings[0]
    assert camera_groups(rig_of(dome(2)), size=1).groups == (("c0",), ("c1",))
    with pytest.raises(InputError, match="only camera c1 is left"):
        camera_groups(rig_of(dome(2)), ["c1"])


def test_samples_of_a_split(tools, tmp_path):
    splits = Splits(train=(0, 1, 2, 3), validation=(7, 8), held_out_cameras=("cam3",))
    folder = tools["write_capture"](tmp_path / "c", frames=range(10), splits=splits)
    (folder / "images" / "cam1" / "000002.png").unlink()
    text = (folder / "capture.yaml").read_text()
    (folder / "capture.yaml").write_text(text.replace("cam1:\n    frames: 0..9", "cam1: {}"))
    capture = Capture.open(folder)

    samples, warnings = sample_views(capture, "train")
    assert warnings == ()
    assert {view.camera for sample in samples for view in sample} == {"cam0", "cam1", "cam2"}
    assert [sum(s[0].frame == f for s in samples) for f in (0, 1, 2, 3)] == [3, 3, 1, 3]
    assert all(len({view.frame for view in sample}) == 1 for sample in samples)
    held = {view for sample in sample_views(capture, "validation")[0] for view in sample}
    assert View("cam3", 7) in held and {view.frame for view in held} == {7, 8}

    timed, _ = sample_views(capture, "train", neighbours=(1, -1))
    first = timed[0]
    assert len(first) == 4  # frame -1 was not filmed
    assert {view.frame for view in first[:2]} == {0} and {view.frame for view in first[2:]} == {1}
    assert all(view.frame <= 3 for sample in timed for view in sample)  # 4 does not train
    assert View("cam1", 2) not in {view for sample in timed for view in sample}
    assert sample_views(capture, "train", 3)[0] != samples
    for wrong in ((0,), (1, 1)):
        with pytest.raises(InputError, match="offsets other than 0"):
            sample_views(capture, neighbours=wrong)


def test_cameras_that_share_no_frame_are_no_sample(tools, tmp_path):
    folder = tools["write_capture"](tmp_path / "c", tools["ring"](2), range(4))
    for name, frames in (("cam0", (0, 1)), ("cam1", (2, 3))):
        for frame in frames:
            (folder / "images" / name / f"{frame:06d}.png").unlink()
    (folder / "capture.yaml").unlink()
    with pytest.raises(InputError, match="no frame of the train split was filmed by 2 cameras"):
        sample_views(Capture.open(folder))
    assert len(sample_views(Capture.open(folder), size=1)[0]) == 4
