"""Starts the streams of a workflow of VReplication that stand."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.vitess.schema_differences import schema_differences
from actions.diagnostics.vitess.workflows import workflows
from actions.remediations.vitess.start_workflow import StartWorkflow
from bot.lab.connections import ask
from bot.lab.waiting import wait_until
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import stream, with_workflows, workflow

START = StartWorkflow("mat1")
FIXED = StartWorkflow("mat1", cause_fixed=True)
FAILED = stream(1, "Error", message="terminal error: error applying event: Unknown column 'note' in 'field list'")
UPDATE = 'WorkflowUpdate {"keyspace":"commerce","tablet_request":{"shards":["-80"],"state":"%s","workflow":"mat1"}}'


def test_one_that_a_person_stopped_is_started_and_stopped_by_the_undo():
    vt = with_workflows(workflow("mat1", "Materialize", stream(1, "Stopped", behind=90), stream(2)))
    START.check(vt)
    assert [str(each) for each in START.change(vt)] == [UPDATE % "Running"]
    assert [str(each) for each in START.undo(vt)] == [UPDATE % "Stopped"]
    assert START.cost(vt).startswith("mat1 catches up on 9")


@pytest.mark.parametrize("why", [FAILED, stream(1, "Stopped", message="Stopped after copy.")])
def test_one_that_stands_for_a_reason_is_refused_until_that_is_mended(why):
    vt = with_workflows(workflow("mat1", "Materialize", why))
    with pytest.raises(
        Refused, match=r"\w'?\. Agree on a fix with its owner\. Then start it by hand \(vtctldclient Workflow"
    ):
        START.check(vt)
    FIXED.check(vt)
    assert [str(each) for each in FIXED.change(vt)] == [UPDATE % "Running"]


def test_what_failed_is_not_brought_back_into_its_error():
    with pytest.raises(NoUndo, match="cannot be returned to"):
        list(FIXED.undo(with_workflows(workflow("mat1", "Materialize", FAILED))))


def test_one_that_works_is_frozen_or_unknown_is_refused():
    with pytest.raises(Refused, match="stopped on no shard of commerce: it is Running"):
        FIXED.check(with_workflows(workflow()))
    with pytest.raises(Refused, match="its streams are frozen"):
        FIXED.check(with_workflows(workflow("mat1", "MoveTables", stream(1, "Stopped", message="FROZEN"))))
    with pytest.raises(Refused, match="has no workflow"):
        FIXED.check(with_workflows())


def test_it_is_good_once_all_its_streams_work():
    assert START.verify(with_workflows(workflow("mat1", "Materialize", stream(1), stream(2, "Copying")))).ok
    early = START.verify(with_workflows(workflow("mat1", "Materialize", stream(1, "Init"), stream(2))))
    assert (early.ok, early.settled) == (False, False)


def test_an_error_that_may_be_the_old_one_is_looked_at_again():
    found = START.verify(with_workflows(workflow("mat1", "Materialize", FAILED, stream(2))))
    assert (found.ok, found.settled) == (False, False)
    assert found.says.startswith("mat1 has failed on -80: terminal error")


@pytest.mark.vitess
def test_on_a_real_cluster_a_stream_that_failed_is_started_once_its_cause_is_mended(hands: Hands, copies: str):
    with hands.client("commerce/-80") as operator:
        ask(operator, f"alter table {copies} drop column status")
        wait_until("a stream fails", lambda: bool(hands.ask(workflows).failing), 30)
        [failed] = hands.ask(workflows).failing
        assert (failed.state, failed.terminal, failed.shard) == ("Error", True, "-80")
        assert "Unknown column 'status'" in failed.message
        assert copies in hands.ask(schema_differences).tables
        with pytest.raises(Refused, match="Unknown column"):
            hands.check(StartWorkflow(copies))
        ask(operator, f"alter table {copies} add column status varchar(16) not null default '' after customer_id")
    fixed = StartWorkflow(copies, cause_fixed=True)
    hands.make(fixed)
    assert hands.verify(fixed).ok
    with pytest.raises(Refused, match="is stopped on no shard"):
        hands.check(fixed)
