"""What a training run is asked to do."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mvboot.losses import Distance

Method = Literal["supervised", "bootstrap", "epipolar", "combined"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Matching(_Settings):
    """The multi-view term L_M."""

    weight: Weight = Field(1.0, description="w_M")
    sigma_start: Positive = Field(0.1, description="width of matches at first, m or uv")
    sigma_end: Positive = Field(0.05, description="width of matches in the end")
    sigma_until: Share = Field(0.7, description="share of the run until the end width")
    distance: Distance = Field("unsquared", description="squared, unsquared or robust")
    tolerance: Positive = Field(2.0, description="width of robust distances and of votes, cells")
    limit: Positive | None = Field(8.0, description="truncate other distances, cells")
    normalised: bool = Field(True, description="false: for ablation, collapses")
    views: int = Field(5, ge=2, description="cameras of a group; 2: single pairs")
    transfer: bool = Field(True, description="other views say where on the line a match lies")
    anchored: bool = Field(True, description="labels stand in for predictions where there are any")


class Temporal(_Settings):
    """The term L_T between pictures of one camera, in one of two readings."""

    weight: Weight = Field(0.0, description="w_T")
    reading: Literal["flow", "warp"] = Field(
        "flow", description="a later frame by optical flow, or another crop of the same picture"
    )
    step: Count = Field(1, description="frames from one picture to the later one")


class Distillation(_Settings):
    """The term L_R to the frozen teacher."""

    weight_start: Weight = Field(0.03, description="w_R at first")
    weight_end: Weight = Field(0.003, description="w_R in the end")


class Bootstrapping(_Settings):
    """The baseline: triangulate predictions in canonical space, project them back, retrain."""

    rounds: Count = Field(3, description="times that the views are labelled anew")
    points: Count = Field(2000, description="vertices of the template that are lifted")
    cells: Positive = Field(3.0, description="cells of the network within which views agree")
    weight: Weight = Field(1.0, description="of relabelled pictures")


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
    foreground: Weight = Field(10.0, description="weight of the foreground within L_L")
    matching: Matching = Matching()
    temporal: Temporal = Temporal()
    distillation: Distillation = Distillation()
    bootstrapping: Bootstrapping = Bootstrapping()
    flip: float = Field(0.5, ge=0, le=1, description="share of samples that are mirrored")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = Field("auto", description="cpu, gpu, or what Lightning finds")
    devices: Count = Field(1, description="devices that train at once; a batch is that of each")
    workers: int = Field(0, ge=0, description="processes that read")
    validate_every: Count = Field(100, description="steps between validations")
    seed: int = Field(0, ge=0)

    @property
    def matches(self) -> bool:
        """Whether views of one instant are matched (L_M)."""
        return self.method in ("epipolar", "combined")

    @property
    def relabels(self) -> bool:
        """Whether views are labelled anew in rounds."""
        return self.method in ("bootstrap", "combined")

    @model_validator(mode="after")
    def _rounds_have_epochs(self) -> Self:
        epochs, rounds = -(-self.steps // self.validate_every), self.bootstrapping.rounds
        if self.relabels and epochs < rounds:
            raise ValueError(
                f"{rounds} rounds (bootstrapping.rounds) begin with a validation each, but "
                f"{self.steps} steps have {epochs}; lower validate_every"
            )
        return self

    @model_validator(mode="after")
    def _time_needs_views(self) -> Self:
        if self.temporal.weight > 0 and not self.matches:
            raise ValueError(
                f"the method {self.method} has no temporal term; set temporal.weight to 0, or use "
                "the method epipolar or combined"
            )
        return self


class TrainConfig(TrainSettings):
    """The same, with the places of files."""

    data: Path = Field(description="capture folder")
    out: Path = Field(description="folder of the run")
    rig: Path | None = Field(None, description="rig instead of the capture's rig.yaml")
    teacher: Path | None = Field(None, description="model, or folder of a run")
    labels: tuple[Path, ...] = Field((), description="captures with the labels, if others")

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: tuple[Path, ...]) -> tuple[Path, ...]:
        twice = [path for path in labels if labels.count(path) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is given twice")
        return labels

    @property
    def settings(self) -> TrainSettings:
        """What the run does, without the places of files."""
        return TrainSettings.model_validate(
            {name: getattr(self, name) for name in TrainSettings.model_fields}
        )
