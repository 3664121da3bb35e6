"""What a training run is asked to do."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mvboot.datasets.frame_list import FrameList
from mvboot.datasets.sampling import WIDEST_DEG
from mvboot.losses import Distance
from mvboot.networks.config import Backbone

Method = Literal["supervised", "bootstrap", "epipolar", "combined"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]

AGREEMENT = 0.02
"""Labels in two views mean the same spot within this share of the subject's size."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeypointMatching(_Settings):
    """The multi-view term L_M of keypoints, whose names say what matches.

    Robust and light: views that agree on a wrong place pull each other away from the labels.
    """

    weight: Weight = Field(0.3, description="w_M")
    distance: Distance = Field("robust", description="squared, unsquared or robust")
    tolerance: Positive = Field(2.0, description="width of robust distances and of votes, cells")
    limit: Positive | None = Field(8.0, description="truncate other distances, cells")
    views: int = Field(5, ge=2, description="cameras of a group; 2: single pairs")
    anchored: bool = Field(True, description="labels stand in for predictions where there are any")


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


class RunSettings(_Settings):
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


class Geometry(_Settings):
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


class Places(_Settings):
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


class TrainConfig(TrainSettings, Places):
    """Settings of ``--task dense``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = TrainSettings


class KeypointConfig(KeypointSettings, Places):
    """Settings of ``--task keypoints``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = KeypointSettings

    @model_validator(mode="after")
    def _crops_are_of_one_kind(self) -> Self:
        if self.crops == "picture" and self.crops_from is not None:
            raise ValueError("crops=picture uses whole pictures; it does not go with --crops-from")
        return self


class LatentConfig(LatentSettings, Places):
    """Settings of ``--task latent``, with the places of files."""

    settings_type: ClassVar[type[RunSettings]] = LatentSettings
