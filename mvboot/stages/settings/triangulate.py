"""What ``mvboot triangulate`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import (
    DetectionSettings,
    Fps,
    OfCameras,
    RigFormat,
    RigUnits,
    Seed,
    StageSettings,
    ThresholdPx,
    Typed,
)


class TriangulateSettings(DetectionSettings, StageSettings):
    """Everything ``mvboot triangulate`` can be told, by option, config file or KEY=VALUE."""

    rig: Path = Field(description="Rig file or folder, any known format.")
    keypoints: str = Field(
        description="Keypoint files: a path with {camera}, or one file with all cameras."
    )
    units: RigUnits = None
    rig_format: RigFormat = None
    cameras: OfCameras = Field(default=[])
    min_views: int | None = Field(
        None,
        ge=2,
        description="Views that must agree. [default: 3, or 40 % of the detections if more]",
    )
    threshold_px: ThresholdPx = 8.0
    min_parallax_deg: float = Field(
        0.5, ge=0, lt=90, description="Two rays that meet at a smaller angle start no point."
    )
    groups: Path | None = Field(
        None, description="YAML file of keypoints to judge together: `name: [a, b]`."
    )
    fps: Fps = None
    export: Annotated[list[str], Typed("FORMAT")] = Field(
        default=[],
        description="Also write anipose, deeplabcut, trc, c3d, movement, ...; repeatable.",
    )
    csv: bool = Field(False, description="Also write the table as CSV.")
    seed: Seed = 0
