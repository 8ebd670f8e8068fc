"""VTOrc's own database, from /api/database-state: what it detected and when, and what it did about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.contract import Seconds
from actions.statement_redaction import redact_error
from actions.vitess_contract import ComponentAnswer, Vitess

GAP = 10.0
"""Seconds without a detection after which a problem counts as a new one."""
RECENT: Seconds = 900.0
"""Age up to which a recovery is returned."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery that VTOrc began in the shard."""

    analysis: str = ""
    """VTOrc's name for the problem."""
    tablet: str = ""
    """The tablet that had the problem."""
    successor: str = ""
    """The tablet that it promoted; '' if it promoted none."""
    ago: Seconds = 0.0
    """Time since it began."""
    took: Seconds | None = None
    """How long it took; empty while it is running."""
    error: str = ""
    """What failed, shortened; '' if nothing did."""
    after: Seconds | None = None
    """Time from the first detection to the end of the recovery; empty while it is running."""

    @property
    def ended_well(self) -> bool:
        """Whether it ended without an error."""
        return self.took is not None and not self.error

    @property
    def runs(self) -> bool:
        """Whether it is still running."""
        return self.took is None


def seen_for(state: Any, analysis: str, tablet: str, now: datetime) -> float:  # noqa: ANN401 - JSON
    """Returns how long a problem was detected without a gap until `now`, by the log of detections."""
    times = sorted(
        at
        for row in table_rows(state, "recovery_detection")
        if row.get("analysis") == analysis
        and row.get("alias") == tablet
        and (at := parse_time(row.get("detection_timestamp")))
    )
    begun = now
    for at in reversed(times):
        if (begun - at).total_seconds() > GAP:
            break
        begun = at
    return max(0.0, (now - begun).total_seconds())


def recoveries(vt: Vitess, states: Sequence[ComponentAnswer], now: datetime) -> tuple[Recovery, ...]:
    """Returns the shard's recoveries of the last 15 minutes, the newest first."""
    found = []
    for answer in states:
        for row in table_rows(answer.body, "topology_recovery") if answer.ok else ():
            begun, ended = parse_time(row.get("start_recovery")), parse_time(row.get("end_recovery"))
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
                        successor=_text(row.get("successor_alias")),
                        ago=ago,
                        took=(ended - begun).total_seconds() if ended else None,
                        error=redact_error(_text(row.get("all_errors")))[:200],
                        after=before + (ended - begun).total_seconds() if ended else None,
                    )
                )
    # A recovery that is tried every second, such as that of a dead tablet, would push the failover off the list.
    oldest_first = sorted(found, key=lambda each: -each.ago)
    newest = {(each.analysis, each.tablet, each.successor): each for each in oldest_first}
    return tuple(sorted(newest.values(), key=lambda each: each.ago))[:20]


def _text(value: object) -> str:
    """Returns a column of VTOrc's database as text: NULL is written as `<nil>`."""
    text = str(value or "")
    return "" if text == "<nil>" else text


def table_rows(state: Any, table: str) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """Returns the rows of one table of VTOrc's database; none if there is no such table."""
    if not isinstance(state, list):
        return ()
    return next((each.get("Rows") or () for each in state if each.get("TableName") == table), ())


def vtorc_clock(states: Sequence[ComponentAnswer]) -> datetime:
    """Returns the time by VTOrc's clock, from its last check of an instance; our own if it has none."""
    seen = [
        at
        for answer in states
        if answer.ok
        for table, column in (
            ("database_instance", "last_attempted_check"),
            ("recovery_detection", "detection_timestamp"),
        )
        for row in table_rows(answer.body, table)
        if (at := parse_time(row.get(column)))
    ]
    return max(seen, default=datetime.now(UTC))


def parse_time(text: object) -> datetime | None:
    """Parses a time as VTOrc writes it: `2026-11-26T01:44:23Z`, with up to nine fractional digits."""
    try:
        at = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
