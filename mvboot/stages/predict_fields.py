"""The work of ``mvboot predict`` with networks of fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.config import from_options
from mvboot.datasets import Capture, View
from mvboot.datasets.layout import FIELDS
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.files import atomic_folder, require_free, write_json
from mvboot.formats.rigs import load_rig
from mvboot.inference.fields import predicted, store
from mvboot.networks import DenseNetwork, NetworkHeader, load_network, read_header
from mvboot.report.overlay import OverlayVideo, overlaid
from mvboot.stages.output import Output
from mvboot.template import Template
from mvboot.training.config import RunSettings
from mvboot.training.dense.settings import TrainSettings
from mvboot.training.run import MODEL

SPLITS = ("train", "validation", "all")
OVERLAYS, SUMMARY = "overlay", "summary.json"
NO_FPS = 10.0


@dataclass(frozen=True)
class Prediction:
    """What is predicted: a network, a capture, its views, and how they are cut."""

    network: DenseNetwork
    capture: Capture
    views: Sequence[View]
    size: int
    margin: float

    @staticmethod
    def of(
        model: Path,
        data: Path,
        rig: Path | None,
        cameras: Sequence[str] | None,
        split: str,
        size: int | None,
        margin: float | None,
    ) -> "Prediction":
        """Open everything; InputError for what does not fit together."""
        path = model_file(model)
        capture = Capture.open(data, None if rig is None else load_rig(rig))
        network = load_network(path, capture.template).eval()
        cut = crops_of(read_header(path), TrainSettings, size, margin)
        network.require_size(cut[0], cut[0])
        return Prediction(network, capture, views_of(capture, cameras, split), *cut)


def kind_of(model: Path) -> str:
    """Return what a model predicts: "embedding", "charts" or "keypoints"."""
    return read_header(model_file(model)).config.target.kind


def require_dense(options: Mapping[str, Any]) -> None:
    """Raise InputError for an option that only networks of keypoints have."""
    given = [name for name, value in options.items() if value]
    if given:
        option = given[0].removesuffix("s").replace("_", "-")
        raise InputError(f"--{option} is for models of keypoints; this one predicts fields")


def model_file(model: Path) -> Path:
    """Return the file of a model, or of a run's folder."""
    return model / MODEL if model.is_dir() else model


def crops_of(
    header: NetworkHeader, settings: type[RunSettings], size: int | None, margin: float | None
) -> tuple[int, float]:
    """Return size and margin of crops: as asked for, else as trained, else the usual ones."""
    trained = header.provenance.get("settings", {})
    wanted = {"size": size, "margin": margin}
    given = {key: value for key, value in wanted.items() if value is not None}
    known = {key: trained[key] for key in wanted if key in trained}
    cut = from_options(known | given, settings)
    return cut.size, cut.margin


def plan(asked: Prediction, out: Path, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be written."""
    require_free(out, overwrite)
    say.say(f"would write {len(asked.views)} fields to {out / FIELDS}")
    return {"fields": len(asked.views), "out": str(out)}


def run(
    asked: Prediction, out: Path, overwrite: bool, overlay: bool, say: Output
) -> dict[str, Any]:
    """Predict, and return the summary."""
    template = _template(asked) if overlay else None
    fields = predicted(asked.network, asked.capture, asked.views, asked.size, asked.margin)
    subject = []
    with atomic_folder(out, overwrite) as folder:
        videos = OverlayVideo(folder / OVERLAYS, asked.capture.model.fps or NO_FPS)
        with say.progress(fields, len(asked.views), "predicting") as watched, videos:
            for field in watched:
                store(field, folder / FIELDS)
                subject.append(_share(field))
                if template is not None:
                    picture = asked.capture.picture(field.camera, field.frame)
                    videos.add(field.camera, overlaid(picture, field, template))
        summary = {
            "fields": len(asked.views),
            "cameras": sorted({view.camera for view in asked.views}),
            "kind": asked.network.config.target.kind,
            "template": asked.network.config.surface.topology,
            "size": asked.size,
            "margin": asked.margin,
            "subject_share": float(np.mean(subject)),
            "without_subject": int(np.sum(np.array(subject) == 0)),
        }
        write_json(summary, folder / SUMMARY)
    if summary["without_subject"]:
        say.warn(f"no subject was found in {summary['without_subject']} pictures")
    say.say(f"wrote {summary['fields']} fields to {out / FIELDS}")
    return summary


def views_of(capture: Capture, cameras: Sequence[str] | None, split: str) -> list[View]:
    """Return the pictures of cameras (None: all) and a split; InputError where there are none."""
    if split not in SPLITS:
        raise InputError(f"--split {split!r} is none of {', '.join(SPLITS)}")
    unknown = sorted(set(cameras or ()) - set(capture.cameras))
    if unknown:
        raise InputError(
            f"--cameras: no camera {unknown[0]!r}; there are {', '.join(capture.cameras)}"
        )
    frames = capture.frames if split == "all" else capture.split(split)  # type: ignore[arg-type]
    found = [
        View(camera, frame)
        for camera in cameras or capture.cameras
        for frame in frames.tolist()
        if capture.has(camera, frame)
    ]
    if not found:
        raise InputError(f"no picture in the {split} frames", where=capture.folder)
    return found


def _template(asked: Prediction) -> Template:
    template = asked.capture.template
    if template is None:
        raise InputError(
            "--overlay colours places on the template, but the capture has no template.npz",
            where=asked.capture.folder,
        )
    return template


def _share(field: DenseField) -> float:
    return float((field.foreground >= 0.5).mean())
