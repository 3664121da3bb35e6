"""Settings of a training run, whatever its task; what a task adds is in its own folder."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mvboot.losses import Distance
from mvboot.networks.config import Backbone

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Settings that cannot change, and refuse unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeypointMatching(Settings):
    """The multi-view term L_M of keypoints, whose names say what matches.

    Robust and light: views that agree on a wrong place pull each other away from the labels.
    """

    weight: Weight = Field(0.3, description="w_M")
    distance: Distance = Field("robust", description="squared, unsquared or robust")
    tolerance: Positive = Field(2.0, description="width of robust distances and of votes, cells")
    limit: Positive | None = Field(8.0, description="truncate other distances, cells")
    views: int = Field(5, ge=2, description="cameras of a group; 2: single pairs")
    anchored: bool = Field(True, description="labels stand in for predictions where there are any")


class Distillation(Settings):
    """The term L_R to the frozen teacher."""

    weight_start: Weight = Field(0.03, description="w_R at first")
    weight_end: Weight = Field(0.003, description="w_R in the end")


class RunSettings(Settings):
    """Settings of every task; the same settings and data give the same run on one machine.

    A task adds its own, and states its ``task`` and ``method`` (`mvboot.training.task.Task`).
    """

    task: str
    method: str
    backbone: Backbone = "small"
    size: int = Field(96, ge=32, le=4096, description="side of the crops in px")
    stride: Literal[1, 2, 4, 8] = Field(2, description="side of a cell in crop px")
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
    labelled: Weight = Field(1.0, description="w_L")
    matching: KeypointMatching = KeypointMatching()
    distillation: Distillation = Distillation()
    flip: float = Field(0.5, ge=0, le=1, description="share of samples that are mirrored")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = Field("auto", description="cpu, gpu, or what Lightning finds")
    devices: Count = Field(1, description="devices that train at once; a batch is that of each")
    workers: int = Field(0, ge=0, description="processes that read")
    validate_every: Count = Field(100, description="steps between validations")
    seed: int = Field(0, ge=0, lt=2**32)


class Places(Settings):
    """Where the files of a run are; a task's config is this and its settings."""

    settings_type: ClassVar[type[RunSettings]]

    data: Path = Field(description="capture folder")
    out: Path = Field(description="folder of the run")
    rig: Path | None = Field(None, description="rig instead of the capture's rig.yaml")
    teacher: Path | None = Field(None, description="model, or folder of a run")
    labels: tuple[Path, ...] = Field((), description="captures with the labels, if others")
    crops_from: Path | None = Field(
        None, description="where the subject is: table of boxes, or of 2D or 3D keypoints"
    )

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: tuple[Path, ...]) -> tuple[Path, ...]:
        whole = [path.resolve() for path in labels]
        twice = [path for path in labels if whole.count(path.resolve()) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is given twice")
        return labels

    @property
    def settings(self) -> RunSettings:
        """What the run does, without the places of files."""
        kind = self.settings_type
        return kind.model_validate({name: getattr(self, name) for name in kind.model_fields})
