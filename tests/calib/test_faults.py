"""Each fault is recognised and named with its camera; sound recordings have none."""

from dataclasses import dataclass, replace

import cv2
import layouts
import numpy as np
import pytest
import spoiled
from spoiled import sound, waved

from mvboot.calib.boards import AprilGrid, Charuco, Checkerboard
from mvboot.calib.detect import Look
from mvboot.calib.extrinsics import find_links
from mvboot.calib.faults import (
    contradictions,
    frozen,
    no_overlap,
    not_found,
    other_dictionary,
    undispelled,
    wrong_proportions,
)
from mvboot.calib.find import CameraFinds
from mvboot.calib.finding import Finding
from mvboot.calib.intrinsics import board_observations, calibrate_camera
from mvboot.calib.rounds import Adjusted
from mvboot.calib.views import Views
from mvboot.formats.footage import Footage
from mvboot.geometry import image_size
from mvboot.synthetic.boards import BoardRenderer, board_poses, board_shots

BOARD = Charuco(6, 8, "mm", 30.0, 22.0, "DICT_5X5_250")


def known(shots, rig):
    """Each camera at its true intrinsics, posed from its own views."""
    return {name: calibrate_camera(shots.of([name]), (), rig[name]) for name in shots.cameras}


def found_in(shots, rig=None):
    return contradictions(shots, known(shots, rig or spoiled.rig()))


# --- sound rigs have no faults ------------------------------------------------------------------


def board_for(rig):
    """A board that fills about half of the narrowest picture."""
    views = Views(rig)
    narrowest = min(min(image_size(c)) / float(c.K[0, 0]) for c in rig.cameras.values())
    square = float(f"{60 * views.working_distance_m * narrowest:.3g}")
    return Charuco(6, 8, "mm", square, 0.7 * square, "DICT_5X5_250")


SEEN_TOGETHER = (
    *("ring of 3", "ring of fisheyes", "ring in the first camera", "far world"),
    *("stereo pair", "wide pair", "one side", "ceiling", "pairs in a ring"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN_TOGETHER)
def test_a_sound_rig_has_no_fault(name):
    rig = layouts.SOUND[name]()
    board = board_for(rig)
    motion = board_poses(rig, board, max(16, 4 * len(rig)), np.random.default_rng(0))
    shots = board_shots(rig, board, motion, np.random.default_rng(1), 0.2)
    cameras = known(shots, rig)
    assert contradictions(shots, cameras) == []
    assert frozen(shots) == []
    assert no_overlap(shots, find_links(shots, cameras)) == []


@pytest.mark.slow
@pytest.mark.parametrize("shots", [sound, waved])
def test_noise_is_no_fault(shots):
    noisy = shots()
    pixels = noisy.pixels + np.random.default_rng(0).normal(0, 0.8, noisy.pixels.shape)
    noisy = replace(noisy, pixels=pixels)
    assert found_in(noisy) == [] and frozen(noisy) == []


# --- cameras that contradict each other ---------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "c"])
def test_mirrored_pictures(name):
    (found,) = found_in(spoiled.mirrored(sound(), name))
    assert (found.code, found.cameras) == ("mirrored-pictures", (name,))
    assert f"pictures of camera {name} are mirrored" in found.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frames", "words"),
    [(1, "1 frame too late"), (3, "3 frames too late"), (-2, "2 frames too early")],
)
def test_a_camera_that_is_not_synchronous(frames, words):
    (found,) = found_in(spoiled.late(waved(), "c", frames))
    assert (found.code, found.cameras) == ("unsynchronised", ("c",))
    assert f"camera c is not synchronous: its pictures come {words}" in found.message
    assert f"--offset c={frames} " in found.message


@pytest.mark.slow
def test_frames_are_counted_as_the_recording_numbers_them():
    """Of a long video every third frame is looked at."""
    shots = spoiled.late(waved(), "b", 2)
    (found,) = found_in(replace(shots, numbers=3 * shots.numbers))
    assert "6 frames too late" in found.message and "--offset b=6 " in found.message


@pytest.mark.slow
def test_of_two_cameras_one_is_named():
    """Which of the two is late nobody can tell; what to shift is told all the same.

    No third camera says how much disagreement is usual.
    """
    for frames in (1, 2):
        (found,) = found_in(spoiled.late(waved(), "b", frames).of(["a", "b"]))
        assert found.code == "unsynchronised"
        assert f"{frames} frame" in found.message
        assert ("camera a" in found.message) == ("too early" in found.message)


@pytest.mark.slow
@pytest.mark.parametrize("first", [6, 18])
def test_pictures_exchanged_from_an_instant_on(first):
    """Their lenses differ by 4 %, so that pictures of the other fit none."""
    shots = spoiled.swapped(sound(), "b", "d", first)
    guessed = {name: calibrate_camera(shots.of([name]), ("brown2",)) for name in shots.cameras}
    (found,) = contradictions(shots, guessed)
    assert (found.code, found.cameras) == ("exchanged", ("b", "d"))
    assert "pictures of cameras b and d are exchanged" in found.message
    span = found.message.split("instants, ")[1].split(",")[0]
    assert span in (f"{first} to 23", f"0 to {first - 1}"), "either part may be the wrong one"


@pytest.mark.slow
def test_a_camera_that_was_knocked_is_named_without_an_explanation():
    (found,) = found_in(spoiled.bumped(sound(), "c", 14).of(["a", "c", "d"]))
    assert (found.code, found.cameras) == ("misfit", ("c",))
    share = int(found.message.split("in ")[1].split(" %")[0])
    assert 30 <= share <= 60
    assert "it was moved or zoomed" in found.message


def test_a_slight_knock_late_in_the_recording_is_left_to_the_adjustment():
    """It leaves out what does not fit; refusing would cost the whole recording."""
    assert found_in(spoiled.bumped(sound(), "c", 21)) == []


def test_one_camera_cannot_contradict_anybody():
    assert found_in(spoiled.mirrored(sound(), "a").of(["a"])) == []


def adjusted_to(shots, off_px):
    """Residuals as an adjustment leaves them: small, with some views off by a distance in px."""
    residuals = np.full((*shots.seen.shape, 2), 0.2)
    residuals += off_px[..., None, None]
    residuals = residuals[shots.seen]
    return Adjusted(None, np.ones(len(residuals), bool), residuals, ())


@pytest.mark.parametrize(
    ("off_px", "views", "kept"),
    [(0.0, 24, 0), (1.0, 24, 0), (9.0, 4, 0), (9.0, 10, 1), (np.nan, 10, 1)],
)
def test_doubts_are_kept_where_the_rig_does_not_fit(off_px, views, kept):
    doubt = Finding("misfit", ("a",), "somebody is wrong")
    off = np.zeros((4, 24))
    off[2, :views] = off_px
    assert undispelled([doubt], sound(), adjusted_to(sound(), off)) == [doubt] * kept
    assert undispelled([], sound(), adjusted_to(sound(), off)) == []
    assert len(board_observations(sound()).camera) == sound().seen.sum()


# --- a camera that hangs ------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "end"), [(0, None), (12, None), (3, 10)])
def test_a_camera_that_delivers_one_picture(first, end):
    (found,) = frozen(spoiled.hung(sound(), "b", first, end))
    assert (found.code, found.cameras) == ("frozen", ("b",))
    last = (24 if end is None else end) - 1
    assert f"in the pictures {first} to {last} of camera b" in found.message


def test_a_slight_jitter_of_a_still_picture_is_still():
    shots = spoiled.hung(sound(), "b", 5)
    shots.pixels[1, 5:] += np.random.default_rng(0).normal(0, 0.02, shots.pixels[1, 5:].shape)
    assert [found.cameras for found in frozen(shots)] == [("b",)]


def test_a_board_at_rest_is_no_camera_that_hangs():
    shots = sound()
    for name in "abcd":
        shots = spoiled.hung(shots, name, 8)
    assert frozen(shots) == []
    assert frozen(spoiled.hung(sound(), "a", 20)) == [], "three instants are too few to tell"
    assert frozen(sound().of(["a"])) == []


def test_two_cameras_that_hang_are_both_named():
    shots = spoiled.hung(spoiled.hung(sound(), "a", 4, 14), "d", 10)
    assert [found.cameras for found in frozen(shots)] == [("a",), ("d",)]


# --- cameras without a link ---------------------------------------------------------------------


def test_what_is_missing_between_three_groups_is_named():
    apart = {"a": slice(0, 8), "b": slice(0, 8), "c": slice(8, 16), "d": slice(16, 24)}
    shots = spoiled.seen_only(sound(), apart)
    links = find_links(shots, known(shots, spoiled.rig()))
    (found,) = no_overlap(shots, links)
    assert (found.code, found.cameras) == ("no-overlap", ("c", "d"))
    assert "groups of cameras: a, b | c | d;" in found.message
    most = "ab"[int(shots.counts[1].sum() > shots.counts[0].sum())]
    assert f"where {most} and c, and where {most} and d see it at the same" in found.message


def test_linked_through_another_camera_is_linked():
    chain = {"a": slice(0, 9), "b": slice(0, 15), "c": slice(14, 24), "d": slice(18, 24)}
    shots = spoiled.seen_only(sound(), chain)
    assert no_overlap(shots, find_links(shots, known(shots, spoiled.rig()))) == []


# --- boards that are not found ------------------------------------------------------------------


def finds(found=20, edge_px=3.0, proportions=(), pictures=20, board=BOARD):
    pixels = np.full((pictures, len(board.points), 2), np.nan)
    pixels[:found] = 100.0
    edges, parts = np.full(pictures, edge_px), np.array(proportions)
    return CameraFinds("x", (640, 480), Look(), np.arange(pictures), pixels, edges, parts)


def test_a_board_that_is_found_often_enough():
    assert not_found({"a": finds(3), "b": finds(20, edge_px=30.0)}, 3) == []


def test_a_camera_out_of_focus():
    (found,) = not_found({"a": finds(), "b": finds(2, edge_px=21.0), "c": finds()}, 3)
    assert (found.code, found.cameras) == ("blurred", ("b",))
    assert "found in 2 of 20 pictures of camera b" in found.message
    assert "out of focus" in found.message
    assert "21 px wide, in the other cameras 3 px" in found.message


def test_all_cameras_out_of_focus():
    every = not_found({"a": finds(0, edge_px=15.0), "b": finds(0, edge_px=16.0)}, 3)
    assert [found.code for found in every] == ["blurred", "blurred"]


@pytest.mark.parametrize("edge_px", [3.0, 5.9])
def test_a_sharp_camera_that_does_not_see_the_board(edge_px):
    (found,) = not_found({"a": finds(0, edge_px=edge_px), "b": finds(edge_px=2.0)}, 3)
    assert found.code == "board-not-found"
    assert "found in 0 of 20 pictures of camera a, at least 3 are needed" in found.message
    assert "check that it is the board that was named" in found.message


def test_a_camera_without_a_picture_at_these_instants():
    (found,) = not_found({"a": finds(0, pictures=0), "b": finds()}, 3)
    assert found.code == "board-not-found" and "0 of 0 pictures" in found.message


def test_one_camera_alone_that_is_soft():
    (found,) = not_found({"a": finds(0, edge_px=14.0)}, 3)
    assert found.code == "blurred"


# --- boards that are not what was named ---------------------------------------------------------


def test_markers_of_another_size_than_stated():
    board = replace(BOARD, square=40.0)
    parts = [22 / 30 + x for x in (-0.01, 0.0, 0.02)]
    (found,) = wrong_proportions(board, {"a": finds(proportions=parts), "b": finds()})
    assert (found.code, found.cameras) == ("wrong-proportions", ("a", "b"))
    assert "a marker is 0.733 of a square, but charuco:6x8:40mm:22mm" in found.message
    assert "says 0.550" in found.message


@pytest.mark.parametrize("off", [0.87, 1.0, 1.1])
def test_markers_of_about_the_stated_size(off):
    parts = np.full(9, off * 22 / 30)
    assert wrong_proportions(BOARD, {"a": finds(proportions=parts)}) == []


def test_boards_without_such_proportions():
    assert wrong_proportions(BOARD, {"a": finds()}) == []
    board = Checkerboard(7, 6, "mm", 20.0)
    assert wrong_proportions(board, {"a": finds(proportions=[0.1], board=board)}) == []


def test_a_gap_that_was_stated_as_a_ratio():
    stated = AprilGrid(6, 5, "mm", 40.0, 0.3)
    (found,) = wrong_proportions(stated, {"a": finds(proportions=[0.29, 0.3, 0.31])})
    assert found.code == "wrong-proportions"
    assert "gaps are 30 % of a tag, but aprilgrid:6x5:40mm:0.3mm says 0.75 %" in found.message
    assert "Kalibr states the ratio" in found.message
    assert "state --board aprilgrid:6x5:40mm:12mm;" in found.message
    other = AprilGrid(6, 5, "m", 0.04, 0.024)
    (found,) = wrong_proportions(other, {"a": finds(proportions=[0.3])})
    assert "aprilgrid:6x5:0.04m:0.012m" in found.message and "Kalibr" not in found.message
    right = replace(stated, gap=12.0)
    assert wrong_proportions(right, {"a": finds(proportions=[0.28, 0.3])}) == []


@dataclass(frozen=True)
class Album(Footage):
    """Pictures in memory."""

    camera: str
    numbers: np.ndarray
    size: tuple
    shown: tuple

    def pictures(self, numbers=None):
        for number in self.numbers if numbers is None else sorted(set(map(int, numbers))):
            yield number, self.shown[number]

    def _of(self, numbers, places):
        raise NotImplementedError  # nobody is late here

    @property
    def files(self):
        return ()


@pytest.fixture(scope="module")
def albums():
    """Two pictures of a board by one camera."""
    rig = spoiled.rig().subset(["a"])
    poses = board_poses(rig, BOARD, 2, np.random.default_rng(0), tilt_deg=20.0)
    renderer, rng = BoardRenderer(rig["a"], BOARD, "mm"), np.random.default_rng(0)
    shown = tuple(renderer.picture(poses[s], rng) for s in range(2))
    return {"a": Album("a", np.arange(2), (640, 480), shown)}


@pytest.mark.slow
@pytest.mark.parametrize("named", ["DICT_6X6_250", "DICT_APRILTAG_36h11"])
def test_markers_of_another_dictionary(albums, named):
    (found,) = other_dictionary(replace(BOARD, dictionary=named), albums)
    assert (found.code, found.cameras) == ("wrong-dictionary", ("a",))
    assert f"show markers of DICT_5X5_..., not of {named}" in found.message


@pytest.mark.slow
def test_the_right_dictionary_is_not_denied(albums):
    assert other_dictionary(BOARD, albums) == []
    assert other_dictionary(replace(BOARD, dictionary="DICT_5X5_1000"), albums) == []


@pytest.mark.slow
def test_pictures_without_markers_say_nothing(albums):
    blind = {
        n: replace(album, shown=tuple(cv2.GaussianBlur(p, (0, 0), 12) for p in album.shown))
        for n, album in albums.items()
    }
    assert other_dictionary(replace(BOARD, dictionary="DICT_6X6_250"), blind) == []
