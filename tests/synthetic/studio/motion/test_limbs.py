import numpy as np

from mvboot.synthetic.studio.motion.figure import Figure, matrices
from mvboot.synthetic.studio.motion.limbs import Limb, Spot, left_jacobians
from mvboot.template import load_template

NAMES = ("thigh_left", "thigh_twist_left", "shin_left", "shin_twist_left", "foot_left")


def leg():
    figure = Figure.of(load_template("body"), None)
    ankle, toes = figure.head("foot_left"), figure.head("toes_left")
    return Limb(figure, NAMES, (Spot(4, ankle), Spot(4, toes, 0.3)), ease=1e-3)


def test_a_turn_changes_as_its_jacobian_says():
    rng = np.random.default_rng(0)
    for vector in (rng.normal(size=3), np.zeros(3), np.array([1e-5, 0, 0])):
        J = left_jacobians(vector)
        for axis in range(3):
            step = 1e-6 * np.eye(3)[axis]
            turned = matrices(vector + step) @ matrices(vector - step).T
            slope = np.array([turned[2, 1], turned[0, 2], turned[1, 0]]) / 2e-6
            np.testing.assert_allclose(J[:, axis], slope, atol=1e-6)


def test_slopes_are_those_of_the_places():
    limb, rng = leg(), np.random.default_rng(1)
    rotations = rng.uniform(-0.3, 0.3, (1, 5, 3))
    turn, origin = matrices(rng.normal(size=(1, 3))), rng.normal(size=(1, 3))
    _, slopes = limb.reached(turn, origin, rotations)
    for k in range(15):
        step = 1e-6 * np.eye(15)[k].reshape(1, 5, 3)
        ahead, behind = (limb.reached(turn, origin, rotations + s * step)[0] for s in (1, -1))
        np.testing.assert_allclose(slopes[0, :, k], (ahead - behind).ravel() / 2e-6, atol=1e-6)


def test_a_place_within_reach_is_reached_inside_the_limits():
    limb = leg()
    limits = limb.figure.skeleton.limits[limb.bones]
    truth = np.zeros((1, 5, 3))
    truth[0, :, 0] = np.radians([-50, 0, 70, 0, 10])
    turn, origin = np.eye(3)[None], limb.figure.head(NAMES[0])[None]
    targets, _ = limb.reached(turn, origin, truth)
    found = limb.solved(turn, origin, targets, np.zeros((1, 5, 3)))
    assert (found >= limits[..., 0]).all() and (found <= limits[..., 1]).all()
    np.testing.assert_allclose(limb.reached(turn, origin, found)[0], targets, atol=2e-3)


def test_a_place_out_of_reach_is_approached():
    limb = leg()
    turn, origin = np.eye(3)[None], limb.figure.head(NAMES[0])[None]
    far = origin[:, None] + np.array([[[0.0, -0.3, -3.0], [0.0, -0.4, -3.0]]])
    found = limb.solved(turn, origin, far, np.zeros((1, 5, 3)))
    foot = limb.reached(turn, origin, found)[0][0, 0]
    assert np.isfinite(found).all()
    assert origin[0, 2] - foot[2] > 0.75
