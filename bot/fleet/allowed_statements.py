"""Decides which statements a reader may send. Pure.

This check is the third of four protections: diagnostics are part of Firstmate, their values are bound, this check, and
the read-only session of a database user without write privileges. A read-only transaction alone is not enough: it
allows SET GLOBAL, FLUSH, KILL and GET_LOCK, and in MariaDB also ANALYZE TABLE and SELECT ... INTO OUTFILE.
"""

from __future__ import annotations

import re

from actions.contract import Unreadable

MAX_LENGTH = 20_000

FUNCTIONS = frozenset((
    "ABS", "AVG", "CAST", "CEIL", "COALESCE", "CONCAT", "CONCAT_WS", "CONNECTION_ID", "CONVERT", "COUNT",
    "CURRENT_USER", "DATABASE", "DATE_FORMAT", "FIELD", "FLOOR", "FROM_UNIXTIME", "GREATEST", "GROUP_CONCAT",
    "GTID_SUBSET", "GTID_SUBTRACT", "HEX", "IF", "IFNULL", "IS_USED_LOCK", "JSON_ARRAYAGG", "JSON_EXTRACT",
    "JSON_UNQUOTE", "LEAST", "LEFT", "LENGTH", "LOWER", "MAX", "MD5", "MIN", "MOD", "NOW", "NULLIF", "REPLACE",
    "RIGHT", "ROUND", "SHA2", "SUBSTRING", "SUBSTRING_INDEX", "SUM", "TIMESTAMPDIFF", "TRIM", "UNIX_TIMESTAMP",
    "UPPER", "USER", "UTC_TIMESTAMP", "UUID_TO_BIN", "VERSION",
))  # fmt: skip
"""Functions that a reader may call: they only compute or read, and none waits, locks or writes. Any other function,
such as GET_LOCK, SLEEP or a stored function, is refused."""

_BEFORE_PARENTHESIS = frozenset((
    "ALL", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "EXISTS", "FROM", "IN", "INTERVAL",
    "JOIN", "LIKE", "NOT", "ON", "OR", "OVER", "PARTITION", "REGEXP", "SELECT", "SOME", "THEN", "UNION", "USING",
    "VALUES", "WHEN", "WHERE", "XOR",
))  # fmt: skip
_STRINGS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_BEGINS = re.compile(r"\s*(?:SELECT|SHOW|WITH)\b", re.IGNORECASE)
_WHOLE = re.compile(r"XA RECOVER|EXPLAIN (?:FORMAT=TRADITIONAL )?FOR CONNECTION \d+")
"""Other statements that only read, matched as a whole."""
_REFUSED = re.compile(
    r"['\"`\\;\x00]|/\*|\*/|--|\#|:="
    r"|\b(?:INTO|OUTFILE|DUMPFILE|PROCEDURE|INSERT|UPDATE|DELETE|TRUNCATE|CALL|HANDLER|NEXT\s+VALUE|PREVIOUS\s+VALUE)\b"
    r"|\bFOR\s+(?:UPDATE|SHARE)\b|\bLOCK\s+IN\b",
    re.IGNORECASE,
)
_CALL = re.compile(r"([\w$]+(?:\s*\.\s*[\w$`]+)*|`)\s*\(", re.IGNORECASE)


def check_reading(sql: str) -> None:
    """Raises Unreadable for anything but one plain SELECT, SHOW or WITH ... SELECT, or one of a few reading statements.

    All comments are refused: in MySQL and MariaDB `/*! ... */` is executed, and an optimizer hint can set a variable.
    A backslash is refused, since sql_mode decides whether it is an escape.
    """
    if len(sql) > MAX_LENGTH:
        raise Unreadable(f"The statement has {len(sql)} characters; a reader may send at most {MAX_LENGTH}.")
    if _WHOLE.fullmatch(sql):
        return
    # Quoted text becomes a bare word, so that a quoted name before a parenthesis is refused as a function.
    bare = _STRINGS.sub(" quoted ", sql)
    if not _BEGINS.match(bare):
        raise Unreadable(f"A reader may send only SELECT and SHOW, not {_begin(bare)!r}.")
    found = _REFUSED.search(bare)
    if found is not None:
        raise Unreadable(f"A reader may not send {found.group().strip()!r} ({_begin(bare)!r}).")
    for call in _CALL.finditer(bare):
        name = call.group(1).upper()
        if name not in FUNCTIONS and name not in _BEFORE_PARENTHESIS:
            raise Unreadable(f"A reader may not call {call.group(1)}() ({_begin(bare)!r}).")


def _begin(sql: str) -> str:
    return " ".join(sql.split())[:60]
