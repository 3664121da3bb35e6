"""Skin: every colour is one, faces have features, people differ."""

import numpy as np
import pytest

from mvboot.synthetic.studio.appearance.face import (
    BeardArea,
    Brows,
    Lips,
    MouthLine,
    face_origin,
    sample_iris,
)
from mvboot.synthetic.studio.appearance.skin import sample_skin, sample_tone
from mvboot.synthetic.studio.textures.colours import srgb_from_linear
from mvboot.template import load_template

HAIR = np.array([0.03, 0.02, 0.015])


@pytest.fixture(scope="module")
def body():
    return load_template("body")


def skin_of(body, seed, stubble=0.0):
    rng = np.random.default_rng(seed)
    tone = sample_tone(rng)
    return tone, sample_skin(body, tone, HAIR, stubble, None, rng)


@pytest.mark.parametrize("seed", range(4))
def test_colours_are_colours(body, seed):
    _, skin = skin_of(body, seed, stubble=0.5)
    colours = skin.texture(body.vertices)
    assert colours.shape == body.vertices.shape
    assert colours.min() >= 0
    assert colours.max() <= 1
    assert np.abs(skin.bump(body.vertices)).max() < 0.001


def test_the_same_random_numbers_give_the_same_skin(body):
    first, again = (skin_of(body, 7)[1].texture(body.vertices) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - skin_of(body, 8)[1].texture(body.vertices)).mean() > 0.01


def test_tones_range_from_pale_to_very_dark():
    tones = [sample_tone(np.random.default_rng(seed)).colour for seed in range(200)]
    display = 255 * srgb_from_linear(np.array(tones))
    assert display[:, 1].min() < 60
    assert display[:, 1].max() > 180
    # skin is never blue or green
    assert (display[:, 0] > display[:, 1]).all()
    assert (display[:, 1] > display[:, 2]).all()


def test_palms_and_soles_of_dark_skin_are_lighter(body):
    seeds = [seed for seed in range(40) if sample_tone(np.random.default_rng(seed)).dark > 0.6]
    tone, skin = skin_of(body, seeds[0])
    sole = body.vertices[body.vertices[:, 2] < 0.004]
    assert len(sole) > 5
    belly = body.vertices[np.argsort(np.linalg.norm(body.vertices - [0, -0.1, 1.1], axis=1))[:20]]
    assert skin.texture(sole).mean() > 1.2 * skin.texture(belly).mean()
    assert np.allclose(skin.texture(belly).mean(0), tone.colour, rtol=0.2)


def test_the_skin_is_not_of_one_colour_but_nearly_symmetric(body):
    _, skin = skin_of(body, 2)
    places = body.vertices[body.vertices[:, 2] < 1.3]
    colours = skin.texture(places)
    assert (colours.std(0) / colours.mean(0)).min() > 0.03
    mirrored = skin.texture(places * [-1, 1, 1])
    assert np.abs(colours - mirrored).mean() < 0.15 * colours.mean()


@pytest.mark.parametrize("side", [-1, 1])
def test_eyes_have_a_white_an_iris_and_a_pupil(body, side):
    tone, skin = skin_of(body, 11)
    origin = face_origin(body)
    along = np.linspace(-0.013, 0.013, 53)
    middle = origin + np.array([side * 0.0285, 0.0, -0.0055])
    across = skin.texture(middle + along[:, None] * [1.0, 0, 0])
    pupil, white = across[np.abs(along) < 0.0008], across[np.abs(np.abs(along) - 0.009) < 0.001]
    assert pupil.mean() < 0.05
    assert white.mean() > 3 * pupil.mean()
    # whites are grey, not skin
    saturation = 1 - white.min(1) / white.max(1)
    assert saturation.mean() < 0.65 * (1 - tone.colour.min() / tone.colour.max())


def test_features_of_the_face_are_where_they_belong(body):
    origin = face_origin(body)
    face = body.vertices[np.linalg.norm(body.vertices - origin, axis=1) < 0.13]
    nose = body.landmarks(body.vertices)[list(body.keypoints).index("nose")]
    for field, low, high in [
        (Brows(origin, 1, 0.008, 0.003), origin[2] + 0.005, origin[2] + 0.04),
        (Lips(origin, 0.023, 0.008, 0.01), nose[2] - 0.055, nose[2] - 0.01),
        (MouthLine(origin, 0.023), nose[2] - 0.05, nose[2]),
    ]:
        steps = np.linspace(-0.05, 0.05, 101)
        x, z = np.meshgrid(steps, origin[2] + np.linspace(-0.15, 0.1, 251))
        flat = np.stack([x.ravel(), np.full(x.size, origin[1]), z.ravel()], -1)
        strong = flat[field(flat) > 0.4]
        assert len(strong)
        assert low < strong[:, 2].min() <= strong[:, 2].max() < high
        # and nothing at the back of the head
        assert field(flat + [0, 0.17, 0]).max() == 0
        assert field(face).min() >= 0


def test_beards_leave_the_lips_and_the_forehead_free(body):
    origin = face_origin(body)
    lips, chin, forehead, back = origin + np.array(
        [[0, -0.015, -0.073], [0, 0, -0.1], [0, 0, 0.05], [0, 0.18, -0.1]]
    )
    depth = BeardArea(origin)(np.stack([lips, chin, forehead, back]))
    assert (depth > 0).tolist() == [False, True, False, False]
    cheek = origin + np.array([[0.06, 0.03, -0.075]])
    assert BeardArea(origin)(cheek) > 0
    assert BeardArea(origin, "goatee")(cheek) < 0
    assert BeardArea(origin, "moustache")(chin[None]) < 0


def test_stubble_darkens_the_chin_of_pale_skin(body):
    seeds = [seed for seed in range(40) if sample_tone(np.random.default_rng(seed)).dark < 0.2]
    chin = face_origin(body) + np.array([[x, 0.0, -0.1] for x in np.linspace(-0.02, 0.02, 30)])
    shaved, rough = (skin_of(body, seeds[0], s)[1].texture(chin).mean() for s in (0.0, 0.6))
    assert rough < 0.8 * shaved


def test_light_eyes_are_rare_on_dark_skin():
    rng = np.random.default_rng(0)
    blue = [
        np.mean([np.ptp(iris) > 0 and iris[2] > iris[0] for iris in irises])
        for irises in ([sample_iris(dark, rng) for _ in range(300)] for dark in (0.0, 0.95))
    ]
    assert blue[0] > 0.15
    assert blue[1] < 0.03
