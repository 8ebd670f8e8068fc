"""The lab starts, has the reported properties, and stops; also after a crash, and beside other processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bot.config import load
from bot.errors import Busy, FirstmateError
from bot.lab import processes
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabState, marker_of
from bot.lab.lab_status import lab_status
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.replication import replica_status, replicates
from bot.lab.waiting import wait_until

pytestmark = pytest.mark.lab


def test_lab_up_prints_the_lab_as_json(lab: LabState):
    shown = lab.as_json()
    assert [(i["name"], i["flavour"], i["role"], i["source"]) for i in shown["instances"]] == [
        ("orders-1", "mysql", "primary", None),
        ("orders-2", "mysql", "replica", "orders-1"),
        ("orders-3", "mysql", "replica", "orders-1"),
        ("billing-1", "mariadb", "primary", None),
        ("billing-2", "mariadb", "replica", "billing-1"),
        ("billing-3", "mariadb", "replica", "billing-1"),
    ]
    for instance in shown["instances"]:
        assert instance["host"] == "127.0.0.1"
        assert instance["password"]
        later = "11.8." if instance["name"] == "billing-3" else "10.11."
        assert instance["version"].startswith({"mysql": "9.", "mariadb": later}[instance["flavour"]])
    assert set(shown["replication"]) == {"user", "password"}
    assert set(shown["urls"]) == {"prometheus", "alertmanager", "webhook", "workspace"}
    assert all(url.startswith("http://127.0.0.1:") for url in shown["urls"].values())


def test_reported_versions_are_those_of_the_servers(lab: LabState):
    for instance in lab.instances:
        with administrator(instance) as admin:
            [row] = ask(admin, "SELECT VERSION() AS version, CURRENT_USER() AS user")
        assert str(row["version"]).startswith(instance.version)
        assert str(row["user"]).startswith("admin@")


@pytest.mark.parametrize("name", ["orders-2", "orders-3", "billing-2", "billing-3"])
def test_every_replica_replicates_by_gtid(lab: LabState, name: str):
    replica = lab.instance(name)
    wait_until(f"{name} replicates", lambda: replicates(replica))
    found = replica_status(replica)
    assert found.get("Auto_Position") == 1 or found.get("Using_Gtid") in ("Slave_Pos", "Current_Pos")


def test_the_mysql_primary_uses_semi_sync_replication(lab: LabState):
    with administrator(lab.instance("orders-1")) as admin:
        found = {r["Variable_name"]: r["Value"] for r in ask(admin, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source%'")}
    assert found["Rpl_semi_sync_source_status"] == "ON"
    assert int(found["Rpl_semi_sync_source_clients"]) == 2


@pytest.mark.parametrize("name", ["orders-1", "billing-1"])
def test_the_application_load_writes(lab: LabState, name: str):
    instance = lab.instance(name)

    def commits() -> int:
        with administrator(instance) as admin:
            return int(ask(admin, "SHOW GLOBAL STATUS LIKE 'Com_commit'")[0]["Value"])

    before = commits()
    wait_until(f"somebody writes on {name}", lambda: commits() > before)


def test_prometheus_scrapes_every_server_and_has_the_rules(lab: LabState):
    answer = requests.get(f"{lab.urls.prometheus}/api/v1/targets", timeout=5).json()
    up = {target["labels"]["instance"] for target in answer["data"]["activeTargets"] if target["health"] == "up"}
    servers = {instance.address for instance in lab.instances}
    assert servers <= up
    assert len(up - servers) == 1  # the exporter of the host
    groups = requests.get(f"{lab.urls.prometheus}/api/v1/rules", timeout=5).json()["data"]["groups"]
    assert [(rule["name"], rule["health"]) for rule in groups[0]["rules"]] == [
        ("MySQLReplicationStopped", "ok"),
        ("MySQLReplicationLag", "ok"),
        ("MySQLTooManyConnections", "ok"),
        ("MySQLBlockedWrites", "ok"),
    ]


def test_the_configuration_loads_and_secrets_are_readable_by_their_owner_only(lab: LabState):
    config = load(lab.config)
    assert [instance.name for shard in config.shards for instance in shard.instances] == [
        instance.name for instance in lab.instances
    ]
    assert config.intake.token.read()
    for secret in (lab.folder / "secrets").iterdir():
        assert secret.stat().st_mode & 0o077 == 0, secret


def test_a_second_up_returns_the_running_lab(lab: LabState):
    assert bring_up(lab.folder) == lab


# -- a lab of one's own: how it ends -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / ".lab"
    tear_down(tmp_path / ".lab")


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not belong to the lab."""
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_down_stops_neither_another_lab_nor_an_unrelated_process(
    lab: LabState, folder: Path, stranger: subprocess.Popen[bytes]
):
    state = bring_up(folder)
    path = folder / "run" / "load-orders-1.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "pid": stranger.pid}), encoding="utf-8")
    killed = next(p for p in processes.recorded(folder) if p.name == "orders-2")
    os.kill(killed.pid, signal.SIGKILL)
    wait_until("orders-2 is missed", lambda: "orders-2 is not running" in lab_status(folder).missing)
    assert lab_status(folder).condition == "half"
    with pytest.raises(FirstmateError, match=r"only partly up.*orders-2 is not running.*lab down"):
        bring_up(folder)

    tear_down(folder)

    assert processes.pids_of_lab(state.marker) == []
    assert stranger.poll() is None
    assert lab_status(folder).condition == "down"
    assert lab_status(lab.folder).condition == "up"


def test_down_works_after_up_was_killed(folder: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "lab", "up", "--json"],
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as up:
        wait_until("the first servers run", lambda: len(processes.pids_of_lab(marker_of(folder) or "-")) >= 4)
        with pytest.raises(Busy, match="Another `firstmate lab` is running"):
            tear_down(folder)
        up.kill()
        up.wait()
    assert lab_status(folder).condition == "half"
    marker = marker_of(folder)
    assert marker is not None

    assert tear_down(folder)

    assert processes.pids_of_lab(marker) == []
    assert lab_status(folder).condition == "down"
    assert tear_down(folder) == []
