"""Whether the pools of a tablet are full, and who holds their connections."""

from __future__ import annotations

from threading import Thread

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.pools import pools
from bot.lab.connections import ask
from bot.lab.waiting import wait_until
from tests.actions.vitess_hands import Hands
from tests.recorded_vitess import RecordedVitess, series, server

TARGET = "zone1-0000000100"
METRICS = f"metrics vttablet {TARGET}"
LIVE = f"vttablet {TARGET} /livequeryz/?format=json"
RUNS = [
    {
        "Type": "oltp",
        "Query": "select email from customer where email = 'ann@example.org' limit 10001",
        "ContextHTML": "<b>",
        "Start": "2026-11-26T01:50:00.123456789Z",
        "Duration": 5_960_000_000,
        "ConnID": 41,
    }
]
HOLDS = {
    "id": 40,
    "user": "vt_app",
    "command": "Sleep",
    "state": "",
    "qid": 0,
    "since": 1_772_334_100,
    "info": "",
    "started": "2026-11-26 01:49:50",
    "modified": 3,
    "trx_state": "RUNNING",
    "ours": 0,
    "host": "localhost",
    "idle_for": 9,
    "age": 12,
    "rows_locked": 5,
}
BENEATH = server({"INNODB_TRX t JOIN": [HOLDS], "events_statements_current": []})


def metrics(*, available: int = 0, waits: int = 7, exhausted: int = 2):
    return tuple(
        series(value, __name__=f"vttablet_{name}", **labels)
        for name, value, labels in (
            ("transaction_pool_capacity", 2, {}),
            ("transaction_pool_in_use", 2 - available, {}),
            ("transaction_pool_available", available, {}),
            ("transaction_pool_wait_count", waits, {}),
            ("conn_pool_capacity", 16, {}),
            ("conn_pool_in_use", 1, {}),
            ("conn_pool_available", 15, {}),
            ("conn_pool_wait_count", 0, {}),
            ("errors", exhausted, {"error_code": "RESOURCE_EXHAUSTED"}),
            ("errors", 90, {"error_code": "ABORTED"}),
            ("kills", 4, {"query_type": "Transactions"}),
            ("transaction_timeout", 30, {}),
        )
    )


class TwoLooks(RecordedVitess):
    """Answers the metrics otherwise after the pause."""

    after = metrics(waits=12, exhausted=5)

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.pages[METRICS] = self.after


def test_a_full_pool_is_seen_with_what_waits_for_it_and_who_holds_it():
    vt = TwoLooks(pages={METRICS: metrics(), LIVE: [RUNS]}, under={TARGET: BENEATH})
    found = pools(vt)
    assert vt.paused == 1.0
    assert found.tablet == TARGET
    assert found.full == ("transaction",)
    assert found.waiting == ("transaction",)
    transaction, read = found.pools
    assert (transaction.capacity, transaction.in_use, transaction.waits, transaction.waits_before) == (2, 2, 5, 7)
    assert (read.name, read.full, read.waits) == ("read", False, 0)
    assert (found.exhausted, found.exhausted_before, found.killed, found.killed_before) == (3, 2, 0, 4)
    assert found.transaction_timeout == 30.0
    assert found.serving
    [holder] = found.endable
    assert (holder.thread_id, holder.user, holder.started, holder.age) == (40, "vt_app", "2026-11-26 01:49:50", 12.0)
    assert found.missing == ()


def test_a_query_that_runs_is_told_without_its_values():
    found = pools(TwoLooks(pages={METRICS: metrics(), LIVE: [RUNS]}, under={TARGET: BENEATH}))
    [running] = found.running
    assert running.thread_id == 41
    assert running.running_for == 5.96
    assert running.statement == "select email from customer where email = ? limit ?"


def test_a_pool_with_connections_left_is_not_full():
    vt = RecordedVitess(pages={METRICS: metrics(available=1), LIVE: [RUNS]}, under={TARGET: BENEATH})
    found = pools(vt)
    assert found.full == ()
    assert found.waiting == ()
    assert found.exhausted == 0


def test_of_a_tablet_that_does_not_serve_the_pools_have_no_connections():
    none = tuple(series(0, __name__=each.labels["__name__"]) for each in metrics()[:8])
    found = pools(RecordedVitess(pages={METRICS: none, LIVE: [RUNS]}, under={TARGET: BENEATH}))
    assert not found.serving
    assert found.full == ()


def test_a_vttablet_that_is_away_leaves_the_transactions_of_its_server():
    vt = RecordedVitess(under={TARGET: BENEATH})
    found = pools(vt)
    assert found.pools == ()
    assert found.over == 0.0
    assert vt.paused == 0.0
    assert [one.thread_id for one in found.transactions] == [40]
    assert [each.split(" could")[0] for each in found.missing] == [
        f"The metrics of vttablet {TARGET}",
        f"/livequeryz of vttablet {TARGET}",
    ]


def test_another_tablet_can_be_asked_about():
    other = "zone1-0000000102"
    pages = {key.replace(TARGET, other): page for key, page in ((METRICS, metrics()), (LIVE, [RUNS]))}
    found = pools(RecordedVitess(pages=pages, under={other: BENEATH}), tablet=other)
    assert (found.tablet, found.full) == (other, ("transaction",))


def test_where_nothing_answers_it_is_unreadable():
    with pytest.raises(Unreadable, match="MySQL beneath"):
        pools(RecordedVitess())


@pytest.mark.vitess
def test_on_a_real_cluster_a_transaction_and_a_query_are_seen_with_their_connections(hands: Hands):
    primary = hands.primary()
    with hands.client() as client, hands.client() as other:
        ask(client, "begin")
        ask(client, "update customer set visits = visits where customer_id in (1, 2, 3, 4)")
        running = Thread(target=ask, args=(other, "select sleep(5) from customer limit 1"))
        running.start()
        wait_until("the query runs", lambda: bool(hands.ask(pools, tablet=primary, over=0.1).running), 10)
        found = hands.ask(pools, tablet=primary, over=0.1, older_than=0.0)
        running.join()
        ask(client, "rollback")
    held = {pool.name: pool.in_use for pool in found.pools}
    assert held["transaction"] >= 1
    assert held["read"] >= 1
    assert any(one.statement.startswith("select sleep(?)") for one in found.running)
    assert any(one.user == "vt_app" and one.command == "Sleep" for one in found.transactions)
    assert (found.full, found.missing, found.transaction_timeout) == ((), (), 30.0)
