"""Which tables have neither a primary key nor another unique key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic

WITHOUT_KEY = """
SELECT t.TABLE_SCHEMA AS db, t.TABLE_NAME AS name, COALESCE(t.TABLE_ROWS, 0) AS n
  FROM information_schema.TABLES t
  LEFT JOIN information_schema.TABLE_CONSTRAINTS c
    ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
   AND c.CONSTRAINT_TYPE IN ('PRIMARY KEY', 'UNIQUE')
 WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.CONSTRAINT_TYPE IS NULL
   AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
 ORDER BY 3 DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class TableWithoutKey:
    """A table without a unique key."""

    table: str
    """`schema.table`."""
    rows: Count
    """Rows of the table, estimated."""


@dataclass(frozen=True, slots=True)
class TablesWithoutPrimaryKey:
    """Tables without a unique key, the largest first: a replica that applies row events reads the whole table for each
    changed row."""

    EXACT: ClassVar[tuple[str, ...]] = ("tables",)

    tables: tuple[TableWithoutKey, ...] = ()
    """The tables; 20 at most."""
    complete: bool = True
    """False if there may be more than the 20 largest."""


@diagnostic(cost=Cost.HIGH, needs={Flavour.MYSQL: ("REFERENCES ON *.*",), Flavour.MARIADB: ("REFERENCES ON *.*",)})
def tables_without_primary_key(db: MySQL) -> TablesWithoutPrimaryKey:
    """Searches the tables that the reader may see; MariaDB, and MySQL before 8.0, open each of them."""
    rows = db.rows(WITHOUT_KEY, costly=True)
    found = tuple(TableWithoutKey(f"{r['db']}.{r['name']}", int(r["n"])) for r in rows)
    return TablesWithoutPrimaryKey(found, len(found) < 20)
