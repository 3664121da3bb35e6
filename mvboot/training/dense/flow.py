"""Optical flow between two views of a sample by one camera, in px of the original pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.datasets import Sample
from mvboot.datasets.crops import cut
from mvboot.fields import Crop

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]
SLACK, SLACK_PX = 0.01, 0.5
"""There and back may miss by this share of the squared lengths, and by so much (px^2) besides."""
SEEN = 0.99
"""Share of a pixel that must lie inside the other crop."""


def flow_of_cells(sample: Sample, a: int, b: int, stride: int) -> tuple[Floats, Floats]:
    """Return by how much the cells of two pictures of one camera move to the other picture.

    Parameters
    ----------
    sample
        Its views; ``a`` and ``b`` are mirrored both or neither.
    a, b
        Places of the two.
    stride
        Side of a cell in crop px.

    Returns
    -------
    Displacements (h, w, 2) from a to b and from b to a, px of the original pictures. NaN where the
    way there and the way back do not agree, as for what is hidden in one of the two, and outside
    either crop.

    Both ways are found on the pixels of the crop a, on which b is laid by the known maps: so crops
    that were turned or resized differently do not look as if the subject had moved. Dense inverse
    search after Kroeger et al., ECCV 2016; the check after Sundaram et al., ECCV 2010.
    """
    crop, other = sample.crops[a], sample.crops[b]
    b_from_a = Crop(other.crop_from_original, other.size).of(crop)
    here, there = (_grey(sample, view) for view in (a, b))
    seen = cut(np.ones(there.shape, np.float32), b_from_a) >= SEEN
    moved = _alike(cut(there, b_from_a), here, seen)
    forth, back = _flow(here, moved), _flow(moved, here)
    back[~seen] = np.nan
    cells_a, cells_b = (crop.to_crop(c.strided(stride).centers()) for c in (crop, other))
    linear = crop.original_from_crop[:, :2].T
    return (
        _at(_agreeing(forth, back), cells_a) @ linear,
        _at(_agreeing(back, forth), cells_b) @ linear,
    )


def _grey(sample: Sample, view: int) -> Grey:
    picture = sample.images[view].permute(1, 2, 0).cpu().numpy()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _alike(picture: Grey, like: Grey, seen: NDArray[np.bool_]) -> Grey:
    """Undo differences of light, which augmentation draws for each view."""
    if not seen.any():
        return picture
    own, wanted = picture[seen].astype(np.float64), like[seen].astype(np.float64)
    gain = wanted.std() / max(float(own.std()), 1.0)
    values = (picture - own.mean()) * gain + wanted.mean()
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)


def _flow(here: Grey, there: Grey) -> NDArray[np.float32]:
    """Return displacements (h, w, 2) px."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    at_rest = np.zeros((*here.shape, 2), np.float32)
    return np.asarray(search.calc(here, there, at_rest), np.float32)


def _agreeing(flow: NDArray[np.float32], back: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the flow, NaN where the way back from its end does not lead home."""
    y, x = np.indices(flow.shape[:2], dtype=np.float32)
    returned = _at(back, np.stack([x, y], -1) + flow)
    missed = np.square(flow + returned).sum(-1)
    allowed = SLACK * (np.square(flow) + np.square(returned)).sum(-1) + SLACK_PX
    return np.where((missed <= allowed)[..., None], flow, np.float32(np.nan))


def _at(values: NDArray[np.float32], places: NDArray[np.floating]) -> Floats:
    """Return values (h, w, 2) at places (h', w', 2), bilinear; NaN next to unknown ones."""
    x, y = np.moveaxis(places.astype(np.float32), -1, 0)
    found = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderValue=(np.nan,) * 4)
    return np.asarray(found, np.float64)
