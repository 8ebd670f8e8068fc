"""Which sessions read the binary log of a server now."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist
from actions.sessions import client_host


@dataclass(frozen=True, slots=True)
class BinlogReader:
    """A session that reads the binary log: a replica, or another client that acts as one."""

    thread_id: int
    """The session's id."""
    user: str
    host: str
    state: str
    """Its state in the process list."""
    connected_for: Seconds
    """Time since it began to read."""


@dataclass(frozen=True, slots=True)
class ConnectedReplicas:
    """The sessions that read the binary log."""

    readers: tuple[BinlogReader, ...] = ()
    """The sessions, the longest connected first."""
    count: Count = 0
    """How many there are."""
    users: tuple[str, ...] = ()
    """Their users, each once."""


@diagnostic(
    cost=Cost.LOW,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def connected_replicas(db: MySQL) -> ConnectedReplicas:
    """Lists the Binlog Dump sessions; SHOW REPLICAS would need a privilege to read all changes."""
    rows = db.rows(
        "SELECT ID AS id, USER AS user, HOST AS host, COALESCE(STATE, '') AS state, TIME AS time "
        f"FROM {processlist(db.version)} WHERE COMMAND LIKE 'Binlog Dump%' ORDER BY TIME DESC",
        limit=1000,
    )
    readers = tuple(
        BinlogReader(int(r["id"]), str(r["user"]), client_host(r["host"]), str(r["state"]), float(r["time"]))
        for r in rows
    )
    return ConnectedReplicas(readers, len(readers), tuple(sorted({each.user for each in readers})))
