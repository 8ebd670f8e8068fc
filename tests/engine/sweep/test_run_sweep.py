"""A sweep asks many instances at once; slow or dead ones are reported and do not delay the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from actions.contract import MySQL
from bot.config import Instance, Shard
from bot.engine.sweep.first_sweep import first_sweep
from bot.engine.sweep.run_sweep import MOST_COSTLY, Sweeps, sweepable
from bot.errors import Busy, WrongUsage
from tests.engine.servers import Fleet, shard_of

VARIABLES = {"names": ["max_connections"]}
LONG = 60.0
"""Seconds that no test waits for."""


@dataclass
class Hanging(Fleet):
    """Some instances do not answer before they are let go; counts how many are asked at the same time."""

    hang: frozenset[str] = frozenset()
    let_go: threading.Event = field(default_factory=threading.Event)
    hung: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    reached: list[str] = field(default_factory=list)
    broken: frozenset[str] = frozenset()

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        self.reached.append(instance.name)
        if instance.name in self.hang:
            self.hung.release()
            self.let_go.wait(LONG)
        if instance.name in self.broken:
            raise RuntimeError("a secret detail")
        with super().read(shard, instance) as db:
            yield db


@pytest.fixture
def fleet() -> Iterator[Hanging]:
    found = Hanging((shard_of("orders", 19),))
    yield found
    found.let_go.set()


def test_every_instance_is_asked_once_and_answers_are_in_the_order_of_the_targets(fleet: Hanging):
    told: list[tuple[int, int]] = []
    swept = Sweeps(fleet, workers=4).sweep(
        "mysql.global_variables", fleet.targets(), VARIABLES, lambda done, of: told.append((done, of))
    )
    assert [answer.target.name for answer in swept.answers] == [target.name for target in fleet.targets()]
    assert sorted(fleet.reached) == sorted(answer.target.name for answer in swept.answers)
    assert {answer.evidence.values["max_connections"] for answer in swept.answers} == {"100"}
    assert told[-1] == (20, 20)


def test_without_any_target_there_is_nothing_to_wait_for(fleet: Hanging):
    assert Sweeps(fleet).sweep("mysql.global_variables", [], VARIABLES).answers == ()


def test_one_that_does_not_answer_in_its_time_is_told_and_nobody_waits_for_it(fleet: Hanging):
    fleet.hang = frozenset({"orders-3"})
    swept = Sweeps(fleet, patience=0.02, deadline=2.0).sweep("mysql.global_variables", fleet.targets(), VARIABLES)
    missing = {answer.target.name: answer.missing for answer in swept.answers if answer.missing}
    assert missing == {"orders-3": "It did not respond within 2 s."}
    assert not fleet.let_go.is_set()


def test_a_late_answer_is_ignored(fleet: Hanging):
    fleet.hang = frozenset({"orders-3"})
    sweeps = Sweeps(fleet, patience=0.02, deadline=0.1)
    swept = sweeps.sweep("mysql.global_variables", fleet.targets(), VARIABLES)
    fleet.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "sweep":
            thread.join(LONG)
    assert swept.answers[2].missing


def test_slow_instances_do_not_reduce_the_parallelism(fleet: Hanging):
    """As many hang as there are workers, and they come first; the others are asked all the same."""
    names = [target.name for target in fleet.targets()]
    fleet.hang = frozenset(names[:4])
    swept: list[int] = []

    def told(done: int, of: int) -> None:
        swept.append(done)
        if done == len(names) - 4:
            fleet.let_go.set()

    found = Sweeps(fleet, workers=4, patience=0.02, deadline=LONG).sweep(
        "mysql.global_variables", fleet.targets(), VARIABLES, told
    )
    assert len(names) - 4 in swept
    assert not any(answer.missing for answer in found.answers)


def test_the_sweep_itself_ends_in_its_time_and_says_who_was_not_asked(fleet: Hanging):
    fleet.hang = frozenset(target.name for target in fleet.targets())
    swept = Sweeps(fleet, workers=2, patience=LONG, deadline=LONG, within=1.0).sweep(
        "mysql.global_variables", fleet.targets(), VARIABLES
    )
    says = [answer.missing for answer in swept.answers]
    assert says.count("It did not respond within the time limit of the sweep.") == 2
    assert says.count("It was not asked: the sweep had reached its time limit.") == 18


def test_one_that_is_down_and_one_that_breaks_us_are_told_and_the_rest_counts(
    fleet: Hanging, caplog: pytest.LogCaptureFixture
):
    fleet.servers["orders-2"].down = True
    fleet.broken = frozenset({"orders-5"})
    swept = Sweeps(fleet).sweep("mysql.global_variables", fleet.targets(), VARIABLES)
    missing = {answer.target.name: answer.missing for answer in swept.answers if answer.missing}
    assert missing.keys() == {"orders-2", "orders-5"}
    assert "orders-2:3306 does not accept connections" in missing["orders-2"]
    assert missing["orders-5"] == (
        "mysql.global_variables could not interpret the answer (RuntimeError); the log has details."
    )
    assert "a secret detail" in caplog.text


def test_ports_are_swept_from_outside(fleet: Hanging):
    fleet.servers["orders-2"].down = True
    swept = Sweeps(fleet).sweep("mysql.reachability", fleet.targets())
    assert {answer.target.name: answer.evidence.tcp for answer in swept.answers}["orders-2"] == "refused"
    assert fleet.reached == []


def test_one_sweep_at_a_time_where_people_wait(fleet: Hanging):
    sweeps = Sweeps(fleet)
    with sweeps.alone(), pytest.raises(Busy, match="Another sweep is in progress"):
        first_sweep(sweeps, fleet.targets())
    with sweeps.alone():
        pass


@pytest.mark.parametrize(
    ("name", "given", "targets", "says"),
    [
        ("mysql.replica_state", {}, 1, "There is no diagnostic 'mysql.replica_state'; did you mean"),
        ("mysql.start_replica", {}, 1, "There is no diagnostic 'mysql.start_replica'"),
        ("prometheus.instant", {}, 1, "prometheus.instant asks Prometheus"),
        (
            "mysql.tables_without_primary_key",
            {},
            MOST_COSTLY + 1,
            "can stall a server, so a sweep runs it on at most 5 instances",
        ),
        ("mysql.global_variables", {}, 1, "mysql.global_variables needs names. Add --with names=VALUE."),
        ("mysql.global_variables", {"name": 1}, 1, "has no parameter 'name'; did you mean 'names'?"),
        ("mysql.long_queries", {"older_than": "soon"}, 1, "mysql.long_queries: 'soon' is not a duration"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_reason(name: str, given: dict[str, object], targets: int, says: str):
    with pytest.raises(WrongUsage) as told:
        sweepable(name, given, targets)
    assert says in str(told.value)


def test_text_becomes_what_the_parameter_is():
    _, parameters = sweepable("mysql.long_transactions", {"older_than": "5m"}, 1)
    assert parameters == {"older_than": 300.0}
