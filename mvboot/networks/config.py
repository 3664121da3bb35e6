"""What a network is: its backbone, how pictures enter it and what it predicts."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from mvboot.errors import InputError
from mvboot.template import Template, require_topology
from mvboot.template.charts import MAX_PARTS
from mvboot.units import Unit

PRESETS = ("small", "base")
DILATED = "dilated"
TIMM = "timm:"

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""Of the pictures that most pretrained backbones know (He et al. 2016), RGB in 0..255."""

WIDTHS = {"small": 32, "base": 64, DILATED: 64}
"""Channels at the finest level, of our own backbones."""

NARROWEST = 8

SAME_SPACE = 1e-4
"""How far two boxes of an embedding may differ, in shares of their size."""

Topology = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Colour = tuple[Finite, Finite, Finite]
Spread = tuple[Positive, Positive, Positive]


class EmbeddingTarget(BaseModel):
    """Predict a template's embedding.

    ``center`` (D,) and ``scale`` (D,) are the middle and half the sides of the box that holds
    the template, in its unit: the network works in a box of -1 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["embedding"] = "embedding"
    topology: Topology
    units: Unit
    center: Annotated[tuple[Finite, ...], Field(min_length=1)]
    scale: Annotated[tuple[Positive, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _same_length(self) -> "EmbeddingTarget":
        if len(self.center) != len(self.scale):
            raise ValueError(
                f"center has {len(self.center)} dimensions, but scale {len(self.scale)}"
            )
        return self

    @staticmethod
    def of(template: Template) -> "EmbeddingTarget":
        """Describe the embedding of a template; InputError where it has none."""
        if template.embedding is None:
            raise InputError(f"the template {template.name!r} has no embedding; predict charts")
        low, high = template.embedding.min(axis=0), template.embedding.max(axis=0)
        return EmbeddingTarget.model_validate(
            {
                "topology": template.topology,
                "units": template.units,
                "center": ((low + high) / 2).tolist(),
                "scale": ((high - low) / 2).tolist(),
            }
        )

    @property
    def dimensions(self) -> int:
        """Number of dimensions D."""
        return len(self.center)

    def require_template(self, template: Template) -> None:
        """Raise InputError unless values in this embedding are points of the template."""
        require_topology(template, self.topology)
        own = EmbeddingTarget.of(template)
        if self.units != own.units:
            raise InputError(
                f"predicts an embedding in {self.units}, but {template.name!r} is in {own.units}; "
                f"give it as template.in_units({self.units!r})"
            )
        if not self._same_box(own):
            raise InputError(
                f"predicts another embedding of {template.name!r} than the template's own; use "
                "the template file it was trained with"
            )

    def _same_box(self, other: "EmbeddingTarget") -> bool:
        if self.dimensions != other.dimensions:
            return False
        gap = np.abs(np.array([self.center, self.scale]) - np.array([other.center, other.scale]))
        return bool(gap.max() <= SAME_SPACE * max(self.scale))


class ChartsTarget(BaseModel):
    """Predict a template's charts: the part, and flat coordinates in each part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["charts"] = "charts"
    topology: Topology
    parts: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_PARTS)]

    @field_validator("parts")
    @classmethod
    def _different(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(parts)) < len(parts):
            raise ValueError("parts need different names")
        return parts

    @staticmethod
    def of(template: Template) -> "ChartsTarget":
        """Describe the charts of a template; InputError where it has none."""
        if template.charts is None:
            raise InputError(f"the template {template.name!r} has no charts; predict an embedding")
        return ChartsTarget(topology=template.topology, parts=template.charts.names)

    def require_template(self, template: Template) -> None:
        """Raise InputError unless parts of these names are charts of the template."""
        require_topology(template, self.topology)
        if ChartsTarget.of(template).parts != self.parts:
            raise InputError(
                f"predicts other parts than {template.name!r} has; use the template file it was "
                "trained with"
            )


class KeypointTarget(BaseModel):
    """Predict sparse keypoints: a heat map each, and on request the depth of each.

    Parameters
    ----------
    names
        Of the keypoints.
    blur
        Standard deviation, in cells, of the bumps that labels are in heat maps. 0: there are no
        labels, maps are learned by their means (`latent`).
    depth
        Whether a map of depths comes with each heat map.
    temperature
        By what logits are divided where they are read as beliefs; set on held-out labels.
    oriented
        Two keypoints, at the front and at the back of the subject, that a second network finds
        first; which of them is further right in the picture is then told to this one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["keypoints"] = "keypoints"
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    blur: NotNegative = 1.0
    depth: bool = False
    temperature: Positive = 1.0
    oriented: tuple[str, str] | None = None

    @field_validator("names", "oriented")
    @classmethod
    def _different(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (len(set(names)) < len(names) or "" in names):
            raise ValueError("keypoints need different names")
        return names

    @staticmethod
    def latent(count: int, oriented: tuple[str, str] | None = None) -> "KeypointTarget":
        """Describe ``count`` keypoints that nobody names, with their depth (KeypointNet)."""
        names = tuple(f"latent_{i:02d}" for i in range(count))
        return KeypointTarget(names=names, blur=0.0, depth=True, oriented=oriented)

    def require_template(self, template: Template) -> None:
        """Raise InputError: no keypoint is a point of the surface of a template."""
        raise InputError(
            f"predicts the keypoints {', '.join(self.names)}, not points of the template "
            f"{template.name!r}"
        )


SurfaceTarget = EmbeddingTarget | ChartsTarget
Target = Annotated[SurfaceTarget | KeypointTarget, Field(discriminator="kind")]


def _known_backbone(name: str) -> str:
    own = (*PRESETS, DILATED)
    if name in own or (name.startswith(TIMM) and name != TIMM):
        return name
    raise ValueError(f"unknown backbone {name!r}; choose {', '.join(own)} or {TIMM}NAME")


Backbone = Annotated[str, AfterValidator(_known_backbone)]
"""Name of a backbone that there may be: whether timm knows it, only timm can tell."""


class NetworkConfig(BaseModel):
    """All that decides which numbers a network computes, but its weights.

    Parameters
    ----------
    target
        What it predicts.
    backbone
        "small" for a CPU, "base" for a GPU, "dilated" for the one of KeypointNet, or "timm:NAME"
        for the feature pyramid of a model of timm (the extra ``backbones``).
    stride
        Side of an output cell in pixels: 112 px give 56 cells at 2, 224 px at 4. "dilated" has
        1 as in its paper, or 2.
    width
        Channels at the finest level; none stated: the backbone's own.
    mean, std
        Colour (RGB, 0..255) that becomes 0, and the step that becomes 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    backbone: Backbone = "small"
    stride: Literal[1, 2, 4, 8] = 2
    width: Annotated[int, Field(ge=NARROWEST, le=1024, multiple_of=8)] | None = None
    mean: Colour = IMAGENET_MEAN
    std: Spread = IMAGENET_STD

    @model_validator(mode="after")
    def _stride_of_backbone(self) -> "NetworkConfig":
        if self.stride not in ((1, 2) if self.backbone == DILATED else (2, 4, 8)):
            raise ValueError(
                f"the backbone {self.backbone!r} has no cells of {self.stride} px; "
                f"{DILATED!r} has cells of 1 or 2 px, the others of 2, 4 or 8"
            )
        return self

    @property
    def surface(self) -> SurfaceTarget:
        """The target of a network that predicts points of a template; else InputError."""
        if isinstance(self.target, KeypointTarget):
            raise InputError("predicts keypoints, not points of a template")
        return self.target

    @property
    def orientation(self) -> "NetworkConfig | None":
        """The network that finds the front and the back, half as wide; None where none is told."""
        target = self.target
        if not isinstance(target, KeypointTarget) or target.oriented is None:
            return None
        return NetworkConfig(
            target=KeypointTarget(names=target.oriented, blur=0.0),
            backbone=self.backbone,
            stride=self.stride,
            width=max(NARROWEST, (self.width or WIDTHS.get(self.backbone, 64)) // 16 * 8),
            mean=self.mean,
            std=self.std,
        )

    @property
    def channels(self) -> int:
        """Channels that enter the backbone: the colours, and the orientation where it is told."""
        return 3 if self.orientation is None else 4

    @staticmethod
    def for_template(
        template: Template, kind: Literal["embedding", "charts"] = "embedding", **settings: Any
    ) -> "NetworkConfig":
        """Describe a network that predicts points of a template; ``settings`` as in the class.

        InputError where the template has no coordinates of that kind.
        """
        target = (EmbeddingTarget if kind == "embedding" else ChartsTarget).of(template)
        return NetworkConfig(target=target, **settings)

    @staticmethod
    def keypointnet(
        count: int = 10, oriented: tuple[str, str] | None = None, **settings: Any
    ) -> "NetworkConfig":
        """Describe the network of Suwajanakorn et al. (NeurIPS 2018); ``settings`` as in the class.

        ``oriented`` are the keypoints at the front and the back that its orientation network
        learns; none: there is no such network.
        """
        own = {"backbone": DILATED, "stride": 1} | settings
        return NetworkConfig(target=KeypointTarget.latent(count, oriented), **own)
