"""The card of a sweep: within Slack's limits, with silent and differing instances, and untrusted text escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from actions.diagnostics.mysql.global_variables import GlobalVariables
from actions.diagnostics.mysql.replica_status import ReplicaStatus
from actions.diagnostics.mysql.server_state import ServerState
from bot.engine.outbox_port import Message
from bot.engine.sweep.comparison import summarised
from bot.engine.sweep.first_sweep import REPLICATION, STATE, FirstSweep
from bot.engine.sweep.run_sweep import HostAnswer
from bot.engine.targets import Target
from bot.lab.slack_workspace.block_kit.block_rules import check_blocks
from bot.slack.sweep_card import sweep_message
from bot.slack.triage_card import ACKNOWLEDGED, FIRING, RESOLVED
from tests.engine.servers import shard_of

SHARD = shard_of("orders", 5)
PRIMARY, *REPLICAS = (Target(instance, SHARD) for instance in SHARD.instances)
STATES = [HostAnswer(PRIMARY, ServerState(version="mysql 8.4.6", uptime=90.0))] + [
    HostAnswer(target, ServerState(version="mysql 8.4.6", uptime=90.0, read_only=True)) for target in REPLICAS
]
WELL = ReplicaStatus(configured=True, receiver_running="Yes", applier_running="Yes", lag=0.0)
STATUSES = [HostAnswer(target, WELL) for target in REPLICAS]


def first(states: Sequence[HostAnswer] = STATES, statuses: Sequence[HostAnswer] = STATUSES) -> FirstSweep:
    return FirstSweep(len(states), ((STATE, summarised(states)), (REPLICATION, summarised(statuses))), 0.4)


def message(found: FirstSweep, on: str = "shard=orders") -> Message:
    return sweep_message("sweep-1", "C0DBALERTS", "U0BOB", on, found)


def words(of: Message) -> str:
    return json.dumps(of.payload, ensure_ascii=False)


def colour(of: Message) -> str:
    [attachment] = of.payload["attachments"]
    return str(attachment["color"])


def check(of: Message) -> None:
    assert check_blocks(of.payload["blocks"]) == []
    for attachment in of.payload["attachments"]:
        assert check_blocks(attachment["blocks"]) == []
    assert of.payload["text"]


def test_the_usual_values_are_shown_when_all_instances_are_alike():
    sent = message(first())
    check(sent)
    for part in (
        "shard=orders · 6 instances",
        "requested by <@U0BOB>",
        "1 primary of mysql",
        "5 replicas of mysql",
        "5 instances (largest group)*: version mysql 8.4.6, read only yes, uptime 1 min 30 s",
        "5 instances (largest group)*: configured yes, receiver running Yes, applier running Yes",
        "6 of 6 responded; no differences found.",
    ):
        assert part in words(sent)
    assert colour(sent) == RESOLVED
    assert sent.root is None


def test_an_instance_that_differs_is_named_with_its_values():
    stopped = replace(WELL, applier_running="No", applier_errno=1205, lag=None)
    sent = message(first(statuses=[HostAnswer(REPLICAS[0], stopped), *STATUSES[1:]]))
    check(sent)
    assert (
        "1 instance differs* (orders-2): applier running No, not Yes; lag unknown; applier errno 1205, not 0"
        in words(sent)
    )
    assert "6 of 6 responded; 1 of them differs." in words(sent)
    assert colour(sent) == ACKNOWLEDGED


def test_an_outlier_is_named():
    sent = message(first(statuses=[HostAnswer(REPLICAS[0], replace(WELL, lag=3000.0)), *STATUSES[1:]]))
    assert "outliers*: lag: orders-2 50 min" in words(sent)
    assert colour(sent) == ACKNOWLEDGED


def test_instances_that_do_not_answer_come_first_with_the_reason():
    down = HostAnswer(REPLICAS[0], missing=f"{REPLICAS[0].instance.address} does not accept connections.")
    sent = message(first([STATES[0], down, *STATES[2:]], STATUSES[1:]))
    check(sent)
    assert (
        "1 instance did not respond* (orders-2): … does not accept connections."
        in sent.payload["blocks"][2]["text"]["text"]
    )
    assert "5 of 6 responded; no differences found." in words(sent)
    assert colour(sent) == FIRING


def test_text_from_servers_is_escaped():
    states = [HostAnswer(target, ServerState(version="<!channel> *x* `y`")) for target in REPLICAS]
    silent = [HostAnswer(PRIMARY, missing="<@U0ALICE> <https://evil|here>")]
    sent = words(message(first([*states, *silent]), on="shard=<!here>"))
    for wrong in ("<!channel>", "<@U0ALICE>", "<https://evil", "`y`", "*x*"):
        assert wrong not in sent
    assert message(first(), on="<!here>").payload["text"].count("<") == 0


@pytest.mark.parametrize("hosts", [50, 400])
def test_a_large_sweep_fits_a_message(hosts: int):
    shard = shard_of("s" * 90, hosts)
    targets = [Target(instance, shard) for instance in shard.instances]

    def evidence(number: int) -> Any:
        return GlobalVariables({f"setting_{n}": f"{'v' * 50}{(number + n) % 7}" for n in range(40)})

    looks = [
        HostAnswer(target, evidence(number))
        if number % 3
        else HostAnswer(target, missing=f"reason {number % 11} " + "w" * 400)
        for number, target in enumerate(targets)
    ]
    found = FirstSweep(len(looks), ((STATE, summarised(looks)), (REPLICATION, summarised(looks))), 9.0)
    sent = message(found, on="name=" + "x" * 400)
    check(sent)
    assert "more reasons" in words(sent)
    assert "more groups that differ" in words(sent) or "did not fit into one message" in words(sent)
