"""Faults are injected into real servers, show, raise their alerts, and are fixed without residue.

The faults of the lab's own alert rules run here; `make faults` runs all of them, with the bot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.connections import administrator, ask
from bot.lab.fault_injection.fault_alerts import raised_by_rule, send_alert
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import FOLDER, faults
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.monitoring import rules
from bot.lab.replication import replica_status, replication_problem
from bot.lab.waiting import wait_until
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from tests.alertmanager import alertmanager

EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in rules()["groups"][0]["rules"]}
RUNBOOKS = {runbook.runbook: runbook for runbook in load_folders([shipped_folder()]).runbooks}
LOCK_WAIT_TIMEOUT = 1205
BY_RULE = ("replication_stopped", "replication_lag", "connections_exhausted", "row_locks", "metadata_locks")
"""Faults whose alert comes from a rule of the lab's Prometheus, at least one per rule."""
FAMILIES = {
    "replication_lag", "replication_broken", "errant_gtid", "semi_sync_degraded", "read_only_or_split_brain",
    "connections_saturation", "threads_running_saturation", "long_trx_history_list", "row_lock_waits", "deadlocks",
    "metadata_lock", "slow_query_spike", "runaway_query", "disk_space", "binlog_growth", "tmp_tables", "buffer_pool",
    "redo_checkpoint", "auto_increment_exhaustion", "table_growth", "deprecated_or_config_drift", "crash_restart",
    "mysqld_down", "schema_change_stuck", "prepared_xa", "access", "host", "exporter",
}  # fmt: skip
"""The kinds of problem of MySQL and MariaDB servers."""


def holds(lab: LabState, alert: str, address: str) -> bool:
    """Returns whether the alert's expression is true for the server in Prometheus."""
    query = {"query": EXPRESSIONS[alert]}
    found = requests.get(f"{lab.urls.prometheus}/api/v1/query", params=query, timeout=5).json()
    return any(row["metric"].get("instance") == address for row in found["data"]["result"])


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.parametrize("name", [each for name in BY_RULE for each in (name, f"{name}_mariadb")])
def test_a_fault_is_injected_raises_its_alert_and_is_fixed(sound_lab: LabState, name: str):
    fault = faults()[name]
    assert raised_by_rule(fault)
    address = sound_lab.instance(fault.instance).address
    assert inject_fault(sound_lab.folder, name) == fault
    wait_until(f"{fault.alert} sees {name}", lambda: holds(sound_lab, fault.alert, address))
    assert inject_fault(sound_lab.folder, name) == fault

    assert fix_fault(sound_lab.folder, name) == fault

    wait_until(f"{fault.alert} is over", lambda: not holds(sound_lab, fault.alert, address))
    assert [p.name for p in processes.recorded(sound_lab.folder) if p.name.startswith("fault-")] == []
    with administrator(sound_lab.instance(fault.instance)) as admin:
        users = {str(row["User"]) for row in ask(admin, "SHOW PROCESSLIST")}
    assert not {"reports", "deploy"} & users
    assert fix_fault(sound_lab.folder, name) == fault


@pytest.mark.lab
@pytest.mark.parametrize("name", ["server_down", "server_down_mariadb"])
def test_a_killed_server_restarts_on_its_data_and_keeps_its_log(sound_lab: LabState, name: str):
    instance = sound_lab.instance(faults()[name].instance)
    logging = ("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON")
    with administrator(instance) as admin:
        for statement in (*logging, "SELECT 1"):
            ask(admin, statement)
    fault = inject_fault(sound_lab.folder, name)
    assert check_passes(sound_lab, fault, fault.file.shows)
    fix_fault(sound_lab.folder, name)
    with administrator(instance) as admin:
        [found] = ask(admin, "SELECT COUNT(*) AS n FROM shop.heartbeat")
        assert found["n"] > 0
        assert ask(admin, "SELECT COUNT(*) AS n FROM mysql.general_log")
        ask(admin, "SET GLOBAL general_log = OFF")


@pytest.mark.lab
@pytest.mark.parametrize("name", ["replication_lag", "replication_lag_mariadb"])
def test_a_fault_that_lasted_until_the_applier_gave_up_is_fixed(sound_lab: LabState, name: str):
    """Within minutes, as the applier has 10 retries of 50 s; here it has none, and waits for 15 s."""
    instance = sound_lab.instance(faults()[name].instance)
    retries = "replica_transaction_retries" if instance.flavour == "mysql" else "slave_transaction_retries"

    def set_limits(timeout: int, times: int) -> None:
        with administrator(instance) as admin:
            ask(admin, "STOP REPLICA SQL_THREAD")
            ask(admin, f"SET GLOBAL innodb_lock_wait_timeout = {timeout}, GLOBAL {retries} = {times}")
            ask(admin, "START REPLICA SQL_THREAD")

    def gave_up() -> bool:
        return int(replica_status(instance)["Last_SQL_Errno"]) == LOCK_WAIT_TIMEOUT

    try:
        set_limits(15, 0)
        inject_fault(sound_lab.folder, name)
        wait_until(f"the applier of {instance.name} gives up", gave_up, 60.0)
        fix_fault(sound_lab.folder, name)
        assert replication_problem(replica_status(instance)) == ""
    finally:
        set_limits(50, 10)


@pytest.mark.lab
def test_an_alert_without_a_rule_is_sent_to_alertmanager_and_ended_there(sound_lab: LabState):
    fault = faults()["temporary_tables"]

    def firing() -> list[dict[str, Any]]:
        found = alertmanager(sound_lab, "alerts?active=true")
        return [each["labels"] for each in found if each["labels"].get("fault") == fault.name]

    send_alert(sound_lab.folder, fault)
    wait_until("the alert fires", lambda: len(firing()) == 1)
    [labels] = firing()
    assert labels["alertname"] == fault.alert
    assert labels["instance"] == sound_lab.instance(fault.instance).address

    send_alert(sound_lab.folder, fault, ended=True)
    wait_until("the alert is over", lambda: firing() == [])


def test_an_unknown_fault_is_refused_with_close_names_and_the_command_that_lists_all(tmp_path: Path):
    with pytest.raises(WrongUsage, match=r"no fault 'lag'; did you mean replication_lag.*`firstmate lab faults` lists"):
        inject_fault(tmp_path, "lag")


def test_without_a_lab_the_error_says_how_to_start_one(tmp_path: Path):
    with pytest.raises(FirstmateError, match=r"No lab is up in .*; run `firstmate lab up` first"):
        inject_fault(tmp_path, "row_locks")


def test_the_catalog_has_at_least_forty_faults_and_covers_every_family():
    assert len(list(FOLDER.glob("*/fault.yml"))) >= 40
    assert {family for fault in faults().values() for family in fault.file.families} == FAMILIES


def test_the_catalog_includes_decoys_and_compound_faults():
    files = {fault.name: fault.file for fault in faults().values()}
    assert sum(file.decoy is not None for file in files.values()) >= 6
    assert sum(len(file.families) > 1 for file in files.values()) >= 6
    both = {fault.file.title for fault in faults().values() if fault.flavour == "mariadb"}
    assert len(both) >= 30


@pytest.mark.parametrize("name", faults())
def test_the_expected_result_exists_in_a_shipped_runbook(name: str):
    expected = faults()[name].expect
    runbook = RUNBOOKS[expected.runbook]
    [cause] = [each for each in runbook.causes if each.id == expected.cause]
    assert expected.remedy in (None, *cause.remedies)  # what a cause offers, the server or a guard may refuse
