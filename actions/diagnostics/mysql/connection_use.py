"""How many connections are in use, and by which users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.connection_room import connection_room
from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Percent, Seconds, Unreadable, diagnostic
from actions.ratios import percent
from actions.server_versions import processlist
from actions.status_counters import number, status
from actions.workload_names import plain_name


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
class ProgramSessions:
    """The sessions of one program, by the name that the client gave when it connected."""

    program: str
    sessions: Count


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
        "programs",
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
    programs: tuple[ProgramSessions, ...] = ()
    """The programs with the most sessions first, 5 at most; only some clients name their program."""
    complete: bool = True
    """False if there may be more than 10 users."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
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
        programs=_programs(db),
        complete=len(users) < 10,
    )


def _programs(db: MySQL) -> tuple[ProgramSessions, ...]:
    """Returns the sessions by program; none where performance_schema is off or not readable."""
    try:
        rows = db.rows(
            "SELECT ATTR_VALUE AS program, COUNT(*) AS sessions FROM performance_schema.session_connect_attrs "
            "WHERE ATTR_NAME = 'program_name' GROUP BY 1 ORDER BY 2 DESC LIMIT 5"
        )
    except Unreadable:
        return ()
    named = ((plain_name(str(row["program"] or "")), int(row["sessions"])) for row in rows)
    return tuple(ProgramSessions(name, sessions) for name, sessions in named if name)
