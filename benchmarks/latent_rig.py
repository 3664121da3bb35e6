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
from origin import origin
from scipy.spatial.transform import Rotation

from mvboot.datasets import Capture
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.triangulation.projected import projected

FILMED = (
    "--template", "quadruped", "--rig", "dome", "--cameras", "6", "--frames", "90", "--size", "160",
    "--gait", "walk", "--seed", "11", "fps=10",
)  # fmt: skip
ENDS = "oriented=[nose,tail_base]"
TRUNK = ("shoulder_left", "shoulder_right", "hip_left", "hip_right", "withers", "rump")
THRESHOLD_PX = 6
"""How far from its detection a triangulated point may fall."""
FRAMES, CAMERAS, TILE_PX = 3, ("cam_01", "cam_02", "cam_04", "cam_06"), 96
"""What the picture shows, and the side of each part."""


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
    rows = np.isin(lifted.frames, held)
    shown = projected(lifted, capture.rig).at_rows(np.flatnonzero(rows))
    seen = found.for_cameras(capture.rig.names)
    seen = seen.at_rows(np.flatnonzero(np.isin(seen.frames, held)))
    gaps = np.linalg.norm(shown.xy - seen.xy, axis=-1)
    spread, half = moving(capture, lifted.frames[rows], lifted.xyz[rows, 0])
    train = capture.split("train")
    lines = ["# Latent keypoints on a rig", "", *origin()]
    lines += [
        f"A walking animal, {len(train)} training and {len(held)} held-out frames of "
        f"{len(capture.cameras)} cameras. {trained['steps']:.0f} steps in "
        f"{trained['seconds'] / 60:.0f} minutes by the clock, one thread; of the animal only the "
        "nose and the base of the tail are labelled, in all training pictures, for front and "
        "back. All figures are of held-out frames.",
        "",
        "| what | |",
        "|---|---|",
        f"| rotation from view to view, median error | {trained['validation/angle_deg']:.1f} deg |",
        f"| front found at the right side | {trained['validation/facing']:.1%} |",
        f"| on the mask | {trained['validation/inside']:.1%} |",
        f"| from where the other view's depth puts it, median | "
        f"{trained['validation/transfer_px']:.2f} px of the crop |",
        f"| triangulated (3 views within {THRESHOLD_PX} px) | {lifted.accepted[rows].mean():.1%} |",
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


def moving(
    capture: Capture, frames: NDArray[np.int64], xyz: NDArray[np.float64]
) -> tuple[float, float]:
    """Return how far points (F, K, 3) move about on the body, root mean square, and its half size.

    Both in m.
    """
    truth = capture.truth.keypoints3d
    body = truth.xyz[np.searchsorted(truth.frames, frames), 0]
    trunk = body[:, [truth.keypoints.index(name) for name in TRUNK]]
    middle, first = trunk.mean(1, keepdims=True), trunk[0] - trunk[0].mean(0)
    on_body = np.stack(
        [
            Rotation.align_vectors(first, own)[0].apply(points)
            for own, points in zip(trunk - middle, xyz - middle, strict=True)
        ]
    )
    deviation = np.nanstd(on_body, axis=0)  # (K, 3)
    size = np.ptp(body, axis=1).max(-1)
    return float(np.sqrt(np.nanmean((deviation**2).sum(-1)))), float(np.median(size)) / 2


def picture(capture: Capture, found: Keypoints2D) -> NDArray[np.uint8]:
    """Return what some cameras show in some held-out frames, with the keypoints."""
    held = capture.split("validation")
    frames = held[np.linspace(0, len(held) - 1, FRAMES).round().astype(int)].tolist()
    rows = {frame: row for row, frame in enumerate(found.frames.tolist())}
    tiles, places = [], []
    for frame in frames:
        for camera in CAMERAS:
            shown = capture.picture(camera, frame)
            xy = found.xy[found.cameras.index(camera), rows[frame], 0]
            room = np.array(shown.shape[1::-1]) - TILE_PX
            corner = np.clip(np.round(xy.mean(0)) - TILE_PX / 2, 0, room).astype(int)
            tiles.append(shown[corner[1] :, corner[0] :][:TILE_PX, :TILE_PX])
            places.append(xy - corner)
    return drawn(tiles, np.stack(places), len(CAMERAS))


if __name__ == "__main__":
    main()
