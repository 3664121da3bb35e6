"""Measures of a person for clothes: where sleeves, waists and necklines run on the shipped body.

Fields are (V,) in metres over the template's vertices: positive inside the garment, so that the
least of several is the garment inside all of them. They are taken on the mean rest pose.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.garment import Mannequin

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

AWAY = 0.05
"""Distance in metres of what is certainly inside or outside of a garment."""


@dataclass(frozen=True)
class Tailor:
    """What a tailor knows of a mannequin that has the bones of the shipped body."""

    mannequin: Mannequin

    def head(self, bone: str) -> Floats:
        """Return where a bone begins (3,) on the mean rest pose."""
        skeleton = self.mannequin.template.skeleton
        assert skeleton is not None
        return np.asarray(skeleton.heads[skeleton.index(bone)])

    @property
    def z(self) -> Floats:
        """Height (V,) above the floor."""
        return self.mannequin.mean[:, 2]

    @property
    def y(self) -> Floats:
        """How far back (V,)."""
        return self.mannequin.mean[:, 1]

    @cached_property
    def aside(self) -> Floats:
        """Distance (V,) from the middle."""
        return np.abs(self.mannequin.mean[:, 0])

    def follows(self, *words: str) -> Floats:
        """Return how much (V,) vertices follow bones whose names hold one of some words."""
        skeleton = self.mannequin.template.skeleton
        assert skeleton is not None
        bones = [i for i, name in enumerate(skeleton.names) if any(w in name for w in words)]
        return np.asarray(self.mannequin.weights[:, bones].sum(axis=1))

    @cached_property
    def arms(self) -> Floats:
        """How much (V,) vertices belong to the arms, in [0, 1]."""
        return self.follows("arm", "hand", "thumb", "index", "middle", "ring", "little")

    @cached_property
    def arm(self) -> Floats:
        """Distance (V,) along the arm from the shoulder; not positive elsewhere."""
        shoulder, elbow, wrist = self._arm_joints
        left = self.mannequin.mean.copy()
        left[:, 0] = self.aside
        upper, lower = elbow - shoulder, wrist - elbow
        length = float(np.linalg.norm(upper))
        along = (left - shoulder) @ upper / length
        beyond = (left - elbow) @ lower / np.linalg.norm(lower)
        along = np.where(along > length, length + np.maximum(beyond, 0.0), along)
        return np.asarray(np.where(self.arms > 0.5, along, np.minimum(along, 0.0)))

    @property
    def reach(self) -> float:
        """Distance from shoulder to wrist along the arm."""
        shoulder, elbow, wrist = self._arm_joints
        return float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow))

    @property
    def _arm_joints(self) -> list[Floats]:
        return [self.head(bone) for bone in ("upper_arm_left", "forearm_left", "hand_left")]

    def between(self, low: float, high: float) -> Floats:
        """Inside two heights, on trunk and legs."""
        trunk = np.where(self.arms > 0.5, -AWAY, AWAY)
        return np.asarray(np.minimum.reduce([self.z - low, high - self.z, trunk]))

    def sleeved(self, length: float) -> Floats:
        """Inside sleeves of a length from the shoulder."""
        return np.asarray(length - self.arm)

    def sleeveless(self, depth: float) -> Floats:
        """Inside armholes: 0 at the shoulder joint, 1 well on the shoulder."""
        shoulders = self.arms + depth * self.follows("shoulder_left", "shoulder_right")
        return np.asarray(0.12 * (0.42 - shoulders))

    def above(self, height: float) -> Floats:
        """Above a height of the trunk; arms count as above."""
        return np.asarray(np.where(self.arms > 0.5, AWAY, self.z - height))

    def crew(self, radius: float, low: float = 0.0) -> Floats:
        """Outside a round neckline, ``low`` metres deeper in front."""
        neck = self.head("neck1") + [0, 0, 0.012]
        away = self.mannequin.mean - neck
        away[:, 2] /= np.where(self.y < neck[1], 1 + low / radius, 1.0)
        around = np.linalg.norm(away, axis=1) - radius
        return np.asarray(np.minimum(around, self.collar(-0.005)))

    def vee(self, radius: float, depth: float) -> Floats:
        """Outside a neckline that ends in a point in front, ``depth`` below the neck."""
        point = self.head("neck1")[2] - depth
        side = point + self.aside * depth / radius - self.z
        front = np.where((self.y < -0.01) & (self.aside < 2 * radius), side, AWAY)
        return np.asarray(np.minimum(self.crew(radius), front))

    def collar(self, height: float) -> Floats:
        """Below a line around the neck, ``height`` above its root, lower in front."""
        return np.asarray(self.head("neck1")[2] + height - self.z + 0.35 * (self.y + 0.02))

    @cached_property
    def off_neck(self) -> Floats:
        """Share (V,) of its room that a top has: little where it lies on the shoulders."""
        away = np.linalg.norm(self.mannequin.mean - self.head("neck1"), axis=1)
        return np.asarray(np.clip((away - 0.05) / 0.11, 0.3, 1.0))

    def open_front(self, gap: float, top: float) -> Floats:
        """Outside a slit down the front, ``gap`` wide below and ``top`` at the neck."""
        neck, hip = self.head("neck1")[2], self.head("pelvis")[2]
        share = np.clip((self.z - hip) / (neck - hip), 0, 1)
        half = 0.5 * (gap + (top - gap) * share**2)
        front = self.y < 0.01
        return np.where(front, self.aside - half, AWAY)

    def lower(self, start: str, stop: str) -> Floats:
        """Share (V,) of the way down from one bone's beginning to another's, in [0, 1]."""
        high, low = self.head(start)[2], self.head(stop)[2]
        return np.asarray(np.clip((high - self.z) / (high - low), 0, 1))
