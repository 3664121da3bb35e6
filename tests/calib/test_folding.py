"""Lenses stay invertible: what is held, in which order, and what is counted as lost."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from problems import cloud

from mvboot.calib.bundle import Bundle, Held, Observations, adjust
from mvboot.calib.folding import STEPS, adjust_unfolded, held_more, rayless_detections
from mvboot.geometry import Camera, rayless_share
from mvboot.keypoints import Keypoints2D
from mvboot.synthetic.scene import project_all

FREE = ("focal", "principal_point", "distortion")


@cache
def undetermined(lens="brown", terms=8):
    """Free points in the middle of the pictures, and lenses with more terms than they say."""
    bundle, _ = cloud(count=80)
    rng = np.random.default_rng(1)
    cameras = {
        name: Camera.from_opencv(
            c.K, [-0.02] + [0] * (terms - 1), size=c.size, lens=lens
        ).with_pose(c.cam_from_world)
        for name, c in bundle.rig.cameras.items()
    }
    rig = replace(bundle.rig, cameras=cameras)
    points = (bundle.points - bundle.points.mean(0)) * 0.7 + bundle.points.mean(0)
    pixels = project_all(rig, points)
    camera, point = np.nonzero(~np.isnan(pixels[..., 0]))
    noisy = pixels[camera, point] + rng.normal(0, 2.0, (len(camera), 2))
    ones = np.ones_like(camera)
    return Bundle(rig, bundle.rig_from_points, points), Observations(
        camera, 0 * ones, point, noisy, ones
    )


def held(bundle, **more):
    return Held(more, points=np.zeros(len(bundle.points), np.bool_), motion=True)


def shares(rig):
    return {name: rayless_share(camera) for name, camera in rig.cameras.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("lens", "terms"), [("brown", 8), ("brown", 5), ("fisheye", 4)])
def test_what_would_fold_does_not(lens, terms):
    bundle, seen = undetermined(lens, terms)
    free = held(bundle)
    alone = shares(adjust(bundle, seen, free).rig)
    assert max(alone.values()) > 0, "the case is one in which a lens would fold"
    solved, kept = adjust_unfolded(bundle, seen, free, bundle.rig.cameras)
    assert max(shares(solved.rig).values()) == 0
    extra = held_more(bundle.rig, free, kept)
    assert extra and set(extra) <= set(bundle.rig.names)
    for name, parameters in extra.items():
        assert set(STEPS[lens][terms < 8 and lens == "brown"]) & set(parameters)
        same = solved.rig[name].lens.coefficients == bundle.rig[name].lens.coefficients
        assert same[-1], "the last term stays where it was"


def test_what_would_not_fold_is_adjusted_as_ever():
    bundle, seen = undetermined()
    free = held(bundle, **dict.fromkeys(bundle.rig.names, frozenset({"distortion"})))
    solved, kept = adjust_unfolded(bundle, seen, free, bundle.rig.cameras)
    assert kept is free and held_more(bundle.rig, free, kept) == {}
    other = adjust(bundle, seen, free)
    for name in bundle.rig.names:
        assert torch.equal(solved.rig[name].K, other.rig[name].K)


def test_a_camera_that_is_not_named_may_fold():
    bundle, seen = undetermined()
    solved, kept = adjust_unfolded(bundle, seen, held(bundle), {})
    assert max(shares(solved.rig).values()) > 0 and kept.cameras == {}


@pytest.mark.slow
def test_a_lens_that_folds_already_gets_no_worse():
    bundle, seen = undetermined()
    name = bundle.rig.names[0]
    K = bundle.rig[name].K
    odd = Camera.from_opencv(K, [-1.2] + [0] * 7, size=bundle.rig[name].size)
    odd = odd.with_pose(bundle.rig[name].cam_from_world)
    start = replace(bundle, rig=replace(bundle.rig, cameras={**bundle.rig.cameras, name: odd}))
    before = rayless_share(odd)
    assert before > 0.05
    solved, _ = adjust_unfolded(start, seen, held(bundle), start.rig.cameras)
    assert rayless_share(solved.rig[name]) <= before


def test_no_solution_is_none(monkeypatch):
    bundle, seen = undetermined()
    monkeypatch.setattr("mvboot.calib.folding.adjust", lambda *_: None)
    free = held(bundle)
    assert adjust_unfolded(bundle, seen, free, bundle.rig.cameras) == (None, free)


def test_detections_without_a_ray_are_counted_by_camera():
    bundle, _ = undetermined()
    name = bundle.rig.names[1]
    odd = Camera.from_opencv(bundle.rig[name].K, [-0.9, 0, 0, 0], size=bundle.rig[name].size)
    rig = replace(bundle.rig, cameras={**bundle.rig.cameras, name: odd})
    width, height = odd.size
    xy = np.full((len(rig), 2, 1, 2, 2), (width / 2, height / 2))
    xy[:, 0, 0, 0] = (0, 0)  # a corner, beyond the fold
    xy[:, 1, 0, 1] = np.nan
    sure = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    keypoints = Keypoints2D(rig.names, np.arange(2), ("one",), ("a", "b"), xy, sure)
    expected = {n: int(n == name) for n in rig.names}
    assert rayless_detections(rig, keypoints) == expected
