import numpy as np
import pytest
from scipy.stats import binom

from mvboot.bootstrap.scoring import best_frames, frame_scores
from mvboot.synthetic.scene import points_problem
from mvboot.triangulation import triangulate_points
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import triangulate_keypoints


def test_the_score_counts_inliers_alone(walked):
    truth = walked.truth.at_rows(np.arange(3))
    xy, confidence = truth.xy.copy(), truth.confidence * 0.5
    xy[0, 1] += 300.0  # one camera is wrong in the second frame, and very sure of it
    confidence[0, 1] = np.where(np.isnan(confidence[0, 1]), np.nan, 1.0)
    detections = type(truth)(
        truth.cameras, truth.frames, truth.individuals, truth.keypoints, xy, confidence
    )
    points = triangulate_keypoints(walked.scene.rig, detections, TriangulationOptions(4.0))
    seen = truth.present.sum((0, 2, 3))
    wrong = truth.present[0, 1].sum()
    expected = 0.5 * (seen - [0, wrong, 0])
    assert np.allclose(frame_scores(points, detections), expected)


def test_the_best_frame_of_each_window_and_then_the_best_of_those():
    frames = np.array([3, 4, 5, 6, 7, 8, 20, 21])
    scores = np.array([1.0, 5, 2, 9, 9, 1, 3, 4])
    usable = np.ones(8, bool)
    found = best_frames(frames, scores, usable, window=3, best=10)  # 3-5, 6-8, 18-20, 21-23
    assert frames[found].tolist() == [4, 6, 20, 21]
    found = best_frames(frames, scores, usable, window=3, best=2)
    assert frames[found].tolist() == [4, 6]
    usable[[1, 3]] = False
    found = best_frames(frames, scores, usable, window=3, best=3)
    assert frames[found].tolist() == [7, 20, 21]
    assert not best_frames(frames, scores, np.zeros(8, bool), 3, 5).any()


def test_one_frame_a_window_whatever_the_scores():
    frames = np.arange(100)
    scores = np.random.default_rng(0).random(100)
    found = best_frames(frames, scores, np.ones(100, bool), 15, 100)
    assert found.sum() == 7 and len(np.unique(frames[found] // 15)) == 7


@pytest.mark.parametrize("p", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("cameras", [3, 5, 8])
def test_recovery_follows_the_binomial_table(cameras, p):
    """Of independent hits a point is recovered where three views or more hit it."""
    rng = np.random.default_rng(cameras)
    problem = points_problem(cameras, 2000, rng, noise_px=0.3, outliers=0.0, missing=0.0)
    hit = rng.random(problem.pixels.shape[:2]) < p
    # misses lie anywhere in a picture so wide that they never agree
    anywhere = rng.uniform(-1, 1, problem.pixels.shape) * 1e4
    pixels = np.where(hit[..., None], problem.pixels, anywhere)
    pixels[np.isnan(problem.pixels)] = np.nan
    options = TriangulationOptions(threshold_px=4.0, min_views=3, certainty=0.999999)
    result = triangulate_points(problem.rig, pixels, options=options)
    right = np.linalg.norm(result.points - problem.xyz, axis=1) < 0.01
    seen = np.isfinite(problem.pixels[..., 0]).sum(0)
    expected = 1 - binom.cdf(2, seen, p)
    assert right.mean() == pytest.approx(expected.mean(), abs=0.025)


def test_groups_keep_chance_agreement_out():
    """Where every view is wrong single points still agree by chance; groups of four do not."""
    rng = np.random.default_rng(1)
    problem = points_problem(12, 400, rng, noise_px=0.0, outliers=0.0, missing=0.0)
    pixels = problem.pixels + rng.uniform(-50, 50, problem.pixels.shape)
    options = TriangulationOptions(threshold_px=4.0, min_views=3)
    alone = triangulate_points(problem.rig, pixels, options=options).accepted.mean()
    groups = np.repeat(np.arange(100), 4)
    together = triangulate_points(problem.rig, pixels, options=options, groups=groups)
    guarded = triangulate_points(
        problem.rig, pixels, options=TriangulationOptions(threshold_px=4.0)
    )
    assert alone > 0.05
    assert together.accepted.sum() == 0
    assert guarded.accepted.mean() < 0.2 * alone, "40 % of the detections must agree"
