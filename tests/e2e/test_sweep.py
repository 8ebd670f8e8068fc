"""A sweep over the real servers: one is killed, one hangs, one has stopped its applier, and that is what it says."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import bot
from bot.lab import processes
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.model import Json
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import ALICE, BOB, CAROL, CHANNEL, GUEST, Play, key_of, variant, words
from tests.shell import firstmate

pytestmark = pytest.mark.lab

KILLED, HANGS, STOPPED = "billing-2", "billing-3", "orders-3"


@contextmanager
def hanging(lab: LabState, name: str) -> Iterator[None]:
    """The server's process is stopped, and its port still open."""
    pid = next(process.pid for process in processes.recorded(lab.folder) if process.name == name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def broken_lab(sound_lab: LabState) -> Iterator[LabState]:
    inject_fault(sound_lab.folder, "replication_stopped")
    inject_fault(sound_lab.folder, "server_down_mariadb")
    with hanging(sound_lab, HANGS):
        yield sound_lab


def swept(lab: LabState, *arguments: str) -> tuple[int, Json]:
    said = firstmate("sweep", *arguments, "--config", lab.config, "--json")
    return said.code, dict(said.json)


def test_sound_servers_are_alike(sound_lab: LabState):
    code, found = swept(sound_lab, "mysql.replica_status", "--on", "role=replica,shard=ord*")
    assert (code, found["alike"], found["asked"]) == (0, True, 2)
    [kin] = found["compared"]
    [group] = kin["groups"]
    assert (kin["flavour"], kin["role"], group["hosts"]) == ("mysql", "replica", ["orders-2", "orders-3"])
    assert group["facts"]["applier_running"] == "Yes"
    assert found["evidence"].keys() == {"orders-2", "orders-3"}
    page = (Path(bot.__file__).parents[1] / "docs/cli.md").read_text(encoding="utf-8")
    documented = page.partition("### JSON of sweep")[2].partition("\n### ")[0]
    for key in (*found, *kin, *group):
        assert f"`{key}`" in documented


def test_over_all_servers_it_says_exactly_who_is_silent_and_who_differs(broken_lab: LabState):
    code, found = swept(broken_lab, "mysql.replica_status", "--on", "all")
    assert (code, found["alike"], found["asked"]) == (1, False, 6)
    assert found["says"] == "4 of 6 answered, 1 differs."
    silent = {host: each["reason"] for each in found["no_answer"] for host in each["hosts"]}
    assert silent.keys() == found["missing"].keys() == {KILLED, HANGS}
    assert "does not accept connections" in silent[KILLED]
    assert "takes connections but does not answer" in silent[HANGS]
    assert not [reason for reason in silent.values() if "127.0.0.1" in reason]
    kin = {(each["flavour"], each["role"]): each["groups"] for each in found["compared"]}
    assert [group["hosts"] for group in kin["mysql", "primary"]] == [["orders-1"]]
    assert [group["hosts"] for group in kin["mariadb", "primary"]] == [["billing-1"]]
    usual, other = kin["mysql", "replica"]
    assert (usual["hosts"], usual["usual"], other["hosts"]) == (["orders-2"], True, [STOPPED])
    differs = {each["field"]: (each["value"], each["usual"]) for each in other["differs"]}
    assert differs["applier_running"] == ("No", "Yes")
    assert differs["applier_errno"] == ("1205", "0")
    assert differs.keys() == {"applier_running", "applier_errno", "lag"}


def test_ports_are_told_apart_without_a_user(broken_lab: LabState):
    code, found = swept(broken_lab, "mysql.reachability", "--on", "shard=billing,role=replica")
    groups = found["compared"][0]["groups"]
    facts = {host: group["facts"] for group in groups for host in group["hosts"]}
    assert (code, facts[KILLED]["tcp"], facts[HANGS]["tcp"], facts[HANGS]["greeted"]) == (1, "refused", "open", "no")


def test_people_read_it_in_a_few_lines(broken_lab: LabState):
    said = firstmate("sweep", "mysql.replica_status", "--on", "all", "--config", broken_lab.config)
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0].startswith("mysql.replica_status: 4 of 6 answered, 1 differs.")
    assert "2 replicas of mysql" in lines
    assert "1 instance differs: applier running No, not Yes; lag unknown; applier errno 1205, not 0" in lines
    assert lines[lines.index("2 replicas of mysql") + 3] == STOPPED
    assert HANGS in lines
    assert KILLED in lines


def test_settings_are_compared(sound_lab: LabState):
    names = "names=[gtid_mode, server_id]"
    code, found = swept(sound_lab, "mysql.global_variables", "--on", "name=orders-[23]", "--with", names)
    differs = [each["field"] for group in found["compared"][0]["groups"] for each in group["differs"]]
    assert (code, differs) == (1, ["server_id"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mysql.replica_state", "--on", "all"), "There is no diagnostic 'mysql.replica_state'"),
        (("mysql.tables_without_primary_key", "--on", "all"), "on at most 5 instances; the selector matches 6"),
        (("prometheus.instant", "--on", "all"), "prometheus.instant asks Prometheus"),
        (("mysql.replica_status", "--on", "shard=ordrs"), "did you mean 'orders'?"),
        (("mysql.replica_status", "--on", "role=replica", "--with", "x"), "'x' is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_swept_exits_2_with_the_reason(lab: LabState, arguments: tuple[str, ...], says: str):
    said = firstmate("sweep", *arguments, "--config", lab.config)
    assert said.code == 2
    assert says in said.err


@pytest.fixture(scope="module")
def play(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A bot whose operator is Bob, and for billing Alice alone."""
    name = tmp_path_factory.mktemp("bot").name
    only = [{"role": "operator", "shards": ["billing"], "users": [ALICE]}]
    roles = {"operator": {"users": [ALICE, BOB]}, "only": only}
    play = Play(lab, variant(lab, name, roles=roles))
    with running_bot(play.path, log=lab.folder / "logs" / f"{name}.log"):
        yield play


def cards(play: Play) -> list[Json]:
    return [message for message in play.workspace.messages(CHANNEL) if key_of(message).startswith("sweep-")]


def test_an_operator_of_every_shard_gets_one_card_of_all_servers(play: Play, broken_lab: LabState):
    before = len(cards(play))
    play.workspace.command(ALICE, CHANNEL, "/triage all")
    play.told(ALICE, "4 of 6 answered, 1 of them unlike the others. The card is in")
    [card] = play.workspace.wait_for(lambda: cards(play)[before:], 30.0, "The card")
    shown = words(card)
    for part in (
        "all · 6 instances",
        f"no answer, 1*, {KILLED}: … does not accept connections",
        f"differs, 1*, {STOPPED}: applier running No, not Yes; lag unknown; applier errno 1205, not 0",
        "1 primary of mariadb",
        "read only yes",
    ):
        assert part in shown
    asked = play.audited("sweep.asked")[-1]
    assert (asked.actor, asked.subject, json.loads(asked.data)["instances"]) == (ALICE, "all", 6)


def test_the_cluster_of_an_alert_is_the_shard_of_the_inventory(play: Play, sound_lab: LabState):
    before = len(cards(play))
    play.workspace.command(BOB, CHANNEL, "/triage cluster=orders")
    play.told(BOB, "3 of 3 answered")
    [card] = play.workspace.wait_for(lambda: cards(play)[before:], 30.0, "The card")
    assert "cluster=orders · 3 instances" in words(card)


@pytest.mark.parametrize(
    ("user", "selector", "says"),
    [
        (CAROL, "cluster=orders", f"<@{CAROL}> is not an operator"),
        (BOB, "all", f"<@{BOB}> is not an operator for changes of billing"),
        (GUEST, "cluster=orders", "is a guest"),
        (BOB, "cluster=ordrs", "did you mean 'orders'?"),
    ],
)
def test_who_may_not_or_means_nothing_is_told_and_no_server_is_asked(play: Play, user: str, selector: str, says: str):
    cards_before, asked_before = len(cards(play)), len(play.audited("sweep.asked"))
    play.workspace.command(user, CHANNEL, f"/triage {selector}")
    play.told(user, says)
    refused = play.audited("request.refused", f"/triage {selector}")
    assert refused[-1].actor == user
    assert (len(cards(play)), len(play.audited("sweep.asked"))) == (cards_before, asked_before)


@pytest.mark.browser
def test_the_card_can_be_read_on_the_page(play: Play, broken_lab: LabState, browser: Browser, tmp_path: Path):
    before = len(cards(play))
    play.workspace.command(ALICE, CHANNEL, "/triage shard=*")
    play.workspace.wait_for(lambda: cards(play)[before:], 30.0, "The card")
    context = browser.new_context(viewport={"width": 1500, "height": 1300})
    page = context.new_page()
    page.goto(f"{play.lab.urls.workspace}/c/{CHANNEL}")
    page.wait_for_selector("[data-live]")
    expect(page.get_by_text("shard=* · 6 instances").last).to_be_visible()
    page.screenshot(path=tmp_path / "sweep.png")
    context.close()
