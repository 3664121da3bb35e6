import numpy as np
import pytest

from mvboot.metrics.meshes import held_out_errors, held_out_summary, mesh_errors, mesh_summary
from mvboot.surfaces import Surface

MIDDLE = np.array([0.0, 0.0, 0.4])


def surface(vertices, carried=None):
    size = len(vertices)
    return Surface(
        "m",
        vertices,
        np.zeros(size, bool) if carried is None else carried,
        np.full((size, 3, 3), np.nan),
        np.zeros(size, np.int64),
        np.full(size, np.nan),
        None,
        np.zeros_like(vertices),
    )


def test_a_larger_ball_is_as_far_off_as_it_is_larger(ball):
    true, faces = ball.template.vertices, ball.template.faces
    carried = true[:, 2] > 0
    found = mesh_summary([mesh_errors(surface(1.05 * true, carried), true, faces)], ball.template)
    assert found["vertices"]["mean_mm"] == pytest.approx(20, rel=1e-6)
    assert found["chamfer_mm"] == pytest.approx(20, abs=0.1)
    assert found["normal_consistency"] > 0.999
    assert found["carried_share"] == pytest.approx(carried.mean())


def test_the_true_surface_has_no_error(ball):
    true, faces = ball.template.vertices, ball.template.faces
    found = mesh_summary([mesh_errors(surface(true), true, faces)], ball.template)
    assert found["chamfer_mm"] < 1e-6 and found["accuracy"]["p90_mm"] < 1e-6
    assert found["normal_consistency"] > 0.999


def test_a_turned_ball_is_the_same_surface_with_other_vertices(ball):
    true, faces = ball.template.vertices, ball.template.faces
    found = mesh_summary([mesh_errors(surface(true[:, [1, 2, 0]]), true, faces)], ball.template)
    assert found["vertices"]["mean_mm"] > 100 and found["chamfer_mm"] < 0.1


@pytest.mark.slow
def test_a_held_out_camera_sees_whether_a_ball_is_in_place(ball):
    camera = ball.rig.names[2]
    field = ball.field(camera)
    width, height = ball.rig[camera].size
    mask = np.kron(field.foreground, np.ones((8, 8)))[:height, :width]
    true = ball.template.vertices + MIDDLE
    scores = {}
    for name, vertices in (("right", true), ("beside", true + [0.0, 0.0, 0.1])):
        one = held_out_errors(surface(vertices), ball.template, ball.rig, camera, mask, field)
        scores[name] = held_out_summary({camera: [one]})[camera]
    right, beside = scores["right"], scores["beside"]
    assert right["iou"] > 0.97 > 0.9 > beside["iou"]
    assert right["reprojection"]["median_px"] < 3 < 20 < beside["reprojection"]["median_px"]
    assert right["epipolar"]["median_px"] < 3 < beside["epipolar"]["median_px"]


def test_without_mask_and_field_there_is_no_score(ball):
    camera = ball.rig.names[0]
    one = held_out_errors(surface(ball.template.vertices), ball.template, ball.rig, camera)
    found = held_out_summary({camera: [one]})[camera]
    assert found["iou"] is None and found["reprojection"]["median_px"] is None
