"""COLMAP's files are read as COLMAP writes them; damaged ones are refused, and at once."""

import struct
from random import Random

import numpy as np
import pycolmap
import pytest

from mvboot import InputError, Rig, load_rig, save_rig
from mvboot.formats.colmap_files import read_model
from mvboot.formats.rigs import pixel_gaps
from mvboot.synthetic.scene import ring_rig


@pytest.fixture
def rig():
    return ring_rig(4, 2.5, 1.0, np.random.default_rng(0), distortion=False)


@pytest.fixture
def binary(rig, tmp_path):
    """The same model as text and as COLMAP's own binary files, with points in its images."""
    save_rig(rig, tmp_path / "text", "colmap")
    model = pycolmap.Reconstruction(str(tmp_path / "text"))
    for image in model.images.values():
        image.points2D = [pycolmap.Point2D(np.array([float(n), 2.0])) for n in range(3)]
    (tmp_path / "binary").mkdir()
    model.write_binary(str(tmp_path / "binary"))
    return tmp_path / "binary"


def test_both_kinds_are_read_alike(rig, binary):
    text = load_rig(binary.parent / "text", units="m")
    found = load_rig(binary, units="m")
    assert found.names == text.names == rig.names
    for other in (text, found):
        assert max(pixel_gaps(rig, Rig(other.cameras, rig.units)).values()) < 1e-9


def test_points_are_not_needed(binary):
    (binary / "points3D.bin").write_bytes(b"")
    assert len(load_rig(binary, units="m")) == 4
    (binary / "points3D.bin").unlink()
    assert len(load_rig(binary, units="m")) == 4


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "rigs.bin"])
def test_every_cut_file_is_refused(binary, name):
    whole = (binary / name).read_bytes()
    for length in range(0, len(whole) - 1, 7):
        (binary / name).write_bytes(whole[:length])
        with pytest.raises(InputError, match=rf"{name}: is cut off"):
            read_model(binary)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "rigs.bin", "frames.bin"])
def test_a_count_that_cannot_be_is_refused_at_once(binary, name):
    whole = (binary / name).read_bytes()
    (binary / name).write_bytes(struct.pack("<Q", 2**62) + whole[8:])
    with pytest.raises(InputError, match=rf"{name}: is cut off or damaged: it announces"):
        read_model(binary)


@pytest.mark.slow
def test_damage_anywhere_is_read_or_refused(binary):
    random = Random(0)
    for name in ("cameras.bin", "images.bin", "rigs.bin", "frames.bin"):
        whole = (binary / name).read_bytes()
        for _ in range(100):
            damaged = bytearray(whole)
            for _ in range(random.choice((1, 4))):
                damaged[random.randrange(len(damaged))] = random.randrange(256)
            (binary / name).write_bytes(damaged)
            try:
                load_rig(binary, units="m")
            except InputError as error:
                assert str(error).startswith(str(binary))
        (binary / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["left/000.jpg", "right/000.jpg"], ("left", "right")),
        (["a/left/1.jpg", "a/right/1.jpg"], ("a_left", "a_right")),
        (["left/000.jpg", "left/001.jpg"], ("left_000.jpg", "left_001.jpg")),
        (["left.jpg", "right.jpg"], ("left.jpg", "right.jpg")),
    ],
)
def test_names_of_images_in_folders_become_names_of_cameras(tmp_path, rig, images, names):
    save_rig(rig.subset(rig.names[:2]), tmp_path / "m", "colmap")
    path = tmp_path / "m" / "images.txt"
    text = path.read_text()
    for old, new in zip(rig.names, images, strict=False):
        text = text.replace(old, new)
    path.write_text(text)
    assert load_rig(tmp_path / "m", units="m").names == names


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("cameras.txt", "PINHOLE 1280", "PINHOLE x", "cameras.txt:"),
        ("cameras.txt", " 960 1100 ", " 960 ", "has 4 parameters, got 3"),
        ("cameras.txt", "1 PINHOLE", "9 PINHOLE", "names camera 1, of which there is none"),
        ("images.txt", "1 0.", "1 7.", "no unit quaternion"),
        ("cameras.txt", "PINHOLE", "EUCM", "camera model EUCM is not supported"),
    ],
)
def test_wrong_text_is_one_line(tmp_path, rig, name, old, new, said):
    save_rig(rig, tmp_path / "m", "colmap")
    path = tmp_path / "m" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        load_rig(tmp_path / "m", units="m")
