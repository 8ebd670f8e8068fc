"""Tells the lab's Alertmanager of a fault for which Prometheus has no rule there, as a team's own rule would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from bot.errors import Unreachable
from bot.lab.fault.model import Fault
from bot.lab.monitoring import rules
from bot.lab.state import LabState, read

FIRES_FOR = timedelta(hours=12)
"""After which Alertmanager takes an alert for over that nobody ended."""


def labels_of(state: LabState, fault: Fault) -> dict[str, str]:
    """The labels of the alert that a fault raises."""
    return {
        "alertname": fault.alert,
        "instance": state.instance(fault.instance).address,
        "severity": "critical",
        "fault": fault.name,
        **fault.file.labels,
    }


def by_rule(fault: Fault) -> bool:
    """Whether a rule of the lab's Prometheus raises the alert, so that nobody has to tell of it."""
    return fault.alert in {rule["alert"] for group in rules()["groups"] for rule in group["rules"]}


def tell(folder: Path, fault: Fault, *, over: bool = False) -> None:
    """Sends the alert, or its end, to the Alertmanager of a lab, unless a rule does; raises Unreachable."""
    state = read(folder)
    if state is None or by_rule(fault):
        return
    now = datetime.now(UTC)
    alert = {
        "labels": labels_of(state, fault),
        "annotations": {"summary": fault.says},
        "startsAt": now.isoformat(),
        "endsAt": (now if over else now + FIRES_FOR).isoformat(),
        "generatorURL": f"{state.urls.prometheus}/graph",
    }
    try:
        requests.post(f"{state.urls.alertmanager}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()
    except requests.RequestException as error:
        raise Unreachable(f"The lab's Alertmanager takes no alert: {error}.") from error
