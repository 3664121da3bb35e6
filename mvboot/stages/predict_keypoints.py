"""Keypoints of a capture's pictures by a trained network."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mvboot.datasets import Capture, SampleReader, View
from mvboot.datasets.layout import KEYPOINTS
from mvboot.errors import InputError
from mvboot.formats.detections import OWN, detection_formats
from mvboot.formats.rigs import load_rig
from mvboot.formats.written_detections import OWN_TABLES, save_keypoints2d
from mvboot.inference.crops import MIN_CONFIDENCE, boxes_from, framed, without_crop
from mvboot.inference.keypoints import detections, gathered, keypoints_of
from mvboot.keypoints import Keypoints2D
from mvboot.networks import DenseNetwork, load_network, read_header
from mvboot.report.capture import dotted
from mvboot.report.overlay import OverlayVideo
from mvboot.stages.output import Output
from mvboot.stages.predict_fields import (
    NO_FPS,
    OVERLAYS,
    crops_of,
    model_file,
    views_of,
)
from mvboot.stages.settings.predict import PredictKeypointsSettings
from mvboot.stages.stage import Stage, Summary
from mvboot.training.keypoints.settings import KeypointSettings


@dataclass(frozen=True)
class KeypointsAsked:
    """A network, a capture, the pictures to predict, the size of their crops, and formats."""

    out: Path
    network: DenseNetwork
    capture: Capture
    views: Sequence[View]
    size: int
    margin: float
    individual: str | None
    formats: tuple[str, ...]
    overlay: bool


class PredictKeypoints(
    Stage[PredictKeypointsSettings, KeypointsAsked, tuple[KeypointsAsked, Keypoints2D]]
):
    """Keypoints of a capture's pictures."""

    config = PredictKeypointsSettings

    def read(self, config: PredictKeypointsSettings, say: Output) -> KeypointsAsked:
        """Open everything; InputError for what does not fit together."""
        known = [name for name, one in detection_formats().items() if one.write is not None]
        unknown = [name for name in config.format if name not in (*known, *OWN_TABLES)]
        if unknown:
            raise InputError(f"--format {unknown[0]} is none of {', '.join([*known, *OWN_TABLES])}")
        path = model_file(config.model)
        header = read_header(path)
        trained = header.provenance.get("settings", {})
        capture = Capture.open(config.data, None if config.rig is None else load_rig(config.rig))
        if config.crops_from is not None:
            boxes = boxes_from(config.crops_from, capture, config.individual)
            capture = capture.with_boxes(boxes)
        else:
            capture = framed(capture, trained.get("crops", "subject"))
        network = load_network(path).eval()
        cut = crops_of(header, KeypointSettings, config.size, config.margin)
        network.require_size(cut[0], cut[0])
        whose = config.individual or trained.get("individual")
        SampleReader(capture, cut[0], network.stride, cut[1], individual=whose)  # or InputError
        return KeypointsAsked(
            config.out,
            network,
            capture,
            views_of(capture, config.cameras, config.split),
            *cut,
            whose,
            tuple(name for name in config.format if name != OWN),
            config.overlay,
        )

    def plan(self, inputs: KeypointsAsked, say: Output) -> Summary:
        """Say what would be written."""
        names = keypoints_of(inputs.network).names
        say.say(
            f"would write {len(names)} keypoints of {len(inputs.views)} pictures to "
            f"{inputs.out / KEYPOINTS}"
        )
        return {"pictures": len(inputs.views), "keypoints": list(names), "out": str(inputs.out)}

    def compute(self, inputs: KeypointsAsked, say: Output) -> tuple[KeypointsAsked, Keypoints2D]:
        """Predict the keypoints."""
        whole = without_crop(inputs.capture, list(inputs.views))
        if whole:
            say.warn(
                f"nothing says where the subject is in {whole} of {len(inputs.views)} pictures, "
                "which are looked at as a whole; give --crops-from"
            )
        network, capture, whose = inputs.network, inputs.capture, inputs.individual
        with say.progress(inputs.views, len(inputs.views), "predicting") as watched:
            found = detections(network, capture, watched, inputs.size, inputs.margin, whose)
            return inputs, gathered(found, network, capture, inputs.views, whose)

    def write(self, results: tuple[KeypointsAsked, Keypoints2D], folder: Path) -> Summary:
        """Write the keypoints in every form, and videos of them where they are wanted."""
        asked, keypoints = results
        save_keypoints2d(keypoints, folder, OWN)
        for name in asked.formats:
            save_keypoints2d(keypoints, folder / name, name)
        if asked.overlay:
            _overlay(asked, keypoints, folder)
        confidence = keypoints.confidence[keypoints.present]
        return {
            "pictures": len(asked.views),
            "cameras": list(keypoints.cameras),
            "kind": asked.network.config.target.kind,
            "keypoints": list(keypoints.keypoints),
            "size": asked.size,
            "margin": asked.margin,
            "median_confidence": float(np.median(confidence)),
            "unsure_share": float((confidence < MIN_CONFIDENCE).mean()),
            "formats": [OWN, *asked.formats],
        }

    def optional(self) -> Collection[str]:
        """Return the folders of other formats, and that of videos."""
        return {*detection_formats(), *OWN_TABLES, OVERLAYS}

    def describe(
        self, results: tuple[KeypointsAsked, Keypoints2D], summary: Summary, say: Output
    ) -> None:
        """Say how sure the network is."""
        asked, keypoints = results
        say.say(
            f"predicted {len(keypoints.keypoints)} keypoints of {len(asked.views)} pictures; "
            f"median confidence {summary['median_confidence']:.2f}"
        )


def _overlay(asked: KeypointsAsked, keypoints: Keypoints2D, folder: Path) -> None:
    with OverlayVideo(folder / OVERLAYS, asked.capture.model.fps or NO_FPS) as videos:
        for camera, frame in asked.views:
            picture = asked.capture.picture(camera, frame)
            videos.add(camera, dotted(picture, keypoints, camera, frame))
