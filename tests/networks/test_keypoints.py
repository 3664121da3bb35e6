"""Networks of keypoints, on every backbone: the same network class, store and copies as fields."""

import pytest
import torch
from pydantic import ValidationError

from mvboot.errors import InputError
from mvboot.heatmaps import Bumps
from mvboot.losses import heatmap_loss
from mvboot.networks import (
    KeypointPrediction,
    KeypointTarget,
    NetworkConfig,
    OrientedNetwork,
    build_network,
    export_onnx,
    faces_right,
    load_network,
    save_network,
    update_average,
)
from mvboot.networks.averaging import frozen_copy

NAMES = ("nose", "hand_left", "hand_right")
TARGET = KeypointTarget(names=NAMES)
LATENT = KeypointTarget.latent(4, oriented=("nose", "tail"))


def network_of(target, **settings):
    return build_network(NetworkConfig(target=target, width=8, **settings), seed=1)


SMALL = {"small": {}, "dilated": {"backbone": "dilated", "stride": 1}}


@pytest.mark.parametrize("backbone", SMALL)
@pytest.mark.parametrize("target", [TARGET, LATENT], ids=["named", "latent"])
def test_shapes_and_round_trip(backbone, target, pictures, tmp_path):
    network = network_of(target, **SMALL[backbone])
    path = tmp_path / "network.safetensors"
    save_network(network, path, {"steps": 3})
    back = load_network(path).eval()
    assert back.config == network.config and type(back) is type(network)
    with torch.no_grad():
        one, other = network.eval()(pictures), back(pictures)
    cells = (32 // network.stride, 48 // network.stride)
    assert one.logits.shape == (4, len(target.names), *cells)
    assert torch.equal(one.logits, other.logits)
    assert (one.depth is not None) == target.depth
    assert (one.orientation is not None) == (target.oriented is not None)
    again = tmp_path / "again.safetensors"
    save_network(back, again, {"steps": 3})
    assert again.read_bytes() == path.read_bytes()


def test_a_keypoint_network_is_of_no_template(body, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(network_of(TARGET), path)
    with pytest.raises(InputError, match="the keypoints nose, hand_left, hand_right, not points"):
        load_network(path, body)
    with pytest.raises(InputError, match="keypoints, not points of a template"):
        _ = network_of(TARGET).config.surface


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": {"kind": "keypoints", "names": []}}, "at least 1 item"),
        ({"target": {"kind": "keypoints", "names": ["a", "a"]}}, "different names"),
        ({"target": {"kind": "keypoints", "names": ["a", ""]}}, "different names"),
        ({"target": {"kind": "keypoints", "names": ["a"], "blur": -1}}, "greater than or equal"),
        ({"target": TARGET, "stride": 1}, "'small' has no cells of 1 px"),
        ({"target": TARGET, "backbone": "dilated", "stride": 4}, "'dilated' has no cells of 4 px"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValidationError, match=message):
        NetworkConfig.model_validate(settings)


def test_a_cell_is_where_its_pixels_are():
    """Cell (i, j) has its centre at stride * (j, i) + (stride - 1) / 2, there and back."""
    points = torch.tensor([[[9.5, 21.5], [30.2, 11.9]]])
    blank = KeypointPrediction(torch.zeros(1, 2, 16, 20), 2, 1.0)
    maps = Bumps.at(blank.in_cells(points), 16, 20, 1.0).maps
    found = KeypointPrediction(maps.log() + 20, 2, 1.0)
    torch.testing.assert_close(found.decoded().xy, points, atol=5e-3, rtol=0)
    torch.testing.assert_close(found.moments.mean, points, atol=5e-3, rtol=0)
    torch.testing.assert_close(
        found.moments.covariance, 4.0 * torch.eye(2).expand(1, 2, 2, 2), atol=0.05, rtol=0
    )


def test_depths_are_read_under_the_maps():
    logits = torch.full((1, 1, 4, 4), -50.0)
    logits[0, 0, 1, 2] = 0
    depth = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert KeypointPrediction(logits, 1, 0.0, depth).depths.item() == pytest.approx(6)
    assert KeypointPrediction(logits, 1, 0.0).depths is None


def test_gradients_reach_every_parameter(pictures):
    for target in (TARGET, KeypointTarget.latent(3)):
        network = network_of(target)
        found = network(pictures)
        depths = torch.zeros(()) if found.depth is None else found.depths.square().sum()
        (found.logits.square().sum() + depths).backward()
        for name, values in network.named_parameters():
            assert values.grad is not None and values.grad.abs().max() > 0, name


def test_the_flag_is_told_or_found_and_passes_no_gradient(pictures):
    network = network_of(LATENT)
    assert isinstance(network, OrientedNetwork) and network.orientation.config.width == 8
    found = network(pictures)
    own = faces_right(found.orientation.moments.mean).float()
    told = network(pictures, own)
    torch.testing.assert_close(told.logits, found.logits)
    other = network(pictures, torch.where(torch.arange(4) == 1, 1 - own, torch.nan))
    changed = (other.logits - found.logits).abs().amax((1, 2, 3)) > 1e-6
    assert changed.tolist() == [False, True, False, False] and other.logits.isfinite().all()
    found.logits.sum().backward()
    assert all(values.grad is None for values in network.orientation.parameters())


def test_the_orientation_network_is_half_as_wide():
    widths = [
        NetworkConfig.keypointnet(5, ("a", "b"), **settings).orientation.width
        for settings in ({}, {"width": 32}, {"backbone": "small", "stride": 2})
    ]
    assert widths == [32, 16, 16]
    plain = NetworkConfig.keypointnet(5)
    assert plain.orientation is None and plain.channels == 3
    assert NetworkConfig.keypointnet(5, ("a", "b")).channels == 4


def test_averages_follow_statistics_of_batches_too(pictures):
    network = network_of(KeypointTarget.latent(2), **SMALL["dilated"])
    average = frozen_copy(network)
    network.train()(pictures)
    update_average(average, network, 0.5)
    for one, other in zip(average.buffers(), network.buffers(), strict=True):
        torch.testing.assert_close(one, other)
    found = average(pictures)
    alone = average(pictures[:1])
    torch.testing.assert_close(found.logits[:1], alone.logits, atol=1e-4, rtol=1e-4)


def test_learns_where_a_square_is():
    """Bright squares in the dark: after some steps the network finds others to half a pixel."""
    noise = torch.Generator().manual_seed(0)
    network = network_of(KeypointTarget(names=("square",)))
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for step in range(60):
        corner = torch.randint(4, 24, (8, 2), generator=noise)
        images = torch.zeros(8, 3, 32, 32)
        for image, (x, y) in zip(images, corner.tolist(), strict=True):
            image[:, y : y + 4, x : x + 4] = 255
        truth = corner + 1.5
        found = network(images)
        if step == 59:
            break
        cells = found.in_cells(truth[:, None])
        loss = heatmap_loss(found.logits, cells, torch.ones(8, 1), 1.0).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    decoded = found.decoded()
    assert (decoded.xy[:, 0] - truth).norm(dim=1).mean() < 0.6
    assert decoded.confidence.mean() > 0.9


@pytest.mark.slow
def test_onnx_gives_the_maps(pictures, tmp_path):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed (extras export and dev)")
    import onnxruntime

    network = network_of(LATENT).eval()
    export_onnx(network, tmp_path / "network.onnx", (48, 32))
    session = onnxruntime.InferenceSession(
        tmp_path / "network.onnx", providers=["CPUExecutionProvider"]
    )
    maps, depth = session.run(None, {"images": pictures.float().numpy()})
    with torch.no_grad():
        found = network(pictures)
    torch.testing.assert_close(torch.from_numpy(maps), found.probabilities, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.from_numpy(depth), found.depth, atol=1e-5, rtol=0)
