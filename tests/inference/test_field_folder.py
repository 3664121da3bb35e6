import shutil

import pytest

from mvboot.errors import InputError
from mvboot.fields import write_field
from mvboot.inference.field_folder import FieldFolder


@pytest.fixture
def folder(capture, tmp_path):
    shutil.copytree(capture.folder / "fields", tmp_path / "fields")
    return tmp_path


def test_fields_are_found_in_the_folder_and_in_its_fields(capture, folder):
    for given in (folder, folder / "fields", capture.folder):
        found = FieldFolder.open(given, capture)
        found.require(capture.cameras)
        assert found.has("cam_01", 0)
        assert not found.has("cam_01", 1)
        field = found.read("cam_01", 0, capture.topology)
        assert (field.camera, field.frame) == ("cam_01", 0)


def test_folders_without_fields(capture, folder):
    with pytest.raises(InputError, match="no such folder"):
        FieldFolder.open(folder / "nowhere", capture)
    (folder / "empty").mkdir()
    (folder / "empty" / "a.txt").write_text("a")
    with pytest.raises(InputError, match="holds no fields"):
        FieldFolder.open(folder / "empty", capture)


def test_cameras_that_are_spelt_otherwise(capture, folder):
    shutil.move(folder / "fields" / "cam_02", folder / "fields" / "Cam 02")
    assert FieldFolder.open(folder, capture).has("cam_02", 0)


def test_cameras_and_frames_that_do_not_match(capture, folder):
    shutil.move(folder / "fields" / "cam_02", folder / "fields" / "left")
    with pytest.raises(InputError, match="camera left, but the capture's cameras are cam_01"):
        FieldFolder.open(folder, capture)
    shutil.rmtree(folder / "fields" / "left")
    found = FieldFolder.open(folder, capture)
    with pytest.raises(InputError, match="no fields of camera cam_02, only of cam_01, cam_03"):
        found.require(capture.cameras)
    own = folder / "fields" / "cam_01"
    shutil.copy(own / "000000.npz", own / "000005.npz")
    with pytest.raises(InputError, match="frame 5, which camera cam_01 of the capture did not"):
        FieldFolder.open(folder, capture)


def test_files_that_are_not_what_they_say(capture, folder, sheet):
    own = folder / "fields" / "cam_01" / "000000.npz"
    shutil.copy(folder / "fields" / "cam_02" / "000000.npz", own)
    found = FieldFolder.open(folder, capture)
    with pytest.raises(InputError, match=r"000000.npz: is the field of camera cam_02"):
        found.read("cam_01", 0, capture.topology)
    write_field(sheet.embedding(camera="cam_01"), own)
    with pytest.raises(InputError, match=r"000000.npz: .* was made with the template"):
        found.read("cam_01", 0, capture.topology)
    own.write_bytes(own.read_bytes()[:100])
    with pytest.raises(InputError, match=r"000000.npz: cannot be read"):
        found.read("cam_01", 0, capture.topology)
