"""Alerts of real servers: the first look goes on to the runbook that answers, and runbooks that tie are both asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts import Alert, AlertStatus
from bot.config import load
from bot.engine.preview import preview
from bot.engine.run import Run
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.shell_run import opened, read_only_engine


def diagnosed(lab: LabState, alert: str, instance: str) -> Run:
    labels = {"alertname": alert, "instance": lab.instance(instance).address}
    with read_only_engine(load(lab.config)) as engine:
        firing = Alert(labels, AlertStatus.FIRING, datetime.now(UTC))
        return preview(engine.triage, opened(engine, firing)).run


@pytest.mark.lab
@pytest.mark.parametrize(("fault", "instance"), [("row_locks", "orders-1"), ("row_locks_mariadb", "billing-1")])
def test_the_first_look_at_a_server_goes_on_to_what_blocks_its_writes(sound_lab: LabState, fault: str, instance: str):
    inject_fault(sound_lab.folder, fault)
    run = diagnosed(sound_lab, "MySQLIsSomehowSlow", instance)
    assert run.handed_over is not None
    assert (run.handed_over.runbook, run.handed_over.cause.id) == ("mysql/first-look", "sessions_blocked")
    assert run.runbook == "mysql/blocked-writes"
    assert run.plan is not None
    assert run.plan.remedy == "end_idle_holder"


@pytest.mark.lab
def test_an_alert_that_two_runbooks_match_equally_well_has_a_diagnosis(sound_lab: LabState):
    inject_fault(sound_lab.folder, "metadata_locks")
    run = diagnosed(sound_lab, "AlterTableBlocked", "orders-1")
    assert run.lead is not None
    assert {run.runbook, *(each.runbook for each in run.answers)} == {"mysql/blocked-writes", "mysql/schema-change"}
    assert run.plan is not None
