import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mvboot.surfaces.articulated import Expectation, aligned_posture, fitted_posture
from mvboot.surfaces.evidence import Evidence
from mvboot.surfaces.posture import Posture, hangs_on
from mvboot.template import load_template

STAGES = (0.3, 0.1, 0.03, 0.01, 0.003)


@pytest.fixture(scope="module")
def template():
    return load_template("quadruped")


def drawn(template, seed=0):
    """Return a posture within the limits, turned and shifted as a whole."""
    rng = np.random.default_rng(seed)
    limits = template.skeleton.limits
    rotations = np.clip(rng.normal(0, 0.25, limits.shape[:2]), limits[..., 0], limits[..., 1])
    rotations[0] = [0.2, -0.3, 2.0]
    return Posture(rotations, np.array([1.0, -2.0, 0.3]), rng.normal(0, 0.7, template.n_shapes))


def posed(template, posture):
    return template.posed(posture.rotations, posture.translation, posture.shape)


def evidence(template, posture, rows, sigma=0.002):
    spread = np.broadcast_to(sigma**2 * np.eye(3), (len(rows), 3, 3))
    return Evidence(rows, posed(template, posture)[rows], spread)


def fitted(template, given):
    expected = Expectation.about(Posture.rest(template), np.radians(60), 1.0)
    return fitted_posture(template, given, aligned_posture(template, given), expected, STAGES)


def test_a_turned_template_is_aligned_exactly(template):
    rest = Posture.rest(template)
    rotations = rest.rotations.copy()
    rotations[0] = [0.4, -1.0, 1.5]
    turned = Posture(rotations, np.array([0.5, 0.6, 0.7]), rest.shape)
    found = aligned_posture(
        template, evidence(template, turned, np.arange(0, len(template.vertices), 5))
    )
    np.testing.assert_allclose(posed(template, found), posed(template, turned), atol=1e-6)


def test_a_posture_is_found_from_some_of_its_vertices(template):
    true = drawn(template)
    rows = np.arange(0, len(template.vertices), 5)
    found = fitted(template, evidence(template, true, rows))
    gap = np.linalg.norm(posed(template, found) - posed(template, true), axis=1)
    assert gap.mean() < 0.001 and gap.max() < 0.02
    np.testing.assert_allclose(found.translation, true.translation, atol=0.01)
    assert np.linalg.norm(found.rotations[0]) <= np.pi + 1e-9


def test_wrong_points_are_not_believed(template):
    true, rng = drawn(template, 1), np.random.default_rng(0)
    given = evidence(template, true, np.arange(0, len(template.vertices), 5))
    wrong = rng.random(len(given.points)) < 0.1
    points = given.points + wrong[:, None] * rng.normal(0, 0.4, given.points.shape)
    found = fitted(template, Evidence(given.vertices, points, given.covariance))
    gap = np.linalg.norm(posed(template, found) - posed(template, true), axis=1)
    assert gap.mean() < 0.005


def test_a_person_is_found_too():
    template = load_template("body")
    true = drawn(template)
    found = fitted(template, evidence(template, true, np.arange(0, len(template.vertices), 12)))
    gap = np.linalg.norm(posed(template, found) - posed(template, true), axis=1)
    assert gap.mean() < 0.002


def test_what_is_not_seen_stays_as_expected(template):
    """Nothing below the left hip is seen: its joints do not turn, the others do."""
    skeleton, true = template.skeleton, drawn(template)
    below = hangs_on(skeleton)[:, skeleton.index("thigh_left")] > 0
    hidden = np.asarray(skeleton.weights[:, np.flatnonzero(below)].sum(axis=1)).ravel() > 0
    rows = np.flatnonzero(~hidden)[::5]
    found = fitted(template, evidence(template, true, rows))
    np.testing.assert_allclose(found.rotations[below], 0, atol=1e-3)
    assert np.abs(found.rotations[~below][1:]).max() > 0.1
    seen = np.linalg.norm(posed(template, found) - posed(template, true), axis=1)[rows]
    assert seen.mean() < 0.002


def test_joints_hardly_pass_their_limits(template):
    bone = template.skeleton.index("shank_left")
    limits = template.skeleton.limits[bone]
    wrong = Posture.rest(template)
    wrong.rotations[bone] = limits[:, 0] - 0.5
    rows = np.arange(0, len(template.vertices), 5)
    found = fitted(template, evidence(template, wrong, rows, sigma=0.1))
    assert (limits[:, 0] - found.rotations[bone]).max() < 0.4


def test_a_posture_far_from_the_expected_one_costs(template):
    rest, true = Posture.rest(template), drawn(template)
    given = evidence(template, true, np.arange(0, len(template.vertices), 40), sigma=0.02)
    loose, tight = (
        fitted_posture(
            template,
            given,
            aligned_posture(template, given),
            Expectation.about(rest, turn, 1.0),
            (0.3, 0.03),
        )
        for turn in (1.0, 0.01)
    )
    assert np.abs(tight.rotations[1:]).mean() < 0.5 * np.abs(loose.rotations[1:]).mean()


def test_the_whole_is_named_by_the_shortest_turn(template):
    turned = drawn(template)
    rotations = turned.rotations.copy()
    rotations[0] = Rotation.from_rotvec([0, 0, 1.0]).as_rotvec() + [0, 0, 2 * np.pi]
    rows = np.arange(0, len(template.vertices), 20)
    start = Posture(rotations, turned.translation, turned.shape)
    expected = Expectation.about(start, 1.0, 1.0)
    found = fitted_posture(template, evidence(template, start, rows), start, expected, (0.01,))
    np.testing.assert_allclose(found.rotations[0], [0, 0, 1.0], atol=1e-6)
