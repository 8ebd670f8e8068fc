"""Which alerts are one incident: the rules on values alone; tests/store/test_incident_store.py has them on a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts import Alert, AlertStatus
from bot.incidents.alert_deduplication import Arrival, arrival, supersedes
from bot.incidents.incident_key import incident_key
from bot.incidents.joined_names import MOST_JOINED, joined_names
from bot.incidents.notify_channel import notifies_channel
from bot.incidents.reopened_thread import REOPENS_WITHIN, EarlierRun, Thread, reopened
from bot.incidents.resolved_runs import resolved_runs
from tests.samples import NOW, alert

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def severe(severity: str) -> Alert:
    return alert(labels={"alertname": "A", "severity": severity})


EARLIER = EarlierRun("r-1", "i-1", "r-1", "C1", NOW - timedelta(minutes=1), severe("warning"), resolved=False)


@pytest.mark.parametrize(
    ("status", "stored", "means"),
    [
        (FIRING, None, Arrival.FIRED),
        (FIRING, FIRING, Arrival.REPEATED),
        (RESOLVED, FIRING, Arrival.RESOLVED),
        (RESOLVED, RESOLVED, Arrival.REPEATED),
        (FIRING, RESOLVED, Arrival.REPEATED),
        (RESOLVED, None, Arrival.NEVER_FIRED),
    ],
)
def test_what_a_notification_means(status: AlertStatus, stored: AlertStatus | None, means: Arrival):
    assert arrival(status, stored) is means


def test_a_later_firing_of_the_same_labels_ends_the_former_one():
    former = alert(starts_at=NOW)
    assert supersedes(alert(starts_at=NOW + timedelta(seconds=1)), former)
    assert not supersedes(former, former)
    assert not supersedes(alert(starts_at=NOW - timedelta(seconds=1)), former)


def test_the_key_names_the_family_and_the_place():
    assert incident_key(alert(), "mysql/x", "orders-3") == "mysql/x@orders-3"


def test_without_a_runbook_and_a_known_instance_the_alert_names_itself():
    assert incident_key(alert(labels={"alertname": "A", "instance": "db1:9104"}), "", "") == "A@db1:9104"


def test_a_card_names_each_joined_alert_once():
    assert joined_names("A", (), "B") == ("B",)
    assert joined_names("A", ("B",), "C") == ("B", "C")
    assert joined_names("A", ("B",), "B") is None
    assert joined_names("A", ("B",), "A") is None


def test_a_card_names_a_bounded_number_of_joined_alerts():
    assert joined_names("A", [str(n) for n in range(MOST_JOINED)], "B") is None


def test_a_recent_run_of_the_key_is_reopened():
    assert reopened(severe("warning"), [EARLIER], now=NOW, stored_roots={"r-1"}) == Thread(
        "i-1", "r-1", "C1", loud=False, assigned=None
    )


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        [replace(EARLIER, opened_at=NOW - REOPENS_WITHIN - timedelta(seconds=1))],
        [replace(EARLIER, alert=None)],
        [replace(EARLIER, thread="r-0")],
    ],
    ids=["none", "too long ago", "asked by a person", "its first card is deleted"],
)
def test_otherwise_the_run_begins_a_thread_of_its_own(earlier: list[EarlierRun]):
    assert reopened(severe("warning"), earlier, now=NOW, stored_roots={"r-1"}) is None


def test_the_channel_is_told_when_the_trouble_comes_back_or_turns_critical():
    assert notifies_channel(severe("warning"), [severe("warning")], resolved=True)
    assert notifies_channel(severe("Page"), [severe("warning")], resolved=False)
    assert not notifies_channel(severe("critical"), [severe("page")], resolved=False)
    assert not notifies_channel(severe("warning"), [severe("warning")], resolved=False)


def test_a_run_is_over_with_its_own_alerts_and_all_runs_are_with_the_last_alert():
    runs = [("r-1", False), ("r-2", False), ("r-3", True)]
    assert resolved_runs(runs, answered_by="r-2", firing={"r-1"}) == ["r-2"]
    assert resolved_runs(runs, answered_by="r-1", firing={"r-1"}) == []
    assert resolved_runs(runs, answered_by="r-1", firing={None}) == ["r-1"]
    assert resolved_runs(runs, answered_by=None, firing=()) == ["r-1", "r-2"]
