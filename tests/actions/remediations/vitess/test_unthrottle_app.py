"""Releases an app that a rule of the throttler holds back."""

from __future__ import annotations

import time

import pytest

from actions.contract import Refused
from actions.diagnostics.vitess.throttler import throttler
from actions.remediations.vitess.unthrottle_app import UnthrottleApp
from bot.lab.waiting import wait_until
from tests.actions.vitess_hands import Hands
from tests.recorded import MYSQL_97, Recorded
from tests.recorded_vtctld_answers import keyspace, rule, throttling, with_throttler

RELEASE = UnthrottleApp("online-ddl")
RULES = {"online-ddl": rule(ratio=0.5)}


def test_the_rule_is_removed_with_one_that_has_expired():
    vt = with_throttler(throttling(), keyspace(RULES))
    RELEASE.check(vt)
    assert [str(each) for each in RELEASE.change(vt)] == [
        'UpdateThrottlerConfig {"keyspace":"commerce","throttled_app":{"expires_at":{"seconds":1},'
        '"name":"online-ddl","ratio":0.0}}'
    ]
    assert "50% of the requests of online-ddl in" in RELEASE.cost(vt)


def test_the_undo_restores_its_ratio_and_its_end():
    until = {"seconds": "4000000000", "nanoseconds": 5}
    vt = with_throttler(throttling(), keyspace({"online-ddl": {"ratio": 0.5, "expires_at": until}}))
    assert [str(each) for each in RELEASE.undo(vt)] == [
        'UpdateThrottlerConfig {"keyspace":"commerce","throttled_app":{"expires_at":{"nanoseconds":5,'
        '"seconds":4000000000},"name":"online-ddl","ratio":0.5}}'
    ]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({}, "No throttler rule applies to online-ddl in commerce. If the"),
        ({"online-ddl": rule(left=-1)}, "No throttler rule applies to online-ddl in commerce. If the"),
        ({"online-ddl": rule(exempt=True)}, "exempts it from throttling; there"),
    ],
)
def test_an_app_that_no_rule_holds_back_is_refused(rules, why):
    with pytest.raises(Refused, match=why):
        RELEASE.check(with_throttler(throttling(), keyspace(rules)))


@pytest.mark.parametrize("app", ["", "a b", 'x"}', "always-throttled-app"])
def test_what_is_no_name_of_an_app_is_refused(app):
    with pytest.raises(Refused, match="not the name of an app"):
        UnthrottleApp(app).check(with_throttler(throttling(), keyspace(RULES)))


def test_it_is_good_once_every_tablet_has_heard_of_it():
    assert RELEASE.verify(with_throttler(throttling(), keyspace())).ok
    late = RELEASE.verify(with_throttler(throttling(), keyspace(), throttling(leader=False, rules=RULES)))
    assert (late.ok, late.settled) == (False, False)
    assert "the rule of online-ddl: zone1-0000000101, zone1-0000000102." in late.says
    back = RELEASE.verify(with_throttler(throttling(), keyspace(RULES)))
    assert (back.ok, back.settled) == (False, True)


def test_a_server_that_is_no_tablet_is_refused():
    with pytest.raises(Refused, match="Vitess tablet, and this"):
        RELEASE.check(Recorded(MYSQL_97, {}))


@pytest.mark.vitess
def test_on_a_real_cluster_a_rule_is_removed_and_restored(hands: Hands):
    until = int(time.time()) + 3600
    forgotten = {"name": "online-ddl", "ratio": 1.0, "expires_at": {"seconds": until}}
    hands.call("UpdateThrottlerConfig", keyspace="commerce", enable=True)
    try:
        hands.call("UpdateThrottlerConfig", keyspace="commerce", throttled_app=forgotten)
        wait_until("the tablets know the rule", lambda: all(t.denied for t in hands.ask(throttler).tablets), 20)
        hands.check(RELEASE)
        [undo] = hands.undo_of(RELEASE)
        assert f'"seconds":{until}' in undo
        hands.make(RELEASE)
        assert hands.verify(RELEASE).ok
        assert hands.ask(throttler).by_hand == ()
        with pytest.raises(Refused, match="No throttler rule"):
            hands.check(RELEASE)
        hands.execute(undo)
        [rule] = hands.ask(throttler).by_hand
        assert (rule.app, rule.ratio, rule.expires_at) == ("online-ddl", 1.0, float(until))
    finally:
        hands.call(
            "UpdateThrottlerConfig", keyspace="commerce", throttled_app={**forgotten, "expires_at": {"seconds": 1}}
        )
        hands.call("UpdateThrottlerConfig", keyspace="commerce", disable=True)
