"""How many sessions each user has, in which command and state."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist


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
    groups = tuple(
        SessionGroup(str(r["user"]), str(r["command"]), str(r["state"]), int(r["sessions"]), float(r["longest"] or 0))
        for r in rows
    )

    waits = db.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    return ProcesslistSummary(
        groups=groups,
        total=sum(g.sessions for g in groups),
        running=sum(g.sessions for g in groups if g.command in ("Query", "Execute") and g.user not in OWN),
        sleeping=sum(g.sessions for g in groups if g.command == "Sleep"),
        waiting_for_metadata_lock=sum(g.sessions for g in groups if "metadata lock" in g.state.lower()),
        waiting_for_row_lock=int(waits[0]["Value"]) if waits else 0,
    )
