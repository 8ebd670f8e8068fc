"""Makes a replica read-only that takes writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.writability import Writability, writability
from actions.sql_quoting import statement


@dataclass(frozen=True)
class SetReadOnly(Remediation):
    """Sets super_read_only, or read_only where the server has no such thing, on a server that follows a source."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    under_vitess: ClassVar[str] = (
        "VTOrc sets read_only of each tablet by its type; while it does not, vitess.set_writable with writable false "
        "does it."
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
        """Refuses a server that follows nobody, since it may be the primary, and one that is read-only already."""
        now = writability(db)
        if not now.replicates:
            raise Refused(
                f"{db.address} follows no source: it may be the primary, whose writes would all fail. Demote it by a "
                "failover, or by hand once it is sure that another one takes the writes."
            )
        if self._done(now):
            raise Refused(f"{db.address} is read-only already.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL super_read_only, which sets read_only, too; it waits for no open transaction longer than 2 s."""
        name = "read_only" if writability(db).super_read_only is None else "super_read_only"
        yield statement(f"SET GLOBAL {name} = {{}}", 1)

    def cost(self, db: MySQL) -> str:
        """Who loses by it."""
        return f"Every write to {db.address} fails from then on, but for replication's."

    def verify(self, db: MySQL) -> Verification:
        """Good while the server takes no writes."""
        done = self._done(writability(db))
        return Verification(ok=done, says=f"{db.address} {'takes no writes' if done else 'still takes writes'}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Sets what is set now: super_read_only first, since setting it sets read_only."""
        now = writability(db)
        if now.super_read_only is not None:
            yield statement("SET GLOBAL super_read_only = {}", now.super_read_only)
        yield statement("SET GLOBAL read_only = {}", now.read_only)

    def _done(self, now: Writability) -> bool:
        return now.read_only and now.super_read_only is not False
