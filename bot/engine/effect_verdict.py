"""How the checks after a change lead to a verdict: it helped, it did not, or that is unknown. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.engine.run import Effect, Helped
from bot.runbook.diagnosis.helped_criteria import Judgement, Patience, Trouble

SOONEST, LATEST = 1.0, 5.0
"""Seconds between two checks: short ones first, because most changes help at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The judgement of one check, and its time."""

    judgement: Judgement
    at: datetime


def seen(effect: Effect, check: Seen, patience: Patience) -> Effect:
    """Returns what is known after one more check.

    It helped once the trouble has been gone for long enough. It helped partly if another cause of the alert still holds
    then and when its time is over: it has that time to go, too. It did not help if the trouble still holds, or holds
    again, when its time is over. Missing evidence proves neither: the last check that could be decided counts if the
    trouble held then, and otherwise the outcome is unknown.
    """
    assert effect.since is not None
    says, at = check.judgement.says, check.at
    late = at >= effect.since + timedelta(seconds=patience.within)
    match check.judgement.trouble:
        case Trouble.GONE:
            gone = replace(effect, gone_since=effect.gone_since or at, holds="", missing="")
            assert gone.gone_since is not None
            lasted = at - gone.gone_since >= timedelta(seconds=patience.holds_for)
            if not lasted or (check.judgement.rest and not late):
                return _watched_until(gone, patience)
            rest = check.judgement.rest
            return replace(gone, helped=Helped.PARTLY if rest else Helped.YES, holds=rest)
        case Trouble.HOLDS:
            held = replace(effect, gone_since=None, holds=says, missing="")
            return replace(held, helped=Helped.NO) if late else held
        case Trouble.UNDECIDED:
            missed = replace(effect, missing=says)
            over = effect.until is None or at >= effect.until
            verdict = Helped.NO if effect.holds else Helped.UNKNOWN
            return replace(missed, helped=verdict) if over else missed


def next_check(effect: Effect, now: datetime, patience: Patience) -> float:
    """Returns the seconds until the next check: sooner if a deadline comes first."""
    assert effect.since is not None
    wait = min(max((now - effect.since).total_seconds() / 4, SOONEST), LATEST)
    due = effect.since + timedelta(seconds=patience.within)
    if effect.gone_since is not None:
        due = effect.gone_since + timedelta(seconds=patience.holds_for)
    left = (due - now).total_seconds()
    return max(min(wait, left), 0.2) if left > 0 else wait


def _watched_until(effect: Effect, patience: Patience) -> Effect:
    """Extends the deadline of a trouble that has just gone and must stay away for some time."""
    assert effect.gone_since is not None
    lasts = effect.gone_since + timedelta(seconds=patience.holds_for)
    return replace(effect, until=max(lasts, effect.until or lasts))
