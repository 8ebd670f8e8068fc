"""Which sessions wait for metadata locks, and which sessions hold them."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Row, Seconds, Unreadable, diagnostic
from actions.server_versions import processlist
from actions.sessions import client_host
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise


@dataclass(frozen=True, slots=True)
class MetadataLockBlocker:
    """A session that holds a metadata lock for which others wait, and that waits for none itself."""

    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    """The client's host."""
    command: str
    """Its command in the process list."""
    idle: bool
    """Whether it runs no statement."""
    age: Seconds
    """Time since its transaction began; 0 if it has none."""
    started: str
    """When its transaction began, in the server's time zone; '' if it has none."""
    command_for: Seconds
    """Time for which it has been in its present command."""
    command_since: int
    """When its present command began, as Unix time on the server."""
    rows_modified: Count
    """Rows that a rollback would have to restore."""
    statement: str
    """The statement that it runs, with literals as `?`; '' for an idle session."""
    inferred: bool
    """True if the server does not record metadata locks, and this is the oldest open transaction."""


@dataclass(frozen=True, slots=True)
class MetadataLockWaits:
    """The waits for metadata locks, and the sessions at their roots, the oldest transaction first."""

    waiting: Count = 0
    """Sessions that wait for a metadata lock."""
    longest: Seconds = 0.0
    """Duration of the longest wait."""
    object: str = ""
    """`schema.table` of the lock; '' if the server does not report it."""
    ddl: str = ""
    """A DDL statement that waits; all later statements on the table queue behind it. '' if none waits."""
    holders: tuple[MetadataLockBlocker, ...] = ()
    """The sessions at the roots of the waits; 20 at most."""
    applier_waits: bool = False
    """Whether the replication applier is waiting."""


HOLDS = """
SELECT p.OBJECT_SCHEMA AS object_schema, p.OBJECT_NAME AS object_name, pt.PROCESSLIST_ID AS waiter,
       gt.PROCESSLIST_ID AS holder
  FROM performance_schema.metadata_locks p
  JOIN performance_schema.metadata_locks g
    ON g.OBJECT_TYPE = p.OBJECT_TYPE AND g.OBJECT_SCHEMA = p.OBJECT_SCHEMA AND g.OBJECT_NAME = p.OBJECT_NAME
   AND g.LOCK_STATUS = 'GRANTED' AND g.OWNER_THREAD_ID <> p.OWNER_THREAD_ID
  JOIN performance_schema.threads pt ON pt.THREAD_ID = p.OWNER_THREAD_ID
  JOIN performance_schema.threads gt ON gt.THREAD_ID = g.OWNER_THREAD_ID
 WHERE p.LOCK_STATUS = 'PENDING' AND p.OBJECT_TYPE = 'TABLE' AND gt.PROCESSLIST_ID IS NOT NULL
 LIMIT 500
"""
DDL = ("ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE")


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def metadata_lock_waits(db: MySQL) -> MetadataLockWaits:
    """Reads the waits for metadata locks, and follows them to the sessions that wait for none.

    performance_schema.metadata_locks is filled by default since MySQL 8.0; before that, and on MariaDB, its instrument
    is off. The oldest open transaction that does not wait is then returned as the likely holder, with `inferred` true.
    """
    sessions = db.rows(
        f"SELECT ID AS id, USER AS user, TIME AS time, INFO AS info FROM {processlist(db.version)} "
        "WHERE STATE = 'Waiting for table metadata lock' ORDER BY TIME DESC LIMIT 200"
    )
    if not sessions:
        return MetadataLockWaits()
    waiting = {int(row["id"]) for row in sessions}
    statements = [normalise(row["info"]) for row in sessions]
    held = _waits_with_holders(db)
    roots = {int(row["holder"]) for row in held} - waiting
    holders = _holders(db, roots, waiting)
    names = {f"{row['object_schema']}.{row['object_name']}" for row in held}
    return MetadataLockWaits(
        waiting=len(waiting),
        longest=float(sessions[0]["time"] or 0),
        object=", ".join(sorted(names)[:3]),
        ddl=next((s for s in statements if s.upper().startswith(DDL)), ""),
        holders=holders,
        applier_waits=any(row["user"] == "system user" for row in sessions),
    )


def _waits_with_holders(db: MySQL) -> list[Row]:
    """Returns waits with their holders; none if the instrument is off or the table cannot be read."""
    try:
        return db.rows(HOLDS, limit=500)
    except Unreadable:
        if db.version.is_mariadb:
            return []
        raise


def _holders(db: MySQL, roots: set[int], waiting: set[int]) -> tuple[MetadataLockBlocker, ...]:
    """Returns the sessions at the roots; if none is known, the oldest open transaction that does not wait."""
    known = bool(roots)
    # A transaction that waits for a row lock is not a root, however old it is.
    guessed = "AND t.trx_state = 'RUNNING' "
    ids = sorted(roots or waiting)
    where = f"p.ID {'IN' if known else 'NOT IN'} ({placeholders(ids)})"
    rows = db.rows(
        "SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command, p.TIME AS time, "
        "UNIX_TIMESTAMP() - COALESCE(p.TIME, 0) AS since, t.trx_started AS started, "
        "COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), 0) AS age, "
        "COALESCE(t.trx_rows_modified, 0) AS modified, COALESCE(p.INFO, '') AS statement "
        f"FROM {processlist(db.version)} p {'LEFT' if known else ''} JOIN information_schema.INNODB_TRX t "
        f"ON t.trx_mysql_thread_id = p.ID WHERE {where} AND p.ID <> CONNECTION_ID() "
        f"AND p.USER NOT IN ('system user', 'event_scheduler') {'' if known else guessed}"
        f"ORDER BY age DESC, started LIMIT {20 if known else 1}",
        tuple(ids),
    )
    return tuple(
        MetadataLockBlocker(
            thread_id=int(row["id"]),
            user=str(row["user"]),
            host=client_host(row["host"]),
            command=str(row["command"]),
            idle=row["command"] == "Sleep",
            age=float(row["age"]),
            started=str(row["started"] or ""),
            command_for=float(row["time"] or 0),
            command_since=int(row["since"]),
            rows_modified=int(row["modified"]),
            statement=normalise(row["statement"]),
            inferred=not known,
        )
        for row in rows
    )
