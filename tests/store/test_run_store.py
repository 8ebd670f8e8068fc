"""Alerts, runs, decisions, intents and leases."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts import AlertStatus
from bot.engine.ports import StartResult
from bot.engine.run import Choice, Decision, RunState
from bot.errors import NotAllowed
from bot.guards.facts import Halt
from bot.incidents.incident_key import incident_key
from bot.store import audit_log
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests import samples

KEY = "mysql/replication-stopped@orders-3"


def events(database: Database) -> list[str]:
    with database.reading() as connection:
        return [entry.event for entry in audit_log.entries(connection)]


def asked(store: RunStore) -> None:
    store.open_run(samples.run(), key=KEY, actor="firstmate")
    store.wait(samples.run(plan=samples.plan()), expires_in=300)


def decision(choice: Choice = Choice.APPROVE, user: str = "U0BOB", digest: str | None = None) -> Decision:
    return Decision(user, choice, digest or samples.plan().digest, samples.NOW)


def test_a_run_comes_back_as_it_was_stored(store):
    store.open_run(samples.run(), key=KEY, actor="firstmate")
    assert store.run("r-1") == samples.run()


def test_a_new_alert_opens_a_run_and_enqueues_its_triage(store, queue):
    receipt = store.receive(samples.alert(), key=KEY, run=samples.run())
    assert receipt.fresh
    assert receipt.run == "r-1"
    assert queue.waiting == [("r-1", "triage")]


def test_the_same_alert_twice_is_one_alert(store, queue):
    store.receive(samples.alert(), key=KEY, run=samples.run())
    again = store.receive(samples.alert(), key=KEY, run=samples.run(id="r-2", incident="i-2"))
    assert not again.fresh
    assert again.incident == "i-1"
    assert store.run("r-2") is None
    assert len(queue.waiting) == 1


def test_another_alert_of_the_same_trouble_joins_its_run(store):
    store.receive(samples.alert(), key=KEY, run=samples.run())
    other = samples.alert(labels={**samples.alert().labels, "thread": "io"})
    receipt = store.receive(other, key=KEY, run=samples.run(id="r-2", incident="i-2"))
    assert receipt.fresh
    assert (receipt.incident, receipt.run) == ("i-1", "r-1")


def test_the_names_of_what_joins_are_kept_once_each_whatever_a_segment_saves(store, queue):
    store.receive(samples.alert(), key=KEY, run=samples.run())
    for number, name in enumerate(("MySQLDown", "MySQLDown", "ReplicaWritable", "MySQLReplicationStopped")):
        other = samples.alert(labels={"alertname": name, "thread": str(number)})
        store.receive(other, key=KEY, run=samples.run(id="r-2", incident="i-2"))
    store.save(samples.run(says="from before"), expect=RunState.TRIAGING)
    assert store.run("r-1").joined == ("MySQLDown", "ReplicaWritable")
    assert queue.waiting == [("r-1", "triage"), ("r-1", "joined-1"), ("r-1", "joined-2")]


def test_when_its_last_alert_resolves_the_run_is_told(store, queue):
    store.receive(samples.alert(), key=KEY, run=samples.run())
    ended = samples.NOW + timedelta(minutes=3)
    store.receive(samples.alert(status=AlertStatus.RESOLVED, ends_at=ended), key=KEY, run=samples.run(id="r-2"))
    run = store.run("r-1")
    assert run is not None
    assert run.resolved_at == ended
    assert queue.waiting[-1] == ("r-1", "resolved")


def test_a_resolved_alert_that_nobody_saw_fire_opens_nothing(store, queue):
    receipt = store.receive(samples.alert(status=AlertStatus.RESOLVED), key=KEY, run=samples.run())
    assert receipt.run is None
    assert queue.waiting == []


def test_a_resolution_is_not_lost_when_a_segment_saves_its_own_copy(store):
    store.receive(samples.alert(), key=KEY, run=samples.run())
    store.receive(samples.alert(status=AlertStatus.RESOLVED, ends_at=samples.NOW), key=KEY, run=samples.run())
    store.save(samples.run(says="from before"), expect=RunState.TRIAGING)
    run = store.run("r-1")
    assert run is not None
    assert run.resolved_at == samples.NOW


def test_a_second_run_of_the_same_trouble_is_not_opened(store):
    assert store.open_run(samples.run(), key=KEY, actor="U0BOB")
    assert not store.open_run(samples.run(id="r-2"), key=KEY, actor="U0BOB")


def test_a_save_from_another_state_changes_nothing(store):
    store.open_run(samples.run(), key=KEY, actor="firstmate")
    assert not store.save(samples.run(state=RunState.MENDED), expect=RunState.CHANGING)
    run = store.run("r-1")
    assert run is not None
    assert run.state is RunState.TRIAGING


def test_one_approval_enqueues_the_change_once(store, queue, database):
    asked(store)
    run = store.decide("r-1", decision())
    assert run.state is RunState.APPROVED
    assert queue.waiting[-1] == ("r-1", "change")
    with pytest.raises(NotAllowed, match="already decided on the plan of run r-1"):
        store.decide("r-1", decision())
    assert queue.waiting.count(("r-1", "change")) == 1
    assert events(database).count("approval.decided") == 1


def test_two_approvals_come_from_two_people(store, queue):
    store.open_run(samples.run(approvals_needed=2), key=KEY, actor="firstmate")
    store.wait(samples.run(plan=samples.plan(), approvals_needed=2), expires_in=300)
    store.decide("r-1", decision(user="U0BOB"))
    assert ("r-1", "change") not in queue.waiting
    store.decide("r-1", decision(user="U0ALICE"))
    assert queue.waiting[-1] == ("r-1", "change")


def test_a_denial_ends_the_run(store, queue):
    asked(store)
    run = store.decide("r-1", decision(Choice.DENY))
    assert run.state is RunState.DENIED
    with pytest.raises(NotAllowed, match='its state is "Denied"'):
        store.decide("r-1", decision(user="U0ALICE"))
    assert ("r-1", "change") not in queue.waiting


def test_one_of_two_who_revokes_voids_the_plan(store, queue, database):
    store.open_run(samples.run(approvals_needed=2), key=KEY, actor="firstmate")
    store.wait(samples.run(plan=samples.plan(), approvals_needed=2), expires_in=300)
    store.decide("r-1", decision(user="U0BOB"))
    run = store.decide("r-1", decision(Choice.DENY, user="U0BOB"))
    assert (run.state, run.says) == (RunState.DENIED, "<@U0BOB> revoked their approval; nothing was changed.")
    stored = store.run("r-1")
    assert [each.choice for each in stored.decisions] == [Choice.DENY]
    with pytest.raises(NotAllowed, match='its state is "Denied"'):
        store.decide("r-1", decision(user="U0ALICE"))
    assert ("r-1", "change") not in queue.waiting
    with database.reading() as connection:
        choices = [json.loads(row.data)["choice"] for row in audit_log.entries(connection) if "decided" in row.event]
    assert choices == ["approve", "revoke"]


def test_what_is_approved_and_not_begun_may_still_be_denied(store):
    asked(store)
    store.decide("r-1", decision(user="U0BOB"))
    run = store.decide("r-1", decision(Choice.DENY, user="U0ALICE"))
    assert run.state is RunState.DENIED
    assert not store.save(replace(run, state=RunState.CHANGING), expect=RunState.APPROVED)


def test_another_digest_approves_nothing(store):
    asked(store)
    with pytest.raises(NotAllowed, match="a newer plan than the one on this card"):
        store.decide("r-1", decision(digest="f" * 64))


def test_past_its_expiry_nothing_is_approved(store):
    asked(store)
    stored = store.run("r-1")
    assert stored is not None
    assert stored.expires_at is not None
    with pytest.raises(NotAllowed, match="expired"):
        store.decide("r-1", replace(decision(), at=stored.expires_at))


def begin(store: RunStore, token: int | None, run_id: str = "r-1") -> StartResult:
    assert token is not None
    return store.begin(run_id, "change", shard="orders", token=token)


def test_a_change_begins_once_whoever_asks(store, database):
    store.intend("r-1", "change", "d")
    store.intend("r-1", "change", "d")
    token = store.lease("orders", "r-1", seconds=60)
    begun: list[StartResult] = []
    threads = [threading.Thread(target=lambda: begun.append(begin(store, token))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [StartResult.BEFORE] * 7 + [StartResult.BEGUN]
    assert events(database).count("change.started") == 1
    assert store.begun_at("r-1", "change") is not None


def test_a_change_that_nobody_intended_does_not_begin(store):
    assert begin(store, store.lease("orders", "r-1", seconds=60)) is StartResult.BEFORE
    assert store.begun_at("r-1", "change") is None


def test_who_holds_the_shard_no_more_begins_nothing(database):
    now = [1000.0]
    store = RunStore(database, DirectQueue(), clock=lambda: now[0])
    store.intend("r-1", "change", "d")
    first = store.lease("orders", "r-1", seconds=60)
    now[0] += 61
    assert begin(store, first) is StartResult.FENCED
    second = store.lease("orders", "r-2", seconds=60)
    assert begin(store, first) is StartResult.FENCED
    assert begin(store, second) is StartResult.FENCED, "the token is another run's"
    store.release("orders", "r-2")
    assert begin(store, store.lease("orders", "r-1", seconds=60)) is StartResult.BEGUN
    assert events(database).count("change.fenced") == 3


def test_a_second_execution_of_a_run_fences_off_the_first(store):
    store.intend("r-1", "change", "d")
    first = store.lease("orders", "r-1", seconds=60)
    second = store.lease("orders", "r-1", seconds=60)
    assert not store.renew("orders", "r-1", first, seconds=60)
    assert begin(store, first) is StartResult.FENCED
    assert store.renew("orders", "r-1", second, seconds=60)
    assert begin(store, second) is StartResult.BEGUN


def test_a_release_with_a_token_leaves_the_lease_that_the_run_took_later(store):
    first = store.lease("orders", "r-1", seconds=60)
    second = store.lease("orders", "r-1", seconds=60)
    store.release("orders", "r-1", first)
    assert store.renew("orders", "r-1", second, seconds=60)
    store.release("orders", "r-1", second)
    assert not store.renew("orders", "r-1", second, seconds=60)


def test_one_run_holds_a_shard_until_it_lets_go(store):
    first = store.lease("orders", "r-1", seconds=60)
    assert first is not None
    assert store.lease("orders", "r-2", seconds=60) is None
    assert store.holder("orders", besides="r-2")[0] == "r-1"
    assert store.holder("orders", besides="r-1") is None
    store.release("orders", "r-1")
    second = store.lease("orders", "r-2", seconds=60)
    assert second is not None
    assert second > first


def test_a_lease_past_its_deadline_is_free(database):
    now = [1000.0]
    store = RunStore(database, DirectQueue(), clock=lambda: now[0])
    store.lease("orders", "r-1", seconds=60)
    now[0] += 61
    assert store.holder("orders", besides="r-2") is None
    assert store.lease("orders", "r-2", seconds=60) is not None


def test_the_halt_switch_is_kept_and_audited(store, database):
    halt = Halt("U0ALICE", "drill", samples.NOW)
    store.set_halt(halt, actor="U0ALICE")
    other = Halt("U0ALICE", "migration", samples.NOW, "shard:orders")
    store.set_halt(other, actor="U0ALICE")
    assert store.halts() == [halt, other]
    assert store.lift_halt("", actor="U0ALICE")
    assert not store.lift_halt("", actor="U0ALICE")
    assert store.halts() == [other]
    assert events(database) == ["halt.set", "halt.set", "halt.lifted"]


RUBBISH = "\0'; DROP TABLE runs; -- \u202e\U0001f600" + "x" * 5000


def test_text_of_any_length_and_kind_is_kept_in_either_database(store, database):
    alert = samples.alert(labels={"alertname": RUBBISH, "instance": RUBBISH})
    key = incident_key(alert, "", "")
    receipt = store.receive(alert, key=key, run=samples.run(alert=alert, title=RUBBISH, says=RUBBISH))
    found = store.run(receipt.run)
    assert found is not None
    assert (found.alert, found.title) == (alert, RUBBISH)
    store.keep_refused("alertmanager", RUBBISH, b"\0\xff")
    store.set_halt(Halt("U0ALICE", RUBBISH, samples.NOW), actor="U0ALICE")
    store.audit("request.refused", actor="U" * 500, subject=RUBBISH, reason=RUBBISH)
    with database.reading() as connection:
        assert audit_log.verify(audit_log.entries(connection))[1] is None
