"""Which metadata locks exclude each other: the compatibility of a requested with a granted type.

From the tables of MDL_scoped_lock and MDL_object_lock in MySQL's sql/mdl.cc, with the names of
performance_schema.metadata_locks. Scoped locks are those of GLOBAL, COMMIT, SCHEMA, TABLESPACE and BACKUP LOCK.
"""

from __future__ import annotations

from collections.abc import Mapping

SCOPED = frozenset({"GLOBAL", "COMMIT", "SCHEMA", "TABLESPACE", "BACKUP LOCK", "RESOURCE_GROUPS"})
"""Object types whose locks are scoped; all others, such as TABLE and USER LEVEL LOCK, are object locks."""

_SCOPED: Mapping[str, frozenset[str]] = {
    "INTENTION_EXCLUSIVE": frozenset({"SHARED", "EXCLUSIVE"}),
    "SHARED": frozenset({"INTENTION_EXCLUSIVE", "EXCLUSIVE"}),
    "EXCLUSIVE": frozenset({"INTENTION_EXCLUSIVE", "SHARED", "EXCLUSIVE"}),
}
_READS = frozenset({"SHARED_NO_READ_WRITE", "EXCLUSIVE"})
_WRITES = frozenset({"SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"})
_OBJECT: Mapping[str, frozenset[str]] = {
    "SHARED": frozenset({"EXCLUSIVE"}),
    "SHARED_HIGH_PRIO": frozenset({"EXCLUSIVE"}),
    "SHARED_READ": _READS,
    "SHARED_WRITE": _WRITES,
    "SHARED_WRITE_LOW_PRIO": _WRITES,
    "SHARED_UPGRADABLE": frozenset({"SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_READ_ONLY": frozenset({"SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_NO_READ_WRITE", "EXCLUSIVE"}),
    "SHARED_NO_WRITE": frozenset(
        {
            "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE",
            "EXCLUSIVE",
        }
    ),
    "SHARED_NO_READ_WRITE": frozenset(
        {
            "SHARED_READ", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_UPGRADABLE", "SHARED_READ_ONLY",
            "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE",
        }
    ),
    "EXCLUSIVE": frozenset(
        {
            "SHARED", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_UPGRADABLE",
            "SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE",
        }
    ),
}  # fmt: skip


def excludes(object_type: str, requested: str, granted: str) -> bool:
    """Returns whether a granted lock makes a request of another session on the same object wait.

    Types of MariaDB that are not in the tables, such as BACKUP_DDL, exclude nothing here: their holder is unknown.
    """
    return granted in (_SCOPED if object_type in SCOPED else _OBJECT).get(requested, frozenset())
