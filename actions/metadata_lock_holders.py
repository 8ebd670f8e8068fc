"""Who holds a metadata lock on a table of a tablet's MySQL."""

from __future__ import annotations

from dataclasses import dataclass

from actions import killable_sessions
from actions.contract import Count, MySQL, Seconds
from actions.server_versions import processlist

THROUGH_VTGATE = "vt_app"
"""The user of a vttablet for the statements of clients; its other users are its own."""
HOLDERS = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """A session of a shard's primary that holds a metadata lock on a table."""

    tablet: str
    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    command: str
    idle: bool
    age: Seconds
    """Since its transaction began; 0 where it has none."""
    started: str
    """When its transaction began, in the server's own time; '' where it has none."""
    command_since: int
    """When its present command began, as Unix time of the server."""
    lock: str
    """SHARED_READ, SHARED_WRITE and so on."""
    rows_modified: Count
    statement: str
    """The one under way, literals as `?`; '' for an idle session."""
    through_vtgate: bool
    """Whether it is a client's, and not Vitess's own."""
    protected: str = ""
    """Why it is never ended from here, in a sentence; '' where it may be."""


def holders(db: MySQL, tablet: str, schema: str, table: str) -> tuple[Holder, ...]:
    """The sessions that hold a metadata lock on a table, the oldest transaction first, ours left out."""
    rows = db.rows(
        f"SELECT {killable_sessions.columns(db.version)}, p.HOST AS host, MAX(m.LOCK_TYPE) AS lock_type, "
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
        Holder(
            tablet=tablet,
            thread_id=session.thread_id,
            user=session.user,
            host=str(row["host"]).rsplit(":", 1)[0],
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
        for row, session in ((row, killable_sessions.from_row(row)) for row in rows)
    )
