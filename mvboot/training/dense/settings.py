"""Settings of ``--task dense``."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mvboot.datasets.sampling import WIDEST_DEG
from mvboot.losses import Distance
from mvboot.training.config import (
    Count,
    KeypointMatching,
    Places,
    Positive,
    RunSettings,
    Settings,
    Share,
    Weight,
)

Method = Literal["supervised", "bootstrap", "epipolar", "combined"]


class Matching(KeypointMatching):
    """The multi-view term L_M of dense fields, whose matches have a width."""

    weight: Weight = Field(1.0, description="w_M")
    distance: Distance = Field("unsquared", description="squared, unsquared or robust")
    sigma_start: Positive = Field(0.1, description="width of matches at first, m or uv")
    sigma_end: Positive = Field(0.05, description="width of matches in the end")
    sigma_until: Share = Field(0.7, description="share of the run until the end width")
    normalised: bool = Field(True, description="false: for ablation, collapses")
    widest_deg: float = Field(
        WIDEST_DEG, gt=0, le=180, description="cameras farther apart at the subject are no pair"
    )
    transfer: bool = Field(True, description="other views say where on the line a match lies")


class Temporal(Settings):
    """The term L_T between pictures of one camera, in one of two readings."""

    weight: Weight = Field(0.0, description="w_T")
    reading: Literal["flow", "warp"] = Field(
        "flow", description="a later frame by optical flow, or another crop of the same picture"
    )
    step: Count = Field(1, description="frames from one picture to the later one")


class Bootstrapping(Settings):
    """The baseline: triangulate predictions in canonical space, project them back, retrain."""

    rounds: Count = Field(3, description="times that the views are labelled anew")
    points: Count = Field(2000, description="vertices of the template that are lifted")
    cells: Positive = Field(3.0, description="cells of the network within which views agree")
    weight: Weight = Field(1.0, description="of relabelled pictures")


class TrainSettings(RunSettings):
    """Settings of ``--task dense``."""

    task: Literal["dense"] = "dense"
    method: Method = "epipolar"
    kind: Literal["embedding", "charts"] = "embedding"
    stride: Literal[2, 4, 8] = Field(2, description="side of a cell in crop px")
    unit: Positive = Field(0.05, description="error on the surface where losses turn linear, m")
    foreground: Weight = Field(10.0, description="weight of the foreground within L_L")
    matching: Matching = Matching()
    temporal: Temporal = Temporal()
    bootstrapping: Bootstrapping = Bootstrapping()

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


class TrainConfig(TrainSettings, Places):
    """Settings of ``--task dense``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = TrainSettings
