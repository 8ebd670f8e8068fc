"""`firstmate run`, `match` and `audit` from the shell, on the lab's servers."""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import load
from bot.guards import ORDER
from bot.lab.lab_state import LabState
from bot.lab.replication import replicates
from tests.e2e.lab_bot import REPLICA, variant
from tests.shell import Said, firstmate

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]


@pytest.fixture
def alert(lab: LabState, tmp_path: Path) -> Path:
    labels = {"alertname": "MySQLReplicationStopped", "instance": lab.instance(REPLICA).address}
    path = tmp_path / "alert.json"
    path.write_text(json.dumps({"labels": labels}), encoding="utf-8")
    return path


@pytest.fixture
def config(lab: LabState, tmp_path: Path) -> Path:
    return variant(lab, f"shell-{tmp_path.name}")


def run(config: Path, alert: Path, *arguments: str) -> Said:
    return firstmate("run", "--alert", alert, "--config", config, "--json", *arguments)


def test_it_diagnoses_and_plans_and_changes_nothing(lab: LabState, config: Path, alert: Path):
    said = run(config, alert)
    found = said.json
    assert said.code == 0
    assert (found["runbook"], found["target"]) == ("mysql/replication-stopped", REPLICA)
    assert "1205" in found["causes"][0]["says"]
    assert found["remedy"] == found["causes"][0]["remedy"] == found["plan"]["remedy"]
    assert found["plan"]["statements"] == ["START REPLICA SQL_THREAD"]
    assert found["evidence"]["replica"]["applier_running"] == "No"
    assert found["not_offered"] is None
    assert not replicates(lab.instance(REPLICA))


def test_it_finds_the_lab_of_the_working_directory(lab: LabState, alert: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(lab.folder.parent)
    said = firstmate("run", "--alert", alert, "--json")
    assert said.json["target"] == REPLICA
    assert firstmate("match", "--labels", "alertname=MySQLReplicationStopped").code == 0


def test_with_a_remedy_it_changes_and_verifies_and_the_audit_log_has_it(lab: LabState, config: Path, alert: Path):
    remedy = run(config, alert).json["remedy"]
    said = run(config, alert, "--remedy", remedy)
    assert (said.code, said.json["state"]) == (0, "mended")
    assert replicates(lab.instance(REPLICA))
    verified = firstmate("audit", "verify", "--config", config, "--json")
    assert (verified.code, verified.json["ok"]) == (0, True)
    rows = [json.loads(line) for line in firstmate("audit", "show", "--config", config, "--json").out.splitlines()]
    exported = [json.loads(line) for line in firstmate("audit", "export", "--config", config).out.splitlines()]
    assert [row["hash"] for row in exported] == [row["hash"] for row in rows]
    assert all(row["previous"] == before["hash"] for before, row in itertools.pairwise(exported))
    later = firstmate("audit", "export", "--after", 2, "--config", config).out.splitlines()
    assert len(later) == len(exported) - 2
    assert "change.started" in [row["event"] for row in rows]
    assert any(row["actor"].startswith("shell:") for row in rows)


def test_a_remedy_that_no_cause_offers_is_refused(lab: LabState, config: Path, alert: Path):
    said = run(config, alert, "--remedy", "drop_everything")
    assert said.code == 2
    assert "No proven cause offers the remedy 'drop_everything'. Offered: " in said.err
    assert not replicates(lab.instance(REPLICA))


def changed(config: Path, change: dict[str, Any]) -> Path:
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump({**document, **change}), encoding="utf-8")
    return config


def test_without_prometheus_the_cause_is_named_all_the_same(config: Path, alert: Path):
    said = run(changed(config, {"prometheus": {"url": "http://127.0.0.1:9"}}), alert)
    assert said.code == 0
    assert "1205" in said.json["causes"][0]["says"]
    assert all("127.0.0.1:9" in says for says in said.json["missing"].values())


def test_with_a_wrong_password_it_says_whose_and_where(lab: LabState, config: Path, alert: Path):
    secret = config.with_name("wrong-password")
    secret.write_text("hunter2")
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    for shard in document["shards"]:
        shard["reader"]["password"] = {"file": "wrong-password"}
    said = run(changed(config, document), alert)
    assert said.code == 1
    says = said.json["missing"]["replica"]
    assert "firstmate_reader" in says
    assert lab.instance(REPLICA).address in says
    assert "hunter2" not in said.out


def test_an_audit_log_that_was_tampered_with_is_found(config: Path, alert: Path):
    run(config, alert, "--remedy", run(config, alert).json["remedy"])
    with closing(sqlite3.connect(load(config).data / "firstmate.sqlite")) as store, store:
        store.execute("UPDATE audit SET actor = 'U0EVE' WHERE seq = 2")
    said = firstmate("audit", "verify", "--config", config, "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert "2" in said.json["fault"]


def explain(config: Path, user: str, *arguments: str) -> Said:
    given = ["--user", user, "--action", "mysql.start_replica", "--target", REPLICA, *arguments]
    return firstmate("policy", "explain", *given, "--config", config, "--json")


def test_every_guard_tells_what_it_would_say_of_an_action(config: Path):
    said = explain(config, "U0CAROL", "--with", "thread=applier")
    found = said.json
    assert said.code == 0
    assert found["plan"]["statements"] == ["START REPLICA SQL_THREAD"]
    answers = {each["guard"]: each["answer"] for each in found["guards"]}
    assert list(answers) == [guard.__module__.rpartition(".")[2] for guard in ORDER]
    assert {name for name, answer in answers.items() if answer != "pass"} == {"approval"}
    assert (found["approvals_needed"], found["may_approve"]) == (1, False)
    assert "is not an approver" in found["approver_says"]


def test_it_tells_who_may_approve_and_who_may_not_even_ask(config: Path):
    assert explain(config, "U0BOB", "--with", "thread=applier").json["may_approve"]
    said = explain(config, "U0GUEST", "--with", "thread=applier")
    assert (said.code, said.json["refused"]) == (1, "caller")


def test_it_tells_of_the_policy_and_of_the_halt(lab: LabState, tmp_path: Path):
    policy = tmp_path / "policy.yml"
    policy.write_text("freezes: [{name: sale, reason: r, from: 2026-01-01, to: 2099-01-01}]\n", encoding="utf-8")
    config = variant(lab, f"explain-{tmp_path.name}", policy=str(policy))
    data = load(config).data
    data.mkdir()
    (data / "HALT").write_text("drill", encoding="utf-8")
    said = explain(config, "U0CAROL", "--with", "thread=applier")
    refused = {each["guard"]: each["says"] for each in said.json["guards"] if each["answer"] == "refuse"}
    assert list(refused) == ["halt", "freeze"]
    assert "The freeze 'sale' in policy.yml covers orders until 2099-01-01 00:00 UTC" in refused["freeze"]
    assert said.json["refused"] == "halt"


def test_what_cannot_be_planned_is_the_refusal_of_its_own_check(config: Path):
    session = ["thread_id=4000000", "user=app", "statement=SELECT ?", "command_since=1"]
    given = [each for text in session for each in ("--with", text)]
    asked = ["--user", "U0CAROL", "--action", "mysql.kill_query", "--target", REPLICA]
    said = firstmate("policy", "explain", *asked, *given, "--config", config, "--json")
    assert (said.code, said.json["refused"]) == (1, "precondition")
    assert said.json["plan"]["statements"] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [("threat=applier", "did you mean 'thread'"), ("thread=aplier", "thread"), ("thread", "NAME=VALUE")],
)
def test_parameters_that_do_not_fit_are_told(config: Path, given: str, says: str):
    said = explain(config, "U0CAROL", "--with", given)
    assert said.code == 2
    assert says in said.err


def test_what_is_under_way_is_listed_with_what_it_waits_for(config: Path, alert: Path):
    run(config, alert, "--remedy", "start_applier")
    assert firstmate("incident", "list", "--config", config).out == "No runs in progress.\n"
    [listed] = firstmate("incident", "list", "--all", "--config", config, "--json").json["incidents"]
    assert (listed["state"], listed["target"], listed["waits_for"]) == ("mended", REPLICA, "nothing: the run has ended")
    assert listed["run"] in firstmate("incident", "list", "--all", "--config", config).out
