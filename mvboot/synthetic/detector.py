"""What a 2D pose detector says of known keypoints: its errors, and how sure it is of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from scipy.special import ndtri

from mvboot.datasets.mirror import Mirror
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = Floats
"""Pixels (F, I, K, 2) of one camera, NaN where there is nothing in the picture."""

SEEN_TAIL, HIDDEN_TAIL = 8, 3
"""Degrees of freedom of Student's t: errors have heavy tails, of hidden keypoints more so."""

HALF_SURE = 4.0
"""Error at which the confidence is one half, over the noise of a visible keypoint."""

OWN, OTHER, BACKGROUND = range(3)
"""Where a false positive lies: another keypoint's place, another individual's, anywhere."""

SUSPICION = (1.0, 0.6, 3.0)
SWAP_SUSPICION = 0.2
"""Added odds against a false positive by its kind, and against a swapped keypoint."""

EFFECTS = ("noise", "swaps", "invented", "elsewhere", "misses", "confidence")


@dataclass(frozen=True, eq=False)
class Detections:
    """Detections, and what was done to the truth to get them.

    Parameters
    ----------
    keypoints
        What the detector says.
    swapped
        Detected where its left-right partner is (C, F, I, K).
    invented
        Detected where neither it nor its partner is (C, F, I, K).
    missed
        In the picture, but not detected (C, F, I, K).
    error_px
        Distance from the truth (C, F, I, K), NaN where there is no detection or no truth.
    """

    keypoints: Keypoints2D
    swapped: Bools
    invented: Bools
    missed: Bools
    error_px: Floats


@dataclass(frozen=True)
class Detector:
    """A detector with known faults; all zero: the truth, with confidence 1.

    Everything that goes wrong lasts: frames that are ``memory`` apart are correlated by 1 / e.
    Shares are those of single keypoints, whatever the memory.

    Confidence is ``1 / (1 + odds)`` with ``odds = (error / half)^2 * exp(confidence_noise * N)``,
    where the error is from the place meant, half is `HALF_SURE` times the noise of a visible
    keypoint, and N is standard normal; swapped and invented ones have added odds. With the default
    numbers, a quarter of keypoints hidden, its Spearman correlation with the error is about -0.8,
    the area under its ROC curve for errors below `HALF_SURE` times the noise about 0.94, and of
    those with some confidence a share within 0.2 of it has such an error.

    Parameters
    ----------
    noise_px, noise_share
        Standard deviation along each axis of a visible keypoint, in px, and in addition over the
        diagonal of the box around the individual's keypoints in the picture.
    hidden_noise
        By how much it is larger for hidden keypoints.
    swaps
        Share of keypoints with a partner that are called by its name: half of the time the whole
        individual is turned around, else one limb, in one camera alone.
    false_positives
        Share of keypoints found elsewhere: equally often at another keypoint of the individual,
        at the same of another individual, and anywhere in the picture. Keypoints outside the
        picture are invented as often.
    misses, hidden_misses
        Shares of visible and of hidden keypoints that are not detected.
    memory
        Correlation time in frames; 0: every frame by itself.
    confidence_noise
        Standard deviation of the logarithm of the odds.

    Raises
    ------
    InputError
        A number that is negative or not finite, or a share above 1.
    """

    noise_px: float = 1.5
    noise_share: float = 0.0
    hidden_noise: float = 4.0
    swaps: float = 0.03
    false_positives: float = 0.02
    misses: float = 0.02
    hidden_misses: float = 0.25
    memory: float = 4.0
    confidence_noise: float = 1.0

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise InputError(f"{field.name} of a detector must be 0 or more, got {value:g}")
        for name in ("swaps", "false_positives", "misses", "hidden_misses"):
            if getattr(self, name) > 1:
                raise InputError(f"{name} of a detector is a share, got {getattr(self, name):g}")

    def detect(
        self,
        truth: Keypoints2D,
        visible: Bools,
        sizes: Mapping[str, tuple[int, int]],
        pairs: Mapping[str, str],
        rng: np.random.Generator,
        edges: Iterable[tuple[str, str]] = (),
    ) -> Detections:
        """Return what the detector says.

        Every camera and every effect has a stream of its own: later cameras, later frames or
        another size of another effect do not change it.

        Parameters
        ----------
        truth
            Exact keypoints; NaN, or a place outside the picture, is one that cannot be seen.
        visible
            Which of them are not hidden (C, F, I, K).
        sizes
            Width and height of the pictures of each camera.
        pairs
            Left-right partners by name (`left_right_pairs`, `Mirror`).
        rng
            Decides everything; one number is taken.
        edges
            Bones: keypoints of one side that they join are one limb and swapped together.

        Raises
        ------
        InputError
            Visibility of another shape, a camera without a size, a partner that is no keypoint.
        """
        _check(truth, visible, sizes)
        limbs = Limbs.of(truth.keypoints, pairs, edges)
        steps = np.diff(truth.frames, prepend=truth.frames[:1])
        decay = np.exp(-steps / self.memory) if self.memory else np.zeros(len(steps))
        root = np.random.SeedSequence(int(rng.integers(2**63)))
        found = []
        for c, own in enumerate(root.spawn(len(truth.cameras))):
            chance = Chance(dict(zip(EFFECTS, own.spawn(len(EFFECTS)), strict=True)), decay)
            size = sizes[truth.cameras[c]]
            found.append(self._seen_by(truth.xy[c], visible[c], size, limbs, chance))
        xy, confidence, swapped, invented, missed, error = (
            np.stack(parts) for parts in zip(*found, strict=True)
        )
        said = replace(truth, xy=xy, confidence=confidence, source={"title": "synthetic detector"})
        return Detections(said, swapped, invented, missed, error)

    def _seen_by(
        self,
        truth: Places,
        visible: Bools,
        size: tuple[int, int],
        limbs: "Limbs",
        chance: "Chance",
    ) -> tuple[Floats, Floats, Bools, Bools, Bools, Floats]:
        """Return pixels, confidence, swapped, invented, missed and error for one camera."""
        truth = np.where(_inside(truth, size)[..., None], truth, np.nan)
        there = ~np.isnan(truth[..., 0])
        swapped = self._swapped(limbs, chance, truth.shape[1])
        meant = np.where(swapped[..., None], truth[:, :, limbs.partner], truth)
        seen = np.where(swapped, visible[:, :, limbs.partner], visible)
        invented, kind, elsewhere = self._invented(truth, size, limbs, chance)
        meant = np.where(invented[..., None], elsewhere, meant)
        base = np.hypot(self.noise_px, self.noise_share * _extent(truth))
        sigma = base * np.where(seen | invented, 1.0, self.hidden_noise)
        # A heat map ends at the border of the picture.
        xy = np.clip(meant + self._errors(seen, sigma, chance), -0.5, np.array(size) - 0.5)
        missed = self._missed(seen, chance)
        xy[missed] = np.nan
        detected = ~np.isnan(xy[..., 0])
        suspicion = np.where(invented, np.array(SUSPICION)[kind], SWAP_SUSPICION * swapped)
        strayed = np.linalg.norm(xy - meant, axis=-1)
        return (
            xy,
            self._confidence(strayed, base, suspicion, chance),
            swapped & ~invented & detected,
            invented & detected,
            there & ~detected,
            np.asarray(np.linalg.norm(xy - truth, axis=-1)),
        )

    def _swapped(self, limbs: "Limbs", chance: "Chance", individuals: int) -> Bools:
        """Return which keypoints (F, I, K) are called by their partners' names."""
        each = 1 - np.sqrt(1 - self.swaps)  # whole or limb: together the share that is asked for
        happens = chance.events("swaps", (individuals, 1 + limbs.count), each)
        return np.asarray((happens[..., :1] | happens[..., 1:][..., limbs.limb]) & limbs.paired)

    def _invented(
        self, truth: Places, size: tuple[int, int], limbs: "Limbs", chance: "Chance"
    ) -> tuple[Bools, Ints, Places]:
        """Return which keypoints (F, I, K) are false, of which kind, and where they lie."""
        frames, individuals, keypoints = truth.shape[:3]
        happens = chance.events("invented", (individuals, keypoints), self.false_positives)
        present = np.asarray(~np.isnan(truth[..., 0]).all(-1, keepdims=True))
        draws = chance.held("elsewhere", 5, happens)
        f, i, k = np.ogrid[:frames, :individuals, :keypoints]
        other, own = _another(i, individuals, draws[..., 3]), _another(k, keypoints, draws[..., 4])
        anywhere = draws[..., 1:3] * np.array(size) - 0.5
        places = np.stack([truth[f, i, own], truth[f, other, k], anywhere])
        places[OWN, (own == k) | (own == limbs.partner)] = np.nan
        places[OTHER, other == i] = np.nan
        kind = np.floor(3 * draws[..., 0]).astype(np.int64)
        nowhere = np.isnan(np.take_along_axis(places, kind[None, ..., None], 0)[0, ..., 0])
        kind = np.where(nowhere, BACKGROUND, kind)
        place = np.take_along_axis(places, kind[None, ..., None], 0)[0]
        return happens & present, kind, place

    def _errors(self, seen: Bools, sigma: Floats, chance: "Chance") -> Floats:
        """Return errors (F, I, K, 2) with Student's distribution, ``sigma`` along each axis."""
        latent = chance.walk("noise", (*seen.shape[1:], 2 + SEEN_TAIL))
        normal, squares = latent[..., :2], latent[..., 2:] ** 2
        tail = np.where(seen, SEEN_TAIL, HIDDEN_TAIL)
        power = np.where(seen, squares.sum(-1), squares[..., :HIDDEN_TAIL].sum(-1))
        return np.asarray(normal * (sigma * np.sqrt((tail - 2) / power))[..., None])

    def _missed(self, seen: Bools, chance: "Chance") -> Bools:
        share = np.where(seen, self.misses, self.hidden_misses)
        return chance.events("misses", seen.shape[1:], share)

    def _confidence(
        self, strayed: Floats, base: Floats, suspicion: Floats, chance: "Chance"
    ) -> Floats:
        """Return confidences (F, I, K), NaN where there is no detection."""
        spread = np.exp(self.confidence_noise * chance.walk("confidence", strayed.shape[1:]))
        half = np.where(base > 0, HALF_SURE * base, 1.0)
        return np.asarray(1 / (1 + ((strayed / half) ** 2 + suspicion) * spread))


@dataclass(frozen=True, eq=False)
class Limbs:
    """What is swapped together.

    Parameters
    ----------
    partner
        Place of each keypoint's partner (K,), its own where it has none.
    limb
        Number of the limb of each keypoint (K,), the same for both sides; 0 where none.
    count
        Number of limbs, at least 1.
    """

    partner: Ints
    limb: Ints
    count: int

    @property
    def paired(self) -> Bools:
        """Which keypoints have a partner (K,)."""
        return np.asarray(self.partner != np.arange(len(self.partner)))

    @staticmethod
    def of(
        names: tuple[str, ...], pairs: Mapping[str, str], edges: Iterable[tuple[str, str]]
    ) -> "Limbs":
        """Join keypoints along bones between two that have partners on the same side."""
        partner = Mirror(pairs).order(names)
        limb = np.minimum(partner, np.arange(len(names)))
        paired = partner != np.arange(len(names))
        for edge in edges:
            if not set(edge) <= set(names):
                continue
            a, b = (names.index(name) for name in edge)
            if paired[a] and paired[b]:
                limb[limb == limb[b]] = limb[a]
        numbers = np.zeros(len(names), np.int64)
        kept, numbers[paired] = np.unique(limb[paired], return_inverse=True)
        return Limbs(partner, numbers, max(1, len(kept)))


@dataclass(frozen=True, eq=False)
class Chance:
    """Random numbers that follow one another in time.

    Parameters
    ----------
    streams
        A seed for each effect.
    decay
        Correlation (F,) of each frame with the one before.
    """

    streams: Mapping[str, np.random.SeedSequence]
    decay: Floats

    def walk(self, effect: str, shape: tuple[int, ...]) -> Floats:
        """Return standard normal numbers (F, *shape), correlated over frames."""
        rng = np.random.default_rng(self.streams[effect])
        values = rng.standard_normal((len(self.decay), *shape))
        for f in range(1, len(values)):
            values[f] *= np.sqrt(1 - self.decay[f] ** 2)
            values[f] += self.decay[f] * values[f - 1]
        return values

    def events(self, effect: str, shape: tuple[int, ...], share: Floats | float) -> Bools:
        """Return what happens (F, *shape): a share of all, in runs of frames."""
        return np.asarray(self.walk(effect, shape) < ndtri(share))

    def held(self, effect: str, count: int, happens: Bools) -> Floats:
        """Return numbers in [0, 1) (*happens.shape, count) that last while something happens."""
        rng = np.random.default_rng(self.streams[effect])
        draws = rng.random((*happens.shape, count + 1))
        values, renewed = draws[..., :count], draws[..., count]
        for f in range(1, len(values)):
            lasts = happens[f] & happens[f - 1] & (renewed[f] < self.decay[f])
            values[f][lasts] = values[f - 1][lasts]
        return values


def _check(truth: Keypoints2D, visible: Bools, sizes: Mapping[str, tuple[int, int]]) -> None:
    if visible.shape != truth.shape:
        raise InputError(
            f"visibility has shape {visible.shape}, the keypoints (cameras, frames, individuals, "
            f"keypoints) = {truth.shape}"
        )
    unknown = [name for name in truth.cameras if name not in sizes]
    if unknown:
        raise InputError(f"the size of the pictures of camera {', '.join(unknown)} is not given")


def _another(index: Ints, count: int, share: Floats) -> Ints:
    """Return another index than each of ``index`` below ``count``, by numbers in [0, 1)."""
    step = 1 + np.floor(share * max(count - 1, 1)).astype(np.int64)
    return np.asarray((index + step) % count)


def _inside(pixels: Places, size: tuple[int, int]) -> Bools:
    return np.asarray(((pixels >= -0.5) & (pixels <= np.array(size) - 0.5)).all(-1))


def _extent(truth: Places) -> Floats:
    """Return the diagonal (F, I, 1) in px of the box around each individual's keypoints."""
    low = np.where(np.isnan(truth), np.inf, truth).min(2)
    high = np.where(np.isnan(truth), -np.inf, truth).max(2)
    diagonal = np.linalg.norm(np.maximum(high - low, 0), axis=-1)
    return np.asarray(diagonal[..., None])
