"""The schema of capture.yaml: what is written is read, and the published schema is current."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from mvboot.config import dump_yaml, load_yaml
from mvboot.datasets import CaptureModel, Splits
from mvboot.datasets.schema import CameraEntry


def test_round_trip(tmp_path):
    model = CaptureModel(
        schema=1,
        fps=29.97,
        cameras={
            "left": CameraEntry(frames=[0, "3..6"], timestamps=[0, 0.1, 0.2, 0.3, 0.4]),
            "right": CameraEntry(frames="0..9"),
            "top": CameraEntry(),
        },
        splits=Splits(train="0..4", validation=[6, "8..9"], held_out_cameras=("top",)),
        labelled=[0, 5],
        template="0123456789abcdef",
        seed=3,
        provenance={"version": "1"},
    )
    dump_yaml(model.plain(), tmp_path / "capture.yaml")
    assert load_yaml(tmp_path / "capture.yaml", CaptureModel) == model
    text = (tmp_path / "capture.yaml").read_text()
    assert "frames: 0..9" in text and "frames: [0, 3..6]" in text
    least = CaptureModel(schema=1)
    dump_yaml(least.plain(), tmp_path / "least.yaml")
    assert load_yaml(tmp_path / "least.yaml", CaptureModel) == least


def test_all_digit_hashes_stay_text(tmp_path):
    model = CaptureModel(schema=1, template="1234567890123456")
    dump_yaml(model.plain(), tmp_path / "capture.yaml")
    assert load_yaml(tmp_path / "capture.yaml", CaptureModel) == model


@pytest.mark.parametrize("wrong", [{"fps": 0}, {"template": "x"}, {"cameras": {}}, {"labels": 1}])
def test_what_is_refused(wrong):
    with pytest.raises(ValidationError):
        CaptureModel(schema=1, **wrong)


def test_the_published_schema_is_current():
    kept = json.loads((Path(__file__).parents[2] / "docs" / "capture.schema.json").read_text())
    assert kept == CaptureModel.model_json_schema(by_alias=True), (
        "run python -m mvboot.datasets.schema > docs/capture.schema.json"
    )
