import re

import pytest

from mvboot import InputError, load_rig
from mvboot.formats.rig_yaml import CameraModel, RigModel

VALUES = {
    "units": "mm",
    "size": "[1280, 960]",
    "fx": "900",
    "fy": "905.5",
    "cx": "640",
    "cy": "480",
    "distortion": "[]",
    "rotation": "[0.1, -0.3, 0.05]",
    "translation": "[20, -10, 1500]",
}


@pytest.mark.slow
def test_every_value_is_asked_for_and_then_it_loads(mvboot, tmp_path):
    path = tmp_path / "rig.yaml"
    assert mvboot("rig", "template", "--cameras", "2", "--out", path).code == 0
    asked = []
    while "FILL_IN\n" in path.read_text() or ": FILL_IN " in path.read_text():
        result = mvboot("rig", "show", path)
        assert result.code == 2 and result.err.count("\n") == 1
        line, key = re.search(
            r"rig\.yaml:(\d+): (\S+) is still to be filled in", result.err
        ).groups()
        lines = path.read_text().splitlines(keepends=True)
        row = lines[int(line) - 1]
        assert row.strip().startswith(key.rpartition(".")[2])
        lines[int(line) - 1] = row.replace("FILL_IN", VALUES[key.rpartition(".")[2]])
        path.write_text("".join(lines))
        asked.append(key)
    inside = [name for name in VALUES if name != "units"]
    assert asked == ["units", *(f"cameras.cam_{i}.{name}" for i in (1, 2) for name in inside)]
    rig = load_rig(path)
    assert rig.names == ("cam_1", "cam_2") and rig.units == "mm"
    camera = rig["cam_2"]
    assert camera.size == (1280, 960) and camera.K[1].tolist() == [0, 905.5, 480]
    assert camera.cam_from_world.t.tolist() == [20, -10, 1500]


def test_every_key_is_explained(mvboot, tmp_path):
    path = tmp_path / "rig.yaml"
    assert mvboot("rig", "template", "--units", "um", "--out", path).code == 0
    text = path.read_text()
    for key in {*CameraModel.model_fields, *RigModel.model_fields}:
        assert re.search(rf"^ *(# )?{key.rstrip('_')}:", text, re.M), key
    assert "units: um" in text and text.count("fx:") == 3
    with pytest.raises(InputError, match=r"cameras\.cam_1\.size is still to be filled in"):
        load_rig(path)


def test_what_is_there_stays(mvboot, tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text("precious")
    assert mvboot("rig", "template", "--out", path).code == 2
    assert path.read_text() == "precious"
    assert mvboot("rig", "template", "--out", path, "--overwrite").code == 0
    assert "FILL_IN" in path.read_text()


@pytest.mark.parametrize("wrong", [["--units", "inch"], ["--cameras", "0"]])
def test_bad_options(mvboot, tmp_path, wrong):
    assert mvboot("rig", "template", *wrong, "--out", tmp_path / "rig.yaml").code == 2
    assert mvboot("rig", "template", "--out", tmp_path / "rig.txt").code == 2
    assert list(tmp_path.iterdir()) == []
