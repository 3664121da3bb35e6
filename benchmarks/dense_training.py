"""The experiment of dense training: labels alone, bootstrapping and epipolar training.

    OMP_NUM_THREADS=1 python benchmarks/dense_training.py --out benchmarks/results/dense_training.md

A person in clothes is filmed by eight synthetic cameras; a few frames of two of them are labelled.
From these labels a teacher is trained, and from the teacher each method goes on for the same number
of steps. All are tested on frames that no training saw, on a camera that no training saw, and on
another person in another place. Everything follows from the seeds; runs that a work folder already
holds are not done again, and --processes of them run at once. With --retest their models are
tested anew.
"""

import argparse
import json
import logging
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from origin import origin

from mvboot.datasets import Capture, View
from mvboot.fields import DenseField
from mvboot.inference.fields import predicted
from mvboot.metrics.drift import drift_errors, drift_summary
from mvboot.metrics.measures import Instant, LiftedMeasure, Settings, measured
from mvboot.networks import load_network
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.dense.settings import TrainSettings
from mvboot.training.run import MODEL, train

SEEDS = (1, 2, 3)
HELD_OUT = "cam_08"
LABEL_CAMERAS = ("cam_01", "cam_04")
TEACHER_STEPS, STEPS = 3000, 1000
FILMED = {"cameras": 8, "size": 192}
"""Of every capture; the rest are defaults: clothes, room, light, noise, motion blur."""
TRAINING = {
    "frames": 120,
    "fps": 10.0,
    "labelled": 16,
    "held_out_cameras": [HELD_OUT],
}
STRANGER = {"frames": 12, "fps": 1.0, "validation": 0.0}
ANOTHER = {"frames": 12, "fps": 2.0, "validation": 0.0, "seed": 501}
STRANGERS = tuple(f"stranger_{number}" for number in range(1, 25))
"""Captures of other people in other places, whose labels are the second setting's: many people
teach more than many frames of a few."""
TEST_FRAMES = 8
COMMON = {"validate_every": 250}
LABELS_OF = {False: {"label_cameras": LABEL_CAMERAS}, True: {}}
"""Own labels are by two cameras, those of strangers by all."""
TEACHER = {"method": "supervised", "steps": TEACHER_STEPS, "learning_rate": 2e-3}
CONTINUED = {"steps": STEPS, "learning_rate": 1e-3}
METHODS = ("supervised", "bootstrap", "epipolar", "combined")
SHORT = 500
"""Steps of an ablation."""
ABLATIONS: dict[str, dict[str, Any]] = {
    "without L_R": {"distillation": {"weight_start": 0.0, "weight_end": 0.0}},
    "without L_L": {"labelled": 0.0, "matching": {"anchored": False}},
    "unnormalised M": {"matching": {"normalised": False}},
    "pairs of cameras": {"matching": {"views": 2}},
    "lines alone, no transfer": {"matching": {"transfer": False}},
    "labels do not stand in": {"matching": {"anchored": False}},
    "sigma fixed at its end": {"matching": {"sigma_start": 0.05}},
    "squared distance": {"matching": {"distance": "squared"}},
    "robust distance": {"matching": {"distance": "robust", "weight": 4.0}},
}


@dataclass(frozen=True)
class Job:
    """One training run and its tests, in a folder of its own."""

    name: str
    seed: int
    folder: Path
    captures: Path
    settings: dict[str, Any] = field(default_factory=dict)
    teacher: Path | None = None
    labels: tuple[str, ...] = ()

    @property
    def result(self) -> Path:
        """Where its scores are."""
        return self.folder / "scores.json"

    @property
    def lifted(self) -> Path:
        """Where the errors of its lifted points are: mm by frame and point, NaN if not lifted."""
        return self.folder / "lifted.npy"


def main() -> None:
    """Run what is missing and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("out/dense_training"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--no-ablations", action="store_true")
    parser.add_argument("--retest", action="store_true")
    given = parser.parse_args()
    film(given.work / "captures", given.seeds, given.processes)
    jobs = planned(given.work, given.seeds, not given.no_ablations)
    for job in jobs:
        if given.retest and (job.folder / MODEL).exists():
            job.result.unlink(missing_ok=True)
    first = [job for job in jobs if job.teacher is None]
    then = [job for job in jobs if job.teacher is not None]
    pool = ProcessPoolExecutor(given.processes, mp_context=get_context("spawn"))
    with pool as workers:
        for stage in (first, then):
            for done in workers.map(run, stage):
                print(done, flush=True)
    text = "\n".join(report(jobs, given.seeds)) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


def film(folder: Path, seeds: tuple[int, ...], processes: int) -> None:
    """Make the captures that are missing."""
    wanted = {f"person_{seed}": TRAINING | {"seed": 100 + seed} for seed in seeds}
    wanted["another"] = ANOTHER
    for number, name in enumerate(STRANGERS):
        wanted[name] = STRANGER | {"seed": 701 + number}
    for name, settings in wanted.items():
        if not (folder / name / "capture.yaml").exists():
            print(f"filming {name}", flush=True)
            filmed = SynthSettings.model_validate(FILMED | settings)
            synthesise(filmed, folder / name, processes=processes)


def planned(work: Path, seeds: tuple[int, ...], ablations: bool) -> list[Job]:
    """Return all runs: teachers, methods by seed, labels of another domain, ablations."""
    captures = work / "captures"
    jobs, then = [], []
    for seed, labels in [*((seed, ()) for seed in seeds), (seeds[0], STRANGERS)]:
        base = work / ("other_domain" if labels else f"seed_{seed}")
        teacher = Job("teacher", seed, base / "teacher", captures, TEACHER, labels=labels)
        jobs.append(teacher)
        then += [job_of(teacher, name, {"method": name}) for name in METHODS]
    if ablations:
        variants = {"epipolar, as it is": {}, **ABLATIONS}
        short = {"method": "epipolar", "steps": SHORT}
        then += [job_of(jobs[0], name, short | own) for name, own in variants.items()]
    return jobs + then


def job_of(teacher: Job, name: str, settings: dict[str, Any]) -> Job:
    """Return a run that goes on from a teacher."""
    folder = teacher.folder.parent / slug(name)
    model = teacher.folder / MODEL
    return replace(teacher, name=name, folder=folder, settings=CONTINUED | settings, teacher=model)


def slug(name: str) -> str:
    """Return a name of a folder."""
    return name.lower().replace(",", "").replace(" ", "_")


def run(job: Job) -> str:
    """Train and test what is not there; a run that the watch stops has no scores but a sentence."""
    if job.result.exists():
        return f"{job.folder}: there already"
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    capture = Capture.open(job.captures / f"person_{job.seed}")
    labelled = [Capture.open(job.captures / name) for name in job.labels]
    own = LABELS_OF[bool(job.labels)] | {"seed": job.seed}
    settings = TrainSettings.model_validate(COMMON | job.settings | own)
    started = time.process_time()
    try:
        if not (job.folder / MODEL).exists():
            train(settings, capture, job.folder, job.teacher, labelled)
    except Exception as error:  # the watch stops runs that degenerate: that is a result
        if type(error).__name__ != "QualityMissed":
            raise
        scores: dict[str, Any] = {"stopped": str(error)}
    else:
        scores = tested(job, capture, settings)
    job.result.write_text(json.dumps(scores, indent=1))
    return f"{job.folder}: {time.process_time() - started:.0f} s"


def tested(job: Job, capture: Capture, settings: TrainSettings) -> dict[str, Any]:
    """Return the scores on held-out frames, the held-out camera and another person."""
    another = Capture.open(job.captures / "another")
    held = said(job.folder / MODEL, settings, capture, spread(capture.split("validation").tolist()))
    other = said(job.folder / MODEL, settings, another, spread(another.frames.tolist()))
    seen = without(held, HELD_OUT)
    np.save(job.lifted, lifted_errors(capture, seen))
    found: dict[str, Any] = {
        "frames": scores(capture, seen),
        "camera": scores(capture, held, HELD_OUT),
        "another": scores(another, other),
    }
    if job.teacher is not None:
        before = said(job.teacher, settings, capture, list(held))
        found["frames"]["drift_cm"] = drift(capture, seen, before)
    return found


def spread(frames: list[int]) -> list[int]:
    """Return at most `TEST_FRAMES` of them, evenly."""
    chosen = np.linspace(0, len(frames) - 1, min(TEST_FRAMES, len(frames))).round().astype(int)
    return [frames[i] for i in chosen]


def said(
    model: Path, settings: TrainSettings, capture: Capture, frames: list[int]
) -> dict[int, dict[str, DenseField]]:
    """Return the fields that a model predicts for all cameras, by frame."""
    template = capture.template
    assert template is not None
    net = load_network(model, template).eval()
    found = {}
    for frame in frames:
        views = [View(camera, frame) for camera in capture.cameras if capture.has(camera, frame)]
        fields = predicted(net, capture, views, settings.size, settings.margin)
        found[frame] = {one.camera: one for one in fields}
    return found


def without(
    fields: dict[int, dict[str, DenseField]], camera: str
) -> dict[int, dict[str, DenseField]]:
    """Return the fields of all other cameras."""
    return {
        frame: {name: one for name, one in own.items() if name != camera}
        for frame, own in fields.items()
    }


def scores(
    capture: Capture, fields: dict[int, dict[str, DenseField]], only: str | None = None
) -> dict[str, float]:
    """Return the scores of fields; ``only``: in one camera's pictures, beside all cameras."""
    assert capture.template is not None
    cameras = tuple(next(iter(fields.values())))
    chosen = Settings(capture, capture.template, cameras)
    found = measured((Instant(f, own, chosen) for f, own in fields.items()), chosen)
    surface, epipolar = found["surface"], found["epipolar"]
    if only is not None:
        surface, epipolar = (one["per_camera"][only] for one in (surface, epipolar))
    kept = {name: surface[name] for name in ("mean_cm", "median_cm", "within_10cm", "missing")}
    kept |= {"epipolar_px": epipolar["mean_px"], "matched": epipolar["matched"]}
    if only is None:
        kept |= {"lifted_mm": found["lifted"]["mean_mm"], "lifted": found["lifted"]["lifted"]}
    return kept


def lifted_errors(
    capture: Capture, fields: dict[int, dict[str, DenseField]]
) -> NDArray[np.float64]:
    """Return the errors of lifted points (frames, points), mm, NaN where one was not lifted."""
    assert capture.template is not None
    chosen = Settings(capture, capture.template, tuple(next(iter(fields.values()))))
    measure = LiftedMeasure(chosen)
    for frame, own in fields.items():
        measure.add(Instant(frame, own, chosen))
    return np.stack([one.error_mm for one in measure.found])


def drift(
    capture: Capture,
    fields: dict[int, dict[str, DenseField]],
    before: dict[int, dict[str, DenseField]],
) -> float:
    """Return how far fields moved along the surface from the teacher's on average, cm."""
    assert capture.template is not None
    moved = [
        drift_errors(one, before[frame][name], capture.template)
        for frame, own in fields.items()
        for name, one in own.items()
    ]
    return float(drift_summary(moved)["mean_cm"])


SCORES = {
    "mean_cm": "surface mean cm",
    "median_cm": "median cm",
    "within_10cm": "within 10 cm",
    "missing": "missing",
    "epipolar_px": "epipolar px",
    "matched": "matched",
    "lifted_mm": "lifted mm",
    "lifted": "lifted",
    "drift_cm": "drift cm",
}
TESTS = {
    "frames": "held-out frames, the cameras that trained",
    "camera": "held-out frames, the camera that never trained",
    "another": "another person in another place",
}


def report(jobs: list[Job], seeds: tuple[int, ...]) -> list[str]:
    """Return the page."""
    jobs = [job for job in jobs if job.result.exists()]
    main_jobs = [job for job in jobs if not job.labels]
    lines = ["# Dense training", "", *origin(), *setting(), ""]
    for test, title in TESTS.items():
        lines += [f"## Tested on {title}", ""]
        lines += by_seed(main_jobs, test, seeds) + [""]
    lines += ["## What epipolar training gains", "", *ratios(main_jobs, seeds), ""]
    lines += ["## Points that all methods lift (held-out frames)", ""]
    lines += [*same_points(main_jobs, seeds), ""]
    own = [job for job in main_jobs if job.name not in ("teacher", *METHODS)]
    if own:
        lines += [f"## Ablations (seed {seeds[0]}, {SHORT} steps, held-out frames)", ""]
        lines += [*table(own, "frames"), ""]
    other = [job for job in jobs if job.labels]
    lines += [f"## Labels from another domain (seed {seeds[0]}, held-out frames)", ""]
    lines += [
        f"A teacher from labels of {len(STRANGERS)} other people in other places, by all cameras; "
        "no picture of the footage is ever labelled.",
        "",
        *table(other, "frames"),
    ]
    return lines


def setting() -> list[str]:
    """Say what was done."""
    return [
        f"Each seed: a person of its own in clothes, {FILMED['cameras']} cameras of "
        f"{FILMED['size']} px, {TRAINING['frames']} frames of which a fifth validates; "
        f"{TRAINING['labelled']} frames of {' and '.join(LABEL_CAMERAS)} are labelled, {HELD_OUT} "
        f"never trains. Crops of {TrainSettings().size} px, the network `small`. A teacher from "
        f"the labels, {TEACHER_STEPS} steps; from it each method, {STEPS} steps. Means of "
        "distances are over pixels with a prediction, `missing` is the share without; `matched` "
        "and `lifted` say of how many pixels and points the errors are."
    ]


def by_seed(jobs: list[Job], test: str, seeds: tuple[int, ...]) -> list[str]:
    """Return the table of each method's mean over seeds, with the single values."""
    rows = {
        name: [read(job, test) for job in jobs if job.name == name and job.seed in seeds]
        for name in ("teacher", *METHODS)
    }
    lines = head()
    for name, found in rows.items():
        cells = []
        for score in SCORES:
            values = [row[score] for row in found if score in row]
            shown = f"{np.mean(values):.3g}" if values else ""
            each = ", ".join(f"{value:.3g}" for value in values)
            cells.append(f"{shown} ({each})" if len(values) > 1 else shown)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def table(jobs: list[Job], test: str) -> list[str]:
    """Return one row a run."""
    lines = head()
    for job in jobs:
        row = read(job, test)
        cells = [f"{row[score]:.3g}" if score in row else "" for score in SCORES]
        if "stopped" in row:
            cells = [f"stopped: {row['stopped']}", *[""] * (len(SCORES) - 1)]
        lines.append(f"| {job.name} | " + " | ".join(cells) + " |")
    return lines


def head() -> list[str]:
    """Return the head of a table."""
    return ["| method | " + " | ".join(SCORES.values()) + " |", "|---" * (len(SCORES) + 1) + "|"]


def ratios(jobs: list[Job], seeds: tuple[int, ...]) -> list[str]:
    """Return how the errors of views compare with those of other methods, in percent."""
    errors = ("mean_cm", "epipolar_px", "lifted_mm")
    lines = ["| method | against | on | " + " | ".join(SCORES[name] for name in errors) + " |"]
    lines.append("|---" * (len(errors) + 3) + "|")
    for method, other in (
        ("epipolar", "supervised"),
        ("epipolar", "bootstrap"),
        ("combined", "supervised"),
        ("combined", "bootstrap"),
    ):
        for test, title in TESTS.items():
            found = [
                [read(j, test) for j in jobs if j.name == name and j.seed in seeds]
                for name in (method, other)
            ]
            cells = []
            for score in errors:
                own, its = ([row[score] for row in rows if score in row] for rows in found)
                gain = 100 * (np.mean(own) / np.mean(its) - 1) if own and its else None
                cells.append("" if gain is None else f"{gain:+.0f} %")
            lines.append(f"| {method} | {other} | {title} | " + " | ".join(cells) + " |")
    return lines


def same_points(jobs: list[Job], seeds: tuple[int, ...]) -> list[str]:
    """Return the mean errors of those points that each method lifts: elsewhere some lift more."""
    lines = ["| seed | points | " + " | ".join(f"{name} mm" for name in METHODS) + " |"]
    lines.append("|---" * (len(METHODS) + 2) + "|")
    for seed in seeds:
        own = {job.name: job for job in jobs if job.seed == seed and job.lifted.exists()}
        if not set(METHODS) <= set(own):
            continue
        errors = np.stack([np.load(own[name].lifted) for name in METHODS])
        shared = np.isfinite(errors).all(0)
        cells = " | ".join(f"{value:.1f}" for value in errors[:, shared].mean(1))
        lines.append(f"| {seed} | {shared.mean():.2f} | {cells} |")
    return lines


def read(job: Job, test: str) -> dict[str, Any]:
    """Return the scores of one test of a run, or why there are none."""
    found: dict[str, Any] = json.loads(job.result.read_text())
    return found if "stopped" in found else found[test]


if __name__ == "__main__":
    main()
