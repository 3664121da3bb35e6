"""Networks in files: safetensors with the configuration inside, no pickles."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import mvboot
from mvboot.config import from_options
from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.guard import reading
from mvboot.networks.config import NetworkConfig
from mvboot.networks.model import DenseNetwork, build_network
from mvboot.template import Template
from mvboot.words import reason

SCHEMA = 1
KEY = "mvboot"
"""One entry: the order of several would differ from file to file."""


@dataclass(frozen=True)
class NetworkHeader:
    """What a file says of its network: configuration, our version, and where it came from."""

    config: NetworkConfig
    version: str
    provenance: dict[str, Any]


def save_network(
    network: DenseNetwork, path: str | Path, provenance: dict[str, Any] | None = None
) -> None:
    """Write weights and configuration; the same network gives the same bytes.

    ``provenance`` is plain data (as in JSON) about how it was made. Another network with the same
    configuration, a frozen or averaged copy, gives the same kind of file.
    """
    header = {
        "schema": SCHEMA,
        "version": mvboot.__version__,
        "config": network.config.model_dump(mode="json"),
        "provenance": provenance or {},
    }
    weights = {name: values.cpu().contiguous() for name, values in network.state_dict().items()}
    with atomic_file(path) as partial:
        save_file(weights, partial, {KEY: json.dumps(header)})


def read_header(path: str | Path) -> NetworkHeader:
    """Read all but the weights; InputError for a file that `save_network` did not write."""
    with reading(Path(path), "network"), _opened(path) as file:
        return _header(file.metadata(), path)


def load_network(path: str | Path, template: Template | None = None) -> DenseNetwork:
    """Read what `save_network` wrote, on the CPU.

    Raises
    ------
    InputError
        A missing or damaged file, weights that do not fit the configuration or are not finite,
        and a ``template`` other than the one the network predicts points of.
    """
    with reading(Path(path), "network"):
        return _network(path, template)


def _network(path: str | Path, template: Template | None) -> DenseNetwork:
    with _opened(path) as file:
        config = _header(file.metadata(), path).config
        names = file.keys()
        weights = {name: file.get_tensor(name) for name in names}
    try:
        if template is not None:
            config.target.require_template(template)
        network = build_network(config)
        _require_same(network.state_dict(), weights)
    except InputError as error:
        raise InputError(error.message, where=path) from None
    network.load_state_dict(weights)
    return network


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    if not Path(path).is_file():
        raise InputError("there is no such network", where=path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"cannot be read as a network; is it damaged? ({reason(error)})", path
        ) from None


def _header(metadata: dict[str, str] | None, path: str | Path) -> NetworkHeader:
    if not metadata or KEY not in metadata:
        raise InputError("holds weights, but not of a network of mvboot", where=path)
    try:
        header = json.loads(metadata[KEY])
        schema, config = header["schema"], dict(header["config"])
        version, provenance = str(header["version"]), dict(header["provenance"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"has a damaged header ({error!r})", where=path) from None
    if schema != SCHEMA:
        raise InputError(
            f"has schema {schema} (mvboot {version}), this version reads {SCHEMA}", where=path
        )
    return NetworkHeader(from_options(config, NetworkConfig, str(path)), version, provenance)


def _require_same(own: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    for names, what in ((missing, "lacks"), (unknown, "has unknown")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(f"{what} weights {names[0]}{more}; they do not fit its configuration")
    for name, values in weights.items():
        if values.shape != own[name].shape:
            raise InputError(
                f"has weights {name} of shape {tuple(values.shape)}, its configuration needs "
                f"{tuple(own[name].shape)}"
            )
        if not values.isfinite().all():
            raise InputError(f"has weights {name} that are not numbers; its training failed")
