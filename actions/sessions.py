"""Sessions of a server with their InnoDB transactions, read by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import MySQL, ServerVersion
from actions.server_versions import processlist
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise

DUMPS = "SELECT /*!40001 SQL_NO_CACHE */"
"""How mysqldump and mariadb-dump begin the SELECT of each table; a normalized statement no longer has the comment."""
TOLERANCE = 2
"""Seconds by which a time derived from the process list may be wrong, since it counts whole seconds."""


@dataclass(frozen=True, slots=True)
class Session:
    """The present state of a session."""

    thread_id: int
    user: str
    command: str
    command_since: int
    """When the present command began, as Unix time on the server."""
    statement: str
    transaction_started: str
    """'' if it has no InnoDB transaction."""
    rows_modified: int
    killed: bool
    query_id: int = 0
    """MariaDB's number of this statement; 0 in MySQL, which has none."""
    ours: bool = False
    """Whether it is this connection, or another connection of the same user."""
    dumps: bool = False
    """Whether it reads a table for a logical backup."""

    @property
    def idle(self) -> bool:
        return self.command == "Sleep"

    def runs_since(self, moment: int) -> bool:
        """Whether its present command began at this Unix time on the server, within TOLERANCE."""
        return abs(self.command_since - moment) <= TOLERANCE


def read(db: MySQL, thread_id: int) -> Session | None:
    """Reads one session; returns None if it has ended. See `read_all`."""
    found = read_all(db, (thread_id,))
    return found[0] if found else None


def read_all(db: MySQL, thread_ids: tuple[int, ...]) -> list[Session]:
    """Reads sessions in the order of their ids; sessions that have ended are left out.

    User, command and statement are current. InnoDB renews INNODB_TRX only if nobody has read it for 0.1 s, so its
    values are that old, and older while another client reads it more often (seen in MySQL 9.7 and MariaDB 10.11).
    """
    listed = placeholders(thread_ids)
    rows = db.rows(
        f"SELECT {columns(db.version)} FROM {processlist(db.version)} p "
        f"LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID WHERE p.ID IN ({listed}) "
        "ORDER BY p.ID",
        thread_ids,
        limit=len(thread_ids),
    )
    return [from_row(row) for row in rows]


def columns(version: ServerVersion) -> str:
    """Returns the columns that `from_row` needs, of a process list `p` joined with its transactions `t`."""
    query_id = "p.QUERY_ID" if version.is_mariadb else "0"
    return (
        f"p.ID AS id, p.USER AS user, p.COMMAND AS command, COALESCE(p.STATE, '') AS state, {query_id} AS qid, "
        "UNIX_TIMESTAMP() - COALESCE(p.TIME, 0) AS since, COALESCE(p.INFO, '') AS info, t.trx_started AS started, "
        "COALESCE(t.trx_rows_modified, 0) AS modified, COALESCE(t.trx_state, '') AS trx_state, "
        "p.ID = CONNECTION_ID() OR p.USER = SUBSTRING_INDEX(USER(), '@', 1) AS ours"
    )


def rollback_cost(db: MySQL, thread_id: int) -> str:
    """Returns a sentence that says how many rows the server rolls back if the session's transaction ends now."""
    session = read(db, thread_id)
    if session is None or not session.transaction_started:
        return "Nothing is rolled back."
    rows = session.rows_modified
    what = "1 modified row is" if rows == 1 else f"{rows:,} modified rows are"
    return f"{what} rolled back before its locks are released."


def from_row(row: Mapping[str, Any]) -> Session:
    """Builds the session from a row with the `columns`."""
    state = f"{row['state']} {row['trx_state']}".lower()
    return Session(
        thread_id=int(row["id"]),
        user=str(row["user"]),
        command=str(row["command"]),
        command_since=int(row["since"]),
        statement=normalise(row["info"]),
        transaction_started=str(row["started"] or ""),
        rows_modified=int(row["modified"]),
        killed=row["command"] == "Killed" or "rolling back" in state or "rollback" in state,
        query_id=int(row["qid"] or 0),
        ours=bool(row["ours"]),
        dumps=str(row["info"]).lstrip().startswith(DUMPS),
    )


def client_host(address: object) -> str:
    """Returns the host in the HOST column of a process list, without the client's port."""
    return str(address).rsplit(":", 1)[0]
