import numpy as np
import pytest

from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.surroundings.solids import (
    bar,
    box,
    ellipsoid,
    flat,
    frustum,
    hung,
    joined,
    lump,
    mesh_of,
    moved,
    upright,
)
from mvboot.synthetic.studio.textures.coloured import Plain

GREY = Material(Plain(np.full(3, 0.5)))
RNG = np.random.default_rng(0)


def volume(surface):
    a, b, c = (surface.vertices[surface.faces[:, i]] for i in range(3))
    return abs((np.cross(a, b) * c).sum()) / 6


def edges(points, faces):
    return np.linalg.norm(points[faces] - points[np.roll(faces, 1, axis=1)], axis=-1)


@pytest.mark.parametrize(
    "surface",
    [
        box((0.3, 0.5, 1.2), GREY),
        upright(2, 1, GREY),
        flat(2, 1, GREY),
        frustum(0.3, 0.3, 1, GREY, 60),
        hung(2, 1.5, 0.05, GREY, RNG),
        bar((0, 0, 0), (1, 1, 1), 0.05, GREY),
    ],
    ids=["box", "upright", "flat", "cylinder", "hung", "bar"],
)
def test_textures_lie_without_stretching(surface):
    body = edges(surface.vertices, surface.faces)
    texture = edges(surface.places, surface.faces)
    long = body > 0.2 * body.max()
    np.testing.assert_allclose(texture[long], body[long], rtol=0.12)


def test_bodies_have_their_size_and_stand_on_the_floor():
    assert box((0.3, 0.5, 1.2), GREY).vertices.max(0) == pytest.approx([0.15, 0.25, 1.2])
    assert volume(ellipsoid((1, 2, 3), GREY, 60)) == pytest.approx(8 * np.pi, rel=0.01)
    assert volume(frustum(0.5, 0.5, 2, GREY, 60)) == pytest.approx(np.pi / 2, rel=0.01)
    for surface in (box((1, 1, 1), GREY), ellipsoid((1, 1, 1), GREY), frustum(1, 0, 1, GREY)):
        assert surface.vertices[:, 2].min() == pytest.approx(0)


def test_lumps_are_dented_but_closed():
    rough = lump((1, 1, 1), GREY, 24, 0.5, 3)
    assert 0.2 < volume(rough) / volume(ellipsoid((1, 1, 1), GREY, 24)) < 0.95
    seam = rough.vertices.reshape(13, 25, 3)
    np.testing.assert_allclose(seam[:, 0], seam[:, -1], atol=1e-12)


def test_moving_keeps_the_texture_and_joining_keeps_the_mesh():
    other = Material(Plain(np.full(3, 0.1)))
    parts = moved([box((1, 1, 1), GREY), flat(1, 1, other), box((1, 2, 1), GREY)], (3, 0, 1), 0.5)
    one, two = joined(parts)
    assert one.material is GREY and two.material is other
    vertices, faces, owner = mesh_of((one, two))
    assert len(faces) == sum(len(part.faces) for part in parts) and faces.max() < len(vertices)
    np.testing.assert_array_equal(np.bincount(owner), [24, 2])
    np.testing.assert_array_equal(parts[0].places, box((1, 1, 1), GREY).places)
