"""Alerts of a real cluster that no single runbook answers: the run goes on, or asks both, and names the cause."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts import Alert, AlertStatus
from bot.config import load
from bot.engine.preview import preview
from bot.engine.run import Run
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.lab.fault_injection.fault_alerts import alert_labels
from bot.lab.fault_injection.fault_file import Fault, known
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.waiting import wait_until
from bot.shell_run import opened, read_only_engine

FAULTS = ("first_look_goes_on", "topology_alert_of_vtgate", "replica_mysqld_frozen", "replicas_made_rdonly")


def diagnosed(lab: LabState, fault: Fault) -> Run:
    """Returns the run of the fault's alert, by an inventory that was read while the topology answered."""
    config = load(lab.config)
    fleet = ConfiguredFleet(config)
    wait_until("the inventory is known", lambda: bool(fleet.targets()), 30)
    inject_fault(lab.folder, fault.name)
    try:
        alert = Alert(alert_labels(lab, fault), AlertStatus.FIRING, datetime.now(UTC))
        with read_only_engine(config, fleet) as engine:
            return preview(engine.triage, opened(engine, alert)).run
    finally:
        fix_fault(lab.folder, fault.name)


@pytest.mark.vitess
@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_is_named_whatever_the_alert_is_called(vitess_lab: LabState, name: str):
    fault = known(vitess=True)[name]
    run = diagnosed(vitess_lab, fault)
    assert run.lead is not None, [(each.id, each.says) for each in run.causes if each.verdict == "undecided"]
    assert (run.runbook, run.lead.id) == (fault.expect.runbook, fault.expect.cause)
    assert (run.plan.remedy if run.plan is not None else None) == fault.expect.remedy
    handed = run.handed_over.runbook if run.handed_over is not None else ""
    asked = {handed or run.runbook, *(each.runbook for each in run.answers)}
    assert asked == set(fault.expect.asked or (run.runbook,))
