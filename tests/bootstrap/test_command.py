import csv
import sys

import numpy as np
import pytest

from mvboot.bootstrap.command import CommandDetector, write_pictures
from mvboot.datasets import View
from mvboot.datasets.labels import of_views
from mvboot.errors import InputError

ECHO = """
import pathlib, shutil, sys
labels, pictures, out, model, seed = sys.argv[1:]
assert pathlib.Path(pictures).read_text().startswith("camera,frame,path,index")
pathlib.Path(model, "net").write_text(seed)
shutil.copy(labels, pathlib.Path(out, "found.csv"))
"""


@pytest.fixture
def detector(walked, tmp_path):
    """Return how to make a detector of a Python script."""
    views = [View(camera, frame) for camera in walked.capture.cameras for frame in (1, 2, 5)]

    def of(code, fields="{labels} {pictures} {out} {model} {seed}"):
        script = tmp_path / "my script.py"
        script.write_text(code)
        return CommandDetector(f"'{sys.executable}' '{script}' {fields}", walked.capture, views, 7)

    return of


@pytest.fixture
def labels(walked):
    return of_views(walked.truth, walked.capture.cameras, [2, 5])


def test_a_command_is_given_labels_and_pictures_and_its_files_are_read(
    detector, labels, walked, tmp_path
):
    folder = tmp_path / "with space"
    folder.mkdir()
    one = detector(ECHO)
    one.train(labels, folder)
    found = one.detect(folder, [])
    assert found.frames.tolist() == [2, 5] and set(found.cameras) == set(labels.cameras)
    same = found.for_cameras(labels.cameras).xy
    assert np.allclose(same, labels.at_rows(np.array([2, 5])).xy, equal_nan=True)
    assert (folder / "own" / "net").read_text() == "7"
    rows = list(csv.DictReader((folder / "pictures.csv").open()))
    assert len(rows) == 3 * len(walked.capture.cameras)
    assert rows[0]["path"].endswith("cam_01/000001.png") and rows[0]["index"] == ""


def test_cameras_may_be_spelt_otherwise(detector, labels, tmp_path):
    code = (
        ECHO + "p = pathlib.Path(out, 'found.csv')\n"
        "p.write_text(p.read_text().replace('cam_', 'Cam '))"
    )
    one = detector(code)
    one.train(labels, tmp_path)
    assert set(one.detect(tmp_path, []).cameras) == set(labels.cameras)


def test_pictures_of_a_video_are_named_by_their_place_in_it(tmp_path):
    class Video:
        def source(self, frame):
            return tmp_path / "cam.mp4", frame - 10

    capture = type("C", (), {"pictures": {"cam": Video()}})
    write_pictures(capture, [View("cam", 12)], tmp_path / "pictures.csv")
    assert (tmp_path / "pictures.csv").read_text().splitlines()[
        1
    ] == f"cam,12,{tmp_path / 'cam.mp4'},2"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; print('no GPU'); sys.exit(3)", "exit code 3; it last said: no GPU"),
        ("raise ValueError('bad shape')", "exit code 1; it last said: ValueError: bad shape"),
        ("", "wrote nothing into {out}"),
        (
            ECHO + "import pandas as pd\np = out + '/found.csv'\nt = pd.read_csv(p)\n"
            "t.x = None\nt.to_csv(p, index=False)",
            "found nothing in any picture",
        ),
        ("import sys; open(sys.argv[3] + '/a.csv', 'w').write('1,2')", r"a.csv\) is no keypoints"),
        (
            ECHO + "p = pathlib.Path(out, 'found.csv')\n"
            "p.write_text(p.read_text().replace('nose', 'beak'))",
            "nothing of keypoint nose; it wrote .*beak",
        ),
        (
            ECHO + "p = pathlib.Path(out, 'found.csv')\n"
            "p.write_text('\\n'.join(r for r in p.read_text().split('\\n') if 'cam_03' not in r))",
            "nothing of camera cam_03",
        ),
        (
            ECHO + "import pandas as pd\np = out + '/found.csv'\nt = pd.read_csv(p)\n"
            "t.frame += 100\nt.to_csv(p, index=False)",
            "wrote frames 102 to 105, but was asked for 1 to 5",
        ),
        (
            ECHO + "p = pathlib.Path(out, 'found.csv')\nrows = p.read_text().split('\\n')\n"
            "rows.insert(1, '999' + rows[1][rows[1].index(','):])\n"
            "p.write_text('\\n'.join(rows))",
            "wrote frame 999, which the capture does not have",
        ),
        (
            ECHO + "import pandas as pd\np = out + '/found.csv'\nt = pd.read_csv(p)\n"
            "o = t.copy()\no.individual = 'other'\npd.concat([t, o]).to_csv(p, index=False)",
            "found 2 individuals",
        ),
    ],
)
def test_what_goes_wrong_is_one_line(detector, labels, tmp_path, code, words):
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(InputError, match=words) as raised:
        detector(code).train(labels, folder)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "names no program"),
        ("run {labels} {out} {pic}", r"there is no \{pic\}; there are \{labels\}"),
        ("run {labels}", r"needs \{out\}"),
        ("run 'open {labels} {out}", "No closing quotation"),
    ],
)
def test_commands_that_cannot_be(walked, command, words):
    with pytest.raises(InputError, match=words):
        CommandDetector(command, walked.capture, [])


def test_a_program_that_is_not_there(walked, labels, tmp_path):
    one = CommandDetector("no-such-program {labels} {out}", walked.capture, [View("cam_01", 2)])
    with pytest.raises(InputError, match="no-such-program cannot be run"):
        one.train(labels, tmp_path)
