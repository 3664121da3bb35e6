"""What ``mvboot demo`` trains: a network from labels of two cameras, then from all views."""

from pathlib import Path
from typing import Any

from mvboot.datasets import Capture, View
from mvboot.fields import DenseField
from mvboot.inference.fields import predicted
from mvboot.networks import load_network
from mvboot.report.fields import draw_fields
from mvboot.stages.output import Output
from mvboot.stages.train import run
from mvboot.training.dense.settings import TrainConfig
from mvboot.training.run import MODEL

LABEL_CAMERAS, SHARE = 2, 3
"""How many cameras have labels; the views get one step for so many of the teacher."""
VALIDATIONS = 4


def train_demo(capture: Capture, out: Path, steps: int, seed: int, say: Output) -> dict[str, Any]:
    """Train a teacher and go on with all views; return how far the errors fell.

    ``out`` gets ``teacher/``, ``trained/`` and ``fields.png``. Some frames of the capture must
    validate.
    """
    held = capture.split("validation").tolist()
    labelled = capture.training_cameras[:LABEL_CAMERAS]
    say.say(f"training a network from labels of {' and '.join(labelled)}")
    given = {"data": capture.folder, "label_cameras": labelled, "seed": seed}
    before = _trained(
        given | {"method": "supervised", "learning_rate": 2e-3}, out / "teacher", steps, say
    )
    say.say("going on with all cameras, without more labels")
    given |= {"method": "combined", "teacher": out / "teacher"}
    after = _trained(given, out / "trained", max(steps // SHARE, VALIDATIONS), say)
    runs = [_fields(capture, out / name, held[len(held) // 2]) for name in ("teacher", "trained")]
    draw_fields(capture, runs, held[len(held) // 2], out / "fields.png")
    found = {
        name: {"labels": before[f"validation/{name}"], "views": after[f"validation/{name}"]}
        for name in ("epipolar_px", "error")
    }
    epipolar, error = found["epipolar_px"], found["error"]
    say.say(
        f"on held-out frames the epipolar error went from {epipolar['labels']:.1f} to "
        f"{epipolar['views']:.1f} px, the error against the truth from {100 * error['labels']:.0f} "
        f"to {100 * error['views']:.0f} cm"
    )
    return found


def _trained(given: dict[str, Any], out: Path, steps: int, say: Output) -> dict[str, Any]:
    every = max(steps // VALIDATIONS, 1)
    config = TrainConfig.model_validate(
        given | {"out": out, "steps": steps, "validate_every": every}
    )
    return run(config, overwrite=True, resume=False, say=say)


def _fields(capture: Capture, run_folder: Path, frame: int) -> dict[str, DenseField]:
    assert capture.template is not None
    network = load_network(run_folder / MODEL, capture.template).eval()
    settings = TrainConfig.model_fields
    size, margin = settings["size"].default, settings["margin"].default
    views = [View(camera, frame) for camera in capture.cameras]
    return {field.camera: field for field in predicted(network, capture, views, size, margin)}
