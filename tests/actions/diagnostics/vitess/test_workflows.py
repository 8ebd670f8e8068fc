"""How the streams of VReplication of a keyspace go."""

from __future__ import annotations

import pytest

from actions.contract import Refused, Unreadable
from actions.diagnostics.vitess.workflows import workflow_by_name, workflows
from tests.recorded_vitess import RecordedVitess
from tests.recorded_vtctld_answers import ago, stream, with_workflows, workflow

NEVER = "9223372036854775807"
TERMINAL = (
    "terminal error: error applying event: Unknown column 'note' in 'field list' (errno 1054) (sqlstate 42S22) during "
    "query: insert into orders_mat(order_id,note) values (7,'ann@example.org')"
)


def test_a_stream_that_runs_is_neither_late_nor_stopped():
    found = workflows(with_workflows(workflow()))
    [one] = found.streams
    assert (one.workflow, one.type, one.id, one.shard, one.tablet) == (
        "mat1",
        "Materialize",
        1,
        "-80",
        "zone1-0000000100",
    )
    assert one.source == "commerce/80-"
    assert one.lag is not None
    assert 0 <= one.lag < 5
    assert (found.stopped, found.failing, found.lagging, found.copying, found.throttled) == ((), (), (), (), ())


def test_no_workflows_at_all_are_an_empty_answer():
    assert workflows(RecordedVitess({"GetWorkflows": {}})).workflows == ()


def test_a_stream_that_failed_is_told_without_the_row_that_it_failed_of():
    [one] = workflows(with_workflows(workflow("mat1", "Materialize", stream(5, "Error", message=TERMINAL)))).failing
    assert one.terminal
    assert one.message == (
        "terminal error: error applying event: Unknown column 'note' in 'field list' (errno 1054) (sqlstate 42S22)"
    )


def test_a_stream_that_tries_again_after_an_error_counts_as_failing():
    found = workflows(with_workflows(workflow("mat1", "Materialize", stream(message="error: connection refused"))))
    assert [one.terminal for one in found.failing] == [False]


def test_a_late_stream_is_told_with_its_lag_and_one_that_copies_has_none():
    late, copies = stream(1, behind=400), stream(2, "Copying", transaction_timestamp=None)
    found = workflows(
        with_workflows(workflow("mat1", "Materialize", late, copies, max_v_replication_transaction_lag=NEVER))
    )
    never = workflows(with_workflows(workflow(max_v_replication_transaction_lag="-9223372036854775808")))
    assert never.workflows[0].lag == 0.0
    assert [one.id for one in found.lagging] == [1]
    assert [(one.id, one.lag) for one in found.copying] == [(2, None)]
    assert 399 <= found.longest_lag < 410
    assert [each.lag for each in found.workflows] == [0.0]


@pytest.mark.parametrize(
    ("state", "message", "reason"),
    [
        ("Stopped", "", ""),
        ("Stopped", 'Picked source tablet: cell:"zone1" uid:100', ""),
        ("Stopped", "Stopped after copy.", "Stopped after copy."),
        ("Error", "", "an unknown error"),
        ("Running", "", ""),
    ],
)
def test_why_a_stream_stands_is_told_where_no_person_stopped_it(state, message, reason):
    found = workflows(with_workflows(workflow("mat1", "Materialize", stream(1, state, message=message))))
    assert found.streams[0].reason == reason


def test_a_stopped_stream_is_told_and_one_that_is_frozen_is_not_among_them():
    stopped = workflow("mat1", "Materialize", stream(1, "Stopped"))
    frozen = workflow("move", "MoveTables", stream(2, "Stopped", message="FROZEN"))
    found = workflows(with_workflows(stopped, frozen, traffic="All Reads Switched. Writes Switched"))
    assert [one.id for one in found.stopped] == [1]
    assert found.switching == ("move",)


@pytest.mark.parametrize(
    ("traffic", "switching"),
    [
        ("Reads Not Switched. Writes Not Switched", False),
        ("All Reads Switched. Writes Not Switched", True),
        ("Reads partially switched. Replica switched in cells: zone1. Rdonly not switched. Writes Not Switched", True),
        ("All Reads Switched. Writes Switched", True),
    ],
)
def test_whether_traffic_is_switched_is_read_in_the_words_of_vitess(traffic, switching):
    found = workflows(with_workflows(workflow("move", "MoveTables"), traffic=traffic))
    assert found.workflows[0].switching is switching


def test_traffic_that_cannot_be_read_is_missing():
    found = workflows(with_workflows(workflow("move", "MoveTables"), traffic=Unreadable("refused")))
    assert found.missing == ("Whether traffic of move is switched could not be read: refused",)


def test_a_stream_that_waits_for_the_throttler_is_told():
    held = {"component_throttled": "vplayer", "time_throttled": ago(3)}
    before = {"component_throttled": "vcopier", "time_throttled": ago(600)}
    streams = stream(1, throttler_status=held), stream(2, throttler_status=before)
    found = workflows(with_workflows(workflow("mat1", "Materialize", *streams)))
    assert [(one.id, one.throttled_by) for one in found.throttled] == [(1, "vplayer")]


def test_streams_of_schema_migrations_are_only_counted():
    found = workflows(with_workflows(workflow("f2a1", "OnlineDDL", stream(1, "Error"))))
    assert (found.workflows, found.online_ddl, found.failing) == ((), 1, ())


def test_one_workflow_is_found_by_its_name_or_refused():
    assert workflow_by_name(with_workflows(workflow()), "mat1").name == "mat1"
    with pytest.raises(Refused, match="has no workflow 'mat2'"):
        workflow_by_name(with_workflows(), "mat2")
