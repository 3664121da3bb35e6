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

    The round with the smallest held-out error is the best. A round whose error exceeds it by more
    than the share ``tolerance``, or has no value, ends the run, as does the last one wanted. Where
    no round has a value nothing speaks against the latest.
    """
    last = rounds[-1]
    known = [one for one in rounds if one.held_out_px is not None]
    if not known:
        return Verdict(last.round, _done(last, wanted))
    best = min(known, key=lambda one: (_error(one), one.round))
    if last.round != best.round and _worse(last, best, tolerance):
        return Verdict(
            best.round,
            f"the held-out error grew from {_error(best):.2f} px (round {best.round}) to "
            f"{_shown(last)} (round {last.round})",
        )
    return Verdict(best.round, _done(last, wanted))


def _worse(last: Round, best: Round, tolerance: float) -> bool:
    return last.held_out_px is None or _error(last) > (1 + tolerance) * _error(best)


def _error(one: Round) -> float:
    assert one.held_out_px is not None
    return one.held_out_px


def _shown(one: Round) -> str:
    return "more than half missing" if one.held_out_px is None else f"{one.held_out_px:.2f} px"


def _done(last: Round, wanted: int) -> str | None:
    if last.round < wanted:
        return None
    return "1 round is done" if wanted == 1 else f"{wanted} rounds are done"
