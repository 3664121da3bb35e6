"""A new task is one folder and one line of the registry: here it is one file and one line."""

import json
from typing import ClassVar, Literal

import pandas as pd
import pytest

import mvboot
from mvboot.datasets import SampleReader
from mvboot.datasets.module import SampleDataset
from mvboot.errors import InputError
from mvboot.networks import KeypointTarget, NetworkConfig, load_network
from mvboot.training.batches import RunData, validation_views
from mvboot.training.config import Places, RunSettings
from mvboot.training.dense.objective import Terms
from mvboot.training.initial import started
from mvboot.training.keypoints.labels import predicted_keypoints
from mvboot.training.run import MODEL
from mvboot.training.task import Objective, Task, Weighted
from mvboot.training.tasks import TASKS, named_task


class CalmSettings(RunSettings):
    task: Literal["calm"] = "calm"
    method: Literal["plain"] = "plain"


class CalmConfig(CalmSettings, Places):
    settings_type: ClassVar[type[RunSettings]] = CalmSettings


class CalmData(RunData):
    """All views of the frames that train."""

    def __init__(self, capture, settings, labelled=()):
        super().__init__(settings)
        reader = SampleReader(capture, settings.size, settings.stride, settings.margin)
        views = validation_views(capture, 2)
        self.views = SampleDataset(reader, views, settings.seed)
        self.validation = SampleDataset(reader, views, settings.seed)


class Calm(Objective):
    """Heat maps should be level."""

    def terms(self, batch, network, teacher, progress):
        logits = predicted_keypoints(network, batch["views"].images).logits
        return {"views": Weighted(1.0, Terms({"level": logits.square().mean()}))}

    def held(self, network, teacher, sample):
        return {"level": predicted_keypoints(network, sample.images).logits.square().flatten()}


def network(settings, data, teacher):
    target = KeypointTarget(names=("any",), blur=1.0, depth=False)
    config = NetworkConfig(target=target, backbone=settings.backbone, stride=settings.stride)
    return started(config, settings.seed, teacher)


CALM = Task(
    "level heat maps", CalmConfig, CalmData, network, lambda settings, network, data: Calm()
)


def test_a_new_task_is_trained_like_the_others(dots, tmp_path, monkeypatch):
    monkeypatch.setitem(TASKS, "calm", CALM)
    found = mvboot.train(
        task="calm", data=dots.folder, out=tmp_path / "run", size=32, steps=20, validate_every=10,
        learning_rate=1e-2,
    )  # fmt: skip
    assert found["task"] == "calm" and found["validation/level"] >= 0
    loss = pd.read_csv(tmp_path / "run" / "logs" / "metrics.csv")["views/level"].dropna()
    assert len(loss) > 1 and loss.iloc[-1] < 0.9 * loss.iloc[0]
    assert load_network(tmp_path / "run" / MODEL).config.target.names == ("any",)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["method"] == "plain"
    with pytest.raises(InputError, match="not empty"):
        mvboot.train(task="calm", data=dots.folder, out=tmp_path / "run")


def test_an_unknown_task_names_the_known_ones():
    with pytest.raises(InputError, match="unknown task 'calm'; known are dense, keypoints, latent"):
        named_task("calm")
