"""Who the primary of a shard is, by who follows whom and who is writable."""

from __future__ import annotations

import pytest

from actions.replication_graph import Group, Member, MemberFacts
from actions.replication_sources import Source
from actions.shard_primary import primary_of


def source(of: str, *, runs: bool = True, connected: bool | None = None, **told) -> Source:
    """The channel of a member that follows db-N."""
    return Source(of, 3306, receiver_running=runs, connected=runs if connected is None else connected, **told)


def member(number: int, *sources: Source, writable: bool = False, **facts) -> Member:
    return Member(f"o{number}", f"db-{number}:3306", MemberFacts(writable, sources, **facts))


def silent(number: int) -> Member:
    return Member(f"o{number}", f"db-{number}:3306", None)


def judged(*members: Member) -> tuple[str, str]:
    verdict = primary_of(members)
    return verdict.standing, verdict.primary


SHARDS = {
    "as usual": ([member(1, writable=True), member(2, source("db-1")), member(3, source("db-1"))], "o1"),
    "a replica is writable": ([member(1, writable=True), member(2, source("db-1"), writable=True)], "o1"),
    "promoted without a reset, and one replica follows it": (
        [member(1), member(2, source("db-1", runs=False), writable=True), member(3, source("db-2"))],
        "o2",
    ),
    "promoted without a reset, and the former primary follows it": (
        [member(1, source("db-2")), member(2, source("db-1", runs=False), writable=True), member(3, source("db-2"))],
        "o2",
    ),
    "promoted without a reset, the former primary is gone": (
        [silent(1), member(2, source("db-1", runs=False), writable=True), member(3, source("db-2"))],
        "o2",
    ),
    "promoted without a reset, and no member follows it yet": (
        [member(1), member(2, source("db-1", runs=False), writable=True), member(3, source("db-1", runs=False))],
        "o2",
    ),
    "all replicas are broken": ([member(1, writable=True), member(2, source("db-1", runs=False))], "o1"),
    "a replica does not answer": ([member(1, writable=True), silent(2)], "o1"),
    "a chain": ([member(1, writable=True), member(2, source("db-1")), member(3, source("db-2"))], "o1"),
    "two that follow each other, one of them writable": (
        [member(1, source("db-2"), writable=True), member(2, source("db-1"))],
        "o1",
    ),
    "a primary that follows a server outside the shard, and is writable": (
        [member(1, source("other"), writable=True), member(2, source("db-1"))],
        "o1",
    ),
    "the primary restarted read-only": ([member(1), member(2, source("db-1")), member(3, source("db-1"))], "o1"),
    "the primary cannot be reached from here, but its replicas receive": (
        [silent(1), member(2, source("db-1")), member(3, source("db-1"))],
        "o1",
    ),
    "a single server": ([member(1)], "o1"),
    "several channels": (
        [member(1, writable=True), member(2, source("other", runs=False), source("db-1"))],
        "o1",
    ),
}


@pytest.mark.parametrize(("members", "primary"), SHARDS.values(), ids=list(SHARDS))
def test_the_primary_is_named(members, primary):
    assert judged(*members) == ("named", primary)
    assert judged(*reversed(members)) == ("named", primary)


CONTRADICTIONS = {
    "split brain": ([member(1, writable=True), member(2, writable=True)], "2 members accept writes"),
    "one was promoted while the other still takes writes": (
        [member(1, writable=True), member(2, source("db-1", runs=False), writable=True), member(3, source("db-1"))],
        "its replication from db-1:3306 is stopped",
    ),
    "promoted while its replication runs on, and the former primary is read-only": (
        [member(1), member(2, source("db-1"), writable=True), member(3, source("db-2"))],
        "o2 follows o1, which is read-only, but o2 accepts writes",
    ),
    "the replicas follow a read-only server, another one is writable": (
        [member(1), member(2, writable=True), member(3, source("db-1"))],
        "o2 accepts writes, but o3 follows o1, which is read-only",
    ),
    "the replicas follow one that does not answer, another one is writable": (
        [silent(1), member(2, writable=True), member(3, source("db-1"))],
        "o2 accepts writes, but o3 follows o1, which does not answer",
    ),
    "the replicas follow a server that is not in the inventory": (
        [member(1, writable=True), member(2, source("new")), member(3, source("new"))],
        "o2 and o3 follow new:3306, which is not a member",
    ),
    "both of a ring take writes": (
        [member(1, source("db-2"), writable=True), member(2, source("db-1"), writable=True)],
        "o1 and o2 replicate from one another, and all of them accept writes",
    ),
    "two sources, none writable": (
        [member(1), member(2), member(3, source("db-1")), member(4, source("db-2"))],
        "o3 follows o1 and o4 follows o2",
    ),
}


@pytest.mark.parametrize(("members", "says"), CONTRADICTIONS.values(), ids=list(CONTRADICTIONS))
def test_servers_that_contradict_one_another_name_no_primary(members, says):
    verdict = primary_of(members)
    assert (verdict.standing, verdict.primary) == ("ambiguous", "")
    assert says in verdict.reason


UNKNOWN = {
    "no member answers": [silent(1), silent(2)],
    "the primary is gone, and the replicas cannot connect": [
        silent(1),
        member(2, source("db-1", connected=False)),
        member(3, source("db-1", connected=False)),
    ],
    "the primary is gone, and a replica is writable": [silent(1), member(2, source("db-1"), writable=True)],
    "all are read-only and follow no other": [member(1), member(2)],
}


@pytest.mark.parametrize("members", UNKNOWN.values(), ids=list(UNKNOWN))
def test_too_little_is_known(members):
    assert judged(*members) == ("unknown", "")


def test_all_follow_a_server_outside_the_shard():
    assert judged(member(1, source("x")), member(2, source("x"))) == ("outside", "")
    assert judged(member(1, source("x")), member(2, source("db-1"))) == ("outside", "")


def test_a_source_is_recognised_by_its_uuid_whatever_its_name():
    primary = member(1, writable=True, server_uuid="a")
    assert judged(primary, member(2, source("vip", server_uuid="a"), server_uuid="b")) == ("named", "o1")
    # Another server has the address of a member now.
    moved = member(2, source("db-1", server_uuid="z"), server_uuid="b")
    assert judged(primary, moved)[0] == "ambiguous"


def test_two_members_with_the_same_uuid_are_told_apart_by_their_addresses():
    members = (
        member(1, writable=True, server_uuid="a"),
        member(2, source("db-1", server_uuid="a"), server_uuid="a"),
    )
    assert judged(*members) == ("named", "o1")


def test_a_source_of_mariadb_is_recognised_by_its_server_id_while_it_is_connected():
    primary = member(1, writable=True, server_id=7)
    assert judged(primary, member(2, source("vip", server_id=7), server_id=8)) == ("named", "o1")
    assert judged(primary, member(2, source("vip", server_id=7, connected=False), server_id=8))[0] == "ambiguous"


@pytest.mark.parametrize("name", ["db-one.example.com:3306", "DB-ONE:3306"])
def test_a_source_is_recognised_by_the_name_that_the_server_gives_itself(name):
    primary = member(1, writable=True, names=("db-one:3306",))
    host = name.partition(":")[0]
    assert judged(primary, member(2, source(host))) == ("named", "o1")


def test_loopback_is_not_matched_with_the_name_of_another_host():
    primary = member(1, writable=True, names=("localhost:3306",))
    assert judged(primary, member(2, source("localhost")))[0] == "ambiguous"


def test_the_roles_of_the_members():
    found = primary_of(
        [
            member(1),
            member(2, source("db-1", runs=False), writable=True),
            member(3, source("db-2")),
            member(4, source("db-2", runs=False)),
        ]
    )
    assert found.roles == {"o1": "unknown", "o2": "primary", "o3": "replica", "o4": "replica"}


def in_group(number: int, state: str = "ONLINE", *, primary: str = "u1", all_write: bool = False, **facts) -> Member:
    group = Group("g", state, () if all_write else (primary,), all_write)
    return member(number, group=group, server_uuid=f"u{number}", **facts)


def test_the_primary_of_a_group():
    members = in_group(1, writable=True), in_group(2), in_group(3, "ERROR", primary="")
    found = primary_of(members)
    assert (found.standing, found.primary) == ("named", "o1")
    assert found.roles == {"o1": "primary", "o2": "replica", "o3": "unknown"}
    assert judged(silent(1), in_group(2)) == ("unknown", "")
    assert judged(in_group(1, writable=True), in_group(2, primary="u2", writable=True)) == ("ambiguous", "")


def test_all_members_of_a_cluster_may_take_writes():
    members = [in_group(number, all_write=True, writable=True) for number in (1, 2)]
    assert judged(*members) == ("several", "")
    assert primary_of(members).roles == {"o1": "primary", "o2": "primary"}


def test_a_group_that_no_member_takes_part_in_is_none():
    members = (
        in_group(1, "OFFLINE", writable=True),
        member(2, source("db-1"), server_uuid="u2"),
    )
    assert judged(*members) == ("named", "o1")
