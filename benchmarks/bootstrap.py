r"""Bootstrapping keypoints: synthetic people before twelve cameras, and a mouse before four.

    OMP_NUM_THREADS=1 python benchmarks/bootstrap.py --work out/bootstrap \
        --mouse mouse4 --out benchmarks/results/bootstrap.md

From few labels a detector bootstraps itself for two rounds; epipolar training, KeypointNet's
consistency and labels alone train for about as long (people) or as many steps (the mouse). All are
tested on labels of frames that no training saw. The mouse is a folder like that of sleap-anipose:
ChArUco stills, videos and proofread labels by camera. All is done by commands of `mvboot`; what is
in --work already is not done again.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from origin import origin
from real_people import Workshop

from mvboot.config import dump_yaml
from mvboot.datasets import Capture
from mvboot.datasets.label_agreement import LabelAgreement
from mvboot.datasets.labels import of_views
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.detections import detection_epipolar, detection_summary
from mvboot.training.keypoints.settings import AGREEMENT
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.projected import projected
from mvboot.triangulation.recording import triangulate_keypoints

ROUNDS = 2
VIEWS_COST = 2.5
"""Steps of labels alone that are given up for one with groups of views beside them, which takes 1.7
times as long on a quiet core and more beside other work.
"""
SHARE = 0.05
"""A label is right within this share of the longer side of the box about its picture's points."""
FILMED = ("--cameras", "12", "--frames", "150", "--size", "224", "--seed", "31")
FILMED_MORE = ("fps=10", "held_out_cameras=[cam_12]")
BODY_GROUPS = {
    "head": ["nose", "eye_left", "eye_right", "ear_left", "ear_right", "head_top"],
    "trunk": ["neck", "pelvis"],
    **{
        f"{limb}_{side}": [f"{joint}_{side}" for joint in joints]
        for side in ("left", "right")
        for limb, joints in {
            "arm": ("shoulder", "elbow", "wrist", "hand"),
            "leg": ("hip", "knee"),
            "foot": ("ankle", "heel", "big_toe"),
        }.items()
    },
}
BOARD = "charuco:8x11:24mm:18.75mm:DICT_4X4_1000"
MOUSE_GROUPS = {
    "head": ["Nose", "Ear_R", "Ear_L", "Head"],
    "front": ["Neck", "Shoulder_left", "Shoulder_right"],
    "back": ["Trunk", "TTI", "Haunch_left", "Haunch_right"],
    "tail": ["Tail_0", "Tail_1", "Tail_2", "TailTip"],
}
MOUSE_BONES = {
    "head": ["Nose", "Head"],
    "nape": ["Head", "Neck"],
    "front": ["Neck", "Trunk"],
    "back": ["Trunk", "TTI"],
    "tail_0": ["TTI", "Tail_0"],
    "tail_1": ["Tail_0", "Tail_1"],
    "tail_2": ["Tail_1", "Tail_2"],
    "tail_3": ["Tail_2", "TailTip"],
}
MOUSE_PAIRS = (
    *("Ear_L=Ear_R", "Shoulder_left=Shoulder_right", "Haunch_left=Haunch_right"),
    *(f"{name}={name}" for name in ("Nose", "TTI", "TailTip", "Head", "Trunk", "Neck")),
    *(f"Tail_{i}=Tail_{i}" for i in range(3)),
)


@dataclass(frozen=True)
class Setting:
    """One experiment: a capture, the labels that it starts from, and how networks are trained."""

    name: str
    capture: Path
    labels: Path
    frames: str
    cameras: str
    steps: int
    network: tuple[str, ...]
    more: tuple[str, ...]
    groups: dict[str, list[str]]
    bones: dict[str, list[str]] = field(default_factory=dict)
    synthetic: bool = True
    views_cost: float = VIEWS_COST
    """By how much fewer steps have views beside the labels."""
    of_ways: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Settings of single `WAYS`, by their folder."""
    seed: int = 0


@dataclass(frozen=True)
class Way:
    """A training that bootstrapping is compared with: from the detector of round 0, or anew."""

    name: str
    folder: str
    words: tuple[str, ...]
    has_views: bool = True
    goes_on: bool = True

    def steps(self, setting: Setting) -> int:
        """Return how many it takes, where the rounds have their steps."""
        rounds = ROUNDS if self.goes_on else ROUNDS + 1
        return round(rounds * setting.steps / (setting.views_cost if self.has_views else 1))


WAYS = (
    Way("epipolar training", "epipolar", ("--method", "epipolar")),
    Way(
        "labels and KeypointNet's consistency",
        "consistent",
        ("--method", "supervised", "geometry.consistency=0.1"),
        goes_on=False,
    ),
    Way("labels alone", "supervised", ("--method", "supervised"), has_views=False),
)


class Shop(Workshop):
    """Commands of mvboot whose results lie in a folder; runs that were stopped go on."""

    def do(self, name: str, *command: str | Path) -> Path:
        """See `Workshop.do`."""
        out = self.folder / name
        if command[0] not in ("train", "bootstrap") or not out.exists():
            return super().do(name, *command)
        if not (out / "summary.json").exists():
            begun = (out / "rounds").exists() or (out / "last.ckpt").exists()
            words = [*map(str, command), "--out", str(out)]
            words.append("--resume" if begun else "--overwrite")
            subprocess.run([sys.executable, "-m", "mvboot.cli", *words], check=True)
        return out


def main() -> None:
    """Do what is missing and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("out/bootstrap"))
    parser.add_argument("--mouse", type=Path)
    parser.add_argument("--only", choices=("people", "mouse"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--go-on", action="store_true", help="each round from the one before")
    parser.add_argument("--seed", type=int, default=0, help="of every training")
    parser.add_argument("--alone", action="store_true", help="nothing to compare with")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = Shop(given.work)
    shop.folder.mkdir(parents=True, exist_ok=True)
    settings = []
    if given.only != "mouse":
        settings.append(people(shop, given.steps))
    if given.mouse is not None and given.only != "people":
        settings.append(mouse(shop, given.mouse, given.steps))
    lines = ["# Bootstrapping keypoints", "", *origin()]
    if given.go_on:
        settings = [replace(each, more=(*each.more, "go_on=true")) for each in settings]
    for setting in settings:
        lines += reported(shop, replace(setting, seed=given.seed), given.alone)
    text = "\n".join(lines) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)


def people(shop: Workshop, steps: int) -> Setting:
    """Return the synthetic experiment: 20 labelled pictures, five of each of four cameras."""
    capture = shop.do("people", "synth", *FILMED, *FILMED_MORE)
    train = Capture.open(capture).split("train").tolist()
    chosen = [train[i] for i in np.linspace(0, len(train) - 1, 5).round().astype(int)]
    return Setting(
        "people", capture, capture / "keypoints.parquet", ",".join(map(str, chosen)),
        "cam_01,cam_04,cam_07,cam_10", steps,
        ("size=96", "batch=8", "learning_rate=2e-3", "validate_every=500"),
        ("window=5", "tolerance=1"), BODY_GROUPS, of_ways={"epipolar": ("learning_rate=1e-3",)},
    )  # fmt: skip


def mouse(shop: Workshop, data: Path, steps: int) -> Setting:
    """Return the experiment on the mouse: ten labelled frames of four cameras."""
    stills = data / "{camera}" / "calibration_images" / "*.jpg"
    rig = shop.do("mouse_rig", "calibrate", "--board", BOARD, "--images", stills)
    labels = data / "{camera}" / "minimal_{camera}_proofread.analysis.h5"
    capture = shop.do(
        "mouse", "capture", "--rig", rig / "rig.yaml",
        "--videos", data / "{camera}" / "minimal_{camera}.mp4", "--keypoints", labels,
        "--train", "0..79", "--validation", "80..119",
    )  # fmt: skip
    pairs = tuple(f"pairs.{pair}" for pair in MOUSE_PAIRS)
    frames = ",".join(map(str, range(4, 80, 8)))
    boxed(shop, capture, frames, pairs)
    return Setting(
        "mouse", capture, capture / "keypoints.parquet", frames, "back,mid,side,top", steps,
        ("size=128", "batch=8", "learning_rate=2e-3", "validate_every=500", *pairs),
        ("window=2", "tolerance=1", "min_views=2"), MOUSE_GROUPS, MOUSE_BONES, synthetic=False,
        views_cost=1,
    )  # fmt: skip


def boxed(shop: Workshop, capture: Path, frames: str, pairs: tuple[str, ...]) -> None:
    """Give a capture boxes about its subject, which a network finds that knows the same labels."""
    if (capture / "boxes.csv").exists():
        return
    common = ("--task", "keypoints", "--data", capture, f"label_frames=[{frames}]", *pairs)
    locator = shop.do(
        "mouse_locator", "train", *common, "crops=picture", "size=192", "batch=8",
        "learning_rate=2e-3", "--steps", "600",
    )  # fmt: skip
    located = shop.do(
        "mouse_located", "predict", "--model", locator, "--data", capture, "--split", "all"
    )
    found = read_keypoints2d(located / "keypoints.parquet").above(0.2)
    low, high = np.nanmin(found.xy[:, :, 0], 2), np.nanmax(found.xy[:, :, 0], 2)
    rows = [
        (name, frame, *low[c, f], *high[c, f])
        for c, name in enumerate(found.cameras)
        for f, frame in enumerate(found.frames.tolist())
    ]
    columns = ["camera", "frame", "left", "top", "right", "bottom"]
    pd.DataFrame(rows, columns=columns).dropna().to_csv(capture / "boxes.csv", index=False)


def reported(shop: Workshop, setting: Setting, alone: bool) -> list[str]:
    """Run an experiment and return its part of the page."""
    bootstrapped = bootstrap(shop, setting)
    rounds = json.loads((bootstrapped / "rounds.json").read_text())
    reference = truth(setting)
    rows = []
    for one in rounds["rounds"]:
        place = bootstrapped / "rounds" / f"{one['round']:02d}"
        steps = setting.steps * (one["round"] + 1)
        detected = read_keypoints2d(place / "detections.parquet")
        rows.append((f"bootstrapping, round {one['round']}", steps, detected))
    start = bootstrapped / "rounds" / "00" / "model"
    others = {} if alone else continued(shop, setting, start)
    for name, (steps, folder) in others.items():
        detected = read_keypoints2d(folder / "keypoints.parquet")
        rows.append((name, steps, detected))
    pictures = len(setting.frames.split(",")) * len(setting.cameras.split(","))
    return [
        f"## {setting.name.title()}",
        "",
        f"{pictures} labelled pictures; `{' '.join((*setting.network, *setting.more))}`, "
        f"{setting.steps} steps a training, seed {setting.seed}. Steps add up over rounds.",
        "",
        *scores(setting, rows, reference),
        *(() if setting.synthetic else same_spot_scores(setting, rows)),
        "",
        *pseudo_labels(setting, bootstrapped, rounds, reference),
        "",
        (bootstrapped / "rounds.md").read_text(),
    ]


def scores(
    setting: Setting, rows: Sequence[tuple[str, int, Keypoints2D]], reference: Keypoints2D
) -> list[str]:
    """Return the table of what was detected on held-out frames."""
    capture = Capture.open(setting.capture)
    pictures = dict.fromkeys(capture.split("validation").tolist(), capture.cameras)
    lines = ["| | steps | PCK .05 | median px | mean px | epipolar median px |"]
    lines.append("|---" * 6 + "|")
    for name, steps, detected in rows:
        score = detection_summary(detected, reference, pictures)
        apart = detection_epipolar(detected, capture, pictures)
        lines.append(
            f"| {name} | {steps} | {score['pck_0.05']:.3f} | {score['median_px']:.2f} | "
            f"{score['mean_px']:.2f} | {apart['median_px']:.2f} |"
        )
    return lines


def same_spot_scores(setting: Setting, rows: Sequence[tuple[str, int, Keypoints2D]]) -> list[str]:
    """Return what people themselves reach, and the scores of what they place on one spot."""
    capture = Capture.open(setting.capture)
    own = capture.keypoints
    assert own is not None
    frames = [int(frame) for frame in setting.frames.split(",")]
    trained = of_views(own, setting.cameras.split(","), frames)
    agreement = LabelAgreement.of(capture.rig, trained, AGREEMENT)
    options = TriangulationOptions(threshold_px=agreement.limit_px, min_views=2)
    agreed = projected(triangulate_keypoints(capture.rig, own, options), capture.rig)
    people = [("labels of people", 0, own), ("these, made consistent", 0, agreed)]
    return [
        "",
        "Labels of people on the same frames, and what they become when they are triangulated from "
        "the views that agree and projected back:",
        "",
        *scores(setting, people, own),
        "",
        "Only pairs of camera and keypoint that mean the same spot in the labelled frames (the box "
        "about fewer labels is smaller, and with it what PCK allows):",
        "",
        *scores(
            setting,
            [(name, steps, agreement.kept(found)) for name, steps, found in [*rows, *people]],
            agreement.kept(own),
        ),
    ]


def bootstrap(shop: Workshop, setting: Setting) -> Path:
    """Bootstrap; return the folder of the run."""
    files: list[str | Path] = []
    for option, content in (("--groups", setting.groups), ("--bones", setting.bones)):
        if content:
            path = shop.folder / f"{setting.name}_{option[2:]}.yaml"
            dump_yaml(content, path)
            files += [option, path]
    return shop.do(
        f"{setting.name}_bootstrap", "bootstrap", "--data", setting.capture,
        "--labels", setting.labels, "--label-frames", setting.frames,
        "--label-cameras", setting.cameras, "--rounds", str(ROUNDS), *files, *setting.more,
        "--seed", str(setting.seed), f"train.steps={setting.steps}",
        *(f"train.{word}" for word in setting.network),
    )  # fmt: skip


def continued(shop: Workshop, setting: Setting, start: Path) -> dict[str, tuple[int, Path]]:
    """Train otherwise at the cost of the rounds; return the steps in all, and what is detected."""
    common: tuple[str | Path, ...] = (
        "--task", "keypoints", "--data", setting.capture, "--label-cameras", setting.cameras,
        f"label_frames=[{setting.frames}]", *setting.network,
    )  # fmt: skip
    trained = {}
    for way in WAYS:
        steps = way.steps(setting)
        begun: tuple[str | Path, ...] = ("--teacher", start) if way.goes_on else ()
        more = setting.of_ways.get(way.folder, ())
        run = shop.do(
            f"{setting.name}_{way.folder}", "train", *common, *begun, *way.words, *more,
            "--steps", str(steps), "--seed", str(setting.seed),
        )  # fmt: skip
        found = shop.do(
            f"{setting.name}_{way.folder}_found", "predict", "--model", run, "--data",
            setting.capture, "--split", "validation",
        )  # fmt: skip
        trained[way.name] = steps + way.goes_on * setting.steps, found
    return trained


def truth(setting: Setting) -> Keypoints2D:
    """Return what is right: the truth of synthetic pictures, or labels of people."""
    capture = Capture.open(setting.capture)
    if setting.synthetic:
        return capture.truth.keypoints2d
    assert capture.keypoints is not None
    return capture.keypoints


def pseudo_labels(
    setting: Setting, run: Path, rounds: dict[str, Any], reference: Keypoints2D
) -> list[str]:
    """Return how right the labels of each round are, and how many frames gave some."""
    lines = [
        "| round | frames | points triangulated | chosen frames | pseudo-labels | "
        f"error median px | p90 px | within {SHARE} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in rounds["rounds"][1:]:
        selection = one["selection"]
        labels = read_keypoints2d(run / "rounds" / f"{one['round']:02d}" / "labels.parquet")
        error, share = errors(labels, reference)
        accepted = selection["accepted_points"] / selection["points"]
        lines.append(
            f"| {one['round']} | {selection['frames']} | {accepted:.3f} | "
            f"{len(selection['chosen'])} | {len(error)} | {np.median(error):.2f} | "
            f"{np.percentile(error, 90):.2f} | {np.mean(share <= SHARE):.3f} |"
        )
    return lines


def errors(labels: Keypoints2D, reference: Keypoints2D) -> Sequence[Any]:
    """Return distances from what is right in px, and as shares of the box about it."""
    names = {name: name for name in labels.keypoints}
    right = reference.for_cameras(labels.cameras).for_keypoints(names)
    rows = np.searchsorted(right.frames, labels.frames)
    true = right.xy[:, rows]
    box = np.nanmax(true, 3) - np.nanmin(true, 3)
    error = np.linalg.norm(labels.xy - true, axis=-1)
    share = error / box.max(-1)[..., None]
    known = np.isfinite(error)
    return error[known], share[known]


if __name__ == "__main__":
    main()
