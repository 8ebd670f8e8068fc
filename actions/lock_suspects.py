"""Sessions that may hold what the server does not record: suspicions, which are listed and never killed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from actions.blocking_sessions import Holder, lock_in_words, read_sessions
from actions.contract import Count, MySQL, Row, Seconds, Unreadable
from actions.row_lock_queues import MOST_SUSPECTS, RowWaits
from actions.server_versions import processlist
from actions.session_waits import WaitKind, kind_of
from actions.sql_quoting import placeholders

UNRECORDED = ("table_flush", "table_lock")
"""Kinds whose holders no server records."""
WORK_FIRST = ("ALTER", "CREATE", "OPTIMIZE", "REPAIR", "ANALYZE")
"""DDL that runs for a while before it waits for its last lock, so that its run time says nothing about its wait."""
CLIENTS = "p.ID <> CONNECTION_ID() AND p.USER NOT IN ('system user', 'event_scheduler')"
RECORDING = """
SELECT COUNT(*) AS enabled FROM performance_schema.setup_instruments
 WHERE NAME = 'wait/lock/metadata/sql/mdl' AND ENABLED = 'YES'
"""
OPEN_TABLES = """
SELECT t.PROCESSLIST_ID AS id, CONCAT(m.OBJECT_SCHEMA, '.', m.OBJECT_NAME) AS name, m.LOCK_TYPE AS lock_type
  FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
 WHERE m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID IS NOT NULL
   AND m.OBJECT_SCHEMA NOT IN ('performance_schema', 'information_schema', 'mysql', 'sys')
 LIMIT 1000
"""
LOCK_TABLES = ("SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE")
"""Locks with which LOCK TABLES keeps tables open between statements."""


def records_metadata_locks(db: MySQL) -> bool:
    """Whether the server records metadata locks now. Locks that were taken before it began to are not in the record."""
    if not db.version.performance_schema:
        return False
    try:
        rows = db.rows(RECORDING)
    except Unreadable:
        return False
    return bool(rows) and int(rows[0]["enabled"]) > 0


def row_suspects(db: MySQL, rows: RowWaits) -> list[Holder]:
    """Returns the sessions that may hold the rows that others wait for."""
    return [_suspect(each, "row", rows.waiting) for each in read_sessions(db, rows.suspects).values()]


def table_suspects(db: MySQL, by_kind: Mapping[str, WaitKind], behind: Count, recorded: bool) -> list[Holder]:
    """Returns the sessions that use tables for longer than the first one waits for a flush or a table lock.

    Where metadata locks are recorded, these are the sessions with tables open, those of the waiting statements if any
    has one of these open, and the tables are named. `behind` are sessions that wait for those that wait.
    """
    unrecorded = [by_kind[kind] for kind in UNRECORDED if kind in by_kind]
    if not unrecorded:
        return []
    waiting = sum(each.sessions for each in unrecorded) + behind
    since = max(each.longest for each in unrecorded)
    tables, locking = _open_tables(db) if recorded else ({}, ())
    running = _using_tables(db, since, locking)
    if recorded:
        wanted = {name for each in _waiting_for_tables(db) for name in tables.get(each, ())}
        running = [each for each in running if tables.get(each)]
        running = [each for each in running if wanted & tables[each].keys()] or running
    kind = unrecorded[0].kind
    found = read_sessions(db, running[:MOST_SUSPECTS])
    return [_suspect(each, kind, waiting, ", ".join([*tables.get(key, ())][:3])) for key, each in found.items()]


def metadata_suspects(db: MySQL, sessions: Count, waiting: Sequence[tuple[Seconds, str]]) -> list[Holder]:
    """Returns the sessions in transactions that wait for nothing and are not younger than the first waiter.

    A metadata lock lasts until its transaction ends, so each of them may hold it. The waiting statements tell nothing
    about which: all transactions that have used the table are alike. `waiting` is from `read_metadata_statements`.
    """
    found = read_sessions(db, [int(row["id"]) for row in _transactions(db, _first_wait(waiting))][:MOST_SUSPECTS])
    return [_suspect(each, "metadata", sessions) for each in found.values()]


def unrecorded_transactions(db: MySQL, waiting: Sequence[tuple[Seconds, str]]) -> bool:
    """Whether a transaction that may be the holder has no recorded lock at all, so that the record has a gap.

    A transaction that has used a table holds its metadata lock until its end. One without any began before the
    instrument was enabled. On MySQL 8, which records from its start, only a transaction that has locked rows proves it:
    a consistent snapshot alone has no lock (mysqldump between two tables).
    """
    tables, _ = _open_tables(db)
    proof = not db.version.is_mariadb and db.version.at_least(8, 0, 1)
    rows = (row for row in _transactions(db, _first_wait(waiting)) if not proof or int(row["locked"]) > 0)
    return any(int(row["id"]) not in tables for row in rows)


def suspected(holder: Holder) -> Holder:
    """Returns a holder as a suspect, which is never killed."""
    return replace(holder, inferred=True, kill="")


def _suspect(holder: Holder, kind: str, waiting: int, name: str = "") -> Holder:
    return replace(holder, kind=kind, lock=lock_in_words(kind, ""), object=name, waiting=waiting, inferred=True)


def _open_tables(db: MySQL) -> tuple[dict[int, dict[str, None]], tuple[int, ...]]:
    """Returns the tables on which each session has a recorded lock, and the sessions that have LOCK TABLES."""
    try:
        rows = db.rows(OPEN_TABLES, limit=1000)
    except Unreadable:
        return {}, ()
    tables: dict[int, dict[str, None]] = {}
    for row in rows:
        tables.setdefault(int(row["id"]), {})[str(row["name"])] = None
    locking = {int(row["id"]): None for row in rows if row["lock_type"] in LOCK_TABLES}
    return tables, tuple(locking)


def _using_tables(db: MySQL, since: float, locking: Sequence[int]) -> list[int]:
    """Returns the sessions that have run a statement for at least so long or have locked tables, the longest first."""
    also = f"OR p.ID IN ({placeholders(locking)})" if locking else ""
    rows = db.rows(
        f"SELECT p.ID AS id, p.STATE AS state FROM {processlist(db.version)} p "
        f"WHERE (p.COMMAND IN ('Query', 'Execute') AND p.TIME >= %s {also}) AND {CLIENTS} "
        "ORDER BY p.TIME DESC LIMIT 200",
        (max(0, int(since) - 1), *locking),
    )
    return [int(row["id"]) for row in rows if not kind_of(row["state"])]


def _waiting_for_tables(db: MySQL) -> list[int]:
    rows = db.rows(
        f"SELECT ID AS id, STATE AS state FROM {processlist(db.version)} "
        "WHERE STATE LIKE 'Waiting for table%' LIMIT 200"
    )
    return [int(row["id"]) for row in rows if kind_of(row["state"]) in UNRECORDED]


def _transactions(db: MySQL, since: float) -> list[Row]:
    """Returns the transactions that wait for nothing and began at least so long ago, the oldest first."""
    rows: Iterable[Row] = db.rows(
        "SELECT p.ID AS id, p.STATE AS state, t.trx_rows_locked + t.trx_rows_modified AS locked "
        f"FROM information_schema.INNODB_TRX t JOIN {processlist(db.version)} p ON p.ID = t.trx_mysql_thread_id "
        f"WHERE t.trx_state = 'RUNNING' AND {CLIENTS} AND TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) >= %s "
        "ORDER BY t.trx_started LIMIT 50",
        (max(0, int(since) - 1),),
    )
    return [row for row in rows if not kind_of(row["state"])]


def _first_wait(waiting: Sequence[tuple[Seconds, str]]) -> Seconds:
    """Returns for how long a session has waited for a metadata lock at least."""
    return next((time for time, statement in waiting if not statement.upper().startswith(WORK_FIRST)), 0.0)
