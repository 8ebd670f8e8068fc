"""What the busy sessions are running, grouped by normalized statement."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Cost, Count, Flavour, MySQL, Percent, Row, Seconds, diagnostic
from actions.ratios import percent
from actions.server_versions import processlist
from actions.statement_redaction import normalise
from actions.status_counters import number, status
from actions.workload_names import workload_of

MOST_READ = 1000
"""Sessions whose statements are read; all are counted."""
SHAPES = 5
"""Normalized statements that are returned."""


@dataclass(frozen=True, slots=True)
class StatementShape:
    """Sessions that run the same statement with different values."""

    statement: str
    """The statement, with literals as `?`."""
    sessions: Count
    """Sessions that run it."""
    share: Percent
    """Their share of all busy sessions."""
    users: tuple[str, ...]
    """The users of these sessions; 5 at most."""
    longest: Seconds
    """Time for which the longest one has been running."""
    state: str
    """The state that most of them are in."""
    stoppable: tuple[int, ...] = ()
    """Sessions whose statement may be killed, the longest running first; 500 at most, as one change kills no more."""
    beyond: Count = 0
    """Sessions whose statement may be killed, too, beyond those in `stoppable`."""
    began_until: int = 0
    """When the latest of those statements began, as Unix time on the server."""
    protected: str = ""
    """Why none may be killed, in a sentence; '' if one may be."""
    workload: str = ""
    """The workload that most of them belong to, by a comment of the statement; '' if none names one."""


@dataclass(frozen=True, slots=True)
class StateCount:
    """Sessions in one state, in the server's words."""

    state: str
    sessions: Count


@dataclass(frozen=True, slots=True)
class RunningStatements:
    """The running statements, the most frequent one first."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "threads_running",
        "running",
        "states",
        "waiting_for_locks",
        "waiting_for_acknowledgement",
    )

    threads_running: Count = 0
    """Threads_running, which includes threads that are just starting or ending a statement."""
    running: Count = 0
    """Client sessions that run a statement."""
    shapes: tuple[StatementShape, ...] = ()
    """The normalized statements; 5 at most."""
    states: tuple[StateCount, ...] = ()
    """The most frequent states of these sessions; 5 at most."""
    waiting_for_locks: Count = 0
    """Sessions whose state says that they wait for a table or metadata lock."""
    waiting_for_acknowledgement: Count = 0
    """Sessions whose commit waits for a replica's acknowledgement."""
    complete: bool = True
    """False if 1,000 sessions or more run a statement; `shapes` are then those of the 1,000 that have run longest."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def running_statements(db: MySQL) -> RunningStatements:
    """Groups the process list by normalized statement, without Firstmate's own sessions; no instrument is needed."""
    clients = (
        "p.COMMAND IN ('Query', 'Execute') AND p.USER <> SUBSTRING_INDEX(USER(), '@', 1) "
        "AND p.USER NOT IN ('system user', 'event_scheduler')"
    )
    counted = db.rows(
        f"SELECT COALESCE(p.STATE, '') AS state, COUNT(*) AS sessions FROM {processlist(db.version)} p "
        f"WHERE {clients} GROUP BY 1 ORDER BY 2 DESC LIMIT 500",
        limit=500,
    )
    states = {str(row["state"]): int(row["sessions"]) for row in counted}
    rows = db.rows(
        f"SELECT {sessions.columns(db.version)}, p.TIME AS time FROM {processlist(db.version)} p "
        "LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID "
        f"WHERE {clients} ORDER BY p.TIME DESC LIMIT {MOST_READ}",
        limit=MOST_READ,
    )
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[normalise(row["info"])].append(row)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return RunningStatements(
        threads_running=number(status(db, "Threads_running"), "Threads_running"),
        running=sum(states.values()),
        shapes=tuple(_shape(text, found, len(rows)) for text, found in ordered[:SHAPES]),
        states=tuple(StateCount(state, count) for state, count in list(states.items())[:SHAPES]),
        waiting_for_locks=sum(n for state, n in states.items() if state.startswith("Waiting for") and "lock" in state),
        waiting_for_acknowledgement=sum(n for state, n in states.items() if "semi-sync ACK" in state),
        complete=len(rows) < MOST_READ,
    )


def _shape(statement: str, rows: list[Row], total: int) -> StatementShape:
    state, _ = Counter(str(row["state"]) for row in rows).most_common(1)[0]
    known = [sessions.from_row(row) for row in rows]
    may = [session for session in known if not killable_sessions.protection(session)]
    free = may[: killable_sessions.MOST_STATEMENTS]
    return StatementShape(
        statement=statement,
        sessions=len(rows),
        share=percent(len(rows), total),
        users=tuple(sorted({str(row["user"]) for row in rows}))[:5],
        longest=float(max(row["time"] or 0 for row in rows)),
        state=state,
        stoppable=tuple(session.thread_id for session in free),
        beyond=len(may) - len(free),
        began_until=max((session.command_since for session in free), default=0),
        protected="" if free else killable_sessions.protection(known[0]),
        workload=_workload(rows),
    )


def _workload(rows: list[Row]) -> str:
    """Returns the most frequent name of a workload in the comments."""
    names = Counter(filter(None, (workload_of(str(row["info"] or "")) for row in rows)))
    return names.most_common(1)[0][0] if names else ""
