"""Which statements a reader sends. Pure.

This is the third of four walls: diagnostics are written by us, their values are bound, this check, and the read-only
session of a database user without the right to write. A read-only transaction alone does not do: it lets SET GLOBAL,
FLUSH, KILL and GET_LOCK pass, and in MariaDB ANALYZE TABLE and SELECT ... INTO OUTFILE too.
"""

from __future__ import annotations

import re

from actions.contract import Unreadable

MAX_LENGTH = 20_000

FUNCTIONS = frozenset((
    "ABS", "AVG", "CAST", "CEIL", "COALESCE", "CONCAT", "CONCAT_WS", "CONNECTION_ID", "CONVERT", "COUNT",
    "CURRENT_USER", "DATABASE", "DATE_FORMAT", "FLOOR", "FROM_UNIXTIME", "GREATEST", "GROUP_CONCAT", "GTID_SUBSET",
    "GTID_SUBTRACT", "HEX", "IF", "IFNULL", "JSON_EXTRACT", "JSON_UNQUOTE", "LEAST", "LEFT", "LENGTH", "LOWER",
    "MAX", "MD5", "MIN", "MOD", "NOW", "NULLIF", "REPLACE", "RIGHT", "ROUND", "SHA2", "SUBSTRING", "SUBSTRING_INDEX",
    "SUM", "TIMESTAMPDIFF", "TRIM", "UNIX_TIMESTAMP", "UPPER", "USER", "UTC_TIMESTAMP", "UUID_TO_BIN", "VERSION",
))  # fmt: skip
"""The functions that a reader calls: all of them compute or look, none waits, locks or writes. A function that is not
here, such as GET_LOCK, SLEEP or one that the server's owner has written, is refused."""

_BEFORE_PARENTHESIS = frozenset((
    "ALL", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "EXISTS", "FROM", "IN", "INTERVAL",
    "JOIN", "LIKE", "NOT", "ON", "OR", "OVER", "PARTITION", "REGEXP", "SELECT", "SOME", "THEN", "UNION", "USING",
    "VALUES", "WHEN", "WHERE", "XOR",
))  # fmt: skip
_STRINGS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_BEGINS = re.compile(r"\s*(?:SELECT|SHOW|WITH)\b", re.IGNORECASE)
_WHOLE = re.compile(r"XA RECOVER|EXPLAIN (?:FORMAT=TRADITIONAL )?FOR CONNECTION \d+")
"""Statements that only look, each as a whole."""
_REFUSED = re.compile(
    r"['\"`\\;\x00]|/\*|\*/|--|\#|:="
    r"|\b(?:INTO|OUTFILE|DUMPFILE|PROCEDURE|INSERT|UPDATE|DELETE|TRUNCATE|CALL|HANDLER|NEXT\s+VALUE|PREVIOUS\s+VALUE)\b"
    r"|\bFOR\s+(?:UPDATE|SHARE)\b|\bLOCK\s+IN\b",
    re.IGNORECASE,
)
_CALL = re.compile(r"([\w$]+(?:\s*\.\s*[\w$`]+)*|`)\s*\(", re.IGNORECASE)


def check_reading(sql: str) -> None:
    """Raises Unreadable for anything but one plain SELECT, SHOW or WITH ... SELECT, or a few statements that only look.

    Comments are refused whole: in MySQL and MariaDB `/*! ... */` is executed, and an optimizer hint can set a variable.
    A backslash is refused since sql_mode decides whether it escapes.
    """
    if len(sql) > MAX_LENGTH:
        raise Unreadable(f"The statement has {len(sql)} characters; a reader sends {MAX_LENGTH} at most.")
    if _WHOLE.fullmatch(sql):
        return
    # What stood in quotes becomes a bare word, so that a quoted name before a parenthesis is refused as a function.
    bare = _STRINGS.sub(" quoted ", sql)
    if not _BEGINS.match(bare):
        raise Unreadable(f"A reader sends SELECT and SHOW only, not {_begin(bare)!r}.")
    found = _REFUSED.search(bare)
    if found is not None:
        raise Unreadable(f"A reader does not send {found.group().strip()!r} ({_begin(bare)!r}).")
    for call in _CALL.finditer(bare):
        name = call.group(1).upper()
        if name not in FUNCTIONS and name not in _BEFORE_PARENTHESIS:
            raise Unreadable(f"A reader does not call {call.group(1)}() ({_begin(bare)!r}).")


def _begin(sql: str) -> str:
    return " ".join(sql.split())[:60]
