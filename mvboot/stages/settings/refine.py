"""What ``mvboot rig refine`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import (
    DetectionSettings,
    OfCameras,
    RigFormat,
    RigUnits,
    Seed,
    StageSettings,
    ThresholdPx,
    Typed,
)


class RefineSettings(DetectionSettings, StageSettings):
    """Everything ``mvboot rig refine`` can be told, by option, config file or KEY=VALUE."""

    rig: Annotated[Path, Typed("RIG", first=True)] = Field(
        description="Rig file or folder, any known format."
    )
    keypoints: str = Field(
        description="Detections: a path with {camera}, or one file with all cameras."
    )
    units: RigUnits = None
    rig_format: RigFormat = None
    cameras: OfCameras = Field(default=[])
    threshold_px: ThresholdPx = Field(
        8.0, description="Threshold in px of the triangulation that judges."
    )
    free: Annotated[dict[str, list[str]], Typed("[CAMERA=]WHAT")] = Field(
        default={},
        description="Also refine focal, principal_point or distortion; repeatable. [default: pose]",
    )
    hold: Annotated[dict[str, list[str]], Typed("[CAMERA=]WHAT")] = Field(
        default={}, description="Keep as it is, as cam1=pose; repeatable."
    )
    held_out: float = Field(
        0.25, gt=0, lt=1, description="Share of the frames, the last ones, that judge."
    )
    max_turn_deg: Annotated[float, Typed(option="--max-turn")] = Field(
        10.0, gt=0, description="Largest change of a camera, in degrees, that is believed."
    )
    seed: Seed = 0
