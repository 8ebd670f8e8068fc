"""Takes a server out of service at a ProxySQL: no new sessions, while open transactions may end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, ProxySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.proxysql.backends import Backend, backends
from actions.sql_quoting import statement

DRAINED = "OFFLINE_SOFT"
HOST = re.compile(r"[A-Za-z0-9._:-]{1,255}")
LOAD = "LOAD MYSQL SERVERS TO RUNTIME"
_COLUMNS = (
    "hostgroup_id, hostname, port, gtid_port, weight, compression, max_connections, max_replication_lag, use_ssl, "
    "max_latency_ms, comment"
)
_STATUS = "REPLACE(REPLACE(status, 'SHUNNED_REPLICATION_LAG', 'ONLINE'), 'SHUNNED', 'ONLINE') AS status"
"""ProxySQL shuns servers itself; that is not an edit of the configuration."""
_SERVERS = f"{_COLUMNS}, {_STATUS} FROM {{}} WHERE status <> 'OFFLINE_HARD'"
"""A server that is OFFLINE_HARD in the configuration is not among the servers of the runtime."""
_LOADED = (
    "mysql_replication_hostgroups",
    "mysql_group_replication_hostgroups",
    "mysql_galera_hostgroups",
    "mysql_aws_aurora_hostgroups",
    "mysql_hostgroup_attributes",
    "mysql_servers_ssl_params",
)
"""Tables that LOAD MYSQL SERVERS loads besides mysql_servers; older versions lack some of them."""
_MANAGED = {
    "mysql_group_replication_hostgroups": ("Group Replication", ("writer", "backup_writer", "reader")),
    "mysql_galera_hostgroups": ("Galera", ("writer", "backup_writer", "reader")),
    "mysql_aws_aurora_hostgroups": ("Aurora", ("writer", "reader")),
}
"""Hostgroups in which ProxySQL's Monitor module sets the status of servers itself."""


@dataclass(frozen=True)
class DrainServer(Remediation):
    """Sets a server OFFLINE_SOFT at one ProxySQL, in all its hostgroups or in one of them.

    The change is not saved to disk: a restart of ProxySQL, like the undo, returns the server to service. ProxySQL does
    not record who took a server out, so a server that is out already is refused.
    """

    host: str
    """The server's host, as ProxySQL knows it."""
    port: int = 3306
    """The server's port."""
    hostgroup: int | None = None
    """The hostgroup in which it is drained; empty means all its hostgroups."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = ProxySQL
    settles_within: ClassVar[float] = 60.0
    needs: ClassVar[Grants] = {Flavour.PROXYSQL: ("admin-stats_credentials", "admin-admin_credentials")}

    @property
    def drains(self) -> str:
        """The server itself: for the shard's serving floor it counts as taken out of service."""
        return self._server

    def check(self, db: MySQL) -> None:
        """Refuses a server that is unknown, already out, a writer, or the last that could serve reads of a
        hostgroup."""
        for each in self._to_drain(db):
            if each.writable:
                raise Refused(
                    f"The ProxySQL Monitor module at {db.address} finds {self._server} writable: it is a writer, and "
                    "the module would return it to service. Move the primary first."
                )
            left = [other for other in self._others(db) if other.hostgroup == each.hostgroup]
            if not left:
                raise Refused(
                    f"{self._server} is the last server of hostgroup {each.hostgroup} that can serve at {db.address}; "
                    "sessions would wait until they time out. Set another server ONLINE first."
                )
            if all(other.writable for other in left):
                raise Refused(
                    f"Without {self._server}, only the writer would serve hostgroup {each.hostgroup} at {db.address}. "
                    "Set another reader ONLINE first."
                )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UPDATE of mysql_servers, then LOAD MYSQL SERVERS TO RUNTIME, which puts it into effect.

        LOAD puts everything in mysql_servers into effect. So the change is refused if edits of others are pending
        there, if ProxySQL manages the hostgroup itself, and if the server is a writer. Only the changing connection may
        read the configuration, so this is checked there.
        """
        groups = [each.hostgroup for each in self._to_drain(db)]
        if isinstance(db, ProxySQL) and db.sees_configuration:
            self._fits_the_configuration(db, groups)
        yield self._set(DRAINED, groups)
        yield statement(LOAD)

    def cost(self, db: MySQL) -> str:
        """Which sessions still use it, what serves instead, and how long the change lasts."""
        said = [
            f"hostgroup {each.hostgroup} keeps {each.others_online} ONLINE besides it, and {each.used} connections to "
            f"{self._server} end with their transactions"
            for each in self._to_drain(db)
        ]
        return (
            f"At {db.address} {'; '.join(said)}. Nothing is saved to disk: a restart of ProxySQL returns it to service."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once it is OFFLINE_SOFT everywhere and none of its connections is in use; long transactions keep
        theirs."""
        found = self._backends(db)
        if not found:
            return Verification(ok=False, says=f"{db.address} no longer has {self._server}{self._where}.")
        serving = [f"{each.status} in hostgroup {each.hostgroup}" for each in found if each.status != DRAINED]
        if serving:
            return Verification(
                ok=False,
                says=f"{self._server} is {' and '.join(serving)} at {db.address}. If mysql_servers already shows "
                f"{DRAINED}, run {LOAD} to apply it.",
            )
        if isinstance(db, ProxySQL) and db.sees_configuration and (waiting := _waiting(db, _tables(db))):
            # An undo verifies this before its LOAD, which would put edits of others into effect as well.
            return Verification(ok=False, says=f"The configuration of {db.address} has pending edits ({waiting}).")
        used = sum(each.used for each in found)
        if used:
            return Verification(
                ok=False,
                says=f"{self._server} is {DRAINED} at {db.address} and gets no new sessions, but {used} of its "
                "connections are still in use. Check it for long transactions; it stays out of service until it "
                "is set ONLINE.",
                settled=False,
            )
        groups = ", ".join(str(each.hostgroup) for each in found)
        return Verification(
            ok=True, says=f"{self._server} is {DRAINED} in hostgroup {groups} at {db.address}, and idle."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """ONLINE where it is drained now, then LOAD."""
        yield self._set("ONLINE", [each.hostgroup for each in self._to_drain(db)])
        yield statement(LOAD)

    @property
    def _server(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def _where(self) -> str:
        return "" if self.hostgroup is None else f" in hostgroup {self.hostgroup}"

    def _set(self, status: str, groups: list[int]) -> Statement:
        listed = ", ".join(str(int(each)) for each in groups)
        where = f"hostname = {{}} AND port = {{}} AND hostgroup_id IN ({listed})"
        return statement(f"UPDATE mysql_servers SET status = {{}} WHERE {where}", status, self.host, self.port)

    def _backends(self, db: MySQL) -> tuple[Backend, ...]:
        if not HOST.fullmatch(self.host):
            raise Refused(f"{self.host[:80]!r} is not a host name or address.")
        seen = backends(db, server=self._server).backends
        return tuple(each for each in seen if self.hostgroup in (None, each.hostgroup))

    def _others(self, db: MySQL) -> list[Backend]:
        """Returns the other servers that are ONLINE."""
        return [each for each in backends(db).online if each.server != self._server]

    def _to_drain(self, db: MySQL) -> list[Backend]:
        """Returns the hostgroups in which it is not OFFLINE_SOFT yet; raises Refused if there are none."""
        found = self._backends(db)
        if not found:
            raise Refused(
                f"{db.address} has no server {self._server}{self._where}. Specify its host and port as in "
                "mysql_servers; the runbook proxysql/backends lists them."
            )
        left = [each for each in found if each.status != DRAINED]
        if not left:
            raise Refused(
                f"{self._server} is already {DRAINED}{self._where} at {db.address}. Someone took it out of service; "
                "ask who is working on it."
            )
        return left

    def _fits_the_configuration(self, db: ProxySQL, groups: list[int]) -> None:
        tables = _tables(db)
        waiting = _waiting(db, tables)
        if waiting:
            raise Refused(
                f"The configuration of {db.address} has pending edits of its servers ({waiting}), and {LOAD} would "
                "put them into effect. Load them first, or discard them (SAVE MYSQL SERVERS FROM RUNTIME)."
            )
        listed = ", ".join(str(int(each)) for each in groups)
        writers = db.rows(
            f"SELECT writer_hostgroup FROM runtime_mysql_replication_hostgroups WHERE writer_hostgroup IN ({listed})"
        )
        if writers:
            raise Refused(
                f"Hostgroup {writers[0]['writer_hostgroup']} of {db.address} is a writer hostgroup, and a writer "
                "cannot be drained. Move the primary, or specify the hostgroup of the readers."
            )
        for table in _MANAGED.keys() & tables:
            kind, names = _MANAGED[table]
            where = " OR ".join(f"{name}_hostgroup IN ({listed})" for name in names)
            if db.rows(f"SELECT writer_hostgroup FROM runtime_{table} WHERE {where}"):
                raise Refused(
                    f"The ProxySQL Monitor module at {db.address} manages hostgroup {listed} by {kind}, and would "
                    f"return {self._server} to service. Take the server out of the cluster itself."
                )


def _tables(db: ProxySQL) -> set[str]:
    """Returns the tables among those that LOAD loads that this version has."""
    named = {str(row["name"]) for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'", limit=500)}
    return {each for each in _LOADED if f"runtime_{each}" in named}


def _waiting(db: ProxySQL, tables: set[str]) -> str:
    """Returns what is in the configuration only or in the runtime only, in a few words; '' if they are the same."""
    pairs = [(_SERVERS.format("mysql_servers"), _SERVERS.format("runtime_mysql_servers"))]
    pairs += [(f"* FROM {each}", f"* FROM runtime_{each}") for each in sorted(tables)]
    for memory, runtime in pairs:
        for here, there in ((memory, runtime), (runtime, memory)):
            found = db.rows(f"SELECT {here} EXCEPT SELECT {there}", limit=1)
            if found:
                return ", ".join(f"{name} {value}" for name, value in list(found[0].items())[:3])
    return ""
