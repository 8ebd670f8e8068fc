"""Each fault comes about for real, shows in the alert's own expression, and is mended without a trace."""

from __future__ import annotations

import pytest
import requests

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.client import administrator, ask, wait_until
from bot.lab.fault.breaking import break_, fix
from bot.lab.fault.model import faults
from bot.lab.monitoring import rules
from bot.lab.state import LabState

EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in rules()["groups"][0]["rules"]}


def holds(lab: LabState, alert: str, address: str) -> bool:
    """Whether the expression of the alert holds for the server, by Prometheus's own word."""
    query = {"query": EXPRESSIONS[alert]}
    found = requests.get(f"{lab.urls.prometheus}/api/v1/query", params=query, timeout=5).json()
    return any(row["metric"].get("instance") == address for row in found["data"]["result"])


@pytest.mark.lab
@pytest.mark.parametrize("name", faults())
def test_it_is_broken_seen_and_mended(sound_lab: LabState, name: str):
    fault = faults()[name]
    address = sound_lab.instance(fault.instance).address
    assert break_(sound_lab.folder, name) == fault
    wait_until(f"{fault.alert} sees {name}", lambda: holds(sound_lab, fault.alert, address))
    assert break_(sound_lab.folder, name) == fault

    assert fix(sound_lab.folder, name) == fault

    wait_until(f"{fault.alert} is over", lambda: not holds(sound_lab, fault.alert, address))
    assert [p.name for p in processes.recorded(sound_lab.folder) if p.name.startswith("fault-")] == []
    with administrator(sound_lab.instance(fault.instance)) as admin:
        users = {str(row["User"]) for row in ask(admin, "SHOW PROCESSLIST")}
    assert not {"reports", "deploy"} & users
    assert fix(sound_lab.folder, name) == fault


def test_a_fault_that_there_is_not_is_told_with_those_that_there_are(tmp_path):
    with pytest.raises(WrongUsage, match="no fault 'rust'; it knows replication_stopped, "):
        break_(tmp_path, "rust")


def test_without_a_lab_it_says_how_to_have_one(tmp_path):
    with pytest.raises(FirstmateError, match=r"No lab is up in .*; run `firstmate lab up` first"):
        break_(tmp_path, "row_locks")


def test_every_fault_raises_an_alert_that_the_lab_has():
    assert {fault.alert for fault in faults().values()} == set(EXPRESSIONS)
