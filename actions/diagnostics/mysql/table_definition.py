"""The columns and indexes of one table, to be compared with those on the other members of a shard."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, diagnostic

COLUMNS = """
SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION
"""
INDEXES = """
SELECT INDEX_NAME AS name, MAX(NON_UNIQUE) AS not_unique,
       GROUP_CONCAT(COALESCE(COLUMN_NAME, '(an expression)') ORDER BY SEQ_IN_INDEX) AS columns
  FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s GROUP BY INDEX_NAME ORDER BY 1
"""
DISPLAY_WIDTH = re.compile(r"(int|year)\(\d+\)")
"""MySQL 8.0.19 and later leave it out, so that it tells no tables apart."""


@dataclass(frozen=True, slots=True)
class TablePart:
    """A column or an index of the table."""

    name: str
    """`column NAME` or `index NAME`."""
    definition: str
    """Its type, or its columns."""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """The definition of a table on one server."""

    address: str = ""
    """`host:port` of the server."""
    table: str = ""
    """`schema.table`; '' if no table was asked for."""
    exists: bool = False
    """Whether the server has the table, and Firstmate's user sees it."""
    parts: tuple[TablePart, ...] = ()
    """Its columns and indexes; defaults, collations, foreign keys and triggers are not read."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("REFERENCES ON *.*",), Flavour.MARIADB: ("REFERENCES ON *.*",)})
def table_definition(db: MySQL, *, schema: str, table: str) -> TableDefinition:
    """Reads the columns and indexes of one table from information_schema, which opens that table only."""
    if not schema or not table:
        return TableDefinition(db.address)
    columns = db.rows(COLUMNS, (schema, table), limit=4096)
    indexes = db.rows(INDEXES, (schema, table), limit=128)
    parts = [TablePart(f"column {row['name']}", _column(str(row["type"]), str(row["nullable"]))) for row in columns]
    parts += [TablePart(f"index {row['name']}", _index(str(row["columns"]), int(row["not_unique"]))) for row in indexes]
    return TableDefinition(db.address, f"{schema}.{table}", bool(columns), tuple(parts))


def _column(kind: str, nullable: str) -> str:
    return DISPLAY_WIDTH.sub(r"\1", kind) + ("" if nullable == "YES" else " NOT NULL")


def _index(columns: str, not_unique: int) -> str:
    return ("" if not_unique else "unique ") + f"({columns})"
