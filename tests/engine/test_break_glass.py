"""Who breaks the glass opens a refused run once more, past freeze and cooldown alone, and all can read why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.config import ApprovalSettings
from bot.engine.engine import Engine
from bot.engine.halts import Halts
from bot.engine.run import Run, RunState
from bot.engine.run_factory import RunFactory
from bot.errors import Busy, NotAllowed, WrongUsage
from bot.guards.facts import Answer, Override, Verdict
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load import shipped_folder
from bot.store import audit
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.engine.servers import Everybody, Fleet
from tests.samples import NOW, run

WHY = "the shop is down"


@pytest.fixture
def store(database: Database) -> RunStore:
    return RunStore(database, DirectQueue())


def refused(store: RunStore, *guards: str, state: RunState = RunState.REFUSED) -> None:
    store.open_run(run(), key="k", actor="firstmate")
    verdicts = tuple(Verdict(guard, Answer.REFUSE, "no") for guard in guards)
    store.save(run(state=state, verdicts=verdicts), expect=RunState.TRIAGING)


def engine(store: RunStore, directory: Everybody | None = None) -> Engine:
    unused: Any = None
    fleet = Fleet()
    return Engine(
        run_factory=RunFactory(
            LiveLibrary((shipped_folder(),), shipped_folder()),
            fleet,
            store,
            ApprovalSettings(),
            unused,
            now=lambda: NOW,
        ),
        fleet=fleet,
        store=store,
        directory=directory or Everybody(),
        triage=unused,
        rollout=unused,
        undo=unused,
        assignments=unused,
        halts=Halts(store),
        pausing=unused,
        now=lambda: NOW,
    )


def break_glass(store: RunStore, reason: str = WHY) -> Run:
    return engine(store).break_glass("U0ALICE", "r-1", reason)


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
    assert again.timeline[-1].what == f"glass broken by <@U0ALICE>: {WHY}"


def test_the_reason_is_in_the_audit_log(store: RunStore, database: Database):
    refused(store, "freeze")
    again = break_glass(store)
    with database.reading() as connection:
        [entry] = [entry for entry in audit.entries(connection) if entry.event == "glass.broken"]
    assert (entry.actor, entry.subject, json.loads(entry.data)) == ("U0ALICE", again.id, {"reason": WHY})


@pytest.mark.parametrize("guards", [("digest",), ("freeze", "precondition"), ("target", "cooldown")])
def test_what_another_guard_refused_stays_refused(store: RunStore, guards: tuple[str, ...]):
    refused(store, *guards)
    with pytest.raises(NotAllowed, match=r"Only what freeze or cooldown refused"):
        break_glass(store)


def test_a_run_that_was_not_refused_is_not_opened_again(store: RunStore):
    refused(store, state=RunState.DIAGNOSED)
    with pytest.raises(NotAllowed, match=r"it is diagnosed"):
        break_glass(store)


@pytest.mark.parametrize("reason", ["", "because"])
def test_without_a_reason_the_glass_stays_whole(store: RunStore, reason: str):
    refused(store, "freeze")
    with pytest.raises(WrongUsage, match=r"takes a reason"):
        break_glass(store, reason)


def test_pressed_twice_it_is_one_run(store: RunStore):
    refused(store, "freeze")
    break_glass(store)
    with pytest.raises(Busy):
        break_glass(store)


def test_who_does_not_hold_the_role_does_not_break_it(store: RunStore):
    class Operators(Everybody):
        def may(
            self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False
        ) -> tuple[bool, str]:
            return role != "break_glass", f"{user} may not break the glass."

    refused(store, "freeze")
    with pytest.raises(NotAllowed, match="may not break the glass"):
        engine(store, Operators()).break_glass("U0BOB", "r-1", WHY)
