"""Connections to ProxySQL's admin interface: who answers there, and what a reader can not do."""

from __future__ import annotations

import pytest

from actions.catalog import DIAGNOSTICS
from actions.contract import Flavour, ProxySQL, ServerVersion, Statement, Unreadable
from actions.remediations.proxysql.drain_server import DrainServer
from bot.config import Config, Role
from bot.errors import NotAllowed, Unreachable
from bot.fleet import connection_errors as failures
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.instance_lookup import Inventory
from bot.fleet.mysql_connections import Server
from bot.fleet.proxysql_sessions import open_reader, parse_version, rendered
from bot.lab.proxysql.admin import AdminError
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS
from tests.proxysql_fixture import READER, changer, reader

POOL = "SELECT srv_host, status FROM stats_mysql_connection_pool WHERE hostgroup = %s AND srv_host = %s"


def config(port: int, *, changes: bool = True) -> Config:
    """A shard of one server with the stand-in in front of it."""
    proxies = {
        "reader": {"user": STATS, "password": {"env": "STATS"}},
        "instances": [{"name": "orders-proxy-1", "host": "127.0.0.1", "port": port}],
        **({"changer": {"user": ADMIN, "password": {"env": "ADMIN"}}} if changes else {}),
    }
    server = {"name": "orders-1", "host": "db1", "role": "primary"}
    shard = {"name": "orders", "flavour": "mysql", "reader": proxies["reader"], "instances": [server]}
    return Config.model_validate({"intake": {"token": {"env": "T"}}, "shards": [{**shard, "proxies": proxies}]})


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATS", PASSWORDS[STATS])
    monkeypatch.setenv("ADMIN", PASSWORDS[ADMIN])


def test_the_fleet_opens_a_proxy_by_its_role_and_knows_it_by_its_own_word(proxysql):
    fleet = ConfiguredFleet(config(proxysql.port))
    proxy = fleet.find("orders-proxy-1")
    with fleet.read(proxy.shard, proxy.instance) as db:
        assert isinstance(db, ProxySQL)
        assert not db.sees_configuration
        assert db.version == ServerVersion(Flavour.PROXYSQL, (2, 7, 3))
        found = fleet.identify(db)
    assert found.role is Role.PROXY
    assert found.server == f"proxysql 2.7.3 at 127.0.0.1:{proxysql.port}"
    with fleet.change(proxy.shard, proxy.instance) as hand:
        assert isinstance(hand.reader, ProxySQL)
        assert hand.reader.sees_configuration


@pytest.mark.parametrize(
    ("host", "label", "found"),
    [
        ("127.0.0.1", "127.0.0.1:6070", "orders-proxy-1"),  # the exporter of a proxy alone on its host
        ("127.0.0.1", "127.0.0.1:6032", "orders-proxy-1"),
        ("db1", "db1:9104", "orders-1"),  # one that shares its host with a server
        ("db1", "db1:6032", "orders-proxy-1"),
    ],
)
def test_an_alert_means_the_server_of_a_host_before_its_proxy(host, label, found):
    shard = config(6032).shards[0]
    assert shard.proxies is not None
    moved = shard.proxies.instances[0].model_copy(update={"host": host})
    proxies = shard.proxies.model_copy(update={"instances": (moved,)})
    target = Inventory((shard.model_copy(update={"proxies": proxies}),)).find_by_labels({"instance": label})
    assert target is not None
    assert target.name == found


def test_without_a_changer_of_the_proxies_nothing_is_changed_there(proxysql):
    fleet = ConfiguredFleet(config(proxysql.port, changes=False))
    proxy = fleet.find("orders-proxy-1")
    with pytest.raises(NotAllowed, match="The proxies of orders are read-only"):
        fleet.change(proxy.shard, proxy.instance)


def test_values_are_bound_and_come_back_as_text(proxysql):
    with reader(proxysql) as db:
        assert db.rows(POOL, (20, "db2")) == [{"srv_host": "db2", "status": "ONLINE"}]
        assert db.rows(POOL, (20, "db2' OR '1' = '1")) == []
        assert db.rows("SELECT srv_port FROM stats_mysql_connection_pool LIMIT 1") == [{"srv_port": "3306"}]


def test_a_value_with_a_backslash_is_not_sent():
    with pytest.raises(Unreadable, match="cannot be written as a SQLite literal"):
        rendered("SELECT %s", ("\\' OR 1=1 --",))
    assert rendered("SELECT %s", ("it's",)) == "SELECT 'it''s'"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mysql_servers SET status = 'OFFLINE_SOFT'",
        "LOAD MYSQL SERVERS TO RUNTIME",
        "SAVE MYSQL SERVERS TO DISK",
        "PROXYSQL SHUTDOWN",
        "SELECT 1; DELETE FROM stats_mysql_global",
        "SELECT srv_host FROM stats_mysql_connection_pool_reset",
        "SELECT srv_host FROM stats.STATS_MYSQL_ERRORS_RESET",
    ],
)
def test_a_reader_sends_nothing_that_writes_or_resets(proxysql, statement):
    with reader(proxysql) as db:
        before = list(proxysql.admin.received)
        with pytest.raises(Unreadable):
            db.rows(statement)
    assert proxysql.admin.received == before


def test_nothing_that_looks_at_a_proxy_writes_anything_there(proxysql):
    drain = DrainServer("db2")
    with reader(proxysql) as db:
        for declared in DIAGNOSTICS.values():
            if declared.reader is ProxySQL:
                declared(db)
        for ask in (drain.check, drain.cost, drain.verify):
            ask(db)
        for statements in (drain.change(db), drain.undo(db)):
            assert len(list(statements)) == 2  # yielded, and not sent
    assert {kind for kind, _ in proxysql.admin.received} == {"stats"}
    others = [sql for _, sql in proxysql.admin.received if not sql.startswith("SELECT ")]
    assert set(others) == {"SET NAMES utf8mb4", "SET AUTOCOMMIT = 1"}
    assert not any("_reset" in sql for _, sql in proxysql.admin.received)


def test_the_user_that_reads_could_not_write_if_it_tried(proxysql):
    with (
        open_reader(Server("127.0.0.1", proxysql.port, STATS, PASSWORDS[STATS])) as db,
        pytest.raises(Unreadable, match=r"no such table: mysql_servers"),
    ):
        db.rows("SELECT hostname FROM mysql_servers")
    for statement in ("LOAD MYSQL SERVERS TO RUNTIME", "DELETE FROM stats_mysql_connection_pool"):
        with pytest.raises(AdminError, match=r"syntax error|readonly"):
            proxysql.admin.answer("stats", statement)
    assert proxysql.admin.status(READER) == "ONLINE"


def test_a_statement_of_a_change_is_sent_as_it_is(proxysql):
    with changer(proxysql) as hand:
        hand.execute(Statement("LOAD MYSQL SERVERS TO RUNTIME"), tag="r-1")
        with pytest.raises(Unreachable, match='near "LOAD": syntax error'):
            hand.execute(Statement("LOAD MYSQL SERVERS TO RUNTIME /* r-1 */"), tag="r-1")
    assert ("admin", "LOAD MYSQL SERVERS TO RUNTIME") in proxysql.admin.received


def test_a_wrong_password_is_told_without_it(proxysql):
    with (
        pytest.raises(Unreachable, match="refuses the user firstmate_stats") as refused,
        open_reader(Server("127.0.0.1", proxysql.port, STATS, "hunter2")),
    ):
        pass
    assert "hunter2" not in str(refused.value)


def test_users_that_proxysql_lets_in_from_its_own_host_alone_are_told_so():
    error = Exception(1040, "User 'stats' can only connect locally")
    says = failures.connecting(error, "proxy1", 6032, "stats")
    assert "Use a user with another name" in says
    assert "too many connections" not in says


def test_what_is_no_proxysql_is_not_taken_for_one(proxysql, monkeypatch):
    monkeypatch.setattr("bot.fleet.proxysql_sessions.CALLS_ITSELF", "MySQL Community Server")
    with pytest.raises(Unreachable, match="is not the admin interface of ProxySQL"), reader(proxysql):
        pass


@pytest.mark.parametrize(
    ("text", "number"),
    [("2.5.5-10-g195bd70", (2, 5, 5)), ("3.0.1-Enterprise", (3, 0, 1)), ("2.7", (2, 7, 0)), ("?", (0, 0, 0))],
)
def test_versions(text, number):
    assert parse_version(text) == ServerVersion(Flavour.PROXYSQL, number)
