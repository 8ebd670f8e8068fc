"""The change runs exactly what was approved, statement by statement, and is restored only while it still holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    Refused,
    Remediation,
    Risk,
    Row,
    ServerVersion,
    Statement,
    Unreadable,
    Verification,
)
from bot.engine import change_executor
from bot.engine.plan import Change
from tests import samples


@dataclass
class Server:
    """A server with one setting, as the remediation below sees and changes it."""

    value: int = 1
    executed: list[str] = field(default_factory=list)
    version: ServerVersion = field(default_factory=lambda: ServerVersion(Flavour.MYSQL, (9, 7, 0)))
    address: str = "h2:3306"

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        return [{"value": self.value}]

    def pause(self, seconds: float) -> None:
        """Nothing changes by itself here."""


@dataclass
class Connection:
    server: Server

    @property
    def reader(self) -> MySQL:
        return self.server

    def execute(self, statement: Statement, *, tag: str) -> None:
        self.server.executed.append(str(statement))
        self.server.value = int(str(statement).rsplit("=", 1)[1])


@dataclass(frozen=True)
class SetTwice(Remediation):
    """Sets a value in two statements; the second depends on what is read in between."""

    to: int
    risk: ClassVar[Risk] = Risk.REVERSIBLE
    needs: ClassVar[Grants] = {}
    settles_within: ClassVar[float] = 3.0

    def check(self, db: MySQL) -> None:
        if self.to > 100:
            raise Refused("more than 100 is too much")

    def change(self, db: MySQL) -> Iterator[Statement]:
        yield Statement(f"SET GLOBAL x={self.to}")
        if db.rows("SELECT @@x")[0]["value"] in (1, self.to):
            yield Statement(f"SET GLOBAL x={self.to}")

    def verify(self, db: MySQL) -> Verification:
        value = db.rows("SELECT @@x")[0]["value"]
        return Verification(value == self.to, f"x is {value}")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        yield Statement(f"SET GLOBAL x={db.rows('SELECT @@x')[0]['value']}")


def planned(to: int = 8) -> Change:
    """The change as it was approved on a server whose value was 1."""
    text = f"SET GLOBAL x={to}"
    return samples.change(statements=(text, text), undo=("SET GLOBAL x=1",), parameters={"to": to})


def test_the_approved_change_is_made_as_approved():
    server = Server()
    plan = planned()
    assert change_executor.make(Connection(server), SetTwice(8), plan, tag="r-1") == 2
    assert server.executed == list(plan.statements)


def test_a_statement_that_was_not_approved_does_not_run():
    server = Server()
    plan = planned()
    with pytest.raises(change_executor.NotAsPlanned, match=r"x=9.*not approved. No statement ran"):
        change_executor.make(Connection(server), SetTwice(9), plan, tag="r-1")
    assert server.executed == []


def test_more_statements_than_approved_do_not_run():
    server = Server()
    plan = planned()
    shorter = replace(plan, statements=plan.statements[:1])
    with pytest.raises(change_executor.NotAsPlanned, match="1 statement ran before it"):
        change_executor.make(Connection(server), SetTwice(8), shorter, tag="r-1")
    assert server.executed == ["SET GLOBAL x=8"]


def test_fewer_statements_than_approved_is_said():
    class Shorter(SetTwice):
        def change(self, db: MySQL) -> Iterator[Statement]:
            yield Statement("SET GLOBAL x=8")

    server = Server()
    plan = planned()
    with pytest.raises(change_executor.NotAsPlanned, match="stopped before the approved statement"):
        change_executor.make(Connection(server), Shorter(8), plan, tag="r-1")


def test_a_refusal_while_reading_in_between_stops_the_change():
    class Careful(SetTwice):
        def change(self, db: MySQL) -> Iterator[Statement]:
            raise Refused("session 7 is another one now")
            yield

    server = Server()
    plan = planned()
    with pytest.raises(Refused, match="another one now"):
        change_executor.make(Connection(server), Careful(8), plan, tag="r-1")
    assert server.executed == []


def test_what_was_changed_is_restored_while_it_still_holds():
    server = Server()
    plan = planned()
    change_executor.make(Connection(server), SetTwice(8), plan, tag="r-1")
    change_executor.restore(Connection(server), SetTwice(8), plan, tag="r-1")
    assert server.value == 1


def test_what_somebody_else_changed_since_is_not_touched():
    server = Server()
    plan = planned()
    change_executor.make(Connection(server), SetTwice(8), plan, tag="r-1")
    server.value = 50
    with pytest.raises(change_executor.NotAsPlanned, match=r"changed after Firstmate's change .x is 50"):
        change_executor.restore(Connection(server), SetTwice(8), plan, tag="r-1")
    assert server.value == 50


FIELDS: list[dict[str, Any]] = [
    {"statements": ("SET GLOBAL x=9",)},
    {"undo": ()},
    {"target": "orders-1"},
    {"address": "h9:3306"},
    {"server": "uuid-9"},
    {"parameters": {"to": 9}},
    {"revert_after": 60.0},
    {"action": "mysql.kill_query"},
    {"wave": 1},
]


@pytest.mark.parametrize("changed", FIELDS, ids=lambda changed: next(iter(changed)))
def test_whatever_decides_what_happens_is_in_the_digest(changed):
    other = samples.plan(changes=(samples.change(**changed),))
    assert other.digest != samples.plan().digest


def test_the_same_plan_has_the_same_digest():
    assert samples.plan().digest == samples.plan(title="In other words").digest


def test_what_follows_a_failure_is_in_the_digest():
    assert samples.plan(on_failure="continue").digest != samples.plan().digest


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def verifier(answers: list[Verification | Exception]) -> change_executor.Verifier:
    clock = Clock()

    def read(_: Remediation) -> Verification:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return change_executor.Verifier(read, clock=clock, sleep=clock.sleep)


def test_verification_waits_until_it_is_settled():
    early = Verification(ok=False, says="Connecting", settled=False)
    verdict = verifier([early, Unreadable("cut off"), Verification(ok=True, says="running")]).verify(SetTwice(8))
    assert verdict == Verification(ok=True, says="running")


def test_what_never_settles_has_failed_with_what_was_last_seen():
    verdict = verifier([Verification(ok=True, says="Connecting", settled=False)]).verify(SetTwice(8))
    assert not verdict.ok
    assert verdict.says == "Connecting (checked for 3 s)"


def test_what_stays_unknown_is_neither_verified_nor_failed():
    waits = Verification(ok=False, says="It stands.", settled=False, known=False)
    clock = iter(range(100))
    found = change_executor.Verifier(lambda _: waits, clock=lambda: float(next(clock)), sleep=lambda _: None).verify(
        SetTwice(2)
    )
    assert (found.ok, found.known, found.says) == (False, False, "It stands. (checked for 3 s)")
