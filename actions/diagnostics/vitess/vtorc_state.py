"""VTOrc's own database as /api/database-state tells it: what it detected and when, and what it did about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.contract import Seconds
from actions.redaction import redact_error
from actions.vitess_contract import Answer, Vitess

GAP = 10.0
"""Seconds without a detection after which a problem counts as a new one."""
RECENT: Seconds = 900.0
"""Seconds for which a recovery is told."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery that VTOrc began in the shard."""

    analysis: str = ""
    tablet: str = ""
    successor: str = ""
    """The tablet that it promoted; '' where it promoted none."""
    ago: Seconds = 0.0
    """Since it began."""
    took: Seconds | None = None
    """None while it runs."""
    error: str = ""
    """What went wrong, shortened; '' where nothing did."""
    after: Seconds | None = None
    """From the first detection to the end of the recovery."""

    @property
    def ended_well(self) -> bool:
        return self.took is not None and not self.error

    @property
    def runs(self) -> bool:
        return self.took is None


def seen_for(state: Any, analysis: str, tablet: str, now: datetime) -> float:  # noqa: ANN401 - JSON
    """For how long it was detected again and again until `now`, by the log of detections."""
    times = sorted(
        at
        for row in rows(state, "recovery_detection")
        if row.get("analysis") == analysis
        and row.get("alias") == tablet
        and (at := at_of(row.get("detection_timestamp")))
    )
    begun = now
    for at in reversed(times):
        if (begun - at).total_seconds() > GAP:
            break
        begun = at
    return max(0.0, (now - begun).total_seconds())


def recoveries(vt: Vitess, states: Sequence[Answer], now: datetime) -> tuple[Recovery, ...]:
    """The recoveries of the shard that began lately, the newest first."""
    found = []
    for answer in states:
        for row in rows(answer.body, "topology_recovery") if answer.ok else ():
            begun, ended = at_of(row.get("start_recovery")), at_of(row.get("end_recovery"))
            if row.get("keyspace") != vt.keyspace or row.get("shard") != vt.shard or begun is None:
                continue
            ago = max(0.0, (now - begun).total_seconds())
            if ago <= RECENT:
                analysis, tablet = str(row.get("analysis", "")), str(row.get("alias", ""))
                before = seen_for(answer.body, analysis, tablet, begun)
                found.append(
                    Recovery(
                        analysis=analysis,
                        tablet=tablet,
                        successor=_named(row.get("successor_alias")),
                        ago=ago,
                        took=(ended - begun).total_seconds() if ended else None,
                        error=redact_error(_named(row.get("all_errors")))[:200],
                        after=before + (ended - begun).total_seconds() if ended else None,
                    )
                )
    # One that is tried every second, as of a dead tablet after a failover, would push out the failover itself.
    oldest_first = sorted(found, key=lambda each: -each.ago)
    newest = {(each.analysis, each.tablet, each.successor): each for each in oldest_first}
    return tuple(sorted(newest.values(), key=lambda each: each.ago))[:20]


def _named(value: object) -> str:
    """A column of VTOrc's database as text: what is NULL comes as `<nil>`."""
    text = str(value or "")
    return "" if text == "<nil>" else text


def rows(state: Any, table: str) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """The rows of one table of it; none where there is no such table."""
    if not isinstance(state, list):
        return ()
    return next((each.get("Rows") or () for each in state if each.get("TableName") == table), ())


def now_of(states: Sequence[Answer]) -> datetime:
    """The time by VTOrc's own clock, as of its last look at an instance; ours where it tells none."""
    seen = [
        at
        for answer in states
        if answer.ok
        for table, column in (
            ("database_instance", "last_attempted_check"),
            ("recovery_detection", "detection_timestamp"),
        )
        for row in rows(answer.body, table)
        if (at := at_of(row.get(column)))
    ]
    return max(seen, default=datetime.now(UTC))


def at_of(text: object) -> datetime | None:
    """A moment as VTOrc writes it: `2026-11-26T01:44:23Z`, with up to nine digits of a second."""
    try:
        at = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
