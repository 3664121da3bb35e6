"""What ``mvboot rig check`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import DetectionSettings, RigUnits, Typed


class CheckSettings(DetectionSettings):
    """Everything ``mvboot rig check`` can be told."""

    path: Annotated[Path, Typed("RIG", first=True)] = Field(
        description="Rig file or folder, any known format."
    )
    units: RigUnits = None
    format: str | None = Field(None, description="Format of the rig, if not recognised.")
    up: str | None = Field(
        None, description="Axis that points up (x ... -z), if the file does not say it."
    )
    keypoints: str | None = Field(
        None, description="Also judge it by these detections: a path with {camera}."
    )
