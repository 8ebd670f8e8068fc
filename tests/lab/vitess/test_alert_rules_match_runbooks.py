"""Every alert of the Vitess lab matches the runbook for its problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.lab.vitess.alert_rules import rules
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.matching.coverage import AlertingRule, rules_of
from bot.runbook.matching.match import Tie, choose

RUNBOOKS = load_folders([shipped_folder()]).runbooks
RULES = {rule.alert: rule for rule in rules_of(rules(), "rules.yml")}
SHARD, WORKFLOW, VTORC, TOPOLOGY = "vitess/shard", "vitess/workflow", "vitess/vtorc", "vitess/topology"
ANSWERED = {
    "VitessPrimaryDead": SHARD,
    "VitessPrimaryUnreachable": SHARD,
    "VitessPrimaryReadOnly": SHARD,
    "VitessNoPrimary": SHARD,
    "VitessReplicationStopped": SHARD,
    "VitessReplicaWritable": SHARD,
    "VitessStaleTopologyPrimary": SHARD,
    "VitessSemiSyncBlocked": SHARD,
    "VitessSemiSyncWrong": SHARD,
    "VitessErrantGTID": "vitess/errant-gtids",
    "VTOrcDown": VTORC,
    "VTOrcRecoveriesDisabled": SHARD,
    "VTOrcRecoveryFailed": SHARD,
    "VitessEmergencyReparentDisabled": VTORC,
    "VitessTabletDown": SHARD,
    "VitessTabletNotServing": SHARD,
    "VitessTabletDrained": SHARD,
    "VitessMySQLDown": SHARD,
    "VitessReplicationLag": "vitess/replication-lag",
    "VitessPoolFull": "vitess/pools",
    "VitessTabletErrors": SHARD,
    "VitessKills": "vitess/query-kills",
    "VitessTransactionUnresolved": "vitess/unresolved-transactions",
    "VtgateDown": "vitess/vtgate",
    "VitessNoHealthyTablet": SHARD,
    "VtgateErrors": SHARD,
    "VtgateBuffering": SHARD,
    "VtgateBufferFailed": SHARD,
    "VitessTopologyDown": TOPOLOGY,
    "VitessTopologyErrors": TOPOLOGY,
    "VtctldDown": TOPOLOGY,
    "VReplicationLag": WORKFLOW,
    "VReplicationError": WORKFLOW,
    "VReplicationStopped": WORKFLOW,
    "VReplicationThrottled": WORKFLOW,
    "VitessThrottlerRefuses": "vitess/throttler",
    "OnlineDDLFailed": "vitess/online-ddl",
    "OnlineDDLStuck": "vitess/online-ddl",
}


def answering(rule: AlertingRule, labels: Mapping[str, str]) -> str:
    alert = rule.fired()
    found = choose(RUNBOOKS, replace(alert, labels={**alert.labels, **labels}))
    assert found is not None
    assert not isinstance(found, Tie), found.names
    return found.runbook.runbook


@pytest.mark.parametrize("name", RULES)
def test_every_alert_of_the_lab_matches_its_runbook(name: str):
    assert answering(RULES[name], {}) == ANSWERED[name]


@pytest.mark.parametrize(
    ("name", "labels", "runbook"),
    [
        ("VitessTabletErrors", {"error_code": "RESOURCE_EXHAUSTED"}, "vitess/pools"),
        ("VitessTabletErrors", {"error_code": "CLUSTER_EVENT"}, SHARD),
        ("VReplicationError", {"workflow": "90cd4966_8f2e_11ef_9c1a_0a43f95f28a3"}, "vitess/online-ddl"),
        ("VReplicationError", {"workflow": "move_orders"}, WORKFLOW),
    ],
)
def test_a_label_selects_between_two_runbooks_of_one_alert(name: str, labels: dict[str, str], runbook: str):
    assert answering(RULES[name], labels) == runbook


def test_the_alert_s_name_is_sufficient():
    for name, runbook in ANSWERED.items():
        if not name.startswith("OnlineDDL"):  # without a metric of Vitess that may be MySQL's own
            assert answering(AlertingRule("rules.yml", name, "vector(1)", {}, {}), {}) == runbook
