"""What ``mvboot capture`` can be told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mvboot.frame_list import FrameList
from mvboot.stages.settings.base import DetectionSettings, Fps, StageSettings, Typed


class CaptureSettings(DetectionSettings, StageSettings):
    """Everything ``mvboot capture`` can be told, by option, config file or KEY=VALUE."""

    rig: Path = Field(description="Rig file or folder, any known format.")
    out: Path = Field(description="Capture folder to write.")
    images: str | None = Field(None, description="Picture files, a path with {camera}.")
    videos: str | None = Field(None, description="Videos, a path with {camera}.")
    keypoints: str | None = Field(
        None, description="Detections that say where the subject is: a path with {camera}."
    )
    landmarks: Annotated[dict[str, str], Typed("KEYPOINT=LANDMARK", option="--landmark")] = Field(
        default={},
        description="Keep this keypoint under the name of the template's landmark, and none that "
        "is not named; repeatable. [default: all, as they are called]",
    )
    camera_map: Annotated[dict[str, str], Typed("FOUND=RIG")] = Field(
        default={}, description="Pair camera names that differ; repeatable."
    )
    train: FrameList | None = Field(
        None, description="Frames that train, as 0..79. [default: all that do not validate]"
    )
    validation: FrameList | None = Field(
        None, description="Frames that validate. [default: a fifth, in three blocks]"
    )
    held_out_cameras: Annotated[tuple[str, ...], Typed("A,B", option="--held-out")] = Field(
        default=(), description="Cameras that never train, comma-separated."
    )
    template: str | None = Field(
        None, description="body, quadruped, or a template file, to put beside it."
    )
    fps: Fps = Field(None, description="Frames per second.")
    pictures: Literal["jpg", "png"] = Field("jpg", description="What frames of videos become.")

    def map_for(self, cameras: Sequence[str]) -> dict[str, str]:
        """Return those pairs that speak of these cameras: others are of pictures or detections."""
        return {here: there for here, there in self.camera_map.items() if here in cameras}
