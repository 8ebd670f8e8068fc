"""The alert of a fault; sends it to Alertmanager where the lab's Prometheus has no rule for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from urllib.parse import urlencode

import requests

from bot.errors import Unreachable
from bot.lab.fault_injection import vitess_cluster
from bot.lab.fault_injection.fault_file import Fault
from bot.lab.lab_state import LabState, read
from bot.lab.monitoring import rules
from bot.lab.server_data_directories import HOST
from bot.lab.vitess.alert_rules import rules as vitess_rules

FIRES_FOR = timedelta(hours=12)
"""How long an alert fires unless it is ended earlier."""


def alert_labels(state: LabState, fault: Fault) -> dict[str, str]:
    """Returns the labels of the alert that a fault raises."""
    if state.vitess is not None:
        return _of_tablet(state, fault)
    return {
        "alertname": fault.alert,
        "instance": state.instance(fault.instance).address,
        "severity": "critical",
        "fault": fault.name,
        **fault.file.labels,
    }


def _of_tablet(state: LabState, fault: Fault) -> dict[str, str]:
    """Returns the labels of a tablet, as in vttablet's metrics, with those that the fault's file overrides."""
    names = vitess_cluster.names(state, fault)
    tablet = vitess_cluster.cluster_of(state).tablet(names["target"])
    labels = {
        "alertname": fault.alert,
        "instance": f"{HOST}:{tablet.http_port}",
        "tablet_alias": tablet.alias,
        "keyspace": names["keyspace"],
        "shard": tablet.shard,
        "severity": "critical",
        "fault": fault.name,
        **{label: Template(text).safe_substitute(names) for label, text in fault.file.labels.items()},
    }
    return {label: text for label, text in labels.items() if text}


def raised_by_rule(fault: Fault) -> bool:
    """Returns whether a rule of the lab's Prometheus raises the alert."""
    return rule_expression(fault) != ""


def rule_expression(fault: Fault) -> str:
    """Returns the PromQL expression of the alert's rule; empty if the lab has no such rule."""
    made = vitess_rules() if fault.flavour == "vitess" else rules()
    found = (rule for group in made["groups"] for rule in group["rules"] if rule["alert"] == fault.alert)
    return next((str(rule["expr"]) for rule in found), "")


def generator_url(state: LabState, fault: Fault) -> str:
    """Returns the generator URL of the alert: where Prometheus shows its expression."""
    asked = rule_expression(fault)
    return f"{state.urls.prometheus}/graph" + (f"?{urlencode({'g0.expr': asked})}" if asked else "")


def send_alert(folder: Path, fault: Fault, *, ended: bool = False) -> None:
    """Sends the alert, or its end, to Alertmanager, unless a rule raises it; raises Unreachable."""
    state = read(folder)
    if state is None or raised_by_rule(fault):
        return
    now = datetime.now(UTC)
    alert = {
        "labels": alert_labels(state, fault),
        "annotations": {"summary": fault.says},
        "startsAt": now.isoformat(),
        "endsAt": (now if ended else now + FIRES_FOR).isoformat(),
        "generatorURL": generator_url(state, fault),
    }
    try:
        requests.post(f"{state.urls.alertmanager}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()
    except requests.RequestException as error:
        raise Unreachable(f"The lab's Alertmanager does not accept the alert: {error}.") from error
