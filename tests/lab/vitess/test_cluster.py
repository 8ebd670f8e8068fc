"""The Vitess lab starts, has the reported properties, and stops."""

from __future__ import annotations

import subprocess

import pytest
import requests
import yaml

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.connections import administrator, ask, connect
from bot.lab.lab_state import LabInstance, LabState, LabVitess, Login
from bot.lab.lab_status import lab_status
from bot.lab.lab_up_and_down import bring_up
from bot.lab.progress import NoProgress
from bot.lab.replication import replicates
from bot.lab.vitess import application_load, cluster_processes, scrape_jobs
from bot.lab.vitess.alert_rules import rules
from bot.lab.vitess.vitess_programs import find_vitess
from bot.lab.waiting import wait_until

pytestmark = pytest.mark.vitess


@pytest.fixture
def cluster(vitess_lab: LabState) -> LabVitess:
    assert vitess_lab.vitess is not None
    return vitess_lab.vitess


def _tablets(cluster: LabVitess) -> dict[str, tuple[str, str, str]]:
    """Returns shard, type and state of each tablet in vtgate."""
    host, _, port = cluster.vtgate_mysql.rpartition(":")
    with connect(host, int(port), Login("app", ""), cluster.keyspace) as connection:
        rows = ask(connection, "SHOW VITESS_TABLETS")
    return {row["Alias"]: (row["Shard"], row["TabletType"], row["State"]) for row in rows}


def _serves(cluster: LabVitess, alias: str) -> bool:
    found = _tablets(cluster)
    return alias in found and found[alias][2] == "SERVING"


def _replica(lab: LabState, shard: str) -> LabInstance:
    return next(i for i in lab.instances if i.shard == shard and i.role == "replica")


def test_reported_roles_are_those_of_vitess(vitess_lab: LabState, cluster: LabVitess):
    found = _tablets(cluster)
    assert {i.name: (i.shard, i.role) for i in vitess_lab.instances} == {
        alias: (f"commerce/{shard}", kind.lower()) for alias, (shard, kind, _) in found.items()
    }
    assert {state for _, _, state in found.values()} == {"SERVING"}
    for shard in ("commerce/-80", "commerce/80-"):
        [primary] = [i for i in vitess_lab.instances if i.shard == shard and i.role == "primary"]
        assert {i.source for i in vitess_lab.instances if i.shard == shard} == {None, primary.name}


def test_the_lab_s_users_can_log_in_and_there_are_no_errant_transactions(vitess_lab: LabState, cluster: LabVitess):
    for instance in vitess_lab.instances:
        with administrator(instance) as admin:
            [row] = ask(admin, "SELECT VERSION() AS version, @@GLOBAL.super_read_only AS read_only")
        assert str(row["version"]).startswith(instance.version)
        assert bool(row["read_only"]) is (instance.role == "replica")
        login = vitess_lab.users["firstmate_reader"]
        with connect(instance.host, instance.port, login) as reader:
            assert ask(reader, "SELECT 1 AS one") == [{"one": 1}]
    assert requests.get(f"{cluster.vtorc}/api/errant-gtids", timeout=5).json() in ([], None)


@pytest.mark.parametrize("shard", ["commerce/-80", "commerce/80-"])
def test_primaries_use_semi_sync_replication(vitess_lab: LabState, shard: str):
    primary = next(i for i in vitess_lab.instances if i.shard == shard and i.role == "primary")
    with administrator(primary) as admin:
        found = {r["Variable_name"]: r["Value"] for r in ask(admin, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source%'")}
    assert found["Rpl_semi_sync_source_status"] == "ON"
    assert int(found["Rpl_semi_sync_source_clients"]) == 2


def test_the_application_reads_and_writes_both_shards(vitess_lab: LabState, cluster: LabVitess):
    before = application_load.load_counts(vitess_lab.folder)
    wait_until("it writes on", lambda: application_load.load_counts(vitess_lab.folder).writes > before.writes)
    host, _, port = cluster.vtgate_mysql.rpartition(":")
    for shard in ("-80", "80-"):
        with connect(host, int(port), Login("app", ""), f"commerce/{shard}") as connection:
            [row] = ask(connection, "SELECT COUNT(*) AS customers FROM customer")
        assert 0 < int(row["customers"]) < 200


def test_prometheus_scrapes_every_program_and_has_every_rule(vitess_lab: LabState):
    def up() -> dict[str, int]:
        answer = requests.get(f"{vitess_lab.urls.prometheus}/api/v1/targets", timeout=5).json()
        jobs = [target["labels"]["job"] for target in answer["data"]["activeTargets"] if target["health"] == "up"]
        return {job: jobs.count(job) for job in set(jobs)}

    # A scrape times out after one second, which a busy machine may exceed.
    wait_until("every target is up", lambda: up() == {**scrape_jobs.TARGETS, "mysql": 6, "node": 1})

    def health() -> dict[str, str]:
        groups = requests.get(f"{vitess_lab.urls.prometheus}/api/v1/rules", timeout=5).json()["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    wait_until("every rule was evaluated", lambda: "unknown" not in health().values())
    assert health() == {rule["alert"]: "ok" for group in rules()["groups"] for rule in group["rules"]}


def test_the_configuration_names_the_cluster_and_secrets_are_readable_by_their_owner_only(vitess_lab: LabState):
    written = yaml.safe_load(vitess_lab.config.read_text(encoding="utf-8"))
    assert written["shards"] == []
    assert [each["name"] for each in written["vitess"]] == ["lab"]
    secrets = list((vitess_lab.folder / "secrets").iterdir())
    assert secrets
    for secret in secrets:
        assert secret.stat().st_mode & 0o077 == 0, secret
    assert not list((vitess_lab.folder / "secrets").glob("*.sql"))


def test_a_second_up_returns_the_running_lab_and_the_other_kind_is_refused(vitess_lab: LabState):
    assert bring_up(vitess_lab.folder, vitess=True) == vitess_lab
    with pytest.raises(FirstmateError, match=r"runs Vitess; run `firstmate lab down`, then `firstmate lab up`\."):
        bring_up(vitess_lab.folder)


def test_a_killed_server_and_its_tablet_can_be_restarted(vitess_lab: LabState, cluster: LabVitess):
    replica = _replica(vitess_lab, "commerce/-80")
    tablet = cluster.tablet(replica.name)
    assert cluster_processes.kill(vitess_lab, tablet.mysqld)
    wait_until("vtgate misses it", lambda: not _serves(cluster, replica.name))
    assert f"{tablet.mysqld} is not running" in lab_status(vitess_lab.folder).missing
    cluster_processes.restart(vitess_lab, tablet.mysqld)
    wait_until("vtgate has it again", lambda: _serves(cluster, replica.name), 60.0)
    wait_until("VTOrc lets it replicate again", lambda: replicates(replica), 60.0)

    assert cluster_processes.kill(vitess_lab, tablet.vttablet)
    wait_until("vtgate misses it", lambda: not _serves(cluster, replica.name))
    cluster_processes.restart(vitess_lab, tablet.vttablet)
    wait_until("vtgate has it again", lambda: _serves(cluster, replica.name), 60.0)
    assert lab_status(vitess_lab.folder).condition == "up"


def test_a_frozen_topology_server_resumes_when_it_is_thawed(vitess_lab: LabState, cluster: LabVitess):
    def answers() -> bool:
        try:
            return requests.get(f"http://{cluster.etcd}/health", timeout=0.5).ok
        except requests.RequestException:
            return False

    assert cluster_processes.freeze(vitess_lab, "etcd")
    try:
        wait_until("etcd is silent", lambda: not answers())
    finally:
        assert cluster_processes.thaw(vitess_lab, "etcd")
    wait_until("etcd answers", answers)


def test_every_process_is_recorded_and_has_the_marker(vitess_lab: LabState):
    names = {process.name for process in processes.recorded(vitess_lab.folder)}
    assert {"etcd", "vtctld", "vtgate", "vtorc", "mysqld-100", "vttablet-105", application_load.NAME} <= names
    found = set(processes.pids_of_lab(vitess_lab.marker))
    assert {process.pid for process in processes.recorded(vitess_lab.folder)} <= found


def test_a_server_that_vitess_restarts_for_a_backup_is_recorded_again(vitess_lab: LabState, cluster: LabVitess):
    replica = _replica(vitess_lab, "commerce/80-")
    name = cluster.tablet(replica.name).mysqld
    before = next(p for p in processes.recorded(vitess_lab.folder) if p.name == name)
    programs = find_vitess(NoProgress())
    argv = [
        *cluster_processes.unprivileged(),
        programs["vtctldclient"],
        f"--server={cluster.vtctld}",
        "Backup",
        replica.name,
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=90)
    wait_until("vtgate has it again", lambda: _serves(cluster, replica.name), 60.0)
    assert lab_status(vitess_lab.folder).condition == "up"
    after = next(p for p in processes.recorded(vitess_lab.folder) if p.name == name)
    assert after.pid != before.pid
    assert list((vitess_lab.folder / "data" / "backups" / "commerce" / "80-").iterdir())
    wait_until("VTOrc lets it replicate again", lambda: replicates(replica), 60.0)
