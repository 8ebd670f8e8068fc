"""Adds the errant GTIDs of a replica to the primary, as empty transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.writability import writability
from actions.gtid_set_parser import parse_gtid_set
from actions.sql_quoting import statement

MOST = 20
"""Transactions that may be added at once; more of them indicate a larger problem."""


@dataclass(frozen=True)
class FixErrantGtid(Remediation):
    """Commits an empty transaction for each errant GTID on the primary, so that a failover does not request them.

    The rows that the errant transactions wrote stay on the replica only: this fixes the sets, not the data.
    """

    gtids: str
    """The errant set, as the diagnostics return it."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: (
            "PROCESS",
            "REPLICATION CLIENT",
            "SELECT ON performance_schema.*",
            "SYSTEM_VARIABLES_ADMIN",
        ),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses MariaDB, a server that is not the primary, more than 20 GTIDs, and those that the primary already
        has."""
        if db.version.is_mariadb:
            raise Refused(
                "A MariaDB GTID position has one number for each domain, so an errant transaction cannot be added. "
                "Rebuild the replica."
            )
        now = writability(db)
        if now.replicates or now.read_only:
            raise Refused(f"{db.address} is not the primary: it {'replicates' if now.replicates else 'is read-only'}.")
        wanted = expanded(self.gtids)
        if not wanted:
            raise Refused("The errant set is empty; there is nothing to add.")
        if len(wanted) > MOST:
            raise Refused(
                f"The errant set has more than {MOST} transactions; at most {MOST} can be added. Rebuild the replica "
                "instead."
            )
        if not self._missing(db):
            raise Refused(f"{db.address} already has all of {self.gtids}.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """An empty transaction for each GTID that the primary still lacks."""
        for gtid in expanded(self._missing(db)):
            yield statement("SET GTID_NEXT = {}", gtid)
            yield statement("BEGIN")
            yield statement("COMMIT")
        yield statement("SET GTID_NEXT = {}", "AUTOMATIC")

    def cost(self, db: MySQL) -> str:
        """What it does not fix."""
        return (
            "The rows that the errant transactions wrote stay on the replica only; compare its tables with the "
            "primary's."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when the primary has all of them."""
        missing = self._missing(db)
        says = f"{db.address} still lacks {missing}." if missing else f"{db.address} has all of {self.gtids}."
        return Verification(ok=not missing, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: executed GTIDs stay executed, on the primary and all its replicas."""
        raise NoUndo("executed GTIDs stay executed, on the primary and all its replicas")

    def _missing(self, db: MySQL) -> str:
        rows = db.rows("SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing", (self.gtids,))
        return str(rows[0]["missing"] or "").replace("\n", "")


def expanded(gtids: str) -> list[str]:
    """Returns every GTID of a set one by one, 21 at most; raises Refused for text that is not a GTID set."""
    try:
        intervals = parse_gtid_set(gtids)
    except ValueError as error:
        raise Refused(f"{error}.") from error
    return list(islice((gtid for each in intervals for gtid in each.gtids), MOST + 1))
