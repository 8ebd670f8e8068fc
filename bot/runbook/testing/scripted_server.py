"""A fake server that returns the answers of a test while a remedy is planned. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.contract import Flavour, Row, ServerVersion, Unreadable
from bot.runbook.language.tests_schema import ServerAnswer


@dataclass(frozen=True, slots=True)
class ScriptedServer:
    """Implements actions.contract.MySQL with the answers of a test; raises Unreadable for any other statement."""

    server: str
    """Flavour and version, e.g. `mysql 8.4.0`."""
    answers: Sequence[ServerAnswer]

    @property
    def version(self) -> ServerVersion:
        flavour, _, number = self.server.partition(" ")
        parts = [int(part) for part in number.split(".")]
        return ServerVersion(Flavour(flavour), (parts[0], parts[1], parts[2] if len(parts) > 2 else 0))

    @property
    def address(self) -> str:
        return "db-1:3306"

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Returns the rows of the first answer whose text the statement contains, ignoring white space."""
        plain = " ".join(sql.split())
        for answer in self.answers:
            if " ".join(answer.asks.split()) in plain:
                return list(answer.rows[:limit])
        raise Unreadable(f"no answer for {plain[:120]!r}; add one under `answers`")

    def pause(self, seconds: float) -> None:
        """Does nothing: the answers do not change over time."""
