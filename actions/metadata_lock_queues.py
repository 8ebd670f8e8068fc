"""Reads who waits for metadata locks, and who holds them: tables, global read lock, backup lock, user-level locks.

performance_schema.metadata_locks is filled by default since MySQL 8.0; before that, and on MariaDB, its instrument
(wait/lock/metadata/sql/mdl) is off, and the holders are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.contract import MySQL, Row, Unreadable
from actions.metadata_lock_compatibility import excludes
from actions.sql_quoting import placeholders
from actions.wait_roots import Queue

METADATA = "metadata"
KINDS = {
    "GLOBAL": "global_read_lock",
    "COMMIT": "global_read_lock",
    "BACKUP LOCK": "backup_lock",
    "BACKUP": "backup_lock",
    "USER LEVEL LOCK": "user_level_lock",
}
"""Type of the object of a metadata lock -> the kind of wait; METADATA for all others."""
MOST_OBJECTS = 200
MOST_HOLDERS = 1000
"""Granted locks that are read; those that exclude most come first."""


@dataclass(frozen=True, slots=True)
class MetadataWaits:
    """The waits for metadata locks of a server, as far as its performance_schema shows them."""

    queues: tuple[Queue, ...] = ()
    waits_in: Mapping[int, Sequence[Queue]] = field(default_factory=dict)
    complete: bool = True
    """False if there are more objects or holders than were read."""
    explicit: frozenset[int] = frozenset()
    """Holders of a lock that no end of a transaction releases: LOCK TABLES, FLUSH TABLES WITH READ LOCK, GET_LOCK()."""


PENDING = f"""
SELECT OBJECT_TYPE AS object_type, COALESCE(OBJECT_SCHEMA, '') AS object_schema,
       COALESCE(OBJECT_NAME, '') AS object_name, LOCK_TYPE AS lock_type, COUNT(*) AS waiting
  FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING'
 GROUP BY 1, 2, 3, 4 ORDER BY waiting DESC LIMIT {MOST_OBJECTS}
"""
GRANTED = f"""
SELECT g.OBJECT_TYPE AS object_type, COALESCE(g.OBJECT_SCHEMA, '') AS object_schema,
       COALESCE(g.OBJECT_NAME, '') AS object_name, g.LOCK_TYPE AS lock_type, g.LOCK_DURATION AS duration,
       t.PROCESSLIST_ID AS holder
  FROM performance_schema.metadata_locks g
  JOIN (SELECT DISTINCT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME
          FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING') o
    ON o.OBJECT_TYPE = g.OBJECT_TYPE AND o.OBJECT_SCHEMA <=> g.OBJECT_SCHEMA AND o.OBJECT_NAME <=> g.OBJECT_NAME
  JOIN performance_schema.threads t ON t.THREAD_ID = g.OWNER_THREAD_ID
 WHERE g.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID IS NOT NULL
 ORDER BY FIELD(g.LOCK_TYPE, 'SHARED', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'SHARED_READ_ONLY', 'EXCLUSIVE') DESC,
          g.OWNER_THREAD_ID
 LIMIT {MOST_HOLDERS}
"""

Key = tuple[str, str, str]


def read_metadata_waits(db: MySQL, others: Sequence[int] = ()) -> MetadataWaits:
    """Reads the pending locks by object, and the granted ones that exclude them. Raises Unreadable on MySQL only.

    `others` are sessions that hold something else; whether they wait for a metadata lock is read, too.
    """
    try:
        pending = db.rows(PENDING, limit=MOST_OBJECTS)
        granted = db.rows(GRANTED, limit=MOST_HOLDERS) if pending else []
    except Unreadable:
        if db.version.is_mariadb:
            return MetadataWaits()
        raise
    requested: dict[Key, dict[str, int]] = {}
    for row in pending:
        requested.setdefault(_key(row), {})[str(row["lock_type"])] = int(row["waiting"])
    holders = _excluding(granted, requested)
    queues = {key: _queue(key, types, holders.get(key, ())) for key, types in requested.items()}
    ids = sorted({holder for queue in queues.values() for holder in queue.holders} | {*others})
    return MetadataWaits(
        queues=tuple(queues.values()),
        waits_in=_waiting_for_metadata(db, ids, queues),
        complete=len(pending) < MOST_OBJECTS and len(granted) < MOST_HOLDERS,
        explicit=frozenset(int(row["holder"]) for row in granted if row["duration"] == "EXPLICIT"),
    )


def _waiting_for_metadata(db: MySQL, ids: Sequence[int], queues: Mapping[Key, Queue]) -> dict[int, list[Queue]]:
    """Returns the queues in which these sessions wait themselves."""
    found: dict[int, list[Queue]] = {}
    if not ids:
        return found
    rows = db.rows(
        "SELECT t.PROCESSLIST_ID AS id, m.OBJECT_TYPE AS object_type, COALESCE(m.OBJECT_SCHEMA, '') AS object_schema, "
        "COALESCE(m.OBJECT_NAME, '') AS object_name FROM performance_schema.metadata_locks m "
        "JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID "
        f"WHERE m.LOCK_STATUS = 'PENDING' AND t.PROCESSLIST_ID IN ({placeholders(ids)})",
        tuple(ids),
        limit=MOST_HOLDERS,
    )
    for row in rows:
        if queue := queues.get(_key(row)):
            found.setdefault(int(row["id"]), []).append(queue)
    return found


def _excluding(granted: Sequence[Row], requested: Mapping[Key, Mapping[str, int]]) -> dict[Key, tuple[int, ...]]:
    """Returns for each object the holders whose lock excludes one of the requests."""
    found: dict[Key, dict[int, None]] = {}
    for row in granted:
        key, lock_type = _key(row), str(row["lock_type"])
        if any(excludes(key[0], wanted, lock_type) for wanted in requested.get(key, ())):
            found.setdefault(key, {})[int(row["holder"])] = None
    return {key: tuple(holders) for key, holders in found.items()}


def _queue(key: Key, types: Mapping[str, int], holders: tuple[int, ...]) -> Queue:
    object_type, schema, name = key
    named = f"{schema}.{name}" if schema and name else name or schema or object_type.lower()
    return Queue(KINDS.get(object_type, METADATA), named, sum(types.values()), holders)


def _key(row: Row) -> Key:
    return str(row["object_type"]), str(row["object_schema"]), str(row["object_name"])
