"""Break-glass opens a refused run again with freeze and cooldown overridden, and records the reason."""

from __future__ import annotations

import json

import pytest

from bot.engine.run import Run, RunState
from bot.errors import Busy, NotAllowed, WrongUsage
from bot.guards.facts import Answer, Override, Verdict
from bot.store import audit_log
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.engine.commands_fixture import commands_of
from tests.engine.servers import Everybody
from tests.samples import NOW, run

WHY = "the shop is down"


@pytest.fixture
def store(database: Database) -> RunStore:
    return RunStore(database, DirectQueue())


def refused(store: RunStore, *guards: str, state: RunState = RunState.REFUSED) -> None:
    store.open_run(run(), key="k", actor="firstmate")
    verdicts = tuple(Verdict(guard, Answer.REFUSE, "no") for guard in guards)
    store.save(run(state=state, verdicts=verdicts), expect=RunState.TRIAGING)


def break_glass(store: RunStore, reason: str = WHY) -> Run:
    return commands_of(store).break_glass("U0ALICE", "r-1", reason)


@pytest.mark.parametrize("guards", [("freeze",), ("cooldown",), ("freeze", "cooldown")])
def test_what_freeze_or_cooldown_refused_is_opened_again_in_its_incident(store: RunStore, guards: tuple[str, ...]):
    refused(store, *guards)
    again = break_glass(store)
    assert store.run(again.id) == again
    assert again.id != "r-1"
    assert (again.runbook, again.target, again.incident, again.channel, again.requester, again.state) == (
        "mysql/replication-stopped",
        "orders-3",
        "i-1",
        "C0DBALERTS",
        "U0ALICE",
        RunState.TRIAGING,
    )
    assert again.override == Override("U0ALICE", WHY, NOW)
    assert again.timeline[-1].what == f"<@U0ALICE> used break-glass: {WHY}"


def test_the_reason_is_in_the_audit_log(store: RunStore, database: Database):
    refused(store, "freeze")
    again = break_glass(store)
    with database.reading() as connection:
        [entry] = [entry for entry in audit_log.entries(connection) if entry.event == "glass.broken"]
    assert (entry.actor, entry.subject, json.loads(entry.data)) == ("U0ALICE", again.id, {"reason": WHY})


@pytest.mark.parametrize("guards", [("digest",), ("freeze", "precondition"), ("target", "cooldown")])
def test_break_glass_does_not_override_other_guards(store: RunStore, guards: tuple[str, ...]):
    refused(store, *guards)
    with pytest.raises(NotAllowed, match=r"overrides only refusals by freeze or cooldown"):
        break_glass(store)


def test_break_glass_applies_only_to_refused_runs(store: RunStore):
    refused(store, state=RunState.DIAGNOSED)
    with pytest.raises(NotAllowed, match='Run r-1 has the state "Diagnosed"'):
        break_glass(store)


@pytest.mark.parametrize("reason", ["", "because"])
def test_break_glass_needs_a_reason(store: RunStore, reason: str):
    refused(store, "freeze")
    with pytest.raises(WrongUsage, match=r"needs a reason of at least 10 characters"):
        break_glass(store, reason)


def test_break_glass_twice_opens_one_run(store: RunStore):
    refused(store, "freeze")
    break_glass(store)
    with pytest.raises(Busy):
        break_glass(store)


def test_break_glass_needs_its_role(store: RunStore):
    class Operators(Everybody):
        def may(
            self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False
        ) -> tuple[bool, str]:
            return role != "break_glass", f"{user} may not break the glass."

    refused(store, "freeze")
    with pytest.raises(NotAllowed, match="may not break the glass"):
        commands_of(store, directory=Operators()).break_glass("U0BOB", "r-1", WHY)
