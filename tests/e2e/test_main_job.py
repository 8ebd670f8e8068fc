"""An alert becomes a thread with the cause and the fix; a person approves; it is mended, verified and undoable."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.cli.main import main
from bot.engine.run import RunState
from bot.lab.fault_injection.inject import fix_fault
from bot.lab.replication import replicates
from tests.e2e.lab_bot import ALICE, BOB, CAROL, CHANNEL, GUEST, REPLICA, STRANGER, Play, digest_of, words

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]


def test_the_main_job(play: Play):
    starts_at = datetime.now(UTC)
    run_id = str(play.send(starts_at=starts_at)["runs"][0])
    run = play.run_in(run_id, RunState.WAITING)
    assert run.lead is not None
    assert run.plan is not None
    assert "1205" in run.lead.says
    assert run.plan.statements == ("START REPLICA SQL_THREAD",)
    assert "1205" in words(play.message(run_id, "card", holds="1205"))
    approval = words(play.message(run_id, "approval"))
    for shown in ("START REPLICA SQL_THREAD", "1 of 2 replicas of orders", "STOP REPLICA SQL_THREAD", "reversible"):
        assert shown in approval

    play.press(BOB, run, "run.approve")
    run = play.run_in(run_id, RunState.MENDED, RunState.FAILED, RunState.REFUSED)
    assert run.state is RunState.MENDED, run.says
    assert replicates(play.lab.instance(REPLICA))
    assert len(play.statements(run_id)) == 1
    play.message(run_id, "outcome", holds="Fixed and verified")

    play.send(status="resolved", starts_at=starts_at)
    play.message(run_id, "card", holds="resolved after")

    play.press(ALICE, run, "run.undo")
    run = play.run_in(run_id, RunState.UNDONE)
    assert play.statements(run_id)[-1].startswith("STOP REPLICA SQL_THREAD")
    play.message(run_id, "outcome", holds="Undone")


def test_the_same_alert_twice_is_one_thread(play: Play):
    starts_at = datetime.now(UTC)
    first = play.send(starts_at=starts_at)
    again = play.send(starts_at=starts_at)
    assert (first["new"], again["new"]) == (1, 0)
    run_id = str(first["runs"][0])
    run = play.run_in(run_id, RunState.WAITING)
    play.message(run_id, "approval")
    other = play.send(thread="sql")
    assert other["runs"] == [run_id]
    play.press(BOB, run, "run.deny")
    play.run_in(run_id, RunState.DENIED)


def test_pressed_twice_it_changes_once(play: Play):
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    seen = play.button(run_id, "run.approve")
    for user in (BOB, BOB, ALICE):
        play.press(user, run, "run.approve", seen=seen)
    play.run_in(run_id, RunState.MENDED)
    play.told(BOB, run_id)
    assert len(play.statements(run_id)) == 1
    assert len(play.audited("change.started", run_id)) == 1


WRONG_PEOPLE = [(GUEST, "is a guest"), (STRANGER, "another"), (CAROL, "is not an approver")]


@pytest.mark.parametrize(("user", "reason"), WRONG_PEOPLE)
def test_the_wrong_person_is_told_why_and_changes_nothing(play: Play, user: str, reason: str):
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    play.press(user, run, "run.approve")
    play.told(user, reason)
    assert play.run_in(run_id, RunState.WAITING).decisions == ()
    assert play.statements(run_id) == []
    refusals = [entry for entry in play.audited("request.refused") if entry.actor == user]
    assert refusals
    assert reason in refusals[-1].data
    play.press(BOB, run, "run.deny")
    play.run_in(run_id, RunState.DENIED)


def test_the_requester_may_not_approve(play: Play):
    play.workspace.command(BOB, CHANNEL, f"/runbook run mysql/replication-stopped {REPLICA}")
    with play.looking() as store:
        run_id = play.workspace.wait_for(
            lambda: next((r.id for r in store.runs(under_way=True) if r.requester == BOB), None), 10.0, "Bob's run"
        )
    run = play.run_in(run_id, RunState.WAITING)
    play.press(BOB, run, "run.approve")
    play.told(BOB, "another person must approve")
    assert play.statements(run_id) == []
    play.press(ALICE, run, "run.approve")
    play.run_in(run_id, RunState.MENDED)
    assert len(play.statements(run_id)) == 1


def test_triage_looks_at_any_instance_and_offers_no_change_to_a_sound_one(play: Play):
    play.workspace.command(CAROL, CHANNEL, "/triage billing-1")
    play.told(CAROL, "Triaging `billing-1`")
    with play.looking() as store:
        run_id = next(r.id for r in store.runs() if r.target == "billing-1")
    run = play.run_in(run_id, RunState.DIAGNOSED)
    assert run.plan is None
    assert not [step.says for step in run.steps if step.says]
    play.message(run_id, "card", holds="Diagnosed")


def test_triage_of_an_instance_that_there_is_not_says_so(play: Play):
    play.workspace.command(CAROL, CHANNEL, "/triage orders-33")
    assert "orders-3" in play.told(CAROL, "There is no instance")


def test_the_plan_of_another_run_is_not_approved(play: Play):
    earlier = play.fire()
    seen = play.button(earlier, "run.approve")
    play.press(BOB, play.run_in(earlier, RunState.WAITING), "run.deny")
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    other = json.loads(json.dumps(seen).replace(earlier, run_id).replace(digest_of(seen), "f" * 64))
    play.press(BOB, run, "run.approve", seen={**other, "ts": play.button(run_id, "run.approve")["ts"]})
    play.told(BOB, "a newer plan than the one on this card")
    assert play.statements(run_id) == []
    play.press(BOB, run, "run.deny")
    play.run_in(run_id, RunState.DENIED)


def test_when_the_server_changed_since_nothing_is_changed(play: Play):
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    fix_fault(play.lab.folder, "replication_stopped")
    play.press(BOB, run, "run.approve")
    run = play.run_in(run_id, RunState.REFUSED)
    assert "is already running" in run.says
    assert play.statements(run_id) == []
    play.message(run_id, "outcome", holds="Not changed")


def test_after_a_halt_nothing_is_changed(play: Play):
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    play.workspace.command(CAROL, CHANNEL, "/mate halt because")
    play.told(CAROL, "is not an admin")
    play.workspace.command(ALICE, CHANNEL, "/mate halt failover drill")
    play.told(ALICE, "failover drill")
    try:
        play.press(BOB, run, "run.approve")
        play.told(BOB, "failover drill")
        assert play.run_in(run_id, RunState.WAITING).decisions == ()
    finally:
        play.workspace.command(ALICE, CHANNEL, "/mate resume")
    play.told(ALICE, "allowed again")
    play.press(BOB, run, "run.approve")
    play.run_in(run_id, RunState.MENDED)
    assert len(play.statements(run_id)) == 1


def test_when_the_alert_resolves_first_the_question_is_withdrawn(play: Play):
    starts_at = datetime.now(UTC)
    run_id = str(play.send(starts_at=starts_at)["runs"][0])
    run = play.run_in(run_id, RunState.WAITING)
    seen = play.button(run_id, "run.approve")
    play.send(status="resolved", starts_at=starts_at)
    play.run_in(run_id, RunState.RESOLVED)
    play.press(BOB, run, "run.approve", seen=seen)
    play.told(BOB, "no longer waits for approval")
    assert play.statements(run_id) == []


def test_the_audit_log_of_all_this_holds(play: Play, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr("sys.argv", ["firstmate", "audit", "verify", "--config", str(play.path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "The hash chain is intact" in capsys.readouterr().out
