"""A selector means the instances that fit all of it; what means nothing is told with the nearest name."""

from __future__ import annotations

import pytest

from bot.engine.selection import select, selection_of
from bot.errors import UnknownTarget, WrongUsage
from tests.engine.servers import Fleet, shard_of

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
    assert str(selection_of("cluster=orders role=replica")) == "shard=orders,role=replica"
    assert str(selection_of("all")) == "all"


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("", "The selector is empty; write one like role=replica,shard=orders*, or all."),
        ("orders", "'orders' is not KEY=PATTERN"),
        ("shard=", "'shard=' is not KEY=PATTERN"),
        ("all,role=replica", "'all' is not KEY=PATTERN"),
        ("rol=replica", "A selector has no 'rol'; did you mean 'role'? It takes role, name, shard, flavour, cluster."),
        ("datacentre=x", "A selector has no 'datacentre'. It takes"),
        ("shard=a,cluster=b", "The selector names shard twice"),
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
            "No instance of the inventory fits shard=ordrs: there is no shard 'ordrs'; did you mean 'orders'?",
        ),
        ("role=master", "No instance of the inventory fits role=master: role is primary or replica."),
        ("shard=zzz", "shard is billing or orders or orders-eu."),
        ("name=billing-1,role=replica", "each of its patterns fits some, and no instance fits all of them."),
    ],
)
def test_where_nothing_fits_it_says_which_pattern_does_not_and_what_was_near(selector: str, says: str):
    with pytest.raises(UnknownTarget) as told:
        select(selector, INVENTORY)
    assert says in str(told.value)
