"""Losses: pure functions of fields and what they should agree with, one value a sample."""

from mvboot.losses.affinity import (
    AffinityLoss,
    Matches,
    affinity_loss,
    likelihood,
    match_fields,
    normalised,
    unnormalised,
)
from mvboot.losses.epipolar import EpipolarError, expected_epipolar_error
from mvboot.losses.flow import FlowError
from mvboot.losses.hard import HardMatches, hard_matches
from mvboot.losses.parts import one_hot, with_parts
from mvboot.losses.residuals import Distance, PairError, Penalty, Residuals
from mvboot.losses.transfer import Sighting, transfer_rows
from mvboot.losses.warp import WarpError

__all__ = [
    "AffinityLoss",
    "Distance",
    "EpipolarError",
    "FlowError",
    "HardMatches",
    "Matches",
    "PairError",
    "Penalty",
    "Residuals",
    "Sighting",
    "WarpError",
    "affinity_loss",
    "expected_epipolar_error",
    "hard_matches",
    "likelihood",
    "match_fields",
    "normalised",
    "one_hot",
    "transfer_rows",
    "unnormalised",
    "with_parts",
]
