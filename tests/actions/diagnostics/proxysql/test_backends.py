"""proxysql.backends: who gets sessions, who does not, and what ProxySQL's Monitor saw."""

from __future__ import annotations

from actions.diagnostics.proxysql.backends import Backend, backends
from tests.proxysql_fixture import OTHER, READER, WRITER, reader


def test_every_server_of_every_hostgroup(proxysql):
    proxysql.admin.set_connections(READER, 3, 5)
    with reader(proxysql) as db:
        found = backends(db)
    assert found.proxy == f"127.0.0.1:{proxysql.port}"
    assert [(each.hostgroup, each.server, each.status, each.others_online) for each in found.backends] == [
        (10, "db1:3306", "ONLINE", 0),
        (20, "db2:3306", "ONLINE", 1),
        (20, "db3:3306", "ONLINE", 1),
    ]
    assert (found.backends[1].used, found.backends[1].free, found.backends[1].latency) == (3, 5, 0.00025)
    assert found.out == ()
    assert found.unserved == ()


def test_what_is_out_and_why(proxysql):
    proxysql.admin.shun(READER)
    proxysql.admin.shun(OTHER, "SHUNNED_REPLICATION_LAG")
    proxysql.admin.add_monitor_result("db2", 3306, ping_error="timeout")
    proxysql.admin.add_monitor_result("db2", 3306, ping_error="Access denied for user 'monitor'")
    proxysql.admin.add_monitor_result("db3", 3306)
    with reader(proxysql) as db:
        found = backends(db)
    assert [(each.server, each.status, each.error) for each in found.out] == [
        ("db2:3306", "SHUNNED", "Access denied for user 'monitor'"),
        ("db3:3306", "SHUNNED_REPLICATION_LAG", ""),
    ]
    assert [each.server for each in found.online] == ["db1:3306"]
    assert [each.server for each in found.backends] == ["db2:3306", "db3:3306", "db1:3306"]
    assert found.unserved == (20,)


def test_a_writer_is_known_by_the_last_look_of_the_monitor(proxysql):
    proxysql.admin.add_monitor_result("db1", 3306, read_only=True)
    proxysql.admin.add_monitor_result("db1", 3306, read_only=False)
    proxysql.admin.add_monitor_result("db2", 3306, read_only=True)
    with reader(proxysql) as db:
        assert [each.writable for each in backends(db).backends] == [True, False, None]


def test_a_server_that_was_taken_away_is_not_shown_with_its_old_counters(proxysql):
    proxysql.admin.edit("DELETE FROM mysql_servers WHERE hostname = 'db3'")
    proxysql.admin.edit("LOAD MYSQL SERVERS TO RUNTIME")
    with reader(proxysql) as db:
        assert db.rows("SELECT status FROM stats_mysql_connection_pool WHERE srv_host = 'db3'") == [
            {"status": "OFFLINE_HARD"}
        ]
        assert [each.server for each in backends(db).backends] == ["db1:3306", "db2:3306"]


def test_one_server_alone_with_what_its_hostgroup_has_beside_it(proxysql):
    with reader(proxysql) as db:
        [found] = backends(db, server="db2:3306").backends
        assert backends(db, server="db9:3306").backends == ()
    assert isinstance(found, Backend)
    assert (found.host, found.port, found.others_online) == ("db2", 3306, 1)


def test_the_counters_are_left_as_they_are(proxysql):
    proxysql.admin.pool[WRITER].queries = 7
    with reader(proxysql) as db:
        assert backends(db).backends[0].queries == backends(db).backends[0].queries == 7
