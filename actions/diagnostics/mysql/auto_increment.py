"""Which tables are about to exhaust their AUTO_INCREMENT column."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from actions.contract import Cost, Count, Flavour, MySQL, Percent, Row, Unreadable, diagnostic
from actions.ratios import percent
from actions.sql_quoting import placeholders
from actions.status_counters import on, variables

PLAIN = re.compile(r"\w+", re.ASCII)
BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
SHOWN = 10
MOST_TABLES = 200
"""Tables that are compared: those with the most inserts or, where these are not counted, the largest."""
MOST_OPENED = 50
"""The same in MySQL 5.7 and MariaDB, where comparing a table opens it."""
AT_ONCE = 25
"""Tables of one statement in MySQL 5.7 and MariaDB, which look up each by its name."""
OWN = ("mysql", "sys", "performance_schema", "information_schema")
INSERTED = f"""
SELECT OBJECT_SCHEMA AS db, OBJECT_NAME AS name FROM performance_schema.table_io_waits_summary_by_table
 WHERE OBJECT_TYPE = 'TABLE' AND COUNT_INSERT > 0 AND OBJECT_SCHEMA NOT IN ({placeholders(OWN)})
 ORDER BY COUNT_INSERT DESC LIMIT {MOST_TABLES + 1}
"""
LARGEST = f"""
SELECT database_name AS db, table_name AS name FROM mysql.innodb_table_stats
 WHERE database_name NOT IN ({placeholders(OWN)}) ORDER BY n_rows DESC LIMIT {MOST_TABLES + 1}
"""
COLUMNS = """
SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, COLUMN_NAME AS col, COLUMN_TYPE AS type
  FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN ({names}) AND EXTRA LIKE '%%auto_increment%%'
"""
NEXT = """
SELECT TABLE_NAME AS name, AUTO_INCREMENT AS next FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN ({names}) AND AUTO_INCREMENT IS NOT NULL
"""
ONE = """
SELECT t.TABLE_SCHEMA AS db, t.TABLE_NAME AS name, c.COLUMN_NAME AS col, c.COLUMN_TYPE AS type, t.AUTO_INCREMENT AS next
  FROM information_schema.TABLES t JOIN information_schema.COLUMNS c
 WHERE t.TABLE_SCHEMA = %s AND t.TABLE_NAME = %s AND t.AUTO_INCREMENT IS NOT NULL
   AND c.TABLE_SCHEMA = %s AND c.TABLE_NAME = %s AND c.EXTRA LIKE '%%auto_increment%%'
"""
REFERRING = """
SELECT f.FOR_NAME AS child, c.FOR_COL_NAME AS col
  FROM information_schema.{foreign} f JOIN information_schema.{columns} c ON c.ID = f.ID
 WHERE f.REF_NAME = %s AND c.REF_COL_NAME = %s LIMIT 10
"""
"""Columns with a foreign key to a column, from InnoDB's dictionary: KEY_COLUMN_USAGE would open every table in MySQL
5.7 and MariaDB, where it has no index by the table that is referred to."""
Table: TypeAlias = tuple[str, str]
"""A schema and a table."""


@dataclass(frozen=True, slots=True)
class AutoIncrementUse:
    """The AUTO_INCREMENT column of one table."""

    table: str
    """`schema.table`."""
    column: str
    """The AUTO_INCREMENT column."""
    type: str
    """Its type, such as `int unsigned`."""
    next: int
    """The next value."""
    most: int
    """The maximum of the column's type."""
    used: Percent
    """The next value as a share of the maximum."""
    referring: tuple[str, ...] = ()
    """Columns with a foreign key to it, as `schema.table.column`; 10 at most, and read for the fullest table only. None
    if they cannot be read, and for names other than of letters, digits and underscores."""


@dataclass(frozen=True, slots=True)
class AutoIncrement:
    """The tables whose AUTO_INCREMENT column is used the most, the fullest first."""

    tables: tuple[AutoIncrementUse, ...] = ()
    """Tables at or above the bound `above`; 10 at most."""
    known: Count = 0
    """Tables that were compared; a table into which nobody has inserted since the server started is not among them."""
    complete: bool = True
    """False if there are more tables than were compared: 200, or 50 in MySQL 5.7 and MariaDB."""

    @property
    def exhausted(self) -> tuple[AutoIncrementUse, ...]:
        """Tables that can take no new row."""
        return tuple(each for each in self.tables if each.next >= each.most)


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: (
            "PROCESS",
            "REFERENCES ON *.*",
            "SELECT ON performance_schema.*",
            "SELECT ON mysql.innodb_table_stats",
        ),
        Flavour.MARIADB: (
            "PROCESS",
            "REFERENCES ON *.*",
            "SELECT ON performance_schema.*",
            "SELECT ON mysql.innodb_table_stats",
        ),
    },
)
def auto_increment(db: MySQL, *, above: Percent = 50.0) -> AutoIncrement:
    """Compares the next AUTO_INCREMENT value of each table in use with the maximum of its column.

    `above` is the share from which a table is returned. A table runs out of values only while rows are inserted, so the
    tables with the most inserts since the start are compared; where performance_schema is off, those with the most
    rows. INNODB_TABLESTATS would open every table of the server; the
    data dictionary of MySQL 8.0 opens none, and MySQL 5.7 and MariaDB only those that are compared. Seeing a column
    needs a privilege on its table; REFERENCES allows reading no row.
    """
    dictionary = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    in_use, complete = _tables_in_use(db, MOST_TABLES if dictionary else MOST_OPENED)
    rows = list(_from_dictionary(db, in_use) if dictionary else _one_by_one(db, in_use))
    found = sorted((use for use in map(_use, rows) if use is not None), key=lambda each: -each.used)
    shown = [each for each in found if each.used >= above][:SHOWN]
    if shown:
        shown[0] = replace(shown[0], referring=_referring(db, shown[0]))
    return AutoIncrement(tuple(shown), len(found), complete)


def _referring(db: MySQL, use: AutoIncrementUse) -> tuple[str, ...]:
    """Returns the columns that refer to a column; InnoDB writes names with other characters in a form of its own."""
    schema, _, table = use.table.partition(".")
    if not (PLAIN.fullmatch(schema) and PLAIN.fullmatch(table)):
        return ()
    new = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    names = ("INNODB_FOREIGN", "INNODB_FOREIGN_COLS") if new else ("INNODB_SYS_FOREIGN", "INNODB_SYS_FOREIGN_COLS")
    try:
        rows = db.rows(
            REFERRING.format(foreign=names[0], columns=names[1]), (f"{schema}/{table}", use.column), limit=10
        )
    except Unreadable:
        return ()
    return tuple(f"{str(row['child']).replace('/', '.', 1)}.{row['col']}" for row in rows)


def _tables_in_use(db: MySQL, most: int) -> tuple[list[Table], bool]:
    """Returns the tables with inserts, the most first, or the largest ones; and whether these are all."""
    rows: list[Row] = []
    if on(variables(db, "performance_schema"), "performance_schema"):
        rows = db.rows(INSERTED, OWN, limit=most + 1)
    rows = rows or db.rows(LARGEST, OWN, limit=most + 1)
    # A partition has statistics of its own, and the values of its table.
    tables = list(dict.fromkeys((str(row["db"]), str(row["name"]).partition("#")[0]) for row in rows))
    return tables[:most], len(rows) <= most


def _from_dictionary(db: MySQL, tables: Sequence[Table]) -> Iterator[Row]:
    """Yields the columns with their next values, by schema: the data dictionary of MySQL 8.0 finds names by index."""
    schemas: defaultdict[str, list[str]] = defaultdict(list)
    for schema, name in tables:
        schemas[schema].append(name)
    for schema, names in schemas.items():
        listed, asked = placeholders(names), (schema, *names)
        columns = db.rows(COLUMNS.format(names=listed), asked, limit=MOST_TABLES)
        following = {str(row["name"]): row["next"] for row in db.rows(NEXT.format(names=listed), asked, limit=500)}
        for row in columns:
            if str(row["name"]) in following:
                yield {**row, "next": following[str(row["name"])]}


def _one_by_one(db: MySQL, tables: Sequence[Table]) -> Iterator[Row]:
    """Yields the same where information_schema opens what it lists: a lookup by its name touches one table."""
    for begin in range(0, len(tables), AT_ONCE):
        some = tables[begin : begin + AT_ONCE]
        names = [name for table in some for name in (*table, *table)]
        yield from db.rows(" UNION ALL ".join([ONE.strip()] * len(some)), names)


def _use(row: Row) -> AutoIncrementUse | None:
    most = greatest(str(row["type"]))
    if not most:
        return None
    upcoming = int(row["next"])
    used = percent(min(upcoming, most), most, digits=2)
    return AutoIncrementUse(f"{row['db']}.{row['name']}", str(row["col"]), str(row["type"]), upcoming, most, used)


def greatest(kind: str) -> int:
    """Returns the maximum of a column type such as `int(10) unsigned`; 0 for a type that is not an integer."""
    bits = BITS.get(kind.split("(")[0].split(" ")[0].lower())
    if bits is None:
        return 0
    return int(2**bits - 1) if "unsigned" in kind.lower() else int(2 ** (bits - 1) - 1)
