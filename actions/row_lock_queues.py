"""Reads who waits for row locks, and who holds them, on any version and with any number of waiters.

A transaction waits for every transaction before it in the queue of a row, so n waiters have about n²/2 edges in
performance_schema.data_lock_waits, and a limit on the edges hides the holder. Up to MOST_EDGES waiters, the edges are
aggregated by waiter in SQL. With more, MySQL 8 gives the rows with the most waiters and their holders from data_locks;
older versions and MariaDB give the transactions that hold row locks and do not wait, as suspects. So does MySQL 8
without performance_schema for any number of waiters, since nothing else says who holds a lock there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from actions.contract import Count, MySQL, Row, Seconds
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise
from actions.wait_roots import Queue

ROW = "row"
MOST_EDGES = 100
"""Waiters above which their edges are not read."""
MOST_SUSPECTS = 5
MOST_RECORDS = 10
"""Rows with the most waiters whose holders are read when there are more waiters than MOST_EDGES."""
CHEAP_ROWS_LOCKED = 10_000
"""Locked rows up to which reading the locks costs little, so that it may be repeated at any time."""
MOST_ROWS_LOCKED = 1_000_000
"""Locked rows above which the locks are not read: before the releases of October 2024, reading data_locks could freeze
InnoDB on a server with many locks (MySQL bug 112035)."""


@dataclass(frozen=True, slots=True)
class RowWaits:
    """The waits for row locks of a server."""

    waiting: Count = 0
    """Transactions that wait for a row lock."""
    longest: Seconds = 0.0
    queues: tuple[Queue, ...] = ()
    waits_in: Mapping[int, Sequence[Queue]] = field(default_factory=dict)
    statements: tuple[str, ...] = ()
    """The statements that wait, with literals as `?`; 5 at most."""
    suspects: tuple[int, ...] = ()
    """Sessions that may be the holders, where the server does not say who is."""
    read: bool = True
    """False if the locks were not read because too many rows are locked."""
    complete: bool = True
    """False if not every waiter was followed to its holder."""


WAITING = """
SELECT COUNT(*) AS waiting, COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_wait_started, NOW())), 0) AS longest
  FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'
"""
STATEMENTS = """
SELECT DISTINCT LEFT(trx_query, 500) AS statement FROM information_schema.INNODB_TRX
 WHERE trx_state = 'LOCK WAIT' AND trx_query IS NOT NULL LIMIT 20
"""
EDGES_MYSQL = """
SELECT REQUESTING_ENGINE_TRANSACTION_ID AS waiter, JSON_ARRAYAGG(BLOCKING_ENGINE_TRANSACTION_ID) AS holders
  FROM performance_schema.data_lock_waits GROUP BY REQUESTING_ENGINE_TRANSACTION_ID
"""
EDGES_OLDER = """
SELECT requesting_trx_id AS waiter, GROUP_CONCAT(blocking_trx_id) AS holders
  FROM information_schema.INNODB_LOCK_WAITS GROUP BY requesting_trx_id
"""
OBJECTS_MYSQL = """
SELECT ENGINE_TRANSACTION_ID AS waiter, MAX(CONCAT(OBJECT_SCHEMA, '.', OBJECT_NAME)) AS object
  FROM performance_schema.data_locks WHERE LOCK_STATUS = 'WAITING' GROUP BY ENGINE_TRANSACTION_ID
"""
OBJECTS_OLDER = """
SELECT t.trx_id AS waiter, REPLACE(l.lock_table, '`', '') AS object
  FROM information_schema.INNODB_TRX t JOIN information_schema.INNODB_LOCKS l ON l.lock_id = t.trx_requested_lock_id
"""
RECORDS = f"""
SELECT OBJECT_SCHEMA AS object_schema, OBJECT_NAME AS object_name, INDEX_NAME AS index_name, LOCK_DATA AS lock_data,
       LOCK_MODE AS lock_mode, COUNT(*) AS waiting
  FROM performance_schema.data_locks WHERE LOCK_STATUS = 'WAITING'
 GROUP BY OBJECT_SCHEMA, OBJECT_NAME, INDEX_NAME, LOCK_DATA, LOCK_MODE ORDER BY waiting DESC LIMIT {MOST_RECORDS}
"""
GRANTED = """
SELECT DISTINCT COALESCE(t.PROCESSLIST_ID, 0) AS holder, g.LOCK_MODE AS lock_mode
  FROM performance_schema.data_locks g LEFT JOIN performance_schema.threads t ON t.THREAD_ID = g.THREAD_ID
 WHERE g.LOCK_STATUS = 'GRANTED' AND g.OBJECT_SCHEMA <=> %s AND g.OBJECT_NAME <=> %s
   AND g.INDEX_NAME <=> %s AND g.LOCK_DATA <=> %s
"""
ONLY_READING = """
SELECT trx_mysql_thread_id AS session, trx_state = 'LOCK WAIT' AS waits, trx_rows_locked AS locked
  FROM information_schema.INNODB_TRX WHERE trx_id = 0 AND trx_rows_locked > 0 LIMIT 200
"""
SUSPECTS = """
SELECT trx_mysql_thread_id AS holder FROM information_schema.INNODB_TRX
 WHERE trx_state <> 'LOCK WAIT' AND trx_rows_locked > 0 ORDER BY trx_started LIMIT 5
"""


def read_row_waits(db: MySQL) -> RowWaits:
    """Reads the waits for row locks; nothing costly is read while nobody waits. Raises Unreadable."""
    gate = db.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    if not gate or int(gate[0]["Value"]) == 0:
        return RowWaits()
    counted = db.rows(WAITING)[0]
    waiting, longest = int(counted["waiting"]), float(counted["longest"])
    if not waiting:
        return RowWaits()
    statements = tuple(sorted({normalise(row["statement"]) for row in db.rows(STATEMENTS)} - {""}))[:5]
    sums = db.rows("SELECT COALESCE(SUM(trx_rows_locked), 0) AS locked FROM information_schema.INNODB_TRX")
    locked = int(sums[0]["locked"])
    costly = locked > CHEAP_ROWS_LOCKED
    if locked > MOST_ROWS_LOCKED:
        return RowWaits(waiting, longest, statements=statements, read=False, complete=False)
    if _replaced_by_data_locks(db) and not db.version.performance_schema:
        suspects = tuple(int(row["holder"]) for row in db.rows(SUSPECTS))
        return RowWaits(waiting, longest, statements=statements, suspects=suspects, complete=False)
    if waiting <= MOST_EDGES:
        return _by_waiter(db, longest, statements, costly)
    if _replaced_by_data_locks(db):
        return _by_record(db, waiting, longest, statements, costly)
    return _by_elimination(db, waiting, longest, statements)


def _replaced_by_data_locks(db: MySQL) -> bool:
    """Whether the server has data_locks: MySQL 8.0.1 replaced INNODB_LOCK_WAITS with it; MariaDB has the old tables.

    Without performance_schema, data_locks is empty while sessions wait, and there is no other table.
    """
    return not db.version.is_mariadb and db.version.at_least(8, 0, 1)


def _by_waiter(db: MySQL, longest: float, statements: tuple[str, ...], costly: bool) -> RowWaits:
    """Returns a queue for each waiter, with all that it waits for.

    Transactions are joined to sessions here: in SQL, each edge would search InnoDB's tables, which have no index.
    """
    modern = _replaced_by_data_locks(db)
    rows = db.rows(EDGES_MYSQL if modern else EDGES_OLDER, limit=MOST_EDGES * 2, costly=costly)
    edges = {int(row["waiter"]): _ids(row["holders"]) for row in rows}
    objects = db.rows(OBJECTS_MYSQL if modern else OBJECTS_OLDER, limit=MOST_EDGES * 2) if edges else []
    named = {int(row["waiter"]): str(row["object"] or "") for row in objects}
    session = _sessions(db, {*edges, *(each for held in edges.values() for each in held)} - {0})
    without_id = db.version.is_mariadb and (0 in edges or any(0 in held for held in edges.values()))
    reading = _only_reading(db) if without_id else _OnlyReading()
    if len(reading.holders) == 1:
        session[0] = reading.holders[0]
    waiters = {
        each: reading.waiters if each == 0 else (session[each],) for each in edges if each == 0 or each in session
    }
    queues = {
        waiting: Queue(
            ROW,
            named.get(waiter, "") if len(sessions) == 1 else "",
            1,
            tuple({session[each] for each in edges[waiter] if each in session} - {waiting}),
        )
        for waiter, sessions in waiters.items()
        for waiting in sessions
    }
    unsure = len(reading.holders) > 1 and any(0 in held for held in edges.values())
    return RowWaits(
        waiting=len(queues),
        longest=longest if queues else 0.0,
        queues=tuple(queues.values()),
        waits_in={waiter: [queue] for waiter, queue in queues.items()},
        statements=statements if queues else (),
        suspects=reading.holders[:MOST_SUSPECTS] if unsure else (),
        complete=not unsure,
    )


@dataclass(frozen=True, slots=True)
class _OnlyReading:
    """The sessions whose transactions only read: those that wait for a row, and those that may hold one."""

    waiters: tuple[int, ...] = ()
    holders: tuple[int, ...] = ()


def _only_reading(db: MySQL) -> _OnlyReading:
    """Reads the sessions with row locks whose transactions have no id.

    In MariaDB all transactions that only read have the id 0, also those with locks (LOCK IN SHARE MODE, SERIALIZABLE),
    so the locks do not say whose they are. Which of several holds one is then unknown.
    """
    rows = db.rows(ONLY_READING)
    return _OnlyReading(
        waiters=tuple(int(row["session"]) for row in rows if row["waits"]),
        # The lock that a transaction waits for is counted among its locks.
        holders=tuple(int(row["session"]) for row in rows if not row["waits"] or int(row["locked"]) > 1),
    )


def _sessions(db: MySQL, transactions: Collection[int]) -> dict[int, int]:
    """Returns the sessions of transactions; 0 for a prepared one without a session."""
    if not transactions:
        return {}
    rows = db.rows(
        "SELECT trx_id AS trx, trx_mysql_thread_id AS session FROM information_schema.INNODB_TRX "
        f"WHERE trx_id IN ({placeholders(transactions)})",
        tuple(sorted(transactions)),
        limit=MOST_EDGES * 3,
    )
    return {int(row["trx"]): int(row["session"]) for row in rows}


def _by_record(db: MySQL, waiting: int, longest: float, statements: tuple[str, ...], costly: bool) -> RowWaits:
    """Returns a queue for each row with many waiters; the holders of the others are not read."""
    records = db.rows(RECORDS, costly=costly)
    queues = [Queue(ROW, _name(row), int(row["waiting"]), _granted(db, row)) for row in records]
    holders = sorted({holder for queue in queues for holder in queue.holders} - {0})
    followed = sum(queue.waiting for queue in queues if queue.holders)
    return RowWaits(
        waiting=waiting,
        longest=longest,
        queues=tuple(queues),
        waits_in=_waiting_holders(db, records, queues, holders),
        statements=statements,
        complete=followed >= waiting,
    )


def _by_elimination(db: MySQL, waiting: int, longest: float, statements: tuple[str, ...]) -> RowWaits:
    """Returns what has row locks and does not wait: a single transaction is the holder, several are suspects."""
    suspects = tuple(int(row["holder"]) for row in db.rows(SUSPECTS))
    if len(suspects) != 1:
        return RowWaits(waiting, longest, statements=statements, suspects=suspects, complete=False)
    return RowWaits(waiting, longest, (Queue(ROW, "", waiting, suspects),), statements=statements)


def _granted(db: MySQL, record: Row) -> tuple[int, ...]:
    key = (record["object_schema"], record["object_name"], record["index_name"], record["lock_data"])
    wanted = str(record["lock_mode"])
    rows = (row for row in db.rows(GRANTED, key) if record_excludes(wanted, str(row["lock_mode"])))
    return tuple(dict.fromkeys(int(row["holder"]) for row in rows))


def record_excludes(requested: str, granted: str) -> bool:
    """Returns whether a granted lock on a record makes a request wait; modes as in data_locks, such as `X,REC_NOT_GAP`.

    As lock_rec_has_to_wait() in InnoDB's lock0lock.cc decides: an insert waits for locks of the gap before the record,
    any other request for locks of the record itself.
    """
    wanted, held = set(requested.split(",")), set(granted.split(","))
    if "X" not in wanted | held or "INSERT_INTENTION" in held:
        return False
    if "INSERT_INTENTION" in wanted:
        return "REC_NOT_GAP" not in held
    return "GAP" not in wanted and "GAP" not in held


def _waiting_holders(
    db: MySQL, records: Sequence[Row], queues: Sequence[Queue], holders: Sequence[int]
) -> dict[int, list[Queue]]:
    """Returns the queues in which the holders wait themselves."""
    if not holders:
        return {}
    rows = db.rows(
        "SELECT t.PROCESSLIST_ID AS id, w.OBJECT_SCHEMA AS object_schema, w.OBJECT_NAME AS object_name, "
        "w.INDEX_NAME AS index_name, w.LOCK_DATA AS lock_data, w.LOCK_MODE AS lock_mode "
        "FROM performance_schema.data_locks w "
        "JOIN performance_schema.threads t ON t.THREAD_ID = w.THREAD_ID "
        f"WHERE w.LOCK_STATUS = 'WAITING' AND t.PROCESSLIST_ID IN ({placeholders(holders)})",
        tuple(holders),
    )
    places = {_key(record): queue for record, queue in zip(records, queues, strict=True)}
    found: dict[int, list[Queue]] = {}
    for row in rows:
        # A holder that waits for a row with few waiters is no root either; its own holder is then unknown.
        found.setdefault(int(row["id"]), []).append(places.get(_key(row), Queue(ROW, _name(row), 1, ())))
    return found


def _key(row: Row) -> tuple[object, ...]:
    return row["object_schema"], row["object_name"], row["index_name"], row["lock_data"], row["lock_mode"]


def _name(row: Row) -> str:
    return f"{row['object_schema']}.{row['object_name']}"


def _ids(listed: object) -> tuple[int, ...]:
    """Returns the ids of a JSON array, or of a list that commas separate; each once."""
    text = listed.decode() if isinstance(listed, bytes) else str(listed or "")
    ids = json.loads(text) if text.startswith("[") else text.split(",")
    return tuple(dict.fromkeys(int(each) for each in ids if str(each).strip()))
