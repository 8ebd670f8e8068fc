"""Status counters and variables by name, as numbers where they are."""

from __future__ import annotations

from collections.abc import Mapping

from actions.contract import MySQL


def status(db: MySQL, *names: str) -> dict[str, str]:
    """Global status counters by name; one that the server does not know is absent."""
    return _named(db, "STATUS", names)


def variables(db: MySQL, *names: str) -> dict[str, str]:
    """Global variables by name; one that the server does not know is absent."""
    return _named(db, "VARIABLES", names)


def number(values: Mapping[str, str], *names: str) -> int:
    """The first of these that is there, as a whole number; 0 where none is, or where it is none."""
    for name in names:
        text = values.get(name, "")
        if text.lstrip("-").isdigit():
            return int(text)
    return 0


def on(values: Mapping[str, str], *names: str) -> bool:
    """Whether the first of these that is there is switched on."""
    return next((values[name].upper() in ("ON", "1", "YES") for name in names if name in values), False)


def _named(db: MySQL, what: str, names: tuple[str, ...]) -> dict[str, str]:
    listed = ", ".join(["%s"] * len(names))
    rows = db.rows(f"SHOW GLOBAL {what} WHERE Variable_name IN ({listed})", names)
    return {str(row["Variable_name"]): str(row["Value"]) for row in rows}
