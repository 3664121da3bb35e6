"""Frames that train and frames that validate: blocks of time, with a gap between them."""

import numpy as np
from numpy.typing import ArrayLike

from mvboot.datasets.schema import Splits
from mvboot.errors import InputError


def block_splits(
    frames: ArrayLike,
    validation: float = 0.2,
    blocks: int = 3,
    gap: int = 5,
    held_out_cameras: tuple[str, ...] = (),
    seed: int = 0,
) -> Splits:
    """Split a recording into blocks of neighbouring frames.

    Neighbouring frames look alike, so that frames drawn one by one would only test memory.

    Parameters
    ----------
    frames
        Frame numbers (F,).
    validation
        Share of the frames that validate, in [0, 1).
    blocks
        In how many stretches they lie, one at a random place in each part of the recording.
    gap
        Frames on either side of a stretch, by number, that are in neither split.
    held_out_cameras
        Cameras that never train.
    seed
        Of the places.

    Raises
    ------
    InputError
        A share outside [0, 1), no block, a negative gap, or too few frames for all that.
    """
    numbers = np.unique(np.asarray(frames, np.int64))
    if not 0 <= validation < 1 or blocks < 1 or gap < 0:
        raise InputError(
            f"splits need a share in [0, 1), a block and a gap from 0 on, got {validation}, "
            f"{blocks}, {gap}"
        )
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(numbers), bool)
    for part in np.array_split(np.arange(len(numbers)), blocks) if validation else ():
        length = round(validation * len(part))
        start = int(rng.integers(len(part) - length + 1)) if len(part) else 0
        chosen[part[start : start + length]] = True
    near = np.zeros_like(chosen)
    for edge in numbers[chosen]:
        low, high = np.searchsorted(numbers, [edge - gap, edge + gap + 1])
        near[low:high] = True
    train, validating = numbers[~near & ~chosen], numbers[chosen]
    if not len(train) or (validation > 0 and not len(validating)):
        raise InputError(
            f"{len(numbers)} frames are too few for {blocks} blocks of {validation:.0%} with gaps "
            f"of {gap}; ask for fewer blocks or smaller gaps"
        )
    return Splits(
        train=tuple(train.tolist()),
        validation=tuple(validating.tolist()),
        held_out_cameras=held_out_cameras,
    )
