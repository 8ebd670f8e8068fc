"""How the server goes about a statement that runs now."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic


@dataclass(frozen=True, slots=True)
class TableAccess:
    """How one table is read."""

    table: str
    type: str
    """`ALL` reads the whole table, `index` the whole index."""
    key: str
    rows: Count
    """Rows that the server expects to look at."""
    extra: str


@dataclass(frozen=True, slots=True)
class ExplainStatement:
    """The plan of a statement, table by table."""

    accesses: tuple[TableAccess, ...] = ()

    @property
    def full_scans(self) -> tuple[TableAccess, ...]:
        """Tables that are read whole, the largest first; those of a few rows are left out."""
        found = [each for each in self.accesses if each.type in ("ALL", "index") and each.rows > 1000]
        return tuple(sorted(found, key=lambda each: -each.rows))


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS", "SELECT ON *.*"), Flavour.MARIADB: ("PROCESS",)})
def explain_statement(db: MySQL, *, thread_id: int) -> ExplainStatement:
    """Asks for the plan of a running statement with EXPLAIN FOR CONNECTION, which runs nothing.

    MySQL wants SELECT on the tables of the statement besides PROCESS (error 1045 without); MariaDB, which takes the
    same statement since 10.9, wants PROCESS alone. A session that runs no statement with a plan has none (1933, 3012).
    """
    shape = "" if db.version.is_mariadb else "FORMAT=TRADITIONAL "
    rows = db.rows(f"EXPLAIN {shape}FOR CONNECTION {int(thread_id)}", limit=50)
    return ExplainStatement(
        tuple(
            TableAccess(
                table=str(row.get("table") or ""),
                type=str(row.get("type") or ""),
                key=str(row.get("key") or ""),
                rows=int(row.get("rows") or 0),
                extra=str(row.get("Extra") or "")[:200],
            )
            for row in rows
        )
    )
