"""What a synthetic capture is asked to show."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mvboot.errors import InputError
from mvboot.synthetic.detector import Detector
from mvboot.synthetic.faults import Faults
from mvboot.synthetic.rigs import RIG_KINDS, SMALLEST_PX

STREAMS = (
    "rig",
    "subjects",
    "motion",
    "place",
    "light",
    "faults",
    "detector",
    "eye",
    "sensor",
    "splits",
    "shade",
)
"""What is drawn at random, each from a stream of its own; a new one goes to the end."""

CAMERAS_LIKE = Faults(gain=0.15, colour=0.04, vignetting=0.15, noise=0.006, exposure_s=1 / 200)
"""Pictures of an ordinary camera, and nothing else wrong."""

LONGEST_S = 1800
"""Longest capture; the motion of all of it is held in memory."""

FEW_FRAMES = 20
"""Below this many, all frames train unless a share is stated."""

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=SMALLEST_PX, le=8192)]


class SynthSettings(BaseModel):
    """All settings of a synthetic capture; the same settings give the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    template: str = Field("body", description="body, quadruped, or a template file with bones")
    subjects: Annotated[int, Field(ge=1, le=20)] = Field(1, description="how many individuals")
    gait: str | None = Field(None, description="what they do; none stated: several things")
    wear: tuple[str, ...] | None = Field(
        None, description="garments of people, from the skin outwards; none stated: any"
    )
    area: float = Field(0.5, gt=0, le=20, description="radius in m in which each moves about")
    rig: str = Field("ring", description="kind of rig, or a rig file in metres with z up")
    cameras: int = Field(8, ge=2, description="how many cameras; not for a rig file")
    size: tuple[Size, Size] = Field(
        (256, 256), description="width and height of the pictures in px; not for a rig file"
    )
    frames: Count = Field(100, description="frames of each camera")
    fps: float = Field(30.0, ge=1, le=1000, description="frames per second")
    place: str | None = Field(None, description="kind of place; none stated: any that suits")
    occluders: int = Field(1, ge=0, description="things that stand before cameras, at most")
    samples: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="rays across and down a pixel, spread over the exposure"
    )
    faults: Faults = Field(CAMERAS_LIKE, description="what is wrong with the capture")
    detector: Detector | None = Field(
        None, description="faults of keypoints.parquet, or true; none stated: exact keypoints"
    )
    fields: Literal["charts", "embedding"] = Field("charts", description="kind of dense fields")
    pictures: Literal["png", "jpg"] = Field("jpg", description="format of the pictures")
    labelled: Count | None = Field(
        None, description="how many training frames count as labelled; none stated: all"
    )
    validation: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="share of frames that validate; none stated: 0.2 of 20 frames or more"
    )
    held_out_cameras: tuple[str, ...] = Field((), description="cameras that never train")
    seed: Seed = Field(0, description="decides everything")
    seeds: dict[str, Seed] = Field({}, description="seeds of single parts: " + ", ".join(STREAMS))

    @field_validator("size", mode="before")
    @classmethod
    def _square(cls, given: Any) -> Any:
        """Let one number mean a square."""
        return (given, given) if isinstance(given, int) else given

    @field_validator("faults", mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """Let single faults be named; the others stay as they are by default."""
        return asdict(CAMERAS_LIKE) | dict(given) if isinstance(given, Mapping) else given

    @field_validator("detector", mode="before")
    @classmethod
    def _switched(cls, given: Any) -> Any:
        """Let ``true`` mean an ordinary detector, and ``false`` none."""
        return {True: Detector(), False: None}[given] if isinstance(given, bool) else given

    @model_validator(mode="after")
    def _known(self) -> "SynthSettings":
        unknown = sorted(set(self.seeds) - set(STREAMS))
        if unknown:
            raise ValueError(f"seeds: no part {unknown[0]!r}; there are {', '.join(STREAMS)}")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> "SynthSettings":
        if self.frames / self.fps > LONGEST_S:
            raise ValueError(
                f"frames: {self.frames} at {self.fps:g} a second last longer than {LONGEST_S} s"
            )
        return self

    @model_validator(mode="after")
    def _no_second_rig(self) -> "SynthSettings":
        taken = sorted(self.model_fields_set & {"cameras", "size"})
        if self.rig not in RIG_KINDS and Path(self.rig).exists() and taken:
            raise ValueError(f"{taken[0]}: is the rig file's; leave it out")
        return self

    @property
    def validating(self) -> float:
        """Share of frames that validate."""
        if self.validation is not None:
            return self.validation
        return 0.2 if self.frames >= FEW_FRAMES else 0.0

    @property
    def rig_file(self) -> Path | None:
        """The rig file, or None where ``rig`` is a kind; InputError for neither."""
        if self.rig in RIG_KINDS:
            return None
        path = Path(self.rig)
        if not path.exists():
            raise InputError(
                f"no kind of rig and no file {self.rig!r}; kinds are {', '.join(RIG_KINDS)}"
            )
        return path

    def rng(self, part: str, *number: int) -> np.random.Generator:
        """Return the random numbers of one of `STREAMS`, or of a numbered piece of it."""
        entropy = self.seeds.get(part, self.seed)
        key = (STREAMS.index(part), *number)
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))
