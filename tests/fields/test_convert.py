"""One kind of coordinates as the other."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField, converted
from mvboot.template import load_template


@pytest.fixture(scope="module", params=["body", "quadruped"])
def template(request):
    return load_template(request.param)


@pytest.fixture
def seen(template):
    """Both fields of one picture of 20 x 30 px, the first row background, and their points."""
    rng = np.random.default_rng(0)
    faces = rng.integers(len(template.faces), size=(20, 30))
    faces[0] = -1
    weights = rng.dirichlet([1, 1, 1], faces.shape)
    found = template.canonical(faces, weights)
    rest = {
        "topology": template.topology,
        "camera": "left",
        "frame": 3,
        "foreground": rng.uniform(size=faces.shape),
        "confidence": rng.uniform(size=faces.shape),
        "grid": Crop.of_grid((2, 3), 4, (30, 20)),
    }
    charts = DenseField.of_charts(found.part, found.uv, **rest)
    return charts, DenseField.of_embedding(found.embedding, **rest)


def same_but_coordinates(a, b):
    names = ("foreground", "confidence", "grid", "topology", "camera", "frame")
    return all(np.all(getattr(a, n) == getattr(b, n)) or getattr(a, n) is getattr(b, n)
               for n in names)  # fmt: skip


@pytest.mark.slow
def test_charts_become_the_embedding_of_the_same_points(seen, template):
    charts, embedding = seen
    found = converted(charts, template, "embedding")
    np.testing.assert_array_equal(found.known, embedding.known)
    np.testing.assert_allclose(found.coordinates, embedding.coordinates, atol=2e-5)
    assert same_but_coordinates(found, charts)


def test_an_embedding_becomes_the_charts_of_the_same_points(seen, template):
    charts, embedding = seen
    found = converted(embedding, template, "charts")
    np.testing.assert_array_equal(found.part, charts.part)
    np.testing.assert_allclose(found.coordinates, charts.coordinates, atol=2e-5)
    assert same_but_coordinates(found, embedding)
    back = converted(found, template, "embedding")
    np.testing.assert_allclose(back.coordinates, embedding.coordinates, atol=2e-5)


def test_nothing_to_do_and_nothing_seen(seen, template):
    charts, embedding = seen
    assert converted(charts, template, "charts") is charts
    assert converted(embedding, template, "embedding") is embedding
    empty = DenseField.of_charts(np.zeros((4, 5), int), np.zeros((4, 5, 2)), template.topology,
                                 "left", 3)  # fmt: skip
    found = converted(empty, template, "embedding")
    assert found.coordinates.shape == (4, 5, 8) and not found.known.any()
    assert not converted(found, template, "charts").known.any()


def test_refusals(seen, template):
    charts, embedding = seen
    with pytest.raises(InputError, match="camera left, frame 3 was made with the template 0123"):
        converted(replace(charts, topology="0123456789abcdef"), template, "embedding")
    with pytest.raises(InputError, match="has no charts"):
        converted(embedding, replace(template, charts=None), "charts")
    with pytest.raises(InputError, match="has no embedding"):
        converted(charts, replace(template, embedding=None), "embedding")
    with pytest.raises(InputError, match="not 'uv'"):
        converted(charts, template, "uv")
    wrong = replace(charts, part=np.where(charts.part > 0, np.uint8(200), np.uint8(0)))
    with pytest.raises(InputError, match="camera left, frame 3: there is no part 200"):
        converted(wrong, template, "embedding")
    short = replace(embedding, coordinates=embedding.coordinates[..., :3])
    with pytest.raises(InputError, match="camera left, frame 3: values of the embedding"):
        converted(short, template, "charts")
