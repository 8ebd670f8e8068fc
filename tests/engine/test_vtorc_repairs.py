"""VTOrc repairs by itself: Firstmate watches, says what it did, and changes nothing meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from actions.contract import MySQL
from actions.diagnostics.vitess.vtorc import DetectedProblem, VTOrcs
from actions.vitess_contract import Vitess
from actions.vtorc_state import Recovery
from bot.alerts import Alert, AlertStatus
from bot.config import Instance, Shard
from bot.engine.active_halts import Halts
from bot.engine.dispatcher import Dispatcher
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gathered
from bot.engine.run import Run, RunState, Step, StepStatus
from bot.engine.server_kinds import ServerKinds
from bot.engine.targets import Target
from bot.engine.triage import Triage
from bot.engine.vtorc_repairs import VtorcRepairs, judged
from bot.fleet.vitess.topology import arranged
from bot.stalled_runs import AWAITED
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from tests.engine.servers import Everybody, Fleet, Published
from tests.recorded_vitess import THREE, RecordedVitess
from tests.samples import NOW
from tests.vitess_samples import CLUSTER

HEALTHY = VTOrcs(
    shard="commerce/-80",
    configured=1,
    healthy=1,
    acting=1,
    disabled=(),
    watched=3,
    emergency_reparents=True,
    emergency_says="",
    stuck=False,
    problems=(),
    recoveries=(),
    failed=0,
)
DEAD = DetectedProblem("DeadPrimary", "zone1-0000000100", 2.0, repairs=True)
RECOVERED = Recovery("DeadPrimary", "zone1-0000000100", "zone1-0000000101", 3.0, 2.0, "", 7.0)


def test_a_problem_that_vtorc_repairs_is_its_own():
    found = judged(replace(HEALTHY, problems=(DEAD,)), patience=30)
    assert found.doing == "DeadPrimary on zone1-0000000100, detected 2 s ago"


def test_a_recovery_under_way_counts_though_its_problem_is_old():
    running = replace(RECOVERED, took=None)
    old = replace(DEAD, seen_for=400.0)
    assert "in progress" in judged(replace(HEALTHY, problems=(old,), recoveries=(running,)), patience=30).doing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"problems": (replace(DEAD, seen_for=45.0),)}, "45 s ago and has not repaired it"),
        ({"problems": (replace(DEAD, repairs=False, analysis="UnreachablePrimary"),)}, "does not repair by itself"),
        ({"problems": (DEAD,), "acting": 0, "disabled": ("u",)}, "disabled"),
        ({"problems": (DEAD,), "stuck": True}, "cannot lock a shard"),
        ({"healthy": 0, "acting": 0, "missing": ("u does not answer (connection refused).",)}, "No VTOrc is running"),
        ({}, "alive and detects nothing"),
    ],
)
def test_what_vtorc_does_not_do_is_said_with_the_reason(change, says):
    found = judged(replace(HEALTHY, **change), patience=30)
    assert not found.doing
    assert not found.unknown
    assert says in found.says


@pytest.mark.parametrize(
    "change",
    [
        {"healthy": 0, "acting": 0, "missing": ("http://vtorc:1 did not answer within 2 s.",)},
        {"configured": 0, "healthy": 0, "acting": 0},
    ],
)
def test_a_vtorc_that_cannot_be_asked_is_no_vtorc_that_is_down(change):
    assert judged(replace(HEALTHY, **change), patience=30).unknown


def test_what_it_repaired_is_told():
    says = judged(replace(HEALTHY, recoveries=(RECOVERED,)), patience=30).repaired
    assert says == ("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s; zone1-0000000101 is the primary now.")


def test_a_failover_is_told_though_the_old_primary_cannot_be_mended():
    failed = Recovery("StaleTopoPrimary", "zone1-0000000100", "", 1.0, 0.5, "mysqld is gone", 1.0)
    says = judged(replace(HEALTHY, recoveries=(failed, RECOVERED)), patience=30).repaired
    assert says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")


def test_what_is_tried_in_vain_every_second_repaired_nothing():
    vain = Recovery("StaleTopoPrimary", "zone1-0000000100", "", 1.0, 0.5, "", 1.0)
    there = DetectedProblem("StaleTopoPrimary", "zone1-0000000100", 12.0, repairs=True)
    found = judged(replace(HEALTHY, problems=(there,), recoveries=(vain, RECOVERED)), patience=30)
    assert "StaleTopoPrimary" in found.doing
    assert found.repaired.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")
    assert found.over


@pytest.mark.parametrize(
    "change",
    [
        {"problems": (DetectedProblem("ReplicationStopped", "zone1-0000000102", 3.0, repairs=True),)},
        {"recoveries": (Recovery("ReplicationStopped", "zone1-0000000102", ago=1.0), RECOVERED)},
        {"problems": (DEAD,), "recoveries": ()},
        {"problems": (DEAD,), "recoveries": (replace(RECOVERED, successor=""),)},
    ],
)
def test_with_another_tablet_or_without_a_new_primary_it_is_not_over(change):
    vain = DetectedProblem("StaleTopoPrimary", "zone1-0000000100", 12.0, repairs=True)
    view = replace(HEALTHY, problems=(vain,), recoveries=(RECOVERED,))
    assert judged(view, patience=30).over
    assert not judged(replace(view, **{"problems": (vain,), **change}), patience=30).over


def test_what_took_less_than_a_second_is_said_so():
    says = judged(replace(HEALTHY, recoveries=(replace(RECOVERED, after=0.3),)), patience=30).repaired
    assert says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 within a second")


def test_what_was_repaired_long_ago_is_no_repair_of_this():
    assert not judged(replace(HEALTHY, recoveries=(replace(RECOVERED, ago=100.0),)), patience=30).repaired


SHARD = arranged(CLUSTER, THREE)[0]
TARGET = Target(SHARD.instances[0], SHARD)


class VitessFleet(Fleet):
    """A fleet with one shard of Vitess."""

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        assert reader is Vitess
        yield RecordedVitess()


def looking(*views: VTOrcs, ticks: float = 0.0) -> VtorcRepairs:
    """Sees these views, one after the other; the last one stays. Each look at the clock takes so many seconds."""
    turn, clock = iter(range(1_000)), iter(range(1_000))
    return VtorcRepairs(
        VitessFleet((SHARD,)),
        ask=lambda _: views[min(next(turn), len(views) - 1)],
        clock=lambda: next(clock) * ticks,
        sleep=lambda _: None,
    )


AT_WORK, DONE = replace(HEALTHY, problems=(DEAD,)), replace(HEALTHY, recoveries=(RECOVERED,))


def test_a_change_waits_for_vtorc_and_is_told_that_it_was_quicker():
    found = looking(AT_WORK, AT_WORK, DONE).wait(TARGET, 30.0)
    assert found is not None
    assert found.repaired.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")


def test_a_change_waits_no_longer_than_its_bound():
    found = looking(AT_WORK, ticks=1.0).wait(TARGET, 5.0)
    assert found is not None
    assert found.doing


def test_what_was_repaired_before_the_plan_is_no_reason_against_it():
    found = looking(DONE).wait(TARGET, 30.0)
    assert found is not None
    assert not found.repaired


def test_where_there_is_no_vtorc_nobody_is_asked():
    alone = SHARD.model_copy(update={"no_vtorc": True})
    assert looking(AT_WORK).observe(Target(alone.instances[0], alone), 30.0) is None


# -- the run ----------------------------------------------------------------------------------------------------------

RUNBOOK = """\
runbook: vitess/test
title: T
owner: me
scope: shard
wait_for_repair: 20s
gather: {orc: vitess.vtorc}
causes:
- {id: dead, when: '"DeadPrimary" in orc.detects', says: The primary is dead.}
"""
PASSES = f"""{RUNBOOK}
- {{id: settles, when: orc.alive, says: Things settle., look_again: 15s}}
"""


def _run(alert: Alert) -> Run:
    return Run(
        id="r-1",
        incident="i-1",
        channel="C",
        state=RunState.TRIAGING,
        opened_at=NOW,
        alert=alert,
        requester="firstmate",
        runbook="vitess/test",
        runbook_digest="d",
        runbook_text=RUNBOOK,
        title="T",
        target="zone1-0000000100",
        shard="commerce/-80",
        scope="shard",
        repair_within=20.0,
    )


class Watched:
    """A run of a shard whose VTOrc says this, on a real store; the clock is the test's."""

    def __init__(
        self, database: Database, *views: VTOrcs, causes: bool = True, text: str = RUNBOOK, first: bool = True
    ) -> None:
        self.queue, self.publisher, self.now = DirectQueue(), Published(), NOW
        self.store = RunStore(database, self.queue, clock=NOW.timestamp)
        vtorc_repairs = looking(*views)
        fleet: Any = vtorc_repairs.fleet
        gatherer: Any = Seen(dead=iter([first, not causes]))
        collector = Collector(fleet, self.store, Everybody(), Halts(self.store), vtorc_repairs)
        planner: Any = None
        self.triage = Triage(fleet, self.store, self.publisher, collector, gatherer, planner, 300.0, lambda: self.now)
        alert = Alert({"alertname": "VitessDeadPrimary"}, AlertStatus.FIRING, NOW)
        self.store.open_run(replace(_run(alert), runbook_text=text), key="k", actor="firstmate")

    def begin(self) -> Run:
        self.triage.triage(DirectSteps(), "r-1")
        return self.stored

    def watch(self, *, after: float) -> Run:
        """The next look of the watch, so many seconds after the alert."""
        self.now = NOW + timedelta(seconds=after)
        _, name = self.queue.later.pop()
        # The run counts as stalled unless a segment of this kind is queued.
        assert name.startswith(AWAITED[RunState.TRIAGING])
        unused: Any = None
        Dispatcher(self.store, self.publisher, self.triage, unused, unused, unused, unused, unused, unused).advance(
            DirectSteps(), "r-1", name
        )
        return self.stored

    @property
    def stored(self) -> Run:
        run = self.store.run("r-1")
        assert run is not None
        return run


@dataclass
class Seen:
    """Gathers a view in which the primary is dead, or not any more."""

    dead: Iterator[bool]

    @property
    def kinds(self) -> ServerKinds:
        return ServerKinds(VitessFleet(()))

    def gather(self, *_: object, **__: object) -> Gathered:
        view = AT_WORK if next(self.dead) else HEALTHY
        return Gathered((Step("orc", "vitess.vtorc", "target", StepStatus.DONE),), {"orc": view})


def test_while_vtorc_repairs_nothing_is_offered_and_the_card_says_until_when_it_watches(database):
    run = Watched(database, AT_WORK).begin()
    assert run.state is RunState.TRIAGING
    assert run.plan is None
    assert run.says == (
        "VTOrc is repairing commerce/-80 (DeadPrimary on zone1-0000000100, detected 2 s ago). "
        "Firstmate waits until 03:00:20 UTC."
    )
    assert run.lead is not None


def test_what_vtorc_repaired_is_the_end_of_the_run_and_the_cause_stays_on_the_card(database):
    watched = Watched(database, AT_WORK, AT_WORK, DONE)
    watched.begin()
    assert watched.watch(after=1).state is RunState.TRIAGING
    run = watched.watch(after=2)
    assert run.state is RunState.DIAGNOSED
    assert run.says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")
    assert run.lead is not None
    assert run.lead.id == "dead"
    assert any("VTOrc repaired DeadPrimary" in event.what for event in run.timeline)


def test_what_vtorc_tries_on_with_the_dead_tablet_after_a_failover_is_not_waited_for(database):
    vain = DetectedProblem("StaleTopoPrimary", "zone1-0000000100", 4.0, repairs=True)
    watched = Watched(database, AT_WORK, replace(DONE, problems=(vain,)))
    watched.begin()
    run = watched.watch(after=1)
    assert run.state is RunState.DIAGNOSED
    assert run.says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")


def test_what_may_pass_by_itself_is_looked_at_again_and_only_then_is_it_the_end(database):
    watched = Watched(database, HEALTHY, causes=False, text=PASSES, first=False)
    run = watched.begin()
    assert (run.state, run.lead.id if run.lead else "") == (RunState.TRIAGING, "settles")
    assert run.says == "The cause may clear by itself; Firstmate checks again at 03:00:15 UTC."
    run = watched.watch(after=15)
    assert (run.state, run.lead.id if run.lead else "") == (RunState.DIAGNOSED, "dead")
    assert not watched.queue.later


def test_what_was_repaired_before_the_first_look_is_told_after_the_second(database):
    long_ago = replace(HEALTHY, recoveries=(replace(RECOVERED, ago=60.0),))
    watched = Watched(database, DONE, long_ago, causes=False, text=PASSES, first=False)
    watched.begin()
    run = watched.watch(after=15)
    assert run.state is RunState.DIAGNOSED
    assert run.says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")


def test_there_is_no_third_look(database):
    watched = Watched(database, HEALTHY, text=PASSES, first=False)
    watched.begin()
    run = watched.watch(after=15)
    assert (run.state, run.lead.id if run.lead else "") == (RunState.DIAGNOSED, "settles")
    assert not watched.queue.later


def test_after_the_bound_the_run_goes_on_by_itself(database):
    watched = Watched(database, AT_WORK, causes=False)
    watched.begin()
    run = watched.watch(after=21)
    assert run.state is RunState.DIAGNOSED
    assert run.says == "This cause has no automatic remedy."
    assert not watched.queue.later


def test_what_vtorc_had_repaired_before_the_first_look_is_told_too(database):
    run = Watched(database, DONE).begin()
    assert run.state is RunState.DIAGNOSED
    assert run.says == (
        "VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s; zone1-0000000101 is the primary now. "
        "This cause has no automatic remedy."
    )


def test_a_person_who_asks_is_not_told_that_vtorc_repaired_it(database):
    watched = Watched(database, DONE, causes=False, first=False)
    asked = replace(watched.stored, id="r-2", alert=None, requester="U0BOB")
    assert watched.store.open_run(asked, key="k-2", actor="U0BOB")
    watched.triage.triage(DirectSteps(), "r-2")
    run = watched.store.run("r-2")
    assert run is not None
    assert "repaired" not in run.says


def test_what_vtorc_tries_in_vain_on_the_dead_one_hides_no_failover():
    in_vain = Recovery("ReplicaIsWritable", "zone1-0000000100", "", 1.0, 0.1, "connection refused", None)
    again = replace(in_vain, error="", after=26.0)
    old = replace(DEAD, analysis="ReplicaIsWritable", seen_for=31.0)
    view = replace(HEALTHY, problems=(old,), recoveries=(again, in_vain, RECOVERED))
    says = judged(view, patience=30).repaired
    assert says.startswith("VTOrc repaired DeadPrimary on zone1-0000000100 after 7 s")


def test_a_repair_of_long_before_the_alert_was_of_another_trouble(database):
    earlier = replace(HEALTHY, recoveries=(replace(RECOVERED, ago=60.0),))
    run = Watched(database, earlier).begin()
    assert run.says == "This cause has no automatic remedy."
