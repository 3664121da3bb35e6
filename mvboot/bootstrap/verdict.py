"""Whether another round makes sense, and which round was the best."""

from collections.abc import Sequence
from dataclasses import dataclass

from mvboot.bootstrap.round import Round


@dataclass(frozen=True)
class Verdict:
    """``best`` is the number of a round; ``stop`` says why there is no further one, or None."""

    best: int
    stop: str | None


def verdict(rounds: Sequence[Round], wanted: int, tolerance: float) -> Verdict:
    """Return what follows from the rounds so far, the first of which is round 0.

    A round is worse than the best before it where its held-out error is larger, or has no value
    any more, or where fewer held-out labels are met (PCK), either by more than the share
    ``tolerance``. The first worse round ends the run, and so does the last one wanted. Of the
    others the first with the smallest held-out error is the best; the latest, where none has one.
    """
    best = rounds[0]
    for one in rounds[1:]:
        reason = _worse(one, best, tolerance)
        if reason is not None:
            return Verdict(best.round, reason)
        if best.held_out_px is None or _error(one) < best.held_out_px:
            best = one
    return Verdict(best.round, _done(rounds[-1], wanted))


def _worse(one: Round, best: Round, tolerance: float) -> str | None:
    """Return why a round is worse than the best one, None where it is not."""
    since = f"(round {best.round}) to"
    before, now = best.held_out_px, one.held_out_px
    if before is not None and (now is None or now > (1 + tolerance) * before):
        shown = "more than half missing" if now is None else f"{now:.2f} px"
        return f"the held-out error grew from {before:.2f} px {since} {shown} (round {one.round})"
    if best.pck is not None and one.pck is not None and one.pck < best.pck / (1 + tolerance):
        return (
            f"PCK .05 on held-out labels fell from {best.pck:.3f} {since} {one.pck:.3f} "
            f"(round {one.round}): the views agree on other places than people label"
        )
    return None


def _error(one: Round) -> float:
    return float("inf") if one.held_out_px is None else one.held_out_px


def _done(last: Round, wanted: int) -> str | None:
    if last.round < wanted:
        return None
    return "1 round is done" if wanted == 1 else f"{wanted} rounds are done"
