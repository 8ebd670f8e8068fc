"""Quoting for SQL: the only module that turns a value or a name into SQL text."""

from __future__ import annotations

from collections.abc import Collection

from actions.contract import Statement


def identifier(name: str) -> str:
    """Quotes a name as an identifier; `a`b` becomes `` `a``b` `` (manual 11.2)."""
    if "\x00" in name or not name:
        raise ValueError("an identifier must not be empty or contain NUL")
    return "`" + name.replace("`", "``") + "`"


def literal(value: int | float | str | bool) -> str:
    """Returns a value as a literal that is the same under every sql_mode, NO_BACKSLASH_ESCAPES included.

    Raises ValueError for text that would need a backslash escape; no change needs one.
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return repr(value)
    if any(character in value for character in "\\\x00\n\r\x1a"):
        raise ValueError("a value of a change must not contain a backslash or a control character")
    return "'" + value.replace("'", "''") + "'"


def statement(template: str, *values: int | float | str | bool) -> Statement:
    """Builds a statement; each `{}` of the template is replaced by one value, rendered as a literal."""
    return Statement(template.format(*(literal(value) for value in values)))


def placeholders(values: Collection[object]) -> str:
    """Returns one `%s` for each value, separated by commas, for the list of an IN."""
    return ", ".join(["%s"] * len(values))
