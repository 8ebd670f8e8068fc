"""What takes disk space: the largest tables, undo and temporary tablespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Row, diagnostic
from actions.status_counters import number, on, status, variables

LARGEST = 10
LARGEST_TABLES = f"""
SELECT database_name AS db, table_name AS name,
       (clustered_index_size + sum_of_other_index_sizes) * @@GLOBAL.innodb_page_size AS size
  FROM mysql.innodb_table_stats
 ORDER BY 3 DESC LIMIT {LARGEST}
"""
ALL_TABLES = """
SELECT COUNT(*) AS tables,
       COALESCE(SUM(clustered_index_size + sum_of_other_index_sizes), 0) * @@GLOBAL.innodb_page_size AS size
  FROM mysql.innodb_table_stats
"""
SHARED_MYSQL = """
SELECT FILE_TYPE AS kind, SUM(TOTAL_EXTENTS * EXTENT_SIZE) AS size FROM information_schema.FILES
 WHERE {which} GROUP BY FILE_TYPE
"""
BY_NAME = "TABLESPACE_NAME IN ('innodb_undo_001', 'innodb_undo_002', 'innodb_temporary')"
"""The tablespaces that every server has: their rows are found by their keys."""
BY_TYPE = "FILE_TYPE IN ('UNDO LOG', 'TEMPORARY')"
"""All of them: this reads the dictionary's record of every tablespace, and opens no file of the others."""
SHARED_MARIADB = """
SELECT IF(NAME = 'innodb_temporary', 'TEMPORARY', 'UNDO LOG') AS kind, SUM(FILE_SIZE) AS size
  FROM information_schema.INNODB_SYS_TABLESPACES
 WHERE NAME LIKE 'innodb_undo%' OR NAME = 'innodb_temporary' GROUP BY 1
"""
SESSIONS = """
SELECT ID AS id, SUM(SIZE) AS size FROM information_schema.INNODB_SESSION_TEMP_TABLESPACES
 WHERE STATE = 'ACTIVE' AND ID > 0 AND ID <> CONNECTION_ID() GROUP BY ID ORDER BY 2 DESC LIMIT 1
"""
ALL_SESSIONS = """
SELECT COALESCE(SUM(SIZE), 0) AS size FROM information_schema.INNODB_SESSION_TEMP_TABLESPACES
 WHERE STATE = 'ACTIVE' AND ID > 0 AND ID <> CONNECTION_ID()
"""


@dataclass(frozen=True, slots=True)
class TableSpace:
    """The space of one InnoDB table or partition."""

    name: str
    """`schema.table`, with the partition if there is one."""
    size: Bytes
    """Size of its rows and indexes; free space inside the file is not counted."""


@dataclass(frozen=True, slots=True)
class Tablespaces:
    """The largest InnoDB tables, and the space by kind."""

    EXACT: ClassVar[tuple[str, ...]] = ("undo", "temporary", "sessions", "busiest_session")

    largest: tuple[TableSpace, ...] = ()
    """The largest tables; 10 at most."""
    known: Count = 0
    """Tables and partitions whose size InnoDB has recorded."""
    tables: Bytes = 0
    """Size of these tables together."""
    undo: Bytes = 0
    """Size of the undo tablespaces."""
    temporary: Bytes = 0
    """Size of the shared temporary tablespace and those of sessions."""
    sessions: Bytes = 0
    """The part of `temporary` in the temporary tables of sessions (MySQL 8.0.16 and later)."""
    busiest_session: int = 0
    """The session that holds most of it; 0 for none."""
    complete: bool = True
    """False if InnoDB records the sizes of tables only on request (innodb_stats_persistent is off)."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON mysql.innodb_table_stats"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON mysql.innodb_table_stats"),
    },
)
def tablespaces(db: MySQL) -> Tablespaces:
    """Reads the sizes that InnoDB recorded for its tables, and those of the undo and temporary tablespaces.

    No table and no file of one is opened: INNODB_TABLESPACES would open each file, and MariaDB lists only those that
    are open already. The sizes are InnoDB's persistent statistics, renewed when a tenth of a table has changed (MySQL
    manual, Configuring Persistent Optimizer Statistics Parameters).
    """
    largest = db.rows(LARGEST_TABLES, limit=LARGEST)
    whole = db.rows(ALL_TABLES)[0]
    shared = _shared(db)
    held, sessions = _of_sessions(db)
    return Tablespaces(
        largest=tuple(TableSpace(f"{row['db']}.{row['name']}", int(row["size"])) for row in largest),
        known=int(whole["tables"]),
        tables=int(whole["size"]),
        undo=shared.get("UNDO LOG", 0),
        temporary=shared.get("TEMPORARY", 0) + sessions,
        sessions=sessions,
        busiest_session=int(held[0]["id"]) if held else 0,
        complete=on(variables(db, "innodb_stats_persistent"), "innodb_stats_persistent"),
    )


def _shared(db: MySQL) -> dict[str, int]:
    """Returns the size of the undo and the temporary tablespaces, by their type."""
    return {str(row["kind"]): int(row["size"] or 0) for row in db.rows(_shared_query(db))}


def _shared_query(db: MySQL) -> str:
    if db.version.is_mariadb:
        return SHARED_MARIADB
    explicit = "Innodb_undo_tablespaces_explicit"  # MySQL 8.0.14 and later
    found = status(db, explicit)
    which = BY_NAME if explicit in found and number(found, explicit) == 0 else BY_TYPE
    return SHARED_MYSQL.format(which=which)


def _of_sessions(db: MySQL) -> tuple[list[Row], int]:
    """Returns the session with the largest temporary tables, and the size of those of all sessions."""
    if db.version.is_mariadb or not db.version.at_least(8, 0, 16):
        return [], 0
    return db.rows(SESSIONS, limit=1), int(db.rows(ALL_SESSIONS)[0]["size"])
