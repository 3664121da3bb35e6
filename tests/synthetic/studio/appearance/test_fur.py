"""Fur: it stands off the animal, leaves face and paws free, and no two coats are alike."""

import numpy as np
import pytest
import trimesh

from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.studio.appearance.coats import PATTERNS, sample_animal_coat, sample_coat
from mvboot.synthetic.studio.appearance.fur import (
    EARS,
    FACE,
    PAWS,
    ear,
    fur_heights,
    fur_shell,
    height_at,
    is_quadruped,
    sample_animal,
    tufts,
)
from mvboot.synthetic.studio.appearance.garment import Mannequin
from mvboot.template import load_template, template_of_mesh

MOST_FACES = 9000
SEEDS = range(10)


@pytest.fixture(scope="module")
def dog():
    return load_template("quadruped")


@pytest.fixture(scope="module")
def mannequin(dog):
    return Mannequin(dog, 0.8 * np.random.default_rng(3).standard_normal(dog.n_shapes))


def animal_of(dog, seed):
    rng = np.random.default_rng(seed)
    return sample_animal(dog, 0.8 * rng.standard_normal(dog.n_shapes), rng)


def test_only_the_shipped_quadruped_has_fur(dog, tmp_path):
    assert is_quadruped(dog)
    assert not is_quadruped(load_template("body"))
    trimesh.creation.icosphere(subdivisions=2).export(tmp_path / "ball.ply")
    assert not is_quadruped(template_of_mesh(tmp_path / "ball.ply", units="m"))


@pytest.mark.parametrize("seed", SEEDS)
def test_animals_are_sound(dog, seed):
    look = animal_of(dog, seed)
    fur = look.pieces[0]
    assert fur.name == "fur"
    for piece in look.pieces:
        assert len(piece.faces) < MOST_FACES
        assert 0 <= piece.faces.min() <= piece.faces.max() < len(piece.vertices)
        assert piece.weights.data.min() >= 0
        np.testing.assert_allclose(np.asarray(piece.weights.sum(axis=1)).ravel(), 1)
        colours = piece.material.texture(piece.places)
        assert 0 <= colours.min() <= colours.max() <= 1


def test_the_outline_of_an_animal_grows(dog):
    shape = np.zeros(dog.n_shapes)
    look = sample_animal(dog, shape, np.random.default_rng(4))
    rest, fur = dog.rest(shape), look.pieces[0].vertices
    assert np.ptp(fur[:, 0]) > np.ptp(rest[:, 0]) + 0.004
    assert fur[:, 1].max() > rest[:, 1].max() + 0.002


def test_the_shell_lies_outside_the_body_and_leaves_face_and_paws(mannequin):
    height = fur_heights(mannequin.mean, 0.015, np.random.default_rng(0))
    shell = fur_shell(mannequin, height)
    assert shell.places[:, 1].min() > FACE - 0.002
    assert shell.places[:, 2].min() > PAWS - 0.002
    back = np.flatnonzero(
        (np.abs(shell.places[:, 0]) < 0.03)
        & (np.abs(shell.places[:, 1]) < 0.1)
        & (shell.places[:, 2] > 0.5)
    )
    assert len(back) > 5
    start = shell.vertices[back] + [0, 0, 1.0]
    down = np.tile([0, 0, -1.0], (len(back), 1))
    body = RayCaster(mannequin.rest, mannequin.template.faces).cast(start, down)
    assert (body.distance - 1.0).min() > 0.003
    longer = fur_heights(mannequin.mean, 0.026, np.random.default_rng(0))
    assert longer.mean() > 1.3 * height.mean()
    assert height.min() > 0


def test_tufts_stand_off_the_shell(mannequin):
    rng = np.random.default_rng(1)
    height = fur_heights(mannequin.mean, 0.02, rng)
    shell = fur_shell(mannequin, height)
    hairs = tufts(shell, height_at(mannequin, shell, height), 0.02, rng)
    root = (hairs.vertices[0::3] + hairs.vertices[1::3]) / 2
    long = np.linalg.norm(hairs.vertices[2::3] - root, axis=1)
    assert 0.005 < long.min() < long.max() < 0.2
    assert np.ptp(hairs.vertices[:, 0]) > np.ptp(shell.vertices[:, 0])
    np.testing.assert_allclose(np.asarray(hairs.weights.sum(axis=1)).ravel(), 1)


@pytest.mark.parametrize("kind", EARS)
def test_ears_are_mirror_images_that_follow_their_bones(mannequin, kind):
    left, right = (ear(mannequin, s, kind, np.random.default_rng(2)) for s in ("left", "right"))
    np.testing.assert_allclose(left.places * [-1, 1, 1], right.places)
    skeleton = mannequin.template.skeleton
    tip = np.asarray(left.weights.todense())[-1]
    assert tip[skeleton.index("ear_left")] == 1
    skull = mannequin.rest[:, 2].max()
    assert (left.vertices[:, 2].max() > skull) == (kind != "floppy")
    # a floppy one hangs outside the cheek
    assert (left.places[-1, 0] > 0.085) == (kind != "pricked")


def test_faces_are_painted(dog):
    points = dict(zip(dog.keypoints, dog.landmarks(dog.vertices), strict=True))
    eyes = np.stack([points["eye_left"], points["eye_right"]]) + [0, 0, -0.002]
    for seed in SEEDS:
        coat = sample_animal_coat(dog, np.random.default_rng(seed))
        assert coat.texture(points["nose"][None]).mean() < 0.1
        assert coat.texture(eyes).mean() < 0.1


def test_coats_repeat_and_differ(dog):
    coats = [
        sample_animal_coat(dog, np.random.default_rng(s)).texture(dog.vertices) for s in (*SEEDS, 0)
    ]
    np.testing.assert_array_equal(coats[0], coats[-1])
    for one in range(len(SEEDS)):
        for other in range(one):
            assert np.abs(coats[one] - coats[other]).mean() > 0.01
    # some are patterned, not one colour with grain
    assert sum(c.mean(1).std() > 0.1 for c in coats) >= 3
    assert sum(PATTERNS.values()) == pytest.approx(1)


@pytest.mark.slow
def test_paint_is_as_large_as_the_thing(tmp_path):
    found = []
    for name, radius in (("small", 0.3), ("large", 300.0)):
        path = tmp_path / f"{name}.ply"
        trimesh.creation.icosphere(subdivisions=4, radius=radius).export(path)
        ball = template_of_mesh(path, units="m")
        rngs = [np.random.default_rng(seed) for seed in range(6)]
        found.append([sample_coat(ball, rng).texture(ball.vertices) for rng in rngs])
    for small, large in zip(*found, strict=True):
        assert 0 <= small.min() <= small.max() <= 1
        assert np.abs(small - large).mean() < 0.01
        assert small.std(0).max() > 0.02
