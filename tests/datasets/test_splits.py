"""Blocks of frames that validate, with a gap to those that train."""

import numpy as np
import pytest

from mvboot.datasets import block_splits
from mvboot.errors import InputError


@pytest.mark.parametrize("seed", range(5))
def test_blocks_have_a_gap_around_them(seed):
    frames = np.arange(1000, 1300)
    splits = block_splits(frames, 0.2, blocks=3, gap=5, seed=seed)
    train, validation = np.array(splits.train), np.array(splits.validation)
    assert len(validation) == 60
    assert (np.diff(validation) > 1).sum() <= 2
    assert np.abs(train[:, None] - validation).min() == 6
    assert len(train) >= 240 - 3 * 2 * 5
    assert set(train) | set(validation) <= set(frames)
    assert splits == block_splits(frames, 0.2, blocks=3, gap=5, seed=seed)


def test_places_follow_from_the_seed():
    assert len({block_splits(range(100), seed=seed).validation for seed in range(10)}) > 5


def test_gaps_count_frame_numbers():
    splits = block_splits(np.arange(0, 300, 10), 0.1, blocks=1, gap=5)
    assert len(splits.train) == 27 and len(splits.validation) == 3


def test_no_validation_and_cameras_held_out():
    splits = block_splits(range(10), 0.0, held_out_cameras=("top",))
    assert splits.train == tuple(range(10)) and splits.validation == ()
    assert splits.held_out_cameras == ("top",)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(InputError, match=r"3 frames are too few for 3 blocks of 20%"):
        block_splits(range(3))
    with pytest.raises(InputError, match=r"too few .* gaps of 50"):
        block_splits(range(30), gap=50)
    for wrong in ({"validation": 1.0}, {"blocks": 0}, {"gap": -1}):
        with pytest.raises(InputError, match="splits need"):
            block_splits(range(30), **wrong)
