"""``capture.yaml``: what a capture folder holds (DESIGN 4).

``python -m mvboot.datasets.schema`` prints the model as JSON schema.
"""

import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mvboot.errors import InputError
from mvboot.frame_list import FrameList, frame_text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraEntry(_Strict):
    """What one camera filmed."""

    frames: FrameList | None = Field(
        None,
        description="frame numbers: those of its picture files, or one for each frame of its video",
    )
    timestamps: list[float] | None = Field(
        None, description="time of each of its frames in s, increasing, on a clock all share"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "CameraEntry":
        times = self.timestamps
        if times is None:
            return self
        if self.frames is None or len(self.frames) != len(times):
            raise ValueError(f"has {len(times)} timestamps; it needs frames, as many of them")
        if not all(math.isfinite(time) for time in times):
            raise ValueError("has a timestamp that is not a finite number")
        if any(b <= a for a, b in pairwise(times)):
            raise ValueError("its timestamps must increase")
        return self


class Splits(_Strict):
    """Which frames train, which are for validation, and which cameras never train."""

    train: FrameList
    validation: FrameList = ()
    held_out_cameras: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> "Splits":
        both = sorted(set(self.train) & set(self.validation))
        if both:
            raise ValueError(f"frame {both[0]} is both in train and in validation")
        return self


class CaptureModel(_Strict):
    """The whole file."""

    schema_: Literal[1] = Field(1, alias="schema", description="version of this format")
    fps: float | None = Field(None, gt=0, description="nominal frame rate in Hz")
    cameras: dict[str, CameraEntry] | None = Field(
        None, min_length=1, description="the cameras used; none stated: all of rig.yaml"
    )
    timestamps: str | None = Field(
        None,
        description="table beside this file that says which frames of the videos belong together",
    )
    splits: Splits | None = None
    labelled: FrameList | None = Field(
        None, description="frames whose dense fields are labels; none stated: all that have one"
    )
    template: str | None = Field(
        None, pattern="^[0-9a-f]{16}$", description="topology hash of the template of the fields"
    )
    seed: int | None = None
    provenance: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_clock(self) -> "CaptureModel":
        if self.timestamps and any(c.frames is not None for c in (self.cameras or {}).values()):
            raise ValueError("has both a timestamps file and frames of cameras; keep one")
        return self

    def require_cameras(self, rig: Sequence[str], where: Path) -> None:
        """Raise InputError for a camera that the rig lacks."""
        held = () if self.splits is None else self.splits.held_out_cameras
        for key, names in (("cameras", self.cameras or ()), ("splits.held_out_cameras", held)):
            unknown = [name for name in names if name not in rig]
            if unknown:
                raise InputError(
                    f"{key}: no camera {', '.join(unknown)} in the rig; it has {', '.join(rig)}",
                    where=where,
                )

    def require_frames(self, filmed: NDArray[np.int64], where: Path) -> None:
        """Raise InputError for a frame that is listed and that no camera filmed."""
        listed = {"labelled": self.labelled or ()}
        if self.splits is not None:
            listed |= {
                "splits.train": self.splits.train,
                "splits.validation": self.splits.validation,
            }
        for key, numbers in listed.items():
            absent = np.setdiff1d(np.array(numbers, np.int64), filmed)
            if len(absent):
                raise InputError(
                    f"{key}: frame {absent[0]} is listed, but no camera has a picture of it",
                    where=where,
                )

    def plain(self) -> dict[str, Any]:
        """Return the content as it is written: plain values, what is not stated left out."""
        content = self.model_dump(by_alias=True, exclude_none=True)
        for entry in content.get("cameras", {}).values():
            if "frames" in entry:
                entry["frames"] = frame_text(entry["frames"])
        if self.splits is not None:
            content["splits"] = {
                "train": frame_text(self.splits.train),
                "validation": frame_text(self.splits.validation),
                "held_out_cameras": list(self.splits.held_out_cameras),
            }
        if self.labelled is not None:
            content["labelled"] = frame_text(self.labelled)
        return content


if __name__ == "__main__":
    print(json.dumps(CaptureModel.model_json_schema(by_alias=True), indent=2))
