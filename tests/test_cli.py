"""The command line without servers: its output, and its errors for invalid input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.shell import firstmate
from tests.test_config import GOOD


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("READER_PASSWORD", "wrong")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "firstmate.yml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_match_names_the_runbook_and_the_reason():
    said = firstmate("match", "--labels", "alertname=MySQLReplicationLag,instance=db1:3306", "--json")
    assert said.code == 0
    assert said.json["runbook"] == "mysql/replication-lag"
    assert "alertname" in said.json["matcher"]
    assert {row["runbook"] for row in said.json["runbooks"]} >= {"mysql/replication-lag", "mysql/blocked-writes"}
    assert all(row["says"] for row in said.json["runbooks"])


def test_match_uses_the_metrics_in_the_alert_s_expression():
    expression = "mysql_slave_status_seconds_behind_master > 30"
    said = firstmate("match", "--labels", "alertname=Custom", "--expr", expression, "--json")
    assert said.json["runbook"] == "mysql/replication-lag"


def test_match_exits_1_if_no_runbook_answers():
    said = firstmate("match", "--labels", "alertname=LateTrain", "--json")
    assert (said.code, said.json["runbook"]) == (1, None)


def test_match_prints_a_table():
    said = firstmate("match", "--labels", "alertname=MySQLReplicationLag")
    assert "mysql/replication-lag" in said.out
    assert "chosen" in said.out


@pytest.mark.parametrize("labels", ["alertname", "=x", ""])
def test_invalid_labels_are_reported_with_an_example(labels: str):
    said = firstmate("match", "--labels", labels)
    assert said.code == 2
    assert "write alertname=" in said.err


ALERT = json.dumps({"labels": {"alertname": "MySQLReplicationStopped", "instance": "127.0.0.1:3307"}})
WRONG_ALERTS = [
    ("{", "is not JSON"),
    ("[]", "is not a valid alert"),
    ('{"alerts": []}', "is not a valid alert"),
    ('{"version": "4", "alerts": [{"labels": 7}]}', "alerts.0"),
    (ALERT.replace("127.0.0.1:3307", "nowhere:1"), "nowhere:1"),
    (ALERT.replace("MySQLReplicationStopped", "LateTrain"), "No runbook matches LateTrain"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG_ALERTS)
def test_an_invalid_alert_is_reported_with_the_reason(config: Path, text: str, reason: str):
    alert = config.with_name("alert.json")
    alert.write_text(text, encoding="utf-8")
    said = firstmate("run", "--alert", alert, "--config", config)
    assert said.code == 2
    assert reason in said.err


def test_a_missing_file_is_reported(config: Path):
    said = firstmate("run", "--alert", "no.json", "--config", config)
    assert said.code == 2
    assert "no.json cannot be read: No such file" in said.err


def test_without_a_configuration_the_error_names_two_ways_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    said = firstmate("audit", "verify")
    assert said.code == 2
    assert "--config" in said.err
    assert "firstmate lab up" in said.err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("shards:", "shards: {"), "is not YAML"),
        (("role: replica", "role: leader"), "shards.orders.instances.orders-2.role"),
        (("READER_PASSWORD", "NOT_SET"), "docs/install.md (Slack app, Configuration)"),
    ],
)
def test_serve_exits_2_for_an_invalid_configuration(config: Path, change: tuple[str, str], reason: str):
    config.write_text(GOOD.replace(*change), encoding="utf-8")
    said = firstmate("serve", "--config", config)
    assert said.code == 2
    assert reason in said.err


def test_serve_names_the_variable_of_a_missing_token(config: Path):
    slack = "slack: {bot_token: {env: NO_SUCH_TOKEN}, app_token: {env: NO_SUCH_TOKEN}}\n"
    config.write_text(GOOD + slack, encoding="utf-8")
    config.with_name("secrets").mkdir()
    config.with_name("secrets").joinpath("token").write_text("t")
    said = firstmate("serve", "--config", config)
    assert said.code == 2
    assert "NO_SUCH_TOKEN, which slack.bot_token in firstmate.yml refers to, is not set" in said.err


def test_serve_reports_that_slack_does_not_answer(config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_TOKEN", "xoxb-1")
    slack = "slack: {bot_token: {env: SOME_TOKEN}, app_token: {env: SOME_TOKEN}, base_url: 'http://127.0.0.1:9/api/'}\n"
    config.write_text(GOOD + slack, encoding="utf-8")
    config.with_name("secrets").mkdir()
    config.with_name("secrets").joinpath("token").write_text("t")
    said = firstmate("serve", "--config", config)
    assert said.code == 1
    assert "Slack at http://127.0.0.1:9/api/ does not answer" in said.err


def test_an_invalid_runbook_is_reported_with_file_and_line(config: Path):
    folder = config.with_name("mine")
    folder.joinpath("mysql").mkdir(parents=True)
    folder.joinpath("mysql", "broken.yml").write_text("runbook: mysql/broken\ntitle: x\ngather: 7\n")
    config.write_text(GOOD + "runbooks: [mine]\n", encoding="utf-8")
    said = firstmate("match", "--labels", "alertname=x", "--config", config)
    assert said.code == 2
    assert "broken.yml:3" in said.err


def test_an_unknown_command_exits_2():
    said = firstmate("sail")
    assert said.code == 2
    assert "No such command" in said.err


def test_a_server_that_is_down_is_named_and_exits_1(config: Path):
    config.write_text(GOOD.replace("3306", "9").replace("3307", "11"), encoding="utf-8")
    alert = config.with_name("alert.json")
    alert.write_text(ALERT.replace("3307", "11"), encoding="utf-8")
    said = firstmate("run", "--alert", alert, "--config", config, "--json")
    assert said.code == 1
    assert said.json["causes"] == []
    assert "127.0.0.1:11" in said.json["missing"]["replica"]


@pytest.mark.parametrize("name", ["mysql/replicaton-lag", "replication-lag", "lag"])
def test_an_unknown_runbook_is_reported_with_close_names_and_the_command_that_lists_all(config: Path, name: str):
    said = firstmate("plan", name, "--target", "orders-1", "--config", config)
    assert said.code == 2
    assert "mysql/replication-lag" in said.err
    assert "`firstmate runbooks`" in said.err
    assert len(said.err) < 300
    assert "mysql/replication-lag" in firstmate("runbooks").out
    assert "mysql/replication-lag" in [each["runbook"] for each in firstmate("runbooks", "--json").json["runbooks"]]


def test_an_unknown_action_is_reported_with_a_close_name(config: Path):
    given = ("--user", "U1", "--target", "orders-1", "--config", config)
    said = firstmate("policy", "explain", "--action", "mysql.strt_replica", *given)
    assert said.code == 2
    assert "did you mean 'mysql.start_replica'? `firstmate actions` lists all actions." in said.err


def test_a_table_that_is_no_terminal_output_has_whole_lines():
    """Each runbook has one line, which grep finds whole."""
    said = firstmate("match", "--labels", "alertname=MySQLReplicationLag")
    lines = [line for line in said.out.splitlines() if "/" in line.split("  ")[0]]
    assert len(lines) == len(firstmate("runbooks", "--json").json["runbooks"])
    assert max(map(len, lines)) > 80


def test_a_policy_is_linted_like_runbooks(tmp_path: Path):
    policy = tmp_path / "policy.yml"
    policy.write_text("freezes:\n  - {name: sale, reason: r, from: 2026-01-01, to: 2026-01-02}\n", encoding="utf-8")
    said = firstmate("policy", "lint", policy)
    assert (said.code, "1 policy: 0 errors, 1 warning." in said.err) == (0, True)
    assert f"{policy}:2:51: warning: Freeze 'sale' ended at 2026-01-02 00:00 UTC" in said.out
    assert firstmate("policy", "lint", policy, "--strict").code == 1
    policy.write_text("budget: {}\n", encoding="utf-8")
    [finding] = firstmate("policy", "lint", policy, "--json").json["findings"]
    assert (finding["rule"], finding["line"]) == ("unknown-key", 1)
    assert firstmate("policy", "lint", policy).code == 1


def test_a_configuration_without_a_policy_has_nothing_to_lint(config: Path):
    said = firstmate("policy", "lint", "--config", config)
    assert said.code == 2
    assert "the defaults apply" in said.err
