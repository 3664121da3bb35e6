"""Dense fields of a capture's pictures by a trained network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvboot.config import from_options
from mvboot.datasets import Capture, View
from mvboot.datasets.layout import FIELDS
from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.formats.rigs import load_rig
from mvboot.inference.fields import predicted, store
from mvboot.networks import DenseNetwork, NetworkHeader, load_network, read_header
from mvboot.report.overlay import OverlayVideo, overlaid
from mvboot.stages.output import Output
from mvboot.stages.settings.predict import PredictSettings
from mvboot.stages.stage import Stage, Summary
from mvboot.template import Template
from mvboot.training.config import RunSettings
from mvboot.training.dense.settings import TrainSettings
from mvboot.training.run import MODEL

SPLITS = ("train", "validation", "all")
OVERLAYS = "overlay"
NO_FPS = 10.0


@dataclass(frozen=True)
class FieldsAsked:
    """A network, a capture, the pictures to predict, and the size of their crops."""

    out: Path
    network: DenseNetwork
    capture: Capture
    views: Sequence[View]
    size: int
    margin: float
    overlay: bool


@dataclass(frozen=True)
class PredictedFields:
    """Fields that are predicted while they are iterated, and what was asked."""

    asked: FieldsAsked
    fields: Iterator[DenseField]


class PredictFields(Stage[PredictSettings, FieldsAsked, PredictedFields]):
    """Dense fields of a capture's pictures."""

    config = PredictSettings

    def read(self, config: PredictSettings, say: Output) -> FieldsAsked:
        """Open everything; InputError for what does not fit together."""
        path = model_file(config.model)
        capture = Capture.open(config.data, None if config.rig is None else load_rig(config.rig))
        network = load_network(path, capture.template).eval()
        cut = crops_of(read_header(path), TrainSettings, config.size, config.margin)
        network.require_size(cut[0], cut[0])
        views = views_of(capture, config.cameras, config.split)
        asked = FieldsAsked(config.out, network, capture, views, *cut, config.overlay)
        if asked.overlay:
            _template(asked)
        return asked

    def plan(self, inputs: FieldsAsked, say: Output) -> Summary:
        """Say how many fields would be written."""
        say.say(f"would write {len(inputs.views)} fields to {inputs.out / FIELDS}")
        return {"fields": len(inputs.views), "out": str(inputs.out)}

    def compute(self, inputs: FieldsAsked, say: Output) -> PredictedFields:
        """Return the fields, which are predicted picture by picture."""
        return PredictedFields(inputs, _watched(inputs, say))

    def write(self, results: PredictedFields, folder: Path) -> Summary:
        """Write each field, and videos of them where they are wanted."""
        asked, shares = results.asked, []
        template = _template(asked) if asked.overlay else None
        with OverlayVideo(folder / OVERLAYS, asked.capture.model.fps or NO_FPS) as videos:
            for field in results.fields:
                store(field, folder / FIELDS)
                shares.append(_share(field))
                if template is not None:
                    picture = asked.capture.picture(field.camera, field.frame)
                    videos.add(field.camera, overlaid(picture, field, template))
        return {
            "fields": len(asked.views),
            "cameras": sorted({view.camera for view in asked.views}),
            "kind": asked.network.config.target.kind,
            "template": asked.network.config.surface.topology,
            "size": asked.size,
            "margin": asked.margin,
            "subject_share": float(np.mean(shares)),
            "without_subject": int(np.sum(np.array(shares) == 0)),
        }

    def describe(self, results: PredictedFields, summary: Summary, say: Output) -> None:
        """Say how many fields there are, and which show nothing."""
        if summary["without_subject"]:
            say.warn(f"no subject was found in {summary['without_subject']} pictures")
        say.say(f"predicted {summary['fields']} fields")


def _watched(asked: FieldsAsked, say: Output) -> Iterator[DenseField]:
    found = predicted(asked.network, asked.capture, asked.views, asked.size, asked.margin)
    with say.progress(found, len(asked.views), "predicting") as watched:
        yield from watched


def kind_of(model: Path) -> str:
    """Return what a model predicts: "embedding", "charts" or "keypoints"."""
    return read_header(model_file(model)).config.target.kind


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


def _template(asked: FieldsAsked) -> Template:
    template = asked.capture.template
    if template is None:
        raise InputError(
            "--overlay colours places on the template, but the capture has no template.npz",
            where=asked.capture.folder,
        )
    return template


def _share(field: DenseField) -> float:
    return float((field.foreground >= 0.5).mean())
