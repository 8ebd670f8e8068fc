"""Makes a writable replica read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.writability import Writability, writability
from actions.sql_quoting import statement


@dataclass(frozen=True)
class SetReadOnly(Remediation):
    """Sets super_read_only, or read_only if the server lacks it, on a server that replicates now."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    under_vitess: ClassVar[str] = (
        "VTOrc sets read_only on each tablet by its type. If it does not, run the runbook vitess/shard."
    )
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: (
            "PROCESS",
            "REPLICATION CLIENT",
            "SELECT ON performance_schema.*",
            "SYSTEM_VARIABLES_ADMIN",
            "CONNECTION_ADMIN",
        ),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR", "READ_ONLY ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a server that may be the primary, and one that is read-only already.

        It may be the primary if it does not replicate now, although a stopped replication is still configured, or if
        other servers read its binary log.
        """
        now = writability(db)
        if now.stopped:
            raise Refused(
                f"The replication of {db.address} from {now.source} is stopped: it may have been promoted, and all its "
                "writes would fail. If it is a replica, start its replication first; if it is the primary, run RESET "
                "REPLICA ALL (RESET SLAVE ALL in MariaDB) on it."
            )
        if not now.replicates:
            raise Refused(
                f"{db.address} does not replicate: it may be the primary, and all its writes would fail. Demote it "
                "with a failover, or by hand once you are sure that another server accepts the writes."
            )
        if now.writable and now.connected_replicas:
            raise Refused(
                f"Servers replicate from {db.address} ({now.connected_replicas} connected): it may be their primary, "
                "and all its writes would fail. If it is a replica, set read_only by hand."
            )
        if self._done(now):
            raise Refused(f"{db.address} is already read-only.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL super_read_only, which also sets read_only; it waits at most 2 s for open transactions."""
        name = "read_only" if writability(db).super_read_only is None else "super_read_only"
        yield statement(f"SET GLOBAL {name} = {{}}", 1)

    def cost(self, db: MySQL) -> str:
        """What fails afterwards."""
        return f"Every write to {db.address} fails, except those of replication."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the server accepts no writes."""
        done = self._done(writability(db))
        return Verification(ok=done, says=f"{db.address} {'is read-only' if done else 'still accepts writes'}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Restores both settings: super_read_only first, since setting it also sets read_only."""
        now = writability(db)
        if now.super_read_only is not None:
            yield statement("SET GLOBAL super_read_only = {}", now.super_read_only)
        yield statement("SET GLOBAL read_only = {}", now.read_only)

    def _done(self, now: Writability) -> bool:
        return now.read_only and now.super_read_only is not False
