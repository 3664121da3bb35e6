from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.errors import InputError, NothingUsable
from mvboot.fields import converted
from mvboot.networks import NetworkConfig, build_network
from mvboot.training.dense import rounds as rounds_module
from mvboot.training.dense.rounds import Round, Rounds
from mvboot.training.dense.settings import TrainSettings


def settings(steps=12, validate_every=2, size=64, **bootstrapping):
    return TrainSettings.model_validate(
        {"method": "bootstrap", "steps": steps, "validate_every": validate_every, "size": size,
         "bootstrapping": bootstrapping}
    )  # fmt: skip


def test_rounds_share_the_epochs_evenly(filmed):
    rounds = Rounds(settings(steps=100, validate_every=10, rounds=3), filmed)
    assert [rounds.first_step(number) for number in (1, 2, 3)] == [0, 30, 60]
    assert [rounds.at(step) for step in (0, 29, 30, 59, 60, 99, 100)] == [1, 1, 2, 2, 3, 3, 3]
    one = Rounds(settings(rounds=1), filmed)
    assert one.at(0) == one.at(11) == 1


def test_more_rounds_than_validations_are_refused():
    with pytest.raises(ValueError, match=r"3 rounds .* 10 steps have 2; lower validate_every"):
        settings(steps=10, validate_every=5, rounds=3)
    TrainSettings(method="supervised", steps=1)


def test_a_round_labels_the_views_that_have_no_label(filmed, truthful, tmp_path):
    known = filmed.labelled_by(["cam_01"])
    rounds = Rounds(settings(points=1000), known)
    found = rounds.label(1, None, tmp_path)
    labelled = [
        frame for frame in filmed.split("train").tolist() if known.is_labelled("cam_01", frame)
    ]
    assert {view.camera for view in truthful} == {"cam_01", "cam_02", "cam_03"}
    assert not any(view in {("cam_01", frame) for frame in labelled} for view in truthful)
    capture, views = rounds.views(1, tmp_path)
    assert len(views) == found.views > 0.8 * len(truthful)
    assert {view for (view,) in views} <= set(truthful)
    assert found.points == 1000 * len(filmed.split("train")) and 0 < found.accepted < found.points
    assert found.error_px < 1
    assert rounds.read(1, tmp_path) == found and str(found.accepted) in str(found)
    for (view,) in views[:4]:
        field = capture.field(*view)
        true = converted(filmed.field(*view), filmed.template, "embedding").on(field.grid)
        both = field.known & true.known
        gap = np.linalg.norm(field.coordinates - true.coordinates, axis=-1)[both]
        assert capture.is_labelled(*view) and np.median(gap) < 0.08
    cameras = {view.camera for (view,) in views}
    assert "cam_04" not in cameras, "it is held out"


@pytest.mark.slow
def test_the_same_network_gives_the_same_labels_and_stale_ones_vanish(filmed, truthful, tmp_path):
    rounds = Rounds(settings(points=500), filmed)
    stale = tmp_path / "a" / "01" / "fields" / "cam_02" / "000099.npz"
    stale.parent.mkdir(parents=True)
    stale.write_text("of another run")
    for name in "ab":
        rounds.label(1, None, tmp_path / name)
    files = [sorted((tmp_path / name).rglob("*.npz")) for name in "ab"]
    assert files[0] and not stale.exists()
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]


def test_a_label_takes_the_place_of_a_prediction(filmed, monkeypatch, tmp_path):
    seen = []

    def predicted(network, capture, views, size, margin):
        for view in views:
            field = converted(filmed.field(*view), filmed.template, "embedding")
            yield replace(
                field.on(field.grid.strided(2)), foreground=np.zeros((32, 32), np.float32)
            )

    def lifted(fields, *rest):
        seen.append({name: float(field.foreground.max()) for name, field in fields.items()})
        return original(fields, *rest)

    original = rounds_module.lifted
    monkeypatch.setattr(rounds_module, "predicted", predicted)
    monkeypatch.setattr(rounds_module, "lifted", lifted)
    with pytest.raises(NothingUsable, match=r"round 1: .* do not agree"):
        Rounds(settings(points=100), filmed.labelled_by(["cam_01"])).label(1, None, tmp_path)
    assert {tuple(frame.values()) for frame in seen} == {(0, 0, 0), (1, 0, 0)}
    assert not (tmp_path / "01").exists()


def test_a_network_that_knows_nothing_is_said_so(filmed, tmp_path):
    network = build_network(NetworkConfig.for_template(filmed.template))
    torch.nn.init.constant_(network.head.read.bias[:1], -5.0)
    with pytest.raises(NothingUsable, match="0 were lifted"):
        Rounds(settings(points=100), filmed.labelled_by([])).label(1, network.eval(), tmp_path)


def test_labels_that_are_gone(filmed, tmp_path):
    with pytest.raises(InputError, match="labels of round 2 are gone"):
        Rounds(settings(), filmed).read(2, tmp_path)


def test_a_round_in_a_line():
    found = Round(round=2, views=3, points=10, accepted=4, error_px=1.234)
    assert str(found) == (
        "round 2: 3 views relabelled, 4 of 10 points lifted, median reprojection error 1.23 px"
    )
    assert found.figures["error_px"] == 1.234
