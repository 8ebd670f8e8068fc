"""After a failover by hand the card says that the primary has moved, and nothing is changed in the shard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bot.lab.lab_state import LabInstance, LabState
from tests.e2e.lab_bot import variant
from tests.shell import firstmate

REMEDY = {"use": "mysql.set_variable", "with": {"name": "max_connections", "value": 120}}
RUNBOOK = {
    "runbook": "ours/more",
    "title": "More connections",
    "owner": "me",
    "gather": {"me": "mysql.writability"},
    "causes": [{"id": "few", "when": 'me.address != ""', "says": "{{ me.address }} has few.", "remedy": "more"}],
    "remedies": {"more": REMEDY},
}


@pytest.mark.lab
def test_nothing_is_offered_and_every_change_is_refused(notes: LabState, promoted: LabInstance, tmp_path: Path):
    folder = tmp_path / "runbooks" / "ours"
    folder.mkdir(parents=True)
    (folder / "more.yml").write_text(yaml.safe_dump(RUNBOOK, sort_keys=False), encoding="utf-8")
    config = variant(notes, f"doubt-{promoted.shard}", runbooks=[str(folder.parent)])
    alert = tmp_path / "alert.json"
    moved = f"the servers name {promoted.name}: it accepts writes"
    for number in (1, 2, 3):
        name = f"{promoted.shard}-{number}"
        labels = {"alertname": "MySQLReplicaWritable", "instance": notes.instance(name).address}
        alert.write_text(json.dumps({"labels": labels}), encoding="utf-8")
        found = firstmate("run", "--alert", alert, "--config", config, "--json").json
        assert [each["id"] for each in found["causes"]] == ["primary_moved"]
        assert moved in found["causes"][0]["says"]
        assert found["remedy"] is None

        planned = firstmate("plan", "ours/more", "--target", name, "--config", config, "--json").json
        [verdict] = [each for each in planned["guards"] if each["guard"] == "target"]
        assert verdict["answer"] == "refuse"
        assert moved in verdict["says"]


@pytest.mark.lab
def test_a_server_that_was_promoted_is_not_a_replica_that_stopped(
    notes: LabState, promoted: LabInstance, tmp_path: Path
):
    config = variant(notes, f"promoted-{promoted.shard}")
    alert = tmp_path / "alert.json"
    labels = {"alertname": "MySQLReplicationStopped", "instance": promoted.address}
    alert.write_text(json.dumps({"labels": labels}), encoding="utf-8")
    found = firstmate("run", "--alert", alert, "--config", config, "--json").json
    assert [each["id"] for each in found["causes"]] == ["promoted"]
    assert found["remedy"] is None
