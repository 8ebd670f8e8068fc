"""Renews the index statistics of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.long_queries import long_queries
from actions.sql_quoting import identifier, statement

LONG = 10.0
"""Seconds from which a running statement on the table prevents the change."""
_ON_TABLE = ("SELECT ON mysql.innodb_table_stats", "SELECT, INSERT ON *.*")


@dataclass(frozen=True)
class AnalyzeTable(Remediation):
    """Renews the statistics of one table, without replicating the statement."""

    database: str
    table: str
    updated_before: str = ""
    """When its statistics were last renewed, as the diagnostics return it; '' if unknown."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", *_ON_TABLE),
        Flavour.MARIADB: ("PROCESS", *_ON_TABLE),
    }

    def check(self, db: MySQL) -> None:
        """Refuses while a long statement uses the table: before MySQL 8.0.24 all later ones would queue behind it."""
        named = re.compile(rf"(?<![\w$]){re.escape(self.table)}(?![\w$])")
        for query in long_queries(db, older_than=LONG).queries:
            if named.search(query.statement):
                raise Refused(
                    f"Session {query.thread_id} of {query.user} has used {self.table} for {query.running_for:g} s. "
                    "ANALYZE would flush the table, and all later statements would wait for that session; let it "
                    "finish first."
                )
        self._updated(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ANALYZE NO_WRITE_TO_BINLOG TABLE, which reads a few pages of each index."""
        yield statement(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {identifier(self.database)}.{identifier(self.table)}")

    def cost(self, db: MySQL) -> str:
        """What may follow."""
        return "Every plan that uses the table is computed again; most improve, but one may become worse."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when the statistics are newer than before."""
        now = self._updated(db)
        return Verification(
            ok=now > self.updated_before, says=f"The statistics of {self.database}.{self.table} were renewed at {now}."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: the former statistics are not kept."""
        raise NoUndo("the former statistics are not kept")

    def _updated(self, db: MySQL) -> str:
        rows = db.rows(
            "SELECT last_update AS at FROM mysql.innodb_table_stats WHERE database_name = %s AND table_name = %s",
            (self.database, self.table),
        )
        if not rows:
            raise Refused(
                f"{db.address} has no persistent statistics of {self.database}.{self.table}; check the names."
            )
        return str(rows[0]["at"])
