"""Inspecting many servers in parallel, each with its own timeout."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import pytest

from actions.contract import MySQL
from actions.endpoint_contract import Endpoint, ProbeResult
from bot.config import DatabaseUser, Role, Secret, Shard
from bot.config import Instance as Declared
from bot.doctor import inspection
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import Unreachable


class Port:
    """A closed port."""

    address = "nowhere:3306"

    def probe(self) -> ProbeResult:
        return ProbeResult("refused")


class Servers:
    """Servers that all fail: those of `stuck` hang until they are released, the others fail at once."""

    def __init__(self, stuck: set[str]) -> None:
        self.stuck = stuck
        self.let_go = threading.Event()

    def read(self, shard: Shard, instance: Declared, reader: type = MySQL) -> AbstractContextManager[MySQL]:
        return self._open(instance)

    @contextmanager
    def _open(self, instance: Declared) -> Iterator[MySQL]:
        if instance.name in self.stuck:
            self.let_go.wait(60)
        raise Unreachable(f"{instance.address} is down.")
        yield

    def endpoint(self, shard: Shard, instance: Declared) -> Endpoint:
        return Port()


def fleet(names: list[str]) -> list[Target]:
    reader = DatabaseUser(user="u", password=Secret(env="NONE"))
    declared = tuple(Declared(name=name, host=name, role=Role.REPLICA) for name in names)
    shard = Shard(name="orders", flavour="mysql", instances=declared, reader=reader)
    return [Target(each, shard) for each in declared]


def asked(servers: Servers, names: list[str]) -> dict[str, Any]:
    return {each.name: each.says for each in inspection._each(cast(Fleet, servers), fleet(names))}


def test_more_servers_than_run_in_parallel_are_all_inspected():
    names = [f"db{number}" for number in range(inspection.AT_A_TIME * 3)]
    found = asked(Servers(set()), names)
    assert found == {name: f"{name}:3306 is down." for name in names}


def test_a_server_that_hangs_times_out_and_the_others_are_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inspection, "WITHIN", 2.0)
    servers = Servers({"db2"})
    try:
        found = asked(servers, ["db1", "db2", "db3"])
    finally:
        servers.let_go.set()
    assert found["db2"].startswith("db2:3306 did not answer within 2 s.")
    assert found["db1"] == "db1:3306 is down."
    assert found["db3"] == "db3:3306 is down."


def test_a_bug_is_raised_and_not_reported_as_a_server_problem(monkeypatch: pytest.MonkeyPatch):
    def wrong(fleet: Fleet, target: Target) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(inspection, "inspect_instance", wrong)
    with pytest.raises(ZeroDivisionError):
        asked(Servers(set()), ["db1"])


def test_hanging_servers_do_not_keep_the_others_from_being_inspected(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(inspection, "WITHIN", 2.0)
    stuck = [f"stuck{number}" for number in range(inspection.AT_A_TIME)]
    servers = Servers(set(stuck))
    try:
        found = asked(servers, [*stuck, "db1"])
    finally:
        servers.let_go.set()
    assert found["db1"] == "db1:3306 is down."
    assert all("did not answer" in found[name] for name in stuck)
