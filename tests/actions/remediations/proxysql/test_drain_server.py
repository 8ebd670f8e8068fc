"""proxysql.drain_server: at the stand-in, since no ProxySQL can be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.contract import Refused, Remediation, Verification
from actions.remediations.proxysql.drain_server import DrainServer
from bot.engine.change_executor import NotAsPlanned, Verifier, make, restore
from bot.lab.proxysql.server import ProxySQLServer
from tests.proxysql_fixture import OTHER, READER, WRITER, changer, reader
from tests.samples import change

DRAIN = DrainServer("db2")
WHERE = "WHERE hostname = 'db2' AND port = 3306 AND hostgroup_id IN (20)"
OUT = f"UPDATE mysql_servers SET status = 'OFFLINE_SOFT' {WHERE}"
BACK = f"UPDATE mysql_servers SET status = 'ONLINE' {WHERE}"
LOAD = "LOAD MYSQL SERVERS TO RUNTIME"


def check(server: ProxySQLServer, drain: DrainServer = DRAIN) -> None:
    with reader(server) as db:
        drain.check(db)


def statements(server: ProxySQLServer, drain: DrainServer = DRAIN) -> list[str]:
    """The change as it is planned, on the reader."""
    with reader(server) as db:
        return [str(each) for each in drain.change(db)]


def drained(server: ProxySQLServer, drain: DrainServer = DRAIN) -> Any:
    """Plans the change on a reader, makes it on the changer, and returns it as it was approved."""
    with reader(server) as db:
        drain.check(db)
        undo = tuple(str(each) for each in drain.undo(db))
        planned = replace(change(), statements=tuple(str(each) for each in drain.change(db)), undo=undo)
    with changer(server) as hand:
        assert make(hand, drain, planned, tag="r-1") == 2
    return planned


def verify(server: ProxySQLServer, drain: DrainServer = DRAIN, within: float = 5.0) -> Verification:
    def read(asked: Remediation) -> Verification:
        with reader(server) as db:
            return asked.verify(db)

    seen = iter((0.0, 0.0, within / 2, within, within))
    return Verifier(read, clock=lambda: next(seen) * drain.settles_within / within, sleep=lambda _: None).verify(drain)


def test_it_goes_out_of_service_and_comes_back(proxysql):
    planned = drained(proxysql)
    assert planned.statements == (OUT, LOAD)
    assert proxysql.admin.status(READER) == "OFFLINE_SOFT"
    assert proxysql.admin.status(OTHER) == "ONLINE"
    assert verify(proxysql).ok
    assert planned.undo == (BACK, LOAD)
    with changer(proxysql) as hand:
        restore(hand, DRAIN, planned, tag="r-1")
    assert proxysql.admin.status(READER) == "ONLINE"


def test_it_is_never_saved_to_disk(proxysql):
    drained(proxysql)
    assert not proxysql.admin.saved
    assert not any("DISK" in sql for _, sql in proxysql.admin.received)
    with reader(proxysql) as db, pytest.raises(Refused):
        DRAIN.cost(db)


def test_those_who_approve_read_who_serves_instead_and_how_long_it_holds(proxysql):
    proxysql.admin.set_connections(READER, 3)
    with reader(proxysql) as db:
        assert (
            "hostgroup 20 keeps 1 ONLINE besides it, and 3 connections to db2:3306 end with their transactions"
            in DRAIN.cost(db)
        )
        assert "a restart of ProxySQL returns it to service" in DRAIN.cost(db)


def test_it_counts_as_taken_out_of_the_shard():
    assert DRAIN.drains == "db2:3306"
    assert not DRAIN.takes_out  # that would be the proxy


def test_a_transaction_that_runs_is_waited_for(proxysql):
    proxysql.admin.set_connections(READER, 2, 4)
    drained(proxysql)
    with reader(proxysql) as db:
        verdict = DRAIN.verify(db)
    assert (verdict.ok, verdict.settled) == (False, False)
    assert "2 of its connections are still in use" in verdict.says
    proxysql.admin.release_connections("db2", 3306)
    assert verify(proxysql).ok


def test_connections_that_stay_in_use_are_a_failed_change_that_says_how_many(proxysql):
    proxysql.admin.set_connections(READER, 2)
    drained(proxysql)
    verdict = verify(proxysql)
    assert not verdict.ok
    assert "gets no new sessions, but 2 of its connections" in verdict.says
    assert "(checked for 60 s)" in verdict.says


def test_a_server_that_serves_still_is_a_failed_change(proxysql):
    verdict = verify(proxysql)
    assert not verdict.ok
    assert "db2:3306 is ONLINE in hostgroup 20" in verdict.says
    gone = verify(proxysql, DrainServer("db9"))
    assert not gone.ok
    assert "no longer has db9:3306" in gone.says


def test_a_shunned_server_can_be_drained_and_comes_back_as_it_was_configured(proxysql):
    proxysql.admin.shun(READER, "SHUNNED_REPLICATION_LAG")
    assert drained(proxysql).undo == (BACK, LOAD)
    assert verify(proxysql).ok


def test_all_its_hostgroups_or_one(proxysql):
    for name in ("db2", "db3"):
        proxysql.admin.edit(f"INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (30, '{name}')")
    proxysql.admin.edit(LOAD)
    assert statements(proxysql) == [OUT.replace("(20)", "(20, 30)"), LOAD]
    only = DrainServer("db2", hostgroup=30)
    assert drained(proxysql, only).statements == (OUT.replace("(20)", "(30)"), LOAD)
    assert verify(proxysql, only).ok
    assert statements(proxysql) == [OUT, LOAD]  # what is left of it


@pytest.mark.parametrize(
    ("drain", "says"),
    [
        pytest.param(
            DrainServer("db9"), "has no server db9:3306. Specify its host and port as in mysql_servers", id="unknown"
        ),
        pytest.param(DrainServer("db2", 3307), "has no server db2:3307", id="another port"),
        pytest.param(DrainServer("db2", hostgroup=30), "has no server db2:3306 in hostgroup 30", id="hostgroup"),
        pytest.param(DrainServer("db2' OR 1=1"), "is not a host name or address", id="no host"),
        pytest.param(DrainServer("db1"), "last server of hostgroup 10 that can serve at", id="last"),
    ],
)
def test_what_cannot_be_drained_is_refused(proxysql, drain, says):
    with pytest.raises(Refused, match=says):
        check(proxysql, drain)


def test_the_last_one_that_is_online_is_refused(proxysql):
    proxysql.admin.shun(OTHER)
    with pytest.raises(Refused, match="sessions would wait until they time out"):
        check(proxysql)


def test_the_last_reader_beside_the_writer_is_refused(proxysql):
    proxysql.admin.edit("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (20, 'db1')")
    proxysql.admin.edit(LOAD)
    proxysql.admin.add_monitor_result("db1", 3306, read_only=False)
    check(proxysql)
    proxysql.admin.shun(OTHER)
    with pytest.raises(Refused, match="only the writer would serve hostgroup 20"):
        check(proxysql)


def test_what_is_out_already_is_refused_and_somebody_is_asked(proxysql):
    drained(proxysql)
    with pytest.raises(Refused, match="Someone took it out of service; ask who is working on it"):
        check(proxysql)


def test_a_writer_is_refused_by_what_the_monitor_saw(proxysql):
    proxysql.admin.add_monitor_result("db2", 3306, read_only=False)
    with pytest.raises(Refused, match="finds db2:3306 writable: it is a writer"):
        check(proxysql)


def refusal_of_the_change(server: ProxySQLServer, drain: DrainServer = DRAIN) -> str:
    """What is refused on the connection that may see the configuration, before anything is changed."""
    with changer(server) as hand:
        before = len(server.admin.received)
        with pytest.raises(Refused) as refused:
            list(drain.change(hand.reader))
        asked = [sql for _, sql in server.admin.received[before:]]
    assert all(sql.startswith("SELECT") for sql in asked)
    return str(refused.value)


@pytest.mark.parametrize(
    ("edit", "names"),
    [
        ("UPDATE mysql_servers SET weight = 5 WHERE hostname = 'db3'", "hostgroup_id 20, hostname db3"),
        ("UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE hostname = 'db3'", "hostname db3"),
        ("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (20, 'db4')", "hostname db4"),
        ("DELETE FROM mysql_servers WHERE hostname = 'db3'", "hostname db3"),
        ("DELETE FROM mysql_replication_hostgroups", "writer_hostgroup 10"),
        ("INSERT INTO mysql_galera_hostgroups VALUES (1, 2, 3, 4, '')", "writer_hostgroup 1"),
    ],
)
def test_an_edit_of_somebody_else_that_waits_for_its_load_is_not_loaded(proxysql, edit, names):
    proxysql.admin.edit(edit)
    check(proxysql)  # the user that reads cannot see it
    says = refusal_of_the_change(proxysql)
    assert "has pending edits of its servers" in says
    assert names in says


def test_a_server_that_proxysql_shunned_is_no_edit(proxysql):
    proxysql.admin.edit("UPDATE runtime_mysql_servers SET status = 'SHUNNED' WHERE hostname = 'db3'")
    proxysql.admin.edit("INSERT INTO mysql_servers (hostgroup_id, hostname, status) VALUES (20, 'db5', 'OFFLINE_HARD')")
    with changer(proxysql) as hand:
        assert [str(each) for each in DRAIN.change(hand.reader)] == [OUT, LOAD]


def test_a_hostgroup_of_writers_is_refused(proxysql):
    proxysql.admin.edit("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (10, 'db2')")
    proxysql.admin.edit(LOAD)
    assert "Hostgroup 10 of" in refusal_of_the_change(proxysql)
    drained(proxysql, DrainServer("db2", hostgroup=20))
    assert proxysql.admin.status((10, "db2", 3306)) == "ONLINE"
    assert proxysql.admin.status(WRITER) == "ONLINE"


def test_hostgroups_that_the_monitor_manages_by_itself_are_refused(proxysql):
    proxysql.admin.edit("INSERT INTO mysql_galera_hostgroups VALUES (40, 41, 20, 43, '')")
    proxysql.admin.edit(LOAD)
    assert "manages hostgroup 20 by Galera" in refusal_of_the_change(proxysql)


def test_the_undo_does_not_load_the_edits_of_others_either(proxysql):
    planned = drained(proxysql)
    proxysql.admin.edit("UPDATE mysql_servers SET weight = 5 WHERE hostname = 'db3'")
    with changer(proxysql) as hand, pytest.raises(NotAsPlanned, match="has pending edits"):
        restore(hand, DRAIN, planned, tag="r-1")
    assert proxysql.admin.status(READER) == "OFFLINE_SOFT"


def test_the_undo_touches_nothing_that_somebody_has_brought_back(proxysql):
    planned = drained(proxysql)
    proxysql.admin.edit(BACK)
    proxysql.admin.edit(LOAD)
    with changer(proxysql) as hand, pytest.raises(NotAsPlanned, match="is ONLINE in hostgroup 20"):
        restore(hand, DRAIN, planned, tag="r-1")
