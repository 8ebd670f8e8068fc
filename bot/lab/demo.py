"""The demo: something breaks on real servers, and is mended from Slack; with a person, or once without."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from bot.config import load
from bot.errors import Exit, Unreachable
from bot.lab.bot_process import running_bot
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import Fault
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.lab.lifecycle import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar
from bot.lab.replication import replicates
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Json
from bot.lab_location import FOLDER
from bot.store import audit
from bot.store.database import Database
from bot.store.open import open_database

CHANNEL, APPROVER = "C0DBALERTS", "U0BOB"
WITHIN = 120.0
"""Seconds for each thing that is waited for; all of them together are a bounded time."""

err = Console(stderr=True)


@dataclass(frozen=True)
class DemoScenario:
    """What breaks, where, and how one sees that it is whole again."""

    fault: str
    alert: str
    place: str
    vitess: bool
    broken: str
    well: str
    ill: str
    is_well: Callable[[LabState, Fault], bool]


REPLICATION = DemoScenario(
    fault="replication_stopped",
    alert="MySQLReplicationStopped",
    place="orders-3",
    vitess=False,
    broken="The applier of orders-3 is broken",
    well="the replica replicates",
    ill="the replica does NOT replicate",
    is_well=lambda state, _: replicates(state.instance("orders-3")),
)
SCHEMA_CHANGE = DemoScenario(
    fault="ddl_cannot_cut_over",
    alert="OnlineDDLStuck",
    place="commerce/-80",
    vitess=True,
    broken="A schema change of commerce/-80 cannot cut over",
    well="the schema change is complete",
    ill="the schema change is NOT complete",
    is_well=lambda state, fault: not check_passes(state, fault, fault.file.shows),
)


@dataclass
class Transcript:
    """What happened when, from the fault on; printed as it comes."""

    as_json: bool
    began: float = field(default_factory=time.time)
    events: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, event: str, says: str, *, at: float | None = None, **details: object) -> None:
        """Prints one event with its seconds since the fault."""
        entry = {"event": event, "t": round((at or time.time()) - self.began, 3), "says": says, **details}
        self.events.append(entry)
        if self.as_json:
            sys.stdout.write(json.dumps(entry) + "\n")
        else:
            sys.stdout.write(f"{entry['t']:8.2f} s  {event:<12} {says}\n")
        sys.stdout.flush()

    def at(self, event: str) -> float | None:
        """Seconds of the first event of this name."""
        return next((float(e["t"]) for e in self.events if e["event"] == event), None)


@dataclass
class DemoObserver:
    """Looks at the lab, the workspace and the audit log from outside, as a person would."""

    story: DemoScenario
    state: LabState
    workspace: WorkspaceClient
    database: Database

    def audited(self, event: str) -> float:
        """Waits for an event of the audit log and returns when it was; of alerts, those of the story alone count."""

        def fits(entry: audit.Entry) -> bool:
            about = not event.startswith("alert.") or self.story.alert in f"{entry.subject} {entry.data}"
            return entry.event == event and about

        def look() -> float | None:
            with self.database.reading() as connection:
                found = [e for e in audit.entries(connection, newest=200) if fits(e)]
            return datetime.fromisoformat(found[-1].at).timestamp() if found else None

        return self.workspace.wait_for(look, WITHIN, f"The event {event}")

    def becomes_well(self, fault: Fault) -> bool:
        """Whether what broke is whole again, in good time."""
        try:
            return bool(self.workspace.wait_for(lambda: self.story.is_well(self.state, fault), WITHIN, self.story.well))
        except Unreachable:
            return False

    def firing(self) -> float:
        """Waits until Alertmanager has the alert, and returns since when it fires by Prometheus's own word."""

        def look() -> float | None:
            url = f"{self.state.urls.alertmanager}/api/v2/alerts"
            found = requests.get(url, params={"filter": f"alertname={self.story.alert}"}, timeout=5).json()
            return datetime.fromisoformat(found[0]["startsAt"]).timestamp() if found else None

        return self.workspace.wait_for(look, WITHIN, f"The alert {self.story.alert}")

    def journal(self, method: str, fits: Callable[[Json], bool], what: str) -> Json:
        """Waits for a call of the Web API that fits."""
        return self.workspace.wait_for(
            lambda: next((e for e in self.workspace.journal(kind="api") if _calls(e, method) and fits(e)), None),
            WITHIN,
            what,
        )

    def message(self, action: str) -> Json:
        """Waits for the message with this button, in the channel or a thread."""
        return self.workspace.wait_for(
            lambda: next((m for m in _with_replies(self.workspace.messages(CHANNEL)) if _has_button(m, action)), None),
            WITHIN,
            f"A message with {action}",
        )


def run_unattended(story: DemoScenario, *, as_json: bool) -> int:
    """Plays it without a person and leaves nothing running; 0 only when what broke is really whole again."""
    folder = Path(tempfile.mkdtemp(prefix="firstmate-demo-"))
    reporter = NoProgress() if as_json else ProgressBar()
    try:
        if isinstance(reporter, ProgressBar):
            with reporter:
                state = bring_up(folder, progress=reporter, vitess=story.vitess)
        else:
            state = bring_up(folder, progress=reporter, vitess=story.vitess)
        with running_bot(state.config, log=folder / "logs" / "bot.log"):
            mended = _observe(story, state, Transcript(as_json))
    finally:
        tear_down(folder)
    return Exit.DONE if mended else Exit.FOUND


def _observe(story: DemoScenario, state: LabState, transcript: Transcript) -> bool:
    database = open_database(load(state.config), exclusive=False)
    watcher = DemoObserver(story, state, WorkspaceClient(state.urls.workspace), database)
    try:
        return _run_steps(watcher, transcript)
    except Unreachable as error:
        transcript.tell("failed", str(error))
        return False
    finally:
        database.close()


def _run_steps(watcher: DemoObserver, transcript: Transcript) -> bool:
    """The events in the order in which they come."""
    story = watcher.story
    fault = inject_fault(watcher.state.folder, story.fault)
    transcript.began = time.time()
    transcript.tell("fault", f"{fault.says} on {story.place}", instance=story.place, fault=story.fault)
    transcript.tell("firing", f"{story.alert} fires in Prometheus", at=watcher.firing(), alert=story.alert)
    webhook = watcher.audited("alert.received")
    transcript.tell("webhook", "Alertmanager's webhook is stored and answered", at=webhook)
    card = watcher.journal("chat.postMessage", lambda e: story.alert in str(e), "The first card")
    transcript.tell(
        "card",
        "the card stands in the channel",
        at=_call_time(card),
        after_webhook=round(_call_time(card) - webhook, 3),
    )
    cause = watcher.journal("chat.update", lambda e: story.alert in str(e) and ": Looking" not in str(e), "The cause")
    says = str(_arguments(cause).get("text", ""))
    transcript.tell("cause", says, at=_call_time(cause), after_webhook=round(_call_time(cause) - webhook, 3))
    approval = watcher.message("run.approve")
    statements = _statements(approval)
    transcript.tell("approval", f"asked for: {'; '.join(statements)}", statements=statements)
    watcher.workspace.click(
        APPROVER, CHANNEL, str(approval["ts"]), "run.approve", _button_value(approval, "run.approve")
    )
    transcript.tell("approved", f"{APPROVER} pressed Approve", at=watcher.audited("approval.decided"))
    transcript.tell("change", "the change runs", at=watcher.audited("change.started"))
    endings = [
        (watcher.audited("run.mended"), "verified", "the thread says: mended and verified"),
        (watcher.audited("alert.resolved"), "resolved", "the alert resolved, in the same thread"),
    ]
    for at, event, told in sorted(endings):
        transcript.tell(event, told, at=at)
    mended = watcher.becomes_well(fault)
    transcript.tell("end", story.well if mended else story.ill, mended=mended)
    return mended


def run_interactive(story: DemoScenario) -> int:
    """Plays it with a person: brings up lab, workspace and bot, breaks something, and waits for Ctrl-C."""
    folder = Path(FOLDER)
    try:
        with ProgressBar() as reporter:
            state = bring_up(folder, progress=reporter, vitess=story.vitess)
        with running_bot(state.config, log=folder / "logs" / "bot.log"):
            inject_fault(folder, story.fault)
            err.print(f"\n{story.broken}. In a moment [bold]#db-alerts[/] tells what happened:")
            err.print(f"    [bold]{state.urls.workspace}[/]\n")
            err.print("Act as Bob, press Approve, and see it mended. Ctrl-C ends the demo and everything it started.")
            webbrowser.open(state.urls.workspace)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        err.print("\nEnding; nothing stays behind.")
        return Exit.DONE
    finally:
        tear_down(folder)


def _calls(entry: Json, method: str) -> bool:
    return bool(entry.get("name") == method)


def _call_time(entry: Json) -> float:
    return float(entry["t"])


def _arguments(entry: Json) -> Json:
    found: Json = entry.get("args") or {}
    return found


def _with_replies(messages: list[Json]) -> list[Json]:
    return [each for message in messages for each in (message, *message.get("replies", []))]


def _elements(message: Json) -> list[Json]:
    return [e for block in message.get("blocks") or [] for e in block.get("elements") or [] if isinstance(e, dict)]


def _has_button(message: Json, action: str) -> bool:
    return any(element.get("action_id") == action for element in _elements(message))


def _button_value(message: Json, action: str) -> str:
    return next(str(e["value"]) for e in _elements(message) if e.get("action_id") == action)


def _statements(message: Json) -> list[str]:
    """The statements of an approval card, as it shows them."""
    texts = [e["elements"][0]["text"] for e in _elements(message) if e.get("type") == "rich_text_preformatted"]
    return texts[0].splitlines() if texts else []
