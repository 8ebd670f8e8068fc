"""Silences on the lab's own Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bot.errors import Unreachable
from bot.fleet.alertmanager_silences import AlertmanagerSilencer
from bot.lab.lab_state import LabState
from tests.alertmanager import alertmanager


@pytest.fixture
def silencer(lab: LabState) -> AlertmanagerSilencer:
    return AlertmanagerSilencer(lab.urls.alertmanager)


@pytest.fixture
def labels(lab: LabState) -> Iterator[dict[str, str]]:
    """An alert that fires there, with awkward values, and ends with the test."""
    labels = {"alertname": "SilenceTest", "unique": uuid4().hex, "odd": 'a "b" \\ =~ {c}, ü'}
    alertmanager(lab, "alerts", [{"labels": labels}])
    yield labels
    ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    alertmanager(lab, "alerts", [{"labels": labels, "startsAt": ended, "endsAt": ended}])


def state(lab: LabState, labels: dict[str, str]) -> str:
    [alert] = [each for each in alertmanager(lab, "alerts") if each["labels"] == labels]
    return str(alert["status"]["state"])


def test_an_alert_is_silent_until_its_silence_ends(lab: LabState, silencer: AlertmanagerSilencer, labels):
    silence = silencer.silence(labels, seconds=60, by="U0BOB", why="testing")
    found = alertmanager(lab, f"silence/{silence}")
    assert (found["createdBy"], found["comment"], found["status"]["state"]) == (
        "Firstmate for U0BOB",
        "testing",
        "active",
    )
    assert state(lab, labels) == "suppressed"
    assert silencer.fires(labels)
    silencer.end(silence)
    assert alertmanager(lab, f"silence/{silence}")["status"]["state"] == "expired"
    assert state(lab, labels) != "suppressed"


def test_another_alert_of_the_same_name_is_heard(lab: LabState, silencer: AlertmanagerSilencer, labels):
    silence = silencer.silence({**labels, "unique": "another"}, seconds=60, by="U0BOB", why="testing")
    assert state(lab, labels) != "suppressed"
    silencer.end(silence)


def test_an_alert_that_is_over_does_not_fire(silencer: AlertmanagerSilencer, labels):
    assert silencer.fires(labels)
    assert not silencer.fires({**labels, "unique": "another"})


def test_ending_twice_or_what_is_not_there_is_fine(silencer: AlertmanagerSilencer, labels):
    silence = silencer.silence(labels, seconds=60, by="U0BOB", why="testing")
    silencer.end(silence)
    silencer.end(silence)
    silencer.end(str(uuid4()))


def test_what_alertmanager_refuses_is_told(silencer: AlertmanagerSilencer, labels):
    with pytest.raises(Unreachable, match=r"Alertmanager at http://\S+ "):
        silencer.silence(labels, seconds=-5, by="U0BOB", why="testing")


def test_one_that_does_not_answer_is_told():
    with pytest.raises(Unreachable, match=r"127.0.0.1:9 does not answer"):
        AlertmanagerSilencer("http://127.0.0.1:9", timeout=1).fires({"a": "b"})
