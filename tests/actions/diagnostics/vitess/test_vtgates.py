"""vitess.vtgates: buffering, errors a second, and the tablets that each vtgate uses."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.vtgates import RatedCounter, vtgates
from actions.prometheus_contract import Series
from tests.actions.diagnostics.vitess.recordings import healthy
from tests.recorded_vitess import RecordedVitess, series

HERE = {"keyspace": "commerce", "shard_name": "-80"}
OTHER = {"keyspace": "commerce", "shard_name": "80-"}
REASONS = ("MaxDurationExceeded", "NewPrimarySeen", "ReshardingComplete", "Shutdown")


def page(
    *, starts: int = 0, stops: dict[str, int] | None = None, primary: int = 1, replica: int = 2, **more: float
) -> tuple[Series, ...]:
    """The page of a vtgate; `more` are evicted, skipped, errors, calls, call_errors of the shard."""
    healthy_ones = {"primary": primary, "replica": replica}
    return (
        series(starts, __name__="vtgate_buffer_starts", **HERE),
        series(9, __name__="vtgate_buffer_starts", **OTHER),
        *(series((stops or {}).get(each, 0), __name__="vtgate_buffer_stops", reason=each, **HERE) for each in REASONS),
        series(more.get("buffered", 0), __name__="vtgate_buffer_requests_buffered", **HERE),
        series(more.get("evicted", 0), __name__="vtgate_buffer_requests_evicted", reason="WindowExceeded", **HERE),
        series(
            more.get("skipped", 0), __name__="vtgate_buffer_requests_skipped", reason="LastFailoverTooRecent", **HERE
        ),
        series(
            more.get("errors", 0),
            __name__="vtgate_api_error_counts",
            code="CLUSTER_EVENT",
            db_type="primary",
            keyspace=more.get("keyspace", "commerce"),  # type: ignore[arg-type]
            operation="Execute",
        ),
        series(more.get("calls", 0), __name__="vtgate_vttablet_call_count", db_type="primary", **HERE),
        series(more.get("call_errors", 0), __name__="vtgate_vttablet_call_error_count", db_type="primary", **HERE),
        series(
            more.get("call_errors", 0) + 50, __name__="vtgate_vttablet_call_error_count", db_type="primary", **OTHER
        ),
        *(
            # A type without a healthy tablet has no series.
            series(count, __name__="vtgate_healthcheck_connections", tablet_type=type_, **HERE)
            for type_, count in healthy_ones.items()
            if count
        ),
        series(1, __name__="vtgate_healthcheck_connections", tablet_type="primary", **OTHER),
        series(25.3, __name__="vtgate_topology_watcher_max_refresh_lag"),
    )


def looks(before: list[Any], after: list[Any]) -> RecordedVitess:
    """The vtgates at two looks."""

    class Later(RecordedVitess):
        def pause(self, seconds: float) -> None:
            super().pause(seconds)
            self.pages["metrics vtgate"] = after

    return healthy(reader=Later, pages={"metrics vtgate": before})


def test_a_vtgate_in_health():
    vt = looks([page(calls=100)], [page(calls=114)])
    found = vtgates(vt)
    (gate,) = found.vtgates
    assert (gate.buffering, gate.buffer_starts, gate.buffer_stops, gate.errors, gate.skipped) == (False, 0, (), (), ())
    assert (gate.healthy_primaries, gate.healthy_replicas, gate.refresh_lag) == (1, 2, 25.3)
    assert (gate.tablet_calls_per_second, gate.last_failover) == (14.0, None)
    assert (found.buffering, found.without_primary, found.without_replica, found.silent) == ((), (), (), ())
    assert (found.disagree, found.errors_per_second) == (False, 0)
    assert vt.paused == 1.0


def test_one_that_began_to_buffer_and_has_not_stopped_is_buffering():
    found = vtgates(looks([page()], [page(starts=1, buffered=1, primary=0)]))
    assert len(found.buffering) == len(found.without_primary) == 1
    assert found.vtgates[0].buffered == 1
    ended = vtgates(looks([page()], [page(starts=2, stops={"NewPrimarySeen": 1, "MaxDurationExceeded": 1})]))
    assert ended.buffering == ()
    assert {each.name: each.total for each in ended.vtgates[0].buffer_stops} == {
        "NewPrimarySeen": 1,
        "MaxDurationExceeded": 1,
    }


def test_after_a_failover_that_took_too_long_requests_fail():
    before = page(starts=1, stops={"MaxDurationExceeded": 1}, evicted=1, errors=2, call_errors=2, primary=0)
    after = (
        *page(starts=1, stops={"MaxDurationExceeded": 1}, evicted=3, skipped=2, errors=6, call_errors=3, primary=0),
        series(20001, __name__="vtgate_buffer_last_failover_duration_ms", **HERE),
    )
    found = vtgates(looks([before], [after]))
    (gate,) = found.vtgates
    assert gate.errors == (RatedCounter("CLUSTER_EVENT", 6, 4.0),)
    assert gate.tablet_errors == (RatedCounter("primary", 3, 1.0),)
    assert gate.evicted == (RatedCounter("WindowExceeded", 3, 2.0),)
    assert gate.skipped == (RatedCounter("LastFailoverTooRecent", 2, 2.0),)
    assert gate.last_failover == 20.001
    assert (found.errors_per_second, found.tablet_errors_per_second, found.evicted_per_second) == (4.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("keyspace", "counted"), [("commerce", 5), ("commerce/-80", 5), ("commerce@replica", 5), ("", 5), ("billing", 0)]
)
def test_errors_are_those_of_the_keyspace_however_the_client_named_it(keyspace: str, counted: int):
    found = vtgates(looks([page()], [page(errors=5, keyspace=keyspace)]))  # type: ignore[arg-type]
    assert sum(each.total for each in found.vtgates[0].errors) == counted


def test_vtgates_that_disagree_and_one_that_is_silent():
    away = Unreadable("http://vtgate3:15001/metrics does not answer (connection refused).")
    told = [page(), page(primary=0, replica=0), away]

    class Named(RecordedVitess):
        def _pages(self, key: str, who: str) -> Any:
            return tuple(
                type(each)(f"vtgate{number}", each.body, each.error)
                for number, each in enumerate(super()._pages(key, who), 1)
            )

    found = vtgates(healthy(reader=Named, pages={"metrics vtgate": told}))
    assert [each.address for each in found.vtgates] == ["vtgate1", "vtgate2"]
    assert [each.address for each in found.without_primary] == ["vtgate2"]
    assert [each.address for each in found.without_replica] == ["vtgate2"]
    assert (found.silent, found.disagree) == (("vtgate3",), True)
    assert "the vtgate at vtgate3 could not be read" in found.missing[0]


def test_a_counter_that_began_anew_is_no_negative_rate():
    found = vtgates(looks([page(calls=100, errors=50)], [page(calls=3, errors=1)]))
    assert (found.vtgates[0].tablet_calls_per_second, found.errors_per_second) == (0.0, 0.0)


def test_no_vtgate_answers():
    with pytest.raises(Unreadable, match="no vtgate of lab could be read"):
        vtgates(healthy(pages={"metrics vtgate": Unreadable("connection refused")}))
    with pytest.raises(Unreadable, match="the configuration names none"):
        vtgates(healthy(pages={"metrics vtgate": []}))


@pytest.mark.vitess
def test_a_real_vtgate(hands, replica):
    found = hands.ask(vtgates)
    (gate,) = found.vtgates
    assert (gate.healthy_primaries, gate.healthy_replicas, gate.buffering) == (1, 2, False)
    assert gate.tablet_calls_per_second > 0
    assert gate.refresh_lag is not None
    assert found.missing == ()
