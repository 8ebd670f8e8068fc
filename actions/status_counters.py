"""Reads global status counters and variables by name."""

from __future__ import annotations

from collections.abc import Mapping

from actions.contract import MySQL
from actions.sql_quoting import placeholders


def status(db: MySQL, *names: str) -> dict[str, str]:
    """Returns global status counters by name, as text; a counter that the server does not have is absent."""
    return _show(db, "STATUS", names)


def variables(db: MySQL, *names: str) -> dict[str, str]:
    """Returns global variables by name, as text; a variable that the server does not have is absent."""
    return _show(db, "VARIABLES", names)


def number(values: Mapping[str, str], *names: str) -> int:
    """Returns the first of these values that is a whole number; 0 if there is none."""
    for name in names:
        text = values.get(name, "")
        if text.lstrip("-").isdigit():
            return int(text)
    return 0


def on(values: Mapping[str, str], *names: str) -> bool:
    """Whether the first of these values that is present is switched on."""
    return next((values[name].upper() in ("ON", "1", "YES") for name in names if name in values), False)


def _show(db: MySQL, what: str, names: tuple[str, ...]) -> dict[str, str]:
    rows = db.rows(f"SHOW GLOBAL {what} WHERE Variable_name IN ({placeholders(names)})", names)
    return {str(row["Variable_name"]): str(row["Value"]) for row in rows}
