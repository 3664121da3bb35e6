"""Dressed people: nothing pokes through, nothing is missing, and no two look alike."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.mesh.raycast import CameraRays, RayCaster
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.appearance.clothes import dress, sample_kinds, wear
from mvboot.synthetic.studio.appearance.wardrobe import KINDS
from mvboot.synthetic.studio.motion import sample_motion
from mvboot.template import load_template

WAYS = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
"""Directions in which to find out whether a place is inside the body."""


@pytest.fixture(scope="module")
def body():
    return load_template("body")


def shape_of(body, seed):
    return 0.8 * np.random.default_rng(seed).standard_normal(body.n_shapes)


def camera_around(target, angle, size=160):
    place = target + 4 * np.array([np.sin(angle), -np.cos(angle), 0.1])
    turn = looking_at(place, target)
    focal = 2.0 * size
    matrix = [[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]]
    return Camera.from_opencv(matrix, [0, 0, 0, 0], turn, -turn @ place, (size, size))


def posed(body, poses, shape, rest, weights):
    turns = body.transforms(poses.rotations[0], poses.translation[0], shape)[:, :3].reshape(-1, 12)
    blended = (weights @ turns).reshape(-1, 3, 4)
    return (blended[..., :3] @ rest[:, :, None])[..., 0] + blended[..., 3]


def scene(body, shape, outfit, poses):
    """Return casters of the bare body, and of what is seen of the dressed one."""
    naked = posed(body, poses, shape, body.rest(shape), body.skeleton.weights)
    vertices, faces = [naked], [body.faces[~outfit.hidden]]
    for piece in outfit.pieces:
        faces.append(piece.faces + sum(map(len, vertices)))
        vertices.append(posed(body, poses, shape, piece.vertices, piece.weights))
    dressed = RayCaster(np.concatenate(vertices), np.concatenate(faces))
    return naked, RayCaster(naked, body.faces), dressed


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_sound(body, kind):
    shape = shape_of(body, 3)
    outfit = wear(body, shape, [kind], np.random.default_rng(5))
    assert outfit.pieces
    assert outfit.hidden.shape == (len(body.faces),)
    for piece in outfit.pieces:
        assert np.isfinite(piece.vertices).all()
        assert piece.vertices.shape == piece.places.shape
        assert piece.faces.min() >= 0 and piece.faces.max() < len(piece.vertices)
        assert piece.weights.shape == (len(piece.vertices), len(body.skeleton.names))
        assert np.abs(piece.weights.sum(axis=1) - 1).max() < 1e-9
        assert piece.weights.data.min() > 0
        places = piece.places[piece.faces].mean(1)
        colours = piece.material.texture(places)
        assert colours.shape == places.shape
        assert colours.min() >= 0 and colours.max() <= 1
        if piece.material.bump is not None:
            assert np.abs(piece.material.bump(places)).max() < 0.02


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("belt", "hoodie", "scarf")])
def test_covered_kinds_hide_the_body(body, kind):
    assert wear(body, shape_of(body, 0), [kind], np.random.default_rng(0)).hidden.any()


def test_same_seed_same_clothes(body):
    shape = shape_of(body, 0)
    first, again, other = (dress(body, shape, np.random.default_rng(s)) for s in (4, 4, 5))
    assert [p.name for p in first.pieces] == [p.name for p in again.pieces]
    assert [p.name for p in first.pieces] != [p.name for p in other.pieces]
    assert (first.hidden == again.hidden).all()
    for one, two in zip(first.pieces, again.pieces, strict=True):
        assert np.array_equal(one.vertices, two.vertices)
        assert np.array_equal(one.material.texture(one.places), two.material.texture(two.places))


def test_outfits_go_together_and_differ():
    outfits = [sample_kinds(np.random.default_rng(seed)) for seed in range(200)]
    drawn = {kind for outfit in outfits for kind in outfit}
    assert drawn == set(KINDS) - {"cycling_shorts", "swimming_cap"}, "these are worn when asked for"
    assert len(set(outfits)) > 60
    bottoms = {"trousers", "jeans", "wide_trousers", "leggings", "shorts", "skirt", "dress"}
    for outfit in outfits:
        assert bottoms & set(outfit)
        assert "socks" not in outfit or {"sneakers", "boots"} & set(outfit)
        assert len(set(outfit)) == len(outfit)


@pytest.mark.parametrize("kinds", [["t_shirt", "jeans"], ["tank_top", "skirt", "jacket"]])
def test_tucked_tops_are_not_seen_below_the_waist(body, kinds):
    """Cast from around the hips, rays meet the lower garment only."""
    shape = np.zeros(body.n_shapes)
    outfit = wear(body, shape, kinds, np.random.default_rng(2))
    start, vertices, faces = 0, [], []
    for piece in outfit.pieces:
        vertices.append(piece.vertices)
        faces.append(piece.faces + start)
        start += len(piece.vertices)
    caster = RayCaster(np.concatenate(vertices), np.concatenate(faces))
    angle = np.linspace(0, 2 * np.pi, 200)
    way = np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1)
    hits = caster.cast(np.array([0, 0, 0.89]) + 0.35 * way, -way)
    owner = np.repeat(np.arange(len(faces)), [len(f) for f in faces])[hits.face[hits.met]]
    assert {outfit.pieces[i].name for i in owner} == {kinds[1]}


def test_unknown_garment_is_refused(body):
    with pytest.raises(InputError, match="no garment 'toga'"):
        wear(body, shape_of(body, 0), ["toga"], np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(4))
def test_sheets_lie_outside_the_body(body, seed):
    """But for hems, the nearest point of the body is inwards of every vertex of a garment."""
    shape = shape_of(body, seed)
    outfit = wear(body, shape, ["jeans", "t_shirt", "sneakers"], np.random.default_rng(seed))
    rest = body.rest(shape)
    for piece in outfit.pieces[:2]:
        places = piece.vertices[: len(piece.vertices) - 2 * len(hem_of(piece))]
        inside = np.mean([sees_inside(rest, body.faces, places, way) for way in WAYS], axis=0) > 0.5
        assert inside.mean() < 0.005
        assert np.median(cKDTree(rest).query(places)[0]) > 0.006


def sees_inside(vertices, faces, places, way):
    """Return which places (N, 3) see the inner side of the body's surface in a direction."""
    hits = RayCaster(vertices, faces).cast(places, np.tile(way, (len(places), 1)))
    a, b, c = (vertices[faces[hits.face, corner]] for corner in range(3))
    return hits.met & (np.cross(b - a, c - a) @ way > 0)


def hem_of(piece):
    """Return the innermost vertices: those on the border of a hemmed piece."""
    edges = np.sort(piece.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    ends, times = np.unique(edges, axis=0, return_counts=True)
    return np.unique(ends[times == 1])


@pytest.mark.parametrize("seed", range(4))
def test_silhouette_is_not_the_bodys(body, seed):
    shape = shape_of(body, seed)
    kinds = ["trousers", "sweater" if seed % 2 else "t_shirt", "sneakers"]
    outfit = wear(body, shape, kinds, np.random.default_rng(seed))
    poses = sample_motion(body, 1.0, 0.3, np.random.default_rng(seed), "walk", shape).at(
        np.array([0.5])
    )
    naked, bare, dressed = scene(body, shape, outfit, poses)
    rays = CameraRays(camera_around(naked.mean(0), 0.5))
    areas = [c.cast(rays.origin, rays.directions).met.sum() for c in (bare, dressed)]
    assert areas[1] > 1.03 * areas[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "gait"), list(enumerate(["walk", "squat", "stretch", "sit", "jumping_jacks"]))
)
def test_no_holes_in_any_pose(body, seed, gait):
    """Where the bare body is seen, so is the dressed one: hidden faces are always covered."""
    shape = shape_of(body, seed)
    outfit = dress(body, shape, np.random.default_rng(seed + 20))
    poses = sample_motion(body, 2.0, 0.3, np.random.default_rng(seed), gait, shape).at(
        np.array([1.0])
    )
    naked, bare, dressed = scene(body, shape, outfit, poses)
    for angle in (0.3, 2.4, 4.5):
        rays = CameraRays(camera_around(naked.mean(0), angle))
        seen = bare.cast(rays.origin, rays.directions).met
        missed = seen & ~dressed.cast(rays.origin, rays.directions).met
        assert missed.sum() < 0.005 * seen.sum()


@pytest.mark.parametrize("seed", range(8))
def test_outfits_are_light(body, seed):
    outfit = dress(body, shape_of(body, seed), np.random.default_rng(seed))
    assert sum(len(piece.faces) for piece in outfit.pieces) < 25_000
