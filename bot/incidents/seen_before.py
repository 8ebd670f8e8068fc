"""What is known of a cause from earlier runs: how often it led, what was done, and whether that held. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LOOKED_BACK = timedelta(days=30)
"""How old an earlier run may be."""
MOST_EARLIER = 20
"""Earlier runs that are compared, the newest first."""
MOST_NAMES = 3
"""Instances that a sentence names."""

_ORDINALS = ("Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")
_TIMES = {1: "once", 2: "twice"}


class Held(StrEnum):
    """What became of the changes of an earlier run."""

    NOTHING_DONE = "nothing_done"
    HELD = "held"  # verified: the cause was gone
    WATCHED = "watched"  # made and verified; whether it helped is not known yet
    NOT_HELPED = "not_helped"
    UNKNOWN = "unknown"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A run in which the cause led."""

    run: str
    firing: str
    """What tells its alert from others: runs with the same value are one occurrence, tried again."""
    target: str
    began: datetime
    """When the trouble began: the alert's start, or the run's."""
    ended: datetime
    """When its changes were verified, or when it ended."""
    held: Held = Held.NOTHING_DONE
    done: str = ""
    """What was done, as a sentence without its end: `the session was killed`; '' for nothing."""
    workload: str = ""
    """The workload that its sentence names, or ''."""


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """What a card says about earlier runs with the same cause."""

    times: int
    """How often it has led, this time included."""
    more: bool
    """Whether there may be more than that."""
    since: datetime
    """When it led for the first time."""
    last_run: str
    """The latest of the earlier runs."""
    says: str


def seen_before(now: Occurrence, earlier: Sequence[Occurrence]) -> SeenBefore | None:
    """Returns what is known of the cause of a run, or None if it leads for the first time.

    `earlier` has the ended runs of the shard with the same cause, the newest first.
    """
    found = [each for each in earlier if each.run != now.run and each.began <= now.began]
    others = {each.firing for each in found if each.firing != now.firing}
    if not found:
        return None
    first = min(each.began for each in found)
    more = len(earlier) >= MOST_EARLIER
    parts = [_head(now, found, len(others) + 1, first, more=more), *_done(now, found), _workload(now, found)]
    says = " ".join(filter(None, parts))
    return SeenBefore(len(others) + 1, more, first, found[0].run, says)


def _head(now: Occurrence, found: Sequence[Occurrence], times: int, first: datetime, *, more: bool) -> str:
    """`Third time in 6 days, on orders-2 and orders-3.`"""
    if times == 1:
        return "It was found for this alert before."
    often = f"{_ORDINALS[times - 2]} time" if times - 2 < len(_ORDINALS) and not more else f"{times} times"
    head = f"{'At least ' if more else ''}{often} in {span(now.began - first)}"
    names = [*dict.fromkeys(each.target for each in found if each.firing != now.firing and each.target)]
    if names == [now.target]:
        return f"{head} on {now.target}."
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} others" if names[MOST_NAMES:] else "")
    return f"{head}; before on {shown}." if shown else f"{head}."


def _done(now: Occurrence, found: Sequence[Occurrence]) -> list[str]:
    """One sentence for each kind of change and what became of it."""
    groups: dict[tuple[str, Held], list[Occurrence]] = {}
    for each in found:
        groups.setdefault((each.done, each.held), []).append(each)
    return [_sentence(done, held, each, now, found) for (done, held), each in groups.items()]


def _sentence(done: str, held: Held, group: Sequence[Occurrence], now: Occurrence, found: Sequence[Occurrence]) -> str:
    times = _TIMES.get(len(group), f"{len(group)} times")
    if held is Held.NOTHING_DONE or not done:
        return f"{times[:1].upper()}{times[1:]}, nothing was changed."
    begin = f"{done[:1].upper()}{done[1:]} {times}"
    match held:
        case Held.HELD:
            back = [gap for each in group if (gap := _came_back(each, now, found)) is not None]
            return f"{begin}, which helped{_after(back)}."
        case Held.NOT_HELPED:
            return f"{begin}, which did not help."
        case Held.FAILED:
            return f"{times[:1].upper()}{times[1:]}, the change failed."
        case Held.UNDONE:
            return f"{begin}, which was undone."
    return f"{begin}; whether it helped is unknown."


def _came_back(done: Occurrence, now: Occurrence, found: Sequence[Occurrence]) -> timedelta | None:
    """Returns how long a change held until the cause led on the same instance again; None if it did not."""
    later = [each.began for each in (*found, now) if each.target == done.target and each.began >= done.ended]
    return min(later) - done.ended if later else None


def _after(gaps: Sequence[timedelta]) -> str:
    if not gaps:
        return ""
    shortest, longest = span(min(gaps)), span(max(gaps))
    return f"; it came back after {shortest}" + (f" to {longest}" if longest != shortest else "")


def _workload(now: Occurrence, found: Sequence[Occurrence]) -> str:
    """Names the workload if this time and earlier it was the same."""
    same = Counter(each.workload for each in found)[now.workload] if now.workload else 0
    if not same:
        return ""
    often = "each time" if same == len(found) else _TIMES.get(same, f"{same} times") + " before"
    return f"It came from {now.workload} {often}."


def span(time: timedelta) -> str:
    """Returns a length of time in one unit: `40 s`, `12 min`, `5 h` or `6 days`."""
    seconds = max(0.0, time.total_seconds())
    for unit, length, limit in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 129_600)):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
