"""The work of ``mvboot predict`` with networks of keypoints."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.datasets import Capture, SampleReader, View
from mvboot.datasets.layout import KEYPOINTS
from mvboot.errors import InputError
from mvboot.files import atomic_folder, require_free, write_json
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
    SUMMARY,
    crops_of,
    model_file,
    views_of,
)
from mvboot.training.keypoints.settings import KeypointSettings


@dataclass(frozen=True)
class KeypointPrediction:
    """What is predicted: a network, a capture, its views, how they are cut, and what is written."""

    network: DenseNetwork
    capture: Capture
    views: Sequence[View]
    size: int
    margin: float
    individual: str | None
    formats: tuple[str, ...]

    @staticmethod
    def of(
        model: Path,
        data: Path,
        rig: Path | None,
        cameras: Sequence[str] | None,
        split: str,
        size: int | None,
        margin: float | None,
        crops_from: Path | None = None,
        individual: str | None = None,
        formats: Sequence[str] = (),
    ) -> "KeypointPrediction":
        """Open everything; InputError for what does not fit together."""
        known = [name for name, one in detection_formats().items() if one.write is not None]
        unknown = [name for name in formats if name not in (*known, *OWN_TABLES)]
        if unknown:
            raise InputError(f"--format {unknown[0]} is none of {', '.join([*known, *OWN_TABLES])}")
        header = read_header(model_file(model))
        trained = header.provenance.get("settings", {})
        capture = Capture.open(data, None if rig is None else load_rig(rig))
        if crops_from is not None:
            capture = capture.with_boxes(boxes_from(crops_from, capture, individual))
        else:
            capture = framed(capture, trained.get("crops", "subject"))
        network = load_network(model_file(model)).eval()
        cut = crops_of(header, KeypointSettings, size, margin)
        network.require_size(cut[0], cut[0])
        whose = individual if individual is not None else trained.get("individual")
        SampleReader(capture, cut[0], network.stride, cut[1], individual=whose)  # or InputError
        return KeypointPrediction(
            network,
            capture,
            views_of(capture, cameras, split),
            *cut,
            whose,
            tuple(name for name in formats if name != OWN),
        )


def plan(asked: KeypointPrediction, out: Path, overwrite: bool, say: Output) -> dict[str, Any]:
    """Say what would be written."""
    require_free(out, overwrite)
    names = keypoints_of(asked.network).names
    say.say(
        f"would write {len(names)} keypoints of {len(asked.views)} pictures to {out / KEYPOINTS}"
    )
    return {"pictures": len(asked.views), "keypoints": list(names), "out": str(out)}


def run(
    asked: KeypointPrediction, out: Path, overwrite: bool, overlay: bool, say: Output
) -> dict[str, Any]:
    """Predict, and return the summary."""
    whole = without_crop(asked.capture, list(asked.views))
    if whole:
        say.warn(
            f"nothing says where the subject is in {whole} of {len(asked.views)} pictures, which "
            "are looked at as a whole; give --crops-from"
        )
    with atomic_folder(out, overwrite) as folder:
        with say.progress(asked.views, len(asked.views), "predicting") as watched:
            found = detections(
                asked.network, asked.capture, watched, asked.size, asked.margin, asked.individual
            )
            keypoints = gathered(found, asked.network, asked.capture, asked.views, asked.individual)
        save_keypoints2d(keypoints, folder, OWN)
        for name in asked.formats:
            save_keypoints2d(keypoints, folder / name, name)
        if overlay:
            _overlay(asked, keypoints, folder)
        confidence = keypoints.confidence[keypoints.present]
        summary = {
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
        write_json(summary, folder / SUMMARY)
    for name in {*detection_formats(), *OWN_TABLES, OVERLAYS} - {*asked.formats}:
        if not (overlay and name == OVERLAYS):
            shutil.rmtree(out / name, ignore_errors=True)  # of what --overwrite replaced
    say.say(
        f"wrote {len(keypoints.keypoints)} keypoints of {len(asked.views)} pictures to "
        f"{out / KEYPOINTS}; median confidence {summary['median_confidence']:.2f}"
    )
    return summary


def _overlay(asked: KeypointPrediction, keypoints: Keypoints2D, folder: Path) -> None:
    with OverlayVideo(folder / OVERLAYS, asked.capture.model.fps or NO_FPS) as videos:
        for camera, frame in asked.views:
            picture = asked.capture.picture(camera, frame)
            videos.add(camera, dotted(picture, keypoints, camera, frame))
