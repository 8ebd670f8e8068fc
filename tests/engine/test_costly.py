"""A remedy that leans on another runbook does not ask a server again for what costs it much and was just seen."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.wait_graph import WaitGraph
from bot.config import Instance, Role, Shard
from bot.engine.planner import Observations, costly_in_common
from bot.engine.targets import Target
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.language.schema import Runbook

LOCKS = WaitGraph(waiting=3)
ORDERS = Shard.model_validate(
    {
        "name": "orders",
        "flavour": "mysql",
        "reader": {"user": "r", "password": {"env": "X"}},
        "instances": [{"name": "orders-1", "host": "db1", "role": "primary"}],
    }
)
TARGET = Target(Instance(name="orders-1", host="db1", role=Role.PRIMARY), ORDERS)


def runbook(**gather: object) -> Runbook:
    return Runbook.model_validate({"runbook": "mysql/x", "title": "x", "owner": "me", "gather": gather})


def given(mine: Runbook, evidence: dict[str, object], other: Runbook) -> dict[str, object]:
    return costly_in_common(Observations(mine, TARGET, evidence, {}, {}), other)


def test_what_was_just_seen_goes_by_the_name_that_the_other_has_for_it():
    mine, other = runbook(locks="mysql.wait_graph"), runbook(rows="mysql.wait_graph", use="mysql.connection_use")
    assert given(mine, {"locks": LOCKS}, other) == {"rows": LOCKS}


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ("mysql.wait_graph", {"use": "mysql.wait_graph", "on": "primary"}),
        ({"use": "mysql.wait_graph", "on": "primary"}, "mysql.wait_graph"),
        ("mysql.connection_use", "mysql.connection_use"),
        ("mysql.connection_use", "mysql.wait_graph"),
    ],
    ids=["of another place", "from another place", "what costs little", "another question"],
)
def test_all_else_is_asked_anew(mine: object, other: object):
    assert given(runbook(locks=mine), {"locks": LOCKS}, runbook(rows=other)) == {}


def test_what_could_not_be_seen_is_asked_for():
    mine, other = runbook(locks="mysql.wait_graph"), runbook(rows="mysql.wait_graph")
    assert given(mine, {"locks": Missing("locks", "it did not answer")}, other) == {}
