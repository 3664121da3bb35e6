"""Bones: pairs of keypoints with a usual length, and a thickness that hides what is behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from mvboot.config import parse_yaml, validate
from mvboot.errors import InputError
from mvboot.reading import read_text
from mvboot.rig import UNITS_IN_M
from mvboot.template import Template

Floats = NDArray[np.float64]
FEWEST = 3
"""Lengths whose median says how long a bone usually is."""


class BoneEntry(BaseModel):
    """One bone of a file; lengths are in the rig's unit."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    between: tuple[str, str]
    shortest: float | None = Field(None, gt=0)
    longest: float | None = Field(None, gt=0)
    radius: float | None = Field(None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, given: object) -> object:
        """Let a list of two keypoints be a bone of which nothing else is known."""
        return {"between": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _ordered(self) -> "BoneEntry":
        if self.between[0] == self.between[1]:
            raise ValueError("a bone joins two different keypoints")
        if self.shortest and self.longest and self.shortest >= self.longest:
            raise ValueError("its shortest length must be less than its longest")
        return self


class _BoneFile(RootModel[dict[str, BoneEntry]]):
    pass


@dataclass(frozen=True)
class Bone:
    """A bone between two keypoints.

    Parameters
    ----------
    name
        What it is called.
    ends
        Its two keypoints.
    shortest, longest
        Limits of its length in the rig's unit, None where they are to be learned.
    radius
        Half its thickness in the rig's unit; None: it hides nothing.
    """

    name: str
    ends: tuple[str, str]
    shortest: float | None = None
    longest: float | None = None
    radius: float | None = None


def read_bones(path: str | Path, keypoints: Sequence[str]) -> tuple[Bone, ...]:
    """Read a YAML file of bones: ``thigh: [hip, knee]`` or a mapping, see `BoneEntry`.

    InputError for unknown keypoints and impossible limits.
    """
    text = read_text(path)
    entries = validate(parse_yaml(text, path), _BoneFile, path, text).root
    for name, entry in entries.items():
        unknown = [end for end in entry.between if end not in keypoints]
        if unknown:
            raise InputError(
                f"bone {name!r} names the keypoint {unknown[0]!r}; there are "
                f"{', '.join(keypoints)}",
                where=path,
            )
    return tuple(
        Bone(name, entry.between, entry.shortest, entry.longest, entry.radius)
        for name, entry in entries.items()
    )


def template_bones(template: Template, keypoints: Sequence[str], units: str) -> tuple[Bone, ...]:
    """Return the edges of a template whose ends are both detected, as thick as its surface is.

    Of each edge the radius is the median distance of the vertices nearest to it.
    """
    edges = [edge for edge in template.edges if set(edge) <= set(keypoints)]
    if not edges:
        return ()
    ends = np.array([[_place(template, name) for name in edge] for edge in edges])
    away = np.stack([distance_to_segment(template.vertices, a, b) for a, b in ends])
    nearest = away.argmin(0)
    scale = UNITS_IN_M[template.units] / UNITS_IN_M[units]
    bones = []
    for i, edge in enumerate(edges):
        own = away[i, nearest == i]
        radius = scale * float(np.median(own)) if len(own) else None
        bones.append(Bone(" - ".join(edge), edge, radius=radius))
    return tuple(bones)


def bone_lengths(
    xyz: Floats, keypoints: Sequence[str], bones: Sequence[Bone]
) -> Mapping[str, Floats]:
    """Return the length (F,) of each bone in points (F, K, 3), NaN where an end is missing."""
    return {
        bone.name: np.linalg.norm(np.subtract(*_ends(xyz, keypoints, bone)), axis=-1)
        for bone in bones
    }


def limited(
    bones: Sequence[Bone],
    labels: Mapping[str, Floats],
    points: Mapping[str, Floats],
    ratio: float,
    slack: float = 0.0,
) -> tuple[Bone, ...]:
    """Return the bones with limits that were not stated set about their usual length.

    It is the median of the lengths (F,) in ``labels`` where there are `FEWEST`, else in
    ``points``; the limits are it divided and multiplied by ``ratio``, and ``slack`` beyond, a
    length that points may be off without harm: it is much for an eye to nose, and nothing for a
    thigh. A bone that was never measured keeps none.
    """
    found = []
    for bone in bones:
        usual = _usual(labels[bone.name], points[bone.name])
        if usual is not None:
            bone = replace(
                bone,
                shortest=usual / ratio - slack if bone.shortest is None else bone.shortest,
                longest=usual * ratio + slack if bone.longest is None else bone.longest,
            )
        found.append(bone)
    return tuple(found)


def distance_to_segment(points: Floats, start: Floats, end: Floats) -> Floats:
    """Return the distance of points (..., 3) from segments between (..., 3) and (..., 3)."""
    along, way = end - start, points - start
    length = np.maximum((along * along).sum(-1), np.finfo(float).tiny)
    share = np.clip((way * along).sum(-1) / length, 0, 1)
    return np.asarray(np.linalg.norm(way - share[..., None] * along, axis=-1))


def _usual(*lengths: Floats) -> float | None:
    for some in lengths:
        known = some[np.isfinite(some)]
        if len(known) >= FEWEST:
            return float(np.median(known))
    return None


def _ends(xyz: Floats, keypoints: Sequence[str], bone: Bone) -> tuple[Floats, Floats]:
    a, b = (xyz[..., list(keypoints).index(end), :] for end in bone.ends)
    return a, b


def _place(template: Template, name: str) -> Floats:
    ids, weights = template.keypoints[name]
    return np.asarray(weights @ template.vertices[ids])
