"""How many connections are in use, and by which users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.connection_room import connection_room
from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.ratios import percent
from actions.server_versions import processlist
from actions.status_counters import number, status


@dataclass(frozen=True, slots=True)
class UserSessions:
    """The sessions of one user."""

    user: str
    sessions: Count
    """All its sessions."""
    sleeping: Count
    """Its idle sessions."""
    longest_sleep: Seconds
    """Time for which the longest idle session has been idle."""


@dataclass(frozen=True, slots=True)
class ConnectionUse:
    """The connections in use, compared with the limit."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "max_connections",
        "connected",
        "running",
        "most_ever",
        "refused",
        "used",
        "users",
        "open_files_limit",
        "most_by_files",
        "session_memory",
    )

    max_connections: Count = 0
    """The limit."""
    connected: Count = 0
    """Connections in use (Threads_connected)."""
    running: Count = 0
    """Sessions that run a statement (Threads_running)."""
    most_ever: Count = 0
    """The most at the same time since the server started."""
    refused: Count = 0
    """Connections refused since the server started because the limit was reached; MariaDB does not count most of
    them."""
    used: Percent = 0.0
    """Connections in use as a share of the limit."""
    users: tuple[UserSessions, ...] = ()
    """The users with the most sessions first; 10 at most."""
    open_files_limit: Count = 0
    """Files that the server may open (open_files_limit, which the limit of its process bounds)."""
    most_by_files: Count | None = None
    """The largest max_connections for which there are files enough beside the cache of tables; empty if unknown."""
    session_memory: Bytes = 0
    """Memory that one session may take for its buffers and stack, without temporary tables."""
    complete: bool = True
    """False if there may be more than 10 users."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def connection_use(db: MySQL) -> ConnectionUse:
    """Reads the limit, the counters, and the sessions by user without those of replication and the server itself."""
    names = ("Threads_connected", "Threads_running", "Max_used_connections", "Connection_errors_max_connections")
    counters = status(db, *names)
    limit = int(db.rows("SELECT @@GLOBAL.max_connections AS value")[0]["value"])
    users = db.rows(
        "SELECT USER AS user, COUNT(*) AS sessions, SUM(COMMAND = 'Sleep') AS sleeping, "
        "MAX(IF(COMMAND = 'Sleep', TIME, 0)) AS longest_sleep "
        f"FROM {processlist(db.version)} "
        "WHERE USER NOT IN ('system user', 'event_scheduler') AND ID <> CONNECTION_ID() "
        "AND COMMAND NOT LIKE 'Binlog Dump%' AND COMMAND <> 'Daemon' GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
    )
    connected = number(counters, "Threads_connected")
    room = connection_room(db)
    return ConnectionUse(
        max_connections=limit,
        connected=connected,
        running=number(counters, "Threads_running"),
        most_ever=number(counters, "Max_used_connections"),
        refused=number(counters, "Connection_errors_max_connections"),
        used=percent(connected, limit),
        users=tuple(
            UserSessions(str(r["user"]), int(r["sessions"]), int(r["sleeping"]), float(r["longest_sleep"] or 0))
            for r in users
        ),
        open_files_limit=room.open_files_limit,
        most_by_files=room.most,
        session_memory=room.per_session,
        complete=len(users) < 10,
    )
