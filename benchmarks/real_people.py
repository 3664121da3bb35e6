r"""Real pictures: a teacher of synthetic people only, then views of a recording without labels.

    OMP_NUM_THREADS=1 python benchmarks/real_people.py --data human4 \
        --out benchmarks/results/real_people.md

The recording is a folder like the demo of Pose2Sim (four cameras; a person walks and balances on
a treadmill): ``calibration/Calib.qca.txt``, ``openpose/{camera}``, ``videos/{camera}.mp4``. All is
done by commands of `mvboot`; what is in --work already is not done again.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from origin import origin

from mvboot.cli import run
from mvboot.datasets import Capture
from mvboot.fields import read_field
from mvboot.report.fields import draw_fields

TRAIN, VALIDATION, SHOWN = "0..79", "80..99", 90
SHOWN_FILE = f"{SHOWN:06d}.npz"
RESIZED = {"cam_01": "1080x1920", "cam_02": "1080x1920"}
"""Videos that were scaled since the calibration, with bars above and below."""

PEOPLE, COARSELY, STRANGERS = 128, 64, 4
"""Synthetic people that the teacher learns from, how many of them from small pictures first, and
others that it is judged by."""
GAITS = (
    *("balance", "balance", "walk", "balance", "stretch", "balance", "dance", "balance", "point"),
    *("balance", "look_around", "balance", "squat", "balance", "wave", "balance", "walk"),
)
SWIMMER = "[cycling_shorts,swimming_cap]"
WEAR = (
    *(SWIMMER, "[shorts,swimming_cap]", SWIMMER, None, "[cycling_shorts]", SWIMMER),
    "[leggings,swimming_cap]",
)
RIGS = ("ring", "random", "ring")
"""What they do in turn, what they wear (None: anything), and what films them."""
SYNTH = ("--cameras", "6", "--frames", "4", "--size", "224")
SYNTH_MORE = ("fps=1", "samples=1", "area=0.3", "validation=0", "fields=embedding")
FIRST_SEED, FIRST_STRANGER = 1000, 2000

NETWORK = ("foreground=10", "precision=bf16-mixed")
COARSE = ("batch=16", "size=64", "steps=4000", "learning_rate=2e-3", "validate_every=250")
FINE = ("batch=16", "size=96", "steps=6000", "learning_rate=2e-3", "validate_every=500")
EPIPOLAR = (
    *("batch=4", "size=96", "steps=600", "learning_rate=1e-3", "validate_every=600"),
    *("matching.sigma_start=0.2", "matching.sigma_end=0.08", "matching.widest_deg=115"),
)
"""The cameras are 48, 68, 105 and 113 degrees apart: at 100 there would be two pairs that nothing
joins."""
CONTROL = EPIPOLAR[:5]
"""As long without the recording."""

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
OPENPOSE = {
    **{f"{s[0].upper()}{j.title()}": f"{j}_{s}" for s in ("left", "right") for j in LIMBS},
    **{f"{s[0].upper()}BigToe": f"big_toe_{s}" for s in ("left", "right")},
    **{f"{s[0].upper()}Heel": f"heel_{s}" for s in ("left", "right")},
    **{f"{s[0].upper()}Ear": f"ear_{s}" for s in ("left", "right")},
}
"""Landmark of the template by keypoint of OpenPose."""
JUDGED = [name for name in OPENPOSE.values() if not name.startswith("ear")]
"""Ears lie on the skin, but behind a cap and often on the far side of the head."""


@dataclass
class Workshop:
    """Runs commands of mvboot whose results lie in a folder."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def do(self, name: str, *command: str | Path) -> Path:
        """Run ``mvboot COMMAND --out FOLDER/NAME`` unless that is there; return the folder."""
        out = self.folder / name
        if not out.exists():
            begun = time.monotonic()
            mvboot_command(*command, "--out", out)
            self.seconds[name] = time.monotonic() - begun
        return out


def mvboot_command(*words: str | Path) -> None:
    """Run a command of mvboot; leave with its exit code where it fails."""
    arguments = [str(word) for word in words]
    print("mvboot", *arguments, flush=True)
    if code := run(arguments):
        sys.exit(code)


def main() -> None:
    """Prepare, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("real_people"))
    arguments = parser.parse_args()
    shop = Workshop(arguments.work)
    shop.folder.mkdir(parents=True, exist_ok=True)
    recording = recorded(shop, arguments.data)
    people, strangers = filmed(shop)
    runs = trained(shop, recording, people, strangers[0])
    surface = [taught(shop, stranger, runs["before"]) for stranger in strangers]
    scores = {name: judged(shop, recording, run, runs["before"]) for name, run in runs.items()}
    text = "\n".join([*header(shop, surface), *table(scores), "", *landmarks(scores), ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)
        capture = Capture.open(recording)
        fields = [
            {
                name: read_field(shop.folder / f"{run.name}_fields" / "fields" / name / SHOWN_FILE)
                for name in capture.cameras
            }
            for run in (runs["before"], runs["after"])
        ]
        draw_fields(capture, fields, SHOWN, arguments.out.with_suffix(".png"))


def recorded(shop: Workshop, data: Path) -> Path:
    """Return the capture of the recording, its rig refined on the frames that train."""
    rig = shop.folder / "rig.yaml"
    if not rig.exists():
        resized = [
            word for name, size in RESIZED.items() for word in ("--resize", f"{name}={size}")
        ]
        source = data / "calibration" / "Calib.qca.txt"
        mvboot_command("rig", "convert", source, rig, *resized)
    person = ("--keypoints", data / "openpose" / "{camera}", "--subject", "largest")
    refined = shop.do(
        "refined", "rig", "refine", rig, *person, "--min-confidence", "0.4", "--held-out", "0.2"
    )
    names = [word for pair in OPENPOSE.items() for word in ("--landmark", "=".join(pair))]
    return shop.do(
        "recording",
        *("capture", "--rig", refined / "rig.yaml", "--videos", data / "videos" / "{camera}.mp4"),
        *(*person, "--min-confidence", "0.3", *names, "--template", "body", "--fps", "60"),
        *("--train", TRAIN, "--validation", VALIDATION),
    )


def filmed(shop: Workshop) -> tuple[list[Path], list[Path]]:
    """Return the captures of synthetic people and of strangers, on whom nothing is trained."""
    people = [
        shop.do(f"person_{number + 1}", *person(number, FIRST_SEED)) for number in range(PEOPLE)
    ]
    strangers = [
        shop.do(f"stranger_{number + 1}", *person(number, FIRST_STRANGER))
        for number in range(STRANGERS)
    ]
    return people, strangers


def person(number: int, first_seed: int) -> tuple[str, ...]:
    """Return the command that films a synthetic person."""
    gait, wear, rig = (words[number % len(words)] for words in (GAITS, WEAR, RIGS))
    worn = () if wear is None else (f"wear={wear}",)
    seed = ("--seed", str(first_seed + number))
    return ("synth", *SYNTH, *seed, "--gait", gait, "--rig", rig, *SYNTH_MORE, *worn)


def trained(
    shop: Workshop, recording: Path, people: Sequence[Path], stranger: Path
) -> dict[str, Path]:
    """Return the runs before and after epipolar training, and one that goes on without it.

    The teacher first learns from small pictures: that is faster.
    """
    first, everyone = (
        [word for folder in some for word in ("--labels", folder)]
        for some in (people[:COARSELY], people)
    )
    supervised = ("train", "--data", stranger, "--method", "supervised", *NETWORK)
    coarse = shop.do("coarse", *supervised, *first, *COARSE)
    teacher = shop.do("teacher", *supervised, *everyone, "--teacher", coarse, *FINE)
    epipolar = ("train", "--data", recording, *everyone, "--method", "epipolar", *NETWORK)
    student = shop.do("student", *epipolar, "--teacher", teacher, *EPIPOLAR)
    control = shop.do("control", *supervised, *everyone, "--teacher", teacher, *CONTROL)
    return {"before": teacher, "control": control, "after": student}


def taught(shop: Workshop, stranger: Path, teacher: Path) -> dict[str, Any]:
    """Return how right a teacher is on a synthetic person that it has not seen."""
    name = f"{teacher.name}_{stranger.name}"
    fields = shop.do(
        f"{name}_fields", "predict", "--data", stranger, "--model", teacher, "--split", "all"
    )
    scores = shop.do(
        f"{name}_scores", "evaluate", "--data", stranger, "--fields", fields, "--split", "all"
    )
    found: dict[str, Any] = json.loads((scores / "summary.json").read_text())["surface"]
    return found


def judged(shop: Workshop, recording: Path, run: Path, teacher: Path) -> dict[str, Any]:
    """Return the summary of `mvboot evaluate` for a run on the frames that validate."""
    predict = ("predict", "--data", recording, "--split", "validation", "--model")
    fields = shop.do(f"{run.name}_fields", *predict, run)
    joints = shop.do(
        "joints",
        *("triangulate", "--rig", recording / "rig.yaml", "--min-views", "3"),
        *("--keypoints", recording / "keypoints.parquet", "--threshold-px", "30"),
    )
    names = [word for name in JUDGED for word in ("--landmark", f"{name}={name}")]
    scores = shop.do(
        f"{run.name}_scores",
        *("evaluate", "--data", recording, "--fields", fields, *names),
        *("--points3d", joints / "points3d.parquet"),
        *("--against", shop.folder / f"{teacher.name}_fields"),
    )
    found: dict[str, Any] = json.loads((scores / "summary.json").read_text())
    return found


# --- what is written ----------------------------------------------------------------------------


def header(shop: Workshop, surface: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return title, command, versions, times, and how right the teacher is on strangers."""
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in shop.seconds.items())
    return [
        "# Real pictures, synthetic teacher",
        "",
        *origin(),
        f"Took: {took or 'nothing, all was there'}.",
        "",
        f"The teacher learned from {PEOPLE} synthetic people. Its error on the surface of "
        f"{len(surface)} others: median {_listed(surface, 'median_cm')} cm, mean "
        f"{_listed(surface, 'mean_cm')} cm.",
        "",
        f"Frames {VALIDATION} of four cameras; frames {TRAIN} trained without labels.",
        "",
    ]


def _listed(scores: Sequence[Mapping[str, Any]], key: str) -> str:
    return ", ".join(f"{one[key]:.3g}" for one in scores)


def table(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what was measured before and after."""
    before, control, after = (scores[name] for name in ("before", "control", "after"))
    lines = [
        "| | before | as long on synthetic people | after | after / before |",
        "|---|---|---|---|---|",
    ]
    for words, group, key in (
        ("epipolar error of hard matches, mean px", "epipolar", "mean_px"),
        ("median px", "epipolar", "median_px"),
        ("90 % within px", "epipolar", "p90_px"),
        ("share of pixels with a match", "epipolar", "matched"),
        ("landmarks found", "landmarks", "found"),
        ("landmarks within .05 of the person's size", "landmarks", "pck_0.05"),
        ("within .1", "landmarks", "pck_0.1"),
        ("within .2", "landmarks", "pck_0.2"),
        ("landmarks, median px", "landmarks", "median_px"),
        ("drift from the teacher, median cm", "drift", "median_cm"),
        ("overlap with the teacher's foreground", "drift", "iou"),
    ):
        a, c, b = (one[group][key] for one in (before, control, after))
        ratio = f"{b / a:.2f}" if a else ""
        lines.append(f"| {words} | {a:.3g} | {c:.3g} | {b:.3g} | {ratio} |")
    lines += ["", "| camera | epipolar error before, px | after | ratio |", "|---|---|---|---|"]
    for camera, was in before["epipolar"]["per_camera"].items():
        now = after["epipolar"]["per_camera"][camera]["mean_px"]
        lines.append(
            f"| {camera} | {was['mean_px']:.3g} | {now:.3g} | {now / was['mean_px']:.2f} |"
        )
    return lines


def landmarks(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the landmarks one by one."""
    lines = [
        "| landmark | PCK .1 before | after | median px before | after |",
        "|---|" + "---|" * 4,
    ]
    before, after = (scores[name]["landmarks"]["per_landmark"] for name in ("before", "after"))
    for name, was in before.items():
        now = after[name]
        if not was["keypoints"]:
            continue
        px = [f"{v['median_px']:.3g}" if v["median_px"] else "-" for v in (was, now)]
        lines.append(
            f"| {name} | {was['pck_0.1']:.2f} | {now['pck_0.1']:.2f} | {px[0]} | {px[1]} |"
        )
    return lines


if __name__ == "__main__":
    main()
