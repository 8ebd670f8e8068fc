"""The shipped runbooks on real servers: each fault is called by its cause, and the remedy that it offers mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.lab.fault_injection.fault_file import faults
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.lab.waiting import wait_until
from tests.e2e.lab_bot import variant
from tests.shell import firstmate

pytestmark = pytest.mark.lab

START_APPLIER = "START REPLICA SQL_THREAD"
CAUSES = {
    "replication_stopped": ("mysql/replication-stopped", "lock_wait_or_deadlock", START_APPLIER),
    "replication_stopped_mariadb": ("mysql/replication-stopped", "lock_wait_or_deadlock", START_APPLIER),
    "replication_lag": ("mysql/replication-lag", "blocked_by_idle_session", "KILL "),
    "replication_lag_mariadb": ("mysql/replication-lag", "blocked_by_idle_session", "KILL "),
    "connections_exhausted": ("mysql/connections-exhausted", "idle_sessions_of_one_user", "SET GLOBAL "),
    "connections_exhausted_mariadb": ("mysql/connections-exhausted", "idle_sessions_of_one_user", "SET GLOBAL "),
    "row_locks": ("mysql/blocked-writes", "held_by_idle_session", "KILL "),
    "row_locks_mariadb": ("mysql/blocked-writes", "held_by_idle_session", "KILL "),
    "metadata_locks": ("mysql/blocked-writes", "held_by_idle_session", "KILL "),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_named_and_its_remedy_mends_it(sound_lab: LabState, tmp_path: Path, name: str):
    fault, (runbook, cause, statement) = faults()[name], CAUSES[name]
    config = variant(sound_lab, f"runbook-{name}")
    labels = {"alertname": fault.alert, "instance": sound_lab.instance(fault.instance).address}
    alert = tmp_path / "alert.json"
    alert.write_text(json.dumps({"labels": labels}), encoding="utf-8")
    inject_fault(sound_lab.folder, name)

    def diagnosed() -> dict[str, Any]:
        return dict(firstmate("run", "--alert", alert, "--config", config, "--json").json)

    # The runbooks take a wait for one when it has lasted a second.
    wait_until(f"the cause of {name}", lambda: [c["id"] for c in diagnosed()["causes"]][:1] == [cause], 10)
    found = diagnosed()
    assert found["runbook"] == runbook
    assert found["missing"] == {}
    assert found["not_offered"] is None
    [planned] = found["plan"]["statements"]
    assert planned.startswith(statement)
    assert planned_for_a_person(config, sound_lab, fault.instance, found) == planned
    replays_without_a_server(config, alert, sound_lab, cause)

    mended = firstmate("run", "--alert", alert, "--config", config, "--json", "--remedy", found["remedy"])

    assert (mended.code, mended.json["state"]) == (0, "mended"), mended.out


def planned_for_a_person(config: Path, lab: LabState, instance: str, found: dict[str, Any]) -> str:
    """What `firstmate plan` says would run; it is the same, it needs an approval, and nothing was changed."""
    said = firstmate("plan", found["runbook"], "--target", instance, "--config", config, "--json")
    assert said.code == 0
    assert said.json["approvals_needed"] == 1
    assert [guard["answer"] for guard in said.json["guards"] if guard["guard"] == "approval"] == ["ask"]
    [statement] = said.json["plan"]["statements"]
    return str(statement)


def replays_without_a_server(config: Path, alert: Path, lab: LabState, cause: str) -> None:
    """What `firstmate record` keeps gives the same cause and the same statements again, and names nobody."""
    case = alert.with_name("case.yml")
    recorded = firstmate("record", "--alert", alert, "--out", case, "--config", config)
    assert recorded.code == 0
    assert "Omitted" not in recorded.err
    text = case.read_text(encoding="utf-8")
    for instance in lab.instances:
        assert instance.address not in text
        assert instance.name not in text
    assert f"cause: {cause}" in text
    assert "statements:" in text
    assert firstmate("test", "--replay", case).code == 0
    case.write_text(text.replace(f"cause: {cause}", "cause: nobody_did_it"), encoding="utf-8")
    assert firstmate("test", "--replay", case).code == 1
