"""mysql.server_kind: how a server replicates, what it belongs to, and whether it serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.server_kind import server_kind
from actions.member_facts import member_facts
from actions.replication_graph import Group
from bot.lab.connections import administrator, ask
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import attach
from bot.lab.waiting import wait_until
from tests.actions.conftest import SHUT
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

REPLICA = {"Replica_IO_Running": "Yes", "Source_Host": "db1", "SQL_Delay": 3600}


def server(version, variables, *, replica=(), dumps=0, **answers):
    return Recorded(
        version,
        {
            **answers,
            "GLOBAL VARIABLES": variables,
            "GLOBAL STATUS": answers.get("status", ()),
            "STATUS": replica,
            "AS dumps": [{"dumps": dumps}],
            "clone_status": Unreadable("there is no such table"),
        },
    )


@pytest.mark.parametrize(
    ("replica", "dumps", "kind"),
    [((), 0, "standalone"), ((), 2, "source"), ((REPLICA,), 0, "replica"), ((REPLICA,), 2, "replica")],
)
def test_the_kinds_of_asynchronous_replication(replica, dumps, kind):
    found = server_kind(server(MYSQL_97, named(read_only="OFF"), replica=replica, dumps=dumps))
    assert (found.kind, found.service, found.managed) == (kind, "none", False)


def test_a_delayed_replica_with_a_stopped_channel():
    rows = (REPLICA, {**REPLICA, "Replica_IO_Running": "No"}, {**REPLICA, "Channel_Name": "group_replication_recovery"})
    found = server_kind(server(MYSQL_97, named(read_only="ON"), replica=rows))
    assert (found.channels, found.channels_stopped, found.delay) == (2, 1, 3600.0)


def test_the_states_in_which_a_server_serves_no_one():
    found = server_kind(server(MYSQL_57, named(offline_mode="ON", innodb_force_recovery="4")))
    assert (found.offline, found.recovering, found.provisioning) == (True, True, False)
    clone = server(MYSQL_97, named())
    clone.answers["clone_status"] = [{"state": "In Progress"}]
    assert server_kind(clone).provisioning


def test_a_node_of_galera():
    state = named(wsrep_local_state_comment="Joining", wsrep_cluster_status="Primary", wsrep_cluster_size="3")
    found = server_kind(server(MARIADB_1011, named(wsrep_on="ON"), status=state))
    assert (found.kind, found.galera_state, found.galera_primary, found.galera_size) == (
        "galera_node",
        "Joining",
        True,
        3,
    )
    assert found.provisioning


def test_a_reader_of_aurora():
    has = named(aurora_version="3.04.0", version="8.0.28", innodb_read_only="ON", read_only="OFF")
    found = server_kind(server(MYSQL_97, has))
    assert (found.service, found.service_name, found.managed, found.read_only) == (
        "aurora",
        "Amazon Aurora",
        True,
        True,
    )


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = server_kind(db)
    assert found.kind == ("source" if server.role == "primary" else "replica")
    assert found.channels == (0 if server.role == "primary" else 1)
    assert (found.service, found.group_state, found.galera_state) == ("none", "", "")
    assert not found.offline


EXECUTED = "SELECT @@GLOBAL.gtid_executed AS gtids"


def into_group(instance: LabInstance, own: int, seeds: str) -> None:
    """Sets a server up for a group whose members cannot recover from one another: the recovery user is unknown."""
    administer(
        instance,
        "RESET REPLICA ALL",
        "SET GLOBAL super_read_only = 0",
        "INSTALL PLUGIN group_replication SONAME 'group_replication.so'",
        "SET GLOBAL group_replication_group_name = '8a94f357-aab4-11df-86ab-c80aa9429562'",
        f"SET GLOBAL group_replication_local_address = '127.0.0.1:{own}'",
        f"SET GLOBAL group_replication_group_seeds = '{seeds}'",
        "SET GLOBAL group_replication_exit_state_action = READ_ONLY",
        "SET GLOBAL group_replication_recovery_retry_count = 1",
        "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'nobody', SOURCE_PASSWORD = 'x' "
        "FOR CHANNEL 'group_replication_recovery'",
    )


@pytest.fixture
def group(lab: LabState) -> Iterator[tuple[LabInstance, LabInstance]]:
    """Group Replication on the two replicas of MySQL; the second one joins, but cannot recover from the first."""
    both = first, second = lab.instance("orders-2"), lab.instance("orders-3")
    for each in (second, first):  # so that the first has all that the second has
        administer(each, "STOP REPLICA")
    before = {each.name: executed(each) for each in both}
    ports = free_ports(2)
    seeds = ",".join(f"127.0.0.1:{port}" for port in ports)
    try:
        into_group(first, ports[0], seeds)
        administer(
            first,
            "SET GLOBAL group_replication_bootstrap_group = ON",
            "START GROUP_REPLICATION",
            "SET GLOBAL group_replication_bootstrap_group = OFF",
            "FLUSH PRIVILEGES",  # a transaction that the second has to recover
        )
        into_group(second, ports[1], seeds)
        administer(second, "START GROUP_REPLICATION")
        yield both
    finally:
        for each in (second, first):
            administer(
                each,
                "STOP GROUP_REPLICATION",
                "SET GLOBAL super_read_only = 0",
                "UNINSTALL PLUGIN group_replication",
                "RESET REPLICA ALL",
                "RESET BINARY LOGS AND GTIDS",
                f"SET GLOBAL gtid_purged = '{before[each.name]}'",
            )
            attach(each, lab.instance("orders-1"), lab.replication)
            administer(each, *SHUT["mysql"])


def executed(instance: LabInstance) -> str:
    with administrator(instance) as admin:
        return str(ask(admin, EXECUTED)[0]["gtids"]).replace("\n", "")


@pytest.mark.lab
def test_a_member_of_a_group_and_one_that_failed(group, lab):
    first, second = group

    def state(instance: LabInstance) -> str:
        with reader(lab, instance) as db:
            return str(server_kind(db).group_state)

    wait_until("the second member has failed", lambda: state(second) == "ERROR")
    with reader(lab, second) as db:
        failed, facts = server_kind(db), member_facts(db)
    assert (failed.kind, failed.group_errno, failed.channels) == ("group_member", 1045, 0)
    assert facts.group is not None
    assert facts.group.state == "ERROR"
    with reader(lab, first) as db:
        primary, facts = server_kind(db), member_facts(db)
    assert (primary.kind, primary.group_state, primary.group_online) == ("group_member", "ONLINE", 1)
    assert facts.group == Group("8a94f357-aab4-11df-86ab-c80aa9429562", "ONLINE", (facts.server_uuid,))
