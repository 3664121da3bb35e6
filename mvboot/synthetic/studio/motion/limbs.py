"""Limbs that reach for places: inverse kinematics of a chain of bones, all times at once.

Damped least squares (Levenberg 1944, Marquardt 1963; for arms Wampler 1986) on the Rodrigues
vectors themselves, inside the joint limits: a component at its limit that wants further is held.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from mvboot.synthetic.studio.motion.curves import smoothed
from mvboot.synthetic.studio.motion.figure import Figure, matrices

Floats = NDArray[np.float64]

ROUNDS = 12
TWIST = 2.5
LONGEST_STEP = 0.6
"""Largest change of a component in one round, radians."""


@dataclass(frozen=True)
class Spot:
    """A point that rides on a bone of a limb: ``bone`` counts along the limb.

    ``rest`` (3,) is its place in the rest pose; ``weight`` says how much it matters.
    """

    bone: int
    rest: Floats
    weight: float = 1.0


@dataclass(frozen=True)
class Limb:
    """A chain of bones, and points on it that are to be somewhere.

    Parameters
    ----------
    figure
        Whose bones they are.
    names
        The bones, each the parent of the next.
    spots
        Points that have targets.
    ease
        Metres of distance that weigh as much as a radian away from the guess; a radian of twist
        weighs `TWIST` times that.
    """

    figure: Figure
    names: tuple[str, ...]
    spots: tuple[Spot, ...]
    ease: float = 0.02

    @cached_property
    def bones(self) -> NDArray[np.int64]:
        """Indices (n,) of the bones."""
        return np.array([self.figure.skeleton.index(name) for name in self.names])

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """The components that can move, of 3 n."""
        limits = self.figure.skeleton.limits[self.bones].reshape(-1, 2)
        return np.flatnonzero(limits[:, 1] > limits[:, 0])

    @property
    def costs(self) -> Floats:
        """What a radian of each free component costs (k,), metres."""
        kinds = np.array([1.0, TWIST, 1.0])
        return np.asarray(self.ease * kinds[self.free % 3])

    def solved(self, turn: Floats, origin: Floats, targets: Floats, guess: Floats) -> Floats:
        """Return the rotations (T, n, 3) that bring the spots near their targets.

        The times are solved one by one, then once more from their own running mean, so that
        a limb does not change its mind where several postures do equally well.

        Parameters
        ----------
        turn, origin
            How what the limb hangs on is turned (T, 3, 3), and where the limb's head is (T, 3).
        targets
            (T, spots, 3) in the world.
        guess
            (T, n, 3) rotations to start from and to stay near.
        """
        reach = Reach(self, turn, origin, targets)
        first = reach.descended(guess.reshape(len(guess), -1)[:, self.free], self.costs)
        steady = smoothed(median_filter(first, (9, 1), mode="nearest"), 0.03)
        full = np.zeros((len(guess), 3 * len(self.bones)))
        full[:, self.free] = reach.descended(steady, 2.5 * self.costs)
        return full.reshape(guess.shape)

    def reached(self, turn: Floats, origin: Floats, rotations: Floats) -> tuple[Floats, Floats]:
        """Return places (T, spots, 3) of the spots and their slopes (T, 3 spots, 3 n)."""
        heads = self.figure.heads[self.bones]
        axes = self.figure.skeleton.axes[self.bones]
        turns, places, swings = [], [origin], []
        for b, local in enumerate(np.moveaxis(rotations, 1, 0)):
            swings.append(turn @ axes[b] @ left_jacobians(local))
            turn = turn @ (axes[b] @ matrices(local) @ axes[b].T)
            turns.append(turn)
            if b + 1 < len(heads):
                places.append(places[b] + turn @ (heads[b + 1] - heads[b]))
        found = [places[s.bone] + turns[s.bone] @ (s.rest - heads[s.bone]) for s in self.spots]
        slopes = np.zeros((len(rotations), len(self.spots), 3, 3 * len(heads)))
        for row, (spot, at) in enumerate(zip(self.spots, found, strict=True)):
            for b in range(spot.bone + 1):
                arm = (at - places[b])[:, :, None]
                slopes[:, row, :, 3 * b : 3 * b + 3] = np.cross(swings[b], arm, axis=1)
        return np.stack(found, axis=1), slopes.reshape(len(rotations), -1, 3 * len(heads))


@dataclass(frozen=True)
class Reach:
    """A limb's task at T times: what it hangs on, and where its spots are to be."""

    limb: Limb
    turn: Floats
    origin: Floats
    targets: Floats

    def descended(self, guess: Floats, ease: Floats) -> Floats:
        """Return the free components (T, k) that Levenberg and Marquardt's method comes to."""
        limits = self.limb.figure.skeleton.limits[self.limb.bones].reshape(-1, 2)
        low, high = limits[self.limb.free].T
        start = np.clip(guess, low, high)
        angles = start
        cost, pull, normal = self._linearised(angles, start, ease)
        damping = np.full(len(guess), 1e-3)
        for _ in range(ROUNDS):
            held = ((angles <= low) & (pull < 0)) | ((angles >= high) & (pull > 0))
            both = ~(held[:, :, None] | held[:, None, :])
            damped = np.where(both, normal, 0.0) + damping[:, None, None] * np.eye(len(low))
            step = np.linalg.solve(damped, np.where(held, 0.0, pull)[..., None])[..., 0]
            tried = np.clip(angles + np.clip(step, -LONGEST_STEP, LONGEST_STEP), low, high)
            found = self._linearised(tried, start, ease)
            better = found[0] < cost
            angles = np.where(better[:, None], tried, angles)
            cost = np.where(better, found[0], cost)
            pull = np.where(better[:, None], found[1], pull)
            normal = np.where(better[:, None, None], found[2], normal)
            damping = np.clip(damping * np.where(better, 0.2, 8.0), 1e-6, 10.0)
        return angles

    def _linearised(
        self, angles: Floats, start: Floats, ease: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return the cost (T,), minus half its gradient (T, k), and the normal matrix (T, k, k)."""
        limb = self.limb
        full = np.zeros((len(angles), 3 * len(limb.bones)))
        full[:, limb.free] = angles
        places, slopes = limb.reached(
            self.turn, self.origin, full.reshape(len(angles), len(limb.bones), 3)
        )
        weights = np.repeat([spot.weight for spot in limb.spots], 3)
        misses = (self.targets - places).reshape(len(angles), -1) * weights
        J = slopes[:, :, limb.free] * weights[:, None]
        away = ease * (angles - start)
        cost = (misses**2).sum(axis=1) + (away**2).sum(axis=1)
        pull = (J.transpose(0, 2, 1) @ misses[..., None])[..., 0] - ease * away
        return cost, pull, J.transpose(0, 2, 1) @ J + np.diag(ease**2)


def left_jacobians(rotvec: Floats) -> Floats:
    """Return (..., 3, 3): how fast the rotation of a Rodrigues vector (..., 3) turns with it."""
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    small = angle < 1e-4
    safe = np.where(small, 1.0, angle)
    sine = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    rest = np.where(small, 1 / 6 - angle**2 / 120, (safe - np.sin(safe)) / safe**3)
    zero = np.zeros_like(rotvec[..., 0])
    x, y, z = np.moveaxis(rotvec, -1, 0)
    K = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*zero.shape, 3, 3)
    return np.asarray(np.eye(3) + sine * K + rest * (K @ K))
