"""Networks: pictures in, dense or sparse keypoints with their confidence out."""

from mvboot.networks.averaging import frozen_copy, update_average
from mvboot.networks.config import (
    ChartsTarget,
    EmbeddingTarget,
    KeypointTarget,
    NetworkConfig,
)
from mvboot.networks.model import DenseNetwork, OrientedNetwork, build_network, faces_right
from mvboot.networks.onnx import export_onnx
from mvboot.networks.prediction import (
    ChartsPrediction,
    DensePrediction,
    EmbeddingPrediction,
    HardField,
    KeypointPrediction,
    Prediction,
)
from mvboot.networks.store import NetworkHeader, load_network, read_header, save_network

__all__ = [
    "ChartsPrediction",
    "ChartsTarget",
    "DenseNetwork",
    "DensePrediction",
    "EmbeddingPrediction",
    "EmbeddingTarget",
    "HardField",
    "KeypointPrediction",
    "KeypointTarget",
    "NetworkConfig",
    "NetworkHeader",
    "OrientedNetwork",
    "Prediction",
    "build_network",
    "export_onnx",
    "faces_right",
    "frozen_copy",
    "load_network",
    "read_header",
    "save_network",
    "update_average",
]
