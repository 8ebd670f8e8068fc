"""The doctor inspects proxies: whether they answer, and whether each user has the right kind of credentials."""

from __future__ import annotations

from typing import Any

import pytest

from bot.config import Config
from bot.doctor.inspection import examine
from bot.doctor.proxysql_users import inspect_proxy
from bot.engine.targets import Target
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS
from tests.fleet.test_proxysql_sessions import config


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATS", PASSWORDS[STATS])
    monkeypatch.setenv("ADMIN", PASSWORDS[ADMIN])


def problems(found: Config, **users: Any) -> list[str]:
    """Returns the problems of the proxy, with some users replaced."""
    [shard] = found.shards
    assert shard.proxies is not None
    proxies = shard.proxies.model_copy(update=users)
    shard = shard.model_copy(update={"proxies": proxies})
    fleet = ConfiguredFleet(found.model_copy(update={"shards": (shard,)}))
    return list(inspect_proxy(fleet, Target(proxies.instances[0], shard)).problems)


def test_a_proxy_with_a_user_of_each_kind_has_no_problems(proxysql):
    report = examine(config(proxysql.port), ["orders-proxy-1"])
    [found] = report.instances
    assert found.problems == ()
    assert found.server == "ProxySQL 2.7.3"
    assert [(each.kind, each.account) for each in found.users] == [("reader", STATS), ("changer", ADMIN)]
    assert [[may.action for may in each.permissions] for each in found.users] == [
        ["proxysql.backends"],
        ["proxysql.drain_server"],
    ]
    assert report.grants == report.revokes == ()
    assert {sql.split()[0] for _, sql in proxysql.admin.received} == {"SET", "SELECT"}


def test_swapped_users_are_reported(proxysql):
    found = config(proxysql.port)
    proxies = found.shards[0].proxies
    assert proxies is not None
    [too_much, too_little] = problems(found, reader=proxies.changer, changer=proxies.reader)
    assert too_much.startswith(f"The reader {ADMIN} has administrator access")
    assert too_little.startswith(f"The changer {STATS} has no administrator access")


def test_a_read_only_proxy_has_no_problems_and_an_unreachable_one_is_reported(proxysql):
    assert problems(config(proxysql.port, changes=False)) == []
    proxysql.close()
    [says] = problems(config(proxysql.port))
    assert "does not accept connections" in says
