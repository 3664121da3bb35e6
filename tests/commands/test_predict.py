import json

import av
import numpy as np
import pytest
import torch

from mvboot.fields import read_field
from mvboot.networks import NetworkConfig, build_network, save_network
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import load_template


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    settings = SynthSettings(cameras=2, frames=3, size=64, samples=1, occluders=0, seed=2)
    return synthesise(settings, tmp_path_factory.mktemp("data") / "capture")


@pytest.fixture(scope="module", params=["embedding", "charts"])
def model(request, tmp_path_factory):
    """Return a network that takes every cell for the subject."""
    network = build_network(NetworkConfig.for_template(load_template("body"), request.param))
    bias = network.head.read.bias
    torch.nn.init.constant_(bias[1:2] if request.param == "charts" else bias[:1], 0.0)
    with torch.no_grad():
        bias[: 1 if request.param == "embedding" else 25] += 3.0
        if request.param == "charts":
            bias[1] -= 8.0  # the background
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_network(network, path, {"settings": {"size": 32, "margin": 0.2}})
    return path


@pytest.mark.slow
def test_fields_and_overlays_of_a_capture(mvboot, data, model, tmp_path):
    out = tmp_path / "out"
    result = mvboot("predict", "--model", model, "--data", data.folder, "--out", out, "--overlay")
    assert result.code == 0, result.err
    summary = json.loads((out / "summary.json").read_text())
    assert summary["fields"] == 6 and summary["size"] == 32
    field = read_field(out / "fields" / "cam_02" / "000001.npz")
    assert field.shape == (16, 16) and field.topology == data.topology
    inside = field.grid.to_original([[0, 0], [15, 15]])
    assert np.abs(inside).max() < 90
    with av.open(str(out / "overlay" / "cam_01.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 3
    assert mvboot("predict", "--model", model, "--data", data.folder, "--out", out).code == 2


@pytest.mark.slow
def test_what_is_predicted_can_be_evaluated(mvboot, data, model, tmp_path):
    some = ("--data", data.folder, "--split", "train")
    fields = tmp_path / "fields"
    assert mvboot("predict", "--model", model, *some, "--out", fields).code == 0
    result = mvboot("evaluate", *some, "--fields", fields, "--out", tmp_path / "e", "--json")
    assert result.code == 0, result.err
    assert "surface" in json.loads(result.out)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--split", "test"), "none of train, validation, all"),
        (("--cameras", "left"), "no camera 'left'"),
        (("--split", "validation"), "no picture in the validation frames"),
        (("--model", "nowhere"), "no such network"),
        (("--size", "33"), "33"),
        (("--size", "50"), "use 48 x 48 px"),
        (("--size", "100000000"), "size: "),
        (("--margin", "nan"), "margin: "),
        (("--margin", "-1"), "margin: "),
    ],
)
def test_what_cannot_be_predicted(mvboot, data, model, tmp_path, arguments, words):
    given = {"--model": model, "--data": data.folder, "--out": tmp_path / "out"}
    given |= dict([arguments])
    words_given = ("predict", *(word for pair in given.items() for word in pair))
    assert mvboot(*words_given, "--dry-run").code == 2
    result = mvboot(*words_given)
    assert result.code == 2
    assert words in result.err and len(result.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
