"""What the settings of all stages have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mvboot.units import UNIT_WORDS, Unit


@dataclass(frozen=True)
class Typed:
    """How a setting is typed on the command line, where its name and type do not say it.

    Parameters
    ----------
    form
        What stands for the value in the help, as ``CAMERA=FRAMES``.
    option
        The name of the option, as ``--landmark``.
    first
        Whether the setting is the first word after the command, without an option.
    """

    form: str | None = None
    option: str | None = None
    first: bool = False


class StageSettings(BaseModel):
    """Settings of a stage. Unknown settings and numbers that are not finite are refused.

    A field's type, default and description are also those of its option on the command line. A
    default of None is what the description says.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    out: Path = Field(description="Folder to write to.")


Crop = tuple[float, float, float, float]
RigUnits = Annotated[
    Unit | None,
    Field(description=f"Unit of the rig's lengths: {UNIT_WORDS}, if its file has none."),
]
RigFormat = Annotated[str | None, Field(description="Format of the rig, if not recognised.")]
KeypointsFormat = Annotated[
    str | None, Field(description="Format of the keypoints, if not recognised.")
]
Subject = Annotated[
    str | None, Field(description="Individual in the detections: its name, or largest.")
]
MinConfidence = Annotated[
    float, Field(ge=0, le=1, description="Ignore detections below this confidence.")
]
Seed = Annotated[int, Field(ge=0, description="Seed of every random draw.")]
ThresholdPx = Annotated[
    float, Field(gt=0, description="How far from its detection a point may fall, in px.")
]
OfCameras = Annotated[
    list[str], Typed("A,B"), Field(description="Use only these cameras, comma-separated.")
]
Fps = Annotated[float | None, Field(gt=0, le=1e6, description="Frame rate in Hz.")]
Offset = Annotated[
    dict[str, int],
    Typed("CAMERA=FRAMES"),
    Field(
        description="The camera is late: at 1 its frame n shows what the others show at n - 1; "
        "repeatable."
    ),
]


class DetectionSettings(BaseModel):
    """What can be told of detections: whose they are, and how they came about."""

    keypoints_format: KeypointsFormat = None
    camera_map: Annotated[dict[str, str], Typed("KEYPOINTS=RIG")] = Field(
        default={}, description="Pair camera names that differ; repeatable."
    )
    timestamps: Path | None = Field(
        None, description="Table that says which frames of the cameras belong together."
    )
    offset: Offset = Field(default={})
    crop: Annotated[dict[str, Crop], Typed("CAMERA=X,Y,W,H")] = Field(
        default={},
        description="Detections are in px of this part of the calibrated picture; repeatable.",
    )
    subject: Subject = None
    min_confidence: MinConfidence = 0.0

    def map_for(self, cameras: Sequence[str]) -> dict[str, str]:
        """Return the pairs of names that were given for the cameras of detections."""
        return self.camera_map
