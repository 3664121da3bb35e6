"""DenseNetwork: pictures of every kind in, learning, and what it refuses."""

import copy

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy_of
from torch.nn.functional import cross_entropy, interpolate, mse_loss

from mvboot.errors import InputError
from mvboot.networks import NetworkConfig, build_network


def tensors(prediction):
    return [value for value in vars(prediction).values() if isinstance(value, torch.Tensor)]


def assert_same(a, b, **tolerance):
    for one, other in zip(tensors(a), tensors(b), strict=True):
        torch.testing.assert_close(one, other, **tolerance)


EXACT = {"atol": 0, "rtol": 0}


@pytest.mark.parametrize(
    ("stride", "size"), [(2, (96, 96)), (2, (16, 48)), (4, (112, 64)), (8, (32, 32))]
)
def test_shapes(config, stride, size):
    network = build_network(config.model_copy(update={"stride": stride}))
    found = network(torch.zeros(2, 3, *size))
    cells = (size[0] // stride, size[1] // stride)
    assert found.stride == network.stride == stride
    assert found.foreground.shape == found.confidence.shape == (2, *cells)
    if config.target.kind == "embedding":
        assert found.embedding.shape == (2, 2, *cells)
    else:
        assert found.part_logits.shape == (2, 4, *cells)
        assert found.uv.shape == (2, 3, 2, *cells)


def test_the_same_seed_gives_the_same_network(config, pictures):
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, other = build_network(config, seed=5), build_network(config, seed=5)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert_same(one(pictures), other(pictures), **EXACT)
    last = build_network(config, seed=6)(pictures)
    assert not torch.equal(last.foreground_logit, one(pictures).foreground_logit)


def test_bytes_and_floats_say_the_same(network, pictures):
    for kind in (torch.float32, torch.float64, torch.float16):
        assert_same(network(pictures), network(pictures.to(kind)), **EXACT)


def test_pictures_are_normalised_inside(config, pictures):
    own = config.model_copy(update={"mean": (10.0, 20.0, 30.0), "std": (1.0, 2.0, 4.0)})
    found = build_network(own).normalised(pictures)
    torch.testing.assert_close(found[:, 2], (pictures[:, 2].float() - 30) / 4)


def test_no_picture_changes_another(network, pictures):
    alone = [network.train()(picture[None]) for picture in pictures]
    together = network(pictures)
    for index, found in enumerate(alone):
        for one, all_ in zip(tensors(found), tensors(together), strict=True):
            torch.testing.assert_close(one[0], all_[index], atol=1e-5, rtol=1e-5)


def test_gradients_reach_every_parameter(network, pictures):
    found = network(pictures)
    sum(layer.square().sum() for layer in tensors(found)).backward()
    for name, values in network.named_parameters():
        assert values.grad is not None and values.grad.abs().max() > 0, name


def test_half_precision_is_finite_and_near(network, pictures):
    with torch.autocast("cpu", torch.bfloat16):
        found = network(pictures)
    for layer in tensors(found):
        assert layer.dtype == torch.float32
        assert layer.isfinite().all()
    assert_same(found, network(pictures), atol=0.1, rtol=0.1)


def smooth(channels, generator):
    """Return random maps (4, channels, 16, 16) in 0..1 that vary slowly."""
    coarse = torch.rand(4, channels, 4, 4, generator=generator)
    return interpolate(coarse, size=(16, 16), mode="bilinear")


def loss_of(found, truth, part):
    """Return the cross entropy of parts or foreground and the error of coordinates in 0..1."""
    if hasattr(found, "embedding"):
        center, scale = torch.tensor([[0.1, 0.0], [0.8, 0.3]])[..., None, None]
        coordinates = ((found.embedding - center) / scale + 1) / 2
        subject = (part > 0).float()
        return cross_entropy_of(found.foreground_logit, subject) + mse_loss(coordinates, truth)
    known = (part > 0)[:, None]
    return cross_entropy(found.part_logits, part) + mse_loss(found.uv_of(part), truth * known)


@pytest.mark.slow
def test_learns_four_pictures_by_heart(config):
    network = build_network(config.model_copy(update={"width": 16}))
    noise = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (4, 3, 32, 32), generator=noise, dtype=torch.uint8)
    truth = 0.3 + 0.4 * smooth(2, noise)
    part = (10 * smooth(1, noise)[:, 0] - 3.5).long().clamp(0, 3)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(80):
        loss = loss_of(network(images), truth, part)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0], losses[::10]


def test_copies_are_independent(network, pictures):
    other = copy.deepcopy(network)
    before = other(pictures)
    with torch.no_grad():
        network.head.read.weight.add_(1)
    assert_same(other(pictures), before, **EXACT)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 32, 32), r"must be \(N, 3, h, w\), got \(3, 32, 32\)"),
        (torch.zeros(1, 32, 32, 3), r"must be \(N, 3, h, w\)"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.int64), "uint8 or floating point.*int64"),
        (torch.zeros(1, 3, 32, 100), "100 x 32 px do not fit.*multiples of 16 px; use 96 x 32 px"),
        (torch.zeros(1, 3, 5, 16), "use 16 x 16 px"),
        (torch.zeros(1, 3, 0, 16), "16 x 0 px do not fit"),
    ],
)
def test_wrong_pictures(network, images, message):
    with pytest.raises(InputError, match=message):
        network(images)


def test_the_config_travels_with_the_network(config, network):
    assert network.config == config
    assert NetworkConfig.model_validate(network.config.model_dump()) == config
