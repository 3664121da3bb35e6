import json

import pandas as pd
import pytest
import torch

from mvboot.errors import InputError, QualityMissed
from mvboot.networks import (
    NetworkConfig,
    build_network,
    load_network,
    read_header,
    save_network,
)
from mvboot.training.config import TrainSettings
from mvboot.training.meters import Watch
from mvboot.training.run import CHECKPOINT, MODEL, train

QUICK = {"size": 64, "validate_every": 4, "batch": 2, "averaging": 0.5}


@pytest.fixture(scope="module")
def teacher(filmed, tmp_path_factory):
    """Return a network that knows nothing but takes every cell for the subject."""
    network = build_network(NetworkConfig.for_template(filmed.template))
    torch.nn.init.constant_(network.head.read.bias[:1], 2.0)
    path = tmp_path_factory.mktemp("teacher") / MODEL
    save_network(network, path)
    return path


def log(folder):
    return pd.read_csv(folder / "logs" / "metrics.csv")


def test_supervised_training_lowers_the_loss(filmed, tmp_path):
    found = train(TrainSettings(method="supervised", steps=40, **QUICK), filmed, tmp_path)
    surface = log(tmp_path)["labelled/surface"].dropna()
    assert surface.iloc[-1] < 0.8 * surface.iloc[0]
    assert found["validation/error"] > 0
    assert read_header(tmp_path / MODEL).provenance["steps"] == 40
    json.dumps(read_header(tmp_path / MODEL).provenance)


def test_epipolar_training_logs_every_term(filmed, teacher, tmp_path):
    settings = TrainSettings(method="epipolar", steps=8, **QUICK)
    found = train(settings, filmed, tmp_path, teacher)
    assert {"validation/epipolar_px", "validation/drift", "validation/error"} <= set(found)
    names = set(log(tmp_path).columns)
    assert {"multiview/multiview", "multiview/floor", "distilled/surface", "sigma"} <= names
    assert load_network(tmp_path / MODEL, filmed.template).stride == 2


def test_a_run_that_stopped_goes_on_as_if_it_had_not(filmed, teacher, tmp_path):
    whole = TrainSettings(method="epipolar", steps=8, **QUICK)
    train(whole, filmed, tmp_path / "whole", teacher)
    torch.manual_seed(99)
    half = tmp_path / "half"
    stopped = train(whole, filmed, half, teacher, stop_after=4)
    assert stopped
    train(whole, filmed, tmp_path / "on", teacher, resume=half / CHECKPOINT)
    one, other = (load_network(tmp_path / name / MODEL) for name in ("whole", "on"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_same_seed_gives_the_same_network(filmed, tmp_path):
    settings = TrainSettings(method="supervised", steps=4, **QUICK)
    for name in "ab":
        train(settings, filmed, tmp_path / name)
    assert (tmp_path / "a" / MODEL).read_bytes() == (tmp_path / "b" / MODEL).read_bytes()


def test_several_views_need_a_teacher(filmed, tmp_path):
    with pytest.raises(InputError, match="needs a --teacher"):
        train(TrainSettings(method="epipolar", steps=4, **QUICK), filmed, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_unknown_label_cameras(filmed, tmp_path):
    settings = TrainSettings(method="supervised", label_cameras=("cam_04",), **QUICK)
    with pytest.raises(InputError, match="cam_04 is no camera that trains"):
        train(settings, filmed, tmp_path / "none")


@pytest.mark.parametrize("spread, what", [(0.2, "collapsed"), (3.0, "stretched")])
def test_a_degenerate_run_is_stopped_in_plain_words(spread, what):
    watch = Watch("embedding", spread=spread, seen=50)
    with pytest.raises(QualityMissed, match=what):
        watch.judge(120)
    Watch("embedding", spread=1.0, seen=50).judge(120)
    Watch("embedding", spread=spread, seen=3).judge(3)
