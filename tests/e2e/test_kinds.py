"""Real servers say what they are, and a runbook that does not cover that kind does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.lab.lab_state import LabState
from tests.e2e.lab_bot import variant
from tests.shell import firstmate

pytestmark = pytest.mark.lab

RUNBOOK = """\
runbook: ours/writers
title: Only for servers that replicate from nobody
owner: us
kinds: [standalone, source]
match: ['alertname = "Writers"']
gather:
  kind: mysql.server_kind
causes:
  - id: is_source
    when: kind.kind == "source"
    says: "{{ target.name }} has {{ kind.connected_replicas }} replicas."
"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [("orders-1", "source"), ("orders-3", "replica"), ("billing-1", "source"), ("billing-2", "replica")],
)
def test_a_server_says_what_it_is(sound_lab: LabState, tmp_path: Path, name: str, kind: str):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "writers.yml").write_text(RUNBOOK, encoding="utf-8")
    config = variant(sound_lab, f"kinds-{name}", runbooks=[str(tmp_path)])
    alert = tmp_path / "alert.json"
    address = sound_lab.instance(name).address
    alert.write_text(json.dumps({"labels": {"alertname": "Writers", "instance": address}}), encoding="utf-8")
    said = firstmate("run", "--alert", alert, "--config", config, "--json")
    assert (said.json["kinds"], said.json["service"]) == ([kind], None)
    if kind == "source":
        assert [each["id"] for each in said.json["causes"]] == ["is_source"]
        return
    assert (said.json["causes"], said.json["evidence"]) == ([], {})
    assert said.json["not_offered"].startswith(
        f"{name} is a replica; the runbook ours/writers does not cover replicas. Nothing was diagnosed"
    )
