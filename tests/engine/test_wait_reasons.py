"""What each run waits for, for whom, since when and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.engine.plan import Outcome
from bot.engine.run import Assignment, Choice, Decision, Event, PauseRequest, Run, RunState, Step, StepStatus
from bot.engine.wait_reasons import waits
from tests.samples import NOW, change, plan, run, waiting

LATER = NOW + timedelta(minutes=5)
DONE = Step("a", "x", "target", StepStatus.DONE)
TWO = plan(changes=(change(), change(target="orders-2")))
ONE_OF_TWO = (Decision("U0BOB", Choice.APPROVE, "d", NOW),)
CASES = [
    (run(steps=(DONE, Step("b", "x", "target"))), "its diagnostics (1 of 2 steps done)", None),
    (waiting(), "approval by 1 approver", LATER),
    (waiting(approvals_needed=3, decisions=ONE_OF_TWO), "approval by 2 approvers", LATER),
    (waiting(alert=None, requester="U0CAROL"), "approval by 1 approver other than <@U0CAROL>", LATER),
    (waiting(taken=Assignment("U0ALICE", NOW)), "approval by 1 approver; assigned to <@U0ALICE>", LATER),
    (run(state=RunState.APPROVED, plan=TWO), "the start of its change", None),
    (
        run(state=RunState.CHANGING, plan=TWO, outcomes=(Outcome(0, "mended", ""),)),
        "its changes (1 of 2 done)",
        None,
    ),
    (
        run(state=RunState.CHANGING, plan=TWO, pause_request=PauseRequest("stop", "U0ALICE", NOW)),
        "its changes (0 of 2 done, then it stops)",
        None,
    ),
    (
        run(state=RunState.PAUSED, plan=TWO, pause_request=PauseRequest("pause", "U0ALICE", NOW, LATER)),
        "any operator to resume it; paused by <@U0ALICE>",
        LATER,
    ),
    (run(state=RunState.DIAGNOSED), "nothing: the run has ended", None),
]


@pytest.mark.parametrize(("found", "what", "until"), CASES)
def test_what_a_run_waits_for(found: Run, what: str, until: object):
    waited = waits(found)
    assert (waited.what, waited.until) == (what, until)


def test_a_run_waits_since_its_last_event():
    assert waits(run()).since == NOW
    assert waits(run(timeline=(Event(NOW, "a"), Event(LATER, "b")))).since == LATER
