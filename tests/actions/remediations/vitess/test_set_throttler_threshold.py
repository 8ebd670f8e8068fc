"""Sets the threshold of one metric of the throttler for a while."""

from __future__ import annotations

import pytest

from actions.contract import Refused, Unreadable
from actions.remediations.vitess.set_throttler_threshold import SetThrottlerThreshold
from bot.lab.waiting import wait_until
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import keyspace, throttling, with_throttler

LOOSER = SetThrottlerThreshold("lag", 20.0, for_seconds=600)


def thresholds(lag: float) -> dict[str, object]:
    return throttling(metric_thresholds={"lag": lag, "default": 5.0})


def test_it_is_set_for_the_keyspace_and_for_a_time():
    vt = with_throttler(throttling(), keyspace())
    LOOSER.check(vt)
    assert LOOSER.revert_after == 600
    assert [str(each) for each in LOOSER.change(vt)] == [
        'UpdateThrottlerConfig {"keyspace":"commerce","metric_name":"lag","threshold":20.0}'
    ]
    assert LOOSER.cost(vt).startswith(
        "In all shards of commerce, copies and schema migrations wait only above a lag of 20 instead of 5."
    )


@pytest.mark.parametrize(("stored", "restored"), [({}, "0.0"), ({"lag": 7.5}, "7.5")])
def test_the_undo_restores_what_the_keyspace_has_of_its_own_or_removes_it(stored, restored):
    vt = with_throttler(throttling(), keyspace(metric_thresholds=stored))
    [undo] = LOOSER.undo(vt)
    assert str(undo).endswith(f'"metric_name":"lag","threshold":{restored}}}')


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (SetThrottlerThreshold("mysqld-loadavg", 3.0), "not one of the metrics"),
        (SetThrottlerThreshold("lag", 51.0), "now, and 0.5 to 50"),
        (SetThrottlerThreshold("lag", 0.4), "now, and 0.5 to 50"),
        (SetThrottlerThreshold("lag", 5.0), "commerce is already 5."),
        (SetThrottlerThreshold("lag", 9.0, for_seconds=0), "must be restored within 86400"),
        (SetThrottlerThreshold("lag", 9.0, for_seconds=90_000), "must be restored within 86400"),
        (
            SetThrottlerThreshold("loadavg", 9.0),
            "does not report its threshold of loadavg. Continue with /runbook run vitess/throttler",
        ),
    ],
)
def test_what_is_out_of_bounds_is_refused(asked, why):
    with pytest.raises(Refused, match=why):
        asked.check(with_throttler(throttling(), keyspace()))


def test_a_throttler_that_is_off_is_refused():
    with pytest.raises(Refused, match="The throttler of commerce is disabled,"):
        LOOSER.check(with_throttler(throttling(), keyspace(enabled=False)))


def test_a_primary_that_does_not_answer_is_refused():
    with pytest.raises(Refused, match="does not report its threshold"):
        LOOSER.check(with_throttler(Unreadable("away"), keyspace()))


def test_it_is_good_once_every_tablet_that_answers_goes_by_it():
    stored = keyspace(metric_thresholds={"lag": 20.0})
    assert LOOSER.verify(with_throttler(thresholds(20.0), stored, thresholds(20.0))).ok
    late = LOOSER.verify(with_throttler(thresholds(20.0), stored, thresholds(5.0)))
    assert (late.ok, late.settled) == (False, False)
    assert "zone1-0000000101 still has 5" in late.says
    other = LOOSER.verify(with_throttler(thresholds(20.0), keyspace(metric_thresholds={"lag": 8.0}), thresholds(20.0)))
    assert (other.ok, other.settled) == (False, True)


@pytest.mark.vitess
def test_on_a_real_cluster_it_is_set_and_restored(hands: Hands):
    hands.call("UpdateThrottlerConfig", keyspace="commerce", enable=True)
    try:
        with pytest.raises(Refused, match="out of bounds"):
            hands.check(SetThrottlerThreshold("lag", 1000.0))
        hands.check(LOOSER)
        undo = hands.undo_of(LOOSER)
        hands.make(LOOSER)
        assert hands.verify(LOOSER).ok
        for each in undo:
            hands.execute(each)
        wait_until("the former threshold is in force", lambda: _can_be_set(hands), 20)
    finally:
        hands.call("UpdateThrottlerConfig", keyspace="commerce", metric_name="lag", threshold=0.0)
        hands.call("UpdateThrottlerConfig", keyspace="commerce", disable=True)


def _can_be_set(hands: Hands) -> bool:
    """Whether the primary goes by another threshold again."""
    try:
        hands.check(LOOSER)
    except Refused:
        return False
    return True
