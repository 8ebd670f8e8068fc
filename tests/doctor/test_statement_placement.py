"""On which server a GRANT is to be run."""

from __future__ import annotations

from dataclasses import replace

from actions.contract import Flavour, ServerVersion
from bot.config import DatabaseUser, Role, Secret, Shard
from bot.config import Instance as Declared
from bot.doctor.instance import Instance
from bot.doctor.statement_placement import Placed, placed
from bot.doctor.user_privileges import User
from bot.engine.targets import Target
from bot.privileges.corrections import Mending

A = ("GRANT A ON *.* TO u",)
B = ("GRANT B ON *.* TO u", "GRANT C ON *.* TO u")
PRIMARY, FIRST, SECOND = "orders-1", "orders-2", "orders-3"
UNLOGGED = "SET SESSION sql_log_bin = 0"


def found(name: str, *grants: tuple[str, ...], super_read_only: bool = False) -> Instance:
    """A server whose users lack these GRANTs."""
    declared = Declared(name=name, host=name, role=Role.PRIMARY if name == PRIMARY else Role.REPLICA)
    reader = DatabaseUser(user="u", password=Secret(env="NONE"))
    shard = Shard(name="orders", flavour="mysql", instances=(declared,), reader=reader)
    users = tuple(User("reader", mending=Mending(grants=each)) for each in grants)
    version = ServerVersion(Flavour.MYSQL, (9, 7, 4))
    return Instance(Target(declared, shard), version=version, super_read_only=super_read_only, users=users)


def run(*instances: Instance) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    return tuple((each.on, each.replicas, each.statements) for each in ways(*instances))


def ways(*instances: Instance) -> tuple[Placed, ...]:
    return placed(instances, lambda mending: mending.grants)


def test_what_primary_and_replicas_lack_is_run_on_the_primary():
    assert run(found(PRIMARY, A), found(FIRST, A), found(SECOND, A)) == ((PRIMARY, (FIRST, SECOND), A),)


def test_what_a_replica_alone_lacks_is_kept_out_of_its_binary_log():
    assert run(found(PRIMARY), found(FIRST, A), found(SECOND)) == ((FIRST, (), (UNLOGGED, *A)),)


def test_super_read_only_is_lifted_around_a_grant():
    [(_, _, statements)] = run(found(FIRST, A, super_read_only=True))
    assert statements == ("SET GLOBAL super_read_only = 0", UNLOGGED, *A, "SET GLOBAL super_read_only = 1")


def test_what_both_users_lack_is_one_run():
    assert run(found(PRIMARY, A, B), found(FIRST, A, B)) == ((PRIMARY, (FIRST,), (*A, *B)),)
    assert run(found(PRIMARY), found(FIRST, A, B)) == ((FIRST, (), (UNLOGGED, *A, *B)),)


def test_a_replica_that_lacks_something_else_has_a_run_of_its_own():
    assert run(found(PRIMARY, A), found(FIRST, B), found(SECOND, A)) == (
        (PRIMARY, (SECOND,), A),
        (FIRST, (), (UNLOGGED, *B)),
    )


def test_nothing_is_run_where_nothing_lacks():
    assert run(found(PRIMARY), found(FIRST)) == ()


def test_where_to_run_it_is_said():
    says = [each.says for each in ways(found(PRIMARY, A), found(FIRST, A), found(SECOND, B))]
    assert says == [
        "on orders-1, the primary of orders; through it orders-2",
        "on orders-3, a replica of orders, and there alone: kept out of its binary log",
    ]


def test_a_primary_that_was_not_asked_is_named_as_the_better_place():
    [only] = ways(found(FIRST, A))
    assert "its primary could not tell what it has" in only.says
    refused = replace(found(PRIMARY), users=(User("reader", says="wrong password"),))
    [only] = ways(refused, found(FIRST, A))
    assert "its primary could not tell what it has" in only.says
