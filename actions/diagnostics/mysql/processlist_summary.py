"""Who is connected, doing what, and waiting for what."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.versions import processlist


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions of one user in one state."""

    user: str
    command: str
    state: str
    sessions: Count
    longest: Seconds


@dataclass(frozen=True, slots=True)
class ProcesslistSummary:
    """The sessions in groups, the largest first, and the totals that one looks at."""

    groups: tuple[Group, ...] = ()
    total: Count = 0
    running: Count = 0
    sleeping: Count = 0
    waiting_for_metadata_lock: Count = 0
    waiting_for_row_lock: Count = 0


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
        Group(str(r["user"]), str(r["command"]), str(r["state"]), int(r["sessions"]), float(r["longest"] or 0))
        for r in rows
    )

    def count(*, state: str = "", commands: tuple[str, ...] = ()) -> int:
        return sum(
            g.sessions
            for g in groups
            if (not state or state in g.state.lower()) and (not commands or g.command in commands)
        )

    return ProcesslistSummary(
        groups=groups,
        total=count(),
        running=count(commands=("Query", "Execute")),
        sleeping=count(commands=("Sleep",)),
        waiting_for_metadata_lock=count(state="metadata lock"),
        waiting_for_row_lock=count(state="updating"),
    )
