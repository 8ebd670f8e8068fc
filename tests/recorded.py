"""A server that answers from recorded rows, for versions that are not at hand and for rows that are hard to provoke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from actions.contract import Flavour, Row, ServerVersion, Unreadable
from actions.prometheus_contract import Series

MYSQL_57 = ServerVersion(Flavour.MYSQL, (5, 7, 44))
MYSQL_80 = ServerVersion(Flavour.MYSQL, (8, 0, 36))
MYSQL_97 = ServerVersion(Flavour.MYSQL, (9, 7, 4))
MARIADB_104 = ServerVersion(Flavour.MARIADB, (10, 4, 34))
MARIADB_1011 = ServerVersion(Flavour.MARIADB, (10, 11, 18))


def named(**values: object) -> list[Row]:
    """Rows as SHOW GLOBAL STATUS and SHOW GLOBAL VARIABLES give them."""
    return [{"Variable_name": name, "Value": str(value)} for name, value in values.items()]


class Recorded:
    """Implements actions.contract.MySQL: the first answer whose key occurs in the statement; none is an error."""

    def __init__(
        self, version: ServerVersion, answers: Mapping[str, Sequence[Row] | Exception], address: str = "db7:3306"
    ) -> None:
        self.version = version
        self.address = address
        self.answers = dict(answers)
        self.asked: list[tuple[str, tuple[object, ...]]] = []
        self.costly = 0
        self.paused = 0.0

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Answers from the record; keeps what was asked."""
        text = " ".join(sql.split())
        self.asked.append((text, tuple(params)))
        self.costly += costly
        for part, answer in self.answers.items():
            if part in text:
                if isinstance(answer, Exception):
                    raise answer
                return list(answer)[:limit]
        raise Unreadable(f"{self.address} has no recorded answer to {text!r}")

    def pause(self, seconds: float) -> None:
        """Waits for nothing; keeps how long it would have been."""
        self.paused += seconds


UNNAMED: Mapping[str, Sequence[Row]] = {"e.SQL_TEXT AS text": [], "ATTR_VALUE AS program": []}
"""No session names its workload."""


class RecordedPrometheus:
    """Implements actions.prometheus_contract.Prometheus: the same answer to every question, or an error."""

    def __init__(self, answer: Sequence[Series] | Exception) -> None:
        self.answer = answer
        self.ranges: list[tuple[str, datetime, datetime, float]] = []

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Answers from the record."""
        return self._answer(limit)

    def range(self, query: str, *, start: datetime, end: datetime, step: float, limit: int = 50) -> list[Series]:
        """Answers from the record; keeps what was asked."""
        self.ranges.append((query, start, end, step))
        return self._answer(limit)

    def _answer(self, limit: int) -> list[Series]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(self.answer)[:limit]
