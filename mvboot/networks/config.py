"""What a network is: its backbone, how pictures enter it and what it predicts."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mvboot.errors import InputError
from mvboot.template import Template, require_topology
from mvboot.template.charts import MAX_PARTS

PRESETS = ("small", "base")
TIMM = "timm:"

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""Of the pictures that most pretrained backbones know (He et al. 2016), RGB in 0..255."""

SAME_SPACE = 1e-4
"""How far two boxes of an embedding may differ, in shares of their size."""

Topology = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
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
    units: Literal["m", "cm", "mm"]
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


Target = Annotated[EmbeddingTarget | ChartsTarget, Field(discriminator="kind")]


class NetworkConfig(BaseModel):
    """All that decides which numbers a network computes, but its weights.

    Parameters
    ----------
    target
        What it predicts.
    backbone
        "small" for a CPU, "base" for a GPU, or "timm:NAME" for the feature pyramid of a model of
        timm (the extra ``backbones``).
    stride
        Side of an output cell in pixels: 112 px give 56 cells at 2, 224 px at 4.
    width
        Channels at the finest level; none stated: the backbone's own.
    mean, std
        Colour (RGB, 0..255) that becomes 0, and the step that becomes 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    backbone: str = "small"
    stride: Literal[2, 4, 8] = 2
    width: Annotated[int, Field(ge=8, le=1024, multiple_of=8)] | None = None
    mean: Colour = IMAGENET_MEAN
    std: Spread = IMAGENET_STD

    @field_validator("backbone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name in PRESETS or (name.startswith(TIMM) and name != TIMM):
            return name
        raise ValueError(f"unknown backbone {name!r}; choose {', '.join(PRESETS)} or {TIMM}NAME")

    @staticmethod
    def for_template(
        template: Template, kind: Literal["embedding", "charts"] = "embedding", **settings: Any
    ) -> "NetworkConfig":
        """Describe a network that predicts points of a template; ``settings`` as in the class.

        InputError where the template has no coordinates of that kind.
        """
        target = (EmbeddingTarget if kind == "embedding" else ChartsTarget).of(template)
        return NetworkConfig(target=target, **settings)
