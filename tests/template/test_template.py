from dataclasses import replace

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.template import Template, load_template, require_topology


@pytest.fixture
def plain(full_sheet):
    return Template("sheet", "mm", *full_sheet)


def test_topology_is_of_faces_and_not_of_places(shipped):
    same = replace(shipped, vertices=shipped.vertices * 2)
    assert same.topology == shipped.topology
    assert len(shipped.topology) == 16 and int(shipped.topology, 16) >= 0
    rolled = replace(shipped, faces=np.roll(shipped.faces, 1, axis=1))
    assert rolled.topology != shipped.topology


def test_another_topology_is_an_error_that_names_both(body, quadruped):
    require_topology(body, body.topology)
    with pytest.raises(InputError, match=f"field.npz: .*{quadruped.topology}.*{body.topology}"):
        require_topology(body, quadruped.topology, "field.npz")


def test_canonical_at_vertices_between_and_in_the_background(shipped):
    faces = np.array([[0, 100], [2000, -1]])
    weights = np.eye(3)[[[0, 1], [2, 0]]]
    found = shipped.canonical(faces, weights)
    np.testing.assert_array_equal(found.embedding[0, 0], shipped.embedding[shipped.faces[0, 0]])
    np.testing.assert_array_equal(found.embedding[0, 1], shipped.embedding[shipped.faces[100, 1]])
    np.testing.assert_array_equal(found.uv[1, 0], shipped.charts.uv[2000, 2])
    assert found.part[1, 0] == shipped.charts.parts[2000]
    assert found.part[1, 1] == 0 and np.isnan(found.embedding[1, 1]).all()
    middle = shipped.canonical(np.array([7]), np.full((1, 3), 1 / 3))
    np.testing.assert_allclose(middle.embedding[0], shipped.embedding[shipped.faces[7]].mean(0))


def test_a_bare_template_has_no_canonical_coordinates_and_no_pose(plain):
    found = plain.canonical(np.array([0]), np.eye(3)[:1])
    assert found.part is None and found.uv is None and found.embedding is None
    with pytest.raises(InputError, match="'sheet' has no skeleton"):
        plain.posed(np.zeros((1, 3)))


def test_geodesics_of_the_rest_surface(plain):
    distances = plain.geodesics(np.array([0, 5]))
    assert distances.shape == (2, len(plain.vertices))
    assert distances[0, 0] == 0 and distances[0, 5] == pytest.approx(distances[1, 0])


def test_landmarks_follow_the_mesh(shipped):
    rest = shipped.landmarks(shipped.vertices)
    assert rest.shape == (len(shipped.keypoints), 3)
    np.testing.assert_allclose(shipped.landmarks(shipped.vertices + [1, 2, 3]), rest + [1, 2, 3])
    both = shipped.landmarks(np.stack([shipped.vertices, 2 * shipped.vertices]))
    np.testing.assert_allclose(both[1], 2 * rest)


def test_shape_moves_skin_and_joints_alike(shipped):
    rest = np.zeros((len(shipped.skeleton.names), 3))
    shape = np.zeros(shipped.n_shapes)
    shape[0] = 1.0
    np.testing.assert_allclose(
        shipped.posed(rest, shape=shape), shipped.vertices + shipped.shapes[0], atol=1e-9
    )
    heads = shipped.skeleton.heads + shipped.skeleton.head_shapes[0]
    np.testing.assert_allclose(shipped.joints(rest, shape=shape), heads, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotations": np.zeros((5, 3))}, "rotations end in shape \\(5, 3\\)"),
        ({"shape": np.zeros(3)}, "shape end in shape \\(3,\\)"),
        ({"translation": np.zeros(2)}, "translation end in shape"),
    ],
)
def test_poses_of_another_size(body, arguments, message):
    good = {"rotations": np.zeros((len(body.skeleton.names), 3))}
    with pytest.raises(InputError, match=message):
        body.posed(**(good | arguments))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": ""}, "no units; state one of m, cm, mm"),
        ({"units": "inch"}, "'inch'"),
        ({"up": "w"}, "up must be one of"),
        ({"embedding": np.zeros((3, 2))}, "embedding are for 3"),
        ({"symmetry": np.zeros(4, int)}, "symmetry are for 4"),
        ({"shapes": np.zeros((2, 5, 3))}, "shapes are for 5"),
        ({"keypoints": {"a": (np.array([10**6]), np.ones(1))}}, "'a' does not name vertices"),
        ({"edges": (("a", "b"),)}, "unknown keypoints: a, b"),
    ],
)
def test_refusals(plain, change, message):
    with pytest.raises(InputError, match=message):
        replace(plain, **change)


@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_shipped_templates_stand_on_the_floor_and_look_along_minus_y(name):
    template = load_template(name)
    assert (template.units, template.up, template.forward) == ("m", "z", "-y")
    assert template.vertices[:, 2].min() == pytest.approx(0, abs=1e-9)
    places = dict(zip(template.keypoints, template.landmarks(template.vertices), strict=True))
    assert places["nose"][1] < template.vertices[:, 1].mean()
    sides = [key.removesuffix("_left") for key in places if key.endswith("_left")]
    for side in sides:
        assert places[f"{side}_left"][0] > 0
        flipped = places[f"{side}_right"] * [-1, 1, 1]
        np.testing.assert_allclose(flipped, places[f"{side}_left"], atol=1e-6)
    assert "CC0" in template.licence


def test_body_is_a_person(body):
    assert 1.5 < np.ptp(body.vertices[:, 2]) < 1.9
    assert body.n_shapes == 12
    coco = ("nose", *(f"{k}_{s}" for k in ("eye", "ear", "shoulder", "elbow", "wrist", "hip",
            "knee", "ankle") for s in ("left", "right")))  # fmt: skip
    assert tuple(body.keypoints)[:17] == coco
    assert np.diff(body.skeleton.weights.indptr).max() <= 8
    rest = body.landmarks(body.vertices)
    knee = rest[list(body.keypoints).index("knee_left")]
    np.testing.assert_allclose(
        knee, body.skeleton.heads[body.skeleton.index("shin_left")], atol=1e-6
    )
