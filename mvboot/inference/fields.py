"""Fields of a capture's pictures by a trained network."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from mvboot.datasets import Capture, Sample, SampleReader, View
from mvboot.fields import DenseField, write_field
from mvboot.files import safe_name
from mvboot.networks import DenseNetwork
from mvboot.networks.prediction import HardField


@torch.inference_mode()
def predicted(
    network: DenseNetwork, capture: Capture, views: Sequence[View], size: int, margin: float
) -> Iterator[DenseField]:
    """Yield the field of each view, on the cells of its crop about the subject.

    Parameters
    ----------
    network
        In evaluation mode, on any device.
    capture
        Its masks or keypoints say where the subject is; else the whole picture is taken.
    views
        Cameras and frames.
    size, margin
        Side of the crops in px, and room about the subject as a share of it: as in training.
    """
    reader = SampleReader(capture, size, network.stride, margin)
    device = next(network.parameters()).device
    for view in views:
        sample = reader.read([view])
        said = network(sample.images.to(device)).hard()
        yield _field(said, sample, network)


def store(field: DenseField, folder: Path) -> None:
    """Write a field as ``<camera>/<frame>.npz``, as in a capture."""
    write_field(field, folder / safe_name(field.camera, "camera") / f"{field.frame:06d}.npz")


def _field(said: HardField, sample: Sample, network: DenseNetwork) -> DenseField:
    view, grid = sample.views[0], sample.crops[0].strided(network.stride)
    coordinates = said.coordinates[0].movedim(0, -1).cpu().numpy()
    known = said.known[0].cpu().numpy()
    layers = (said.foreground[0].cpu().numpy(), said.confidence[0].cpu().numpy(), grid)
    where = (network.config.surface.topology, view.camera, view.frame, *layers)
    if said.part is not None:
        return DenseField.of_charts(said.part[0].cpu().numpy(), coordinates, *where)
    coordinates[~known] = float("nan")
    return DenseField.of_embedding(coordinates, *where)
