"""ONNX: another runtime says the same."""

import sys

import numpy as np
import pytest
import torch

from mvboot.errors import InputError
from mvboot.networks import NetworkConfig, export_onnx
from mvboot.networks.onnx import output_names


def needed(*names):
    for name in names:
        pytest.importorskip(name, reason=f"{name} is not installed (extras export and dev)")


@pytest.mark.slow
def test_the_same_output_in_another_runtime(network, pictures, tmp_path):
    needed("onnx", "onnxscript", "onnxruntime")
    import onnxruntime

    path = tmp_path / "network.onnx"
    export_onnx(network, path, (48, 32))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == list(output_names(network))
    stored = session.get_modelmeta().custom_metadata_map["mvboot"]
    assert NetworkConfig.model_validate_json(stored) == network.config
    for count in (1, 4):
        images = pictures[:count]
        found = session.run(None, {"images": images.numpy().astype(np.float32)})
        with torch.no_grad():
            prediction = network(images)
        for name, values in zip(output_names(network), found, strict=True):
            np.testing.assert_allclose(values, getattr(prediction, name), atol=1e-5, rtol=0)


def test_a_size_that_does_not_fit(network, tmp_path):
    needed("onnx", "onnxscript")
    with pytest.raises(InputError, match="use 48 x 32 px"):
        export_onnx(network, tmp_path / "network.onnx", (50, 32))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_without_the_extra(network, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "onnx", sys)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"needs {name}, .*install mvboot\[export\]"):
        export_onnx(network, tmp_path / "network.onnx", (48, 32))
