"""A changer makes the calls of actions, in time, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from actions.contract import Statement
from actions.vitess_contract import call, vtorc
from bot.errors import NotAllowed
from bot.fleet.session_settings import LONGEST_IDLE
from bot.fleet.vitess.changer import CHANGE_WITHIN, REPARENT_WITHIN, VitessChanger
from bot.fleet.vitess.reader import Source
from tests.vitess_samples import CLUSTER

START = call("StartReplication", tablet_alias={"cell": "zone1", "uid": 101})


class Vtctld:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], float]] = []

    def call(self, name: str, request: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        self.calls.append((name, request, timeout))
        return {}


class Pages:
    """Keeps which pages were opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def page(self, url: str) -> str:
        self.opened.append(url)
        return "done"


class Hand:
    """A changer with a clock of its own."""

    def __init__(self) -> None:
        self.vtctld, self.pages, self.now = Vtctld(), Pages(), 100.0
        unused: Any = None
        vtctld: Any = self.vtctld
        pages: Any = self.pages
        self.changer = VitessChanger(Source(CLUSTER, vtctld, pages), unused, clock=lambda: self.now)

    def execute(self, statement: Statement) -> None:
        self.changer.execute(statement, tag="r-1")


def test_a_call_is_made_as_it_is_written():
    hand = Hand()
    hand.execute(START)
    assert hand.vtctld.calls == [("StartReplication", {"tablet_alias": {"cell": "zone1", "uid": 101}}, CHANGE_WITHIN)]


def test_a_reparent_may_wait_for_its_replicas():
    hand = Hand()
    hand.execute(call("PlannedReparentShard", keyspace="commerce", shard="-80"))
    assert hand.vtctld.calls[0][2] == REPARENT_WITHIN


def test_a_switch_of_vtorc_is_set_at_every_one():
    hand = Hand()
    hand.execute(vtorc("/api/disable-global-recoveries"))
    assert hand.pages.opened == [f"{url}/api/disable-global-recoveries" for url in CLUSTER.vtorcs]


@pytest.mark.parametrize(
    "text", ["START REPLICA", "VTOrc /api/problems", "DeleteShards {}", "vtctld StartReplication {}"]
)
def test_what_no_action_makes_is_not_made(text: str):
    hand = Hand()
    with pytest.raises(NotAllowed):
        hand.execute(Statement(text))
    assert not hand.vtctld.calls
    assert not hand.pages.opened


def test_a_bot_that_was_held_up_makes_no_call_afterwards():
    hand = Hand()
    hand.now += LONGEST_IDLE + 1
    with pytest.raises(NotAllowed, match="suspended for 11 s"):
        hand.execute(START)
    assert not hand.vtctld.calls


def test_the_next_call_of_a_change_has_its_own_time():
    hand = Hand()
    for _ in range(3):
        hand.now += LONGEST_IDLE - 1
        hand.execute(START)
    assert len(hand.vtctld.calls) == 3
