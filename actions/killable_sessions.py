"""Which sessions may be killed at all, and whether a session is still the one that was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from actions.contract import MySQL, Refused, ServerVersion
from actions.redaction import normalise
from actions.server_versions import processlist

PROTECTED_USERS = (
    "system user", "event_scheduler", "mysql.", "mariadb.sys", "firstmate", "repl", "backup", "dump", "vt_dba",
    "vt_filtered",
)  # fmt: skip
"""Users, or parts of their names, whose sessions are never killed: the server's own, replication's, backups', a
vttablet's own, ours."""
PROTECTED_COMMANDS = ("Binlog Dump", "Daemon", "Connect", "Slave", "Clone", "Register")
PROTECTED_STATEMENTS = (
    "ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE", "LOAD", "BACKUP", "FLUSH", "LOCK",
    "CLONE", "CHECK", "CHECKSUM", "GRANT", "REVOKE", "STOP", "START", "RESET", "CHANGE", "PURGE", "XA", "SET STATEMENT",
)  # fmt: skip
"""Statements that are never killed: what they began cannot be rolled back, or belongs to replication or a backup."""
DUMPS = "SELECT /*!40001 SQL_NO_CACHE */"
"""How mysqldump and mariadb-dump begin each table; the comment is gone from a normalised statement."""
MOST_ROWS_MODIFIED = 100_000
"""Modified rows above which a rollback costs more than it mends."""
TOLERANCE = 2
"""Seconds; the process list counts whole ones."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is now."""

    thread_id: int
    user: str
    command: str
    command_since: int
    """Unix time of the server when the present command began."""
    statement: str
    transaction_started: str
    """'' where it has no InnoDB transaction."""
    rows_modified: int
    killed: bool
    query_id: int = 0
    """MariaDB's number of this very statement; 0 in MySQL, which has none."""
    ours: bool = False
    """Whether it is this connection, or another one of its user."""
    dumps: bool = False
    """Whether it reads a table for a logical backup."""

    @property
    def idle(self) -> bool:
        return self.command == "Sleep"

    def runs_since(self, moment: int) -> bool:
        """Whether its present command began at this Unix time of the server."""
        return abs(self.command_since - moment) <= TOLERANCE


def read(db: MySQL, thread_id: int) -> Session | None:
    """Reads one session, or None when it is gone; see `read_all`."""
    found = read_all(db, (thread_id,))
    return found[0] if found else None


def read_all(db: MySQL, thread_ids: tuple[int, ...]) -> list[Session]:
    """Reads sessions, in the order of their ids; those that are gone are left out.

    User, command and statement are of this moment. InnoDB's own table is renewed only when nobody has read it for
    0.1 s, so it is that old, and older while somebody reads it more often (seen in MySQL 9.7 and MariaDB 10.11).
    """
    listed = ", ".join(["%s"] * len(thread_ids))
    rows = db.rows(
        f"SELECT {columns(db.version)} FROM {processlist(db.version)} p "
        f"LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID WHERE p.ID IN ({listed}) "
        "ORDER BY p.ID",
        thread_ids,
    )
    return [from_row(row) for row in rows]


def columns(version: ServerVersion) -> str:
    """What `from_row` wants to know of a process list `p` with its transactions `t`."""
    query_id = "p.QUERY_ID" if version.is_mariadb else "0"
    return (
        f"p.ID AS id, p.USER AS user, p.COMMAND AS command, COALESCE(p.STATE, '') AS state, {query_id} AS qid, "
        "UNIX_TIMESTAMP() - COALESCE(p.TIME, 0) AS since, COALESCE(p.INFO, '') AS info, t.trx_started AS started, "
        "COALESCE(t.trx_rows_modified, 0) AS modified, COALESCE(t.trx_state, '') AS trx_state, "
        "p.ID = CONNECTION_ID() OR p.USER = SUBSTRING_INDEX(USER(), '@', 1) AS ours"
    )


def protection(session: Session) -> str:
    """Why a session is never killed, in a sentence; '' where it may be."""
    try:
        refuse_protected(session)
    except Refused as refused:
        return str(refused)
    return ""


def refuse_protected(session: Session, only_users: str = "") -> None:
    """Raises Refused for a session that is never killed, or whose user is none of `only_users`.

    `only_users` are patterns such as `report*, batch`; '' means any user that is not protected.
    """
    who = f"Session {session.thread_id} of {session.user}"
    if session.ours or any(part in session.user.lower() for part in PROTECTED_USERS):
        raise Refused(f"{who} is protected: replication, backups, the server's own sessions and ours are never killed.")
    patterns = [pattern.strip() for pattern in only_users.split(",") if pattern.strip()]
    if patterns and not any(fnmatchcase(session.user, pattern) for pattern in patterns):
        raise Refused(f"{who} is not of a user that may be killed here ({only_users}); ask its owner.")
    if session.command.startswith(PROTECTED_COMMANDS):
        raise Refused(f"{who} runs {session.command}, which is never killed.")
    if session.dumps:
        raise Refused(f"{who} reads a table for a backup, which would be void; find its owner.")
    if session.statement.upper().startswith(PROTECTED_STATEMENTS):
        raise Refused(f"{who} runs DDL or maintenance ({session.statement[:60]}), which is never killed from here.")
    if session.killed:
        raise Refused(f"{who} was killed already and is rolling back; wait for it, a second KILL helps nothing.")
    if session.rows_modified > MOST_ROWS_MODIFIED:
        raise Refused(
            f"{who} has modified {session.rows_modified:,} rows; rolling them back may take longer than it is worth. "
            "Ask its owner, or let it end."
        )


def rollback_cost(db: MySQL, thread_id: int) -> str:
    """What ending the session's transaction costs the server, as it is now."""
    session = read(db, thread_id)
    if session is None or not session.transaction_started:
        return "Nothing is rolled back."
    rows = session.rows_modified
    what = "1 modified row is" if rows == 1 else f"{rows:,} modified rows are"
    return f"{what} rolled back before its locks are free."


def from_row(row: Mapping[str, Any]) -> Session:
    """The session of a row with the `columns`."""
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
