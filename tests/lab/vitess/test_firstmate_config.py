"""What the Vitess lab writes: firstmate.yml, lab.json, alert rules and scrape jobs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.errors import FirstmateError
from bot.lab.firstmate_config import document
from bot.lab.lab_state import LabState, Login, Urls, read, save
from bot.lab.vitess import alert_rules, command_lines, scrape_jobs, tablet_mysql
from bot.lab.vitess.cluster_layout import PLANS, PORTS, cluster_on
from bot.lab.vitess.vitess_programs import NAMES, VitessPrograms

PORT = {
    name: 18000 + number for number, name in enumerate(("webhook", "workspace", "prometheus", "alertmanager", *PORTS))
}
CLUSTER = cluster_on(PORT)
VITESS = VitessPrograms({name: Path("/bin") / name for name in NAMES}, "24.0.0")


def test_the_cluster_has_two_shards_of_three_tablets():
    assert [(tablet.alias, tablet.shard) for tablet in CLUSTER.tablets] == [
        ("zone1-0000000100", "-80"),
        ("zone1-0000000101", "-80"),
        ("zone1-0000000102", "-80"),
        ("zone1-0000000103", "80-"),
        ("zone1-0000000104", "80-"),
        ("zone1-0000000105", "80-"),
    ]
    assert len({port for t in CLUSTER.tablets for port in (t.http_port, t.grpc_port, t.mysql_port)}) == 18


def test_the_configuration_names_the_cluster_and_no_shard():
    found = document(PORT, CLUSTER)
    assert found["shards"] == []
    assert found["vitess"] == [
        {
            "name": "lab",
            "vtctld": {"address": f"127.0.0.1:{PORT['vtctld grpc']}"},
            "vtorcs": [f"http://127.0.0.1:{PORT['vtorc']}"],
            "vtgates": [
                {"url": f"http://127.0.0.1:{PORT['vtgate']}", "mysql": f"127.0.0.1:{PORT['vtgate mysql']}"},
            ],
            "reader": {"user": "firstmate_reader", "password": {"file": "secrets/firstmate_reader"}},
            "changer": {"user": "firstmate_changer", "password": {"file": "secrets/firstmate_changer"}},
            "may_change": True,
            "refresh": 1,
        }
    ]


def test_a_saved_vitess_lab_is_read_unchanged(tmp_path: Path):
    urls = Urls("http://p", "http://a", "http://b", "http://w")
    state = LabState(tmp_path, "m", (), Login("r", "x"), urls, tmp_path / "firstmate.yml", vitess=CLUSTER)
    save(state)
    assert read(tmp_path) == state
    assert CLUSTER.tablet("zone1-0000000104").mysqld == "mysqld-104"


def test_every_program_listens_on_loopback_only(tmp_path: Path):
    lines = [
        command_lines.vtctld(VITESS, tmp_path, PORT),
        command_lines.vtorc(VITESS, PORT),
        command_lines.vtgate(VITESS, tmp_path, PORT),
        *(command_lines.vttablet(VITESS, tmp_path, plan, PORT) for plan in PLANS),
    ]
    for line in lines:
        ports = [each for each in line if re.match(r"--(grpc-|mysql-server-)?port=", each)]
        bound = [each for each in line if re.fullmatch(r"--(grpc-|mysql-server-)?bind-address=127\.0\.0\.1", each)]
        assert len(ports) == len(bound) > 0, line


def test_the_replication_reporter_is_off(tmp_path: Path):
    assert "replication-reporter" not in " ".join(command_lines.vttablet(VITESS, tmp_path, PLANS[0], PORT))


def test_a_folder_with_a_path_too_long_for_sockets_is_refused(tmp_path: Path):
    assert tablet_mysql.data_root(Path("/lab")) == Path("/lab/data/vt")
    with pytest.raises(FirstmateError, match="too long for the sockets"):
        tablet_mysql.data_root(tmp_path / ("x" * 100))


def test_every_rule_has_a_unique_name_and_a_summary():
    found = [rule for group in alert_rules.rules()["groups"] for rule in group["rules"]]
    names = [rule["alert"] for rule in found]
    assert len(names) == len(set(names))
    for rule in found:
        assert re.match(r"(Vitess|VTOrc|Vtgate|Vtctld|VReplication|OnlineDDL)[A-Z]\w+$", rule["alert"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].count("{{") == rule["annotations"]["summary"].count("}}") > 0


def test_the_metrics_of_a_tablet_are_labelled_with_it():
    job = scrape_jobs.jobs(CLUSTER)[0]
    assert job["honor_labels"] is True
    assert job["static_configs"][3] == {
        "targets": [f"127.0.0.1:{PORT['103 http']}"],
        "labels": {"tablet_alias": "zone1-0000000103", "keyspace": "commerce", "shard": "80-"},
    }
