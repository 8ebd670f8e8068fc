"""Stops the streams of a workflow of VReplication."""

from __future__ import annotations

import pytest

from actions.contract import Refused, Unreadable
from actions.remediations.vitess.stop_workflow import StopWorkflow
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import stream, with_workflows, workflow

STOP = StopWorkflow("mat1")
UPDATE = 'WorkflowUpdate {"keyspace":"commerce","tablet_request":{"shards":["-80"],"state":"%s","workflow":"mat1"}}'


def test_it_is_stopped_where_it_works_and_undone_there():
    vt = with_workflows(workflow("mat1", "Materialize", stream(1), stream(2, "Copying")))
    STOP.check(vt)
    assert [str(each) for each in STOP.change(vt)] == [UPDATE % "Stopped"]
    assert [str(each) for each in STOP.undo(vt)] == [UPDATE % "Running"]
    assert "writes nothing to commerce (-80)" in STOP.cost(vt)


def test_one_that_stands_or_is_unknown_is_refused():
    with pytest.raises(Refused, match="running on no shard of commerce: it is Stopped"):
        STOP.check(with_workflows(workflow("mat1", "Materialize", stream(1, "Stopped"))))
    with pytest.raises(Refused, match="has no workflow 'mat1'"):
        STOP.check(with_workflows())


@pytest.mark.parametrize("traffic", ["All Reads Switched. Writes Not Switched", Unreadable("refused")])
def test_one_whose_traffic_is_switched_or_may_be_is_refused(traffic):
    with pytest.raises(Refused, match="is switched or being switched"):
        STOP.check(with_workflows(workflow("mat1", "MoveTables"), traffic=traffic))


def test_one_whose_traffic_is_not_switched_may_be_stopped():
    STOP.check(with_workflows(workflow("mat1", "MoveTables"), traffic="Reads Not Switched. Writes Not Switched"))


def test_it_is_good_once_no_stream_works():
    assert STOP.verify(with_workflows(workflow("mat1", "Materialize", stream(1, "Stopped")))).ok
    still = STOP.verify(with_workflows(workflow("mat1", "Materialize", stream(1, "Stopped"), stream(2))))
    assert (still.ok, still.settled, still.says) == (False, False, "mat1: -80 is Running.")


@pytest.mark.vitess
def test_on_a_real_cluster_it_is_stopped_and_started_again_by_the_undo(hands: Hands, copies: str):
    stop = StopWorkflow(copies)
    hands.check(stop)
    undo = hands.undo_of(stop)
    hands.make(stop)
    assert hands.verify(stop).ok
    with pytest.raises(Refused, match="is running on no shard"):
        hands.check(stop)
    for each in undo:
        hands.execute(each)
    hands.until_it_works(copies)
