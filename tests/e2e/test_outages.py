"""Slack, Prometheus, a database or the store away: what was accepted is delivered later, once, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bot.engine.run import RunState
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabState
from bot.lab.replication import replicates
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import BOB, REPLICA, Play, general_log, key_of, variant, words
from tests.proxy import Proxy, proxied

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.usefixtures("stopped")]


def parts(play: Play, run_id: str) -> list[str]:
    return [key_of(each).partition(":")[2] for each in play.messages(run_id)]


# -- Slack --------------------------------------------------------------------------------------------------------


def test_while_slack_says_nothing_alerts_are_taken_and_told_later_once(play: Play):
    play.workspace.answering(False)
    try:
        runs = [play.fire() for _ in range(1)]
        for run_id in runs:
            play.run_in(run_id, RunState.WAITING)
        assert all(parts(play, run_id) == [] for run_id in runs)
    finally:
        play.workspace.answering(True)
    for run_id in runs:
        play.message(run_id, "approval", timeout=60.0)
        assert parts(play, run_id) == ["card", "approval"]


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 429, "retry_after": 2}, {"status": 0, "when": "after"}])
def test_what_slack_refuses_or_does_not_answer_is_sent_again_and_stands_there_once(play: Play, how: dict[str, Any]):
    play.workspace.fail_next("chat.postMessage", times=3, **how)
    run_id = play.fire()
    play.message(run_id, "approval", timeout=60.0)
    assert parts(play, run_id) == ["card", "approval"]


@pytest.mark.parametrize("deed", ["drop", "refresh"])
def test_after_a_socket_was_replaced_buttons_count(play: Play, deed: str):
    run_id = play.fire()
    run = play.run_in(run_id, RunState.WAITING)
    play.button(run_id, "run.approve")
    play.workspace.sockets(deed)
    play.approve(BOB, run)
    assert play.run_in(run_id, RunState.MENDED).id == run.id


# -- Prometheus and databases -------------------------------------------------------------------------------------


@contextmanager
def bot_behind(lab: LabState, name: str, proxy: Proxy | None, **changes: Any) -> Iterator[Play]:
    """A bot whose way to the replica leads through a proxy."""
    path = variant(lab, name, **changes)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if proxy is not None:
        for shard in document["shards"]:
            for instance in shard["instances"]:
                if instance["name"] == REPLICA:
                    instance.update(port=proxy.port, aliases=[lab.instance(REPLICA).address])
                    instance.pop("spare_port")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    play = Play(lab, path)
    with general_log(lab), running_bot(path, log=path.with_suffix(".log"), stop_within=0):
        yield play


def test_without_prometheus_the_cause_is_named_and_the_card_says_what_is_missing(lab: LabState):
    with bot_behind(lab, "no-prometheus", None, prometheus={"url": f"http://127.0.0.1:{free_ports(1)[0]}"}) as play:
        run_id = str(play.send(alertname="MySQLReplicationLag", drill="no prometheus")["runs"][0])
        run = play.run_in(run_id, RunState.WAITING, RunState.DIAGNOSED, RunState.REFUSED)
        assert run.lead is not None
        assert "Missing:" in words(play.message(run_id, "card", holds="Missing:"))


def test_a_server_that_accepts_and_never_answers_holds_up_nobody(lab: LabState):
    address = lab.instance(REPLICA)
    with proxied(address.host, address.port, silent=True) as proxy, bot_behind(lab, "silent", proxy) as play:
        silent = play.fire()
        other = str(play.send(instance=lab.instance("orders-2").address)["runs"][0])
        play.run_in(other, RunState.DIAGNOSED, timeout=10.0)
        run = play.run_in(silent, RunState.DIAGNOSED, timeout=20.0)
        assert "evidence is missing" in run.says
        play.message(silent, "card", holds="Missing:")


@pytest.mark.parametrize("passes_first", [False, True], ids=["the statement is lost", "its answer is lost"])
def test_cut_off_in_the_middle_of_a_change_it_tells_what_it_sees_and_repeats_nothing(lab: LabState, passes_first: bool):
    address = lab.instance(REPLICA)
    cut = {"cuts_at": b"START REPLICA", "passes_first": passes_first}
    with proxied(address.host, address.port, **cut) as proxy, bot_behind(lab, f"cut-{passes_first}", proxy) as play:
        run_id = play.fire()
        run = play.run_in(run_id, RunState.WAITING)
        play.approve(BOB, run)
        ended = play.run_in(run_id, RunState.MENDED, RunState.FAILED)
        assert proxy.cut.is_set()
        assert len(play.statements(run_id)) == int(passes_first)
        assert (ended.state is RunState.MENDED) is passes_first is replicates(address)
        assert "State afterwards:" in ended.says
