"""How full the connections are, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.ratios import percent
from actions.server_versions import processlist
from actions.status_counters import number, status


@dataclass(frozen=True, slots=True)
class UserSessions:
    """The sessions of one user."""

    user: str
    sessions: Count
    sleeping: Count
    longest_sleep: Seconds


@dataclass(frozen=True, slots=True)
class ConnectionUse:
    """Connections in use against the limit."""

    max_connections: Count = 0
    connected: Count = 0
    running: Count = 0
    most_ever: Count = 0
    """The most at once since the server started."""
    refused: Count = 0
    """Connections refused since the server started because all were taken, as it counts them: MariaDB misses most."""
    used: Percent = 0.0
    users: tuple[UserSessions, ...] = ()
    """The users with the most sessions first."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def connection_use(db: MySQL) -> ConnectionUse:
    """Reads the limit, the counters and the sessions by user, without replication's and the server's own."""
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
    )
