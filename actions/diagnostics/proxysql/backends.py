"""To which servers a ProxySQL routes new sessions, and to which it does not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, cast

from actions.contract import Cost, Count, Flavour, ProxySQL, Row, Seconds, diagnostic

Status = Literal["ONLINE", "SHUNNED", "SHUNNED_REPLICATION_LAG", "OFFLINE_SOFT"]
REMOVED = "OFFLINE_HARD"
"""The status of a row for a server that no longer exists; it remains as long as its counters are kept."""
NEWEST = 200
"""Rows of a Monitor log that are read, the newest first; the Monitor writes one for each server and check."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One server in one hostgroup, as ProxySQL uses it now."""

    hostgroup: int = 0
    """The number of the hostgroup."""
    server: str = ""
    """`host:port`, as ProxySQL knows it."""
    status: Status = "ONLINE"
    """SHUNNED by ProxySQL after errors or failed pings; SHUNNED_REPLICATION_LAG for its lag; OFFLINE_SOFT by a person
    or a tool: no new sessions, while open transactions may end."""
    used: Count = 0
    """Connections that sessions use now."""
    free: Count = 0
    """Idle connections of the pool."""
    failed: Count = 0
    """Failed connection attempts since ProxySQL started or its counters were reset."""
    queries: Count = 0
    """Queries sent to it since ProxySQL started or its counters were reset."""
    latency: Seconds = 0.0
    """Latency of the last ping."""
    others_online: Count = 0
    """Other servers of the hostgroup that are ONLINE."""
    error: str = ""
    """Why the Monitor's last ping failed; '' if it succeeded, or if there was none."""
    writable: bool | None = None
    """Whether the Monitor last found read_only off, so that the server is a writer; empty if it does not check that."""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Backends:
    """The servers behind one ProxySQL."""

    proxy: str = ""
    """`host:port` of the admin interface."""
    backends: tuple[Backend, ...] = ()
    """Servers without new sessions first, then by hostgroup and server."""

    @property
    def online(self) -> tuple[Backend, ...]:
        """Servers that get new sessions."""
        return tuple(each for each in self.backends if each.status == "ONLINE")

    @property
    def out(self) -> tuple[Backend, ...]:
        """Servers that get no new sessions."""
        return tuple(each for each in self.backends if each.status != "ONLINE")

    @property
    def serves(self) -> bool:
        """Whether any server gets new sessions."""
        return bool(self.online)

    @property
    def shunned(self) -> bool:
        """Whether ProxySQL has shunned any server for a reason other than its lag."""
        return any(each.status == "SHUNNED" for each in self.backends)

    @property
    def unserved(self) -> tuple[int, ...]:
        """Hostgroups whose servers are all not ONLINE: their sessions wait until they time out."""
        served = {each.hostgroup for each in self.online}
        return tuple(sorted({each.hostgroup for each in self.backends} - served))


@diagnostic(cost=Cost.LOW, needs={Flavour.PROXYSQL: ("admin-stats_credentials",)})
def backends(db: ProxySQL, *, server: str = "") -> Backends:
    """Reads the connection pool, and the Monitor's last checks of each server, or of `server` only.

    `server` is `host:port` as ProxySQL knows it. The user in admin-stats_credentials may read all of it (ProxySQL
    documentation, "STATS (statistics)" and "Monitor Module"). stats_mysql_connection_pool_reset is not read, because it
    resets all counters to 0.
    """
    rows = db.rows(
        "SELECT hostgroup, srv_host, srv_port, status, ConnUsed, ConnFree, ConnERR, Queries, Latency_us "
        "FROM stats_mysql_connection_pool ORDER BY hostgroup, srv_host, srv_port"
    )
    there = [row for row in rows if row["status"] != REMOVED]
    online: defaultdict[int, int] = defaultdict(int)
    for row in there:
        online[int(row["hostgroup"])] += row["status"] == "ONLINE"
    errors = _newest(db, "mysql_server_ping_log", "ping_error")
    read_only = _newest(db, "mysql_server_read_only_log", "read_only")
    found = [_backend(row, online, errors, read_only) for row in there]
    found.sort(key=lambda each: each.status == "ONLINE")
    return Backends(db.address, tuple(each for each in found if server in ("", each.server)))


def _backend(row: Row, online: dict[int, int], errors: dict[str, object], read_only: dict[str, object]) -> Backend:
    host, port, group = str(row["srv_host"]), int(row["srv_port"]), int(row["hostgroup"])
    server = f"{host}:{port}"
    checked = read_only.get(server)
    return Backend(
        hostgroup=group,
        server=server,
        host=host,
        port=port,
        status=cast(Status, str(row["status"])),
        used=int(row["ConnUsed"]),
        free=int(row["ConnFree"]),
        failed=int(row["ConnERR"]),
        queries=int(row["Queries"]),
        latency=int(row["Latency_us"]) / 1_000_000,
        others_online=online[group] - (row["status"] == "ONLINE"),
        error=str(errors.get(server) or "")[:300],
        writable=None if checked is None else str(checked) == "0",
    )


def _newest(db: ProxySQL, log: str, column: str) -> dict[str, object]:
    """Returns the newest entry of a Monitor log for each server."""
    rows = db.rows(f"SELECT hostname, port, {column} FROM monitor.{log} ORDER BY time_start_us DESC LIMIT {NEWEST}")
    found: dict[str, object] = {}
    for row in rows:
        found.setdefault(f"{row['hostname']}:{row['port']}", row[column])
    return found
