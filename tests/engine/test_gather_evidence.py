"""Evidence is gathered in parallel and in bounded time; what fails is named, and the rest counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from actions.contract import MySQL, Unreadable
from actions.diagnostics.mysql.global_variables import GlobalVariables
from actions.diagnostics.vitess.vtorc import VTOrcs
from bot.config import Instance, Shard
from bot.engine import gather_evidence
from bot.engine.gather_evidence import Gathered, Gatherer, unread
from bot.engine.run import Step, StepStatus
from bot.engine.targets import Target
from bot.errors import Unreachable
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.language.schema import Runbook
from tests.engine.servers import shard_of
from tests.recorded import MYSQL_97, Recorded

VARIABLES = {"use": "mysql.global_variables", "with": {"names": ["max_connections"]}}
ANSWERS = {
    "SHOW GLOBAL VARIABLES": [{"Variable_name": "max_connections", "Value": "151"}],
    "SHOW REPLICA STATUS": [{"Replica_IO_Running": "Yes", "Replica_SQL_Running": "No", "Last_SQL_Errno": 1205}],
}
SHARD = shard_of("orders", 2)
TARGET = Target(SHARD.instances[1], SHARD)


@dataclass
class Servers:
    """A fleet whose servers answer from the record, once `meanwhile` lets them."""

    meanwhile: Callable[[str], None] = lambda name: None
    answers: dict[str, Any] = field(default_factory=lambda: dict(ANSWERS))
    asked: list[str] = field(default_factory=list)
    prometheus: None = None

    def targets(self) -> list[Target]:
        return [Target(instance, SHARD) for instance in SHARD.instances]

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        self.asked.append(instance.name)
        self.meanwhile(instance.name)
        yield Recorded(MYSQL_97, self.answers, instance.address)


class Flaky:
    """Fails some times, then answers."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, name: str) -> None:
        if self.left:
            self.left -= 1
            raise Unreachable(f"{name} does not answer ({self.left} to go).")


def gathered(servers: Servers, target: Target | None = TARGET, **steps: Any) -> Gathered:
    runbook = Runbook.model_validate(
        {"runbook": "mysql/x", "title": "x", "owner": "me", "match": ["alertname = X"], "gather": steps}
    )
    gatherer = Gatherer(servers)  # type: ignore[arg-type]  # it reads, and does nothing else
    try:
        return gatherer.gather(runbook, target, {}, {}, lambda steps: None)
    finally:
        gatherer.close()


def step(found: Gathered, name: str) -> Step:
    return next(step for step in found.steps if step.id == name)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(gather_evidence, "PAUSE", 0.01)


def test_steps_run_at_the_same_time():
    meet = threading.Barrier(2, timeout=60)
    found = gathered(Servers(lambda name: _ignore(meet.wait())), here=VARIABLES, there={**VARIABLES, "on": "primary"})
    assert [s.status for s in found.steps] == [StepStatus.DONE, StepStatus.DONE]
    assert found.evidence["here"] == GlobalVariables({"max_connections": "151"})
    assert step(found, "here").evidence == {"values": {"max_connections": "151"}}


def test_one_server_is_asked_over_two_connections_at_most():
    meet, lock, inside, most = threading.Barrier(2, timeout=60), threading.Lock(), [0], [0]

    def meanwhile(name: str) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        meet.wait()
        with lock:
            inside[0] -= 1

    found = gathered(Servers(meanwhile), TARGET, **{f"step{number}": VARIABLES for number in range(6)})
    assert {s.status for s in found.steps} == {StepStatus.DONE}
    assert most == [2]


def test_a_step_without_an_answer_is_given_up_and_the_rest_counts(monkeypatch):
    monkeypatch.setattr(gather_evidence, "SLOWEST", 2.0)
    ever = threading.Event()
    servers = Servers(lambda name: _ignore(ever.wait(30)) if name == "orders-1" else None)
    try:
        found = gathered(servers, hangs={**VARIABLES, "on": "primary"}, answers=VARIABLES)
    finally:
        ever.set()
    assert step(found, "hangs").status is StepStatus.FAILED
    assert step(found, "hangs").says == "no response within its time limit"
    assert isinstance(found.evidence["hangs"], Missing)
    assert step(found, "answers").status is StepStatus.DONE


@pytest.mark.parametrize(("condition", "status"), [("No", StepStatus.DONE), ("Yes", StepStatus.SKIPPED)])
def test_a_step_runs_only_where_its_condition_holds(condition: str, status: StepStatus):
    servers = Servers()
    gated = {**VARIABLES, "when": f'replica.applier_running == "{condition}"'}
    found = gathered(servers, gated=gated, replica="mysql.replica_status")
    assert step(found, "gated").status is status
    assert servers.asked == ["orders-2"] * (2 if status is StepStatus.DONE else 1)
    if status is StepStatus.SKIPPED:
        assert step(found, "gated").says == "not needed"
        assert isinstance(found.evidence["gated"], Missing)


def test_a_step_whose_condition_cannot_be_judged_says_what_is_missing():
    servers = Servers(lambda name: _raise(Unreachable(f"{name} is down.")) if name == "orders-1" else None)
    found = gathered(
        servers,
        source={"use": "mysql.replica_status", "on": "primary"},
        gated={**VARIABLES, "when": "source.configured"},
    )
    assert step(found, "gated").status is StepStatus.FAILED
    assert "source: orders-1 is down." in step(found, "gated").says


def test_a_step_that_fails_leaves_the_rest():
    servers = Servers(lambda name: _raise(Unreachable(f"{name} is down.")) if name == "orders-1" else None)
    found = gathered(servers, fails={**VARIABLES, "on": "primary"}, answers=VARIABLES)
    assert (step(found, "fails").status, step(found, "fails").says) == (StepStatus.FAILED, "orders-1 is down.")
    assert step(found, "answers").status is StepStatus.DONE


def test_an_answer_that_no_diagnostic_expects_leaves_the_rest(caplog):
    servers = Servers()
    servers.answers["SHOW REPLICA STATUS"] = [{"Last_SQL_Errno": "many"}]
    found = gathered(servers, breaks="mysql.replica_status", answers=VARIABLES)
    assert step(found, "breaks").status is StepStatus.FAILED
    assert step(found, "breaks").says.startswith("mysql.replica_status could not interpret the answer (ValueError)")
    assert "many" not in step(found, "breaks").says
    assert "step breaks (mysql.replica_status) of orders-2 failed" in caplog.text
    assert step(found, "answers").status is StepStatus.DONE


@pytest.mark.parametrize(
    ("fails", "retries", "asked", "status"),
    [
        (0, 3, 1, StepStatus.DONE),
        (1, 0, 1, StepStatus.FAILED),
        (2, 2, 3, StepStatus.DONE),
        (2, 1, 2, StepStatus.FAILED),
    ],
)
def test_a_step_is_asked_again_as_often_as_it_says(fails: int, retries: int, asked: int, status: StepStatus):
    servers = Servers(Flaky(fails))
    found = gathered(servers, flaky={**VARIABLES, "retries": retries})
    assert step(found, "flaky").status is status
    assert len(servers.asked) == asked
    if status is StepStatus.FAILED:
        assert step(found, "flaky").says == f"orders-2 does not answer ({fails - asked} to go)."


def test_an_unreadable_answer_is_asked_for_again():
    servers = Servers()
    servers.answers["SHOW GLOBAL VARIABLES"] = Unreadable("orders-2 was cut off.")
    found = gathered(servers, flaky={**VARIABLES, "retries": 2})
    assert len(servers.asked) == 3
    assert step(found, "flaky").says == "orders-2 was cut off."


def test_nothing_is_asked_again_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(gather_evidence, "PAUSE", gather_evidence.SLOWEST)
    servers = Servers(Flaky(1))
    found = gathered(servers, flaky={**VARIABLES, "retries": 3})
    assert step(found, "flaky").status is StepStatus.FAILED
    assert servers.asked == ["orders-2"]


def test_a_costly_diagnostic_is_never_asked_again():
    servers = Servers(Flaky(1))
    found = gathered(servers, waits={"use": "mysql.wait_graph", "retries": 3})
    assert step(found, "waits").status is StepStatus.FAILED
    assert servers.asked == ["orders-2"]


def test_each_replica_has_its_own_tries_and_those_that_fail_are_named():
    servers = Servers(lambda name: _raise(Unreachable("It is down.")) if name == "orders-3" else None)
    found = gathered(servers, replicas={"use": "mysql.replica_status", "on": "replicas", "retries": 1})
    assert servers.asked == ["orders-2", "orders-3", "orders-3"]
    assert step(found, "replicas").status is StepStatus.DONE
    assert step(found, "replicas").says == "orders-3: It is down."
    evidence = found.evidence["replicas"]
    assert isinstance(evidence, list)
    assert [each.applier_errno for each in evidence] == [1205]


def test_when_no_replica_answers_the_step_fails():
    found = gathered(Servers(Flaky(9)), replicas={"use": "mysql.replica_status", "on": "replicas"})
    assert step(found, "replicas").status is StepStatus.FAILED
    assert "orders-2: " in step(found, "replicas").says
    assert "orders-3: " in step(found, "replicas").says


def test_without_a_prometheus_its_steps_say_so():
    found = gathered(Servers(), lag={"use": "prometheus.instant", "with": {"query": "up"}, "retries": 3})
    assert step(found, "lag").says == "No Prometheus is configured; set prometheus.url in firstmate.yml."


def test_of_an_unknown_target_nothing_is_asked():
    servers = Servers()
    found = gathered(servers, None, here=VARIABLES)
    assert step(found, "here").status is StepStatus.SKIPPED
    assert "alert's instance is not in the inventory" in step(found, "here").says
    assert servers.asked == []


def test_progress_is_told_after_each_step():
    runbook = Runbook.model_validate(
        {
            "runbook": "mysql/x",
            "title": "x",
            "owner": "me",
            "match": ["alertname = X"],
            "gather": {
                "replica": "mysql.replica_status",
                "then": {**VARIABLES, "when": "replica.configured"},
            },
        }
    )
    told: list[list[str]] = []
    gatherer = Gatherer(Servers())  # type: ignore[arg-type]
    gatherer.gather(runbook, TARGET, {}, {}, lambda steps: told.append([s.status.value for s in steps]))
    gatherer.close()
    assert told == [["done", "pending"], ["done", "done"]]


def _raise(error: Exception) -> None:
    raise error


def _ignore(value: object) -> None:
    """A wait that only waits."""


def test_a_source_that_was_away_is_named_though_the_others_answered():
    vtorcs = [
        VTOrcs(missing=("http://vtorc-a:1 does not answer.",)),
        VTOrcs(missing=("http://vtorc-a:1 does not answer.",)),
    ]
    assert unread(vtorcs) == ("http://vtorc-a:1 does not answer.",)
    assert unread(VTOrcs()) == ()
    assert unread(object()) == ()
