"""Which sessions wait for row locks, and which sessions hold them."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, ServerVersion, diagnostic
from actions.server_versions import processlist
from actions.sessions import client_host
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise

MOST_ROWS_LOCKED = 1_000_000
"""Locked rows above which the waits are not read: before the releases of October 2024, reading data_locks could freeze
InnoDB on a server with many locks (MySQL bug 112035)."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds row locks for which others wait, and that waits for none itself."""

    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    """The client's host."""
    command: str
    """Its command; `Sleep` for a session that holds its locks while idle."""
    idle: bool
    """Whether it runs no statement."""
    age: Seconds
    """Time since its transaction began."""
    command_for: Seconds
    """Time for which it has been in its present command."""
    started: str
    """When its transaction began, in the server's time zone."""
    command_since: int
    """When its present command began, as Unix time on the server."""
    rows_modified: Count
    """Rows that a rollback would have to restore."""
    statement: str
    """The statement that it runs, with literals as `?`; '' for an idle session."""
    waiting: Count
    """Sessions that wait for it."""


@dataclass(frozen=True, slots=True)
class LockWaits:
    """The waits for row locks, and the sessions at their roots, the one with the most waiters first."""

    waiting: Count = 0
    """Sessions that wait for a row lock."""
    longest: Seconds = 0.0
    """Duration of the longest wait."""
    blockers: tuple[Blocker, ...] = ()
    """The sessions at the roots of the waits."""
    waiting_statements: tuple[str, ...] = ()
    """The statements that wait, with literals as `?`; 5 at most."""
    applier_waits: bool = False
    """Whether the replication applier is waiting."""
    behind_prepared: Count = 0
    """Waits for prepared (XA) transactions without a session."""
    read: bool = True
    """False if the waits were not read because too many rows are locked."""


WAITS_MYSQL = """
SELECT r.trx_mysql_thread_id AS waiter, b.trx_mysql_thread_id AS blocker,
       COALESCE(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), 0) AS waited, r.trx_query AS statement
  FROM performance_schema.data_lock_waits w
  JOIN information_schema.INNODB_TRX r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID
  JOIN information_schema.INNODB_TRX b ON b.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID
 LIMIT 200
"""
WAITS_OLDER = """
SELECT r.trx_mysql_thread_id AS waiter, b.trx_mysql_thread_id AS blocker,
       COALESCE(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), 0) AS waited, r.trx_query AS statement
  FROM information_schema.INNODB_LOCK_WAITS w
  JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
  JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
 LIMIT 200
"""


def query(version: ServerVersion) -> str:
    """Returns the statement for a version: MySQL 8.0.1 removed INNODB_LOCK_WAITS; MariaDB still has it."""
    return WAITS_MYSQL if not version.is_mariadb and version.at_least(8, 0, 1) else WAITS_OLDER


@diagnostic(
    cost=Cost.HIGH,
    gated=True,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def lock_waits(db: MySQL) -> LockWaits:
    """Reads the waits for row locks, and follows them to the sessions that wait for none.

    The waits are not read if the server's counter shows none, or if more than 1,000,000 rows are locked.
    """
    gate = db.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    if not gate or int(gate[0]["Value"]) == 0:
        return LockWaits()
    locked = db.rows("SELECT COALESCE(SUM(trx_rows_locked), 0) AS locked FROM information_schema.INNODB_TRX")
    if int(locked[0]["locked"]) > MOST_ROWS_LOCKED:
        return LockWaits(waiting=int(gate[0]["Value"]), read=False)
    waits = db.rows(query(db.version), costly=True)
    waiters = {int(row["waiter"]) for row in waits}
    roots = {int(row["blocker"]) for row in waits} - waiters - {0}  # 0: a prepared transaction without a session
    counts = {root: sum(int(row["blocker"]) == root for row in waits) for root in roots}
    blockers = sorted(_blockers(db, counts), key=lambda b: (-b.waiting, -b.age))
    return LockWaits(
        waiting=len(waiters),
        longest=max((float(row["waited"]) for row in waits), default=0.0),
        blockers=tuple(blockers),
        waiting_statements=tuple(sorted({normalise(row["statement"]) for row in waits} - {""}))[:5],
        applier_waits=_applier_waits(db, waiters),
        behind_prepared=sum(int(row["blocker"]) == 0 for row in waits),
    )


def _applier_waits(db: MySQL, waiters: set[int]) -> bool:
    """Whether a session of the replication applier is among the waiters."""
    if not waiters:
        return False
    listed = placeholders(waiters)
    rows = db.rows(
        f"SELECT ID AS id FROM {processlist(db.version)} WHERE ID IN ({listed}) AND USER = 'system user' LIMIT 1",
        tuple(sorted(waiters)),
    )
    return bool(rows)


def _blockers(db: MySQL, counts: dict[int, int]) -> list[Blocker]:
    if not counts:
        return []
    rows = db.rows(
        "SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command, p.TIME AS time, "
        "UNIX_TIMESTAMP() - COALESCE(p.TIME, 0) AS since, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS age, "
        "t.trx_started AS started, t.trx_rows_modified AS modified, COALESCE(p.INFO, '') AS statement "
        f"FROM information_schema.INNODB_TRX t JOIN {processlist(db.version)} p ON p.ID = t.trx_mysql_thread_id "
        f"WHERE p.ID IN ({placeholders(counts)}) LIMIT 50",
        tuple(counts),
    )
    return [
        Blocker(
            thread_id=int(row["id"]),
            user=str(row["user"]),
            host=client_host(row["host"]),
            command=str(row["command"]),
            idle=row["command"] == "Sleep",
            age=float(row["age"]),
            command_for=float(row["time"] or 0),
            started=str(row["started"]),
            command_since=int(row["since"]),
            rows_modified=int(row["modified"]),
            statement=normalise(row["statement"]),
            waiting=counts[int(row["id"])],
        )
        for row in rows
    ]
