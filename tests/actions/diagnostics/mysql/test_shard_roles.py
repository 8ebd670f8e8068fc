"""mysql.shard_roles: the servers name their primary, and the inventory is compared with them."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from actions.diagnostics.mysql.shard_roles import ShardRoles, judged, shard_roles
from actions.member_facts import member_facts
from actions.replication_graph import Group, MemberFacts
from actions.replication_sources import Source
from actions.shard_contract import MemberAnswer
from bot.config import load
from bot.errors import Unreachable
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.shard_members import MembersOfShard
from bot.lab.lab_state import LabState
from tests.actions.hands import administer
from tests.engine.servers import shard_of
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

REPLICA = {"Replica_IO_Running": "Connecting", "Source_Host": "db1", "Source_Port": 3306, "Source_UUID": "AB"}
NO_DUMPS = {"AS dumps": [{"dumps": 0}]}


def answer(number: int, facts: MemberFacts | None, missing: str = "") -> MemberAnswer[MemberFacts]:
    role = "primary" if number == 1 else "replica"
    return MemberAnswer(f"orders-{number}", f"db{number}:3306", role, facts, missing)


PRIMARY = MemberFacts(writable=True)
FOLLOWS = MemberFacts(writable=False, sources=(Source("db1", 3306),))


def test_the_inventory_agrees():
    found = judged("orders", [answer(1, PRIMARY), answer(2, FOLLOWS)])
    assert (found.standing, found.primary, found.primary_writable) == ("named", "orders-1", True)
    assert found.disagreement == ""
    assert [each.role for each in found.members] == ["primary", "replica"]


def test_the_inventory_names_another_primary():
    promoted = MemberFacts(writable=True, sources=(Source("db1", 3306, receiver_running=False),))
    follows = MemberFacts(writable=False, sources=(Source("db2", 3306),))
    found = judged("orders", [answer(1, MemberFacts(writable=False)), answer(2, promoted), answer(3, follows)])
    assert found.disagreement == (
        "The inventory names orders-1 as the primary of orders, the servers name orders-2: it accepts writes, and "
        "orders-3 follows it. orders-1 is read-only and replicates from no server."
    )
    back = judged("orders", [answer(1, follows), answer(2, promoted), answer(3, follows)])
    assert back.disagreement.endswith("orders-1 is read-only and replicates from db2:3306.")
    gone = judged("orders", [answer(1, None, "refused"), answer(2, promoted), answer(3, follows)])
    assert gone.disagreement.endswith("orders-1 does not answer.")
    assert (gone.answering, gone.members[0].answers, gone.members[0].missing) == (2, False, "refused")


def test_contradictions_and_ignorance_are_disagreements():
    two = judged("orders", [answer(1, PRIMARY), answer(2, PRIMARY)])
    assert two.disagreement.startswith("The servers of orders contradict one another about its primary: 2 members")
    none = judged("orders", [answer(1, None), answer(2, None)])
    assert none.disagreement == "The primary of orders is unknown: no member answers."
    outside = MemberFacts(writable=False, sources=(Source("elsewhere", 3306),))
    assert "elsewhere:3306, which is not a member" in judged("orders", [answer(1, outside)]).disagreement
    assert judged("orders", [answer(2, outside)]).disagreement == ""  # its primary is not in the inventory


def test_a_cluster_in_which_all_accept_writes_is_no_split_brain():
    node = MemberFacts(writable=True, group=Group("c", "ONLINE", all_write=True))
    found = judged("orders", [answer(1, node), answer(2, node)])
    assert (found.standing, found.disagreement) == ("several", "")


def test_the_facts_of_a_replica_of_mysql():
    db = Recorded(
        MYSQL_97,
        {
            **NO_DUMPS,
            "GLOBAL VARIABLES": named(
                read_only="ON",
                server_uuid="CD",
                server_id="2",
                hostname="h",
                port="3306",
                report_host="",
                report_port="0",
            ),
            "REPLICA STATUS": [REPLICA, {**REPLICA, "Channel_Name": "group_replication_recovery"}],
        },
    )
    found = member_facts(db)
    assert (found.writable, found.server_uuid, found.names, found.follows) == (False, "cd", ("h:3306",), True)
    assert found.sources == (Source("db1", 3306, True, False, "ab"),)


def test_the_facts_of_a_stopped_replica_of_mariadb():
    row = {
        "Connection_name": "",
        "Slave_IO_Running": "No",
        "Master_Host": "db1",
        "Master_Port": 3306,
        "Master_Server_Id": 7,
    }
    db = Recorded(
        MARIADB_1011,
        {
            **NO_DUMPS,
            "GLOBAL VARIABLES": named(read_only="OFF", server_id="8"),
            "SLAVES STATUS": [row],
            "REPLICAS STATUS": [row],
        },
    )
    found = member_facts(db)
    assert (found.writable, found.stopped, found.follows) == (True, True, False)
    assert found.sources[0].server_id == 7


GROUP = {"group_replication_group_name": "g", "group_replication_single_primary_mode": "ON", "server_uuid": "u2"}


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97], ids=str)
def test_the_facts_of_a_member_of_a_group(version):
    members = [{"id": "u1", "state": "ONLINE", "role": "PRIMARY"}, {"id": "u2", "state": "ERROR", "role": ""}]
    db = Recorded(
        version,
        {**NO_DUMPS, "GLOBAL VARIABLES": named(**GROUP), "STATUS": [], "replication_group_members": members},
    )
    assert member_facts(db).group == Group("g", "ERROR", ("u1",))


@pytest.mark.parametrize(
    ("status", "own", "state"),
    [
        ("Primary", "Synced", "ONLINE"),
        ("Primary", "Donor/Desynced", "ONLINE"),
        ("non-Primary", "Initialized", "Initialized"),
    ],
)
def test_the_facts_of_a_node_of_galera(status, own, state):
    seen = named(wsrep_cluster_state_uuid="c", wsrep_cluster_status=status, wsrep_local_state_comment=own)
    db = Recorded(
        MARIADB_1011,
        {**NO_DUMPS, "GLOBAL VARIABLES": named(wsrep_on="ON"), "GLOBAL STATUS": seen, "STATUS": []},
    )
    assert member_facts(db).group == Group("c", state, all_write=True)


def test_a_member_that_does_not_answer_hides_no_other():
    shard = shard_of("orders", 2)

    @contextmanager
    def read(_, instance):
        if instance.name == "orders-1":
            raise Unreachable("It is down.")
        yield instance.name

    def question(name):
        return 1 / (name != "orders-2")

    found = MembersOfShard(shard, read).ask(question)
    assert [each.answer for each in found] == [None, None, 1.0]
    assert found[0].missing == "It is down."
    assert "ZeroDivisionError" in found[1].missing


def test_members_that_hang_do_not_hold_up_the_answer():
    answered = threading.Event()

    @contextmanager
    def read(_, instance):
        answered.wait(60)
        yield instance.name

    found = MembersOfShard(shard_of("orders", 1), read, within=0.0).ask(lambda name: name)
    answered.set()
    assert all("did not answer within" in each.missing for each in found)


def roles_of(lab: LabState, shard: str) -> ShardRoles:
    fleet = ConfiguredFleet(load(lab.config))
    try:
        [found] = {each.shard.name: each.shard for each in fleet.targets() if each.shard.name == shard}.values()
        roles: ShardRoles = shard_roles(fleet.members(found))
        return roles
    finally:
        fleet.close()


@pytest.mark.lab
@pytest.mark.parametrize("shard", ["orders", "billing"])
def test_real_servers(notes, shard):
    found = roles_of(notes, shard)
    assert (found.standing, found.primary, found.primary_writable, found.answering) == ("named", f"{shard}-1", True, 3)
    assert found.reason == f"it accepts writes, and {shard}-2 and {shard}-3 follow it"
    assert found.disagreement == ""
    assert [each.role for each in found.members] == ["primary", "replica", "replica"]


@pytest.mark.lab
def test_a_server_that_was_promoted_by_hand_is_the_primary(notes, promoted):
    found = roles_of(notes, promoted.shard)
    assert (found.standing, found.primary, found.primary_writable) == ("named", promoted.name, True)
    assert [each.role for each in found.members] == ["unknown", "primary", "replica"]
    assert found.members[1].stopped
    assert f"the servers name {promoted.name}" in found.disagreement


@pytest.mark.lab
def test_the_only_writable_member_that_still_follows_a_read_only_one(notes, promoted):
    administer(promoted, "START REPLICA")
    found = roles_of(notes, promoted.shard)
    assert (found.standing, found.primary) == ("ambiguous", "")
    assert "but " + promoted.name + " accepts writes" in found.disagreement
    administer(promoted, "STOP REPLICA")
