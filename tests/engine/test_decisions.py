"""How a decision moves a run, on values alone; tests/store/test_run_store.py has it on a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.engine.decisions import decide, waiting
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.segments import Change, Report
from bot.errors import NotAllowed
from tests import samples
from tests.samples import NOW

PLAN = samples.plan()
WAITING = waiting(samples.run(plan=PLAN, approvals_needed=2), now=NOW, expires_in=300)


def by(user: str, choice: Choice = Choice.APPROVE, digest: str = PLAN.digest) -> Decision:
    return Decision(user, choice, digest, NOW)


def test_a_run_waits_until_its_approval_expires():
    assert (WAITING.state, WAITING.expires_at) == (RunState.WAITING, NOW + timedelta(seconds=300))


def test_an_approval_that_is_not_the_last_one_changes_no_state():
    decided = decide(WAITING, by("U1"))
    assert (decided.run.state, decided.segment) == (RunState.WAITING, None)
    assert [each.user for each in decided.run.decisions] == ["U1"]


def test_the_last_approval_approves_the_run_and_its_change_follows():
    decided = decide(decide(WAITING, by("U1")).run, by("U2"))
    assert (decided.run.state, decided.run.plan, decided.segment) == (RunState.APPROVED, PLAN, Change())


def test_one_denial_denies_the_run():
    decided = decide(WAITING, by("U1", Choice.DENY))
    assert (decided.run.state, decided.segment, decided.revoked) == (RunState.DENIED, Report(), False)
    assert decided.run.says == "<@U1> denied the plan; nothing was changed."


def test_a_person_revokes_an_approval_until_the_change_begins():
    approved = decide(decide(WAITING, by("U1")).run, by("U2")).run
    decided = decide(approved, by("U1", Choice.DENY))
    assert (decided.run.state, decided.revoked) == (RunState.DENIED, True)
    with pytest.raises(NotAllowed, match="no longer waits for approval"):
        decide(replace(approved, state=RunState.CHANGING), by("U1", Choice.DENY))


@pytest.mark.parametrize(
    ("run", "decision", "says"),
    [
        (decide(WAITING, by("U1")).run, by("U1"), "already decided on the plan of run r-1"),
        (replace(WAITING, state=RunState.EXPIRED), by("U1"), 'its state is "Expired"'),
        (WAITING, by("U1", digest="f" * 64), "a newer plan than the one on this card"),
        (WAITING, replace(by("U1"), at=NOW + timedelta(seconds=300)), "expired at"),
    ],
    ids=["twice", "too late", "another plan", "at the moment of expiry"],
)
def test_a_decision_that_cannot_count_is_refused(run: Run, decision: Decision, says: str):
    with pytest.raises(NotAllowed, match=says):
        decide(run, decision)
