"""`firstmate coverage`: the runbook for each alert of Prometheus rule files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.runbook.matching.coverage import rules_of
from tests.shell import Said, firstmate

TABLE = [
    # alert, expression, verdict, runbook
    ("MySQLReplicationNotRunning", "up == 0", "specific", "mysql/replication-stopped"),
    ("DB-1", "mysql_slave_status_replica_io_running == 0", "specific", "mysql/replication-stopped"),
    ("MySQLReplicaLagging", "x > 1", "specific", "mysql/replication-lag"),
    ("DB-2", "mysql_heartbeat_now_timestamp_seconds - mysql_heartbeat_stored_timestamp_seconds > 9", "specific",
     "mysql/replication-lag"),
    ("[MySQL] Too many Connections (>80%)", "x", "specific", "mysql/connections-exhausted"),
    ("DB-3", "mysql_global_status_threads_connected > 900", "specific", "mysql/connections-exhausted"),
    ("MySQLMetadataLockWait", "x", "specific", "mysql/blocked-writes"),
    ("DB-4", "rate(mysql_global_status_innodb_row_lock_waits[5m]) > 9", "specific", "mysql/blocked-writes"),
    ("MySQLRestarted", "mysql_global_status_uptime < 60", "specific", "mysql/server-restarted"),
    ("MariaDBSomethingNew", "x", "fallback", "mysql/first-look"),
    ("GaleraNodeNotReady", "mysql_global_status_wsrep_ready != 1", "fallback", "mysql/first-look"),
    ("NodeDiskFull", "node_filesystem_avail_bytes == 0", "specific", "host/disk"),
    ("NodeBondingDegraded", "node_bonding_slaves - node_bonding_active != 0", "none", None),
    ("PostgresReplicationLag", "pg_replication_lag > 30", "none", None),
]  # fmt: skip


def rule_file(path: Path, rules: list[dict[str, object]]) -> Path:
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}), encoding="utf-8")
    return path


def own(folder: Path, name: str, match: str) -> None:
    text = f"runbook: {name}\ntitle: T\nowner: me\nmatch: {match}\ngather: {{replica: mysql.replica_status}}\n"
    (folder / f"{name}.yml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Said:
    rules: list[dict[str, object]] = [{"alert": alert, "expr": expression} for alert, expression, _, _ in TABLE]
    return firstmate("coverage", rule_file(tmp_path_factory.mktemp("rules") / "rules.yml", rules), "--json")


@pytest.mark.parametrize(("place", "row"), list(enumerate(TABLE)), ids=[row[0] for row in TABLE])
def test_every_alert_has_the_expected_coverage(table: Said, place: int, row: tuple[str, str, str, str | None]):
    found = table.json["alerts"][place]
    assert (found["alert"], found["verdict"], found["runbook"]) == (row[0], row[2], row[3])
    assert found["file"].endswith("rules.yml")
    assert (found["matcher"] is None) == (row[2] == "none")


def test_an_alert_without_a_runbook_makes_the_command_exit_with_1(table: Said, tmp_path: Path):
    assert table.code == 1
    said = firstmate("coverage", rule_file(tmp_path / "r.yml", [{"alert": "MySQLReplicationLag", "expr": "x"}]))
    assert said.code == 0
    assert "1 alert: 1 specific." in said.out


def test_a_tie_names_both_runbooks(tmp_path: Path):
    folder = tmp_path / "own"
    folder.mkdir()
    own(folder, "one", "['alertname =~ \"Odd.*\"']")
    own(folder, "two", "['alertname =~ \".*Thing\"']")
    (tmp_path / "firstmate.yml").write_text(
        "intake: {token: {env: T}}\nshards: []\nshipped_runbooks: false\nrunbooks: [own]\n", encoding="utf-8"
    )
    rules = rule_file(tmp_path / "rules.yml", [{"alert": "OddThing", "expr": "x"}])
    said = firstmate("coverage", rules, "--config", tmp_path / "firstmate.yml", "--json")
    assert said.code == 0
    [found] = said.json["alerts"]
    assert (found["verdict"], found["runbook"], found["tie"]) == ("tie", None, ["one", "two"])
    text = firstmate("coverage", rules, "--config", tmp_path / "firstmate.yml").out
    assert "one and two" in text


def test_fixed_labels_and_annotations_of_a_rule_are_matched():
    [rule] = rules_of(
        {"groups": [{"name": "g", "rules": [
            {"record": "a:b", "expr": 1},
            {"alert": "A", "expr": "x", "labels": {"team": "db", "tier": 1}, "annotations": {"summary": "s"}},
        ]}]},
        "r.yml",
    )  # fmt: skip
    assert dict(rule.fired().labels) == {"alertname": "A", "team": "db", "tier": "1"}
    assert dict(rule.fired().annotations) == {"summary": "s"}
    assert rule.fired().metrics == {"x"}


def test_a_kubernetes_prometheusrule_is_read():
    rules = {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "x"}]}]}
    assert [rule.alert for rule in rules_of({"kind": "PrometheusRule", "spec": rules}, "r.yml")] == ["A"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1", "is not a Prometheus rule file"),
        ("groups: 7", "groups: "),
        ("groups: [{rules: [{alert: {a: b}, expr: x}]}]", "groups.0.rules.0.alert: "),
        ("groups: [", "is not valid YAML"),
        ("a: " + "[" * 5000, "is not valid YAML"),
        ("\x00", "is not valid YAML"),
    ],
)
def test_an_invalid_rule_file_is_rejected(tmp_path: Path, text: str, says: str):
    path = tmp_path / "rules.yml"
    path.write_text(text, encoding="utf-8")
    said = firstmate("coverage", path)
    assert said.code == 2
    assert says in said.err


def test_a_missing_or_too_large_rule_file_is_rejected(tmp_path: Path):
    assert "Cannot read no.yml: No such file" in firstmate("coverage", "no.yml").err
    path = tmp_path / "large.yml"
    with path.open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    said = firstmate("coverage", path)
    assert said.code == 2
    assert "exceeds the limit of 10 MiB" in said.err
