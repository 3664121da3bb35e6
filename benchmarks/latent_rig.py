"""Keypoints that nobody labelled, on footage of a rig: a walking animal before six cameras.

    OMP_NUM_THREADS=1 python benchmarks/latent_rig.py --out benchmarks/results

`mvboot train --task latent` learns from pairs of views whose relative pose the rig supplies; then
`mvboot predict` and `mvboot triangulate` treat what it found like any detector's keypoints. All is
tested on frames that did not train. What is in --work already is not done again.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from bootstrap import Shop
from latent_report import drawn, write_picture
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from triangulation import header

from mvboot.datasets import Capture
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.metrics.projected import projected

FILMED = (
    "--template", "quadruped", "--rig", "dome", "--cameras", "6", "--frames", "90", "--size", "160",
    "--gait", "walk", "--seed", "11", "fps=10",
)  # fmt: skip
ENDS = "oriented=[nose,tail_base]"
FRAMES, THRESHOLD_PX = 3, 6
"""Frames of the picture, and how far from its detection a triangulated point may fall."""


def main() -> None:
    """Film, train, test and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("out/latent_rig"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    shop = Shop(given.work)
    shop.folder.mkdir(parents=True, exist_ok=True)
    capture = shop.do("dog", "synth", *FILMED)
    run = shop.do(
        "found", "train", "--task", "latent", "--data", capture, ENDS, "--steps", str(given.steps),
        "validate_every=600",
    )  # fmt: skip
    pixels = shop.do("pixels", "predict", "--model", run, "--data", capture)
    points = shop.do(
        "points", "triangulate", "--rig", capture / "rig.yaml", "--keypoints",
        pixels / "keypoints.parquet", "--threshold-px", str(THRESHOLD_PX), "--min-views", "3",
    )  # fmt: skip
    footage = Capture.open(capture)
    found = read_keypoints2d(pixels / "keypoints.parquet")
    lifted = read_keypoints3d(points / "points3d.parquet")
    text = page(footage, json.loads((run / "summary.json").read_text()), found, lifted)
    print(text)
    if given.out:
        (given.out / "latent_rig.md").write_text(text)
        write_picture(given.out / "latent_rig.png", picture(footage, found))


def page(
    capture: Capture, trained: dict[str, float], found: Keypoints2D, lifted: Keypoints3D
) -> str:
    """Return the page."""
    held = capture.split("validation").tolist()
    rows = np.flatnonzero(np.isin(lifted.frames, held))
    points = lifted.at_rows(rows)
    seen = found.for_cameras(capture.rig.names)
    seen = seen.at_rows(np.flatnonzero(np.isin(seen.frames, held)))
    gaps = np.linalg.norm(projected(points, capture.rig).xy - seen.xy, axis=-1)
    spread, half = moving(capture, points)
    train = capture.split("train")
    lines = ["# Latent keypoints on a rig", *header()[1:]]
    lines += [
        f"A walking animal, {len(train)} training and {len(held)} held-out frames of "
        f"{len(capture.cameras)} cameras. {trained['steps']:.0f} steps in "
        f"{trained['seconds'] / 60:.0f} minutes by the clock, one thread; of the animal only the "
        "nose and the base of the tail are named, for front and back. All figures are of held-out "
        "frames.",
        "",
        "| what | |",
        "|---|---|",
        f"| rotation from view to view, median error | {trained['validation/angle_deg']:.1f} deg |",
        f"| front found at the right side | {trained['validation/facing']:.1%} |",
        f"| on the mask | {trained['validation/inside']:.1%} |",
        f"| from where the other view's depth puts it, median | "
        f"{trained['validation/transfer_px']:.2f} px of the crop |",
        f"| triangulated (3 views within {THRESHOLD_PX} px) | {points.accepted.mean():.1%} |",
        f"| detections from the triangulated point, median | {np.nanmedian(gaps):.2f} px |",
        f"| place on the body over frames, standard deviation | {spread / half:.3f} half sizes "
        f"({1000 * spread:.0f} mm) |",
        "",
        "The last row is in the frame of the animal's trunk, in which legs and head move by "
        "themselves.",
        "",
        "![latent_rig.png](latent_rig.png)",
    ]
    return "\n".join(lines) + "\n"


def moving(capture: Capture, points: Keypoints3D) -> tuple[float, float]:
    """Return how far points move about on the body, root mean square, and its half size, in m."""
    poses = capture.truth.poses
    assert poses is not None
    turns = Rotation.from_rotvec(poses.rotations[0, points.frames, 0])
    on_body = np.stack(
        [
            turns.inv().apply(points.xyz[:, 0, k] - poses.translations[0, points.frames])
            for k in range(len(points.keypoints))
        ],
        1,
    )
    deviation = np.nanstd(on_body, axis=0)  # (K, 3)
    size = np.ptp(capture.truth.keypoints3d.xyz[:, 0], axis=1).max(-1)
    return float(np.sqrt(np.nanmean((deviation**2).sum(-1)))), float(np.median(size)) / 2


def picture(capture: Capture, found: Keypoints2D) -> NDArray[np.uint8]:
    """Return what all cameras show in some held-out frames, with the keypoints."""
    held = capture.split("validation")
    frames = held[np.linspace(0, len(held) - 1, FRAMES).round().astype(int)].tolist()
    views = [(camera, frame) for frame in frames for camera in capture.cameras]
    rows = {frame: row for row, frame in enumerate(found.frames.tolist())}
    places = np.stack([found.xy[found.cameras.index(c), rows[f], 0] for c, f in views])
    return drawn([capture.picture(*view) for view in views], places, len(capture.cameras))


if __name__ == "__main__":
    main()
