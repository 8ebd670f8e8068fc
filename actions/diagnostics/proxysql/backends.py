"""To which servers a ProxySQL sends sessions, and which it leaves out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, cast

from actions.contract import Cost, Count, Flavour, ProxySQL, Row, Seconds, diagnostic

Status = Literal["ONLINE", "SHUNNED", "SHUNNED_REPLICATION_LAG", "OFFLINE_SOFT"]
REMOVED = "OFFLINE_HARD"
"""Such a row stands for a server that is not there any more, as long as its counters are kept."""
NEWEST = 200
"""Rows of a log of the Monitor that are looked at, the newest first; it writes one for each server and check."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One server in one hostgroup, as ProxySQL uses it now."""

    hostgroup: int = 0
    server: str = ""
    """`host:port`, as ProxySQL knows it."""
    status: Status = "ONLINE"
    """SHUNNED by ProxySQL itself after errors or failed pings, SHUNNED_REPLICATION_LAG for its lag, OFFLINE_SOFT by a
    person or a tool: no new sessions, transactions that run may end."""
    used: Count = 0
    """Connections that sessions use now."""
    free: Count = 0
    failed: Count = 0
    """Connections that could not be made, since the start of ProxySQL or the last reset."""
    queries: Count = 0
    latency: Seconds = 0.0
    """Of the last ping."""
    others_online: Count = 0
    """Other servers of the hostgroup that are ONLINE."""
    error: str = ""
    """What the last ping of ProxySQL's Monitor came to; '' where it was answered, or none was made."""
    writable: bool | None = None
    """Whether the Monitor found read_only off last, so it is a writer; empty where it does not check that."""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Backends:
    """The servers behind one ProxySQL."""

    proxy: str = ""
    """`host:port` of the admin interface."""
    backends: tuple[Backend, ...] = ()
    """Those that get no new sessions first, then by hostgroup and server."""

    @property
    def online(self) -> tuple[Backend, ...]:
        return tuple(each for each in self.backends if each.status == "ONLINE")

    @property
    def out(self) -> tuple[Backend, ...]:
        """Those that get no new sessions."""
        return tuple(each for each in self.backends if each.status != "ONLINE")

    @property
    def serves(self) -> bool:
        """Whether any of them gets new sessions."""
        return bool(self.online)

    @property
    def shunned(self) -> bool:
        """Whether any of them is SHUNNED by ProxySQL itself, other than for its lag."""
        return any(each.status == "SHUNNED" for each in self.backends)

    @property
    def unserved(self) -> tuple[int, ...]:
        """Hostgroups that have servers and none of them ONLINE: sessions wait for them in vain."""
        served = {each.hostgroup for each in self.online}
        return tuple(sorted({each.hostgroup for each in self.backends} - served))


@diagnostic(cost=Cost.LOW, needs={Flavour.PROXYSQL: ("admin-stats_credentials",)})
def backends(db: ProxySQL, *, server: str = "") -> Backends:
    """Reads the connection pool, and what the Monitor saw of each server last; with `server` of that one alone.

    `server` is `host:port` as ProxySQL knows it. The user of admin-stats_credentials may read all of it (ProxySQL
    documentation, "STATS (statistics)" and "Monitor Module"). stats_mysql_connection_pool_reset would tell the same and
    set all counters to 0.
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
    """The last entry of a log of the Monitor for each server."""
    rows = db.rows(f"SELECT hostname, port, {column} FROM monitor.{log} ORDER BY time_start_us DESC LIMIT {NEWEST}")
    found: dict[str, object] = {}
    for row in rows:
        found.setdefault(f"{row['hostname']}:{row['port']}", row[column])
    return found
