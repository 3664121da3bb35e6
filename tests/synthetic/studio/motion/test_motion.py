import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.synthetic.studio.motion.motion import gait_names, sample_motion
from mvboot.template import Skeleton, Template, load_template

SECONDS, RADIUS = 2.0, 2.0
STEP = 1 / 120
CASES = [("body", gait) for gait in ("walk", "run", "jump", "squat", "box", "sit", "balance", None)]
CASES += [("quadruped", gait) for gait in ("walk", "gallop", "sniff", "rear", None)]


@pytest.fixture(scope="module")
def made():
    """Return a function that makes each motion once: template, shape, motion, times, poses."""
    found = {}

    def make(name, gait):
        if (name, gait) not in found:
            template = load_template(name)
            shape = 0.7 * np.random.default_rng(5).normal(size=template.n_shapes)
            rng = np.random.default_rng(11)
            motion = sample_motion(template, SECONDS, RADIUS, rng, gait, shape)
            times = np.arange(-0.1, SECONDS + 0.1, STEP)
            found[name, gait] = template, shape, motion, times, motion.at(times)
        return found[name, gait]

    return make


def box_of(units="m", up="z", skeleton=True, tall=1.0):
    """Return a long box of two bones, one after the other along ``up``."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    vertices = corners * [0.2, 0.2, tall]
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    weights = np.stack([corners[:, 2] == 0, corners[:, 2] == 1], axis=1).astype(float)
    order = {"z": [0, 1, 2], "y": [1, 2, 0]}[up]
    heads = np.array([[0.1, 0.1, 0.0], [0.1, 0.1, tall / 2]])
    bones = Skeleton(
        names=("low", "high"),
        parents=np.array([-1, 0]),
        heads=heads[:, order],
        tails=(heads + [0, 0, tall / 2])[:, order],
        axes=np.stack([np.eye(3)] * 2),
        weights=csr_array(weights),
        limits=np.array([[[-np.pi, np.pi]] * 3, [[-0.5, 0.2], [0.0, 0.0], [-0.1, 0.1]]]),
        head_shapes=np.zeros((0, 2, 3)),
    )
    return Template(
        name="box",
        units=units,
        up=up,
        vertices=vertices[:, order],
        faces=np.array(faces),
        skeleton=bones if skeleton else None,
    )


@pytest.mark.parametrize(("name", "gait"), CASES)
def test_joints_stay_inside_their_limits(made, name, gait):
    template, _, _, _, poses = made(name, gait)
    low, high = np.moveaxis(template.skeleton.limits[1:], -1, 0)
    assert (poses.rotations[:, 1:] >= low).all()
    assert (poses.rotations[:, 1:] <= high).all()


@pytest.mark.parametrize(("name", "gait"), CASES)
def test_nothing_jumps(made, name, gait):
    template, shape, _, _, poses = made(name, gait)
    joints = template.joints(poses.rotations, poses.translation, shape)
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) / STEP
    turning = np.abs(np.diff(poses.rotations[:, 1:], axis=0)) / STEP
    pull = np.linalg.norm(np.diff(joints[:, 0], 2, axis=0), axis=-1) / STEP**2
    assert speed.max() < 14  # a fingertip of arms swung up in a jump; m/s
    assert turning.max() < 25  # rad/s
    assert pull.max() < 30  # of the pelvis, m/s^2


@pytest.mark.parametrize(("name", "gait"), CASES)
def test_the_lowest_point_is_on_the_floor(made, name, gait):
    template, shape, _, _, poses = made(name, gait)
    low = template.posed(poses.rotations[::3], poses.translation[::3], shape)[..., 2].min(axis=1)
    assert low.min() > -0.01
    flies = gait in ("run", "jump", "gallop", None)
    assert (np.median(low) if flies else low.max()) < 0.01


@pytest.mark.parametrize(
    ("name", "gait", "toe"), [("body", "walk", "big_toe"), ("quadruped", "walk", "hindpaw")]
)
def test_feet_that_stand_do_not_slip(made, name, gait, toe):
    template, shape, _, _, poses = made(name, gait)
    vertices = template.posed(poses.rotations, poses.translation, shape)
    marks = dict(
        zip(template.keypoints, np.moveaxis(template.landmarks(vertices), 1, 0), strict=True)
    )
    joints = template.joints(poses.rotations, poses.translation, shape)[:, 0]
    body = np.linalg.norm(np.diff(joints[:, :2], axis=0), axis=1).mean() / STEP
    slips = []
    for side in ("left", "right"):
        foot = marks[f"{toe}_{side}"]
        speed = np.linalg.norm(np.diff(foot[:, :2], axis=0), axis=1) / STEP
        stands = foot[1:, 2] < np.percentile(foot[:, 2], 30) + 0.003
        slips.append(speed[stands])
    assert body > 0.4
    assert np.median(np.concatenate(slips)) < 0.15 * body


@pytest.mark.parametrize(("name", "gait"), CASES)
def test_it_stays_in_its_area(made, name, gait):
    template, shape, _, _, poses = made(name, gait)
    root = template.joints(poses.rotations, poses.translation, shape)[:, 0]
    assert np.linalg.norm(root[:, :2], axis=1).max() < RADIUS


@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_it_looks_where_it_goes(made, name):
    template, shape, _, _, poses = made(name, "walk")
    axes = template.skeleton.axes[0]
    turn = axes @ Rotation.from_rotvec(poses.rotations[:, 0]).as_matrix() @ axes.T
    root = template.joints(poses.rotations, poses.translation, shape)[:, 0]
    way = np.diff(root[:, :2], axis=0)
    ahead = -turn[1:, :2, 1]
    cosine = (way * ahead).sum(axis=1) / np.linalg.norm(way, axis=1)
    assert np.median(cosine) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_chance_decides_and_repeats(name):
    template = load_template(name)
    one, same, other = (
        sample_motion(template, 1.0, 1.5, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    times = np.linspace(0, 1, 7)
    assert (one.at(times).rotations == same.at(times).rotations).all()
    assert (one.at(times).translation == same.at(times).translation).all()
    assert one.rotations.shape == other.rotations.shape
    assert np.abs(one.at(times).rotations - other.at(times).rotations).max() > 0.1


def test_a_pose_depends_on_its_time_alone(made):
    _, _, motion, times, poses = made("body", "walk")
    some = motion.at(times[5:9])
    np.testing.assert_allclose(some.rotations, poses.rotations[5:9], atol=1e-12)
    late = motion.at(np.array([SECONDS + 5, SECONDS + 9]))
    assert (late.rotations[0] == late.rotations[1]).all()


@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_every_gait_can_be_asked_for(name):
    template = load_template(name)
    assert len(gait_names(template)) >= 8
    with pytest.raises(InputError, match=r"moonwalk.*walk"):
        sample_motion(template, 1.0, 1.0, np.random.default_rng(0), "moonwalk")


@pytest.mark.parametrize(("units", "scale"), [("m", 1.0), ("mm", 1000.0)])
def test_any_skeleton_wanders(units, scale):
    template = box_of(units, tall=1.0)
    assert gait_names(template) == ("wander",)
    motion = sample_motion(template, 2.0, 1.0, np.random.default_rng(1))
    poses = motion.at(np.arange(0, 2, 0.02))
    assert (np.abs(poses.rotations[:, 1, 0]).max() > 0.05) and (poses.rotations[:, 1, 1] == 0).all()
    assert poses.rotations[:, 1, 0].min() >= -0.5 and poses.rotations[:, 1, 0].max() <= 0.2
    low = template.posed(poses.rotations, poses.translation)[..., 2].min(axis=1)
    assert np.abs(low).max() < 0.01 * scale
    metres = poses.translation[:, :2] / scale
    assert np.ptp(metres, axis=0).max() > 1e-4


def test_what_stands_along_another_axis_is_stood_up():
    template = box_of(up="y", tall=3.0)
    poses = sample_motion(template, 1.0, 1.0, np.random.default_rng(1)).at(np.array([0.5]))
    assert np.ptp(template.posed(poses.rotations, poses.translation)[0, :, 2]) > 2.8


def test_what_cannot_move_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="no skeleton"):
        sample_motion(box_of(skeleton=False), 1.0, 1.0, rng)
    body = load_template("body")
    with pytest.raises(InputError, match="duration"):
        sample_motion(body, 0.0, 1.0, rng)
    with pytest.raises(InputError, match="radius"):
        sample_motion(body, 1.0, np.nan, rng)
    with pytest.raises(InputError, match="shape components"):
        sample_motion(body, 1.0, 1.0, rng, shape=np.zeros(3))
