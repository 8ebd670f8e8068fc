"""Which tables have neither a primary key nor another unique one."""

from __future__ import annotations

from dataclasses import dataclass

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
    """A table without a key."""

    table: str
    rows: Count
    """As the server estimates."""


@dataclass(frozen=True, slots=True)
class TablesWithoutPrimaryKey:
    """The tables, the largest first: a replica that applies rows reads all of one for each row that changed."""

    tables: tuple[TableWithoutKey, ...] = ()


@diagnostic(cost=Cost.HIGH, needs={Flavour.MYSQL: ("REFERENCES ON *.*",), Flavour.MARIADB: ("REFERENCES ON *.*",)})
def tables_without_primary_key(db: MySQL) -> TablesWithoutPrimaryKey:
    """Looks through all tables that the reader may know of; MariaDB, and MySQL before 8.0, opens each of them."""
    rows = db.rows(WITHOUT_KEY, costly=True)
    return TablesWithoutPrimaryKey(tuple(TableWithoutKey(f"{r['db']}.{r['name']}", int(r["n"])) for r in rows))
