"""Which statements a reader sends. Pure.

This is the third of four walls: diagnostics are written by us, their values are bound, this check, and the read-only
session of a database user without the right to write.
"""

from __future__ import annotations

import re

from actions.contract import Unreadable

MAX_LENGTH = 20_000

_STRINGS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_BEGINS = re.compile(r"\s*(?:SELECT|SHOW)\b", re.IGNORECASE)
_WRITES = re.compile(
    r";|/\*|--|\#|\bINTO\b|\bFOR\s+(?:UPDATE|SHARE)\b|\bLOCK\s+IN\s+SHARE\b|:=|\bPROCEDURE\b"
    r"|\b(?:GET_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS|SLEEP|BENCHMARK|LOAD_FILE|NEXTVAL|LASTVAL|SETVAL|LAST_INSERT_ID"
    r"|MASTER_POS_WAIT|SOURCE_POS_WAIT|MASTER_GTID_WAIT|WAIT_FOR_EXECUTED_GTID_SET|ASYNCHRONOUS_CONNECTION_\w+"
    r"|GROUP_REPLICATION_\w+|SYS_EXEC|SYS_EVAL)\s*\(",
    re.IGNORECASE,
)


def check_reading(sql: str) -> None:
    """Raises Unreadable for anything but one plain SELECT or SHOW.

    Comments are refused whole: in MySQL `/*! ... */` is executed, and an optimizer hint can set a variable.
    """
    if len(sql) > MAX_LENGTH:
        raise Unreadable(f"The statement has {len(sql)} characters; a reader sends {MAX_LENGTH} at most.")
    bare = _STRINGS.sub("''", sql)
    if not _BEGINS.match(bare):
        raise Unreadable(f"A reader sends SELECT and SHOW only, not {_begin(bare)!r}.")
    found = _WRITES.search(bare)
    if found is not None:
        raise Unreadable(f"A reader does not send {found.group().strip()!r} ({_begin(bare)!r}).")


def _begin(sql: str) -> str:
    return " ".join(sql.split())[:60]
