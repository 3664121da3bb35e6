"""What a training run is asked to do."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["supervised", "epipolar"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Matching(_Settings):
    """The multi-view term L_M."""

    weight: Weight = Field(0.1, description="w_M, over cells of the network")
    sigma_start: Positive = Field(0.10, description="width of matches at first, m or uv")
    sigma_end: Positive = Field(0.02, description="width of matches in the end")
    sigma_until: Share = Field(0.7, description="share of the run until the end width")
    distance: Literal["squared", "unsquared"] = "squared"
    limit_px: Positive | None = Field(None, description="truncate distances, px")
    normalised: bool = Field(True, description="false: for ablation, collapses")
    views: Literal[2, 3] = Field(3, description="pairs or triplets of cameras")


class Distillation(_Settings):
    """The term L_R to the frozen teacher."""

    weight_start: Weight = Field(1.0, description="w_R at first")
    weight_end: Weight = Field(0.2, description="w_R in the end")


class TrainSettings(_Settings):
    """All settings of a run; the same settings and data give the same run on one machine."""

    method: Method = "epipolar"
    kind: Literal["embedding", "charts"] = "embedding"
    backbone: str = "small"
    size: int = Field(96, ge=32, description="side of the crops in px")
    stride: Literal[2, 4, 8] = Field(2, description="side of a cell in crop px")
    margin: Weight = Field(0.15, description="room around the subject, share of its longer side")
    steps: Count = 1000
    batch: Count = Field(4, description="labelled pictures of a step")
    groups: Count = Field(1, description="groups of views of a step")
    label_cameras: tuple[str, ...] = Field((), description="cameras with labels; none: all")
    learning_rate: Positive = 1e-3
    warmup: Share = Field(0.05, description="share of the run in which the rate rises")
    weight_decay: Weight = 1e-4
    clip: Positive = Field(1.0, description="largest norm of the gradient")
    averaging: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights")
    unit: Positive = Field(0.05, description="error on the surface where losses turn linear, m")
    labelled: Weight = Field(1.0, description="w_L")
    matching: Matching = Matching()
    distillation: Distillation = Distillation()
    flip: float = Field(0.5, ge=0, le=1, description="share of samples that are mirrored")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    workers: int = Field(0, ge=0, description="processes that read")
    validate_every: Count = Field(100, description="steps between validations")
    seed: int = Field(0, ge=0)


class TrainConfig(TrainSettings):
    """The same, with the places of files."""

    data: Path = Field(description="capture folder")
    out: Path = Field(description="folder of the run")
    rig: Path | None = Field(None, description="rig instead of the capture's rig.yaml")
    teacher: Path | None = Field(None, description="model, or folder of a run")
    labels: Path | None = Field(None, description="capture with the labels, if another")

    @property
    def settings(self) -> TrainSettings:
        """What the run does, without the places of files."""
        return TrainSettings.model_validate(
            {name: getattr(self, name) for name in TrainSettings.model_fields}
        )
