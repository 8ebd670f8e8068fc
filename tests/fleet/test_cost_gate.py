"""A costly statement is sent once a minute to one server, whoever asks and however it ended."""

from __future__ import annotations

import re

import pytest

from actions import catalog, row_lock_queues
from actions.contract import Cost, Unreadable
from actions.diagnostics.mysql.wait_graph import wait_graph
from bot.config import load
from bot.engine.gather_evidence import Gatherer
from bot.engine.run import StepStatus
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.cost_gate import CostGate
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.runbook.language.schema import Runbook
from tests.actions.hands import reader


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_second_within_a_minute_is_refused_and_says_when_to_ask_again(clock: Clock):
    gate = CostGate(clock=clock)
    gate.admit("db7:3306")
    clock.now += 20
    with pytest.raises(Unreadable, match=r"db7:3306 ran a costly statement 20 s ago.* allowed in 40 s"):
        gate.admit("db7:3306")


def test_after_a_minute_it_passes_again(clock: Clock):
    gate = CostGate(clock=clock)
    gate.admit("db7:3306")
    clock.now += 60
    gate.admit("db7:3306")
    clock.now += 59
    with pytest.raises(Unreadable):
        gate.admit("db7:3306")


def test_what_was_refused_does_not_put_off_the_next(clock: Clock):
    gate = CostGate(clock=clock)
    gate.admit("db7:3306")
    for _ in range(3):
        clock.now += 19
        with pytest.raises(Unreadable):
            gate.admit("db7:3306")
    clock.now += 3
    gate.admit("db7:3306")


def test_each_server_has_its_own_minute(clock: Clock):
    gate = CostGate(clock=clock)
    gate.admit("db7:3306")
    gate.admit("db7:3307")
    gate.admit("db8:3306")


def test_every_high_cost_diagnostic_is_known_here():
    """A new one needs a test like the one of wait_graph below: that it marks its costly statement."""
    high = {name for name, diagnostic in catalog.DIAGNOSTICS.items() if diagnostic.cost is Cost.HIGH}
    assert high == {"mysql.wait_graph", "mysql.tables_without_primary_key"}


@pytest.mark.lab
@pytest.mark.parametrize(("fault", "name"), [("row_locks", "orders-1"), ("row_locks_mariadb", "billing-1")])
def test_the_locks_of_many_rows_are_read_once_a_minute_by_all_readers_of_a_server(
    sound_lab: LabState, fault: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(row_lock_queues, "CHEAP_ROWS_LOCKED", 0)
    inject_fault(sound_lab.folder, fault)
    instance = sound_lab.instance(name)
    gate = CostGate()
    with reader(sound_lab, instance, gate=gate) as first, reader(sound_lab, instance, gate=gate) as second:
        assert wait_graph(first).waiting
        for db in (first, second):
            with pytest.raises(Unreadable, match=f"{instance.address} ran a costly statement [0-9] s ago"):
                wait_graph(db)
    with reader(sound_lab, instance, gate=CostGate()) as other:
        assert wait_graph(other).waiting


@pytest.mark.lab
def test_where_nobody_waits_nothing_costly_is_sent_so_that_one_may_look_at_any_time(lab: LabState):
    gate = CostGate()
    with reader(lab, lab.instance("orders-2"), gate=gate) as db:
        assert [wait_graph(db).waiting for _ in range(3)] == [0, 0, 0]
    gate.admit(lab.instance("orders-2").address)


@pytest.mark.lab
def test_two_runs_of_one_fleet_share_the_gate(sound_lab: LabState, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_lock_queues, "CHEAP_ROWS_LOCKED", 0)
    inject_fault(sound_lab.folder, "row_locks")
    runbook = Runbook.model_validate(
        {
            "runbook": "mysql/x",
            "title": "x",
            "owner": "me",
            "match": ["alertname = X"],
            "gather": {"locks": "mysql.wait_graph", "replica": "mysql.replica_status"},
        }
    )
    fleet = ConfiguredFleet(load(sound_lab.config))
    gatherer = Gatherer(fleet)
    first, second = (
        gatherer.gather(runbook, fleet.find("orders-1"), {}, {}, lambda steps: None).steps for _ in range(2)
    )
    gatherer.close()
    assert [step.status for step in first] == [StepStatus.DONE, StepStatus.DONE]
    assert [step.status for step in second] == [StepStatus.FAILED, StepStatus.DONE]
    assert re.search(r"the next one is allowed in (60|5\d) s", second[0].says)
