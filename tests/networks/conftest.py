import pytest
import torch

from mvboot.networks import ChartsTarget, EmbeddingTarget, NetworkConfig, build_network
from mvboot.template import load_template

MESH = "0123456789abcdef"
KINDS = ("embedding", "charts")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def body():
    return load_template("body")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def target(kind):
    if kind == "charts":
        return ChartsTarget(topology=MESH, parts=("arm", "leg", "head"))
    return EmbeddingTarget(topology=MESH, units="m", center=(0.1, 0.0), scale=(0.8, 0.3))


@pytest.fixture
def config(kind):
    return NetworkConfig(target=target(kind), width=8)


@pytest.fixture
def network(config):
    return build_network(config, seed=3)


@pytest.fixture
def pictures():
    """Return four pictures of 32 x 48 px of noise."""
    noise = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (4, 3, 32, 48), generator=noise, dtype=torch.uint8)
