"""Hair: it grows outside the skull, hangs clear of the back, and changes the silhouette."""

import numpy as np
import pytest

from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.studio.appearance.face import BeardArea, face_origin
from mvboot.synthetic.studio.appearance.hair import sample_hair, sample_hair_colour, sheet_cloth
from mvboot.synthetic.studio.appearance.locks import beard, bun, tail
from mvboot.synthetic.studio.appearance.scalp import (
    Combed,
    Hairline,
    Head,
    ScalpPaint,
    comb,
    direction,
)
from mvboot.template import load_template

MOST_FACES = 8000
SEEDS = range(24)

STYLES = {
    "buzz": Combed(Hairline(), top=0.005, side=0.002, edge=0.02, rough=0.001),
    "short": Combed(Hairline(recede=8), top=0.02, side=0.008, edge=0.02),
    "afro": Combed(Hairline(), top=0.07, side=0.06, rough=0.03, grain=0.02, columns=84, rows=38),
    "bob": Combed(Hairline(fringe=12), top=0.02, side=0.02, edge=0.006, hang=0.12),
    "long": Combed(Hairline(), top=0.02, side=0.02, hang=0.36, wave=0.01),
}


@pytest.fixture(scope="module")
def body():
    return load_template("body")


@pytest.fixture(scope="module", params=[0, 5])
def head(request, body):
    shape = 0.8 * np.random.default_rng(request.param).standard_normal(body.n_shapes)
    return Head(body, body.rest(shape))


def hair_of(body, seed, worn=()):
    rng = np.random.default_rng(seed)
    return sample_hair(body, rng.standard_normal(body.n_shapes), rng.random(), worn, rng)


def above_skin(head, points):
    """Return how far (N,) points are from the skull's middle, less the skin's distance there."""
    away = points - head.centre
    distance = np.linalg.norm(away, axis=1)
    return distance - head.radius(away / distance[:, None])


def assert_sound(cloth, bones):
    assert np.isfinite(cloth.vertices).all()
    assert cloth.faces.min() >= 0
    assert cloth.faces.max() < len(cloth.vertices)
    assert len(np.unique(cloth.faces)) == len(cloth.vertices)
    assert cloth.weights.shape == (len(cloth.vertices), bones)
    assert cloth.weights.data.min() >= 0
    np.testing.assert_allclose(np.asarray(cloth.weights.sum(axis=1)).ravel(), 1)
    corners = cloth.vertices[cloth.faces]
    assert (
        np.linalg.norm(
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
        ).min()
        > 0
    )


@pytest.mark.parametrize("name", STYLES)
def test_hair_covers_the_skull_from_outside(head, name):
    cloth = sheet_cloth(head, comb(head, STYLES[name], 3))
    assert_sound(cloth, len(head.template.skeleton.names))
    up = np.linspace(0, np.radians(45), 12)
    ways = direction(np.repeat(up, 16), np.tile(np.arange(16) * np.pi / 8, 12))
    over = RayCaster(cloth.vertices, cloth.faces).cast(head.centre, ways)
    assert over.met.all()
    height = over.distance - head.radius(ways)
    assert height.min() > 0.0003
    assert height.max() < 0.16


def test_hair_leaves_the_face_free(head):
    nose = direction(np.radians(np.array([85.0, 95.0, 105.0, 90.0])), np.radians([0, 0, 0, 25.0]))
    for style in STYLES.values():
        cloth = sheet_cloth(head, comb(head, style, 3))
        assert not RayCaster(cloth.vertices, cloth.faces).cast(head.centre, nose).met.any()


def test_silhouette_grows(head):
    cloth = sheet_cloth(head, comb(head, STYLES["afro"], 3))
    skull = head.rest[np.unique(head.template.faces[head.faces])]
    assert cloth.vertices[:, 2].max() > skull[:, 2].max() + 0.03
    assert np.ptp(cloth.vertices[:, 0]) > np.ptp(skull[skull[:, 2] > head.centre[2], 0]) + 0.05


def test_long_hair_hangs_behind_the_back_and_follows_it(head):
    cloth = sheet_cloth(head, comb(head, STYLES["long"], 3))
    low = cloth.vertices[:, 2] < head.centre[2] - 0.3
    assert low.any()
    behind = low & (cloth.vertices[:, 1] > head.centre[1]) & (np.abs(cloth.vertices[:, 0]) < 0.06)
    points = cloth.vertices[behind]
    start = points + [0, 1.0, 0]
    back = start[:, 1] - head.body.cast(start, np.tile([0, -1.0, 0], (len(start), 1))).distance
    assert (points[:, 1] - back).min() > -0.003
    spine = head.template.skeleton.index("spine5")
    assert np.asarray(cloth.weights[np.flatnonzero(low)].todense())[:, spine].min() > 0.75
    high = np.flatnonzero(cloth.vertices[:, 2] > head.centre[2])
    on_head = head.template.skeleton.index("head")
    assert np.asarray(cloth.weights[high].todense())[:, on_head].min() == 1


@pytest.mark.parametrize("polar", [20.0, 70.0, 110.0])
def test_tails_and_buns_do_not_sink_into_the_head(head, polar):
    bones = len(head.template.skeleton.names)
    hanging = tail(head, (polar, 180.0), 0.3, 0.025, 0.01, 1)
    knot = bun(head, (polar, 180.0), 0.035, 1)
    for cloth in (hanging, knot):
        assert_sound(cloth, bones)
    beside = hanging.vertices[hanging.vertices[:, 2] > head.centre[2] - 0.08]
    assert np.median(above_skin(head, beside)) > 0.01
    assert above_skin(head, knot.vertices).max() > 0.03
    assert np.ptp(hanging.vertices[:, 2]) > 0.2


@pytest.mark.parametrize("kind", ["full", "goatee", "moustache"])
def test_beards_stand_off_the_chin(body, head, kind):
    area = BeardArea(face_origin(body), kind)
    cloth = beard(head, Head(body, body.vertices), area, 0.01, 0.5, 2)
    assert_sound(cloth, len(body.skeleton.names))
    deep = cloth.vertices[area(cloth.places) > 0.003]
    assert len(deep) >= 10
    start = head.centre + head.size * np.array([0, 0.02, -0.1])
    way = deep - start
    distance = np.linalg.norm(way, axis=1)
    skin = head.skull.cast(start, way / distance[:, None]).distance
    assert np.mean(distance > skin) > 0.98
    assert np.median(distance - skin) > 0.001


def test_hairlines():
    front = direction(np.radians(np.array([45.0, 60.0, 70.0])), np.zeros(3))
    assert (Hairline().depth(front) > 0).tolist() == [True, False, False]
    assert (Hairline(fringe=12).depth(front) > 0).tolist() == [True, True, False]
    assert (Hairline(recede=25).depth(front) > 0).tolist() == [False, False, False]
    crown = direction(np.radians(np.array([18.0, 90.0])), np.array([np.pi, np.pi]))
    assert (Hairline(bald=50).depth(crown) > 0).tolist() == [False, True]


def test_paint_of_the_scalp_is_on_the_scalp_only(body):
    mean = Head(body, body.vertices)
    paint = ScalpPaint(Hairline(), mean.centre, 4)
    cover = paint(body.vertices)
    assert cover.min() >= 0
    assert cover.max() <= 1
    points = dict(zip(body.keypoints, body.landmarks(body.vertices), strict=True))
    assert paint(points["head_top"][None])[0] > 0.9
    free = np.stack([points[n] for n in ("nose", "eye_left", "pelvis", "wrist_left", "neck")])
    assert (paint(free) == 0).all()


def test_hair_is_drawn_again_the_same_and_otherwise_differs(body):
    first, again = hair_of(body, 3), hair_of(body, 3)
    assert [p.name for p in first.pieces] == [p.name for p in again.pieces]
    for one, other in zip(first.pieces, again.pieces, strict=True):
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(
            one.material.texture(one.places), other.material.texture(other.places)
        )
    sizes = {tuple(len(p.vertices) for p in hair_of(body, seed).pieces) for seed in SEEDS}
    assert len(sizes) > 6


def test_every_hairdo_is_sound_and_small(body):
    for seed in SEEDS:
        for piece in hair_of(body, seed).pieces:
            assert_sound(piece, len(body.skeleton.names))
            assert len(piece.faces) < MOST_FACES
            colours = piece.material.texture(piece.places)
            assert colours.min() >= 0
            assert colours.max() <= 1


@pytest.mark.parametrize("hat", ["cap", "beanie"])
def test_no_hair_stands_off_under_a_hat(body, hat):
    for seed in SEEDS:
        assert not {p.name for p in hair_of(body, seed, ("t_shirt", hat)).pieces} - {"beard"}


def test_colours_go_with_the_skin():
    rng = np.random.default_rng(1)
    pale, dark = (
        np.array([sample_hair_colour(skin, rng) for _ in range(300)]) for skin in (0.1, 0.9)
    )
    assert 0 <= min(pale.min(), dark.min()) <= max(pale.max(), dark.max()) <= 1
    assert np.mean(dark.mean(1) < 0.03) > 0.6
    assert np.mean(pale.mean(1) > 0.1) > 0.2
