"""L_T: what it costs in both readings, that flow is right in turned crops, and what a run reads."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from mvboot.datasets import Augmentation, Mirror, SampleReader, View
from mvboot.datasets.crops import cut
from mvboot.errors import InputError
from mvboot.fields import Crop
from mvboot.training.dense.batches import TrainingData
from mvboot.training.dense.flow import flow_of_cells
from mvboot.training.dense.settings import Matching, Temporal, TrainSettings
from mvboot.training.dense.temporal import Coherence
from mvboot.training.run import train

SIGMA, STRIDE = 0.05, 2
STEP = 3
SQUARED = {"distance": "squared", "anchored": False}
CHANGED = Augmentation(flip=1.0, turn_deg=40.0)


def terms(prediction, sample, sigma=SIGMA, reading="flow", **matching):
    chosen = Matching(**(SQUARED | matching))
    return Coherence(Temporal(reading=reading), chosen).terms(prediction, sample, sigma)


def reader(filmed, augmentation=None):
    mirror = Mirror.of_template(filmed.template)
    return SampleReader(
        filmed, 64, STRIDE, augmentation=augmentation, mirror=mirror, all_fields=True,
        kind="embedding",
    )  # fmt: skip


@pytest.fixture(scope="module", params=[None, CHANGED], ids=["plain", "changed"])
def steps(filmed, request):
    """Return two frames of each of two cameras, as filmed or in mirrored and turned crops."""
    first = int(filmed.split("train")[0])
    views = [View(c, f) for f in (first, first + STEP) for c in ("cam_01", "cam_02")]
    return reader(filmed, request.param).read(views, np.random.default_rng(5))


@pytest.fixture(scope="module")
def copies(filmed):
    """Return two pictures, each in two crops."""
    first = int(filmed.split("train")[0])
    views = [View("cam_01", first), View("cam_02", first)] * 2
    return reader(filmed, CHANGED).read(views, np.random.default_rng(5))


# --- flow -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texture():
    """Return a picture (200, 200, 3) of blobs."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200, 200, 3)).astype(np.float32)
    blobs = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 60 * blobs / blobs.std(), 0, 255).astype(np.uint8)


def filmed_twice(sample, first, second, mirrored):
    """Return a sample of two pictures in crops that are shifted, resized and turned."""
    crops = (
        Crop.around((95.0, 104.0), 1.1, (64, 64), 0.3),
        Crop.around((101.0, 99.0), 0.9, (64, 64), -0.4),
    )
    if mirrored:
        crops = tuple(crop.mirrored() for crop in crops)
    cuts = [cut(picture, crop) for picture, crop in zip((first, second), crops, strict=True)]
    images = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2)
    return replace(sample, images=images, crops=crops)


@pytest.mark.parametrize("mirrored", [False, True])
def test_flow_is_exact_through_any_crops(sample, texture, mirrored):
    moved = np.roll(texture, (-3, 5), (0, 1))
    dimmed = np.asarray(0.7 * moved + 20, np.uint8)
    pair = filmed_twice(sample, texture, dimmed, mirrored)
    flows = flow_of_cells(pair, 0, 1, STRIDE)
    for view, (flow, wanted) in enumerate(zip(flows, ((5, -3), (-5, 3)), strict=True)):
        known = np.isfinite(flow).all(-1)
        off = np.linalg.norm(flow[known] - wanted, axis=-1)
        assert np.median(off) < 0.1 and np.quantile(off, 0.95) < 0.5
        ends = pair.crops[view].strided(STRIDE).centers() + wanted
        beyond = (abs(pair.crops[1 - view].to_crop(ends) - 31.5) - 32).max(-1)
        assert known[beyond < -6].mean() > 0.85
        assert not known[beyond > 2].any(), "nothing is known outside the other crop"


def test_the_flow_of_what_is_hidden_is_unknown(sample, texture):
    """A square passes in front of a background that does not move."""

    def passing(x):
        picture = texture.copy()
        picture[80:120, x : x + 36] = texture[20:60, 140:176]
        return picture

    pair = filmed_twice(sample, passing(74), passing(84), False)
    flows = flow_of_cells(pair, 0, 1, STRIDE)
    places = ((92, 115, (10, 0)), (102, 79, (-10, 0)))  # of the square, of what is hidden, motion
    for view, (flow, (square, hidden, wanted)) in enumerate(zip(flows, places, strict=True)):
        x, y = np.moveaxis(pair.crops[view].strided(STRIDE).centers(), -1, 0)
        known, inside = np.isfinite(flow).all(-1), abs(y - 100) < 16
        assert known[inside & (abs(x - hidden) < 3)].mean() < 0.3
        on = inside & (abs(x - square) < 12)
        assert known[on].mean() > 0.8
        assert np.median(np.linalg.norm(flow[on & known] - wanted, axis=-1)) < 0.1


def test_flow_follows_the_surface(filmed, steps):
    missed, motion, known = [], [], []
    for a, b in steps.steps():
        flows = flow_of_cells(steps, a, b, STRIDE)
        for (view, other), flow in zip(((a, b), (b, a)), flows, strict=True):
            there = steps.fields.known[view].numpy()
            wanted = true_flow(filmed, steps, view, other)
            off = np.linalg.norm(flow[there] - wanted, axis=-1)
            found, side = np.isfinite(off), STRIDE * steps.crops[view].scale
            known.append(found)
            missed.append(off[found] / side)
            motion.append(np.linalg.norm(wanted[found], axis=-1) / side)
    assert np.concatenate(known).mean() > 0.7
    missed, motion = np.concatenate(missed), np.concatenate(motion)
    assert np.median(missed) < 0.4, "in cells"
    for share in (0.5, 0.9):
        assert np.quantile(missed, share) < 0.7 * np.quantile(motion, share)


def true_flow(filmed, sample, view, other):
    """Return how the known cells (n, 2) of a view move to another, by the posed meshes."""
    template = filmed.template.in_units("m")
    values = sample.fields.coordinates[view].permute(1, 2, 0)[sample.fields.known[view]]
    located = template.nearest(values.numpy())
    seen = []
    for v in (view, other):
        camera, frame = sample.views[v]
        mesh = filmed.truth.poses.vertices(template, frame)[0]
        if sample.mirrored[v]:
            mesh = mesh[template.symmetry]  # names are those of the mirror images
        seen.append(filmed.truth.rig[camera].project(template.points(located, mesh)))
    return seen[1] - seen[0]


# --- what it costs --------------------------------------------------------------------------


def test_true_fields_cost_about_the_floor(truth_about, steps):
    found = terms(truth_about(steps), steps)
    loss, floor = float(found.losses["flow"]), found.meters["floor"]
    assert found.meters["pairs"] == 2
    assert found.meters["visibility"] > 0.2
    assert found.meters["followed"] > 0.6
    assert floor < loss < 1.5 * floor + 0.5


@pytest.mark.parametrize("distance", ["robust", "squared", "unsquared"])
def test_a_field_that_stays_while_the_surface_moves_costs_more(truth_about, steps, distance):
    true = truth_about(steps)
    late = [b for _, b in steps.steps()]
    shifted = true.embedding.clone()
    shifted[late] = shifted[late].roll(4, -1)
    wrong = replace(true, embedding=shifted)
    right, worse = (float(terms(p, steps, distance=distance).losses["flow"]) for p in (true, wrong))
    assert right < 0.8 * worse


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["flow", "warp"])
def test_the_gradient_pulls_towards_agreement(truth_about, steps, copies, reading):
    sample = steps if reading == "flow" else copies
    true = truth_about(sample)
    rng = torch.Generator().manual_seed(1)
    values = true.embedding + 0.03 * torch.randn(true.embedding.shape, generator=rng)
    values.requires_grad_()
    before = terms(replace(true, embedding=values), sample, reading=reading).losses[reading]
    before.backward()
    assert torch.isfinite(values.grad).all()
    step = values.detach() - 0.01 * values.grad / values.grad.abs().max()
    after = terms(replace(true, embedding=step), sample, reading=reading).losses[reading]
    assert float(after) < float(before.detach())


def test_a_static_background_is_ignored(truth_about, steps):
    true = truth_about(steps)
    off = ~steps.fields.known[:, None].expand_as(true.embedding)
    values = torch.where(off, torch.nan, true.embedding).requires_grad_()
    found = terms(replace(true, embedding=values), steps)
    assert float(found.losses["flow"]) == float(terms(true, steps).losses["flow"])
    found.losses["flow"].backward()
    assert float(values.grad[off].abs().max()) == 0
    nobody = replace(true, foreground_logit=torch.full_like(true.foreground_logit, -8.0))
    assert terms(nobody, steps).losses == {}


def test_labels_teach_the_next_frame(truth_about, steps):
    true = truth_about(steps)
    values = true.embedding.clone().requires_grad_()
    labelled = replace(steps, labelled=torch.tensor([True, True, False, False]))
    loss = terms(replace(true, embedding=values), labelled, anchored=True).losses["flow"]
    loss.backward()
    assert float(values.grad[:2].abs().max()) == 0
    assert float(values.grad[2:].abs().max()) > 0


# --- warp -----------------------------------------------------------------------------------


def test_copies_are_no_pairs_of_cameras(copies):
    assert copies.copies() == ((0, 2), (1, 3))
    assert copies.pairs() == ((0, 1),)
    assert copies.steps() == ()
    other = replace(copies, group=torch.tensor([0, 0, 1, 1]))
    assert other.copies() == ()
    assert other.pairs() == ((0, 1), (2, 3))


def test_a_warp_is_exact(truth, sample):
    """In a crop that is turned by 90 degrees and mirrored, the same cells have new places."""
    turned = Crop(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), (64, 64))
    two = replace(
        sample,
        views=(sample.views[0], sample.views[0], sample.views[2]),
        crops=(sample.crops[0], sample.crops[0].of(turned), sample.crops[2]),
        masks=torch.stack([sample.masks[0], sample.masks[0].mT, sample.masks[2]]),
    )
    values = truth.embedding.clone()
    logit = truth.foreground_logit.clone()
    values[1], logit[1] = values[0].mT, logit[0].mT
    prediction = replace(truth, embedding=values, foreground_logit=logit)
    found = terms(prediction, two, sigma=1e-4, reading="warp", distance="unsquared")
    assert found.meters["pairs"] == 1
    assert float(found.losses["warp"].detach()) < 1e-6
    wrong = replace(prediction, embedding=torch.stack([values[0], values[0], values[2]]))
    found = terms(wrong, two, sigma=1e-4, reading="warp", distance="unsquared")
    assert float(found.losses["warp"].detach()) > 1


def test_true_fields_agree_in_two_crops(truth_about, copies):
    true = truth_about(copies)
    found = terms(true, copies, reading="warp")
    loss, floor = float(found.losses["warp"]), found.meters["floor"]
    assert found.meters["pairs"] == 2
    assert loss < 1.05 * floor + 0.05
    constant = replace(true, embedding=torch.zeros_like(true.embedding))
    assert float(terms(constant, copies, reading="warp").losses["warp"]) > 2 * loss


# --- a run ----------------------------------------------------------------------------------


def settings(**temporal):
    return TrainSettings(
        steps=2, size=64, validate_every=2, batch=1, matching={"views": 2}, temporal=temporal
    )


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["flow", "warp"])
def test_two_steps_of_a_run(filmed, teacher, tmp_path, reading):
    train(settings(weight=0.5, reading=reading), filmed, tmp_path, teacher)
    logged = pd.read_csv(tmp_path / "logs" / "metrics.csv")
    found = {name: logged[f"temporal/{name}"].dropna() for name in (reading, "pairs", "weight")}
    assert (found[reading] > 0).all()
    assert (found["pairs"] == 2).all() and (found["weight"] == 0.5).all()


def test_without_its_weight_nothing_more_is_read_or_computed(
    filmed, teacher, tmp_path, monkeypatch
):
    monkeypatch.setattr(Coherence, "terms", None)
    train(settings(), filmed, tmp_path, teacher)
    logged = pd.read_csv(tmp_path / "logs" / "metrics.csv")
    assert not [name for name in logged.columns if name.startswith("temporal")]
    data = TrainingData(filmed, settings(reading="warp"))
    assert {len(views) for views in data.views.views} == {2}


def test_what_cannot_be_is_refused(filmed):
    with pytest.raises(InputError, match=r"another 100 frames later \(temporal.step\)"):
        TrainingData(filmed, settings(weight=1.0, step=100))
    with pytest.raises(ValidationError, match="supervised has no temporal term"):
        TrainSettings(method="supervised", temporal={"weight": 1.0})
