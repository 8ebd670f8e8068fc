"""How many sessions each user has, in which command and state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist
from actions.sql_quoting import placeholders


@dataclass(frozen=True, slots=True)
class SessionGroup:
    """Sessions of one user with the same command and state."""

    user: str
    command: str
    state: str
    sessions: Count
    """How many there are."""
    longest: Seconds
    """The longest time that one of them has been in its command."""


@dataclass(frozen=True, slots=True)
class ProcesslistSummary:
    """The sessions in groups, the largest group first, with totals."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "groups",
        "total",
        "running",
        "sleeping",
        "waiting_for_metadata_lock",
        "waiting_for_row_lock",
    )

    groups: tuple[SessionGroup, ...] = ()
    """The groups; 100 at most."""
    total: Count = 0
    """All sessions."""
    running: Count = 0
    """Client sessions that run a statement; the server's own threads are not counted."""
    sleeping: Count = 0
    """Idle sessions."""
    waiting_for_metadata_lock: Count = 0
    """Sessions that wait for a metadata lock."""
    waiting_for_row_lock: Count = 0
    """Sessions that wait for a row lock, by InnoDB's counter; the state of a session is `updating` with and without a
    wait."""
    complete: bool = True
    """False if there are more groups than were read; the totals are of all sessions."""


OWN = ("system user", "event_scheduler")
"""Users of the server's own threads; MySQL shows idle applier workers with the command Query."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def processlist_summary(db: MySQL) -> ProcesslistSummary:
    """Groups the process list by user, command and state, without the reader's own session."""
    rows = db.rows(
        "SELECT USER AS user, COMMAND AS command, COALESCE(STATE, '') AS state, COUNT(*) AS sessions, "
        f"MAX(TIME) AS longest FROM {processlist(db.version)} WHERE ID <> CONNECTION_ID() "
        "GROUP BY 1, 2, 3 ORDER BY 4 DESC",
        limit=100,
    )
    whole = db.rows(
        "SELECT COUNT(*) AS total, COALESCE(SUM(COMMAND = 'Sleep'), 0) AS sleeping, "
        f"COALESCE(SUM(COMMAND IN ('Query', 'Execute') AND USER NOT IN ({placeholders(OWN)})), 0) AS running, "
        "COALESCE(SUM(STATE LIKE '%%metadata lock%%'), 0) AS blocked "
        f"FROM {processlist(db.version)} WHERE ID <> CONNECTION_ID()",
        OWN,
    )[0]
    groups = tuple(
        SessionGroup(str(r["user"]), str(r["command"]), str(r["state"]), int(r["sessions"]), float(r["longest"] or 0))
        for r in rows
    )

    waits = db.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    return ProcesslistSummary(
        groups=groups,
        total=int(whole["total"]),
        running=int(whole["running"]),
        sleeping=int(whole["sleeping"]),
        waiting_for_metadata_lock=int(whole["blocked"]),
        waiting_for_row_lock=int(waits[0]["Value"]) if waits else 0,
        complete=len(groups) < 100,
    )
