"""On which server a GRANT is run."""

from __future__ import annotations

from dataclasses import replace

from actions.contract import Flavour, ServerVersion
from bot.config import DatabaseUser, Role, Secret, Shard
from bot.config import Instance as Declared
from bot.doctor.instance_report import InstanceReport
from bot.doctor.statement_placement import PlacedStatements, place_statements
from bot.doctor.user_privileges import UserReport
from bot.engine.targets import Target
from bot.privileges.privilege_corrections import Corrections

A = ("GRANT A ON *.* TO u",)
B = ("GRANT B ON *.* TO u", "GRANT C ON *.* TO u")
PRIMARY, FIRST, SECOND = "orders-1", "orders-2", "orders-3"
UNLOGGED = "SET SESSION sql_log_bin = 0"


def found(name: str, *grants: tuple[str, ...], super_read_only: bool = False) -> InstanceReport:
    """Returns a server whose users lack these GRANTs."""
    declared = Declared(name=name, host=name, role=Role.PRIMARY if name == PRIMARY else Role.REPLICA)
    reader = DatabaseUser(user="u", password=Secret(env="NONE"))
    shard = Shard(name="orders", flavour="mysql", instances=(declared,), reader=reader)
    users = tuple(UserReport("reader", corrections=Corrections(grants=each)) for each in grants)
    version = ServerVersion(Flavour.MYSQL, (9, 7, 4))
    return InstanceReport(Target(declared, shard), version=version, super_read_only=super_read_only, users=users)


def run(*instances: InstanceReport) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    return tuple((each.on, each.replicas, each.statements) for each in ways(*instances))


def ways(*instances: InstanceReport) -> tuple[PlacedStatements, ...]:
    return place_statements(instances, lambda corrections: corrections.grants)


def test_privileges_that_primary_and_replicas_lack_are_granted_on_the_primary():
    assert run(found(PRIMARY, A), found(FIRST, A), found(SECOND, A)) == ((PRIMARY, (FIRST, SECOND), A),)


def test_a_grant_for_only_a_replica_is_not_written_to_its_binary_log():
    assert run(found(PRIMARY), found(FIRST, A), found(SECOND)) == ((FIRST, (), (UNLOGGED, *A)),)


def test_super_read_only_is_disabled_around_a_grant():
    [(_, _, statements)] = run(found(FIRST, A, super_read_only=True))
    assert statements == ("SET GLOBAL super_read_only = 0", UNLOGGED, *A, "SET GLOBAL super_read_only = 1")


def test_grants_of_both_users_are_placed_together():
    assert run(found(PRIMARY, A, B), found(FIRST, A, B)) == ((PRIMARY, (FIRST,), (*A, *B)),)
    assert run(found(PRIMARY), found(FIRST, A, B)) == ((FIRST, (), (UNLOGGED, *A, *B)),)


def test_a_replica_that_lacks_other_privileges_is_placed_separately():
    assert run(found(PRIMARY, A), found(FIRST, B), found(SECOND, A)) == (
        (PRIMARY, (SECOND,), A),
        (FIRST, (), (UNLOGGED, *B)),
    )


def test_without_missing_privileges_nothing_is_placed():
    assert run(found(PRIMARY), found(FIRST)) == ()


def test_the_reason_of_the_placement_is_given():
    says = [each.says for each in ways(found(PRIMARY, A), found(FIRST, A), found(SECOND, B))]
    assert says == [
        "Run on orders-1, the primary of orders; replicated to orders-2",
        "Run on orders-3, a replica of orders; not written to its binary log",
    ]


def test_a_primary_that_was_not_inspected_is_mentioned():
    [only] = ways(found(FIRST, A))
    assert "its primary could not be inspected" in only.says
    refused = replace(found(PRIMARY), users=(UserReport("reader", says="wrong password"),))
    [only] = ways(refused, found(FIRST, A))
    assert "its primary could not be inspected" in only.says
