"""Makes errant transactions of a replica known on the primary, as empty ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.writability import writability
from actions.sql_quoting import statement

MOST = 20
"""Transactions that are made known at once; more of them mean more than a slip."""
_PART = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?::[a-z_]\w{0,31})?)((?::\d+(?:-\d+)?)+)")


@dataclass(frozen=True)
class FixErrantGtid(Remediation):
    """Commits an empty transaction under each errant GTID on the primary, so that a failover does not ask for them.

    What the errant transactions wrote stays on the replica alone: this mends the sets, not the data.
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
        """Refuses MariaDB, a server that does not lead, more than the cap, and what the primary has already."""
        if db.version.is_mariadb:
            raise Refused("MariaDB's positions hold one number for each domain; an errant one is mended by a rebuild.")
        now = writability(db)
        if now.replicates or now.read_only:
            raise Refused(f"{db.address} is not the primary: it {'replicates' if now.replicates else 'is read-only'}.")
        wanted = expanded(self.gtids)
        if not 0 < len(wanted) <= MOST:
            raise Refused(f"{len(wanted)} transactions are named; 1 to {MOST} may be made known. Rebuild the replica.")
        if not self._missing(db):
            raise Refused(f"{db.address} has all of {self.gtids} already.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """An empty transaction for each GTID that the primary still lacks."""
        for gtid in expanded(self._missing(db)):
            yield statement("SET GTID_NEXT = {}", gtid)
            yield statement("BEGIN")
            yield statement("COMMIT")
        yield statement("SET GTID_NEXT = {}", "AUTOMATIC")

    def cost(self, db: MySQL) -> str:
        """What it does not mend."""
        return "What the errant transactions wrote stays on the replica alone; compare its tables with the primary's."

    def verify(self, db: MySQL) -> Verification:
        """Good when the primary has all of them."""
        missing = self._missing(db)
        says = f"{db.address} still lacks {missing}." if missing else f"{db.address} has all of {self.gtids}."
        return Verification(ok=not missing, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """What is executed stays executed, on the primary and on all its replicas."""
        raise NoUndo("an executed GTID stays executed, on the primary and on all its replicas")

    def _missing(self, db: MySQL) -> str:
        rows = db.rows("SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing", (self.gtids,))
        return str(rows[0]["missing"] or "").replace("\n", "")


def expanded(gtids: str) -> list[str]:
    """Every GTID of a set one by one, 21 at most; raises Refused for what is no set."""
    found: list[str] = []
    for part in filter(None, (each.strip() for each in gtids.split(","))):
        parsed = _PART.fullmatch(part)
        if parsed is None:
            raise Refused(f"{part[:60]!r} is not a part of a GTID set.")
        for interval in parsed[2].strip(":").split(":"):
            first, _, last = interval.partition("-")
            for number in range(int(first), int(last or first) + 1):
                if len(found) > MOST:
                    return found
                found.append(f"{parsed[1]}:{number}")
    return found
