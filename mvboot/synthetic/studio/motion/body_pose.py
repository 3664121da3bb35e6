"""From what a person is to do (a score, channel by channel) to rotations of the body's bones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import Score, smoothed
from mvboot.synthetic.studio.motion.figure import Figure, rodrigues, turned_about
from mvboot.synthetic.studio.motion.limbs import Limb, Spot
from mvboot.synthetic.studio.motion.soles import Sole
from mvboot.synthetic.studio.motion.stage import Stage

Floats = NDArray[np.float64]

SIDES = (("left", 1.0), ("right", -1.0))
LEG = ("thigh", "thigh_twist", "shin", "shin_twist", "foot")
ARM = ("upper_arm", "upper_arm_twist", "forearm")
SPINE = tuple(f"spine{i}" for i in range(1, 6))
NECK = ("neck1", "neck2", "neck3", "head")
SOFT = ("shift", "height", "pelvis", "spine", "neck", "arms", "hands")
STRETCHED = 0.995
"""Longest reach of a leg, as a share of its bones."""
CURL = {"1": 0.8, "2": 1.0, "3": 0.6}


def neutral(stage: Stage, along: float, count: int) -> Score:
    """Return the score of standing there at ease.

    Channels, beside those of the feet (`Stage.feet`), angles in degrees: ``shift`` (T, 2) of the
    pelvis to the left and ahead, metres; ``height`` (T,) of the pelvis above standing, in leg
    lengths; ``pelvis``, ``spine``, ``neck`` (T, 3): forward, turned to the left, leant to the
    right, each relative to what it stands on; ``arms`` (T, 2, 4) of the left and the right:
    raised ahead, raised outward, elbow bent, turned inward; ``hands`` (T, 2, 4): wrist bent, palm
    turned down, fingers curled, index finger curled.
    """
    style = stage.style
    arm = np.array([style["arm_ahead"], style["arm_out"], style["elbow"], 0.0])
    hand = np.array([4.0, 0.0, style["curl"], 0.8 * style["curl"]])
    still = {
        "shift": np.zeros(2),
        "height": np.array(-0.002),
        "pelvis": np.zeros(3),
        "spine": np.array([style["stoop"], 0.0, 0.0]),
        "neck": np.array([style["nod"], 0.0, 0.0]),
        "arms": np.stack([arm, arm]),
        "hands": np.stack([hand, hand]),
    }
    raised = {name: np.repeat(value[None], count, axis=0) for name, value in still.items()}
    return stage.feet(along, count) | raised


@dataclass(frozen=True)
class BodyPoser:
    """Turns scores into poses of one figure."""

    stage: Stage

    @property
    def figure(self) -> Figure:
        """Who is posed."""
        return self.stage.figure

    def posed(self, score: Score) -> tuple[Floats, Floats]:
        """Return rotations (T, B, 3) and where the pelvis is (T, 3), metres."""
        score = score | {name: smoothed(score[name], 0.035) for name in SOFT}
        skeleton, count = self.figure.skeleton, len(score["along"])
        rotations = np.zeros((count, len(skeleton.names), 3))
        heading = self.stage.path.heading(score["along"])
        upright = turned_about(2, heading)
        forward, twist, side = np.moveaxis(np.radians(score["pelvis"]), -1, 0)
        pelvis = (
            upright @ turned_about(2, twist) @ turned_about(0, forward) @ turned_about(1, -side)
        )
        soles = [self._sole(name) for name, _ in SIDES]
        targets = [
            sole.carried(*(score[name][:, i] for name in ("place", "yaw", "pitch", "lift")))
            for i, sole in enumerate(soles)
        ]
        root = self._pelvis_place(score, upright, pelvis, targets)
        axes = skeleton.axes[0]
        rotations[:, 0] = rodrigues(axes.T @ pelvis @ axes)
        for bones, name in ((SPINE, "spine"), (NECK, "neck")):
            share = np.radians(score[name]) / len(bones)
            rotations[:, [skeleton.index(b) for b in bones]] = share[:, None]
        for i, (side_name, sign) in enumerate(SIDES):
            self._leg(rotations, side_name, pelvis, root, targets[i], score["pitch"][:, i])
            self._shoulder(rotations, side_name, sign, score["arms"][:, i])
        rotations = skeleton.clamped(rotations)
        turns, heads = self.figure.frames(rotations, root)
        chest = turns[:, skeleton.index("spine5")]
        for i, (side_name, sign) in enumerate(SIDES):
            self._arm(rotations, side_name, sign, turns, heads, chest, score["arms"][:, i])
            self._hand(rotations, side_name, sign, score["hands"][:, i])
        return skeleton.clamped(rotations), root

    def _sole(self, side: str) -> Sole:
        ankle, toes = self.figure.head(f"foot_{side}"), self.figure.head(f"toes_{side}")
        skin = self.figure.skin(f"foot_{side}", f"toes_{side}")
        heel = skin[skin[:, 2] < skin[:, 2].min() + 0.012][:, 1].max()
        across = ankle + [0.2, 0.0, 0.0]
        return Sole(
            seat=ankle[:2],
            heel=np.array([ankle[0], heel, 0.0]),
            ball=np.array([toes[0], toes[1], 0.0]),
            points=np.stack([ankle, toes, across]),
        )

    def _pelvis_place(
        self, score: Score, upright: Floats, pelvis: Floats, targets: list[Floats]
    ) -> Floats:
        """Return the pelvis (T, 3), no higher than the legs can reach."""
        left, ahead = score["shift"].T
        flat = (upright @ np.stack([left, -ahead, 0 * left], axis=1)[..., None])[..., 0]
        place = self.stage.path.at(score["along"]) + flat[:, :2]
        wanted = self.figure.heads[0, 2] + score["height"] * self.stage.leg
        heights = [wanted]
        for (side, _), target in zip(SIDES, targets, strict=True):
            hip = pelvis @ (self.figure.head(f"thigh_{side}") - self.figure.heads[0])
            away = target[:, 0, :2] - place - hip[:, :2]
            reach = (STRETCHED * self._bones(side)) ** 2 - (away**2).sum(axis=1)
            heights.append(target[:, 0, 2] + np.sqrt(np.maximum(reach, 0.01)) - hip[:, 2])
        soft = 0.004
        lowest = np.min(heights, axis=0)
        spread = np.exp(-(np.array(heights) - lowest) / soft).sum(axis=0)
        height = smoothed(lowest - soft * np.log(spread), 0.025)
        return np.concatenate([place, height[:, None]], axis=1)

    def _bones(self, side: str) -> float:
        joints = [self.figure.head(f"{bone}_{side}") for bone in ("thigh", "shin", "foot")]
        return float(np.linalg.norm(np.diff(joints, axis=0), axis=1).sum())

    def _leg(
        self,
        rotations: Floats,
        side: str,
        pelvis: Floats,
        root: Floats,
        targets: Floats,
        pitch: Floats,
    ) -> None:
        names = tuple(f"{bone}_{side}" for bone in LEG)
        sole = self._sole(side)
        spots = tuple(
            Spot(4, rest, weight)
            for rest, weight in zip(sole.points, (1.0, 0.3, 0.15), strict=True)
        )
        limb = Limb(self.figure, names, spots)
        hip = root + pelvis @ (self.figure.head(names[0]) - self.figure.heads[0])
        guess = np.zeros((len(root), len(names), 3))
        away = (pelvis.transpose(0, 2, 1) @ (targets[:, 0] - hip)[..., None])[..., 0]
        thigh, shin = (
            float(np.linalg.norm(self.figure.head(f"{a}_{side}") - self.figure.head(f"{b}_{side}")))
            for a, b in (("thigh", "shin"), ("shin", "foot"))
        )
        cosine = ((away**2).sum(axis=1) - thigh**2 - shin**2) / (2 * thigh * shin)
        bend = np.arccos(np.clip(cosine, -1.0, 1.0))
        guess[:, 0, 0] = np.arctan2(away[:, 1], -away[:, 2]) - bend / 2
        guess[:, 2, 0] = bend
        guess[:, 4, 0] = -bend / 2
        rotations[:, limb.bones] = limb.solved(pelvis, hip, targets, guess)
        rotations[:, self.figure.skeleton.index(f"toes_{side}"), 0] = np.radians(
            np.minimum(pitch, 0.0)
        )

    def _shoulder(self, rotations: Floats, side: str, sign: float, arms: Floats) -> None:
        """Raise the shoulder girdle with the arm, and bring it forward or back with it."""
        ahead, out = arms[:, 0], arms[:, 1]
        raised = np.maximum(np.hypot(ahead, out) - 40.0, 0.0)
        forward = np.clip(ahead, -40.0, 100.0)
        for bone, lift, swing in (("clavicle", 0.12, 0.06), ("shoulder", 0.14, 0.05)):
            index = self.figure.skeleton.index(f"{bone}_{side}")
            rotations[:, index, 0] = np.radians(lift * raised)
            rotations[:, index, 2] = np.radians(-sign * swing * forward)

    def _arm(
        self,
        rotations: Floats,
        side: str,
        sign: float,
        turns: Floats,
        heads: Floats,
        chest: Floats,
        arms: Floats,
    ) -> None:
        names = tuple(f"{bone}_{side}" for bone in ARM)
        at = [self.figure.skeleton.index(name) for name in names]
        elbow, wrist = (self.figure.head(f"{bone}_{side}") for bone in ("forearm", "hand"))
        upper = float(np.linalg.norm(elbow - self.figure.heads[at[0]]))
        fore = float(np.linalg.norm(wrist - elbow))
        limb = Limb(self.figure, names, (Spot(1, elbow, 1.0), Spot(2, wrist, 1.0)))
        first, second = arm_directions(arms, sign)
        origin = heads[:, at[0]]
        there = origin + upper * (chest @ first[..., None])[..., 0]
        targets = np.stack([there, there + fore * (chest @ second[..., None])[..., 0]], axis=1)
        parent = turns[:, self.figure.skeleton.parents[at[0]]]
        guess = np.zeros((len(arms), len(names), 3))
        rotations[:, at] = limb.solved(parent, origin, targets, guess)

    def _hand(self, rotations: Floats, side: str, sign: float, hands: Floats) -> None:
        bend, down, curl, index = np.radians(hands).T
        skeleton = self.figure.skeleton
        rotations[:, skeleton.index(f"hand_{side}"), 0] = bend
        rotations[:, skeleton.index(f"forearm_twist_{side}"), 1] = sign * down
        for finger in ("index", "middle", "ring", "little"):
            much = index if finger == "index" else curl
            for joint, share in CURL.items():
                rotations[:, skeleton.index(f"{finger}{joint}_{side}"), 0] = share * much
        for joint in CURL:
            rotations[:, skeleton.index(f"thumb{joint}_{side}"), 0] = 0.35 * curl


def arm_directions(arms: Floats, sign: float) -> tuple[Floats, Floats]:
    """Return unit directions (T, 3) of upper arm and forearm in the chest's rest axes.

    ``arms`` (T, 4) in degrees as in `neutral`; sign 1 for the left, -1 for the right arm. Ahead
    and outward make one raise, about a horizontal axis between the two.
    """
    ahead, out, bent, inward = np.radians(arms).T
    raised = np.hypot(ahead, out)
    safe = np.maximum(raised, 1e-9)
    fore, wide = ahead / safe, out / safe
    sine, cosine = np.sin(raised), np.cos(raised)
    level = np.stack([wide, -fore, 0 * fore], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    upper = sine[:, None] * level - cosine[:, None] * up
    flexing = np.array([0.0, -1.0, 0.0]) + fore[:, None] * (
        (cosine - 1)[:, None] * level + sine[:, None] * up
    )
    across = np.cross(upper, flexing)
    flexing = np.cos(inward)[:, None] * flexing + np.sin(inward)[:, None] * across
    lower = np.cos(bent)[:, None] * upper + np.sin(bent)[:, None] * flexing
    mirror = np.array([sign, 1.0, 1.0])
    return upper * mirror, lower * mirror
