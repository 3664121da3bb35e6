"""Networks: pictures in, dense keypoints with their confidence out."""

from mvboot.networks.averaging import frozen_copy, update_average
from mvboot.networks.config import ChartsTarget, EmbeddingTarget, NetworkConfig
from mvboot.networks.model import DenseNetwork, build_network
from mvboot.networks.onnx import export_onnx
from mvboot.networks.prediction import (
    ChartsPrediction,
    DensePrediction,
    EmbeddingPrediction,
    HardField,
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
    "NetworkConfig",
    "NetworkHeader",
    "build_network",
    "export_onnx",
    "frozen_copy",
    "load_network",
    "read_header",
    "save_network",
    "update_average",
]
