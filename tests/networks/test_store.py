"""Networks in files: nothing lost, nothing else accepted."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import mvboot
from mvboot.errors import InputError
from mvboot.networks import NetworkConfig, build_network, load_network, read_header, save_network


@pytest.fixture
def stored(network, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(network, path, {"capture": "walk", "steps": 12})
    return path


def rewritten(path, weights=None, **changes):
    """Write the file again with another header or other weights."""
    with open(path, "rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(json.loads(stream.read(size))["__metadata__"]["mvboot"])
    header = {name: value for name, value in (header | changes).items() if value is not None}
    save_file(weights or load_file(path), path, {"mvboot": json.dumps(header)})
    return path


def test_a_network_comes_back_bit_for_bit(network, stored, pictures):
    found = load_network(stored)
    assert found.config == network.config
    for one, other in zip(network.parameters(), found.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(network(pictures).foreground, found(pictures).foreground)


def test_the_same_network_gives_the_same_bytes(network, stored, tmp_path):
    again = tmp_path / "again.safetensors"
    save_network(load_network(stored), again, {"capture": "walk", "steps": 12})
    assert again.read_bytes() == stored.read_bytes()


def test_the_header_says_where_it_came_from(network, stored):
    header = read_header(stored)
    assert header.config == network.config
    assert header.version == mvboot.__version__
    assert header.provenance == {"capture": "walk", "steps": 12}


def test_only_for_its_template(body, tmp_path):
    network = build_network(NetworkConfig.for_template(body, width=8))
    path = tmp_path / "network.safetensors"
    save_network(network, path)
    assert load_network(path, body).config == network.config
    other = dataclasses.replace(body, faces=body.faces[::-1])
    with pytest.raises(InputError, match=r"network\.safetensors: was made with the template"):
        load_network(path, other)


def test_files_that_are_no_networks(stored, tmp_path):
    with pytest.raises(InputError, match=r"none\.safetensors: there is no such network"):
        load_network(tmp_path / "none.safetensors")
    content = stored.read_bytes()
    for damaged in (b"", content[:5], content[:200], content[:-7], b"\xff" * 64):
        stored.write_bytes(damaged)
        for read in (load_network, read_header):
            with pytest.raises(InputError, match=r"network\.safetensors: cannot be read"):
                read(stored)
    save_file({"a": torch.zeros(2)}, stored)
    with pytest.raises(InputError, match="not of a network of mvboot"):
        load_network(stored)
    save_file({"a": torch.zeros(2)}, stored, {"mvboot": "{"})
    with pytest.raises(InputError, match="damaged header"):
        load_network(stored)


def test_other_versions_and_unknown_settings(network, stored):
    with pytest.raises(InputError, match=r"has schema 2 \(mvboot .*\), this version reads 1"):
        load_network(rewritten(stored, schema=2))
    config = network.config.model_dump(mode="json")
    with pytest.raises(InputError, match=r"network\.safetensors: .*unknown key.*backbone"):
        load_network(rewritten(stored, schema=1, config=config | {"backbones": "small"}))
    with pytest.raises(InputError, match="damaged header"):
        load_network(rewritten(stored, config=config, version=None))


def test_weights_that_do_not_fit(network, stored):
    weights = {name: values.clone() for name, values in network.state_dict().items()}
    name = "head.read.bias"
    without = {key: values for key, values in weights.items() if key != name}
    spoilt = weights | {name: torch.full_like(weights[name], torch.nan)}
    for given, message in (
        (without, "lacks weights head.read.bias"),
        (weights | {"a": torch.zeros(1), "b": torch.zeros(1)}, "unknown weights a and 1 more"),
        (weights | {name: torch.zeros(99)}, r"head.read.bias of shape \(99,\)"),
        (spoilt, "head.read.bias that are not numbers"),
    ):
        with pytest.raises(InputError, match=message):
            load_network(rewritten(stored, given))
