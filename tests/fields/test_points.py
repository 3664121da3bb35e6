import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField
from mvboot.fields.points import named_points, points_at


@pytest.mark.parametrize("kind", ["embedding", "charts"])
def test_a_field_names_the_places_it_was_made_of(sheet, kind):
    field = getattr(sheet, kind)()
    for found in (
        named_points(field, sheet.template),
        points_at(field, sheet.template, field.grid.centers(), 0.5),
    ):
        places = sheet.template.points(found, sheet.template.vertices)
        np.testing.assert_allclose(places, sheet.places, atol=1e-6)


def test_places_between_pixels_are_interpolated_but_not_across_an_edge(sheet):
    values = np.zeros((1, 4, 3))
    values[0, :, 0] = [0.0, 0.02, 0.7, 0.72]  # the median step is 2 cm
    field = DenseField.of_embedding(values, sheet.template.topology, "c", 0)
    pixels = np.array([[0.5, 0], [1.25, 0], [1.75, 0], [2.5, 0]])
    found = points_at(field, sheet.template, pixels, 0.5)
    places = sheet.template.points(found, sheet.template.vertices)
    np.testing.assert_allclose(places[:, 0], [0.01, 0.02, 0.7, 0.71], atol=1e-6)


def test_nothing_off_the_subject_and_outside(sheet):
    foreground = np.full((40, 40), 0.9)
    foreground[0] = 0.4
    field = sheet.embedding(foreground=foreground)
    found = points_at(field, sheet.template, np.array([[3, 0], [3, 1], [3, 99]]), 0.5)
    np.testing.assert_array_equal(found.known, [False, True, False])


def test_fields_that_do_not_belong_to_the_template(sheet, ball):
    with pytest.raises(InputError, match="camera c, frame 0 was made with the template"):
        named_points(sheet.embedding(), ball.template)
    flat = DenseField.of_embedding(np.zeros((2, 2, 5)), sheet.template.topology, "c", 7)
    with pytest.raises(InputError, match="camera c, frame 7"):
        named_points(flat, sheet.template)
    part = DenseField.of_charts(
        np.full((2, 2), 9), np.zeros((2, 2, 2)), sheet.template.topology, "c", 7
    )
    with pytest.raises(InputError, match=r"frame 7.*no part 9"):
        points_at(part, sheet.template, Crop.whole((2, 2)).centers(), 0.5)
