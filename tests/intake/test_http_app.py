"""The HTTP side: stored before it is answered, refused with the field, and never without the token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.alerts import Alert, AlertStatus
from bot.engine.ports import Receipt
from bot.errors import Unreachable
from bot.intake.http_app import MAX_BODY, HttpIntake
from bot.intake.metrics import RUNS, Metrics
from tests.intake.webhook import FIRING, TOKEN


class Notebook:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.refused: list[tuple[str, str, bytes]] = []
        self.full = False

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        if self.full:
            raise Unreachable("The disk of the store is full.")
        self.alerts += alerts
        return [Receipt(fresh=True, incident="i-1", run="r-1") for _ in alerts]

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        self.refused.append((source, reason, body))


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def client(notebook: Notebook) -> TestClient:
    metrics = Metrics(lambda: {RUNS: {"waiting": 2.0}})
    intake = HttpIntake(receiver=notebook, token=TOKEN, metrics=metrics, not_ready=list)
    return TestClient(intake.app())


def post(client: TestClient, body: Any, token: str = f"Bearer {TOKEN}") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post("/alerts/alertmanager", content=content, headers={"Authorization": token} if token else {})


def changed(**changes: Any) -> dict[str, Any]:
    return {**FIRING, "alerts": [{**FIRING["alerts"][0], **changes}]}


def test_an_alert_is_stored_and_answered_with_its_run(client, notebook):
    answer = post(client, FIRING)
    assert answer.status_code == 200
    assert answer.json() == {"alerts": 1, "new": 1, "runs": ["r-1"]}
    alert = notebook.alerts[0]
    assert alert.status is AlertStatus.FIRING
    assert alert.ends_at is None
    assert alert.metrics == {"mysql_up"}


def test_a_resolved_alert_has_its_end(client, notebook):
    post(client, changed(status="resolved", endsAt="2026-03-01T03:10:00Z"))
    assert notebook.alerts[0].status is AlertStatus.RESOLVED
    assert notebook.alerts[0].ends_at is not None


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ümlaut".encode()])
def test_without_the_token_nothing_is_stored(client, notebook, token):
    answer = post(client, FIRING, token)
    assert answer.status_code == 401
    assert "token" in answer.json()["error"]
    assert notebook.alerts == []


WRONG = [
    (b"", "body"),
    (b"not json", "body"),
    (b"\xff\xfe", "body"),
    (b"[]", "body"),
    ({**FIRING, "version": "5"}, "version"),
    ({**FIRING, "alerts": []}, "alerts"),
    (changed(labels={}), "alerts.0.labels"),
    (changed(labels={"alertname": 7}), "alerts.0.labels.alertname"),
    (changed(startsAt="yesterday"), "alerts.0.startsAt"),
    (changed(startsAt="2026-03-01T03:00:00"), "alerts.0.startsAt"),
    (changed(status="burning"), "alerts.0.status"),
]


@pytest.mark.parametrize(("body", "field"), WRONG)
def test_a_body_that_does_not_fit_is_refused_with_the_field_and_kept(client, notebook, body, field):
    answer = post(client, body)
    assert answer.status_code == 400
    assert f"(version 4): {field}: " in answer.json()["error"]
    assert notebook.alerts == []
    assert [source for source, _, _ in notebook.refused] == ["alertmanager"]


def test_a_body_beyond_the_bound_is_refused_before_it_is_read_whole(client, notebook):
    answer = post(client, b"x" * (MAX_BODY + 1))
    assert answer.status_code == 413
    assert notebook.refused == []


def test_what_cannot_be_stored_is_answered_so_that_it_is_sent_again(client, notebook):
    notebook.full = True
    answer = post(client, FIRING)
    assert answer.status_code == 503
    assert "disk" in answer.json()["error"]


def test_an_unknown_source_is_told_the_known_ones(client):
    answer = client.post("/alerts/nagios")
    assert answer.status_code == 404
    assert "/alerts/alertmanager" in answer.json()["error"]


def test_health_readiness_and_metrics(client, notebook):
    post(client, FIRING)
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").status_code == 200
    text = client.get("/metrics").text
    assert 'firstmate_alerts_received_total{source="alertmanager",status="firing"} 1.0' in text
    assert 'firstmate_runs{of="waiting"} 2.0' in text


def test_readiness_says_what_is_missing(notebook):
    metrics = Metrics(dict)
    intake = HttpIntake(receiver=notebook, token=TOKEN, metrics=metrics, not_ready=lambda: ["Slack is not connected."])
    answer = TestClient(intake.app()).get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "Slack is not connected.\n"
