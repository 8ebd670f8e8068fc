"""Which tables are about to exhaust their AUTO_INCREMENT column."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Percent, diagnostic
from actions.ratios import percent

BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
SHOWN = 10
COLUMNS = """
SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, COLUMN_NAME AS col, COLUMN_TYPE AS type
  FROM information_schema.COLUMNS
 WHERE EXTRA LIKE '%auto_increment%'
   AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
 LIMIT 1000
"""


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


@dataclass(frozen=True, slots=True)
class AutoIncrement:
    """The tables whose AUTO_INCREMENT column is used the most, the fullest first."""

    tables: tuple[AutoIncrementUse, ...] = ()
    """Tables at or above the bound `above`; 10 at most."""
    known: Count = 0
    """Tables that were compared; a table that has not been opened since the server started is not among them."""

    @property
    def exhausted(self) -> tuple[AutoIncrementUse, ...]:
        """Tables that can take no new row."""
        return tuple(each for each in self.tables if each.next >= each.most)


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "REFERENCES ON *.*"), Flavour.MARIADB: ("PROCESS", "REFERENCES ON *.*")},
)
def auto_increment(db: MySQL, *, above: Percent = 50.0) -> AutoIncrement:
    """Compares the next AUTO_INCREMENT value of each open table with the maximum of its column.

    `above` is the share from which a table is returned. The next value is InnoDB's own (INNODB_TABLESTATS); that of
    information_schema.TABLES may be a day old in MySQL 8 (information_schema_stats_expiry). Seeing a column needs a
    privilege on its table; REFERENCES allows reading no row.
    """
    new = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    stats = "INNODB_TABLESTATS" if new else "INNODB_SYS_TABLESTATS"
    numbers = db.rows(
        f"SELECT NAME AS name, AUTOINC AS next FROM information_schema.{stats} WHERE AUTOINC > 50 "
        "ORDER BY AUTOINC DESC LIMIT 1000",
        limit=1000,
    )
    following = {str(row["name"]).split("#")[0].lower(): int(row["next"]) for row in reversed(numbers)}
    found = []
    for row in db.rows(COLUMNS, limit=1000):
        upcoming = following.get(f"{row['db']}/{row['name']}".lower())
        most = greatest(str(row["type"]))
        if upcoming is not None and most:
            used = percent(min(upcoming, most), most, digits=2)
            found.append(
                AutoIncrementUse(f"{row['db']}.{row['name']}", str(row["col"]), str(row["type"]), upcoming, most, used)
            )
    found.sort(key=lambda each: -each.used)
    return AutoIncrement(tuple(each for each in found if each.used >= above)[:SHOWN], len(found))


def greatest(kind: str) -> int:
    """Returns the maximum of a column type such as `int(10) unsigned`; 0 for a type that is not an integer."""
    bits = BITS.get(kind.split("(")[0].split(" ")[0].lower())
    if bits is None:
        return 0
    return int(2**bits - 1) if "unsigned" in kind.lower() else int(2 ** (bits - 1) - 1)
