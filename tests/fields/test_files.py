"""Dense fields in files: NPZ round trip, IUV pictures, real ones."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField, read_field, read_iuv, write_field, write_iuv

MESH = "0123456789abcdef"
GRID = Crop.around((40.0, 30.0), 1.5, (24, 16), 0.3)


def charts():
    rng = np.random.default_rng(0)
    part = rng.integers(0, 4, (16, 24))
    return DenseField.of_charts(
        part, rng.uniform(size=(16, 24, 2)), MESH, "höhe", 7, rng.uniform(size=(16, 24)), grid=GRID
    )


def embedding():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(16, 24, 5))
    values[rng.uniform(size=(16, 24)) < 0.5] = np.nan
    return DenseField.of_embedding(
        values, MESH, "left", 7, confidence=rng.uniform(size=(16, 24)), grid=GRID
    )


@pytest.mark.parametrize("make", [charts, embedding])
def test_round_trip(make, tmp_path):
    field, path = make(), tmp_path / "left" / "000007.npz"
    write_field(field, path)
    back = read_field(path)
    for name in ("part", "coordinates", "foreground", "confidence"):
        np.testing.assert_array_equal(getattr(back, name), getattr(field, name))
    assert (back.topology, back.camera, back.frame) == (MESH, field.camera, 7)
    assert back.kind == field.kind and back.grid.same_as(GRID)
    first = path.read_bytes()
    write_field(back, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("kept", [0, 10, -1, -30, 200])
def test_damaged_files_are_named(kept, tmp_path):
    path = tmp_path / "f.npz"
    write_field(charts(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"f\.npz: cannot be read as a field"):
        read_field(path)


def test_files_that_are_no_field_are_refused(tmp_path):
    path = tmp_path / "f.npz"
    with pytest.raises(InputError, match="no such field"):
        read_field(path)
    np.savez(path, schema=1, kind="charts")
    with pytest.raises(InputError, match="is no readable field"):
        read_field(path)
    np.savez(path, schema=9)
    with pytest.raises(InputError, match="has schema 9, this version reads 1"):
        read_field(path)
    np.savez(path, schema=np.array([object()]))
    with pytest.raises(InputError, match="cannot be read"):
        read_field(path)


@pytest.mark.parametrize(
    "change",
    [
        {"coordinates": np.zeros(3)},
        {"known": np.array("text")},
        {"schema": np.ones(2)},
        {"frame": np.zeros(2)},
        {"original_from_grid": np.zeros(3)},
        {"foreground": np.array("text")},
    ],
)
def test_entries_of_another_shape_or_type_name_the_file(change, tmp_path):
    path = tmp_path / "f.npz"
    write_field(charts(), path)
    np.savez(path, **{**np.load(path), **change})
    with pytest.raises(InputError, match=r"f\.npz: "):
        read_field(path)


def test_pictures_are_no_fields(tmp_path):
    (tmp_path / "000001.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InputError, match="it is no NPZ file"):
        read_field(tmp_path / "000001.png")


def test_values_out_of_range_name_the_file(tmp_path):
    path = tmp_path / "f.npz"
    write_field(charts(), path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"foreground": arrays["foreground"] + 1}))
    with pytest.raises(InputError, match=r"f\.npz: field of camera höhe, frame 7: has a foregr"):
        read_field(path)


def test_iuv_round_trip(tmp_path):
    path = tmp_path / "iuv.png"
    field = charts()
    write_iuv(field, path)
    back = read_iuv(path, MESH, "left", 7, GRID)
    np.testing.assert_array_equal(back.part, field.part)
    assert np.abs(back.coordinates - field.coordinates).max() <= 0.5 / 255 + 1e-6
    assert cv2.imread(str(path))[..., 0].max() == 3  # the part is what OpenCV calls blue
    with pytest.raises(InputError, match="embedding"):
        write_iuv(embedding(), path)


def test_iuv_pictures_of_other_kinds_are_refused(tmp_path):
    path = tmp_path / "iuv.png"
    with pytest.raises(InputError, match=r"iuv\.png: cannot be read as a picture"):
        read_iuv(path, MESH, "left", 7)
    cv2.imwrite(str(path), np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match="three channels of 8 bits, but has uint8 of shape"):
        read_iuv(path, MESH, "left", 7)
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(InputError, match="but has uint16"):
        read_iuv(path, MESH, "left", 7)


def test_human36m_maps(shared_data, tmp_path):
    paths = sorted((shared_data / "formats" / "h36m_iuv").glob("*.png"))
    assert len(paths) == 4
    for path in paths:
        subject, camera, number = path.name.split(".")[0], *path.name.split(".")[1].split("_")[:2]
        picture = cv2.imread(str(path.with_name(f"{subject}.{camera}_{number}.jpg")))
        field = read_iuv(path, MESH, camera, int(number))
        assert field.shape == picture.shape[:2]
        rows, columns = np.nonzero(field.known)
        assert 5_000 < len(rows) < 100_000
        # these maps have one chart for the whole body, which fills most of it
        assert set(np.unique(field.part)) == {0, 1}
        on_body = field.coordinates[field.known]
        assert (np.ptp(on_body, axis=0) > 0.8).all()
        # neighbours on the surface are neighbours on the chart, seams apart
        inner = field.known[:, 1:] & field.known[:, :-1]
        step = np.abs(np.diff(field.coordinates, axis=1)).max(-1)[inner]
        assert np.median(step) < 2 / 255 and (step > 0.1).mean() < 0.05
        whole = read_field_again(field, tmp_path / "f.npz")
        np.testing.assert_array_equal(whole.coordinates, field.coordinates)
        middle = Crop.around((columns.mean(), rows.mean()), 3.0, (128, 128))
        assert field.on(middle).known.sum() == pytest.approx(len(rows) / 9, rel=0.05)


def read_field_again(field, path):
    write_field(field, path)
    return read_field(path)


def test_an_iuv_picture_that_states_far_more_pixels_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "iuv.png"
    write_iuv(charts(), path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">2I", 20000, 20000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with pytest.raises(InputError, match="20000 x 20000 px"):
        read_iuv(path, MESH, "a", 0)
