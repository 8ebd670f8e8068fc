"""Causes are derived from evidence, and remediations with their parameters from the remedies of a cause."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actions.blocking_sessions import Holder
from actions.contract import Remediation
from actions.diagnostics.mysql.replica_status import ReplicaStatus
from actions.diagnostics.mysql.wait_graph import WaitGraph
from actions.remediations.mysql.kill_connection import KillConnection
from actions.remediations.mysql.set_variable import SetVariable
from actions.remediations.vitess.start_workflow import StartWorkflow
from bot.errors import RunbookError, WrongUsage
from bot.runbook.diagnosis.causes import CauseStatus, diagnose
from bot.runbook.diagnosis.gather_steps import needs, step_parameters, step_runs
from bot.runbook.diagnosis.remedies import build, rebuild, remedy_of
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing
from bot.runbook.language.inputs import resolve
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import parse
from bot.runbook.testing.run_tests import run_tests

TEXT = """\
runbook: mysql/example
title: An example
owner: datastores
inputs:
  limit: {type: seconds, default: 30s}
  instance: {type: text, label: instance, default: ""}
  revert: {type: seconds, default: 1h}
gather:
  replica: mysql.replica_status
  locks: {use: mysql.wait_graph, when: replica.applier_running == "Yes"}
  siblings: {use: mysql.replica_status, on: replicas}
  writers:
    use: mysql.long_transactions
    on: primary
    with: {older_than: "{{ inputs.limit }}"}
  chart:
    use: prometheus.range
    with: {query: 'lag{instance="{{ inputs.instance }}"}', window: 30m}
causes:
  - id: blocked
    when: locks.holders and locks.holders[0].idle
    says: Session {{ locks.holders[0].thread_id }} of {{ locks.holders[0].user }} holds the lock.
    remedy: end
  - id: late
    when: replica.lag > inputs.limit
    says: The replica is {{ replica.lag | duration }} behind.
    remedy: room
  - id: stopped
    when: replica.applier_running == "No"
    says: Stopped ({{ replica.applier_error }}), {{ locks.waiting }} wait.
  - id: general
    unless: [stopped]
    when: replica.configured
    says: Something else.
remedies:
  end:
    use: mysql.kill_connection
    with:
      thread_id: "{{ locks.holders[0].thread_id }}"
      user: "{{ locks.holders[0].user }}"
      transaction_started: "{{ locks.holders[0].started }}"
  room:
    use: mysql.set_variable
    with: {name: max_connections, value: "{{ 100 * 2 }}", revert_after: "{{ inputs.revert }}"}
tests:
  - name: right
    given: {replica: {configured: true, applier_running: "Yes"}}
    expect: {cause: general}
  - name: wrong cause
    given: {replica: {configured: true, applier_running: "Yes"}}
    expect: {cause: stopped}
  - name: wrong remedy and sentence
    given: {replica: {applier_running: "Yes", lag: 1h}}
    expect: {cause: late, remedy: end, says: of course}
  - name: wrong parameter
    given: {replica: {applier_running: "Yes", lag: 1h}}
    expect: {cause: late, remedy: room, with: {value: 7}}
"""
HOLDER = Holder(
    41, "app", "web1", "Sleep", idle=True, age=60.0, started="2026-01-01 10:00:00", command_for=50.0, waiting=2
)
INPUTS = {"limit": 30.0, "instance": "db1", "revert": 3600.0}


@pytest.fixture(scope="module")
def runbook() -> Runbook:
    return parse(TEXT, "example.yml")


def test_the_first_proved_cause_leads(runbook):
    evidence = {
        "replica": ReplicaStatus(configured=True, applier_running="Yes", lag=95.0),
        "locks": WaitGraph(1, 5.0, holders=(HOLDER,)),
    }
    found = diagnose(runbook, evidence, INPUTS)
    assert [(each.id, each.verdict) for each in found.causes] == [
        ("blocked", CauseStatus.HOLDS),
        ("late", CauseStatus.HOLDS),
        ("stopped", CauseStatus.NO),
        ("general", CauseStatus.HOLDS),
    ]
    assert found.lead is not None
    assert (found.lead.says, found.lead.remedies) == ("Session 41 of app holds the lock.", ("end",))
    assert found.causes[1].says == "The replica is 1 min 35 s behind."


def test_a_cause_without_its_evidence_is_undecided_with_the_reason(runbook):
    evidence = {
        "replica": ReplicaStatus(configured=True, applier_running="Yes"),
        "locks": Missing("locks", "access denied"),
    }
    found = {each.id: each for each in diagnose(runbook, evidence, INPUTS).causes}
    assert found["blocked"].verdict is CauseStatus.UNDECIDED
    assert found["blocked"].says == "Undecided, because locks is missing: access denied"
    assert found["late"].verdict is CauseStatus.UNDECIDED
    assert "is NULL" in found["late"].says


def test_a_proved_cause_is_reported_even_if_its_sentence_lacks_evidence(runbook):
    evidence = {
        "replica": ReplicaStatus(configured=True, applier_running="No", lag=1.0),
        "locks": Missing("locks", "not needed"),
    }
    found = diagnose(runbook, evidence, INPUTS)
    assert found.lead is not None
    assert found.lead.id == "stopped"
    assert found.lead.says == "Stopped (), unknown wait."
    assert found.causes[3].verdict is CauseStatus.NO


def test_text_from_a_server_is_not_evaluated_as_a_template(runbook):
    evil = "{{ 7 * 7 }} {% raw %} <!channel>"
    evidence = {
        "replica": ReplicaStatus(configured=True, applier_running="No", lag=1.0, applier_error=evil),
        "locks": WaitGraph(),
    }
    lead = diagnose(runbook, evidence, INPUTS).lead
    assert lead is not None
    assert lead.says == f"Stopped ({evil}), 0 wait."


def made_of(runbook: Runbook, remedy: str, **scope: Any) -> tuple[Remediation, dict[str, Any]]:
    step = remedy_of(runbook, remedy).each_step[0]
    assert step.use is not None
    return build(step.use, step.parameters, {"inputs": INPUTS, **scope})


def test_a_remediation_is_built_with_native_types_and_rebuilt_from_json(runbook):
    made, parameters = made_of(runbook, "end", locks=WaitGraph(1, 5.0, holders=(HOLDER,)))
    assert made == KillConnection(41, "app", "2026-01-01 10:00:00")
    assert rebuild("mysql.kill_connection", json.loads(json.dumps(parameters))) == made
    assert made_of(runbook, "room")[0] == SetVariable("max_connections", 200, 3600.0)


def test_a_stored_parameter_with_its_former_name_is_still_understood():
    stored = {"workflow": "mat1", "cause_mended": True}
    assert rebuild("vitess.start_workflow", stored) == StartWorkflow("mat1", cause_fixed=True)


@pytest.mark.parametrize(
    ("use", "stored"), [("mysql.gone", {}), ("mysql.start_replica", {"thred": 1}), ("mysql.kill_query", {})]
)
def test_a_stored_remediation_that_no_longer_fits_is_rejected(use, stored):
    with pytest.raises(RunbookError, match="planned change"):
        rebuild(use, stored)


def test_a_remediation_that_cannot_be_built_raises_the_reason(runbook):
    with pytest.raises(EvidenceMissing, match="locks: down"):
        made_of(runbook, "end", locks=Missing("locks", "down"))
    with pytest.raises(ExpressionError, match="no item 0"):
        made_of(runbook, "end", locks=WaitGraph())
    with pytest.raises(RunbookError, match="did you mean 'room'"):
        remedy_of(runbook, "rooms")
    with pytest.raises(ExpressionError, match=r"revert_after: .*'a while' is not a duration"):
        made_of(runbook, "room", inputs={**INPUTS, "revert": "a while"})


def test_inputs_are_given_or_taken_from_a_label_or_the_default(runbook):
    assert resolve(runbook, {"instance": "db7"}) == {"limit": 30.0, "instance": "db7", "revert": 3600.0}
    assert resolve(runbook, {"instance": "db7"}, {"instance": "db9", "limit": "2m"})["instance"] == "db9"
    assert resolve(runbook, {"instance": "x"}, {"limit": "1h30m"})["limit"] == 5400.0


def test_an_invalid_label_value_is_replaced_by_the_default(runbook):
    assert resolve(runbook, {"instance": "x" * 600})["instance"] == ""


@pytest.mark.parametrize(
    ("given", "says"),
    [({"limt": 5}, "did you mean 'limit'"), ({"limit": "soon"}, "not a duration"), ({"instance": "x" * 600}, "600")],
)
def test_an_invalid_input_is_rejected(runbook, given, says):
    with pytest.raises(WrongUsage, match=says):
        resolve(runbook, {}, given)


def test_a_step_has_dependencies_a_condition_and_parameters(runbook):
    assert needs(runbook.gather["locks"], runbook.gather) == {"replica"}
    assert needs(runbook.gather["writers"], runbook.gather) == set()
    assert step_runs(runbook.gather["locks"], {"replica": ReplicaStatus(applier_running="Yes")})
    assert not step_runs(runbook.gather["locks"], {"replica": ReplicaStatus()})
    assert step_runs(runbook.gather["replica"], {})
    with pytest.raises(EvidenceMissing):
        step_runs(runbook.gather["locks"], {"replica": Missing("replica", "down")})
    assert step_parameters(runbook.gather["writers"], {"inputs": INPUTS}) == {"older_than": 30.0}


def test_a_label_cannot_end_the_string_in_a_promql_query(runbook):
    asked = step_parameters(runbook.gather["chart"], {"inputs": {**INPUTS, "instance": 'x"} or vector(1) or y{z="'}})
    assert asked == {"query": 'lag{instance="x\\"} or vector(1) or y{z=\\""}', "window": 1800.0}


def test_a_failing_test_of_a_runbook_reports_the_differences(runbook):
    differences = {each.name: tuple(map(str, each.differences)) for each in run_tests(runbook)}
    assert differences["right"] == ()
    assert differences["wrong cause"] == ("cause: expected stopped, got general (Something else.)",)
    assert differences["wrong remedy and sentence"] == (
        "remedy: expected end, got room",
        "says: expected 'of course', got 'The replica is 1 h behind.'",
    )
    assert differences["wrong parameter"] == ("with: value: expected 7, got 200",)


def eased(locks: object) -> list[tuple[str, str]]:
    causes = [
        {"id": "eased", "over": True, "unless": ["held"], "when": "replica.running", "says": "It has eased."},
        {"id": "late", "when": "replica.delay > 5", "says": "Late."},
    ]
    held = {"id": "held", "when": "locks.waiting > 0", "says": "Held."}
    book = Runbook.model_validate(
        {
            "runbook": "x",
            "title": "x",
            "owner": "me",
            "gather": {"replica": "mysql.replica_status", "locks": "mysql.wait_graph"},
            "causes": [held, *causes],
        }
    )
    replica = ReplicaStatus(configured=True, receiver_running="Yes", applier_running="Yes", delay=9.0)
    return [(each.id, each.verdict.value) for each in diagnose(book, {"replica": replica, "locks": locks}, {}).causes]


def test_what_says_that_it_is_over_comes_after_everything_else_that_is_proved():
    assert eased(WaitGraph()) == [("held", "no"), ("late", "holds"), ("eased", "holds")]
    assert eased(WaitGraph(waiting=1)) == [("held", "holds"), ("eased", "no"), ("late", "holds")]


def test_nobody_knows_that_it_is_over_while_what_excludes_it_is_unknown():
    assert eased(Missing("locks", "no answer")) == [("held", "undecided"), ("eased", "undecided"), ("late", "holds")]
