"""What the epipolar term costs of a training step.

    OMP_NUM_THREADS=1 python benchmarks/training_step.py --out benchmarks/results/training_step.md

A person is filmed by eight synthetic cameras. A step is what `mvboot train --method epipolar` does:
four labelled pictures and one group of views through the network, the teacher on the views, all
terms, backward, the optimizer and the average. Fields that the term matches are those of a network
that is wrong by --error on the surface: the truth and smooth noise. Times are CPU times of one
thread, the median of several steps; the share is the term's, forward and backward, of the step.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from origin import origin
from torch.nn.functional import interpolate

from mvboot.datasets import Capture, Sample, SampleReader, sample_views
from mvboot.networks import (
    DenseNetwork,
    NetworkConfig,
    build_network,
    frozen_copy,
    update_average,
)
from mvboot.networks.prediction import EmbeddingPrediction
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.dense.batches import TrainingData
from mvboot.training.dense.consistency import Consistency
from mvboot.training.dense.objective import distilled_terms, labelled_terms
from mvboot.training.dense.settings import TrainSettings

FILMED = {"cameras": 8, "frames": 8, "fps": 2.0, "size": 256, "samples": 1, "labelled": 4}
SIDES = (48, 56, 112)
"""Cells on a side of a field."""
VARIANTS: dict[str, dict[str, Any]] = {
    "three views, lines alone": {"views": 3, "transfer": False},
    "three views, transfer": {"views": 3},
    "five views, transfer": {},
}
STEPS = 10
KIND, SIGMA = "embedding", 0.07
"""In the middle of the schedule of sigma."""


def main() -> None:
    """Measure every case in a process of its own and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    parser.add_argument("--error", type=float, default=0.1, help="m on the surface")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        folder, side, variant = given.case
        print(json.dumps(measured(Path(folder), int(side), variant, given.error)))
        return
    lines = ["# What the epipolar term costs of a training step", "", *origin()]
    lines += ["| cells | group | views matched | step, ms | epipolar term, ms | share |"]
    lines += ["|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        synthesise(SynthSettings.model_validate(FILMED), Path(folder) / "capture")
        for side in given.sides:
            for variant in VARIANTS:
                own = ["--error", str(given.error), "--case", folder, str(side), variant]
                command = [sys.executable, __file__, *own]
                found = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
                lines.append(
                    f"| {side} x {side} | {variant} | {found['views']} | {found['step']:.0f} | "
                    f"{found['term']:.0f} | {100 * found['term'] / found['step']:.0f} % |"
                )
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


def measured(folder: Path, side: int, variant: str, error: float) -> dict[str, float]:
    """Return the ms of a step and of the term in it, and how many views are matched."""
    torch.set_num_threads(1)
    settings = TrainSettings.model_validate(
        {"size": 2 * side, "accelerator": "cpu", "matching": VARIANTS[variant]}
    )
    capture = Capture.open(folder / "capture")
    data = TrainingData(capture, settings)
    network = build_network(NetworkConfig.for_template(data.template))
    labelled = next(iter(data.train_dataloader()["labelled"]))
    reader = SampleReader(capture, settings.size, settings.stride, all_fields=True, kind=KIND)
    views = reader.read(sample_views(capture, "train", settings.matching.views)[0][0])
    step = Step(network, settings, labelled, views)
    prediction = wrong(views, settings.stride, error)
    term = timed(lambda: match(Consistency(settings.matching), prediction, views))
    whole = term + timed(step.without_matching)
    return {"step": 1000 * whole, "term": 1000 * term, "views": len(views.views)}


class Step:
    """A training step but for what is measured."""

    def __init__(
        self, network: DenseNetwork, settings: TrainSettings, labelled: Sample, views: Sample
    ) -> None:
        self.network, self.unit = network, settings.unit
        self.teacher, self.average = frozen_copy(network), frozen_copy(network)
        self.optimizer = torch.optim.AdamW(network.parameters())
        self.labelled, self.views = labelled, views

    def without_matching(self) -> None:
        """Do all of a step but match."""
        found = labelled_terms(self.network(self.labelled.images), self.labelled, self.unit)
        prediction = self.network(self.views.images)
        with torch.no_grad():
            taught = self.teacher(self.views.images)
        kept = distilled_terms(prediction, taught, self.unit)
        loss = torch.stack([*found.losses.values(), *kept.losses.values()]).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        update_average(self.average, self.network, 0.99)


def wrong(views: Sample, stride: int, error: float) -> EmbeddingPrediction:
    """Return the true fields of views plus noise that is smooth over eight cells."""
    fields = views.fields
    assert fields is not None
    truth = fields.coordinates
    generator = torch.Generator().manual_seed(0)
    coarse = [n // 8 + 1 for n in truth.shape[-2:]]
    noise = torch.randn(*truth.shape[:2], *coarse, generator=generator)
    noise = interpolate(noise, truth.shape[-2:], mode="bicubic") * error / truth.shape[1] ** 0.5
    logit = torch.where(fields.known, 8.0, -8.0)
    blank = torch.zeros_like(logit)
    return EmbeddingPrediction(logit, blank, torch.ones_like(blank), stride, truth + noise)


def match(consistency: Consistency, prediction: EmbeddingPrediction, views: Sample) -> None:
    """Take the term forward and backward."""
    embedding = prediction.embedding.clone().requires_grad_()
    terms = consistency.terms(replace(prediction, embedding=embedding), views, SIGMA)
    terms.losses["multiview"].backward()


def timed(work: Callable[[], None]) -> float:
    """Return the CPU seconds of some work, the median of several runs."""
    work()
    seconds = []
    for _ in range(STEPS):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
