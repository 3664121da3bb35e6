import json
import shutil
import signal
from dataclasses import replace

import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mvboot.datasets import Capture
from mvboot.errors import InputError, QualityMissed, Stopped, heed_signals
from mvboot.networks import (
    load_network,
    read_header,
)
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import load_template
from mvboot.training.dense.batches import TrainingData
from mvboot.training.dense.collapse import Watch
from mvboot.training.dense.settings import TrainSettings
from mvboot.training.dense.validation import held_out
from mvboot.training.run import CHECKPOINT, MODEL, PreparedRun, train

QUICK = {"size": 64, "validate_every": 4, "batch": 2, "averaging": 0.5}


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    """Return a capture of another person by two cameras, all of it labelled."""
    settings = SynthSettings(
        cameras=2, frames=3, size=64, samples=1, occluders=0, seed=7, validation=0.0
    )
    return synthesise(settings, tmp_path_factory.mktemp("another") / "capture")


@pytest.fixture
def recorded(filmed, tmp_path):
    """Return what was filmed as a recording: nothing says which template, nothing is labelled."""
    shutil.copytree(
        filmed.folder, tmp_path / "recorded",
        ignore=shutil.ignore_patterns("template.npz", "fields", "truth"),
    )  # fmt: skip
    without(tmp_path / "recorded", "template", "labelled")
    return Capture.open(tmp_path / "recorded")


def without(folder, *keys):
    path = folder / "capture.yaml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if line.split(":")[0] not in keys) + "\n")


def log(folder):
    return pd.read_csv(folder / "logs" / "metrics.csv")


@pytest.mark.slow
def test_supervised_training_lowers_the_loss(filmed, tmp_path):
    found = train(TrainSettings(method="supervised", steps=40, **QUICK), filmed, tmp_path)
    surface = log(tmp_path)["labelled/surface"].dropna()
    assert surface.iloc[-1] < 0.8 * surface.iloc[0]
    assert found["validation/error"] > 0
    assert read_header(tmp_path / MODEL).provenance["steps"] == 40
    json.dumps(read_header(tmp_path / MODEL).provenance)


@pytest.mark.slow
def test_epipolar_training_logs_every_term(filmed, teacher, tmp_path):
    settings = TrainSettings(method="epipolar", steps=8, **QUICK)
    found = train(settings, filmed, tmp_path, teacher)
    assert {"validation/epipolar_px", "validation/drift", "validation/error"} <= set(found)
    names = set(log(tmp_path).columns)
    assert {"multiview/multiview", "multiview/floor", "distilled/surface", "sigma"} <= names
    assert load_network(tmp_path / MODEL, filmed.template).stride == 2


@pytest.mark.slow
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


class Interrupted(Callback):
    """Sends signals while a step runs."""

    def __init__(self, step, *numbers):
        self.step, self.numbers = step, numbers

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            for number in self.numbers:
                signal.raise_signal(number)


@pytest.fixture
def heeded():
    """Heed signals as the command line does."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    heed_signals()
    yield {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.slow
@pytest.mark.parametrize("step, number, saved", [(1, signal.SIGINT, 2), (3, signal.SIGTERM, 5)])
def test_a_run_that_is_interrupted_goes_on_as_if_it_had_not(
    filmed, heeded, tmp_path, capfd, step, number, saved
):
    run = TrainSettings(method="supervised", steps=6, **QUICK)
    train(run, filmed, tmp_path / "whole")
    half = tmp_path / "half"
    with pytest.raises(Stopped) as stopped:
        train(run, filmed, half, callbacks=(Interrupted(step, number),))
    assert stopped.value.exit_code == 128 + number
    assert "interrupt again to end at once" in capfd.readouterr().err
    assert {n: signal.getsignal(n) for n in heeded} == heeded
    assert not (half / MODEL).exists()
    kept = torch.load(half / CHECKPOINT, weights_only=True)["global_step"]
    assert kept == saved, "the end of the step, but not between a step and its validation"
    train(run, filmed, half, resume=half / CHECKPOINT)
    one, other = (load_network(tmp_path / name / MODEL) for name in ("whole", "half"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_second_interrupt_ends_at_once(filmed, heeded, tmp_path):
    run = TrainSettings(method="supervised", steps=4, **QUICK)
    with pytest.raises(Stopped):
        train(run, filmed, tmp_path, callbacks=(Interrupted(0, signal.SIGINT, signal.SIGINT),))
    assert not (tmp_path / CHECKPOINT).exists()


def test_an_interrupt_in_the_last_step_leaves_a_whole_run(filmed, heeded, tmp_path):
    run = TrainSettings(method="supervised", steps=4, **QUICK)
    with pytest.raises(Stopped):
        train(run, filmed, tmp_path, callbacks=(Interrupted(3, signal.SIGINT),))
    assert (tmp_path / CHECKPOINT).exists() and (tmp_path / MODEL).exists()


def rounds(steps, **settings):
    return TrainSettings(
        method="bootstrap", steps=steps, **{**QUICK, "validate_every": 2},
        bootstrapping={"rounds": 2, "points": 400}, **settings,
    )  # fmt: skip


@pytest.mark.slow
def test_bootstrapping_goes_on_as_if_it_had_not_stopped(filmed, teacher, truthful, tmp_path):
    run = rounds(8, label_cameras=("cam_01",))
    found = train(run, filmed, tmp_path / "whole", teacher)
    assert {"validation/epipolar_px", "validation/drift"} <= set(found)
    logged = log(tmp_path / "whole")
    assert logged["rounds/round"].dropna().tolist() == [1, 2]
    assert (logged["rounds/accepted"].dropna() > 0).all()
    first, second = (tmp_path / "whole" / "rounds" / name for name in ("01", "02"))
    assert len({path.relative_to(first) for path in first.rglob("*.npz")}) > 20
    name = next(first.rglob("*.npz")).relative_to(first)
    assert (first / name).read_bytes() != (second / name).read_bytes(), "by another network"
    assert {"relabelled/surface", "labelled/surface"} <= set(logged.columns)
    assert not {"multiview/multiview", "distilled/surface"} & set(logged.columns)
    for stop, name in ((4, "between"), (6, "within")):
        half = tmp_path / name
        train(run, filmed, half, teacher, stop_after=stop)
        train(run, filmed, half, teacher, resume=half / CHECKPOINT)
        one, other = (load_network(tmp_path / name / MODEL) for name in ("whole", name))
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
    with pytest.raises(InputError, match="labels of round 2 are gone"):
        train(run, filmed, tmp_path / "else", teacher, resume=tmp_path / "within" / CHECKPOINT)


def test_a_run_is_prepared_once(filmed, teacher, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "mvboot.training.initial.load_network",
        lambda path, template: opened.append(path) or load_network(path, template),
    )
    for method in ("epipolar", "bootstrap"):
        settings = TrainSettings(method=method, steps=12, **QUICK)
        prepared = PreparedRun.of(settings, filmed, teacher=teacher)
        assert prepared.teacher is not prepared.network
        assert (prepared.data.views is None) == (method == "bootstrap")
    assert opened == [teacher, teacher]
    assert PreparedRun.of(TrainSettings(method="supervised", **QUICK), filmed).teacher is None


def test_events_for_tensorboard_lie_beside_the_table(filmed, tmp_path):
    pytest.importorskip("tensorboard")
    train(TrainSettings(method="supervised", steps=4, **QUICK), filmed, tmp_path)
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))
    assert (tmp_path / "logs" / "metrics.csv").is_file()


@pytest.mark.slow
def test_two_processes_train_one_network(filmed, teacher, tmp_path):
    settings = TrainSettings(steps=4, devices=2, accelerator="cpu", **{**QUICK, "batch": 1})
    found = train(settings, filmed, tmp_path / "two", teacher)
    header = read_header(tmp_path / "two" / MODEL)
    assert header.provenance["steps"] == 4
    own = PreparedRun.of(settings.model_copy(update={"devices": 1}), filmed, teacher=teacher)
    average = load_network(tmp_path / "two" / MODEL)
    held = [
        held_out(average(sample.images), own.teacher(sample.images), sample)
        for sample in own.data.val_dataloader()
    ]
    for name in ("epipolar_px", "drift", "error"):
        mean = torch.cat([one[name].double() for one in held]).mean().item()
        assert found[f"validation/{name}"] == pytest.approx(mean, rel=1e-4)


@pytest.mark.slow
def test_a_process_that_degenerates_stops_the_other(filmed, teacher, tmp_path, monkeypatch):
    settings = TrainSettings(
        steps=40, devices=2, accelerator="cpu", learning_rate=0.5, **{**QUICK, "batch": 1}
    )
    with pytest.raises(QualityMissed, match="the fields have"):
        train(settings, filmed, tmp_path, teacher)


@pytest.mark.slow
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


# --- labels of several captures -------------------------------------------------------------


@pytest.mark.slow
def test_labelled_pictures_of_all_captures_come_once_an_epoch(filmed, another, recorded):
    settings = TrainSettings(method="supervised", **{**QUICK, "flip": 0.0})
    apart = [TrainingData(source, settings).labelled for source in (filmed, another)]
    data = TrainingData(recorded, settings, (filmed, another))
    assert [len(part) for part in apart] == [12, 6] and len(data.labelled) == 18
    assert data.labelled.views == apart[0].views + apart[1].views
    assert [reader.capture.folder for reader in data.labelled.readers] == (
        [filmed.folder] * 12 + [another.folder] * 6
    )
    order = data._loader(data.labelled, 9).sampler
    assert sorted(place for turn, place in order if turn == 1) == list(range(18))
    assert data.labelled[0, 15].views == apart[1][0, 3].views
    assert (data.labelled[0, 15].images != data.labelled[1, 15].images).any()


@pytest.mark.slow
def test_a_run_of_several_captures_goes_on_as_if_it_had_not_stopped(
    filmed, another, recorded, tmp_path
):
    settings = TrainSettings(method="supervised", steps=8, **QUICK)
    labelled = (filmed, another)
    train(settings, recorded, tmp_path / "whole", labelled=labelled)
    half = tmp_path / "half"
    train(settings, recorded, half, labelled=labelled, stop_after=4)
    train(settings, recorded, half, labelled=labelled, resume=half / CHECKPOINT)
    one, other = (load_network(tmp_path / name / MODEL) for name in ("whole", "half"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.slow
def test_a_recording_has_the_template_of_the_labels(
    filmed, another, recorded, teacher, truthful, tmp_path
):
    data = TrainingData(recorded, TrainSettings(**QUICK), (another,))
    assert data.template.topology == another.topology and recorded.template is None
    assert data.views.readers[0].mirror is not None, "views are mirrored as labels are"
    train(rounds(4), recorded, tmp_path / "run", teacher, (another,))
    assert len(truthful) == 2 * 3 * len(recorded.split("train")), "no view of it has a label"


def test_labels_of_what_was_filmed_may_be_among_others(filmed, another):
    settings = TrainSettings(**QUICK, label_cameras=("cam_01",))
    again = Capture.open(filmed.folder)
    for labelled, known in (((), True), ((again, another), True), ((another,), False)):
        capture = TrainingData(filmed, settings, labelled).views.readers[0].capture
        frames = [f for f in filmed.split("train").tolist() if filmed.is_labelled("cam_01", f)]
        assert frames and capture.is_labelled("cam_01", frames[0]) == known
        assert not capture.is_labelled("cam_02", frames[0])


def test_label_cameras_are_those_of_the_captures_with_labels(filmed, another, recorded):
    def cameras(*names):
        settings = TrainSettings(method="supervised", label_cameras=names, **QUICK)
        data = TrainingData(recorded, settings, (filmed, another))
        chosen = zip(data.labelled.readers, data.labelled.views, strict=True)
        return {(reader.capture.folder == filmed.folder, view.camera) for reader, (view,) in chosen}

    both = {(True, "cam_01"), (False, "cam_01")}
    assert cameras("cam_01") == both
    assert cameras("cam_03", "cam_01") == {*both, (True, "cam_03")}
    with pytest.raises(InputError, match=r"cam_04 is no .* there are cam_01, cam_02, cam_03$"):
        cameras("cam_04")
    assert cameras("cam_03") == {(True, "cam_03")}
    settings = TrainSettings(method="supervised", label_cameras=("cam_03",), **QUICK)
    (warning,) = TrainingData(recorded, settings, (filmed, another)).warnings
    assert str(another.folder) in warning and "none of its labels is used" in warning


def test_a_capture_without_a_label_is_no_source_of_labels(filmed, another, tmp_path):
    shutil.copytree(another.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("fields"))
    labelled = (filmed, Capture.open(tmp_path / "bare"))
    with pytest.raises(InputError, match="bare: no training frame of cam_01, cam_02 has a dense"):
        TrainingData(filmed, TrainSettings(**QUICK), labelled)


def test_own_footage_without_dense_labels_is_told_so_first(filmed, recorded, tmp_path):
    """Before anything about templates and mirror images, which own keypoints lack too."""
    words = r"has a dense label.*with --labels, .*synth.*; from the keypoints .* --task keypoints"
    with pytest.raises(InputError, match=words) as error:
        TrainingData(recorded, TrainSettings(method="supervised", **QUICK))
    assert len(error.value.message) < 400
    same = shutil.copytree(
        filmed.folder, tmp_path / "same", ignore=shutil.ignore_patterns("fields")
    )
    odd = Capture.open(same).with_keypoints(
        replace(filmed.keypoints, keypoints=("LHip", *filmed.keypoints.keypoints[1:]))
    )
    with pytest.raises(InputError, match="has a dense label"):
        TrainingData(odd, TrainSettings(method="supervised", **QUICK))
    odd = filmed.with_keypoints(odd.keypoints)
    with pytest.raises(InputError, match=r"keypoint LHip is not known.*\(flip=0\)"):
        TrainingData(odd, TrainSettings(method="supervised", **QUICK)).labelled[0]
    TrainingData(odd, TrainSettings(method="supervised", flip=0, **QUICK)).labelled[0]


def test_captures_of_a_run_are_of_one_template(filmed, another, recorded, tmp_path):
    settings = TrainSettings(method="supervised", **QUICK)
    shutil.copytree(another.folder, tmp_path / "beast")
    without(tmp_path / "beast", "template")
    load_template("quadruped").save(tmp_path / "beast" / "template.npz")
    beast = Capture.open(tmp_path / "beast")
    names = f"beast/template.npz.*{filmed.folder / 'template.npz'}"
    for capture, labelled in ((recorded, (filmed, beast)), (beast, (filmed,))):
        with pytest.raises(InputError, match=names):
            train(settings, capture, tmp_path / "none", labelled=labelled)
    with pytest.raises(InputError, match=r"recorded.*has a dense label"):
        train(settings, filmed, tmp_path / "none", labelled=(filmed, recorded))
    assert not (tmp_path / "none").exists()


def test_keypoints_of_another_name_are_refused_before_a_run(filmed, another, tmp_path):
    shutil.copytree(another.folder, tmp_path / "other")
    (tmp_path / "other" / "keypoints.parquet").unlink()
    other = Capture.open(tmp_path / "other")
    settings = TrainSettings(method="supervised", **QUICK)
    with pytest.raises(InputError, match=f"other: its keypoints are not those of {filmed.folder}"):
        train(settings, filmed, tmp_path / "none", labelled=(filmed, other))


def test_a_run_that_degenerates_ends_in_a_sentence(filmed, teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(Watch, "fault", lambda self, step: "the fields have collapsed")
    with pytest.raises(QualityMissed, match="have collapsed"):
        train(TrainSettings(steps=4, **QUICK), filmed, tmp_path, teacher)


@pytest.mark.parametrize("spread, what", [(0.2, "collapsed"), (3.0, "stretched")])
def test_a_degenerate_run_is_stopped_in_plain_words(spread, what):
    sound = {"matched": 0.4, "at_first": 0.6}
    watch = Watch("embedding", spread=spread, seen=50, **sound)
    assert f"step 120: the fields have {what}" in watch.fault(120)
    assert Watch("embedding", spread=1.0, seen=50, **sound).fault(120) is None
    assert Watch("embedding", spread=spread, seen=3, **sound).fault(3) is None


def test_views_that_no_longer_match_stop_a_run(truth):
    watch = Watch("embedding")
    for _ in range(25):
        watch.see(truth, truth, 0.5)
    assert watch.fault(25) is None
    for _ in range(30):
        watch.see(truth, truth, 0.01)
    assert "step 55: the views have parted: of the cells that matched at first 6 %" in watch.fault(
        55
    )
