"""From what a quadruped is to do (a score) to rotations of its bones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.motion.curves import Score, smoothed
from mvboot.synthetic.studio.motion.figure import Figure, rodrigues, turned_about
from mvboot.synthetic.studio.motion.limbs import Limb, Spot
from mvboot.synthetic.studio.motion.soles import Sole
from mvboot.synthetic.studio.motion.stage import Stage

Floats = NDArray[np.float64]

FORE = ("foreleg_upper", "foreleg_lower", "forefoot")
HIND = ("thigh", "shank", "hock", "hindfoot")
LEGS = (
    *tuple((FORE, side) for side in ("left", "right")),
    *tuple((HIND, side) for side in ("left", "right")),
)
"""The legs in the order of the feet's channels: fore left, fore right, hind left, hind right."""
SPINE = ("spine1", "spine2", "chest")
NECK = ("neck1", "neck2")
TAIL = ("tail1", "tail2", "tail3")
SOFT = ("shift", "height", "pelvis", "spine", "neck", "head", "tail", "ears")


def neutral(stage: Stage, along: float, count: int) -> Score:
    """Return the score of standing there at ease.

    Channels, beside those of the feet (`Stage.feet`), angles in degrees: ``shift`` (T, 2) of the
    pelvis to the left and ahead and ``height`` (T,) above standing, metres; ``pelvis``,
    ``spine``, ``neck``, ``head`` (T, 3): nose down, leant to the right, turned to the left, each
    relative to what it hangs on; ``tail`` (T, 2): up, to the right; ``ears`` (T, 2): of the left
    and the right, forward.
    """
    style = stage.style
    still = {
        "shift": np.zeros(2),
        "height": np.array(-0.012),
        "pelvis": np.zeros(3),
        "spine": np.zeros(3),
        "neck": np.array([style["neck"], 0.0, 0.0]),
        "head": np.array([style["nod"], 0.0, 0.0]),
        "tail": np.array([style["tail"], 0.0]),
        "ears": np.full(2, style["ears"]),
    }
    raised = {name: np.repeat(value[None], count, axis=0) for name, value in still.items()}
    return stage.feet(along, count) | raised


@dataclass(frozen=True)
class QuadrupedPoser:
    """Turns scores into poses of one figure."""

    stage: Stage

    @property
    def figure(self) -> Figure:
        """Who is posed."""
        return self.stage.figure

    def posed(self, score: Score) -> tuple[Floats, Floats]:
        """Return rotations (T, B, 3) and where the pelvis is (T, 3), metres."""
        score = score | {name: smoothed(score[name], 0.03) for name in SOFT}
        rotations = np.zeros((len(score["along"]), len(self.figure.skeleton.names), 3))
        pelvis, root, bent = self._trunk(score)
        axes = self.figure.skeleton.axes[0]
        rotations[:, 0] = rodrigues(axes.T @ pelvis @ axes)
        spine = score["spine"].copy()
        spine[:, 2] += bent
        self._share(rotations, SPINE, spine)
        self._share(rotations, NECK, score["neck"])
        self._share(rotations, ("head",), score["head"])
        up, right = np.radians(score["tail"]).T
        for bone, share in zip(TAIL, (0.4, 0.35, 0.25), strict=True):
            index = self.figure.skeleton.index(bone)
            rotations[:, index, 0], rotations[:, index, 2] = share * up, share * right
        for ear, side in enumerate(("left", "right")):
            index = self.figure.skeleton.index(f"ear_{side}")
            rotations[:, index, 0] = np.radians(score["ears"][:, ear])
        rotations = self.figure.skeleton.clamped(rotations)
        self._legs(rotations, root, score)
        return self.figure.skeleton.clamped(rotations), root

    def _trunk(self, score: Score) -> tuple[Floats, Floats, Floats]:
        """Return how the pelvis is turned, where it is, and how the path bends the spine."""
        path, along = self.stage.path, score["along"]
        pelvis, chest = self.figure.head("pelvis"), self.figure.head("chest")
        back = along - (pelvis[1] - middle(self.figure))
        heading, front = path.heading(back), path.heading(along - (chest[1] - middle(self.figure)))
        upright = turned_about(2, heading)
        down, right, left = np.moveaxis(np.radians(score["pelvis"]), -1, 0)
        turn = upright @ turned_about(2, left) @ turned_about(1, -right) @ turned_about(0, down)
        aside, ahead = score["shift"].T
        moved = (upright @ np.stack([aside, -ahead, score["height"]], axis=1)[..., None])[..., 0]
        root = np.concatenate([path.at(back), np.full((len(back), 1), pelvis[2])], axis=1) + moved
        return turn, root, np.degrees(front - heading)

    def _share(self, rotations: Floats, bones: tuple[str, ...], angles: Floats) -> None:
        down, right, left = np.radians(angles).T / len(bones)
        index = [self.figure.skeleton.index(bone) for bone in bones]
        rotations[:, index] = np.stack([down, right, -left], axis=1)[:, None]

    def _legs(self, rotations: Floats, root: Floats, score: Score) -> None:
        turns, heads = self.figure.frames(rotations, root)
        for leg, (bones, side) in enumerate(LEGS):
            names = tuple(f"{bone}_{side}" for bone in bones)
            sole = paw(self.figure, names[-1])
            last = len(names) - 1
            spots = (Spot(last, sole.points[0], 1.0), Spot(last, sole.points[1], 0.2))
            limb = Limb(self.figure, names, spots, ease=0.03)
            top = limb.bones[0]
            parent = turns[:, self.figure.skeleton.parents[top]]
            feet = (score[name][:, leg] for name in ("place", "yaw", "pitch", "lift"))
            guess = np.zeros((len(root), len(names), 3))
            rotations[:, limb.bones] = limb.solved(
                parent, heads[:, top], sole.carried(*feet), guess
            )


def middle(figure: Figure) -> float:
    """Return the place along y, in the rest pose, that follows the path: between the legs."""
    ends = (figure.head("thigh_left"), figure.head("foreleg_upper_left"))
    return float(sum(end[1] for end in ends) / 2)


def paw(figure: Figure, bone: str) -> Sole:
    """Return the sole of a paw: a pad that it rolls over."""
    skin = figure.skin(bone)
    pad = skin[skin[:, 2] < skin[:, 2].min() + 0.008].mean(axis=0)
    floor = np.array([pad[0], pad[1], 0.0])
    return Sole(floor[:2], floor, floor, np.stack([pad, figure.head(bone)]))
