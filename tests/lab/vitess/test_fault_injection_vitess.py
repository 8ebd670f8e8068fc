"""The faults of the Vitess cluster: their files, and some of them injected and fixed on a real cluster.

`make faults-vitess` runs all of them, with the bot.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.alerts import Alert, AlertStatus
from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.connections import administrator, ask
from bot.lab.fault_bench.fault_queue import interleave_shards
from bot.lab.fault_bench.fault_runner import run_faults
from bot.lab.fault_bench.results import FaultResult, goals_met, totals
from bot.lab.fault_injection import vitess_cluster
from bot.lab.fault_injection.fault_alerts import alert_labels, generator_url, raised_by_rule
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import Check, Fault, FaultStep, known
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.fault_injection.saved_values import save_values
from bot.lab.fault_injection.vitess_steps import MOST_ERRANT, expand_gtid_set, health_problem
from bot.lab.lab_state import LabInstance, LabState, Login, Urls
from bot.lab.vitess.cluster_layout import PLANS, PORTS, cluster_on
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.matching.match import Tie, choose
from tests.samples import NOW

FAULTS = known(vitess=True)
RUNBOOKS = {runbook.runbook: runbook for runbook in load_folders([shipped_folder()]).runbooks}
FAMILIES = {
    "primary_dead", "primary_unreachable", "tablet_down", "mysql_down", "mysql_hangs", "no_healthy_tablet", "semi_sync",
    "replication_stopped", "read_only", "replication_lag", "errant_gtid", "tablet_type", "controls", "pools",
    "online_ddl", "throttler", "workflow", "schema", "two_phase_commit", "vtorc", "topology", "backups", "queries",
}  # fmt: skip
"""The kinds of problem of a Vitess cluster."""
PORT = {name: 18000 + number for number, name in enumerate(PORTS)}
BY_VTORC = FaultResult("primary_mysqld_killed", "vitess", "dead", ("settling",), 1.0, repaired=True, also=("settling",))


@pytest.fixture
def paper(tmp_path: Path) -> LabState:
    """The state of a lab in which the first tablet of each shard was the primary when the faults were injected."""
    instances = tuple(
        LabInstance(plan.alias, f"commerce/{plan.shard}", "h", 1, 2, "admin", "x", "replica", None, "mysql", "9")
        for plan in PLANS
    )
    urls = Urls("http://p", "http://a", "http://b", "http://w")
    state = LabState(tmp_path, "m", instances, Login("r", "x"), urls, tmp_path / "x", vitess=cluster_on(PORT))
    (tmp_path / "run").mkdir()
    primaries = {"-80": PLANS[0].alias, "80-": PLANS[3].alias}
    for fault in FAULTS.values():
        save_values(state, fault, vitess_cluster.roles_at(cluster_on(PORT), fault.instance, primaries))
    return state


def test_the_vitess_catalog_has_at_least_twenty_faults_and_covers_every_family():
    assert len(FAULTS) >= 20
    assert {family for fault in FAULTS.values() for family in fault.file.families} == FAMILIES


def test_the_vitess_catalog_includes_decoys_and_faults_that_vtorc_repairs():
    files = [fault.file for fault in FAULTS.values()]
    assert sum(file.decoy is not None and file.expect.remedy is None for file in files) >= 6
    assert sum(file.expect.repaired for file in files) >= 2
    assert all(file.expect.remedy is None for file in files if file.expect.repaired)


@pytest.mark.parametrize("name", FAULTS)
def test_the_expected_result_exists_in_a_shipped_runbook(name: str):
    expected = FAULTS[name].expect
    causes = {cause.id: cause for cause in RUNBOOKS[expected.runbook].causes}
    assert {expected.cause, *expected.also} <= {*causes}
    assert expected.remedy in (None, *causes[expected.cause].remedies)


@pytest.mark.parametrize("name", FAULTS)
def test_the_alert_of_a_fault_matches_its_runbook_or_those_that_go_on_with_it(paper: LabState, name: str):
    fault = FAULTS[name]
    firing = Alert(alert_labels(paper, fault), AlertStatus.FIRING, NOW, generator_url=generator_url(paper, fault))
    answer = choose(RUNBOOKS.values(), firing)
    assert answer is not None
    asked = answer.names if isinstance(answer, Tie) else (answer.runbook.runbook,)
    assert asked == (fault.expect.asked or (fault.expect.runbook,))
    on = {cause.continues for name in asked for cause in RUNBOOKS[name].causes}
    assert fault.expect.runbook in (*asked, *on)


def test_the_queue_alternates_between_shards():
    order = [fault.instance.partition("@")[0] for fault in interleave_shards(list(FAULTS.values()))]
    pairs = 2 * min(order.count("commerce/-80"), order.count("commerce/80-"))
    assert all(one != next_ for one, next_ in pairwise(order[:pairs]))
    assert sorted(order) == sorted(fault.instance.partition("@")[0] for fault in FAULTS.values())


def test_a_repair_by_vtorc_is_good_if_it_is_reported_and_nothing_is_offered():
    assert BY_VTORC.good
    assert goals_met(totals([BY_VTORC]))
    silent = replace(BY_VTORC, repaired=False, says="Nothing found.")
    assert silent.differs == "the run does not say what VTOrc repaired (Nothing found.)"
    assert not goals_met(totals([silent]))
    assert not goals_met(totals([replace(BY_VTORC, remedy="emergency_reparent")]))


@pytest.mark.parametrize(
    ("part", "given"),
    [
        (Check, {"tablet": "PRIMARY/SERVING", "vtorc": "DeadPrimary"}),
        (Check, {"serves": "REPLICA", "recoveries_disabled": True}),
        (FaultStep, {"rpc": ["GetTablets {}"], "vtorc": "/api/problems"}),
        (FaultStep, {"env": {"ReadPoolSize": "1"}, "settle": 1}),
    ],
)
def test_a_step_or_a_check_of_two_kinds_is_refused(part: type[Check | FaultStep], given: dict[str, Any]):
    with pytest.raises(ValueError, match="has exactly one of"):
        part.model_validate(given)


def test_a_gtid_set_is_expanded_and_refused_if_too_large():
    one, other = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "3e11fa47-71ca-11e1-9e33-c80aa9429563"
    assert expand_gtid_set("") == []
    assert expand_gtid_set(f"{one}:1-2:5,\n{other}:7") == [f"{one}:1", f"{one}:2", f"{one}:5", f"{other}:7"]
    with pytest.raises(FirstmateError, match="are on a replica only"):
        expand_gtid_set(f"{one}:1-{MOST_ERRANT + 1}")


def test_the_target_of_a_fault_stays_the_same_after_a_failover(paper: LabState):
    fault = FAULTS["primary_mysqld_killed"]
    assert [each.name for each in vitess_cluster.instances_for(paper, fault, "target")] == [PLANS[0].alias]
    assert [each.name for each in vitess_cluster.instances_for(paper, fault, "replicas")] == [
        plan.alias for plan in PLANS[1:3]
    ]
    assert [each.name for each in vitess_cluster.instances_for(paper, fault, "other_primary")] == [PLANS[3].alias]
    assert vitess_cluster.process_name(paper, paper.instance(PLANS[0].alias), "mysqld") == "mysqld-100"
    assert vitess_cluster.process_name(paper, paper.instance(PLANS[0].alias), "vttablet") == "vttablet-100"
    assert vitess_cluster.process_name(paper, paper.instance(PLANS[0].alias), "etcd") == "etcd"


def test_the_labels_are_those_of_the_tablet_and_empty_ones_are_omitted(paper: LabState):
    labels = alert_labels(paper, FAULTS["no_healthy_replica"])
    assert labels["instance"] == f"127.0.0.1:{PORT['vtgate']}"
    assert (labels["keyspace"], labels["shard_name"]) == ("commerce", "80-")
    assert not {"tablet_alias", "shard"} & {*labels}
    assert alert_labels(paper, FAULTS["drained_replica"])["tablet_alias"] == PLANS[1].alias


def test_an_alert_of_a_fault_may_come_from_a_rule_of_the_lab():
    assert raised_by_rule(FAULTS["primary_mysqld_killed"])
    assert not raised_by_rule(FAULTS["no_backups"])


@pytest.mark.vitess
def test_a_killed_vttablet_of_a_primary_is_detected_and_restarted(vitess_lab: LabState):
    fault = broken(vitess_lab, "primary_vttablet_killed")
    assert fix_fault(vitess_lab.folder, fault.name) == fault
    assert health_problem(vitess_lab) == ""
    assert not [p.name for p in processes.recorded(vitess_lab.folder) if p.name.startswith("fault-")]


@pytest.mark.vitess
def test_errant_transactions_are_covered_on_the_primary(vitess_lab: LabState):
    fault = broken(vitess_lab, "errant_gtid")
    [replica] = vitess_cluster.instances_for(vitess_lab, fault, "target")
    [primary] = vitess_cluster.instances_for(vitess_lab, fault, "primary")
    fix_fault(vitess_lab.folder, fault.name)
    with administrator(replica) as admin:
        [has] = ask(admin, "SELECT @@GLOBAL.gtid_executed AS gtids")
    with administrator(primary) as admin:
        [errant] = ask(admin, "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS gtids", (has["gtids"],))
    assert errant["gtids"] == ""


@pytest.mark.vitess
@pytest.mark.parametrize("name", ["primary_mysqld_killed", "recoveries_disabled"])
def test_the_bot_waits_for_vtorc_or_enables_its_recoveries(vitess_lab: LabState, name: str):
    [result] = run_faults(vitess_lab, [FAULTS[name]])
    # The bench judges the speed.
    timeless = replace(result, cause_after=0.0)
    assert (result.failed, timeless.differs) == ("", "")
    assert health_problem(vitess_lab) == ""


def broken(lab: LabState, name: str) -> Fault:
    """Injects the fault and returns it when it shows."""
    fault = inject_fault(lab.folder, name)
    assert check_passes(lab, fault, fault.file.shows)
    return fault
