"""What ``mvboot calibrate`` can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mvboot.stages.settings.base import OfCameras, Offset, StageSettings, Typed
from mvboot.units import Unit


class CalibrateSettings(StageSettings):
    """Everything ``mvboot calibrate`` can be told, by option, config file or KEY=VALUE."""

    board: str = Field(
        description="charuco:8x11:24mm:18mm:DICT_5X5_100, checkerboard:9x6:25mm, ... or a YAML "
        "file."
    )
    images: str | None = Field(
        None, description="Pictures: a path with {camera}, as '{camera}/*.jpg'."
    )
    videos: str | None = Field(None, description="Videos: a path with {camera}.")
    timestamps: Path | None = Field(
        None, description="CSV that says which frames of the videos belong together."
    )
    offset: Offset = Field(default={})
    cameras: OfCameras = Field(default=[])
    lens: Annotated[dict[str, list[str]], Typed("[CAMERA=]LENS")] = Field(
        default={},
        description="Lens, or several with commas: pinhole, brown1 ... brown5, rational, fisheye; "
        "repeatable. [default: the one with the least held-out error]",
    )
    intrinsics: Path | None = Field(
        None, description="Rig whose intrinsics are kept; only the poses are found."
    )
    hold: Annotated[dict[str, list[str]], Typed("[CAMERA=]WHAT")] = Field(
        default={},
        description="Keep as each camera alone gives it: focal, principal_point, distortion, "
        "k1, ...",
    )
    distance: Annotated[dict[str, str], Typed("A:B=LENGTH")] = Field(
        default={}, description="Measured distance of two cameras, as a:b=788mm."
    )
    units: Unit | None = Field(None, description="Unit of the rig. [default: the board's]")
    world: str | None = Field(
        None,
        description="board:NUMBER (it lies on the floor there) or camera:NAME. [default: first]",
    )
    max_shots: int = Field(150, ge=3, description="Most instants to calibrate with.")
    max_pictures: int = Field(300, ge=3, description="Most pictures of a camera to look at.")
    allow_partial: bool = Field(
        False, description="Leave out cameras that share no picture with the rest."
    )
    upright: bool = Field(
        False,
        description="The board was upright in every picture: for checkerboards without a top.",
    )
    intrinsics_only: bool = Field(
        False, description="Each camera alone, from pictures that need not match."
    )
    poses: Path | None = Field(
        None, description="With --intrinsics-only: a rig whose poses the new intrinsics join."
    )
