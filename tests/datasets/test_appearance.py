"""Light, colour, blur and noise."""

import numpy as np
import pytest
from pydantic import ValidationError

from mvboot.datasets import Appearance, Augmentation

NONE = dict.fromkeys(("brightness", "contrast", "saturation", "colour", "blur_px", "noise"), 0.0)
PICTURE = np.random.default_rng(0).integers(40, 200, (32, 40, 3)).astype(np.uint8)


def changed(seed=1, picture=PICTURE, **settings):
    return (
        Appearance(**(NONE | settings)).changed(picture, np.random.default_rng(seed)).astype(float)
    )


def test_zeros_change_nothing():
    np.testing.assert_allclose(changed(), PICTURE, atol=1)


def test_each_does_its_own():
    plain = PICTURE.astype(float)
    seeds = range(20)
    gains = [changed(s, brightness=0.2).mean() / plain.mean() for s in seeds]
    assert min(gains) > 0.79 and max(gains) < 1.21 and np.std(gains) > 0.05
    assert all(abs(changed(s, contrast=0.2).mean() - plain.mean()) < 1 for s in seeds)
    assert np.std([changed(s, contrast=0.2).std() for s in seeds]) > 1
    grey = np.full((8, 8, 3), 99, np.uint8)
    assert all(np.abs(changed(s, grey, saturation=0.3) - 99).max() <= 1 for s in seeds)
    assert np.std([np.ptp(changed(s, grey, colour=0.1), axis=-1).mean() for s in seeds]) > 1
    assert min(changed(s, blur_px=2).std() for s in seeds) < 0.5 * plain.std()
    assert max((changed(s, grey, noise=0.05) - 99).std() for s in seeds) > 6


def test_values_stay_in_range():
    white = np.full((8, 8, 3), 255, np.uint8)
    for seed in range(5):
        found = Appearance().changed(white, np.random.default_rng(seed))
        assert found.dtype == np.uint8 and found.shape == white.shape and found.min() > 100


def test_settings_are_strict():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Augmentation(rotate=3)
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Augmentation(flip=2)
