import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.template import Charts
from mvboot.template.charts import automatic_charts, charts_of_parts, charts_of_uv


def areas(uv):
    ab, ac = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    return ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]


@pytest.mark.parametrize("mesh", ["sphere", "sheet", "full_sheet"])
def test_automatic_charts_of_any_surface_have_no_folds(mesh, request):
    vertices, faces = request.getfixturevalue(mesh)
    charts = automatic_charts(vertices, faces, vertices[:, 1], count=6)
    assert len(charts.names) >= 6
    assert charts.uv.min() >= 0 and charts.uv.max() <= 1
    assert (areas(charts.uv) > 0).all()


def test_shipped_charts_have_no_folds_and_24_parts_on_the_body(body, quadruped):
    for template in (body, quadruped):
        assert (areas(template.charts.uv) > 0).all()
        assert set(template.charts.parts) == set(range(1, len(template.charts.names) + 1))
    assert len(body.charts.names) == 24
    assert body.charts.names[:4] == ("torso_back", "torso_front", "hand_right", "hand_left")


def test_mirror_image_of_a_chart_point_is_one_minus_u(shipped):
    charts, vertices = shipped.charts, shipped.vertices
    half = len(shipped.faces) // 2  # shipped meshes list the left half first
    np.testing.assert_array_equal(charts.symmetry[charts.parts[:half] - 1], charts.parts[half:])
    image = charts.uv[half:, ::-1] * [-1, 1] + [1, 0]
    np.testing.assert_array_equal(image, charts.uv[:half])
    mirrored = vertices[shipped.faces[half:, ::-1]] * [-1, 1, 1]
    np.testing.assert_array_equal(mirrored, vertices[shipped.faces[:half]])


def test_values_at_corners_inside_and_in_the_background(body):
    faces = np.array([[10, -1], [4000, 10]])
    weights = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 0, 1], [0.2, 0.3, 0.5]]])
    part, uv = body.charts.at(faces, weights)
    assert part.tolist() == [[body.charts.parts[10], 0], [body.charts.parts[4000]] + [part[1, 1]]]
    np.testing.assert_array_equal(uv[0, 0], body.charts.uv[10, 0])
    np.testing.assert_array_equal(uv[0, 1], 0)
    np.testing.assert_array_equal(uv[1, 0], body.charts.uv[4000, 2])
    np.testing.assert_allclose(uv[1, 1], [0.2, 0.3, 0.5] @ body.charts.uv[10])


def test_texture_islands_are_scaled_to_the_unit_square(full_sheet):
    vertices, faces = full_sheet
    uv = vertices[faces][..., :2] * [3, 0.25] + 7
    uv[vertices[faces].mean(axis=1)[:, 0] > 0] += 10
    charts = charts_of_uv(faces, uv)
    assert len(charts.names) == 2
    for part in (1, 2):
        own = charts.uv[charts.parts == part]
        np.testing.assert_allclose([own.min((0, 1)), own.max((0, 1))], [[0, 0], [1, 1]])


def test_too_many_islands_are_no_charts(sphere):
    faces = sphere[1]
    assert charts_of_uv(faces, np.random.default_rng(0).uniform(size=(len(faces), 3, 2))) is None


def test_a_part_that_is_no_disc_is_named(sphere):
    vertices, faces = sphere
    with pytest.raises(InputError, match="'ball' is not a disc"):
        charts_of_parts(vertices, faces, np.ones(len(faces), int), ("ball",), vertices[:, 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ()}, "1 to 255 parts"),
        ({"parts": np.array([3])}, "must be 1 to 2"),
        ({"parts": np.array([0])}, "must be 1 to 2"),
        ({"uv": np.full((1, 3, 2), 1.5)}, "in \\[0, 1\\]"),
        ({"uv": np.full((1, 3, 2), np.nan)}, "in \\[0, 1\\]"),
        ({"uv": np.zeros((2, 3, 2))}, "each corner"),
        ({"symmetry": np.array([1, 5])}, "symmetry"),
    ],
)
def test_refusals(change, message):
    good = {"names": ("a", "b"), "parts": np.array([1]), "uv": np.zeros((1, 3, 2))}
    Charts(**good)
    with pytest.raises(InputError, match=message):
        Charts(**(good | change))
