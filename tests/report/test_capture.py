import cv2
import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.report.capture import draw_capture, field_colours
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    settings = SynthSettings(cameras=5, frames=1, size=48, samples=1)
    return synthesise(settings, tmp_path_factory.mktemp("c") / "out")


@pytest.mark.slow
def test_a_sheet_shows_every_camera_and_its_field(capture, tmp_path):
    draw_capture(capture, tmp_path / "sheet.png", 0)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (4 * 48, 3 * 48, 3), "five cameras in rows of three, each two pictures"
    draw_capture(capture, tmp_path / "one.png", 0, ["cam_03"])
    assert cv2.imread(str(tmp_path / "one.png")).shape == (96, 48, 3)


def test_colours_are_places(capture):
    field = capture.field("cam_01", 0)
    colours = field_colours(field, capture.template)
    known = field.part > 0
    assert (colours[~known] == 128).all()
    rows, columns = np.nonzero(
        known[:, :-1] & known[:, 1:] & (field.part[:, :-1] == field.part[:, 1:])
    )
    steps = colours[rows, columns].astype(int) - colours[rows, columns + 1]
    assert np.median(np.abs(steps)) < 16


def test_a_frame_that_nobody_filmed(capture, tmp_path):
    with pytest.raises(InputError, match="no camera filmed frame 7"):
        draw_capture(capture, tmp_path / "none.png", 7)
    assert not (tmp_path / "none.png").exists()
