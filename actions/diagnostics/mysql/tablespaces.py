"""What takes disk space: the largest tables, undo and temporary tablespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from actions.contract import Bytes, Cost, Flavour, MySQL, ServerVersion, diagnostic

Kind: TypeAlias = Literal["table", "undo", "temporary", "system"]
LARGEST = 10


@dataclass(frozen=True, slots=True)
class Tablespace:
    """One InnoDB file."""

    name: str
    """`schema.table` with its partition, or the server's own name."""
    kind: Kind
    """What the file holds."""
    size: Bytes


@dataclass(frozen=True, slots=True)
class Tablespaces:
    """The largest InnoDB files, and the space by kind."""

    largest: tuple[Tablespace, ...] = ()
    """The largest tables; 10 at most."""
    tables: Bytes = 0
    """Size of the tables among the thousand largest files."""
    undo: Bytes = 0
    """Size of the undo tablespaces."""
    temporary: Bytes = 0
    """Size of the shared temporary tablespace and those of sessions."""
    sessions: Bytes = 0
    """The part of `temporary` in the temporary tables of sessions (MySQL 8.0.16 and later)."""
    busiest_session: int = 0
    """The session that holds most of it; 0 for none."""


SESSIONS = """
SELECT ID AS id, SUM(SIZE) AS size FROM information_schema.INNODB_SESSION_TEMP_TABLESPACES
 WHERE STATE = 'ACTIVE' AND ID > 0 AND ID <> CONNECTION_ID() GROUP BY ID ORDER BY 2 DESC LIMIT 100
"""


def query(version: ServerVersion) -> str:
    """Returns the statement for a version: INNODB_TABLESPACES since MySQL 8.0, INNODB_SYS_TABLESPACES before and in
    MariaDB."""
    new = not version.is_mariadb and version.at_least(8, 0, 0)
    table = "INNODB_TABLESPACES" if new else "INNODB_SYS_TABLESPACES"
    return f"SELECT NAME AS name, FILE_SIZE AS size FROM information_schema.{table} ORDER BY FILE_SIZE DESC LIMIT 1000"


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def tablespaces(db: MySQL) -> Tablespaces:
    """Reads the sizes of InnoDB's files, which opens no table and needs no privilege on one."""
    rows = db.rows(query(db.version), limit=1000)
    found = [Tablespace(_name(str(r["name"])), _kind(str(r["name"])), int(r["size"] or 0)) for r in rows]
    held = []
    if not db.version.is_mariadb and db.version.at_least(8, 0, 16):
        held = db.rows(SESSIONS, limit=100)
    sessions = sum(int(row["size"]) for row in held)
    return Tablespaces(
        largest=tuple(each for each in found if each.kind == "table")[:LARGEST],
        tables=sum(each.size for each in found if each.kind == "table"),
        undo=sum(each.size for each in found if each.kind == "undo"),
        temporary=sum(each.size for each in found if each.kind == "temporary") + sessions,
        sessions=sessions,
        busiest_session=int(held[0]["id"]) if held else 0,
    )


def _kind(name: str) -> Kind:
    if "undo" in name and "/" not in name:
        return "undo"
    if "temp" in name and "/" not in name:
        return "temporary"
    return "table" if "/" in name else "system"


def _name(name: str) -> str:
    return name.replace("/", ".", 1)
