"""A selector means the instances that fit all of it; what means nothing is told with the nearest name."""

from __future__ import annotations

import pytest

from bot.engine.instance_selector import select, selection_of
from bot.engine.targets import Target
from bot.errors import UnknownTarget, WrongUsage
from bot.fleet.vitess.topology import arranged
from tests.engine.servers import Fleet, shard_of
from tests.recorded_vitess import THREE, tablet
from tests.vitess_samples import CLUSTER

INVENTORY = Fleet((shard_of("orders", 2), shard_of("orders-eu", 1), shard_of("billing", 1))).targets()


def names(selector: str) -> list[str]:
    return [target.name for target in select(selector, INVENTORY)]


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("shard=orders", ["orders-1", "orders-2", "orders-3"]),
        ("cluster=orders", ["orders-1", "orders-2", "orders-3"]),
        ("role=replica,shard=orders*", ["orders-2", "orders-3", "orders-eu-2"]),
        ("shard=orders* role=replica", ["orders-2", "orders-3", "orders-eu-2"]),
        (" role=primary , name=*-1 ", ["orders-1", "orders-eu-1", "billing-1"]),
        ("name=orders-?", ["orders-1", "orders-2", "orders-3"]),
        ("flavour=mysql,name=billing-2", ["billing-2"]),
        ("all", [target.name for target in INVENTORY]),
    ],
)
def test_it_means_every_instance_that_fits_all_of_it_in_the_order_of_the_inventory(selector: str, meant: list[str]):
    assert names(selector) == meant


def test_what_is_said_of_it_has_one_name_for_one_thing():
    assert str(selection_of("cluster=orders role=replica")) == "cluster=orders,role=replica"
    assert str(selection_of("all")) == "all"


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("", "The selector is empty; write one like role=replica,shard=orders*, or all."),
        ("orders", "'orders' is not KEY=PATTERN"),
        ("shard=", "'shard=' is not KEY=PATTERN"),
        ("all,role=replica", "'all' is not KEY=PATTERN"),
        ("rol=replica", "A selector has no key 'rol'; did you mean 'role'? Its keys are role, name, shard, flavour,"),
        ("datacentre=x", "A selector has no key 'datacentre'. Its keys are"),
        ("shard=a,shard=b", "The selector names shard twice"),
        ("name=" + "x" * 600, "has 605 characters"),
    ],
)
def test_what_is_no_selector_is_told_with_how_one_is_written(selector: str, says: str):
    with pytest.raises(WrongUsage) as told:
        select(selector, INVENTORY)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        (
            "shard=ordrs",
            "No instance in the inventory matches shard=ordrs: there is no shard 'ordrs'; did you mean 'orders'?",
        ),
        ("role=master", "No instance in the inventory matches role=master: role is primary or replica."),
        ("shard=zzz", "shard is billing or orders or orders-eu."),
        ("name=billing-1,role=replica", "each pattern matches some instances, but no instance matches all of them."),
    ],
)
def test_where_nothing_fits_it_says_which_pattern_does_not_and_what_was_near(selector: str, says: str):
    with pytest.raises(UnknownTarget) as told:
        select(selector, INVENTORY)
    assert says in str(told.value)


CLUSTERED = tuple(
    Target(instance, shard)
    for shard in arranged(CLUSTER, [*THREE, tablet(103, "PRIMARY", "80-"), tablet(104, "DRAINED", "80-")])
    for instance in shard.instances
)


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("keyspace=commerce", [100, 101, 102, 103, 104]),
        ("keyspace=commerce,role=primary", [100, 103]),
        ("shard=commerce/-80", [100, 101, 102]),
        ("type=DRAINED", [104]),
        ("cell=zone1,cluster=lab,shard=*80-", [103, 104]),
    ],
)
def test_tablets_are_selected_by_what_the_topology_says_of_them(selector: str, meant: list[int]):
    assert [int(each.name[-3:]) for each in select(selector, (*INVENTORY, *CLUSTERED))] == meant
