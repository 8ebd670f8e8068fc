"""Which shapes of queries take the time, and how many of them go to every shard."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.query_shapes import query_shapes
from bot.lab.connections import ask
from tests.actions.vitess_hands import Hands
from tests.recorded_vitess import RecordedVitess

ONE = "select visits from customer where customer_id = :customer_id /* BIGINT */"
ALL = "select count(*), 'secret' from orders where total_cents > 100"
PLANS, STATS = "vtgate /debug/query_plans", "vttablet zone1-0000000100 /debug/query_stats"


def plans(one: int, scattered: int) -> dict[str, Any]:
    """What /debug/query_plans of a vtgate answers, shortened."""
    return {
        ONE: {
            "QueryType": "SELECT",
            "Original": ONE,
            "Instructions": {"OperatorType": "Route", "Variant": "EqualUnique"},
            "ExecCount": one,
            "ExecTime": one * 1_000_000,
            "ShardQueries": one,
            "RowsReturned": one,
        },
        ALL: {
            "QueryType": "SELECT",
            "Original": ALL,
            "Instructions": {
                "OperatorType": "Aggregate",
                "Variant": "Scalar",
                "Inputs": [{"OperatorType": "Route", "Variant": "Scatter"}],
            },
            "ExecCount": scattered,
            "ExecTime": scattered * 9_000_000,
            "ShardQueries": 2 * scattered,
            "Errors": 1,
        },
    }


def stats(count: int) -> list[dict[str, Any]]:
    return [
        {
            "Query": "select visits from customer where customer_id = 4",
            "Table": "customer",
            "Plan": "Select",
            "QueryCount": count,
            "Time": count * 5_000_000,
            "MysqlTime": count * 1_000_000,
            "RowsReturned": count,
        }
    ]


class TwoLooks(RecordedVitess):
    """Answers otherwise after the pause."""

    def __init__(self, *looks: dict[str, Any]) -> None:
        super().__init__(pages=looks[0])
        self.looks = looks

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.pages = dict(self.looks[1])


def test_what_grew_between_two_looks_is_told_and_the_share_that_scatters():
    vt = TwoLooks({PLANS: plans(10, 5), STATS: [stats(3)]}, {PLANS: plans(40, 15), STATS: [stats(8)]})
    found = query_shapes(vt)
    assert vt.paused == 1.0
    assert (found.calls, found.scatter_calls, found.scatter_share, found.scatter_time_share) == (40, 10, 25.0, 75.0)
    first, second = found.shapes
    assert (first.statement, first.routes, first.scatters) == (
        "select count(*), ? from orders where total_cents > ?",
        ("Scatter",),
        True,
    )
    assert (first.calls, first.time, first.shard_queries, first.errors) == (10, 0.09, 20, 0)
    assert (second.calls, second.routes, second.scatters) == (30, ("EqualUnique",), False)
    [shape] = found.tablet_shapes
    assert (shape.statement, shape.calls, shape.time, shape.mysql_time, shape.waits) == (
        "select visits from customer where customer_id = ?",
        5,
        0.025,
        0.005,
        True,
    )


def test_where_nothing_ran_nothing_is_told():
    vt = TwoLooks({PLANS: plans(10, 5), STATS: [stats(3)]}, {PLANS: plans(10, 5), STATS: [stats(3)]})
    found = query_shapes(vt)
    assert (found.calls, found.shapes, found.scatter_share, found.tablet_shapes) == (0, (), 0.0, ())


def test_a_page_for_people_and_a_vttablet_that_is_away_are_missing():
    vt = TwoLooks({PLANS: plans(1, 1)}, {PLANS: plans(2, 1)})
    assert query_shapes(vt).missing == (
        f"The queries of zone1-0000000100 could not be read: {STATS} has no recorded answer",
    )
    page = {PLANS: "<html>", STATS: [stats(1)]}
    assert query_shapes(TwoLooks(page, page)).missing == (
        "The queries of vtgate could not be read: its answer is not JSON",
    )


def test_where_nobody_answers_it_is_unreadable():
    with pytest.raises(Unreadable, match="could not be read"):
        query_shapes(RecordedVitess())


@pytest.mark.vitess
def test_on_a_real_cluster_a_query_without_the_sharding_key_goes_to_every_shard(hands: Hands):
    primary, begun, over = hands.primary(), Event(), Event()

    def scatter() -> None:
        with hands.client() as client:
            while not over.is_set():
                ask(client, "select customer_id from customer where email = 'ann@example.org'")
                begun.set()

    client = Thread(target=scatter)
    client.start()
    try:
        assert begun.wait(10)
        found = hands.ask(query_shapes, tablet=primary)
    finally:
        over.set()
        client.join()
    [shape] = [one for one in found.scatters if "where email" in one.statement]
    assert shape.shard_queries == 2 * shape.calls > 0
    assert found.scatter_share > 0
    assert any("where email" in one.statement for one in found.tablet_shapes)
    assert "ann@example.org" not in repr(found)
    assert found.missing == ()
