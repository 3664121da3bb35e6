"""Left and right of keypoints, charts and embeddings."""

import numpy as np
import pytest

from mvboot.datasets import Mirror
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.template import Charts, Template, load_template


def lump():
    """Return a closed surface symmetric across x, with two parts and a curved embedding."""
    rings, around = 9, 12
    z = np.cos(np.pi * np.arange(1, rings) / rings)
    angle = 2 * np.pi * (np.arange(around) + 0.5) / around
    wide, deep = (np.outer(np.sqrt(1 - z**2), f(angle)) for f in (np.cos, np.sin))
    body = np.stack([wide, 1.3 * deep, np.outer(z, np.ones(around))], -1).reshape(-1, 3)
    vertices = np.concatenate([body, [[0, 0, 1.0], [0, 0, -1.0]]])
    faces = []
    for ring in range(rings - 2):
        for i in range(around):
            a, b = ring * around + i, ring * around + (i + 1) % around
            faces += [[a, a + around, b], [b, a + around, b + around]]
    top, bottom = len(body), len(body) + 1
    for i in range(around):
        j, last = (i + 1) % around, (rings - 2) * around
        faces += [[top, i, j], [bottom, last + j, last + i]]
    faces = np.array(faces)
    symmetry = np.abs(vertices[:, None] * [-1, 1, 1] - vertices).sum(-1).argmin(1)
    x, y, h = vertices.T
    embedding = np.stack([x, y, h, 0.2 * h * h, 0.1 * x * h, 0.1 * y * y], -1)
    part = np.where(vertices[faces][..., 0].mean(1) > 0, 1, 2)
    uv = np.stack([y, h], -1)[faces] / 3 + 0.5
    uv[part == 2, :, 0] = 1 - uv[part == 2, :, 0]  # the convention of charts: u runs backwards
    return Template(
        "lump", "m", vertices, faces, charts=Charts(("left", "right"), part, uv, np.array([2, 1])),
        embedding=embedding, symmetry=symmetry,
        keypoints={
            "ear_left": (np.array([3]), np.ones(1)),
            "ear_right": (symmetry[[3]], np.ones(1)),
            "crown": (np.array([top]), np.ones(1)),
            "odd": (np.array([30, 31]), np.full(2, 0.5)),
        },
    )  # fmt: skip


def seen(template, kind):
    """Return random surface points as a field of one kind, and the same points mirrored."""
    rng = np.random.default_rng(0)
    faces = rng.integers(0, len(template.faces), (6, 40))
    weights = rng.dirichlet([1, 1, 1], (6, 40))
    point = template.canonical(faces, weights)
    moved = (template.vertices[template.symmetry][template.faces[faces]] * weights[..., None]).sum(
        -2
    )
    if kind == "charts":
        return DenseField.of_charts(point.part, point.uv, template.topology, "a", 0), moved
    return DenseField.of_embedding(point.embedding, template.topology, "a", 0), moved


def test_keypoints_of_a_template():
    mirror = Mirror.of_template(lump())
    names = ["crown", "ear_right", "ear_left"]
    assert mirror.order(names).tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="mirror image of keypoint odd is not known"):
        mirror.order([*names, "odd"])
    with pytest.raises(InputError, match="ear_left has the mirror image ear_right, but the keyp"):
        mirror.order(["ear_left"])
    paired = Mirror.of_template(lump(), {"odd": "odd", "tail": "tail"})
    assert paired.order(["odd", "tail", "crown"]).tolist() == [0, 1, 2]


def test_keypoints_by_name():
    mirror = Mirror({"hand_left": "hand_right"})
    assert mirror.order(["nose", "hand_right", "hand_left"]).tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="pair each once"):
        Mirror({"a": "b", "b": "c"})


def test_charts_swap_parts():
    template = lump()
    field, moved = seen(template, "charts")
    mirrored = Mirror.of_template(template).of(field)
    assert ((mirrored.part == 1) == (moved[..., 0] > 0)).mean() > 0.9  # faces across the plane
    swapped = np.where(mirrored.part == 1, 0, 1)
    u = np.abs(swapped - (moved[..., 1] / 3 + 0.5))
    inside = (np.abs(moved[..., 0]) > 0.4).ravel()
    np.testing.assert_allclose(
        mirrored.coordinates[..., 0].ravel()[inside], u.ravel()[inside], atol=1e-5
    )
    np.testing.assert_allclose(mirrored.coordinates[..., 1], moved[..., 2] / 3 + 0.5, atol=1e-5)
    twice = Mirror.of_template(template).of(mirrored)
    np.testing.assert_array_equal(twice.part, field.part)
    np.testing.assert_allclose(twice.coordinates, field.coordinates, atol=1e-6)


def test_embeddings_are_mirrored_to_first_order():
    template = lump()
    field, moved = seen(template, "embedding")
    mirrored = Mirror.of_template(template).of(field)
    error = np.linalg.norm(mirrored.coordinates[..., :3] - moved, axis=-1)
    assert error.max() < 0.03 and np.median(error) < 0.01  # edges of the mesh are 0.4 to 0.6 long
    vertices = DenseField.of_embedding(template.embedding[None], template.topology, "a", 0)
    exact = Mirror.of_template(template).of(vertices).coordinates[0]
    np.testing.assert_allclose(exact, template.embedding[template.symmetry], atol=1e-6)


def test_background_stays_background():
    template = lump()
    blank = np.zeros((3, 4))
    field = DenseField.of_charts(blank, np.zeros((3, 4, 2)), template.topology, "a", 0)
    assert not Mirror.of_template(template).of(field).known.any()
    empty = DenseField.of_embedding(np.full((3, 4, 6), np.nan), template.topology, "a", 0)
    assert not Mirror.of_template(template).of(empty).known.any()


def test_what_cannot_be_mirrored_is_refused():
    template = lump()
    field, _ = seen(template, "charts")
    with pytest.raises(InputError, match="needs its template"):
        Mirror({}).of(field)
    other = DenseField.of_charts(field.part, field.coordinates, "f" * 16, "a", 0)
    with pytest.raises(InputError, match="was made with the template f"):
        Mirror.of_template(template).of(other)
    more = DenseField.of_charts(field.part + 1, field.coordinates, template.topology, "a", 0)
    with pytest.raises(InputError, match="has part 3, the template 2"):
        Mirror.of_template(template).of(more)
    plain = Template("plain", "m", template.vertices, template.faces)
    with pytest.raises(InputError, match="'plain' has no symmetry"):
        Mirror.of_template(plain)
    bare = Template("bare", "m", template.vertices, template.faces, symmetry=template.symmetry)
    with pytest.raises(InputError, match="parts of template 'bare' have no symmetry"):
        Mirror.of_template(bare).of(field)


@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_shipped_templates(name):
    template = load_template(name)
    mirror = Mirror.of_template(template)
    mirror.order(list(template.keypoints))
    rng = np.random.default_rng(0)
    faces, weights = rng.integers(0, len(template.faces), 2000), rng.dirichlet([1, 1, 1], 2000)
    corners = template.symmetry[template.faces[faces]]
    face_of = {tuple(sorted(face)): i for i, face in enumerate(template.faces.tolist())}
    images = np.array([face_of[tuple(sorted(c))] for c in corners.tolist()])
    places = (template.faces[images][:, :, None] == corners[:, None]).argmax(-1)
    point = template.canonical(faces, weights)
    image = template.canonical(images, np.take_along_axis(weights, places, 1))

    field = DenseField.of_charts(point.part[None], point.uv[None], template.topology, "a", 0)
    np.testing.assert_array_equal(mirror.of(field).part[0], image.part)
    np.testing.assert_allclose(mirror.of(field).coordinates[0], image.uv, atol=1e-6)
    field = DenseField.of_embedding(point.embedding[None], template.topology, "a", 0)
    error = np.linalg.norm(mirror.of(field).coordinates[0] - image.embedding, axis=-1)
    assert np.median(error) < 0.001 and error.max() < 0.02  # metres, on a body of 1.7
