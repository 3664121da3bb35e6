"""Losses: pure functions of predictions and what they should agree with, one value a sample."""

from mvboot.losses.affinity import (
    AffinityLoss,
    Matches,
    affinity_loss,
    likelihood,
    match_fields,
    normalised,
    surprise,
    unnormalised,
)
from mvboot.losses.epipolar import EpipolarError, expected_epipolar_error
from mvboot.losses.flow import FlowError
from mvboot.losses.hard import HardMatches, hard_matches
from mvboot.losses.heatmap import heatmap_divergence, heatmap_loss
from mvboot.losses.keypointnet import KeypointNetWeights, KeypointViews, keypointnet_terms
from mvboot.losses.orientation import orientation_loss
from mvboot.losses.parts import one_hot, with_parts
from mvboot.losses.relative_pose import relative_pose_loss
from mvboot.losses.residuals import Distance, PairError, Penalty, Residuals
from mvboot.losses.separation import separation_loss
from mvboot.losses.silhouette import silhouette_loss
from mvboot.losses.sparse import expected_costs, heatmap_affinity, heaviest
from mvboot.losses.transfer import Sighting, transfer_rows
from mvboot.losses.variance import variance_loss
from mvboot.losses.view_consistency import carried_places, consistency_loss
from mvboot.losses.warp import WarpError

__all__ = [
    "AffinityLoss",
    "Distance",
    "EpipolarError",
    "FlowError",
    "HardMatches",
    "KeypointNetWeights",
    "KeypointViews",
    "Matches",
    "PairError",
    "Penalty",
    "Residuals",
    "Sighting",
    "WarpError",
    "affinity_loss",
    "carried_places",
    "consistency_loss",
    "expected_costs",
    "expected_epipolar_error",
    "hard_matches",
    "heatmap_affinity",
    "heatmap_divergence",
    "heatmap_loss",
    "heaviest",
    "keypointnet_terms",
    "likelihood",
    "match_fields",
    "normalised",
    "one_hot",
    "orientation_loss",
    "relative_pose_loss",
    "separation_loss",
    "silhouette_loss",
    "surprise",
    "transfer_rows",
    "unnormalised",
    "variance_loss",
    "with_parts",
]
