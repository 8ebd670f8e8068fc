"""Many servers at a time, each within its own time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import pytest

from actions.contract import Endpoint, MySQL, ProbeResult
from bot.config import DatabaseUser, Role, Secret, Shard
from bot.config import Instance as Declared
from bot.doctor import inspection as look
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import Unreachable


class Port:
    """A port on which nobody is."""

    address = "nowhere:3306"

    def probe(self) -> ProbeResult:
        return ProbeResult("refused")


class Servers:
    """Servers none of which answers: those of `stuck` until they are let go, the others at once."""

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
    return {each.name: each.says for each in look._each(cast(Fleet, servers), fleet(names))}


def test_every_server_is_asked_also_when_there_are_more_than_are_asked_at_a_time():
    names = [f"db{number}" for number in range(look.AT_A_TIME * 3)]
    found = asked(Servers(set()), names)
    assert found == {name: f"{name}:3306 is down." for name in names}


def test_a_server_that_does_not_answer_is_given_up_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(look, "WITHIN", 2.0)
    servers = Servers({"db2"})
    try:
        found = asked(servers, ["db1", "db2", "db3"])
    finally:
        servers.let_go.set()
    assert found["db2"].startswith("db2:3306 gave no answer within 2 s.")
    assert found["db1"] == "db1:3306 is down."
    assert found["db3"] == "db3:3306 is down."


def test_a_bug_is_no_answer_of_a_server(monkeypatch: pytest.MonkeyPatch):
    def wrong(fleet: Fleet, target: Target) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(look, "look", wrong)
    with pytest.raises(ZeroDivisionError):
        asked(Servers(set()), ["db1"])


def test_as_many_stuck_servers_as_are_asked_at_a_time_do_not_keep_the_rest_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(look, "WITHIN", 2.0)
    stuck = [f"stuck{number}" for number in range(look.AT_A_TIME)]
    servers = Servers(set(stuck))
    try:
        found = asked(servers, [*stuck, "db1"])
    finally:
        servers.let_go.set()
    assert found["db1"] == "db1:3306 is down."
    assert all("gave no answer" in found[name] for name in stuck)
