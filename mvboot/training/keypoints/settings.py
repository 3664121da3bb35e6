"""Settings of ``--task keypoints``."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from mvboot.frame_list import FrameList
from mvboot.training.config import (
    KeypointMatching,
    Places,
    Positive,
    RunSettings,
    Settings,
    Share,
    Weight,
)

AGREEMENT = 0.02
"""Labels in two views mean the same spot within this share of the subject's size."""


class Geometry(Settings):
    """Weights of KeypointNet's terms, which see depths beside the places of keypoints."""

    consistency: Weight = Field(0.0, description="of keypoints carried to the other view by depth")
    pose: Weight = Field(0.0, description="of the turn between views that the keypoints imply")
    separation: Weight = Field(0.0, description="of keypoints nearer than sqrt(delta2)")
    silhouette: Weight = Field(0.0, description="of heat maps off the mask")
    variance: Weight = Field(0.0, description="of wide heat maps")
    delta2: Positive = Field(0.05, description="squared, in half sizes of the subject")
    noise: Weight = Field(0.1, description="of keypoints in the term of the pose, half sizes")

    @property
    def used(self) -> bool:
        """Whether any term counts."""
        weights = (self.consistency, self.pose, self.separation, self.silhouette, self.variance)
        return any(weight > 0 for weight in weights)


class KeypointSettings(RunSettings):
    """Settings of ``--task keypoints``."""

    task: Literal["keypoints"] = "keypoints"
    method: Literal["supervised", "epipolar"] = "supervised"
    stride: Literal[2, 4, 8] = Field(2, description="side of a cell in crop px")
    blur: Positive = Field(1.0, description="width of a label in cells")
    individual: str | None = Field(None, description="whose keypoints, where there are several")
    label_frames: FrameList | None = Field(None, description="frames with labels; none: all")
    crops: Literal["subject", "picture"] = Field(
        "subject", description="crops about the subject, or whole pictures"
    )
    pairs: dict[str, str] = Field(
        default={}, description="left: right, where names do not say it (middle: middle)"
    )
    rise: Share = Field(0.2, description="share of the run in which w_M rises from 0")
    agreement: Positive | None = Field(
        AGREEMENT,
        description="how far people's labels of a keypoint in a view may lie from where their "
        "other views show it, as a share of the subject's size, to be compared with them; "
        "null: any",
    )
    geometry: Geometry = Geometry()

    @property
    def matches(self) -> bool:
        """Whether views of one instant are matched (L_M)."""
        return self.method == "epipolar"

    @property
    def sees_views(self) -> bool:
        """Whether groups of views train beside labelled pictures."""
        return self.matches or self.geometry.used

    @property
    def compares(self) -> bool:
        """Whether a term asks where other views show a keypoint."""
        return self.matches or self.geometry.consistency > 0

    @model_validator(mode="after")
    def _comparing_needs_views(self) -> Self:
        if not self.compares and self.agreement != AGREEMENT:
            raise ValueError(
                "the method supervised compares no views; leave agreement out, or use the method "
                "epipolar or geometry.consistency"
            )
        usual = KeypointMatching(views=self.matching.views)  # the terms of geometry have views too
        if not self.matches and self.matching != usual:
            raise ValueError(
                "the method supervised matches no views; leave the settings of matching out, or "
                "use the method epipolar"
            )
        return self


class KeypointConfig(KeypointSettings, Places):
    """Settings of ``--task keypoints``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = KeypointSettings

    @model_validator(mode="after")
    def _crops_are_of_one_kind(self) -> Self:
        if self.crops == "picture" and self.crops_from is not None:
            raise ValueError("crops=picture uses whole pictures; it does not go with --crops-from")
        return self
