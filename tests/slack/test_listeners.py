"""Commands and buttons through the real Bolt: each answered to the one who asked, also when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from slack_sdk import WebClient

from bot.config import Roles, Secret, SlackSettings
from bot.engine.state import Choice, Run, RunState
from bot.errors import NotAllowed
from bot.lab.workspace import Options, WorkspaceClient, running_workspace
from bot.lab.workspace.manifest import Manifest
from bot.slack.authorise import Authorise
from bot.slack.blocks import actions, button
from bot.slack.connect import SocketConnection
from bot.slack.directory import SlackDirectory
from bot.slack.listeners import HELP, RunbookLine, Status, build_app
from tests.samples import run, waiting

CHANNEL = "C0DBALERTS"


@dataclass
class Desk:
    """Stands where the engine stands; keeps what it was asked."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    halted: str = ""

    def triage(self, user: str, instance: str, channel: str) -> Run:
        return self.ask(user, "mysql/first-look", instance, channel)

    def ask(self, user: str, runbook: str, instance: str, channel: str) -> Run:
        self.asked.append((user, runbook, instance, channel))
        return run(runbook=runbook, target=instance, channel=channel)

    def runbooks(self) -> Sequence[RunbookLine]:
        return [RunbookLine("mysql/replication-lag", "A replica <falls> behind", "abcdef0123")]

    def runbook_text(self, name: str) -> str:
        if name == "broken":
            raise RuntimeError("a secret detail")
        return f"runbook: {name}\n```<!channel>"

    def status(self) -> Status:
        return Status(self.halted, [waiting()], 2)

    def halt(self, user: str, reason: str) -> str:
        self.asked.append((user, "halt", reason))
        return "All changes are halted."

    def resume(self, user: str) -> None:
        raise NotAllowed("You are no admin.")

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        self.asked.append((user, run_id, digest, choice.value))
        return run(state=RunState.APPROVED)

    def undo(self, user: str, run_id: str, digest: str) -> Run:
        self.asked.append((user, run_id, digest, "undo"))
        return run(state=RunState.MENDED)


DESK = Desk()
RECORDED: list[tuple[str, ...]] = []


@pytest.fixture(scope="module")
def connected() -> Iterator[tuple[WorkspaceClient, WebClient]]:
    """A workspace in which the app is installed; its socket takes 3 s to close, so there is one for all."""
    with running_workspace(options=Options(manifest=Manifest.shipped(), limits=False)) as workspace:
        tokens = workspace.state.tokens
        web = WebClient(token=tokens.bot_token, base_url=workspace.api_url, retry_handlers=[])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("APP_TOKEN", tokens.app_token)
            token = Secret(env="APP_TOKEN")
            settings = SlackSettings(bot_token=token, app_token=token, base_url=workspace.api_url)
            directory = SlackDirectory(web, Roles(), "T0LOCAL")
            authorise = Authorise(directory, web, "T0LOCAL", "A0FIRSTMATE", record)
            connection = SocketConnection(build_app(web, None, DESK, authorise, record), settings)
        connection.open()
        yield WorkspaceClient(workspace.url), web
        connection.close()


@pytest.fixture(scope="module")
def people(connected: tuple[WorkspaceClient, WebClient]) -> WorkspaceClient:
    return connected[0]


@pytest.fixture(scope="module")
def web(connected: tuple[WorkspaceClient, WebClient]) -> WebClient:
    return connected[1]


def record(*what: str) -> None:
    RECORDED.append(what)


@pytest.fixture
def desk() -> Desk:
    DESK.asked.clear()
    DESK.halted = ""
    return DESK


@pytest.fixture
def recorded() -> list[tuple[str, ...]]:
    RECORDED.clear()
    return RECORDED


def answer(people: WorkspaceClient, text: str, user: str = "U0BOB") -> str:
    """What the person who wrote the command sees."""
    seen = len(people.ephemerals(user))
    people.command(user, CHANNEL, text)
    return str(people.wait_for(lambda: people.ephemerals(user)[seen:], what=f"An answer to {text}")[0]["text"])


@pytest.mark.parametrize("command", ["/triage", "/triage a b", "/runbook", "/runbook run x", "/mate sail"])
def test_what_does_not_fit_is_answered_with_how_it_is_written(people, command: str):
    assert answer(people, command) == HELP[command.split()[0]]


def test_triage_and_run_tell_where_the_card_is(people, desk):
    assert "`orders-3`; the card is in <#C0DBALERTS>" in answer(people, "/triage orders-3")
    assert "`mysql/x` on `orders-3`" in answer(people, "/runbook run mysql/x orders-3")
    assert desk.asked == [
        ("U0BOB", "mysql/first-look", "orders-3", CHANNEL),
        ("U0BOB", "mysql/x", "orders-3", CHANNEL),
    ]


def test_runbooks_are_listed_and_shown_as_text(people):
    assert answer(people, "/runbook list") == "• `mysql/replication-lag` A replica &lt;falls&gt; behind `abcdef0`"
    shown = answer(people, "/runbook show mysql/x")
    assert "runbook: mysql/x" in shown
    assert "<!channel>" not in shown
    assert shown.count("```") == 2


def test_the_status_names_what_waits(people, desk):
    desk.halted = ":octagonal_sign: Halted by <@U0ALICE>"
    said = answer(people, "/mate status")
    for part in ("Halted by <@U0ALICE>", "`r-1`", "*waiting*", "2 messages wait for Slack"):
        assert part in said


def test_a_refusal_is_told_and_recorded(people, recorded):
    assert answer(people, "/mate resume") == ":no_entry: You are no admin."
    assert recorded == [("U0BOB", "/mate resume", "You are no admin.")]


def test_a_bug_is_told_by_its_number_alone(people, recorded, caplog):
    said = answer(people, "/runbook show broken")
    [(_, _, reason)] = recorded
    number = reason.removeprefix("bug ")
    assert number in said
    assert "a secret detail" not in said
    assert number in caplog.text


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("run.approve", ("U0BOB", "r-1", "d" * 64, "approve")),
        ("run.deny", ("U0BOB", "r-1", "d" * 64, "deny")),
        ("run.undo", ("U0BOB", "r-1", "d" * 64, "undo")),
    ],
)
def test_a_button_hands_over_who_pressed_what(people, web, desk, action, asked):
    blocks = [actions(button(action, "Press", f"r-1:{'d' * 64}"))]
    message = web.chat_postMessage(channel=CHANNEL, text="press", blocks=blocks)
    people.click("U0BOB", CHANNEL, str(message["ts"]), action)
    people.wait_for(lambda: desk.asked, what="The press")
    assert desk.asked == [asked]


def test_messages_of_people_are_acknowledged_and_left_alone(people, desk):
    people.say("U0BOB", CHANNEL, "hello firstmate")
    assert answer(people, "/mate halt drill") == ":octagonal_sign: All changes are halted."
    assert desk.asked == [("U0BOB", "halt", "drill")]
