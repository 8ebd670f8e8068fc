"""The segments of a run: the units of work that the queue hands back, and the names under which it stores them.

A name is part of the id of a durable workflow, so a released name never changes. `decode` also reads the names that
earlier versions wrote. This is the only module that builds or parses a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.errors import FirstmateError


class Kind(StrEnum):
    """What every name of a kind of segment begins with. The watch and the second triage count as triage."""

    TRIAGE = "triage"
    EXPIRE = "expire"
    RESOLVED = "resolved"
    REPORT = "report"
    JOINED = "joined"
    CHANGE = "change"
    EFFECT = "effect"
    SILENCED = "silenced"
    UNPAUSE = "unpause"
    REVERT = "revert"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Triage:
    """Gathers evidence, names the cause and plans its remedy."""


@dataclass(frozen=True, slots=True)
class TriageWatch:
    """Checks whether the repair by the topology's manager has ended; `number` counts the checks from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class TriageAgain:
    """Gathers the evidence a second time, for a cause that may clear by itself."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Ends a run whose approval did not come in time."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Withdraws what waits for an approval, because the alert resolved."""


@dataclass(frozen=True, slots=True)
class Report:
    """Shows a run that a person ended."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Shows that another alert joined the run; `known` is the number of alerts it had before."""

    known: int


@dataclass(frozen=True, slots=True)
class Change:
    """Makes the approved change, or continues a paused one.

    Each continuation is a segment of its own: `events` is the length of the run's timeline when it was requested. It is
    None for the first one.
    """

    events: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Checks whether the changes of a run have helped; `number` counts the checks from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Silenced:
    """Checks whether a silenced alert still fires. `check` counts from 0; `silence` is the id in Alertmanager."""

    check: int
    silence: str


@dataclass(frozen=True, slots=True)
class Unpause:
    """Stops a change whose pause has ended; `paused_at` is when it was requested, in seconds since the epoch."""

    paused_at: int

    @classmethod
    def of(cls, requested_at: datetime) -> Unpause:
        """The segment at the end of the pause that was requested then."""
        return cls(int(f"{requested_at.timestamp():.0f}"))


@dataclass(frozen=True, slots=True)
class Revert:
    """Restores one change of the plan, counted from 0, when its time is over."""

    change: int


@dataclass(frozen=True, slots=True)
class Undo:
    """Restores all changes of a run because a person asked.

    `events` is the length of the run's timeline at that moment: the same press again is the same segment, and a press
    after a failed attempt, which added an event, is a new one.
    """

    events: int
    user: str


Segment = (
    Triage
    | TriageWatch
    | TriageAgain
    | Expire
    | Resolved
    | Report
    | Joined
    | Change
    | Effect
    | Silenced
    | Unpause
    | Revert
    | Undo
)


def encode(segment: Segment) -> str:  # noqa: C901 - one case for each segment
    """Returns the name under which the segment is stored."""
    match segment:
        case Triage():
            return Kind.TRIAGE.value
        case TriageWatch(number):
            return f"{Kind.TRIAGE}-watch-{number}"
        case TriageAgain():
            return f"{Kind.TRIAGE}-again"
        case Expire():
            return Kind.EXPIRE.value
        case Resolved():
            return Kind.RESOLVED.value
        case Report():
            return Kind.REPORT.value
        case Joined(known):
            return f"{Kind.JOINED}-{known}"
        case Change(events):
            return Kind.CHANGE.value if events is None else f"{Kind.CHANGE}-{events}"
        case Effect(number):
            return f"{Kind.EFFECT}-{number}"
        case Silenced(check, silence):
            return f"{Kind.SILENCED}-{check}-{silence}"
        case Unpause(paused_at):
            return f"{Kind.UNPAUSE}-{paused_at}"
        case Revert(change):
            return f"{Kind.REVERT}-{change}"
        case Undo(events, user):
            return f"{Kind.UNDO}-{events}-{user}"
        case _:
            assert_never(segment)


def decode(name: str) -> Segment:
    """Returns the segment that is stored under this name; raises FirstmateError for any other text."""
    for form, segment in _FORMS:
        found = re.fullmatch(form, name)
        if found is not None:
            return segment(*found.groups())
    raise FirstmateError(f"There is no segment {name[:100]!r}.")


_NUMBER = "(0|[1-9][0-9]{0,15})"
_FORMS: Sequence[tuple[str, Callable[..., Segment]]] = (
    (Kind.TRIAGE, Triage),
    (f"{Kind.TRIAGE}-watch-{_NUMBER}", lambda number: TriageWatch(int(number))),
    (f"{Kind.TRIAGE}-again", TriageAgain),
    (Kind.EXPIRE, Expire),
    (Kind.RESOLVED, Resolved),
    (Kind.REPORT, Report),
    (f"{Kind.JOINED}-{_NUMBER}", lambda known: Joined(int(known))),
    (Kind.CHANGE, Change),
    (f"{Kind.CHANGE}-{_NUMBER}", lambda events: Change(int(events))),
    (f"{Kind.EFFECT}-{_NUMBER}", lambda number: Effect(int(number))),
    (f"{Kind.SILENCED}-{_NUMBER}-(.+)", lambda check, silence: Silenced(int(check), silence)),
    (f"{Kind.UNPAUSE}-{_NUMBER}", lambda paused_at: Unpause(int(paused_at))),
    (f"{Kind.REVERT}-{_NUMBER}", lambda change: Revert(int(change))),
    (f"{Kind.UNDO}-{_NUMBER}-(.+)", lambda events, user: Undo(int(events), user)),
    # Names of earlier versions, whose plans had one change and whose runs could be undone once.
    (f"watch-{_NUMBER}", lambda number: TriageWatch(int(number))),
    (Kind.REVERT, lambda: Revert(0)),
    (f"{Kind.UNDO}-([^-0-9][^-]*)", lambda user: Undo(0, user)),
)
