"""Takes a server out of service at a ProxySQL: no new sessions, and those that run may end their transactions."""

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
"""ProxySQL shuns by itself; that is no edit of anybody."""
_SERVERS = f"{_COLUMNS}, {_STATUS} FROM {{}} WHERE status <> 'OFFLINE_HARD'"
"""What is OFFLINE_HARD in the configuration is not among the servers of the runtime."""
_LOADED = (
    "mysql_replication_hostgroups",
    "mysql_group_replication_hostgroups",
    "mysql_galera_hostgroups",
    "mysql_aws_aurora_hostgroups",
    "mysql_hostgroup_attributes",
    "mysql_servers_ssl_params",
)
"""What LOAD MYSQL SERVERS takes over beside mysql_servers; older versions lack some of them."""
_MANAGED = {
    "mysql_group_replication_hostgroups": ("Group Replication", ("writer", "backup_writer", "reader")),
    "mysql_galera_hostgroups": ("Galera", ("writer", "backup_writer", "reader")),
    "mysql_aws_aurora_hostgroups": ("Aurora", ("writer", "reader")),
}
"""Where the Monitor of ProxySQL sets the status of servers by itself."""


@dataclass(frozen=True)
class DrainServer(Remediation):
    """Sets a server OFFLINE_SOFT at one ProxySQL, in each hostgroup that it serves or in one of them.

    It is never saved to disk: a restart of ProxySQL brings the server back, and so does the undo. ProxySQL tells nobody
    who took a server out, so what is out already is refused.
    """

    host: str
    """As ProxySQL knows it."""
    port: int = 3306
    hostgroup: int | None = None
    """Only there; without it in all its hostgroups."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = ProxySQL
    settles_within: ClassVar[float] = 60.0
    needs: ClassVar[Grants] = {Flavour.PROXYSQL: ("admin-stats_credentials", "admin-admin_credentials")}

    @property
    def drains(self) -> str:
        """The server itself: to the serving floor of the shard it counts as taken out."""
        return self._server

    def check(self, db: MySQL) -> None:
        """Refuses a server that is unknown, out already, a writer, or the last one that a hostgroup could read from."""
        for each in self._to_drain(db):
            if each.writable:
                raise Refused(
                    f"{db.address} sees {self._server} writable, so it is a writer, and ProxySQL's Monitor would bring "
                    "it back. Move the primary first."
                )
            left = [other for other in self._others(db) if other.hostgroup == each.hostgroup]
            if not left:
                raise Refused(
                    f"{self._server} is the last server of hostgroup {each.hostgroup} that could serve at "
                    f"{db.address}; its sessions would wait in vain. Bring another one ONLINE first."
                )
            if all(other.writable for other in left):
                raise Refused(
                    f"Without {self._server} the writer alone would serve hostgroup {each.hostgroup} at {db.address}. "
                    "Bring another reader ONLINE first."
                )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UPDATE of mysql_servers and LOAD MYSQL SERVERS TO RUNTIME, which takes effect.

        LOAD takes over all that stands in mysql_servers. So on the connection that changes, which alone may see the
        configuration, it is refused where somebody else's edits wait there, and where ProxySQL itself manages the
        hostgroup or knows the server as a writer.
        """
        groups = [each.hostgroup for each in self._to_drain(db)]
        if isinstance(db, ProxySQL) and db.sees_configuration:
            self._fits_the_configuration(db, groups)
        yield self._set(DRAINED, groups)
        yield statement(LOAD)

    def cost(self, db: MySQL) -> str:
        """Who is still on it, who serves instead, and how long it holds."""
        said = [
            f"hostgroup {each.hostgroup} keeps {each.others_online} ONLINE, {each.used} connections to {self._server} "
            "end with their transactions"
            for each in self._to_drain(db)
        ]
        return f"At {db.address} {'; '.join(said)}. Nothing is saved to disk: a restart of ProxySQL brings it back."

    def verify(self, db: MySQL) -> Verification:
        """Good once it is OFFLINE_SOFT everywhere and no connection to it is in use; long transactions keep theirs."""
        found = self._backends(db)
        if not found:
            return Verification(ok=False, says=f"{db.address} does not know {self._server}{self._where} any more.")
        serving = [f"{each.status} in hostgroup {each.hostgroup}" for each in found if each.status != DRAINED]
        if serving:
            return Verification(
                ok=False,
                says=f"{self._server} is {' and '.join(serving)} at {db.address}. Where mysql_servers says {DRAINED} "
                "already, it waits there for a LOAD.",
            )
        if isinstance(db, ProxySQL) and db.sees_configuration and (waiting := _waiting(db, _tables(db))):
            # An undo asks this before its LOAD, which would take over the edits of others as well.
            return Verification(ok=False, says=f"Edits wait in the configuration of {db.address} ({waiting}).")
        used = sum(each.used for each in found)
        if used:
            return Verification(
                ok=False,
                says=f"{self._server} is {DRAINED} at {db.address} and gets no new sessions, but {used} of its "
                "connections are still in use. Look for long transactions on it; it stays out until it is set ONLINE.",
                settled=False,
            )
        groups = ", ".join(str(each.hostgroup) for each in found)
        return Verification(
            ok=True, says=f"{self._server} is {DRAINED} in hostgroup {groups} at {db.address}, and idle."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """ONLINE again where it is drained now, and LOAD."""
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
            raise Refused(f"{self.host[:80]!r} is no name or address of a host.")
        seen = backends(db, server=self._server).backends
        return tuple(each for each in seen if self.hostgroup in (None, each.hostgroup))

    def _others(self, db: MySQL) -> list[Backend]:
        """The other servers that are ONLINE."""
        return [each for each in backends(db).online if each.server != self._server]

    def _to_drain(self, db: MySQL) -> list[Backend]:
        """Where it is not OFFLINE_SOFT yet; raises Refused where that is nowhere."""
        found = self._backends(db)
        if not found:
            raise Refused(
                f"{db.address} knows no server {self._server}{self._where}; name it as ProxySQL does, see "
                "proxysql.backends."
            )
        left = [each for each in found if each.status != DRAINED]
        if not left:
            raise Refused(
                f"{self._server} is {DRAINED}{self._where} at {db.address} already. Somebody took it out before; ask "
                "who works on it."
            )
        return left

    def _fits_the_configuration(self, db: ProxySQL, groups: list[int]) -> None:
        tables = _tables(db)
        waiting = _waiting(db, tables)
        if waiting:
            raise Refused(
                f"The configuration of {db.address} holds edits of its servers that are not in force ({waiting}), and "
                f"{LOAD} would put them into force. Finish that edit first, or take it back (SAVE MYSQL SERVERS FROM "
                "RUNTIME)."
            )
        listed = ", ".join(str(int(each)) for each in groups)
        writers = db.rows(
            f"SELECT writer_hostgroup FROM runtime_mysql_replication_hostgroups WHERE writer_hostgroup IN ({listed})"
        )
        if writers:
            raise Refused(
                f"Hostgroup {writers[0]['writer_hostgroup']} of {db.address} is one of writers, and a writer is not "
                "drained. Move the primary, or name the hostgroup of the readers."
            )
        for table in _MANAGED.keys() & tables:
            kind, names = _MANAGED[table]
            where = " OR ".join(f"{name}_hostgroup IN ({listed})" for name in names)
            if db.rows(f"SELECT writer_hostgroup FROM runtime_{table} WHERE {where}"):
                raise Refused(
                    f"The Monitor of {db.address} manages hostgroup {listed} by {kind}, and would bring {self._server} "
                    "back. Take it out in the cluster itself."
                )


def _tables(db: ProxySQL) -> set[str]:
    """Of what LOAD takes over, the tables that this version has."""
    named = {str(row["name"]) for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'", limit=500)}
    return {each for each in _LOADED if f"runtime_{each}" in named}


def _waiting(db: ProxySQL, tables: set[str]) -> str:
    """What stands in the configuration alone, or in the runtime alone, in a few words; '' where they are the same."""
    pairs = [(_SERVERS.format("mysql_servers"), _SERVERS.format("runtime_mysql_servers"))]
    pairs += [(f"* FROM {each}", f"* FROM runtime_{each}") for each in sorted(tables)]
    for memory, runtime in pairs:
        for here, there in ((memory, runtime), (runtime, memory)):
            found = db.rows(f"SELECT {here} EXCEPT SELECT {there}", limit=1)
            if found:
                return ", ".join(f"{name} {value}" for name, value in list(found[0].items())[:3])
    return ""
