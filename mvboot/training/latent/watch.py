"""Early stopping of runs without labels that go wrong (methods, part C.11), with the reason.

The loss falls in all of these cases; what goes wrong shows in the meters of `latent_terms`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

JUDGED_FROM = 0.5
"""Share of the run before which keypoints may still find their way."""
PATIENCE, MEMORY = 200, 0.95
"""Batches before anything is judged, and the memory of the means that are."""
GATHERED = 0.2
"""Half sizes: keypoints that spread less are kept apart by the separation alone."""
STRAYED = 2.0
"""Half sizes: no subject is as large; depths have drifted where the picture does not show it."""
LEFT = 0.5
"""Share of keypoints on the mask below which they have left the subject."""
BLIND, LEAST_TURN_DEG = 0.8, 15.0
"""Error over the angle between the views from which keypoints do not turn; and the angle that
views need to tell."""


@dataclass
class LatentWatch:
    """Follows the means of the meters of `latent_terms` over the later part of a run."""

    means: dict[str, float] = field(default_factory=dict)
    seen: int = 0

    def see(self, meters: Mapping[str, float], progress: float) -> None:
        """Take note of a batch."""
        if progress < JUDGED_FROM:
            return
        self.seen += 1
        for name, value in meters.items():
            before = self.means.get(name, value)
            self.means[name] = MEMORY * before + (1 - MEMORY) * value

    def fault(self, step: int) -> str | None:
        """Return what is wrong with keypoints that have degenerated, else None."""
        if self.seen < PATIENCE:
            return None
        found = self._gathered() or self._strayed() or self._left() or self._blind()
        return None if found is None else f"step {step}: {found}"

    def _gathered(self) -> str | None:
        spread = self.means["spread"]
        if spread >= GATHERED:
            return None
        return (
            f"the keypoints have gathered in one place: they spread {spread:.2f} half sizes of "
            "the subject, as far as the separation keeps them apart. The term of the pose spreads "
            "them; raise weights.pose"
        )

    def _strayed(self) -> str | None:
        spread = self.means["spread"]
        if spread <= STRAYED:
            return None
        return (
            f"the depths of the keypoints have drifted: they spread {spread:.1f} half sizes of "
            "the subject. Only the consistency of two views holds depths; raise "
            "weights.consistency or lower learning_rate"
        )

    def _left(self) -> str | None:
        inside = self.means.get("inside", 1.0)
        if inside >= LEFT:
            return None
        return (
            f"the keypoints have left the subject: {inside:.0%} lie on the mask; raise "
            "weights.silhouette, and look whether the masks fit the pictures"
        )

    def _blind(self) -> str | None:
        turn, angle = self.means.get("turn_deg", 0.0), self.means.get("angle_deg", 0.0)
        if turn < LEAST_TURN_DEG or angle < BLIND * turn:
            return None
        return (
            f"the keypoints do not turn with the subject: they are off by {angle:.0f} deg where "
            f"the views are {turn:.0f} deg apart. Say front and back (oriented=[FRONT,BACK]), "
            "raise groups or steps, or weights.pose; a subject without a front cannot be learned"
        )
