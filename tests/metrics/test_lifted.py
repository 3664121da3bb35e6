import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.metrics import chosen_vertices, lifted_errors, lifted_summary
from mvboot.metrics.lifted import LiftedErrors
from mvboot.surfaces import Seen, lift
from mvboot.triangulation import TriangulationOptions

TWO = TriangulationOptions(min_views=2, threshold_px=30)


def seen_by(ball, names, change=lambda values: values):
    return {n: Seen.of(ball.field(n, change), ball.template) for n in names}


def test_true_fields_of_a_ball_lift_within_a_cell(ball):
    vertices = chosen_vertices(ball.template, 300)
    lifted = lift(seen_by(ball, ball.rig.names), ball.rig, ball.template, vertices, options=TWO)
    true = ball.template.vertices[vertices] + [0, 0, 0.4]
    found = lifted_summary([lifted_errors(lifted, true)])
    assert found["points"] == 300
    assert found["mean_mm"] < 1000 * 0.5 * ball.footprint()
    assert 0.4 < found["lifted"] < 1
    assert 1 < found["views"] < 4
    assert not lifted.visible[true[:, 2] < 0.05].any(), "no camera sees the ball from below"


def test_true_fields_of_a_synthetic_capture_lift_within_a_pixel(capture):
    template = capture.template
    seen = {n: Seen.of(capture.field(n, 0), template) for n in capture.cameras}
    vertices = chosen_vertices(template, 400)
    lifted = lift(seen, capture.rig, template, vertices)
    true = capture.truth.poses.vertices(template, 0)[0][vertices]
    found = lifted_summary([lifted_errors(lifted, true)])
    pixels = []
    for name in capture.cameras:
        own = capture.rig[name]
        away = np.linalg.norm(true - own.center.numpy(), axis=1)
        pixels.append(float(away.mean() / own.K[0, 0]))
    assert found["mean_mm"] < 1000 * np.mean(pixels)
    assert found["lifted"] > 0.2


def test_units_do_not_matter(ball):
    vertices = chosen_vertices(ball.template, 100)
    seen = seen_by(ball, ball.rig.names)
    m = lift(seen, ball.rig, ball.template, vertices, options=TWO)
    mm = lift(seen, ball.rig.in_units("mm"), ball.template, vertices, options=TWO)
    np.testing.assert_allclose(mm.points, 1000 * m.points, rtol=1e-5)
    for lifted, offset in ((m, 0.002), (mm, 2)):
        one = lifted_errors(lifted, lifted.points + offset).error_mm
        np.testing.assert_allclose(one[np.isfinite(one)], 2 * np.sqrt(3))


def test_collapsed_fields_lift_nothing(ball):
    seen = seen_by(ball, ball.rig.names, lambda values: 0 * values + [0.4, 0, 0])
    lifted = lift(seen, ball.rig, ball.template, np.arange(20), options=TWO)
    found = lifted_summary([lifted_errors(lifted, lifted.points)])
    assert found["lifted"] == found["views"] == 0
    assert found["mean_mm"] is None


def test_vertices_are_drawn_evenly_and_again(ball):
    one = chosen_vertices(ball.template, 100)
    assert len(np.unique(one)) == 100
    np.testing.assert_array_equal(one, chosen_vertices(ball.template, 100))
    assert (one != chosen_vertices(ball.template, 100, seed=1)).any()
    assert len(chosen_vertices(ball.template, 10**6)) == len(ball.template.vertices)


def test_cameras_that_do_not_suffice(ball):
    with pytest.raises(InputError, match="at least two cameras"):
        lift(seen_by(ball, ball.rig.names[:1]), ball.rig, ball.template, np.arange(3))
    one, two = seen_by(ball, ball.rig.names[:2]).values()
    with pytest.raises(InputError, match="no camera 'x'"):
        lift({"x": one, "y": two}, ball.rig, ball.template, np.arange(3))


def test_frames_are_pooled():
    one = LiftedErrors(np.array([1.0, np.nan]), np.array([3, 0]))
    two = LiftedErrors(np.array([3.0, 5.0]), np.array([2, 3]))
    found = lifted_summary([one, two])
    assert (found["points"], found["lifted"], found["views"]) == (4, 0.75, 2)
    assert found["mean_mm"] == found["median_mm"] == 3
    assert lifted_summary([])["lifted"] is None
