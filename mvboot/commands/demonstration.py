"""The work of ``mvboot demo``."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mvboot.commands.output import Output
from mvboot.commands.triangulation import TriangulateConfig, run
from mvboot.config import dump_yaml
from mvboot.files import require_free
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.rigs import save_rig
from mvboot.report.picture import draw_scene
from mvboot.synthetic import Scene, articulated_scene

NOISE_PX, OUTLIERS, MISSING = 1.0, 0.1, 0.15


def run_demo(
    out: Path, cameras: int, frames: int, seed: int, overwrite: bool, say: Output
) -> dict[str, Any]:
    """Write a capture folder, triangulate it and draw it; return the summary.

    ``out`` gets ``capture/`` (rig.yaml, keypoints.parquet, capture.yaml, truth/), ``points3d/``
    and ``scene.png``.
    """
    scene = articulated_scene(cameras, frames, seed)
    require_free(out, overwrite)
    say.say(
        f"synthetic recording: {cameras} cameras, {frames} frames, {len(scene.keypoints)} "
        f"keypoints; {NOISE_PX:g} px noise, {100 * OUTLIERS:.0f} % wrong and "
        f"{100 * MISSING:.0f} % missing detections"
    )
    write_capture(scene, out / "capture", seed)
    config = TriangulateConfig(
        rig=out / "capture" / "rig.yaml",
        keypoints=str(out / "capture" / "keypoints.parquet"),
        out=out / "points3d",
        fps=scene.fps,
    )
    summary: dict[str, Any] = run(config, overwrite, fail_above=None, say=say)
    solved = read_keypoints3d(out / "points3d" / "points3d.parquet")
    draw_scene(scene.rig, solved, out / "scene.png", scene.edges)
    error = 1000 * np.linalg.norm(solved.xyz[:, 0] - scene.xyz, axis=-1)
    median, p95 = float(np.nanmedian(error)), float(np.nanpercentile(error, 95))
    say.say(f"against the truth: median {median:.2f} mm, 95 % within {p95:.2f} mm")
    say.say(f"\nlook at {out / 'scene.png'} and {out / 'points3d' / 'summary.json'}")
    return {**summary, "truth_mm": {"median": median, "p95": p95}}


def write_capture(scene: Scene, folder: Path, seed: int) -> None:
    """Write a scene as a capture folder: rig, detections, frame rate, truth (DESIGN 4)."""
    save_rig(scene.rig, folder / "rig.yaml")
    detections = scene.detections(np.random.default_rng(seed), NOISE_PX, OUTLIERS, MISSING)
    write_keypoints2d(detections, folder / "keypoints.parquet")
    dump_yaml({"schema": 1, "fps": scene.fps, "seed": seed}, folder / "capture.yaml")
    (folder / "truth").mkdir(exist_ok=True)
    f, k = (axis.ravel() for axis in np.indices(scene.xyz.shape[:2]))
    table = pd.DataFrame({"frame": scene.frames[f], "keypoint": np.array(scene.keypoints)[k]})
    table[["x", "y", "z"]] = scene.xyz.reshape(-1, 3)
    table.to_parquet(folder / "truth" / "keypoints3d.parquet", index=False)
