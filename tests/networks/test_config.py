"""Configurations: of templates, and what they refuse."""

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from mvboot.errors import InputError
from mvboot.networks import ChartsTarget, EmbeddingTarget, NetworkConfig

MESH = "0123456789abcdef"
CHARTS = {"kind": "charts", "topology": MESH, "parts": ["arm", "leg"]}
EMBEDDING = {"kind": "embedding", "topology": MESH, "units": "m", "center": [0], "scale": [1]}


def test_the_embedding_of_a_template_fills_its_box(body):
    target = NetworkConfig.for_template(body, width=8).target
    values = (body.embedding - np.array(target.center)) / np.array(target.scale)
    np.testing.assert_allclose([values.min(0), values.max(0)], [[-1] * 8, [1] * 8], atol=1e-12)
    assert (target.dimensions, target.units, target.topology) == (8, "m", body.topology)


def test_the_charts_of_a_template(body):
    config = NetworkConfig.for_template(body, "charts", stride=4)
    assert config.target.parts == body.charts.names
    assert config.stride == 4


def test_configurations_survive_json(body):
    for kind in ("embedding", "charts"):
        config = NetworkConfig.for_template(body, kind, backbone="base", mean=(1.5, 2.5, 3.5))
        assert NetworkConfig.model_validate_json(config.model_dump_json()) == config


def test_a_template_without_coordinates_is_refused(body):
    bare = dataclasses.replace(body, embedding=None, charts=None)
    with pytest.raises(InputError, match="no embedding; predict charts"):
        EmbeddingTarget.of(bare)
    with pytest.raises(InputError, match="no charts; predict an embedding"):
        ChartsTarget.of(bare)


def test_targets_know_their_template(body):
    for target in (EmbeddingTarget.of(body), ChartsTarget.of(body)):
        target.require_template(body)
        other = dataclasses.replace(body, faces=body.faces[:, [1, 2, 0]])
        with pytest.raises(InputError, match="was made with the template"):
            target.require_template(other)


def test_targets_refuse_other_coordinates_on_the_same_mesh(body):
    with pytest.raises(InputError, match=r"in_units\('m'\)"):
        EmbeddingTarget.of(body).require_template(body.in_units("mm"))
    stretched = dataclasses.replace(body, embedding=1.01 * body.embedding)
    fewer = dataclasses.replace(body, embedding=body.embedding[:, :3])
    for other in (stretched, fewer):
        with pytest.raises(InputError, match="another embedding"):
            EmbeddingTarget.of(body).require_template(other)
    renamed = dataclasses.replace(body.charts, names=body.charts.names[::-1])
    with pytest.raises(InputError, match="other parts"):
        ChartsTarget.of(body).require_template(dataclasses.replace(body, charts=renamed))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "huge"}, "unknown backbone 'huge'; choose small, base, dilated or timm:NAME"),
        ({"backbone": "timm:"}, "unknown backbone"),
        ({"stride": 3}, "2, 4 or 8"),
        ({"width": 12}, "multiple of 8"),
        ({"std": (1, 0, 1)}, "greater than 0"),
        ({"mean": (1, float("nan"), 1)}, "finite"),
        ({"colour": "grey"}, "Extra inputs"),
        ({"target": {**CHARTS, "kind": "lines"}}, "does not match any of the expected tags"),
        ({"target": {**CHARTS, "parts": ["arm", "arm"]}}, "different names"),
        ({"target": {**CHARTS, "parts": []}}, "at least 1 item"),
        ({"target": {**CHARTS, "topology": "body"}}, "pattern"),
        ({"target": {**EMBEDDING, "scale": [1, 2]}}, "center has 1 dimensions, but scale 2"),
        ({"target": {**EMBEDDING, "scale": [0]}}, "greater than 0"),
        ({"target": {**EMBEDDING, "units": "inch"}}, "'m', 'cm', 'mm' or 'um'"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValidationError, match=message):
        NetworkConfig.model_validate({"target": CHARTS, **settings})
