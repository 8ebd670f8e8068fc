"""Commands, buttons and forms through the real Bolt: each is answered to its sender, also when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import create_autospec

import pytest
from slack_sdk import WebClient

from bot.config import Roles, Secret, SlackSettings
from bot.engine.preview import Preview
from bot.engine.run import Cause, Choice, Run, RunState
from bot.engine.user_commands import Commands
from bot.errors import NotAllowed, UnknownTarget, WrongUsage
from bot.guards.facts import Halt
from bot.lab.slack_workspace import WorkspaceClient, WorkspaceOptions, running_workspace
from bot.lab.slack_workspace.app_manifest import Manifest
from bot.lab.slack_workspace.model import Json
from bot.slack.authorize import Authorize
from bot.slack.blocks import actions, button
from bot.slack.bolt_app import build_app
from bot.slack.connection import SocketConnection
from bot.slack.lookups import Lookups, RunbookLine, Status, Why
from bot.slack.run_form import Field
from bot.slack.slash_commands import HELP
from bot.slack.sweep_command import SweepCommand
from bot.slack.user_directory import SlackDirectory
from tests.samples import NOW, run, waiting

CHANNEL = "C0DBALERTS"
DIGEST = "d" * 64
# Stand-ins that accept only the calls that the real objects accept. One connection serves all tests of this module, so
# a fixture resets them for each test.
COMMANDS: Any = create_autospec(Commands, instance=True, spec_set=True)
LOOKUPS: Any = create_autospec(Lookups, instance=True, spec_set=True)
SWEEPS: Any = create_autospec(SweepCommand, instance=True, spec_set=True)
RECORDED: list[tuple[str, ...]] = []


@pytest.fixture(scope="module")
def connected() -> Iterator[tuple[WorkspaceClient, WebClient]]:
    """A workspace in which the app is installed; its socket takes 3 s to close, so all tests share it."""
    with running_workspace(options=WorkspaceOptions(manifest=Manifest.shipped(), limits=False)) as workspace:
        tokens = workspace.state.tokens
        web = WebClient(token=tokens.bot_token, base_url=workspace.api_url, retry_handlers=[])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("APP_TOKEN", tokens.app_token)
            token = Secret(env="APP_TOKEN")
            settings = SlackSettings(bot_token=token, app_token=token, base_url=workspace.api_url)
            directory = SlackDirectory(web, Roles(), "T0LOCAL")
            authorize = Authorize(directory, web, "T0LOCAL", "A0FIRSTMATE", record)
            connection = SocketConnection(build_app(None, COMMANDS, LOOKUPS, SWEEPS, authorize, record), settings)
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
def commands() -> Any:
    """The commands: what opens a run again returns r-2, everything else r-1."""
    COMMANDS.reset_mock(return_value=True, side_effect=True)
    COMMANDS.triage.return_value = run(runbook="mysql/first-look", channel=CHANNEL)
    COMMANDS.ask.return_value = run(runbook="mysql/x", channel=CHANNEL)
    for each in (COMMANDS.retry, COMMANDS.break_glass):
        each.return_value = run(id="r-2")
    for each in (COMMANDS.pause, COMMANDS.stop, COMMANDS.go_on):
        each.return_value = run(state=RunState.CHANGING)
    return COMMANDS


@pytest.fixture
def lookups() -> Any:
    LOOKUPS.reset_mock(return_value=True, side_effect=True)
    fields = [Field("limit", "seconds", "How late is too late.", "30s"), Field("how", "enum", "", "a", ("a", "b"))]
    LOOKUPS.form.return_value = ("A replica falls behind", fields)
    return LOOKUPS


@pytest.fixture
def sweeps() -> Any:
    SWEEPS.reset_mock(return_value=True, side_effect=True)
    SWEEPS.sweep.return_value = "5 of 6 responded; no differences found."
    return SWEEPS


@pytest.fixture
def recorded() -> list[tuple[str, ...]]:
    RECORDED.clear()
    return RECORDED


def answer(people: WorkspaceClient, text: str, user: str = "U0BOB") -> str:
    """Sends a command, and returns the reply that its sender sees."""
    seen = len(people.ephemerals(user))
    people.command(user, CHANNEL, text)
    return str(people.wait_for(lambda: people.ephemerals(user)[seen:], what=f"An answer to {text}")[0]["text"])


@pytest.mark.parametrize(
    "command",
    [
        "/triage",
        "/triage a b",
        "/runbook",
        "/runbook plan x",
        "/mate sail",
        "/mate pause",
        "/mate stop all",
        "/mate break-glass",
    ],
)
def test_a_text_that_does_not_parse_is_answered_with_help(people, command: str):
    assert answer(people, command) == HELP[command.split()[0]]


def test_break_glass_passes_the_reason_on(people, commands):
    said = answer(people, "/mate break-glass r-1 the shop is down")
    assert "Started run `r-2`: freezes and cooldowns are overridden; approval is still required" in said
    commands.break_glass.assert_called_once_with("U0BOB", "r-1", "the shop is down")


@pytest.mark.parametrize(
    ("text", "command", "says"),
    [
        ("pause r-1", "pause", "`r-1`: *Change in progress*. It pauses before its next batch."),
        ("stop r-1", "stop", "`r-1`: *Change in progress*. It stops before its next batch."),
        ("resume r-1", "go_on", "`r-1`: *Change in progress*. It continues."),
        ("retry r-1", "retry", "Retrying `r-1` as `r-2`; the card is in <#C0DBALERTS>."),
    ],
)
def test_a_run_is_paused_stopped_continued_and_retried_by_its_number(
    people, commands, text: str, command: str, says: str
):
    assert answer(people, f"/mate {text}") == says
    getattr(commands, command).assert_called_once_with("U0BOB", "r-1")


def test_a_run_that_stops_at_once_is_reported_as_ended(people, commands):
    commands.stop.return_value = run(state=RunState.DENIED)
    assert answer(people, "/mate stop r-1") == "`r-1`: *Denied*."


def test_triage_and_run_name_the_channel_of_the_card(people, commands):
    assert answer(people, "/triage orders-3") == "Triaging `orders-3`; the card is in <#C0DBALERTS>."
    said = answer(people, "/runbook run mysql/x orders-3")
    assert said == "Running `mysql/x` on `orders-3`; the card is in <#C0DBALERTS>."
    commands.triage.assert_called_once_with("U0BOB", "orders-3", CHANNEL)
    commands.ask.assert_called_once_with("U0BOB", "mysql/x", "orders-3", CHANNEL)


@pytest.mark.parametrize("selector", ["cluster=orders", "shard=orders* role=replica", "all"])
def test_triage_of_a_selector_sweeps_and_posts_a_card_to_the_channel(people, sweeps, selector: str):
    assert (
        answer(people, f"/triage {selector}") == "5 of 6 responded; no differences found. The card is in <#C0DBALERTS>."
    )
    sweeps.sweep.assert_called_once_with("U0BOB", selector, CHANNEL)


def test_a_refused_sweep_is_answered_and_recorded(people, sweeps, recorded):
    sweeps.sweep.side_effect = NotAllowed("<@U0CAROL> is no operator.")
    assert "no operator" in answer(people, "/triage cluster=orders", user="U0CAROL")
    assert recorded == [("U0CAROL", "/triage cluster=orders", "<@U0CAROL> is no operator.")]


def test_runbooks_are_listed_and_shown_as_text(people, lookups):
    lookups.runbooks.return_value = [RunbookLine("mysql/replication-lag", "A replica <falls> behind", "abcdef0123")]
    lookups.sources.return_value = ["1 from /etc/runbooks (commit 1a2b3c4)."]
    listed = answer(people, "/runbook list").splitlines()
    assert listed == [
        "• `mysql/replication-lag` A replica &lt;falls&gt; behind `abcdef0`",
        "_1 from /etc/runbooks (commit 1a2b3c4)._",
    ]
    lookups.runbook_text.return_value = "runbook: mysql/x\n```<!channel>"
    shown = answer(people, "/runbook show mysql/x")
    lookups.runbook_text.assert_called_once_with("mysql/x")
    assert "runbook: mysql/x" in shown
    assert "<!channel>" not in shown
    assert shown.count("```") == 2


@pytest.mark.parametrize("asked", ["MySQLReplicationLag", "alertname=a, instance=b", "R1"])
def test_why_explains_each_runbook(people, lookups, asked):
    lookups.why.side_effect = lambda text: Why(
        text, "mysql/x answers it.", [("mysql/x", True, 'matches by a = "<b>"'), ("mysql/y", False, "no")]
    )
    assert answer(people, f"/runbook why {asked}").splitlines() == [
        f"`{asked}`: mysql/x answers it.",
        '• :heavy_check_mark: `mysql/x` matches by a = "&lt;b&gt;"',
        "• :heavy_minus_sign: `mysql/y` no",
    ]


def test_ack_ends_the_cooldowns_of_a_shard(people, commands):
    commands.acknowledge.return_value = "orders"
    assert answer(people, "/mate ack orders") == ":white_check_mark: Ended the cooldowns of `orders`."
    commands.acknowledge.assert_called_once_with("U0BOB", "orders")
    assert answer(people, "/mate ack") == HELP["/mate"]


def test_status_lists_the_halts_the_runs_and_the_waiting_messages(people, lookups):
    lookups.status.return_value = Status([Halt("U0ALICE", "drill", NOW)], [waiting()], 2)
    said = answer(people, "/mate status")
    for part in (
        "halted by <@U0ALICE>",
        "`r-1`",
        "*Waiting for approval*",
        "waits for approval by 1 approver",
        "2 messages are waiting",
    ):
        assert part in said


def test_status_says_that_there_are_more_runs_than_it_lists(people, lookups):
    lookups.status.return_value = Status([], [waiting()] * 16, 0)
    said = answer(people, "/mate status")
    assert said.count("`r-1`") == 15
    assert said.endswith("and others; `firstmate incident list` lists them")


def test_status_counts_one_waiting_message(people, lookups):
    lookups.status.return_value = Status([], [], 1)
    assert answer(people, "/mate status").endswith("1 message is waiting to be sent to Slack.")


def test_status_without_a_halt_says_that_changes_are_allowed(people, lookups):
    lookups.status.return_value = Status([], [], 0)
    assert answer(people, "/mate status").splitlines() == [
        ":arrow_forward: Changes are allowed.",
        "No runs in progress.",
    ]


def test_a_refusal_is_answered_and_recorded(people, commands, recorded):
    commands.resume.side_effect = NotAllowed("You are no admin.")
    assert answer(people, "/mate resume") == ":no_entry: You are no admin."
    assert recorded == [("U0BOB", "/mate resume", "You are no admin.")]


def test_resume_names_the_halts_that_remain(people, commands):
    commands.resume.return_value = [Halt("U0ALICE", "migration", NOW, "shard:orders")]
    said = answer(people, "/mate resume")
    commands.resume.assert_called_once_with("U0BOB", "")
    assert "All changes of orders have been halted by <@U0ALICE>" in said
    assert "An admin lifts it with /mate resume shard:orders." in said
    commands.resume.return_value = []
    assert answer(people, "/mate resume shard:orders") == ":arrow_forward: Changes are allowed again."


def test_a_bug_is_reported_by_its_number_alone(people, lookups, recorded, caplog):
    lookups.runbook_text.side_effect = RuntimeError("a secret detail")
    said = answer(people, "/runbook show broken")
    [(_, _, reason)] = recorded
    number = reason.removeprefix("bug ")
    assert number in said
    assert "a secret detail" not in said
    assert number in caplog.text


@pytest.mark.parametrize(
    ("action", "command", "arguments"),
    [
        ("run.approve", "decide", ("U0BOB", "r-1", DIGEST, Choice.APPROVE)),
        ("run.deny", "decide", ("U0BOB", "r-1", DIGEST, Choice.DENY)),
        ("run.undo", "undo", ("U0BOB", "r-1", DIGEST)),
        ("run.take", "take", ("U0BOB", "r-1")),
        ("run.hand_back", "hand_back", ("U0BOB", "r-1")),
        ("run.pause", "pause", ("U0BOB", "r-1")),
        ("run.stop", "stop", ("U0BOB", "r-1")),
        ("run.go_on", "go_on", ("U0BOB", "r-1")),
        ("run.retry", "retry", ("U0BOB", "r-1")),
    ],
)
def test_a_button_passes_on_its_run_and_who_pressed_it(people, web, commands, action, command, arguments):
    pressed = getattr(commands, command)
    blocks = [actions(button(action, "Press", f"r-1:{DIGEST}"))]
    message = web.chat_postMessage(channel=CHANNEL, text="press", blocks=blocks)
    people.click("U0BOB", CHANNEL, str(message["ts"]), action)
    people.wait_for(lambda: pressed.called, what="The press")
    pressed.assert_called_once_with(*arguments)


def test_messages_of_people_are_acknowledged_and_ignored(people, commands):
    people.say("U0BOB", CHANNEL, "hello firstmate")
    commands.halt.return_value = Halt("U0BOB", "drill", NOW)
    assert "All changes have been halted by <@U0BOB>" in answer(people, "/mate halt drill")
    commands.halt.assert_called_once_with("U0BOB", "drill")


def filled_in(people: WorkspaceClient, user: str = "U0BOB", **values: str) -> Json:
    """Opens the form, fills it in and submits it; returns what Slack would show then."""
    people.command(user, CHANNEL, "/runbook run mysql/replication-lag")
    people.wait_for(lambda: people.view(user), what="The form")
    return people.submit(user, {name.replace("_", ":"): {"value": value} for name, value in values.items()})


def test_run_without_an_instance_opens_a_form_whose_answers_are_the_inputs(people: WorkspaceClient, commands, lookups):
    people.command("U0BOB", CHANNEL, "/runbook run mysql/replication-lag")
    view = people.wait_for(lambda: people.view("U0BOB"), what="The form")
    lookups.form.assert_called_once_with("U0BOB", "mysql/replication-lag")
    assert [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"] == [
        "Instance",
        "Limit",
        "How",
    ]
    assert view["blocks"][2]["element"]["initial_value"] == "30s"
    seen = len(people.ephemerals("U0BOB"))
    people.submit(
        "U0BOB", {"instance": {"value": "orders-3"}, "input:limit": {"value": "5m"}, "input:how": {"value": "b"}}
    )
    says = people.wait_for(lambda: people.ephemerals("U0BOB")[seen:], what="The answer")[0]["text"]
    assert "the card is in" in says
    inputs = {"limit": "5m", "how": "b"}
    commands.ask.assert_called_once_with("U0BOB", "mysql/replication-lag", "orders-3", CHANNEL, inputs)


@pytest.mark.parametrize(
    ("error", "values", "field", "says"),
    [
        (
            UnknownTarget("The inventory knows no instance 'nobody'."),
            {"instance": "nobody"},
            "instance",
            "knows no instance 'nobody'",
        ),
        (
            WrongUsage("mysql/replication-lag: input 'limit': 'soon' is not a duration."),
            {"instance": "orders-3", "input_limit": "soon"},
            "input:limit",
            "'soon' is not a duration",
        ),
    ],
)
def test_a_value_that_is_not_accepted_is_marked_at_its_field(
    people: WorkspaceClient,
    commands,
    lookups,
    recorded: list[tuple[str, ...]],
    error: Exception,
    values: dict[str, str],
    field: str,
    says: str,
):
    commands.ask.side_effect = error
    shown = filled_in(people, **values)
    assert says in shown["errors"][field]
    assert recorded[-1][:2] == ("U0BOB", "run.form")
    people.act("U0BOB", "close_view")


def test_a_person_without_the_role_gets_no_form(people: WorkspaceClient, lookups):
    lookups.form.side_effect = NotAllowed("<@U0CAROL> is no operator.")
    assert "no operator" in answer(people, "/runbook run mysql/replication-lag", user="U0CAROL")
    assert people.view("U0CAROL") is None


def test_plan_shows_the_statements_the_guards_and_why_it_is_not_offered(people: WorkspaceClient, commands):
    planned: Run = waiting(causes=(Cause("x", "holds", "It is late."),))
    commands.plan.return_value = Preview(planned, {}, None, "All changes are halted.")
    says = answer(people, "/runbook plan mysql/replication-stopped orders-3 start_applier")
    commands.plan.assert_called_once_with("U0BOB", "mysql/replication-stopped", "orders-3", "start_applier")
    assert "It is late." in says
    assert "```START REPLICA SQL_THREAD```" in says
    assert "nothing was requested or changed" in says
    assert "Not offered: All changes are halted." in says
