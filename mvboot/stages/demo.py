"""The work of ``mvboot demo``."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import require_free
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.keypoints import Keypoints3D
from mvboot.report.capture import draw_capture
from mvboot.report.picture import draw_scene
from mvboot.stages.demo_training import train_demo
from mvboot.stages.output import Output
from mvboot.stages.settings.triangulate import TriangulateSettings
from mvboot.stages.triangulate import Triangulate
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import FEW_FRAMES, SynthSettings

SIZE_PX, FPS = 224, 15.0
GAIT = "dance"


def run_demo(
    out: Path,
    cameras: int,
    frames: int,
    seed: int,
    steps: int,
    processes: int,
    overwrite: bool,
    say: Output,
) -> dict[str, Any]:
    """Render a capture, triangulate what a detector says of it, train on it; return the summary.

    ``out`` gets ``capture/`` (docs/capture.md), ``points3d/``, ``pictures.png`` and ``scene.png``,
    and what `train_demo` makes unless ``steps`` is 0.
    """
    require_free(out, overwrite)
    settings = _settings(cameras, frames, seed)
    if steps and not settings.validating:
        raise InputError(
            f"{frames} frames leave none to validate on; ask for --frames {FEW_FRAMES} or more, or "
            "--steps 0"
        )
    say.say(f"rendering a synthetic capture: {cameras} cameras, {frames} frames")
    watched = partial(say.progress, total=frames, label="filming")
    capture = synthesise(settings, out / "capture", overwrite, processes, watched)
    draw_capture(capture, out / "pictures.png", frames // 2)
    say.say("triangulating what a detector with known faults says of it")
    config = TriangulateSettings(
        rig=out / "capture" / "rig.yaml",
        keypoints=str(out / "capture" / "keypoints.parquet"),
        out=out / "points3d",
        fps=FPS,
    )
    summary: dict[str, Any] = Triangulate().run(config, overwrite, say)
    solved = read_keypoints3d(out / "points3d" / "points3d.parquet")
    assert capture.template is not None  # the renderer stored it
    draw_scene(capture.rig, solved, out / "scene.png", capture.template.edges)
    median, p95 = _error_mm(solved, capture.truth.keypoints3d)
    say.say(f"against the truth: median {median:.2f} mm, 95 % within {p95:.2f} mm")
    summary["truth_mm"] = {"median": median, "p95": p95}
    look = ["pictures.png", "scene.png", "points3d"]
    if steps:
        summary["training"] = train_demo(capture, out, steps, seed, say)
        look.insert(2, "fields.png")
    say.say("\nlook at " + ", ".join(str(out / name) for name in look))
    return summary


def _settings(cameras: int, frames: int, seed: int) -> SynthSettings:
    return SynthSettings.model_validate(
        {
            "cameras": cameras,
            "frames": frames,
            "fps": FPS,
            "size": SIZE_PX,
            "gait": GAIT,
            "detector": True,
            "seed": seed,
        }
    )


def _error_mm(solved: Keypoints3D, known: Keypoints3D) -> tuple[float, float]:
    """Return median and 95th percentile of the distance to the truth in mm."""
    rows = [known.keypoints.index(name) for name in solved.keypoints]
    error = 1000 * np.linalg.norm(solved.xyz[:, 0] - known.xyz[:, 0, rows], axis=-1)
    return float(np.nanmedian(error)), float(np.nanpercentile(error, 95))
