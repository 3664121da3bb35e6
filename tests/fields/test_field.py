"""Dense fields: lookup in original pixels, and other grids."""

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField

MESH = "0123456789abcdef"


def charts(grid=None):
    """Return a field whose left half is part 1 and right half part 2, u along x, v along y."""
    y, x = np.mgrid[:8, :12] / 12
    part = np.where(np.arange(12) < 6, 1, 2) * np.ones((8, 1), int)
    part[0] = 0
    return DenseField.of_charts(part, np.stack([x, y], -1), MESH, "left", 3, grid=grid)


def embedding():
    """Return a field with values (x, y, x) but a hole, and a step of 10 from column 6 on."""
    y, x = np.mgrid[:8, :12].astype(float)
    values = np.stack([x, y, x], -1)
    values[:, 6:, [0, 2]] += 10
    values[2, 2] = np.nan
    return DenseField.of_embedding(values, MESH, "left", 3, confidence=np.full((8, 12), 0.5))


def test_the_two_kinds():
    assert (charts().kind, charts().dimensions, charts().shape) == ("charts", 2, (8, 12))
    assert (embedding().kind, embedding().dimensions) == ("embedding", 3)
    assert not charts().known[0].any() and charts().known[1:].all()
    assert charts().foreground.sum() == 7 * 12
    assert embedding().known.sum() == 8 * 12 - 1
    assert not charts().coordinates[0].any()


def test_nearest_lookup():
    found = charts().at([[2.4, 3.49], [2.6, 3.51], [5, 0], [-0.6, 4], [11.49, 7.49], [np.nan, 2]])
    assert found.part.tolist() == [1, 1, 0, 0, 2, 0]
    np.testing.assert_allclose(found.coordinates[:2], [[2 / 12, 3 / 12], [3 / 12, 4 / 12]])
    assert np.isnan(found.coordinates[[2, 3, 5]]).all()
    assert found.foreground.tolist() == [1, 1, 0, 0, 1, 0]
    assert found.known.tolist() == [True, True, False, False, True, False]


def test_bilinear_lookup_keeps_to_one_part_and_surface():
    found = charts().interpolated([[2.25, 3.5], [5.4, 4], [5.6, 4], [3, 0.75]])
    np.testing.assert_allclose(found.coordinates[0], [2.25 / 12, 3.5 / 12], rtol=1e-6)
    np.testing.assert_allclose(found.coordinates[1:3, 0], [5 / 12, 6 / 12], rtol=1e-6)
    np.testing.assert_allclose(found.coordinates[3], [3 / 12, 1 / 12], rtol=1e-6)
    assert found.foreground[3] == 0.75

    field = embedding()
    np.testing.assert_allclose(field.interpolated([5.25, 4]).coordinates, [7.75, 4, 7.75])
    np.testing.assert_allclose(field.interpolated([5.25, 4], 3.0).coordinates, [5, 4, 5])
    np.testing.assert_allclose(field.interpolated([5.25, 4.5], 3.0).coordinates, [5, 4.5, 5])
    assert np.isnan(field.interpolated([2.2, 2.2]).coordinates).all()
    np.testing.assert_allclose(field.interpolated([2.6, 2]).coordinates, [3, 2, 3])
    assert field.interpolated([3.5, 3]).confidence == 0.5
    assert field.interpolated([-0.5, 3]).confidence == 0.25
    outside = field.interpolated([[30, 3], [np.nan, 3]])
    assert np.isnan(outside.coordinates).all() and not outside.foreground.any()


def test_lookup_is_in_original_pixels_whatever_the_grid():
    grid = Crop.of_grid((100.0, 50.0), 4.0, (12, 8))
    found = charts(grid).at([[100 + 4 * 7, 50 + 4 * 3], [7, 3]])
    assert found.part.tolist() == [2, 0]
    np.testing.assert_allclose(found.coordinates[0], [7 / 12, 3 / 12], rtol=1e-6)


@pytest.mark.parametrize("make", [charts, embedding])
def test_other_grids_say_the_same(make):
    field = make()
    cut = field.on(Crop.of_box(1.5, 0.5, 9.5, 6.5, (8, 6)))
    np.testing.assert_array_equal(cut.coordinates, field.coordinates[1:7, 2:10])
    np.testing.assert_array_equal(cut.foreground, field.foreground[1:7, 2:10])
    mirrored = field.on(field.grid.mirrored())
    np.testing.assert_array_equal(mirrored.coordinates, field.coordinates[:, ::-1])
    np.testing.assert_array_equal(mirrored.known, field.known[:, ::-1])

    turned = field.on(Crop.around((6, 4), 0.13, (64, 64), 0.7))
    inside = turned.grid.centers()[20:40, 20:40]
    np.testing.assert_array_equal(turned.at(inside).coordinates, field.at(inside).coordinates)
    beyond = field.on(Crop.of_grid((50, 50), 1, (4, 4)))
    assert not beyond.known.any() and not beyond.foreground.any()


def test_another_template_is_refused():
    field = charts()
    field.require_topology(MESH)
    with pytest.raises(InputError, match=f"left, frame 3 was made with the template {MESH}, not f"):
        field.require_topology("f" * 16)


BLANK = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DenseField.of_charts(BLANK, np.zeros((4, 4, 2)), MESH, "a", 0), "but uv"),
        (lambda: DenseField.of_charts(BLANK + 300, np.zeros((4, 5, 2)), MESH, "a", 0), "0 to 255"),
        (lambda: DenseField.of_charts(BLANK + 1, BLANK[..., None] + [2, 0], MESH, "a", 0), "outs"),
        (lambda: DenseField.of_charts(BLANK + 1, np.full((4, 5, 2), np.nan), MESH, "a", 0), "outs"),
        (lambda: DenseField.of_charts(BLANK, np.zeros((4, 5, 2)), "", "a", 0), "no template"),
        (lambda: DenseField.of_embedding(BLANK, MESH, "a", 0), "must be .h, w, D."),
        (lambda: DenseField.of_embedding(np.zeros((4, 5, 0)), MESH, "a", 0), "0 coordinates"),
        (
            lambda: DenseField.of_charts(BLANK, np.zeros((4, 5, 2)), MESH, "a", 0, BLANK + 2),
            "frame 0: has a foreground outside",
        ),
        (
            lambda: DenseField.of_charts(BLANK, np.zeros((4, 5, 2)), MESH, "a", 0, BLANK.T),
            "but foreground",
        ),
        (
            lambda: DenseField.of_charts(
                BLANK, np.zeros((4, 5, 2)), MESH, "a", 0, grid=Crop.whole((4, 5))
            ),
            "grid of 4 x 5 px",
        ),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_rounding_is_no_fault():
    field = DenseField.of_charts(BLANK + 1, np.full((4, 5, 2), 1 + 1e-6), MESH, "a", 0)
    assert field.coordinates.max() == 1
