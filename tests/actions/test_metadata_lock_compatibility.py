"""Metadata locks exclude each other as the server's own tables say."""

from __future__ import annotations

import pytest

from actions.metadata_lock_compatibility import _OBJECT, _SCOPED, excludes
from actions.row_lock_queues import record_excludes


@pytest.mark.parametrize(
    ("kind", "requested", "granted", "waits"),
    [
        ("TABLE", "SHARED_WRITE", "SHARED_READ", False),
        ("TABLE", "SHARED_WRITE", "SHARED_READ_ONLY", True),
        ("TABLE", "EXCLUSIVE", "SHARED_READ", True),
        ("TABLE", "SHARED_READ", "SHARED_UPGRADABLE", False),
        ("TABLE", "SHARED_READ", "SHARED_NO_WRITE", False),
        ("TABLE", "SHARED_READ", "SHARED_NO_READ_WRITE", True),
        ("GLOBAL", "INTENTION_EXCLUSIVE", "SHARED", True),
        ("GLOBAL", "INTENTION_EXCLUSIVE", "INTENTION_EXCLUSIVE", False),
        ("BACKUP LOCK", "INTENTION_EXCLUSIVE", "SHARED", True),
        ("USER LEVEL LOCK", "EXCLUSIVE", "EXCLUSIVE", True),
        ("BACKUP", "BACKUP_DML", "BACKUP_FTWRL2", False),
    ],
)
def test_a_request_waits_only_for_what_excludes_it(kind: str, requested: str, granted: str, waits: bool):
    assert excludes(kind, requested, granted) is waits


@pytest.mark.parametrize("table", [_SCOPED, _OBJECT])
def test_what_excludes_excludes_both_ways(table):
    for requested, others in table.items():
        for granted in others:
            assert requested in table[granted], f"{granted} excludes {requested}"


@pytest.mark.parametrize(
    ("requested", "granted", "waits"),
    [
        ("X,REC_NOT_GAP", "X,REC_NOT_GAP", True),
        ("X,REC_NOT_GAP", "S,REC_NOT_GAP", True),
        ("S,REC_NOT_GAP", "S,REC_NOT_GAP", False),
        ("X", "X,GAP", False),
        ("X,GAP", "X", False),
        ("X,GAP,INSERT_INTENTION", "X,GAP", True),
        ("X,INSERT_INTENTION", "X", True),
        ("X,GAP,INSERT_INTENTION", "X,REC_NOT_GAP", False),
        ("X,REC_NOT_GAP", "X,GAP,INSERT_INTENTION", False),
    ],
)
def test_a_request_for_a_record_waits_only_for_what_excludes_it(requested: str, granted: str, waits: bool):
    assert record_excludes(requested, granted) is waits
