"""Networks for other programs: ONNX."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.networks.averaging import frozen_copy
from mvboot.networks.config import KeypointTarget
from mvboot.networks.model import DenseNetwork
from mvboot.networks.prediction import (
    ChartsPrediction,
    EmbeddingPrediction,
    KeypointPrediction,
)

INPUT = "images"


class Outputs(nn.Module):
    """A network that gives plain tensors: what `output_names` says."""

    def __init__(self, network: DenseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return foreground, confidence and the coordinates, or heat maps and depths."""
        found = self.network(images)
        if isinstance(found, KeypointPrediction):
            maps = (found.probabilities, found.depth)
            return tuple(one for one in maps if one is not None)
        both = (found.foreground, found.confidence)
        if isinstance(found, EmbeddingPrediction):
            return (*both, found.embedding)
        assert isinstance(found, ChartsPrediction)
        return (*both, found.part_probabilities, found.uv)


def output_names(network: DenseNetwork) -> tuple[str, ...]:
    """Return the names of a file's outputs, which are attributes of the prediction."""
    target = network.config.target
    if isinstance(target, KeypointTarget):
        return ("probabilities", "depth") if target.depth else ("probabilities",)
    if target.kind == "charts":
        return ("foreground", "confidence", "part_probabilities", "uv")
    return ("foreground", "confidence", "embedding")


def export_onnx(network: DenseNetwork, path: str | Path, size: tuple[int, int]) -> None:
    """Write a network for pictures of one size (width, height), any number at a time.

    The input ``images`` is float32 (N, 3, height, width), RGB in 0..255; the outputs are those of
    `output_names`. The configuration is in the metadata under ``mvboot``. InputError where the
    extra ``export`` is missing or the size does not fit the network.
    """
    onnx = _onnx()
    model = _exported(network, size).model_proto
    with atomic_file(path) as partial:
        onnx.helper.set_model_props(model, {"mvboot": network.config.model_dump_json()})
        onnx.checker.check_model(model)
        onnx.save(model, partial)


def _exported(network: DenseNetwork, size: tuple[int, int]) -> Any:
    model = Outputs(frozen_copy(network).cpu())
    images = torch.zeros(2, 3, size[1], size[0])
    model(images)  # a size that does not fit is refused here, in plain words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own parts
        return torch.onnx.export(
            model,
            (images,),
            input_names=[INPUT],
            output_names=list(output_names(network)),
            dynamic_shapes={INPUT: {0: torch.export.Dim("pictures")}},
            dynamo=True,
            verbose=False,
        )


def _onnx() -> Any:
    try:
        import onnx
        import onnxscript  # noqa: F401  (what torch writes with)
    except ModuleNotFoundError as error:
        raise InputError(
            f"writing ONNX needs {error.name}, which is not installed; install mvboot[export]"
        ) from None
    return onnx
