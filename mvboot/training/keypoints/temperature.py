"""How sure a detector may be: its beliefs against labels that it has not learned from.

Networks are surer on new pictures than they are right. One number, by which all logits are
divided, takes most of that away (Guo et al., "On calibration of modern neural networks", ICML
2017): the one with the smallest loss on held-out labels.
"""

import torch
from torch import Tensor

from mvboot.losses import heatmap_loss
from mvboot.networks import DenseNetwork, KeypointPrediction, KeypointTarget
from mvboot.training.keypoints.batches import KeypointData
from mvboot.training.keypoints.labels import keypoint_labels, predicted_keypoints

LOW, HIGH, STEPS = 0.5, 8.0, 41
MOST = 100
"""Groups of held-out views that are looked at, evenly spread."""
FEWEST = 30
"""Labels below which nothing is fitted."""


@torch.no_grad()
def cooled(network: DenseNetwork, data: KeypointData) -> DenseNetwork:
    """Set the temperature of a network by the labels of held-out frames, and return it.

    It stays as it is where fewer than `FEWEST` keypoints are labelled there, or no frame is held
    out.
    """
    target = network.config.target
    assert isinstance(target, KeypointTarget)
    if not data.is_held_out:
        return network
    device = next(network.parameters()).device
    temperatures = torch.linspace(0, 1, STEPS).mul(torch.tensor(HIGH / LOW).log()).exp() * LOW
    total, count = torch.zeros(STEPS, dtype=torch.float64), 0
    places = range(0, len(data.validation), max(1, len(data.validation) // MOST))
    for place in places:
        sample = data.validation[place]
        if not {*target.names} <= {*sample.keypoint_names}:
            return network
        points, weight = keypoint_labels(sample, target.names)
        prediction = predicted_keypoints(network.eval(), sample.images.to(device))
        known = weight > 0
        count += int(known.sum())
        total += _losses(prediction, points, known, temperatures)
    if count < FEWEST:
        return network
    best = float(temperatures[total.argmin()])
    network.set_target(target.model_copy(update={"temperature": best}))
    return network


def _losses(
    prediction: KeypointPrediction, points: Tensor, known: Tensor, temperatures: Tensor
) -> Tensor:
    """Return the sum of the losses of all known labels at each temperature."""
    logits, cells = prediction.logits.cpu().float(), prediction.in_cells(points).float()
    counts = known.sum(1)
    losses = [heatmap_loss(logits / t, cells, known.float(), prediction.blur) for t in temperatures]
    return torch.stack([(loss * counts).sum() for loss in losses]).double()
