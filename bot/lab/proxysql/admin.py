"""The state of the stand-in and its answers to statements, without networking."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2.7.3-stand-in"
_SERVERS = """(
    hostgroup_id INT NOT NULL DEFAULT 0, hostname VARCHAR NOT NULL, port INT NOT NULL DEFAULT 3306,
    gtid_port INT NOT NULL DEFAULT 0,
    status VARCHAR NOT NULL DEFAULT 'ONLINE'
        CHECK (UPPER(status) IN ('ONLINE', 'SHUNNED', 'OFFLINE_SOFT', 'OFFLINE_HARD')),
    weight INT NOT NULL DEFAULT 1, compression INT NOT NULL DEFAULT 0, max_connections INT NOT NULL DEFAULT 1000,
    max_replication_lag INT NOT NULL DEFAULT 0, use_ssl INT NOT NULL DEFAULT 0,
    max_latency_ms INT NOT NULL DEFAULT 0, comment VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (hostgroup_id, hostname, port))"""
_PAIRS = """(writer_hostgroup INT NOT NULL PRIMARY KEY, reader_hostgroup INT NOT NULL,
    check_type VARCHAR NOT NULL DEFAULT 'read_only', comment VARCHAR NOT NULL DEFAULT '')"""
_CLUSTERS = """(writer_hostgroup INT NOT NULL PRIMARY KEY, backup_writer_hostgroup INT NOT NULL,
    reader_hostgroup INT NOT NULL, offline_hostgroup INT NOT NULL, comment VARCHAR NOT NULL DEFAULT '')"""
_POOL = """(hostgroup INT, srv_host VARCHAR, srv_port INT, status VARCHAR, ConnUsed INT, ConnFree INT, ConnOK INT,
    ConnERR INT, MaxConnUsed INT, Queries INT, Queries_GTID_sync INT, Bytes_data_sent INT, Bytes_data_recv INT,
    Latency_us INT)"""
_PINGS = """(hostname VARCHAR NOT NULL, port INT NOT NULL, time_start_us INT NOT NULL, ping_success_time_us INT,
    ping_error VARCHAR, PRIMARY KEY (hostname, port, time_start_us))"""
_READ_ONLY = """(hostname VARCHAR NOT NULL, port INT NOT NULL, time_start_us INT NOT NULL, success_time_us INT,
    read_only INT, error VARCHAR, PRIMARY KEY (hostname, port, time_start_us))"""
_CONFIGURED = {
    "mysql_servers": _SERVERS,
    "mysql_replication_hostgroups": _PAIRS,
    "mysql_group_replication_hostgroups": _CLUSTERS,
    "mysql_galera_hostgroups": _CLUSTERS,
}
_LOAD = tuple(f"LOAD MYSQL SERVERS {each}" for each in ("TO RUNTIME", "TO RUN", "FROM MEMORY", "FROM MEM"))
_SAVE = tuple(f"SAVE MYSQL SERVERS {each}" for each in ("TO MEMORY", "TO MEM", "FROM RUNTIME", "FROM RUN"))
_SET = ("SET NAMES ", "SET AUTOCOMMIT", "SET CHARACTER", "SET COLLATION", "SET SQL_AUTO_", "SET SQL_SAFE_")


class AdminError(Exception):
    """An error, which ProxySQL reports with number 1045."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows, all values as text; without columns, an OK."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


@dataclass
class Connections:
    """The connections to one server in one hostgroup, and their counters."""

    used: int = 0
    free: int = 0
    failed: int = 0
    queries: int = 0
    shunned: str = ""
    """SHUNNED or SHUNNED_REPLICATION_LAG, which ProxySQL sets itself; empty otherwise."""


@dataclass
class Admin:
    """One ProxySQL as seen through its admin interface; safe to use from several threads.

    `servers` are (hostgroup, host, port). A connection remains in use until `release_connections`, as if it had an open
    transaction.
    """

    servers: Iterable[tuple[int, str, int]] = ()
    pairs: Iterable[tuple[int, int]] = ()
    """(writer hostgroup, reader hostgroup)."""
    received: list[tuple[str, str]] = field(default_factory=list)
    """All statements received, with the kind of user: `admin` or `stats`."""
    saved: bool = False
    """Whether the servers were saved to disk."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        name = uuid.uuid4().hex
        self._databases = {
            kind: sqlite3.connect(f"file:{kind}-{name}?mode=memory&cache=shared", uri=True, check_same_thread=False)
            for kind in ("admin", "stats", "monitor")
        }
        for database in self._databases.values():
            database.isolation_level = None
        for user, kind in (("admin", "stats"), ("admin", "monitor"), ("stats", "monitor")):
            self._databases[user].execute(f"ATTACH DATABASE 'file:{kind}-{name}?mode=memory&cache=shared' AS {kind}")
        for table, columns in _CONFIGURED.items():
            self._do(f"CREATE TABLE {table} {columns}")
            self._do(f"CREATE TABLE runtime_{table} {columns}")
        for table in ("stats_mysql_connection_pool", "stats_mysql_connection_pool_reset"):
            self._do(f"CREATE TABLE stats.{table} {_POOL}")
        self._do(f"CREATE TABLE monitor.mysql_server_ping_log {_PINGS}")
        self._do(f"CREATE TABLE monitor.mysql_server_read_only_log {_READ_ONLY}")
        self.pool: dict[tuple[int, str, int], Connections] = {}
        for server in self.servers:
            self._do("INSERT INTO mysql_servers (hostgroup_id, hostname, port) VALUES (?, ?, ?)", server)
        for pair in self.pairs:
            self._do(
                "INSERT INTO mysql_replication_hostgroups (writer_hostgroup, reader_hostgroup) VALUES (?, ?)", pair
            )
        self._load()

    def close(self) -> None:
        for database in self._databases.values():
            database.close()

    # -- events ---------------------------------------------------------------------------------------------------

    def set_connections(self, server: tuple[int, str, int], used: int, free: int = 0) -> None:
        """Sets the numbers of used and free connections."""
        with self._lock:
            self.pool[server].used, self.pool[server].free = used, free

    def release_connections(self, host: str, port: int) -> None:
        """Ends the transactions on a server, so that its connections are no longer in use."""
        with self._lock:
            for (_, name, number), each in self.pool.items():
                if (name, number) == (host, port):
                    each.used = 0

    def shun(self, server: tuple[int, str, int], status: str = "SHUNNED") -> None:
        """Shuns a server, as ProxySQL itself does; an empty status ends that."""
        with self._lock:
            self.pool[server].shunned = status

    def add_monitor_result(
        self, host: str, port: int, *, ping_error: str | None = None, read_only: bool | None = None
    ) -> None:
        """Adds a result of the Monitor module."""
        with self._lock:
            at = self._do("SELECT COUNT(*) FROM monitor.mysql_server_ping_log")[0][0] + 1
            self._do("INSERT INTO monitor.mysql_server_ping_log VALUES (?, ?, ?, 100, ?)", (host, port, at, ping_error))
            if read_only is not None:
                row = (host, port, at, int(read_only))
                self._do("INSERT INTO monitor.mysql_server_read_only_log VALUES (?, ?, ?, 100, ?, NULL)", row)

    def edit(self, sql: str) -> None:
        """Changes the configuration as another administrator would."""
        self.answer("admin", sql)

    def status(self, server: tuple[int, str, int]) -> str:
        """Returns the runtime status of a server."""
        with self._lock:
            where = "hostgroup_id = ? AND hostname = ? AND port = ?"
            found = self._do(f"SELECT status FROM runtime_mysql_servers WHERE {where}", server)
            return str(found[0][0]) if found else "OFFLINE_HARD"

    # -- statements -----------------------------------------------------------------------------------------------

    def answer(self, kind: str, sql: str) -> Answer:
        """Answers a statement of a user of this kind, `admin` or `stats`; raises AdminError."""
        with self._lock:
            self.received.append((kind, sql))
            # ProxySQL compares commands literally, after collapsing spaces and removing the final semicolon.
            plain = " ".join(sql.split()).rstrip("; ")
            upper = plain.upper()
            if upper.startswith(_SET):
                return Answer()
            if upper == "SELECT @@VERSION_COMMENT LIMIT 1":
                return Answer(("'(ProxySQL Admin Module)'",), (("(ProxySQL Admin Module)",),))
            if upper.startswith("SELECT @@VERSION"):
                return Answer(("@@version",), ((VERSION,),))
            if kind == "admin" and upper in _LOAD:
                self._load()
                return Answer()
            if kind == "admin" and upper in _SAVE:
                self._save()
                return Answer()
            if kind == "admin" and upper == "SAVE MYSQL SERVERS TO DISK":
                self.saved = True
                return Answer()
            if kind == "stats" and upper.startswith(("PRAGMA", "ATTACH")):
                raise AdminError("Command not allowed")
            return self._query(kind, sql)

    def _query(self, kind: str, sql: str) -> Answer:
        self._show_pool(reset="stats_mysql_connection_pool_reset" in sql)
        database = self._databases[kind]
        if kind == "stats":
            database.execute("PRAGMA query_only = ON")
        try:
            cursor = database.execute(sql)
            columns = tuple(each[0] for each in cursor.description or ())
            rows = tuple(tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall())
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise AdminError(str(error)) from error
        finally:
            if kind == "stats":
                database.execute("PRAGMA query_only = OFF")
        return Answer(columns, rows)

    def _show_pool(self, *, reset: bool) -> None:
        """Fills the statistics tables, as ProxySQL does before they are read."""
        statuses = {
            (int(group), str(host), int(port)): str(status)
            for group, host, port, status in self._do(
                "SELECT hostgroup_id, hostname, port, status FROM runtime_mysql_servers"
            )
        }
        for table in ("stats_mysql_connection_pool", "stats_mysql_connection_pool_reset"):
            self._do(f"DELETE FROM stats.{table}")
            for server, each in self.pool.items():
                status = statuses.get(server, "OFFLINE_HARD")
                shown = each.shunned if status == "ONLINE" and each.shunned else status
                row = (
                    *server,
                    shown,
                    each.used,
                    each.free,
                    each.used,
                    each.failed,
                    each.used,
                    each.queries,
                    0,
                    0,
                    0,
                    250,
                )
                self._do(f"INSERT INTO stats.{table} VALUES ({', '.join('?' * len(row))})", row)
        if reset:
            for each in self.pool.values():
                each.failed = each.queries = 0

    def _load(self) -> None:
        """Loads the configuration to runtime; a server that is OFFLINE_HARD is removed."""
        for table in _CONFIGURED:
            self._do(f"DELETE FROM runtime_{table}")
            self._do(f"INSERT INTO runtime_{table} SELECT * FROM {table}")
        self._do("DELETE FROM runtime_mysql_servers WHERE status = 'OFFLINE_HARD'")
        for group, host, port, status in self._do("SELECT hostgroup_id, hostname, port, status FROM mysql_servers"):
            connections = self.pool.setdefault((group, host, port), Connections())
            if status != "ONLINE":
                connections.free = 0

    def _save(self) -> None:
        for table in _CONFIGURED:
            self._do(f"DELETE FROM {table}")
            self._do(f"INSERT INTO {table} SELECT * FROM runtime_{table}")

    def _do(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        return self._databases["admin"].execute(sql, tuple(values)).fetchall()
