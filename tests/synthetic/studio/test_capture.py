import filecmp
from dataclasses import replace

import numpy as np
import pytest

from mvboot.datasets import Capture
from mvboot.datasets.layout import HIDDEN
from mvboot.errors import InputError
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.geometry import Pose
from mvboot.geometry.epipolar import fundamental_matrix
from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.synthetic.studio.studio import Studio

SMALL = {"cameras": 3, "frames": 2, "size": 96, "samples": 1}


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """Return a small capture of a person."""
    settings = SynthSettings(**SMALL, seed=3)
    return synthesise(settings, tmp_path_factory.mktemp("synth") / "out")


def size_of(template):
    return float(np.ptp(template.vertices, axis=0).max())


def surface_error(capture, camera, frame):
    """Return how far the lifted depth is from where the field says it is on the mesh (n,)."""
    truth, template = capture.truth, capture.template
    mesh = truth.poses.vertices(template, frame)
    maps = truth.maps(camera, frame)
    seen = maps["face"] >= 0
    points = truth.points(camera, frame)[seen]
    field = capture.field(camera, frame)
    values = field.coordinates[seen].astype(np.float64)
    if field.part is not None:
        located = template.locate(field.part[seen].astype(np.int64), values)
    else:
        located = template.nearest(values)
    corners = mesh[maps["individual"][seen][:, None], template.faces[located.faces]]
    return np.linalg.norm((located.barycentric[..., None] * corners).sum(1) - points, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed, options",
    [
        (0, {}),
        (1, {"fields": "embedding"}),
        (2, {"template": "quadruped", "gait": "trot"}),
        (3, {"rig": "fisheye", "cameras": 2}),
        (4, {"rig": "moving", "cameras": 2}),
        (5, {"subjects": 2, "gait": "walk"}),
    ],
)
def test_fields_lifted_by_depth_land_on_the_mesh(tmp_path, seed, options):
    found = synthesise(SynthSettings(**{**SMALL, "seed": seed, **options}), tmp_path / "out")
    size = size_of(found.template)
    errors = np.concatenate(
        [surface_error(found, camera, frame) for camera in found.cameras for frame in found.frames]
    )
    assert len(errors) > 300
    # Charts meet at seams, where a coordinate of the edge belongs to both sides of it.
    assert errors.max() < 1e-4 * size


@pytest.mark.slow
def test_corresponding_pixels_satisfy_the_epipolar_constraint(capture):
    template, truth = capture.template, capture.truth
    a, b = (capture.rig[name] for name in capture.cameras[:2])
    where = {}
    for name in capture.cameras[:2]:
        maps = truth.maps(name, 0)
        rows, columns = np.nonzero(maps["face"] >= 0)
        points = truth.points(name, 0)[rows, columns]
        where[name] = np.stack([columns, rows], -1).astype(float), points
    (pixels_a, points_a), (pixels_b, points_b) = where.values()
    gap = np.linalg.norm(points_a[:, None] - points_b[None], axis=-1)
    match, near = gap.argmin(1), gap.min(1)
    both = near < 0.5 * float(
        np.median(
            np.sort(np.linalg.norm(points_a[:, None] - points_a[None], axis=-1), axis=1)[:, 1]
        )
    )
    assert both.sum() > 20
    line = a.undistort(pixels_a[both]), b.undistort(pixels_b[match[both]])
    F = np.asarray(fundamental_matrix(a, b))
    ones = np.ones((both.sum(), 1))
    lines = np.concatenate([line[0], ones], 1) @ F.T
    distance = np.abs((lines * np.concatenate([line[1], ones], 1)).sum(1))
    distance /= np.linalg.norm(lines[:, :2], axis=1)
    assert distance.max() < 1.0
    assert template.topology == capture.topology


def test_true_poses_give_the_bodies_that_were_filmed(capture):
    template, truth = capture.template, capture.truth
    for frame in capture.frames.tolist():
        found = template.landmarks(truth.poses.vertices(template, frame))
        np.testing.assert_array_equal(found, truth.keypoints3d.xyz[frame])
    for frame in (-1, 2, 99):
        with pytest.raises(InputError, match=f"no pose in frame {frame}; there are 0 to 1"):
            truth.poses.vertices(template, frame)


def test_keypoints_reproject_exactly(capture):
    exact, known = capture.truth.keypoints2d, capture.truth.keypoints3d
    for c, name in enumerate(exact.cameras):
        projected = capture.truth.rig[name].project(known.xyz[:, 0])
        there = np.isfinite(exact.xy[c, :, 0, :, 0])
        assert there.sum() > 40
        assert np.abs(projected - exact.xy[c, :, 0])[there].max() < 1e-6


def test_hidden_keypoints_are_those_behind_the_body(capture):
    exact = capture.truth.keypoints2d
    hidden = exact.confidence[:, 0, 0] == HIDDEN
    assert set(np.unique(exact.confidence[np.isfinite(exact.confidence)])) == {HIDDEN, 1.0}
    assert 0.02 < hidden.mean() < 0.6
    # The far one of a left-right pair is the one that is hidden.
    known = capture.truth.keypoints3d.xyz[0, 0]
    names = list(exact.keypoints)
    for c, name in enumerate(exact.cameras):
        away = np.linalg.norm(known - capture.truth.rig[name].center.numpy(), axis=1)
        for side in ("shoulder", "hip", "eye", "ear"):
            left, right = (names.index(f"{side}_{end}") for end in ("left", "right"))
            if hidden[c, left] != hidden[c, right]:
                far = left if away[left] > away[right] else right
                assert hidden[c, far]


def test_a_wall_before_the_camera_hides_everything():
    studio = Studio(SynthSettings(**SMALL, seed=3, occluders=0))
    eye, bodies = studio.eye("cam_01", 0), studio.bodies(0.0)
    assert bodies.visible(eye, studio.room.caster).mean() > 0.4
    middle = bodies.vertices.mean(0)
    near = eye.origin + 0.5 * (middle - eye.origin)
    R = looking_at(eye.origin, middle)
    corners = near + 3 * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]) @ R
    wall = RayCaster(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    assert not bodies.visible(eye, wall).any()


def test_masks_cover_the_body_and_more(capture):
    for camera in capture.cameras:
        mask, face = capture.mask(camera, 0), capture.truth.maps(camera, 0)["face"] >= 0
        assert (mask[face] > 0).mean() > 0.97
        assert (mask > 0).sum() >= 0.97 * face.sum()


@pytest.mark.slow
def test_the_same_settings_give_the_same_bytes_with_more_processes(tmp_path, capture):
    again = synthesise(SynthSettings(**SMALL, seed=3), tmp_path / "again", processes=2)
    files = sorted(p.relative_to(capture.folder) for p in capture.folder.rglob("*") if p.is_file())
    assert files == sorted(
        p.relative_to(again.folder) for p in again.folder.rglob("*") if p.is_file()
    )
    _, different, broken = filecmp.cmpfiles(capture.folder, again.folder, files, shallow=False)
    assert not different
    assert not broken


@pytest.mark.slow
def test_another_seed_gives_other_pictures_and_a_stream_can_be_kept():
    one, other = Studio(SynthSettings(**SMALL)), Studio(SynthSettings(**SMALL, seed=1))
    assert one.rig.fingerprint() != other.rig.fingerprint()
    kept = Studio(SynthSettings(**SMALL, seed=1, seeds={"subjects": 0}))
    np.testing.assert_array_equal(kept.subjects.members[0].shape, one.subjects.members[0].shape)


@pytest.mark.slow
def test_faults_are_in_the_capture_and_their_truth_beside_it(tmp_path):
    faults = {"dropped": 0.4, "desync_s": 0.02, "rotation_deg": 1.0, "labels_px": 2.0}
    settings = SynthSettings(cameras=2, frames=8, size=64, samples=1, gait="run", faults=faults)
    found = synthesise(settings, tmp_path / "out")
    studio = Studio(settings)
    assert 0 < sum(len(found.pictures[c].frames) for c in found.cameras) < 16
    assert found.truth.rig.fingerprint() == studio.rig.fingerprint() != found.rig.fingerprint()
    exact, labels = found.truth.keypoints2d, found.keypoints
    shared = np.isfinite(exact.xy[..., 0]) & np.isfinite(labels.xy[..., 0])
    error = (labels.xy - exact.xy)[shared]
    assert 1.6 < error.std() < 2.4
    for c, name in enumerate(exact.cameras):
        for frame in found.pictures[name].frames.tolist():
            late = studio.bodies(studio.time(name, frame)).keypoints()[0]
            pixels = studio.rig[name].project(late)
            there = np.isfinite(exact.xy[c, frame, 0, :, 0])
            np.testing.assert_allclose(exact.xy[c, frame, 0][there], pixels[there], atol=1e-6)


@pytest.mark.slow
def test_a_detector_says_something_else_than_the_truth(tmp_path):
    settings = SynthSettings(cameras=2, frames=3, size=64, samples=1, detector=True)
    found = synthesise(settings, tmp_path / "out")
    said, exact = found.keypoints, found.truth.keypoints2d
    both = np.isfinite(said.xy[..., 0]) & np.isfinite(exact.xy[..., 0])
    assert 0.3 < np.median(np.abs(said.xy - exact.xy)[both]) < 8


@pytest.mark.slow
def test_motion_blur_smears_what_moves_fast():
    sharp, blurred = (
        Studio(
            SynthSettings(
                cameras=2,
                frames=20,
                size=96,
                gait="jumping_jacks",
                occluders=0,
                faults={"noise": 0.0, "exposure_s": exposure},
            )
        )
        for exposure in (0.0, 0.1)
    )
    masks = [studio.shot("cam_01", 10)[1].mask for studio in (sharp, blurred)]
    partly = [((mask > 0) & (mask < 1)).sum() for mask in masks]
    assert partly[1] > 1.3 * partly[0]


@pytest.mark.slow
def test_a_rig_file_is_filmed_with_as_it_is(tmp_path, capture):
    save_rig(capture.rig, tmp_path / "rig.yaml")
    found = synthesise(
        SynthSettings(rig=str(tmp_path / "rig.yaml"), frames=1, samples=1), tmp_path / "out"
    )
    assert load_rig(tmp_path / "out" / "rig.yaml").fingerprint() == capture.rig.fingerprint()
    assert found.size("cam_01") == (96, 96)


@pytest.mark.slow
def test_a_camera_of_a_rig_file_that_looks_away_is_told(tmp_path, capture):
    first = capture.rig["cam_01"]
    away = first.with_pose(Pose.from_rotation([0, np.pi, 0], np.zeros(3)) @ first.cam_from_world)
    cameras = {**capture.rig.cameras, "cam_01": away}
    save_rig(replace(capture.rig, cameras=cameras), tmp_path / "rig.yaml")
    settings = SynthSettings(rig=str(tmp_path / "rig.yaml"), frames=1, samples=1)
    told = []
    synthesise(settings, tmp_path / "out", warn=told.append)
    assert len(told) == 1 and "in the pictures of cam_01 " in told[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, words",
    [
        ({"template": "nope"}, "no such template"),
        ({"gait": "fly"}, "knows no gait"),
        ({"rig": "nope"}, "no kind of rig"),
        ({"place": "moon"}, "no place 'moon'"),
        ({"held_out_cameras": ("cam_9",)}, "no camera cam_9"),
        ({"labelled": 5}, "5 frames wanted, only 2 train"),
        ({"validation": 0.5}, "validation=0.5: of 2 frames .* ask for more --frames"),
    ],
)
def test_what_cannot_be_filmed_leaves_nothing(tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        synthesise(SynthSettings(**{**SMALL, **options}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"size": 8},
        {"faults": {"desink": 1}},
        {"seeds": {"moon": 1}},
        {"cameras": 1},
        {"faults": {"dropped": 2}},
        {"detector": {"noise": 1}},
        {"unknown": 1},
    ],
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError):
        SynthSettings(**{**SMALL, **options})


@pytest.mark.slow
def test_splits_and_labels(tmp_path):
    settings = SynthSettings(
        cameras=2, frames=30, size=32, samples=1, labelled=3, held_out_cameras=("cam_02",)
    )
    found = synthesise(settings, tmp_path / "out")
    assert found.training_cameras == ("cam_01",)
    labelled = [frame for frame in found.frames if found.is_labelled("cam_01", frame)]
    assert len(labelled) == 3
    assert set(labelled) <= set(found.split("train").tolist())
    assert len(found.split("validation")) == 6
    assert Capture.open(tmp_path / "out").check()["fields"] == 60


@pytest.mark.slow
def test_labels_are_of_frames_that_cameras_which_train_have(tmp_path):
    settings = SynthSettings(
        cameras=3, frames=12, size=32, samples=1, seed=4, labelled=3,
        held_out_cameras=("cam_03",), faults={"dropped": 0.4},
    )  # fmt: skip
    found = synthesise(settings, tmp_path / "out")
    trains = set().union(*(found.pictures[name].frames.tolist() for name in ("cam_01", "cam_02")))
    assert set(found.split("train").tolist()) <= trains
    with pytest.raises(InputError, match="at least one camera must train"):
        everyone = settings.model_copy(update={"held_out_cameras": ("cam_01", "cam_02", "cam_03")})
        synthesise(everyone, tmp_path / "none")
