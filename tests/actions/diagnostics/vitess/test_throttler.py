"""What the throttler of a shard holds back now, and why."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.throttler import throttler
from tests.recorded_vitess import RecordedVitess
from tests.recorded_vtctld_answers import ALWAYS, ago, keyspace, rule, throttling, with_throttler


def test_a_rule_of_a_person_is_told_with_its_ratio_and_its_end():
    rules: dict[str, object] = {"online-ddl": rule(ratio=0.5)}
    found = throttler(with_throttler(throttling(rules=rules), keyspace(rules), throttling(leader=False, rules=rules)))
    [one] = found.by_hand
    assert (one.app, one.ratio, one.exempt) == ("online-ddl", 0.5, False)
    assert 3590 < one.expires_in <= 3600
    assert {tablet.tablet[-3:]: tablet.denied for tablet in found.tablets} == {
        "100": ("online-ddl",),
        "101": ("online-ddl",),
        "102": ("online-ddl",),
    }
    assert found.exceeding == ()


def test_rules_that_are_over_or_exempt_hold_nobody_back():
    rules: dict[str, object] = {"vreplication": rule("vreplication", left=-5), "tablegc": rule("tablegc", exempt=True)}
    found = throttler(with_throttler(throttling(), keyspace(rules)))
    assert [one.app for one in found.rules] == ["tablegc"]
    assert found.by_hand == ()


def test_a_metric_over_its_threshold_counts_where_apps_are_checked_by_it():
    health = {"shard/lag": {"seconds_since_last_healthy": "33"}}
    found = throttler(with_throttler(throttling(lag=12.4, metrics_health=health), keyspace()))
    [metric] = found.exceeding
    assert (metric.name, metric.value, metric.threshold, metric.unhealthy_for) == ("shard/lag", 12.4, 5.0, 33.0)
    threads = next(one for one in found.metrics if one.name == "shard/threads_running")
    assert (threads.exceeds, threads.checked) == (True, False)
    checked = {"online-ddl": "lag,shard/threads_running"}
    again = throttler(with_throttler(throttling(app_checked_metrics=checked), keyspace()))
    assert [one.name for one in again.exceeding] == ["shard/threads_running"]


def test_a_metric_that_cannot_be_read_is_told_where_apps_are_checked_by_it():
    failing = {"shard/lag": {"error": "no data"}, "self/custom": {"error": "no query"}}
    found = throttler(with_throttler(throttling(aggregated_metrics=failing), keyspace()))
    assert [(one.name, one.error) for one in found.unread] == [("shard/lag", "no data")]


def test_apps_that_asked_lately_are_told_with_their_answer():
    apps = {
        "online-ddl": {"checked_at": ago(1), "response_code": "APP_DENIED"},
        "vreplication": {"checked_at": ago(2), "response_code": "OK"},
        "tablegc": {"checked_at": ago(600), "response_code": "THRESHOLD_EXCEEDED"},
        "always-throttled-app": {"checked_at": ago(1), "response_code": "APP_DENIED"},
    }
    found = throttler(with_throttler(throttling(recent_apps=apps), keyspace()))
    assert [(one.app, one.answer, one.held) for one in found.apps] == [
        ("online-ddl", "APP_DENIED", True),
        ("vreplication", "OK", False),
    ]
    assert [one.app for one in found.held] == ["online-ddl"]


def test_a_throttler_that_is_off_is_told_by_the_settings_of_the_keyspace():
    off = {"status": {"is_leader": True, "throttled_apps": {"always-throttled-app": ALWAYS}}}
    found = throttler(with_throttler(off, {"keyspace": {"name": "commerce", "keyspace": {}}}, {"status": {}}))
    assert found.enabled is False
    assert found.disagreeing == ()
    assert (found.metrics, found.rules) == ((), ())


def test_tablets_that_did_not_hear_of_the_settings_are_named():
    found = throttler(with_throttler(throttling(), keyspace(), {"status": {}}))
    assert found.disagreeing == ("zone1-0000000101", "zone1-0000000102")


def test_a_tablet_that_is_away_is_missing_and_the_rest_is_told():
    found = throttler(
        with_throttler(Unreadable("GetThrottlerStatus was not answered within 2 s"), keyspace({"x": rule("x")}))
    )
    assert len(found.tablets) == 2
    assert [one.app for one in found.by_hand] == ["x"]
    assert found.missing == (
        "The throttler of zone1-0000000100 could not be read: GetThrottlerStatus was not answered within 2 s",
    )


def test_where_vtctld_is_away_it_is_unreadable():
    with pytest.raises(Unreadable, match="GetKeyspace"):
        throttler(RecordedVitess())
