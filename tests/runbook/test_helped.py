"""Whether a remedy has helped, judged on new evidence; for how long to watch; and what is read for it."""

from __future__ import annotations

from typing import Any

import pytest

from actions.blocking_sessions import Holder
from actions.diagnostics.mysql.processlist_summary import ProcesslistSummary
from actions.diagnostics.mysql.wait_graph import WaitGraph
from bot.runbook.diagnosis.causes import diagnose
from bot.runbook.diagnosis.helped_criteria import (
    COSTLY_EVERY,
    Judgement,
    Patience,
    Trouble,
    checking,
    judge_trouble,
    patience,
    restored,
)
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.language.schema import Runbook
from bot.runbook.testing.evidence_stubs import build_evidence

IDLE = {"id": "idle", "when": "locks.waiting > 0 and locks.holders[0].idle", "says": "Idle.", "remedy": "end"}
BUSY = {"id": "busy", "when": "locks.waiting > 0 and not locks.holders[0].idle", "says": "Busy.", "remedy": "end"}
NOBODY = {"id": "nobody", "when": "locks.waiting == 0", "says": "Nobody waits."}
END = {"use": "mysql.kill_connection", "with": {"thread_id": 1, "user": "app"}}


def runbook(*causes: dict[str, Any], **gather: Any) -> Runbook:
    steps = {"locks": "mysql.wait_graph", "sessions": "mysql.processlist_summary", **gather}
    return Runbook.model_validate(
        {"runbook": "x", "title": "x", "owner": "me", "gather": steps, "causes": causes, "remedies": {"end": END}}
    )


def waits(number: int, *, idle: bool) -> WaitGraph:
    blocker: Holder = build_evidence(Holder, {"idle": idle})
    return WaitGraph(waiting=number, holders=(blocker,) if number else ())


def judged(book: Runbook, locks: object, before: WaitGraph | None = None, held: tuple[str, ...] = ()) -> Judgement:
    evidence = {"locks": locks, "sessions": ProcesslistSummary()}
    scope = {**evidence, "inputs": {}, "target": {}, "before": {"locks": before}}
    return judge_trouble(book, book.causes[0], scope, diagnose(book, evidence, {}), held or (book.causes[0].id,))


@pytest.mark.parametrize(
    ("locks", "trouble", "says"),
    [
        (waits(0, idle=False), Trouble.GONE, ""),
        (waits(3, idle=False), Trouble.HOLDS, "Busy."),
        (waits(3, idle=True), Trouble.HOLDS, "Idle."),
        (Missing("locks", "no answer"), Trouble.UNDECIDED, "locks is missing: no answer"),
    ],
)
def test_by_default_the_cause_must_be_gone_and_no_other_may_have_taken_its_place(locks: Any, trouble: Any, says: str):
    """A KILL QUERY of a statement inside a transaction makes the blocker idle; its victims still wait."""
    assert judged(runbook(IDLE, BUSY, NOBODY), locks) == Judgement(trouble, says)


def test_a_cause_that_held_before_or_reads_other_evidence_has_not_taken_its_place():
    full = {"id": "full", "when": "sessions.total == 0", "says": "Full.", "remedy": "end"}
    assert judged(runbook(IDLE, full), waits(0, idle=False)).trouble is Trouble.GONE
    assert judged(runbook(IDLE, BUSY), waits(3, idle=False), held=("idle", "busy")).trouble is Trouble.GONE


@pytest.mark.parametrize("declared", [None, {"when": "locks.waiting < before.locks.waiting"}])
def test_what_else_explains_the_alert_is_the_rest_whether_the_cause_has_a_condition_of_its_own(declared: Any):
    gone, before = waits(0, idle=False), waits(3, idle=True)
    first = {**IDLE, "helped": declared} if declared else IDLE
    full = {"id": "full", "when": "locks.waiting == 0", "says": "Full."}

    def rest(other: dict[str, Any], *held: str) -> str:
        return judged(runbook(first, other), gone, held=("idle", *held), before=before).rest

    assert rest({**full, "remedy": "end"}, "full") == "Full. Start a new run for its remedy: end."
    assert rest({**full, "continue": "ours/other"}) == "Full. Continue with the runbook ours/other."
    assert rest(full, "full") == "Full."
    assert rest(full) == ""
    assert rest({**full, "over": True}, "full") == ""


def test_what_excludes_a_cause_does_not_mean_that_it_is_gone():
    first = {"id": "first", "when": "locks.waiting > 0", "says": "First."}
    book = runbook({**IDLE, "id": "second"}, first)
    excluded = book.model_copy(update={"causes": (book.causes[1], book.causes[0])})
    second = excluded.causes[1].model_copy(update={"unless": ("first",)})
    evidence = {"locks": waits(2, idle=True)}
    found = judge_trouble(excluded, second, evidence, diagnose(excluded, evidence, {}), ("second",))
    assert found.trouble is Trouble.HOLDS


@pytest.mark.parametrize(("now", "trouble"), [(1, Trouble.GONE), (5, Trouble.HOLDS)])
def test_a_condition_of_its_own_decides_alone_and_compares_victims_with_before(now: int, trouble: Trouble):
    fewer = {**IDLE, "helped": {"when": "locks.waiting < before.locks.waiting"}}
    assert judged(runbook(fewer, BUSY), waits(now, idle=True), before=waits(5, idle=True)).trouble is trouble


def test_trouble_that_holds_is_never_told_by_what_says_that_it_is_over():
    never = {**IDLE, "helped": {"when": "sessions.total > 9"}}
    says = judged(runbook(never, {**NOBODY, "over": True}), waits(0, idle=False)).says
    assert says == "`sessions.total > 9` is not true"
    assert judged(runbook(never, NOBODY), waits(0, idle=False)).says == "Nobody waits."


def test_a_condition_whose_evidence_from_before_is_missing_is_undecided():
    fewer = {**IDLE, "helped": {"when": "locks.waiting < before.locks.waiting"}}
    assert judged(runbook(fewer), waits(1, idle=True)).trouble is Trouble.UNDECIDED


def test_evidence_from_before_survives_json_with_its_types_and_what_does_not_fit_is_missing():
    book = runbook(IDLE)
    found = restored(book, {"locks": {"waiting": 3, "holders": []}, "sessions": "nonsense", "gone": {}})
    assert found["locks"] == WaitGraph(waiting=3)
    assert isinstance(found["sessions"], Missing)
    assert isinstance(found["gone"], Missing)


@pytest.mark.parametrize(
    ("helped", "vitess", "expected"),
    [
        (None, False, Patience(10.0, 10.0, COSTLY_EVERY)),
        ({"when": "locks.waiting == 0", "holds_for": "1s"}, False, Patience(10.0, 1.0, COSTLY_EVERY)),
        ({"when": "sessions.total == 0"}, False, Patience(10.0, 0.0, 10.0)),
        ({"when": "sessions.total == 0"}, True, Patience(60.0, 0.0, 60.0)),
        ({"when": "sessions.total == 0", "within": "5s", "holds_for": "50s"}, False, Patience(5.0, 50.0, 55.0)),
    ],
)
def test_how_long_it_is_watched(helped: Any, vitess: bool, expected: Patience):
    book = runbook({**IDLE, "helped": helped} if helped else IDLE)
    assert patience(book, book.causes[0], vitess=vitess) == expected


def test_a_check_reads_the_steps_of_causes_but_not_what_may_stall_a_server_or_only_people_read():
    book = runbook(
        IDLE,
        {"id": "slow", "when": "everywhere", "says": "Slow."},
        everywhere={"use": "mysql.wait_graph", "on": "replicas", "when": "sessions.total > 1"},
        shown={"use": "mysql.replica_status", "show": True},
    )
    assert [*checking(book, book.causes[0]).gather] == ["locks"]
    assert [*checking(book, book.causes[1]).gather] == ["locks", "sessions", "everywhere"]
