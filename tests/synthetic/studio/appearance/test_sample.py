"""A look for any template: people, animals, things."""

import numpy as np
import pytest
import trimesh

from mvboot.errors import InputError
from mvboot.synthetic.studio.appearance import sample_look
from mvboot.template import load_template, template_of_mesh


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    path = tmp_path_factory.mktemp("ball") / "ball.ply"
    trimesh.creation.icosphere(subdivisions=3, radius=0.4).export(path)
    return template_of_mesh(path, units="m")


def template_named(name, ball):
    return ball if name == "ball" else load_template(name)


def look_of(template, seed):
    rng = np.random.default_rng(seed)
    return sample_look(template, 0.8 * rng.standard_normal(template.n_shapes), rng)


@pytest.mark.parametrize("name", ["body", "quadruped", "ball"])
def test_the_same_random_numbers_give_the_same_look(name, ball):
    template = template_named(name, ball)
    first, again, other = (look_of(template, seed) for seed in (1, 1, 2))
    colours, repeated, different = (
        look.skin.texture(template.vertices) for look in (first, again, other)
    )
    np.testing.assert_array_equal(colours, repeated)
    assert np.abs(colours - different).mean() > 0.005
    np.testing.assert_array_equal(first.bare, again.bare)
    assert [p.name for p in first.pieces] == [p.name for p in again.pieces]


@pytest.mark.parametrize("name", ["body", "quadruped", "ball"])
@pytest.mark.parametrize("seed", range(3))
def test_colours_and_weights_are_valid(name, seed, ball):
    template = template_named(name, ball)
    look = look_of(template, seed)
    assert look.bare.shape == (len(template.faces),)
    worn = [(look.skin, template.vertices)] + [(p.material, p.places) for p in look.pieces]
    for material, places in worn:
        colours = material.texture(places)
        assert colours.shape == places.shape
        assert 0 <= colours.min() <= colours.max() <= 1
        assert 0 <= material.gloss <= 1
    for piece in look.pieces:
        assert piece.weights.shape == (len(piece.vertices), len(template.skeleton.names))
        assert piece.weights.data.min() >= 0
        np.testing.assert_allclose(np.asarray(piece.weights.sum(axis=1)).ravel(), 1, atol=1e-9)


@pytest.mark.slow
def test_people_wear_clothes_and_most_have_hair(ball):
    body = load_template("body")
    looks = [look_of(body, seed) for seed in range(6)]
    assert all(not look.bare.all() for look in looks)
    assert sum(any(p.name == "hair" for p in look.pieces) for look in looks) >= 3


def test_other_things_wear_nothing(ball):
    look = look_of(ball, 0)
    assert look.bare.all()
    assert not look.pieces


def test_people_wear_what_they_are_told():
    body = load_template("body")
    shape = np.zeros(body.n_shapes)
    told = sample_look(body, shape, np.random.default_rng(1), ("cycling_shorts", "swimming_cap"))
    names = [piece.name for piece in told.pieces]
    assert names[:2] == ["cycling_shorts", "swimming_cap"]
    assert not {"t_shirt", "sneaker_left"} & set(names)
    chest = body.vertices[body.faces].mean(1)[:, 2]
    assert told.bare[(chest > 1.1) & (chest < 1.3)].all()


def test_only_people_wear_clothes(ball):
    with pytest.raises(InputError, match="only the shipped body wears clothes"):
        sample_look(ball, np.zeros(ball.n_shapes), np.random.default_rng(1), ("shorts",))
