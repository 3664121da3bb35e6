"""Settings of ``--task latent``."""

from typing import ClassVar, Literal

from pydantic import Field

from mvboot.training.config import (
    Count,
    Places,
    Positive,
    RunSettings,
    Weight,
)

Term = Literal[
    "consistency", "pose", "separation", "silhouette", "variance", "orientation", "delta2", "noise"
]
"""What `mvboot.losses.KeypointNetWeights` has."""


class LatentSettings(RunSettings):
    """Settings of ``--task latent``."""

    task: Literal["latent"] = "latent"
    method: Literal["keypointnet"] = "keypointnet"
    backbone: str = "dilated"
    width: int = Field(32, ge=8, multiple_of=8, description="channels of the network")
    size: int = Field(64, ge=32, description="side of the crops in px")
    steps: Count = 6600
    groups: Count = Field(16, description="pairs of views of a step")
    learning_rate: Positive = 2e-3
    clip: Positive = Field(5.0, description="largest norm of the gradient")
    keypoints: int = Field(10, ge=3, description="how many are discovered")
    preset: Literal["paper", "tf_code"] = Field(
        "tf_code", description="weights as the authors' code has them, or as the paper states them"
    )
    weights: dict[Term, Weight] = Field(
        default={}, description="weights in place of the preset's, as weights.pose=0.5"
    )
    oriented: tuple[str, str] | None = Field(
        None, description="labelled keypoints at the front and the back, as [nose,tail]"
    )
    start: float = Field(
        0.1, ge=0, lt=1, description="share of the run in which two keypoints learn front and back"
    )
    individual: str | None = Field(None, description="whose front and back, if there are several")


class LatentConfig(LatentSettings, Places):
    """Settings of ``--task latent``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = LatentSettings
