"""Removes values from statements and from server errors, so that they are safe to store and to show."""

from __future__ import annotations

import re

MAX_STATEMENT = 300
"""Characters of a statement that are kept."""

_LITERAL = re.compile(
    r"""'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$)|\b0x[0-9a-f]+\b|(?<![\w`.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b""",
    re.IGNORECASE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|--\s[^\n]*|\#[^\n]*", re.DOTALL)
_REPEATED = re.compile(
    r"\.?\s*(?:, Query: |Query: |Default database: |during query: |, BindVars: |\(CallerID: |: Sql: |Sql: )"
)
"""What precedes a repeated statement with its values in errors of MySQL, VReplication streams and vttablets."""
_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
_VALUE = re.compile(r"(Duplicate entry|value:?|string:) '.*?'(?= for | at |,|\.|$)", re.IGNORECASE | re.DOTALL)


def normalise(statement: str | None) -> str:
    """Returns a statement with every literal as `?`, without comments, on one line, and at most 300 characters long."""
    if not statement:
        return ""
    text = _LITERAL.sub("?", _COMMENT.sub(" ", statement[:4000]))
    text = " ".join(_LIST.sub("(?, ...)", text).split())
    return text if len(text) <= MAX_STATEMENT else text[: MAX_STATEMENT - 1] + "…"


def redact_error(error: str | None) -> str:
    """Returns a server's error text without the values that it quotes and the statement that it repeats.

    MySQL and MariaDB repeat the row's values and the whole statement in Last_SQL_Error, Vitess in the messages of its
    streams and migrations. The names of tables and keys are kept.
    """
    if not error:
        return ""
    text = _REPEATED.split(error, maxsplit=1)[0]
    text = _VALUE.sub(r"\1 '?'", text)
    text = re.sub(r"(?i)(identified by|password)\s+'[^']*'", r"\1 '?'", text)
    return " ".join(text.split())[:500]
