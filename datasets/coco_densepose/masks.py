"""Masks of body parts as COCO-DensePose stores them: run lengths in the frame of a person's box."""

import cv2
import numpy as np

BOX = 256
"""Labels and masks count this many pixels along each side of a person's box."""


def part_mask(masks, box, size):
    """Return the union of the part masks, which fill the person's box, on the picture."""
    whole = np.zeros((BOX, BOX), np.float32)
    for mask in masks:
        if mask:
            whole = np.maximum(whole, decoded(mask["counts"], *mask["size"]))
    x, y, w, h = box
    # columns and lines of a mask lie between those of the box: half a pixel at both ends
    to_mask = np.array(
        [[BOX / w, 0, (0.5 - x) * BOX / w - 0.5], [0, BOX / h, (0.5 - y) * BOX / h - 0.5]]
    )
    return cv2.warpAffine(whole, to_mask, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)


def decoded(text, height, width):
    """Return a mask (h, w) from COCO's run lengths: column by column, off and on in turn.

    Each length is written in groups of five bits from 48 on, lowest first; from the third run on
    it is the difference to the one before the last.
    """
    runs, value, shift = [], 0, 0
    for code in text.encode():
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= 1 << shift if bits & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    flat = np.repeat(np.arange(len(runs)) % 2, runs)
    if flat.size != height * width:
        raise ValueError(f"a mask has {flat.size} pixels instead of {height * width}")
    return flat.reshape(width, height).T
