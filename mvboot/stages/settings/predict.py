"""What ``mvboot predict`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import OfCameras, StageSettings, Typed


class PredictSettings(StageSettings):
    """Everything ``mvboot predict`` can be told."""

    model: Path = Field(description="Model, or a run's folder.")
    data: Path = Field(description="Capture folder: pictures or videos, and a rig.")
    rig: Path | None = Field(
        None, description="Rig that takes the place of the capture's rig.yaml."
    )
    cameras: OfCameras = Field(default=[])
    split: str = Field("all", description="train, validation or all frames.")
    size: int | None = Field(
        None, description="Side of the crops in px. [default: as the model was trained]"
    )
    margin: float | None = Field(
        None, description="Room about the subject. [default: as the model was trained]"
    )
    overlay: bool = Field(
        False, description="Also write a video of each camera with the result on it."
    )


class PredictKeypointsSettings(PredictSettings):
    """The same, and what is said of keypoints alone."""

    crops_from: Path | None = Field(
        None, description="Where to look for keypoints: a table of boxes, or of 2D or 3D keypoints."
    )
    individual: str | None = Field(
        None, description="Whose keypoints, where the capture or --crops-from has several."
    )
    format: Annotated[list[str], Typed("FORMAT")] = Field(
        default=[],
        description="Also write keypoints as deeplabcut, sleap, coco, openpose, ...; repeatable.",
    )
