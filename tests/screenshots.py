"""The pictures of the documentation: a shipped runbook's card and thread in the local workspace.

`make screenshots` (`python -m tests.screenshots`) writes `docs/images/*.png` with Chromium, and beside them the text of
the messages. A test compares that text with what the code draws now, so a changed card asks for new pictures.

Diagnosis, plan, guards, verification and cards are the product's own; only the servers' answers are written here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import sync_playwright
from slack_sdk import WebClient

import bot
from actions.contract import Flavour, MySQL, ServerVersion
from bot.alerts import Alert, AlertStatus
from bot.config import DatabaseUser, Instance, Role, Secret, Shard
from bot.engine.gather_evidence import Gatherer, as_json, view
from bot.engine.plan import Outcome, Plan
from bot.engine.planner import Observations, Planner
from bot.engine.ports import Fleet, Identity
from bot.engine.run import Cause, Choice, Decision, Event, Run, RunState, Step, StepStatus
from bot.engine.run_summary import ended
from bot.engine.target_selection import described
from bot.engine.targets import Target
from bot.guards import judge
from bot.guards.facts import Facts, Place, Radius, Spent, Stage
from bot.lab.slack_workspace import Workspace, WorkspaceOptions, running_workspace
from bot.runbook.diagnosis.card_fields import render_card_fields
from bot.runbook.diagnosis.causes import diagnose
from bot.runbook.diagnosis.remedies import rebuild
from bot.runbook.language.schema import Runbook
from bot.runbook.language.tests_schema import Test
from bot.runbook.library.load_runbooks import load_file, shipped_folder
from bot.runbook.testing.run_tests import evidence_of
from bot.slack.run_messages import render
from tests.browser_fixture import ARGUMENTS, CHROMIUM

IMAGES = Path(bot.__file__).parents[1] / "docs/images"
TEXT = IMAGES / "thread.txt"
CHANNEL, APPROVER, RUNBOOK, REMEDY = "C0DBALERTS", "U0BOB", "mysql/replication-stopped", "start_applier"
OPENED = datetime(2026, 3, 1, 3, 12, 7, tzinfo=UTC)
IDENTITY = Identity("3e11fa47-71ca-11e1-9e33-c80aa9429562", Role.REPLICA, "it replicates from db1.internal:3306")
EVIDENCE: Mapping[str, Any] = {
    "replica": {
        "configured": True,
        "receiver_running": "Yes",
        "applier_running": "No",
        "applier_errno": 1205,
        "applier_error": "Lock wait timeout exceeded; try restarting transaction",
    },
    "siblings": [
        {"configured": True, "receiver_running": "Yes", "applier_running": "Yes"},
        {"configured": True, "receiver_running": "Yes", "applier_running": "No"},
    ],
}
STOPPED = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "No", "Last_SQL_Errno": 1205}
APPLIED = {
    "Source_Log_File": "binlog.000042",
    "Read_Source_Log_Pos": 900,
    "Relay_Source_Log_File": "binlog.000042",
    "Exec_Source_Log_Pos": 900,
}
RUNNING = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 0, **APPLIED}


@dataclass(frozen=True, slots=True)
class ReplicaServer:
    """Implements actions.contract.MySQL: a replica whose status is the given row."""

    address: str
    status: Mapping[str, Any]

    @property
    def version(self) -> ServerVersion:
        return ServerVersion(Flavour.MYSQL, (8, 4, 6))

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Any]:
        if "INNODB_TRX" in sql or "VARIABLES" in sql:
            return []
        assert sql == "SHOW REPLICA STATUS", sql
        return [dict(self.status)]

    def pause(self, seconds: float) -> None:
        """The status does not change with time."""


@dataclass(frozen=True, slots=True)
class OneShard:
    """The part of a fleet that planning needs."""

    shard: Shard

    def targets(self) -> list[Target]:
        return [Target(instance, self.shard) for instance in self.shard.instances]

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type) -> Iterator[MySQL]:
        yield ReplicaServer(instance.address, STOPPED)

    def identify(self, db: MySQL) -> Identity:
        return IDENTITY


def fleet() -> OneShard:
    """A primary with two replicas."""
    user = DatabaseUser(user="firstmate_reader", password=Secret(env="NONE"))
    instances = tuple(
        Instance(name=f"orders-{n}", host=f"db{n}.internal", role=Role.PRIMARY if n == 1 else Role.REPLICA)
        for n in (1, 2, 3)
    )
    return OneShard(Shard(name="orders", flavour="mysql", instances=instances, reader=user, changer=user))


def waiting() -> Run:
    """A run that has found its cause and asks for the approval of its remedy."""
    runbook = load_file(shipped_folder() / f"{RUNBOOK}.yml", shipped_folder())
    servers = fleet()
    target = servers.targets()[2]
    evidence = evidence_of(runbook, Test.model_validate({"given": EVIDENCE, "expect": {}}))
    here = cast(Mapping[str, str | int], view(target))
    diagnosis = diagnose(runbook, evidence, {}, here)
    planner = Planner(cast(Fleet, servers), Gatherer(cast(Fleet, servers)), lambda _: runbook)
    plan, _ = planner.plan(Observations(runbook, target, evidence, {}, {}), REMEDY)
    asked = OPENED + timedelta(seconds=1)
    labels = {"alertname": "MySQLReplicationStopped", "instance": target.instance.address, "severity": "critical"}
    return Run(
        id="r-4f2a91",
        incident="i-4f2a91",
        channel=CHANNEL,
        state=RunState.WAITING,
        opened_at=OPENED,
        alert=Alert(labels, AlertStatus.FIRING, OPENED),
        requester="firstmate",
        runbook=runbook.runbook,
        runbook_digest="3fa9c1e".ljust(64, "0"),  # fixed: edits elsewhere in the runbook do not count
        runbook_text="",
        title=runbook.title,
        target=target.name,
        shard=target.shard.name,
        steps=_steps(runbook, evidence),
        shown=render_card_fields(runbook, evidence, {}, here),
        causes=tuple(Cause(c.id, c.verdict.value, c.says, c.remedies) for c in diagnosis.causes),
        plan=plan,
        verdicts=judge(_facts(plan, asked)),
        says="The change waits for 1 approval.",
        expires_at=asked + timedelta(minutes=5),
        timeline=(Event(OPENED, "alert received"), Event(asked, "requested approval of mysql.start_replica")),
    )


def mended() -> Run:
    """The same run after its change was approved, made and verified, and the alert resolved."""
    run = waiting()
    assert run.plan is not None
    [change] = run.plan.changes
    verified = rebuild(change.action, change.parameters).verify(ReplicaServer(change.address, RUNNING))
    approved, done = OPENED + timedelta(seconds=48), OPENED + timedelta(seconds=51)
    told = ended(replace(run, outcomes=(Outcome(0, "mended", verified.says),)), run.plan)
    return replace(
        told,
        decisions=(Decision(APPROVER, Choice.APPROVE, run.plan.digest, approved),),
        resolved_at=done + timedelta(seconds=9),
        timeline=(*told.timeline, Event(approved, f"approved by <@{APPROVER}>"), Event(done, told.says)),
    )


def _steps(runbook: Runbook, evidence: Mapping[str, object]) -> tuple[Step, ...]:
    return tuple(
        Step(name, step.use, described(step.on), StepStatus.DONE, evidence=as_json(evidence[name]))
        for name, step in runbook.gather.items()
    )


def _facts(plan: Plan, now: datetime) -> Facts:
    [change] = plan.changes
    server, role, says = IDENTITY.server, IDENTITY.role, IDENTITY.says
    return Facts(
        stage=Stage.BEFORE_ASKING,
        now=now,
        halt=None,
        caller="firstmate",
        caller_may_ask=True,
        caller_says="An alert opened this run; Firstmate may propose a change but never approve it.",
        places=(Place(change.target, role, role, says, server, server, check_says=None, may_change=True),),
        shard="orders",
        holder=None,
        holder_until=None,
        autonomy="suggest",
        approvals_needed=1,
        approvers=(),
        discounted=(),
        denied_by=None,
        expires_at=None,
        approved_digest=None,
        plan_digest=plan.digest,
        frozen=None,
        earlier=None,
        flapping=None,
        override=None,
        taken_by=None,
        budgets=(Spent(change.action, 0, 1, 10), Spent("orders", 0, 1, 10), Spent("the fleet", 2, 1, 30)),
        radius=Radius(replicas=2, changed=1, most=2),
        floor=None,
    )


def text() -> str:
    """The text of every message of both pictures, one line for each part of it."""
    lines = []
    for run in (waiting(), mended()):
        for message in render(run):
            if "blocks" in message.payload:  # of a file the pictures show its name alone
                drawn = [message.payload["blocks"], message.payload.get("attachments", [])]
                lines += [f"== {message.key}", *_texts(drawn)]
    return "\n".join(lines) + "\n"


def _texts(block: object) -> Iterator[str]:
    if isinstance(block, Mapping):
        if isinstance(block.get("text"), str):
            yield block["text"]
        for value in block.values():
            yield from _texts(value)
    elif isinstance(block, list | tuple):
        for each in block:
            yield from _texts(each)


def post(workspace: Workspace, run: Run) -> str:
    """Posts the messages of a run as the bot would, and returns the address of the thread."""
    at = iter(range(100))
    workspace.state.messages._clock = lambda: (OPENED + timedelta(seconds=next(at))).timestamp()
    web = WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url)
    root: str | None = None
    for message in render(run):
        if "file" in message.payload:
            given = message.payload["file"]
            web.files_upload_v2(
                channel=CHANNEL, thread_ts=root, title=given["title"], filename="evidence.txt", content=given["text"]
            )
            continue
        posted = web.chat_postMessage(channel=CHANNEL, thread_ts=root, **message.payload)
        root = root or str(posted["ts"])
    return f"{workspace.url}/c/{CHANNEL}?thread={root}"


def main() -> int:
    """Writes the pictures and their text."""
    if not CHROMIUM:
        sys.stderr.write("Chromium is not on PATH; install it, or set CHROMIUM to its path.\n")
        return 2
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        for name, run in (("approval", waiting()), ("thread", mended())):
            with running_workspace(options=WorkspaceOptions(limits=False)) as workspace:
                context = browser.new_context(viewport={"width": 1360, "height": 880}, timezone_id="UTC")
                page = context.new_page()
                page.goto(post(workspace, run))
                page.wait_for_selector("[data-live]")
                page.screenshot(path=IMAGES / f"{name}.png")
                context.close()
        browser.close()
    TEXT.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
