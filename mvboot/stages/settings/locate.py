"""What ``mvboot rig locate`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import (
    KeypointsFormat,
    MinConfidence,
    OfCameras,
    Seed,
    StageSettings,
    Subject,
    ThresholdPx,
    Typed,
)
from mvboot.units import UNIT_WORDS, Unit


class LocateSettings(StageSettings):
    """Everything ``mvboot rig locate`` can be told, by option, config file or KEY=VALUE."""

    intrinsics: Annotated[Path, Typed("INTRINSICS", first=True)] = Field(
        description="intrinsics.yaml, or a rig whose poses do not matter."
    )
    keypoints: str = Field(
        description="Landmarks: a path with {camera}, or one file with all cameras."
    )
    distance: Annotated[dict[str, str], Typed("A:B=LENGTH")] = Field(
        default={},
        description="Measured length between two landmarks or two cameras, as a:b=0.5m; "
        "repeatable.",
    )
    points: Path | None = Field(
        None, description="Table of landmarks with known positions: point, X, Y, Z."
    )
    points_units: Unit | None = Field(None, description=f"Unit of X, Y, Z: {UNIT_WORDS}.")
    max_error: float | None = Field(
        None,
        gt=0,
        description="Largest residual of a known position. [default: 2 % of their extent]",
    )
    units: Unit = Field("m", description=f"Unit of the rig: {UNIT_WORDS}.")
    keypoints_format: KeypointsFormat = None
    cameras: OfCameras = Field(default=[])
    camera_map: Annotated[dict[str, str], Typed("KEYPOINTS=INTRINSICS")] = Field(
        default={}, description="Pair camera names that differ."
    )
    subject: Subject = None
    min_confidence: MinConfidence = 0.0
    threshold_px: ThresholdPx = Field(
        8.0, description="Largest error of a detection, in px, that is believed."
    )
    seed: Seed = 0
