import numpy as np

from mvboot.synthetic.studio.motion.paths import Path, roaming_path
from mvboot.synthetic.studio.motion.steps import Tread, paced, tracks

ANGLES = np.linspace(0, 2 * np.pi, 200, endpoint=False)


def circle(radius):
    return Path(radius * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1))


def test_a_circle_is_followed():
    path = circle(2.0)
    np.testing.assert_allclose(path.length, 4 * np.pi, rtol=1e-6)
    np.testing.assert_allclose(path.tightest, 2.0, rtol=1e-4)
    along = np.linspace(0, 30, 50)
    angle = along / 2
    np.testing.assert_allclose(
        path.at(along), 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-5
    )
    np.testing.assert_allclose(np.diff(path.heading(along)), np.diff(angle), atol=1e-4)


def test_paths_stay_in_their_area_and_are_not_sharp():
    rng = np.random.default_rng(0)
    for _ in range(5):
        path = roaming_path(3.0, rng)
        places = path.at(np.linspace(0, path.length, 500))
        assert np.linalg.norm(places, axis=1).max() < 3.0
        assert path.tightest > 0.5


def test_feet_stand_still_and_then_step():
    path = circle(500.0)
    pace = paced(0.0, 1.3, 1.0, 6.0)
    seats = np.array([[0.1, 0.0], [-0.1, 0.0]])
    left, right = tracks(pace, Tread((0.0, 0.5), 0.6, seats, np.zeros(2)), path)
    for track in (left, right):
        moved = np.linalg.norm(np.diff(track.place, axis=0), axis=1)
        stands = (track.stage[1:] <= 1) & (track.stage[:-1] <= 1)
        assert moved[stands].max() < 1e-9
        assert moved[~stands].max() > 0.02
    end = path.at(pace.along[-1])
    np.testing.assert_allclose((left.place[-1] + right.place[-1]) / 2, end, atol=1e-6)


def test_left_and_right_take_turns():
    path = circle(500.0)
    pace = paced(0.0, 1.3, 1.0, 8.0)
    seats = np.array([[0.1, 0.0], [-0.1, 0.0]])
    left, right = tracks(pace, Tread((0.0, 0.5), 0.6, seats, np.zeros(2)), path)
    steady = pace.effort > 0.999
    half = np.interp(pace.phase + 0.5, pace.phase, left.stage)
    inside = steady & (np.interp(pace.phase + 0.5, pace.phase, pace.effort) > 0.999)
    apart = np.abs((half - right.stage + 1) % 2 - 1)[inside]
    assert np.median(apart) < 0.02
    assert not ((left.stage > 1) & (right.stage > 1)).any()


def test_one_who_runs_leaves_the_floor():
    pace = paced(0.0, 3.0, 1.4, 5.0)
    seats = np.array([[0.1, 0.0], [-0.1, 0.0]])
    left, right = tracks(pace, Tread((0.0, 0.5), 0.35, seats, np.zeros(2)), circle(500.0))
    flies = (left.stage > 1) & (right.stage > 1)
    assert 0.15 < flies[pace.effort > 0.999].mean() < 0.45
    assert not flies[0] and not flies[-1]
