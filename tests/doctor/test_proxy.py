"""The doctor looks at proxies too: who answers, and whether each user is of the right kind."""

from __future__ import annotations

from typing import Any

import pytest

from bot.config import Config
from bot.doctor.inspection import examine
from bot.doctor.proxy import look_at_proxy
from bot.engine.targets import Target
from bot.fleet.fleet import ConfiguredFleet
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS
from tests.fleet.test_proxysql import config


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATS", PASSWORDS[STATS])
    monkeypatch.setenv("ADMIN", PASSWORDS[ADMIN])


def looked_at(found: Config, **users: Any) -> list[str]:
    """The problems of the proxy, with users other than those of the configuration."""
    [shard] = found.shards
    assert shard.proxies is not None
    proxies = shard.proxies.model_copy(update=users)
    shard = shard.model_copy(update={"proxies": proxies})
    fleet = ConfiguredFleet(found.model_copy(update={"shards": (shard,)}))
    return list(look_at_proxy(fleet, Target(proxies.instances[0], shard)).problems)


def test_a_proxy_with_a_user_of_each_kind_is_in_order(proxysql):
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


def test_a_reader_that_could_change_and_a_changer_that_could_not_are_told(proxysql):
    found = config(proxysql.port)
    proxies = found.shards[0].proxies
    assert proxies is not None
    [too_much, too_little] = looked_at(found, reader=proxies.changer, changer=proxies.reader)
    assert too_much.startswith(f"The reader {ADMIN} sees the configuration, so it is an administrator")
    assert too_little.startswith(f"The changer {STATS} does not see the configuration")


def test_a_proxy_that_only_reads_is_in_order_and_one_that_does_not_answer_is_told(proxysql):
    assert looked_at(config(proxysql.port, changes=False)) == []
    proxysql.close()
    [says] = looked_at(config(proxysql.port))
    assert "does not accept connections" in says
