"""Which sessions may be killed: the protected ones, and the reason for each."""

from __future__ import annotations

from fnmatch import fnmatchcase

from actions.contract import Refused
from actions.sessions import Session

PROTECTED_USERS = (
    "system user", "event_scheduler", "mysql.", "mariadb.sys", "firstmate", "repl", "backup", "dump", "vt_dba",
    "vt_filtered",
)  # fmt: skip
"""Users, or parts of their names, whose sessions are never killed: internal users of the server, replication, backups,
the users of a vttablet, and Firstmate."""
PROTECTED_COMMANDS = ("Binlog Dump", "Daemon", "Connect", "Slave", "Clone", "Register")
PROTECTED_STATEMENTS = (
    "ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE", "LOAD", "BACKUP", "FLUSH", "LOCK",
    "CLONE", "CHECK", "CHECKSUM", "GRANT", "REVOKE", "STOP", "START", "RESET", "CHANGE", "PURGE", "XA", "SET STATEMENT",
)  # fmt: skip
"""Statements that are never killed: their effect cannot be rolled back, or they belong to replication or a backup."""
MOST_STATEMENTS = 500
"""Statements of one shape that one change may kill; the rest needs another plan, after a look at what these left."""
MOST_ROWS_MODIFIED = 100_000
"""Modified rows above which a rollback costs more than the kill gains."""


def protection(session: Session) -> str:
    """Returns the sentence that says why a session is never killed; '' if it may be."""
    try:
        refuse_protected(session)
    except Refused as refused:
        return str(refused)
    return ""


def refuse_protected(session: Session, only_users: str = "") -> None:
    """Raises Refused for a session that is never killed, or whose user matches none of `only_users`.

    `only_users` holds patterns such as `report*, batch`; '' allows every user that is not protected.
    """
    who = f"Session {session.thread_id} of {session.user}"
    if session.ours or any(part in session.user.lower() for part in PROTECTED_USERS):
        raise Refused(
            f"{who} is protected: sessions of replication, backups, the server itself and Firstmate are never killed."
        )
    patterns = [pattern.strip() for pattern in only_users.split(",") if pattern.strip()]
    if patterns and not any(fnmatchcase(session.user, pattern) for pattern in patterns):
        raise Refused(
            f"{who} may not be killed here: the runbook allows only the users {only_users}. Ask the session's owner."
        )
    if session.command.startswith(PROTECTED_COMMANDS):
        raise Refused(f"{who} runs the command {session.command}, which is never killed.")
    if session.dumps:
        raise Refused(f"{who} reads a table for a backup, which a kill would make unusable. Ask the session's owner.")
    if session.statement.upper().startswith(PROTECTED_STATEMENTS):
        raise Refused(f"{who} runs DDL or maintenance ({session.statement[:60]}), which Firstmate never kills.")
    if session.killed:
        raise Refused(
            f"{who} was killed already and is rolling back. Wait until the rollback ends; a second KILL has no effect."
        )
    if session.rows_modified > MOST_ROWS_MODIFIED:
        raise Refused(
            f"{who} has modified {session.rows_modified:,} rows (limit {MOST_ROWS_MODIFIED:,}); the rollback may take "
            "longer than waiting. Ask the session's owner, or let it finish."
        )
