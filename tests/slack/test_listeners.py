"""Commands and buttons through the real Bolt: each answered to the one who asked, also when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from slack_sdk import WebClient

from bot.config import Roles, Secret, SlackSettings
from bot.engine.run import Cause, Choice, Run, RunState
from bot.errors import NotAllowed, UnknownTarget, WrongUsage
from bot.lab.workspace import Options, WorkspaceClient, running_workspace
from bot.lab.workspace.manifest import Manifest
from bot.lab.workspace.model import Json
from bot.slack.authorise import Authorise
from bot.slack.blocks import actions, button
from bot.slack.connection import SocketConnection
from bot.slack.desk import RunbookLine, Status, Why
from bot.slack.directory import SlackDirectory
from bot.slack.listeners import HELP, build_app
from bot.slack.run_form import Field
from tests.samples import run, waiting

CHANNEL = "C0DBALERTS"


@dataclass
class Publisher:
    """Stands where the engine stands; keeps what it was asked."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    halted: str = ""

    def triage(self, user: str, instance: str, channel: str) -> Run:
        return self.ask(user, "mysql/first-look", instance, channel)

    def sweep(self, user: str, selector: str, channel: str) -> str:
        if user == "U0CAROL":
            raise NotAllowed("<@U0CAROL> is no operator.")
        self.asked.append((user, "sweep", selector, channel))
        return "5 of 6 answered, all alike."

    def ask(self, user: str, runbook: str, instance: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        if instance == "nobody":
            raise UnknownTarget("The inventory knows no instance 'nobody'.")
        if (inputs or {}).get("limit") == "soon":
            raise WrongUsage("mysql/replication-lag: input 'limit': 'soon' is not a duration.")
        given = [f"{name}={value}" for name, value in (inputs or {}).items()]
        self.asked.append((user, runbook, instance, channel, *given))
        return run(runbook=runbook, target=instance, channel=channel)

    def form(self, user: str, runbook: str) -> tuple[str, Sequence[Field]]:
        if user == "U0CAROL":
            raise NotAllowed("<@U0CAROL> is no operator.")
        fields = [Field("limit", "seconds", "How late is too late.", "30s"), Field("how", "enum", "", "a", ("a", "b"))]
        return "A replica falls behind", fields

    def plan(self, user: str, runbook: str, instance: str, remedy: str) -> tuple[Run, str]:
        self.asked.append((user, "plan", runbook, instance, remedy))
        return waiting(causes=(Cause("x", "holds", "It is late."),)), "All changes are halted."

    def runbooks(self) -> Sequence[RunbookLine]:
        return [RunbookLine("mysql/replication-lag", "A replica <falls> behind", "abcdef0123")]

    def why(self, asked: str) -> Why:
        return Why(asked, "mysql/x answers it.", [("mysql/x", True, 'matches by a = "<b>"'), ("mysql/y", False, "no")])

    def sources(self) -> Sequence[str]:
        return ["1 from /etc/runbooks (commit 1a2b3c4)."]

    def acknowledge(self, user: str, shard: str) -> str:
        self.asked.append((user, "ack", shard))
        return shard

    def break_glass(self, user: str, run_id: str, reason: str) -> Run:
        self.asked.append((user, "break glass", run_id, reason))
        return run(id="r-2")

    def pause(self, user: str, run_id: str) -> Run:
        self.asked.append((user, "pause", run_id))
        return run(id=run_id)

    def stop(self, user: str, run_id: str) -> Run:
        self.asked.append((user, "stop", run_id))
        return run(id=run_id)

    def go_on(self, user: str, run_id: str) -> Run:
        self.asked.append((user, "go on", run_id))
        return run(id=run_id)

    def retry(self, user: str, run_id: str) -> Run:
        self.asked.append((user, "retry", run_id))
        return run(id="r-2")

    def take(self, user: str, run_id: str, back: bool) -> Run:
        self.asked.append((user, "hand back" if back else "take", run_id))
        return run()

    def runbook_text(self, name: str) -> str:
        if name == "broken":
            raise RuntimeError("a secret detail")
        return f"runbook: {name}\n```<!channel>"

    def status(self) -> Status:
        return Status(self.halted, [waiting()], 2)

    def halt(self, user: str, reason: str) -> str:
        self.asked.append((user, "halt", reason))
        return "All changes are halted."

    def resume(self, user: str, scope: str) -> str:
        raise NotAllowed("You are no admin.")

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        self.asked.append((user, run_id, digest, choice.value))
        return run(state=RunState.APPROVED)

    def undo(self, user: str, run_id: str, digest: str) -> Run:
        self.asked.append((user, run_id, digest, "undo"))
        return run(state=RunState.MENDED)


DESK = Publisher()
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
def desk() -> Publisher:
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
def test_what_does_not_fit_is_answered_with_how_it_is_written(people, command: str):
    assert answer(people, command) == HELP[command.split()[0]]


def test_who_breaks_the_glass_gives_a_reason(people, desk):
    assert "`r-2` looks again past freeze and cooldown" in answer(people, "/mate break-glass r-1 the shop is down")
    assert desk.asked == [("U0BOB", "break glass", "r-1", "the shop is down")]


@pytest.mark.parametrize(
    ("text", "asked", "says"),
    [
        ("pause r-1", "pause", "It waits before its next turn: `r-1`"),
        ("stop r-1", "stop", "It stops: `r-1`"),
        ("resume r-1", "go on", "It goes on: `r-1`"),
        ("retry r-1", "retry", "Trying `r-1` again as `r-2`"),
    ],
)
def test_a_run_is_held_up_by_its_number(people, desk, text: str, asked: str, says: str):
    assert says in answer(people, f"/mate {text}")
    assert desk.asked == [("U0BOB", asked, "r-1")]


def test_triage_and_run_tell_where_the_card_is(people, desk):
    assert "`orders-3`; the card is in <#C0DBALERTS>" in answer(people, "/triage orders-3")
    assert "`mysql/x` on `orders-3`" in answer(people, "/runbook run mysql/x orders-3")
    assert desk.asked == [
        ("U0BOB", "mysql/first-look", "orders-3", CHANNEL),
        ("U0BOB", "mysql/x", "orders-3", CHANNEL),
    ]


@pytest.mark.parametrize("selector", ["cluster=orders", "shard=orders* role=replica", "all"])
def test_triage_of_a_selector_is_a_sweep_whose_card_stands_in_the_channel(people, desk, selector: str):
    assert answer(people, f"/triage {selector}") == "5 of 6 answered, all alike. The card is in <#C0DBALERTS>."
    assert desk.asked == [("U0BOB", "sweep", selector, CHANNEL)]


def test_who_may_not_sweep_is_told_and_recorded(people, desk, recorded):
    assert "no operator" in answer(people, "/triage cluster=orders", user="U0CAROL")
    assert recorded == [("U0CAROL", "/triage cluster=orders", "<@U0CAROL> is no operator.")]
    assert desk.asked == []


def test_runbooks_are_listed_and_shown_as_text(people):
    listed = answer(people, "/runbook list").splitlines()
    assert listed[0] == "• `mysql/replication-lag` A replica &lt;falls&gt; behind `abcdef0`"
    assert listed[1] == "_1 from /etc/runbooks (commit 1a2b3c4)._"
    shown = answer(people, "/runbook show mysql/x")
    assert "runbook: mysql/x" in shown
    assert "<!channel>" not in shown
    assert shown.count("```") == 2


@pytest.mark.parametrize("asked", ["MySQLReplicationLag", "alertname=a, instance=b", "R1"])
def test_why_tells_every_runbook_s_reason(people, asked):
    assert answer(people, f"/runbook why {asked}").splitlines() == [
        f"`{asked}`: mysql/x answers it.",
        '• :heavy_check_mark: `mysql/x` matches by a = "&lt;b&gt;"',
        "• :heavy_minus_sign: `mysql/y` no",
    ]


def test_a_cooldown_is_ended_by_who_looked(people, desk):
    assert answer(people, "/mate ack orders") == ":white_check_mark: The cooldowns of `orders` are over."
    assert desk.asked == [("U0BOB", "ack", "orders")]
    assert answer(people, "/mate ack") == HELP["/mate"]


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
        ("run.take", ("U0BOB", "take", "r-1")),
        ("run.hand_back", ("U0BOB", "hand back", "r-1")),
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


def filled_in(people: WorkspaceClient, user: str = "U0BOB", **values: str) -> Json:
    """Opens the form, fills it in and submits it; gives what Slack would show then."""
    people.command(user, CHANNEL, "/runbook run mysql/replication-lag")
    people.wait_for(lambda: people.view(user), what="The form")
    return people.submit(user, {name.replace("_", ":"): {"value": value} for name, value in values.items()})


def test_run_without_an_instance_opens_a_form_whose_answers_are_the_inputs(people: WorkspaceClient, desk: Publisher):
    people.command("U0BOB", CHANNEL, "/runbook run mysql/replication-lag")
    view = people.wait_for(lambda: people.view("U0BOB"), what="The form")
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
    assert desk.asked == [("U0BOB", "mysql/replication-lag", "orders-3", CHANNEL, "limit=5m", "how=b")]


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"instance": "nobody"}, "instance", "knows no instance 'nobody'"),
        ({"instance": "orders-3", "input_limit": "soon"}, "input:limit", "'soon' is not a duration"),
    ],
)
def test_what_does_not_fit_is_marked_at_its_field(
    people: WorkspaceClient,
    desk: Publisher,
    recorded: list[tuple[str, ...]],
    values: dict[str, str],
    field: str,
    says: str,
):
    shown = filled_in(people, **values)
    assert says in shown["errors"][field]
    assert desk.asked == []
    assert recorded[-1][:2] == ("U0BOB", "run.form")
    people.act("U0BOB", "close_view")


def test_who_may_not_run_gets_no_form(people: WorkspaceClient):
    assert "no operator" in answer(people, "/runbook run mysql/replication-lag", user="U0CAROL")
    assert people.view("U0CAROL") is None


def test_plan_shows_the_statements_the_guards_and_why_it_is_not_offered(people: WorkspaceClient, desk: Publisher):
    says = answer(people, "/runbook plan mysql/replication-stopped orders-3 start_applier")
    assert desk.asked == [("U0BOB", "plan", "mysql/replication-stopped", "orders-3", "start_applier")]
    assert "It is late." in says
    assert "```START REPLICA SQL_THREAD```" in says
    assert "nothing was requested or changed" in says
    assert "Not offered: All changes are halted." in says
