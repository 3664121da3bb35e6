import numpy as np
import pytest

from mvboot.synthetic.faults import Faults
from mvboot.synthetic.studio.sensor import BRIGHT, MIDDLE, developed, exposure_for
from mvboot.synthetic.studio.textures.colours import linear_from_srgb


def camera(**faults):
    return Faults(**faults).of_cameras(["a"], np.random.default_rng(0))["a"]


def test_a_perfect_sensor_stores_srgb():
    light = np.linspace(0, 1.2, 64).reshape(8, 8, 1) * np.ones(3)
    picture = developed(light, 1.0, camera(), np.random.default_rng(0))
    assert picture.dtype == np.uint8
    back = linear_from_srgb(picture / 255.0)
    np.testing.assert_allclose(back, np.clip(light, 0, 1), atol=0.006)


def test_noise_has_the_size_that_was_asked_for_and_grows_with_light():
    own = camera(noise=0.01)
    spread = []
    for level in (0.2, 0.9):
        light = np.full((100, 100, 3), level)
        picture = developed(light, 1.0, own, np.random.default_rng(1))
        spread.append(linear_from_srgb(picture / 255.0).std())
    np.testing.assert_allclose(spread, 0.01 * np.sqrt(1 + 3 * np.array([0.2, 0.9])), rtol=0.1)


def test_vignetting_darkens_the_corners():
    light = np.full((33, 33, 3), 0.5)
    picture = developed(light, 1.0, camera(vignetting=0.4), np.random.default_rng(0))
    linear = linear_from_srgb(picture / 255.0)
    assert linear[0, 0, 0] / linear[16, 16, 0] == pytest.approx(0.6, abs=0.02)


def test_exposure_suits_dark_and_bright_scenes():
    rng = np.random.default_rng(0)
    light = rng.uniform(0.1, 0.3, (500, 3))
    for scale in (1e-3, 1.0, 1e3):
        exposed = exposure_for(scale * light) * scale * light
        assert np.exp(np.log(exposed.mean(1)).mean()) == pytest.approx(MIDDLE, rel=0.05)
    glare = np.concatenate([light, np.full((100, 3), 50.0)])
    assert exposure_for(glare) * 50 <= BRIGHT + 1e-9
    assert exposure_for(np.zeros((10, 3))) == 1
