"""The network that a run starts from."""

from pathlib import Path

from mvboot.errors import InputError
from mvboot.networks import (
    DenseNetwork,
    KeypointTarget,
    NetworkConfig,
    build_network,
    load_network,
)
from mvboot.template import Template

USUAL = NetworkConfig.model_fields["backbone"].default


def started(
    config: NetworkConfig, seed: int, teacher: Path | None, template: Template | None = None
) -> DenseNetwork:
    """Return a new network, or the teacher's with the backbone that it has.

    InputError for a teacher that predicts something else, on other cells, or by another backbone
    than the one asked for, unless that is the usual one.
    """
    if teacher is None:
        return build_network(config, seed)
    network = load_network(teacher, template)
    wanted, found = (_said(one) for one in (config, network.config))
    if wanted != found:
        raise InputError(f"predicts {found}, the run {wanted}", where=teacher)
    if config.backbone not in (USUAL, network.config.backbone):
        raise InputError(
            f"has the backbone {network.config.backbone}, the run {config.backbone}; a run goes "
            "on with its teacher's: leave backbone= away, or give another teacher",
            where=teacher,
        )
    return network


def _said(config: NetworkConfig) -> str:
    """Return what is predicted in words; equal words for networks that stand in for each other."""
    target, more = config.target, ""
    if isinstance(target, KeypointTarget):
        depth = " with depths" if target.depth else ""
        more = f" {', '.join(target.names)}{depth}, labels {target.blur:g} cells wide,"
    return f"{target.kind}{more} at stride {config.stride}"
