"""From footage to shots: which instants, how the board looks to a camera, how sharp it is."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from mvboot.calib.boards import Charuco, Checkerboard
from mvboot.calib.detect import Look, detector_of
from mvboot.calib.find import (
    CameraFinds,
    chosen_instants,
    edge_width,
    find_board,
    together,
    usual_look,
)
from mvboot.formats.footage import Footage
from mvboot.geometry import Camera
from mvboot.rig import Rig
from mvboot.synthetic.boards import BoardRenderer, board_poses, board_shots

BOARD = Charuco(5, 4, "mm", 30.0, 22.0, "DICT_4X4_50", legacy=False)
SIZE = (320, 240)
SHOTS = 6


@dataclass(frozen=True)
class Album(Footage):
    """Pictures in memory, by instant; counts how often each is looked at."""

    camera: str
    numbers: np.ndarray
    size: tuple
    shown: dict

    def pictures(self, numbers=None):
        wanted = self.numbers if numbers is None else np.intersect1d(self.numbers, numbers)
        for number in wanted.tolist():
            yield number, self.shown[number]

    def _of(self, numbers, places):
        raise NotImplementedError  # nobody is late here

    @property
    def files(self):
        return ()


@pytest.fixture(scope="module")
def rig():
    K = [[420.0, 0, 158.0], [0, 421.0, 121.0], [0, 0, 1]]
    return Rig({"a": Camera.from_opencv(K, (-0.1, 0.03, 0, 0), size=SIZE)}, "mm")


@pytest.fixture(scope="module")
def poses(rig):
    return board_poses(rig, BOARD, SHOTS, np.random.default_rng(2), 25.0, (330.0, 480.0))


@pytest.fixture(scope="module")
def plain(rig, poses):
    """Six pictures of the board, at every third instant."""
    renderer = BoardRenderer(rig["a"], BOARD, "mm")
    return album(renderer.picture(poses[s], np.random.default_rng(s)) for s in range(SHOTS))


def album(pictures, step=3):
    shown = {step * s: picture for s, picture in enumerate(pictures)}
    height, width = shown[0].shape
    return Album("a", np.array(list(shown)), (width, height), shown)


def seen_as(footage, change):
    return album(np.ascontiguousarray(change(p)) for p in footage.shown.values())


EMPTY = np.full(SIZE[::-1], 120, np.uint8)


# --- which instants -----------------------------------------------------------------------------


def numbered(*numbers):
    return Album("x", np.array(numbers), SIZE, {})


def test_all_instants_of_a_short_recording_are_looked_at():
    footages = {"a": numbered(2, 5, 9), "b": numbered(5, 7), "c": numbered(9)}
    assert chosen_instants(footages).tolist() == [2, 5, 7, 9]


@pytest.mark.parametrize(("limit", "step"), [(1000, 1), (999, 2), (500, 2), (300, 4)])
def test_of_a_long_one_evenly_spaced_instants_the_same_for_all(limit, step):
    footages = {"a": numbered(*range(1000)), "b": numbered(*range(100, 1000))}
    chosen = chosen_instants(footages, limit)
    assert len(chosen) <= limit and set(np.diff(chosen)) == {step}


# --- how the board looks ------------------------------------------------------------------------

LOOKS = [
    (lambda p: p, Look()),
    (lambda p: 255 - p, Look(inverted=True)),
    (np.fliplr, Look(mirrored=True)),
    (lambda p: 255 - p[:, ::-1], Look(inverted=True, mirrored=True)),
    (lambda p: p[::-1, ::-1], Look()),
]


@pytest.mark.parametrize(("change", "look"), LOOKS)
def test_the_look_of_a_board_is_found_out(plain, change, look):
    footage = seen_as(plain, change)
    assert usual_look(footage, detector_of(BOARD), footage.numbers) == look


def test_a_board_that_appears_late_is_looked_for_all_over(plain):
    footage = seen_as(plain, np.fliplr)
    shown = dict.fromkeys(range(100), EMPTY) | {
        100 + n: picture for n, picture in footage.shown.items()
    }
    long = Album("a", np.array(list(shown)), SIZE, shown)
    assert usual_look(long, detector_of(BOARD), long.numbers).mirrored


def test_where_no_board_is_seen_the_look_is_the_usual_one():
    footage = album([EMPTY] * 3)
    assert usual_look(footage, detector_of(BOARD), footage.numbers) == Look()
    found = find_board(footage, detector_of(BOARD), footage.numbers)
    assert found.found == 0 and np.isnan(found.pixels).all() and len(found.proportions) == 0


def test_a_checkerboard_has_one_look_only():
    board = Checkerboard(4, 3, "mm", 30.0)

    class Blind(type(detector_of(board))):
        def detect(self, picture, look):
            raise AssertionError("nothing to try out")

    assert usual_look(album([EMPTY]), Blind(board), np.array([0])) == Look()


# --- what is found ------------------------------------------------------------------------------


def test_points_lie_where_they_were_projected(plain, rig, poses):
    exact = board_shots(rig, BOARD, poses, np.random.default_rng(0), 0.0).pixels[0]
    found = find_board(plain, detector_of(BOARD), np.arange(100))
    assert found.camera == "a" and found.size == SIZE and found.look == Look()
    np.testing.assert_array_equal(found.numbers, 3 * np.arange(SHOTS))
    assert found.pixels.shape == (SHOTS, 12, 2) and found.found >= SHOTS - 1
    gap = np.linalg.norm(found.pixels - exact, axis=-1)
    assert (~np.isnan(gap)).mean() > 0.5  # corners without both their markers are not found
    assert np.nanmedian(gap) < 0.1 and np.nanmax(gap) < 0.8
    assert found.edge_px.shape == (SHOTS,) and (found.edge_px < 5).all()
    assert np.median(found.proportions) == pytest.approx(22 / 30, abs=0.05)


def test_mirrored_pictures_are_measured_as_they_are(plain):
    seen = find_board(plain, detector_of(BOARD), plain.numbers)
    flipped = find_board(seen_as(plain, np.fliplr), detector_of(BOARD), plain.numbers)
    back = SIZE[0] - 1 - flipped.pixels[..., 0]
    np.testing.assert_allclose(back, seen.pixels[..., 0], atol=1e-6)


def test_only_the_instants_asked_for_are_looked_at(plain):
    found = find_board(plain, detector_of(BOARD), np.array([0, 1, 2, 6, 15, 99]))
    np.testing.assert_array_equal(found.numbers, [0, 6, 15])
    whole = find_board(plain, detector_of(BOARD), plain.numbers)
    np.testing.assert_array_equal(found.pixels, whole.pixels[[0, 2, 5]])


# --- all cameras together -----------------------------------------------------------------------


def finds(camera, size, *numbers):
    pixels = np.stack([np.full((12, 2), 10.0 * number) for number in numbers])
    none = np.full(len(numbers), np.nan)
    return CameraFinds(camera, size, Look(), np.array(numbers), pixels, none, np.empty(0))


def test_what_cameras_saw_is_matched_by_instant():
    every = {"r": finds("r", SIZE, 1, 5), "l": finds("l", (640, 480), 4, 5, 9)}
    shots = together(BOARD, every)
    assert shots.cameras == ("r", "l") and shots.sizes == (SIZE, (640, 480))
    np.testing.assert_array_equal(shots.numbers, [1, 4, 5, 9])
    np.testing.assert_array_equal(shots.counts, [[12, 0, 12, 0], [0, 12, 12, 12]])
    np.testing.assert_array_equal(shots.pixels[1, :, 0, 0], [np.nan, 40, 50, 90])


def test_found_counts_pictures_with_anything_in_them():
    some = finds("a", SIZE, 1, 2, 3)
    some.pixels[0], some.pixels[1, 1:] = np.nan, np.nan
    assert some.found == 2


# --- sharpness ----------------------------------------------------------------------------------


def edge(sigma, contrast=180):
    """A bright square on dark paper under a blur, with the noise of a sensor."""
    picture = np.full((240, 320), 40.0)
    picture[60:180, 80:240] += contrast
    if sigma:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.clip(picture + np.random.default_rng(0).normal(0, 2, picture.shape), 0, 255).astype(
        np.uint8
    )


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0, 4.0, 8.0])
def test_an_edge_is_as_wide_as_its_blur(sigma):
    """Contrast over slope of a Gaussian edge is sqrt(2 pi) sigma; measuring blurs by one more."""
    assert edge_width(edge(sigma)) == pytest.approx(2.507 * np.hypot(sigma, 1.1), rel=0.25)


@pytest.mark.parametrize("sigma", [0.5, 3.0])
def test_sharpness_does_not_depend_on_the_light(sigma):
    assert edge_width(edge(sigma, 60)) == pytest.approx(edge_width(edge(sigma, 200)), rel=0.3)


def test_a_picture_without_edges_has_a_width_all_the_same():
    assert np.isfinite(edge_width(EMPTY)) and edge_width(EMPTY) >= 0


def test_a_board_out_of_focus_has_wider_edges(plain):
    soft = seen_as(plain, lambda p: cv2.GaussianBlur(p, (0, 0), 5))
    detector = detector_of(replace(BOARD, legacy=False))
    sharp, blurred = (find_board(f, detector, plain.numbers).edge_px for f in (plain, soft))
    assert (blurred > 2 * sharp).all()
