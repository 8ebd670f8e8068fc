"""The execution plan of a running statement."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic


@dataclass(frozen=True, slots=True)
class TableAccess:
    """How one table is read."""

    table: str
    type: str
    """The access type: `ALL` reads the whole table, `index` the whole index."""
    key: str
    """The index that is used; '' for none."""
    rows: Count
    """Rows that the optimizer expects to examine."""
    extra: str
    """EXPLAIN's Extra column."""


@dataclass(frozen=True, slots=True)
class ExplainStatement:
    """The plan of a statement, table by table."""

    accesses: tuple[TableAccess, ...] = ()
    """The tables in the order in which they are read."""

    @property
    def full_scans(self) -> tuple[TableAccess, ...]:
        """Tables that are read completely, the largest first; those of 1000 rows or fewer are left out."""
        found = [each for each in self.accesses if each.type in ("ALL", "index") and each.rows > 1000]
        return tuple(sorted(found, key=lambda each: -each.rows))


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS", "SELECT ON *.*"), Flavour.MARIADB: ("PROCESS",)})
def explain_statement(db: MySQL, *, thread_id: int) -> ExplainStatement:
    """Reads the plan of the statement that session `thread_id` is running, with EXPLAIN FOR CONNECTION.

    EXPLAIN does not run the statement. MySQL requires SELECT on its tables besides PROCESS (else error 1045); MariaDB,
    which has the same syntax since 10.9, requires only PROCESS. A session that runs no statement with a plan gives
    error 1933 or 3012.
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
