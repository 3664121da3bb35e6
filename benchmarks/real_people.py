r"""Real pictures: a teacher of synthetic people only, then views of a recording without labels.

    OMP_NUM_THREADS=1 python benchmarks/real_people.py --data human4 \
        --out benchmarks/results/real_people.md

The recording is a folder like the demo of Pose2Sim (four cameras; a person walks and balances on
a treadmill): ``calibration/Calib.qca.txt``, ``openpose/{camera}``, ``videos/{camera}.mp4``. All is
done by commands of `mvboot`; what is in --work already is not done again.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import mvboot
from mvboot.datasets import Capture
from mvboot.fields import read_field
from mvboot.report.fields import draw_fields

TRAIN, VALIDATION, SHOWN = "0..79", "80..99", 90
SHOWN_FILE = f"{SHOWN:06d}.npz"
RESIZED = {"cam_01": "1080x1920", "cam_02": "1080x1920"}
"""Videos that were scaled since the calibration, with bars above and below."""

SWIMMER, CYCLIST = "[cycling_shorts,swimming_cap]", "[cycling_shorts]"
PEOPLE = (
    ("balance", SWIMMER, "ring"),
    ("balance", CYCLIST, "dome"),
    ("walk", SWIMMER, "ring"),
    ("balance", "[leggings,swimming_cap]", "ring"),
    ("balance", "[shorts]", "ring"),
    ("walk", "[shorts,swimming_cap]", "dome"),
    ("balance", None, "ring"),
    ("dance", CYCLIST, "ring"),
)
"""What synthetic people do, what they wear (None: anything), and what films them."""
SYNTH = ("--cameras", "6", "--frames", "30", "--size", "224")
SYNTH_MORE = ("fps=4", "samples=1", "area=0.3", "validation=0")
FIRST_SEED = 101

NETWORK = ("size=96", "foreground=10", "batch=4", "validate_every=500")
ONE_PERSON = ("steps=500", "learning_rate=4e-3", "flip=0")
EVERYONE = ("steps=6000", "learning_rate=3e-3")
EPIPOLAR = ("steps=500", "learning_rate=1e-3")

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
OPENPOSE = {
    **{f"{s[0].upper()}{j.title()}": f"{j}_{s}" for s in ("left", "right") for j in LIMBS},
    **{f"{s[0].upper()}BigToe": f"big_toe_{s}" for s in ("left", "right")},
    **{f"{s[0].upper()}Heel": f"heel_{s}" for s in ("left", "right")},
    **{f"{s[0].upper()}Ear": f"ear_{s}" for s in ("left", "right")},
}
"""Landmark of the template by keypoint of OpenPose's BODY_25."""
JUDGED = [name for name in OPENPOSE.values() if not name.startswith("ear")]
"""Ears lie on the skin, but behind a cap and often on the far side of the head."""


@dataclass
class Workshop:
    """Runs commands of mvboot, each in a process, whose results lie in a folder."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def do(self, name: str, *command: str | Path) -> Path:
        """Run ``mvboot COMMAND --out FOLDER/NAME`` unless that is there; return the folder."""
        out = self.folder / name
        if not out.exists():
            words = [str(word) for word in (*command, "--out", out)]
            print("mvboot", *words, flush=True)
            begun = time.monotonic()
            subprocess.run([sys.executable, "-m", "mvboot.cli", *words], check=True)
            self.seconds[name] = time.monotonic() - begun
        return out


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
    people = filmed(shop)
    runs = trained(shop, recording, people)
    scores = {name: judged(shop, recording, run, runs["before"]) for name, run in runs.items()}
    text = "\n".join([*header(shop), *table(scores), "", *landmarks(scores), ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)
        capture = Capture.open(recording)
        fields = [
            {
                name: read_field(shop.folder / f"{run.name}_fields" / "fields" / name / SHOWN_FILE)
                for name in capture.cameras
            }
            for run in runs.values()
        ]
        draw_fields(capture, fields, SHOWN, arguments.out.with_suffix(".png"))


def recorded(shop: Workshop, data: Path) -> Path:
    """Return the capture of the recording, its rig refined on the frames that train."""
    rig = shop.folder / "rig.yaml"
    if not rig.exists():
        resized = [
            word for name, size in RESIZED.items() for word in ("--resize", f"{name}={size}")
        ]
        convert = [
            "rig",
            "convert",
            str(data / "calibration" / "Calib.qca.txt"),
            str(rig),
            *resized,
        ]
        subprocess.run([sys.executable, "-m", "mvboot.cli", *convert], check=True)
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


def filmed(shop: Workshop) -> list[Path]:
    """Return the captures of synthetic people."""
    found = []
    for number, (gait, wear, rig) in enumerate(PEOPLE):
        more = SYNTH_MORE if wear is None else (*SYNTH_MORE, f"wear={wear}")
        seed = ("--seed", str(FIRST_SEED + number))
        words = (*SYNTH, *seed, "--gait", gait, "--rig", rig, *more)
        found.append(shop.do(f"person_{number + 1}", "synth", *words))
    return found


def trained(shop: Workshop, recording: Path, people: list[Path]) -> dict[str, Path]:
    """Return the runs before and after epipolar training.

    The teacher learns one person first: from several at once it takes much longer to tell left
    from right and front from back.
    """
    data = ("train", "--data", recording)
    everyone = [word for folder in people for word in ("--labels", folder)]
    supervised = (*data, "--method", "supervised")
    first = shop.do("first", *supervised, "--labels", people[0], *NETWORK, *ONE_PERSON)
    teacher = shop.do("teacher", *supervised, *everyone, "--teacher", first, *NETWORK, *EVERYONE)
    epipolar = (*data, "--method", "epipolar", "--teacher", teacher)
    student = shop.do("student", *epipolar, *everyone, *NETWORK, *EPIPOLAR)
    return {"before": teacher, "after": student}


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


def header(shop: Workshop) -> list[str]:
    """Return title, command, versions and times."""
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in shop.seconds.items())
    return [
        "# Real pictures, synthetic teacher",
        "",
        f"Command: `python {' '.join(sys.argv)}`, mvboot {mvboot.__version__}, torch "
        f"{torch.__version__}, Python {platform.python_version()}.",
        f"Took: {took or 'nothing, all was there'}.",
        "",
        f"Frames {VALIDATION} of four cameras; frames {TRAIN} trained without labels.",
        "",
    ]


def table(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what was measured before and after."""
    before, after = scores["before"], scores["after"]
    lines = ["| | before | after | after / before |", "|---|---|---|---|"]
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
        a, b = before[group][key], after[group][key]
        ratio = f"{b / a:.2f}" if a else ""
        lines.append(f"| {words} | {a:.3g} | {b:.3g} | {ratio} |")
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
        "|---|" * 1 + "---|" * 4,
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
