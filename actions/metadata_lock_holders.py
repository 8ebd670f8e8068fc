"""Sessions that hold a metadata lock on a table of a tablet's MySQL server."""

from __future__ import annotations

from dataclasses import dataclass

from actions import killable_sessions, sessions
from actions.contract import Count, MySQL, Seconds
from actions.server_versions import processlist

THROUGH_VTGATE = "vt_app"
"""The user with which a vttablet runs the statements of clients; its other users run its own statements."""
HOLDERS = 20
"""Sessions that are returned at most."""


@dataclass(frozen=True, slots=True)
class MetadataLockHolder:
    """A session of a shard's primary that holds a metadata lock on a table."""

    tablet: str
    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    """The account that the session logged in with."""
    host: str
    command: str
    idle: bool
    """Whether the session runs no statement (command `Sleep`)."""
    age: Seconds
    """Time since its transaction began; 0 if it has none."""
    started: str
    """When its transaction began, in the server's time zone; '' if it has none."""
    command_since: int
    """When its present command began, as Unix time on the server."""
    lock: str
    """The type of the lock: SHARED_READ, SHARED_WRITE and so on."""
    rows_modified: Count
    """Rows that its transaction has modified, which a rollback would undo."""
    statement: str
    """The statement that it runs, with literals as `?`; '' for an idle session."""
    through_vtgate: bool
    """Whether it belongs to a client, rather than to Vitess itself."""
    protected: str = ""
    """Why Firstmate never ends it, in a sentence; '' if it may be ended."""


def metadata_lock_holders(db: MySQL, tablet: str, schema: str, table: str) -> tuple[MetadataLockHolder, ...]:
    """Returns the sessions that hold a metadata lock on a table, the oldest transaction first."""
    rows = db.rows(
        f"SELECT {sessions.columns(db.version)}, p.HOST AS host, MAX(m.LOCK_TYPE) AS lock_type, "
        "COALESCE(TIMESTAMPDIFF(SECOND, MAX(t.trx_started), NOW()), 0) AS age "
        "FROM performance_schema.metadata_locks m "
        "JOIN performance_schema.threads h ON h.THREAD_ID = m.OWNER_THREAD_ID "
        f"JOIN {processlist(db.version)} p ON p.ID = h.PROCESSLIST_ID "
        "LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID "
        "WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = %s AND m.OBJECT_NAME = %s AND m.LOCK_STATUS = 'GRANTED' "
        "AND p.ID <> CONNECTION_ID() "
        "GROUP BY p.ID, p.USER, p.HOST, p.COMMAND, p.STATE, p.TIME, p.INFO, t.trx_started, t.trx_rows_modified, "
        f"t.trx_state ORDER BY age DESC, p.ID LIMIT {HOLDERS}",
        (schema, table),
    )
    return tuple(
        MetadataLockHolder(
            tablet=tablet,
            thread_id=session.thread_id,
            user=session.user,
            host=sessions.client_host(row["host"]),
            command=session.command,
            idle=session.idle,
            age=float(row["age"]),
            started=session.transaction_started,
            command_since=session.command_since,
            lock=str(row["lock_type"]),
            rows_modified=session.rows_modified,
            statement=session.statement,
            through_vtgate=session.user == THROUGH_VTGATE,
            protected=killable_sessions.protection(session),
        )
        for row, session in ((row, sessions.from_row(row)) for row in rows)
    )
