"""Which sessions may be killed at all, and whether a session is still the one that was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import MySQL, Refused
from actions.text import normalise
from actions.versions import processlist

PROTECTED_USERS = ("system user", "event_scheduler", "mysql.session", "mariadb.sys", "firstmate", "repl", "backup")
"""Users, or parts of their names, whose sessions are never killed: the server's own, replication's, backups', ours."""
PROTECTED_COMMANDS = ("Binlog Dump", "Daemon", "Connect", "Slave", "Clone")
PROTECTED_STATEMENTS = (
    "ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE", "LOAD", "BACKUP", "FLUSH", "LOCK",
    "CLONE",
)  # fmt: skip
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

    @property
    def idle(self) -> bool:
        return self.command == "Sleep"


def read(db: MySQL, thread_id: int) -> Session | None:
    """Reads one session, or None when it is gone."""
    rows = db.rows(
        "SELECT p.ID AS id, p.USER AS user, p.COMMAND AS command, COALESCE(p.STATE, '') AS state, "
        "UNIX_TIMESTAMP() - p.TIME AS since, COALESCE(p.INFO, '') AS info, t.trx_started AS started, "
        "COALESCE(t.trx_rows_modified, 0) AS modified, COALESCE(t.trx_state, '') AS trx_state "
        f"FROM {processlist(db.version)} p LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID "
        "WHERE p.ID = %s",
        (thread_id,),
    )
    return _session(rows[0]) if rows else None


def refuse_protected(session: Session) -> None:
    """Raises Refused for a session that is never killed."""
    who = f"Session {session.thread_id} of {session.user}"
    if any(part in session.user.lower() for part in PROTECTED_USERS):
        raise Refused(f"{who} is protected: replication, backups, the server's own sessions and ours are never killed.")
    if session.command.startswith(PROTECTED_COMMANDS):
        raise Refused(f"{who} runs {session.command}, which is never killed.")
    if session.statement.upper().startswith(PROTECTED_STATEMENTS):
        raise Refused(f"{who} runs DDL or maintenance ({session.statement[:60]}), which is never killed from here.")
    if session.killed:
        raise Refused(f"{who} was killed already and is rolling back; wait for it, a second KILL helps nothing.")
    if session.rows_modified > MOST_ROWS_MODIFIED:
        raise Refused(
            f"{who} has modified {session.rows_modified:,} rows; rolling them back may take longer than it is worth. "
            "Ask its owner, or let it end."
        )


def _session(row: Mapping[str, Any]) -> Session:
    return Session(
        thread_id=int(row["id"]),
        user=str(row["user"]),
        command=str(row["command"]),
        command_since=int(row["since"]),
        statement=normalise(row["info"]),
        transaction_started=str(row["started"] or ""),
        rows_modified=int(row["modified"]),
        killed=row["command"] == "Killed" or "rolling back" in str(row["trx_state"]).lower(),
    )
