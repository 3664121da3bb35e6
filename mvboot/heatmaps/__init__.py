"""Heat maps: one map of cells a keypoint, as logits; reading, decoding and targets of them."""

from mvboot.heatmaps.decoding import Decoded, decode
from mvboot.heatmaps.readout import Moments, expected, moments, probabilities
from mvboot.heatmaps.targets import Bumps

__all__ = ["Bumps", "Decoded", "Moments", "decode", "expected", "moments", "probabilities"]
