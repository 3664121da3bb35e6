"""What bootstrapping is asked to do.

The algorithm is that of Simon, Joo, Matthews and Sheikh, "Hand keypoint detection in single images
using multiview bootstrapping" (CVPR 2017). Its heuristics and windows are theirs; all numbers here
are ours.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mvboot.training.keypoints.settings import AGREEMENT

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Heuristics(_Settings):
    """When a frame is not believed; null switches one off."""

    inliers: Positive | None = Field(
        1.0, description="agreeing views of a keypoint on average, refused keypoints included"
    )
    confidence: Share | None = Field(0.3, description="mean confidence of agreeing detections")
    velocity: Positive | None = Field(
        0.15, description="largest jump of a keypoint against the others, subject sizes a frame"
    )
    bones: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = Field(
        1.5, description="times that a bone may be longer or shorter than usual"
    )
    occlusion: Share | None = Field(
        0.25, description="share of the keypoints that a view must see past the body"
    )


class BootstrapSettings(_Settings):
    """All settings of bootstrapping; the same settings and data choose the same frames."""

    rounds: Count = Field(3, description="times that footage is labelled anew")
    min_confidence: Share = Field(0.2, description="detections below are ignored")
    threshold_px: Positive | None = Field(
        None, description="how far from its detection a point may fall; null: by threshold"
    )
    threshold: Positive = Field(0.04, description="the same, as a share of the subject's size")
    min_views: Annotated[int, Field(ge=2)] | None = Field(
        None, description="views that must agree; null: 3, or 40 % of the detections if more"
    )
    agreement: Positive | None = Field(
        AGREEMENT,
        description="how far people's labels of a keypoint in a view may lie from where their "
        "other views show it, as a share of the subject's size, for new labels there; null: any",
    )
    window: Count = Field(15, description="frames of which the best is kept")
    best: Count = Field(100, description="frames that become labels, at most")
    view_confidence: Share | None = Field(
        0.2, description="mean confidence in a view below which it gets no labels; null: none"
    )
    heuristics: Heuristics = Heuristics()
    tolerance: float = Field(
        0.0, ge=0, description="share by which the held-out error may grow before a stop"
    )
    go_on: bool = Field(False, description="each round goes on from the network of the one before")
    seed: int = Field(0, ge=0)
