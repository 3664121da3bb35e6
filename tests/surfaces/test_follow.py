from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import NothingUsable
from mvboot.surfaces import Follower, Lost, Seen, Surface, SurfaceFitter

MIDDLE = np.array([0.0, 0.0, 0.4])
PAIRS = {"min_views": 2, "threshold_px": 30}


@pytest.fixture(scope="module")
def seen(ball):
    return {n: Seen.of(ball.field(n), ball.template) for n in ball.rig.names}


def follower(ball):
    return Follower(SurfaceFitter(ball.template), **PAIRS)


@pytest.mark.slow
def test_a_ball_is_found_and_found_again(ball, seen):
    own = follower(ball)
    for surface in own.follow([(seen, ball.rig)] * 2):
        off = np.linalg.norm(surface.vertices - ball.template.vertices - MIDDLE, axis=1)
        assert off[~surface.carried].mean() < 0.3 * ball.footprint()
    assert 0 < own.noise < 0.02


@pytest.mark.slow
def test_an_instant_without_the_subject_is_lost_and_the_next_goes_on(ball, seen):
    nothing = {
        n: Seen.of(ball.field(n, lambda values: np.full_like(values, np.nan)), ball.template)
        for n in ball.rig.names
    }
    one = {"cam_01": seen["cam_01"]}
    instants = [(fields, ball.rig) for fields in (seen, nothing, one, {}, seen)]
    found = list(follower(ball).follow(instants))
    assert [isinstance(one, Lost) for one in found] == [False, True, True, True, False]
    assert found[1].reason.endswith("of 5 fields those of no camera do")
    assert found[2].reason.endswith("of 1 fields those of cam_01 do")
    assert found[3].reason.endswith("of 0 fields those of no camera do")
    with pytest.raises(NothingUsable):
        follower(ball).surface(nothing, ball.rig)


@pytest.mark.slow
def test_cameras_that_move_are_taken_where_they_are(ball, seen):
    """Cameras are moved so far that the ball, for them where it was, must be sought anew."""
    shift = np.array([0.5, 0.0, 0.0])
    cameras = {}
    for name in ball.rig.names:
        pose = ball.rig[name].cam_from_world
        t = pose.t - pose.R @ pose.t.new_tensor(shift)
        cameras[name] = ball.rig[name].with_pose(replace(pose, t=t))
    moved = replace(ball.rig, cameras=cameras)
    first, then = follower(ball).follow([(seen, ball.rig), (seen, moved)])
    assert isinstance(first, Surface) and isinstance(then, Surface)
    np.testing.assert_allclose((then.vertices - first.vertices).mean(0), shift, atol=0.01)


@pytest.mark.slow
def test_a_surface_of_which_nothing_is_seen_is_lost(ball, seen, monkeypatch):
    """Points were lifted, but the fit took none of them: all of it would be the template."""
    own = SurfaceFitter(ball.template)
    fitted = own.fit

    def carried(*words, **more):
        found = fitted(*words, **more)
        return replace(found, carried=np.ones_like(found.carried))

    monkeypatch.setattr(own, "fit", carried)
    (found,) = Follower(own, **PAIRS).follow([(seen, ball.rig)])
    assert isinstance(found, Lost) and found.reason.startswith("no vertex is seen")
