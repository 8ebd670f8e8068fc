"""The demo: a fault on real servers becomes an alert and is resolved from Slack, interactively or unattended."""

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
from bot.engine.run import RunState
from bot.errors import Exit, Unreachable
from bot.lab.bot_process import running_bot
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import Fault
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar
from bot.lab.replication import replicates
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Json
from bot.lab_location import FOLDER
from bot.store import audit_log
from bot.store.database import Database
from bot.store.open_database import open_database

INVESTIGATING = f": {RunState.TRIAGING.label}"
"""Ends the first line of a card whose cause is not known yet."""

CHANNEL, APPROVER = "C0DBALERTS", "U0BOB"
WITHIN = 120.0
"""Seconds for each event."""

err = Console(stderr=True)


@dataclass(frozen=True)
class DemoScenario:
    """What breaks, where, and how to tell that it is resolved."""

    fault: str
    alert: str
    place: str
    vitess: bool
    introduction: str
    resolved: str
    unresolved: str
    is_resolved: Callable[[LabState, Fault], bool]


REPLICATION = DemoScenario(
    fault="replication_stopped",
    alert="MySQLReplicationStopped",
    place="orders-3",
    vitess=False,
    introduction="The replication applier of orders-3 has failed",
    resolved="replication on orders-3 is running",
    unresolved="replication on orders-3 is NOT running",
    is_resolved=lambda state, _: replicates(state.instance("orders-3")),
)
SCHEMA_CHANGE = DemoScenario(
    fault="ddl_cannot_cut_over",
    alert="OnlineDDLStuck",
    place="commerce/-80",
    vitess=True,
    introduction="A schema change of commerce/-80 cannot cut over",
    resolved="the schema change is complete",
    unresolved="the schema change is NOT complete",
    is_resolved=lambda state, fault: not check_passes(state, fault, fault.file.shows),
)


@dataclass
class Transcript:
    """The events since the fault, printed as they happen."""

    as_json: bool
    began: float = field(default_factory=time.time)
    events: list[dict[str, Any]] = field(default_factory=list)

    def record(self, event: str, says: str, *, at: float | None = None, **details: object) -> None:
        """Prints one event with the seconds since the fault."""
        entry = {"event": event, "t": round((at or time.time()) - self.began, 3), "says": says, **details}
        self.events.append(entry)
        if self.as_json:
            sys.stdout.write(json.dumps(entry) + "\n")
        else:
            sys.stdout.write(f"{entry['t']:8.2f} s  {event:<12} {says}\n")
        sys.stdout.flush()

    def at(self, event: str) -> float | None:
        """Returns the seconds from the fault to the first event of this name; None without one."""
        return next((float(e["t"]) for e in self.events if e["event"] == event), None)


@dataclass
class DemoObserver:
    """Observes the lab, the workspace and the audit log from outside of the bot."""

    scenario: DemoScenario
    state: LabState
    workspace: WorkspaceClient
    database: Database

    def wait_for_audit_event(self, event: str) -> float:
        """Waits for an event of the audit log and returns its time; alert events of other alerts are ignored."""

        def fits(entry: audit_log.Entry) -> bool:
            about = not event.startswith("alert.") or self.scenario.alert in f"{entry.subject} {entry.data}"
            return entry.event == event and about

        def find_time() -> float | None:
            with self.database.reading() as connection:
                found = [e for e in audit_log.entries(connection, newest=200) if fits(e)]
            return datetime.fromisoformat(found[-1].at).timestamp() if found else None

        return self.workspace.wait_for(find_time, WITHIN, f"The event {event}")

    def becomes_resolved(self, fault: Fault) -> bool:
        """Returns whether the fault is resolved within WITHIN seconds."""
        try:
            return bool(
                self.workspace.wait_for(
                    lambda: self.scenario.is_resolved(self.state, fault), WITHIN, self.scenario.resolved
                )
            )
        except Unreachable:
            return False

    def wait_for_alert(self) -> float:
        """Waits until Alertmanager has the alert, and returns the time from which it fires."""

        def find_time() -> float | None:
            url = f"{self.state.urls.alertmanager}/api/v2/alerts"
            found = requests.get(url, params={"filter": f"alertname={self.scenario.alert}"}, timeout=5).json()
            return datetime.fromisoformat(found[0]["startsAt"]).timestamp() if found else None

        return self.workspace.wait_for(find_time, WITHIN, f"The alert {self.scenario.alert}")

    def wait_for_call(self, method: str, fits: Callable[[Json], bool], what: str) -> Json:
        """Waits for a Web API call that fits, and returns its journal entry."""
        return self.workspace.wait_for(
            lambda: next((e for e in self.workspace.journal(kind="api") if _calls(e, method) and fits(e)), None),
            WITHIN,
            what,
        )

    def wait_for_button(self, action: str) -> Json:
        """Waits for a message with this button, in the channel or in a thread, and returns it."""
        return self.workspace.wait_for(
            lambda: next((m for m in _with_replies(self.workspace.messages(CHANNEL)) if _has_button(m, action)), None),
            WITHIN,
            f"A message with {action}",
        )


def run_unattended(scenario: DemoScenario, *, as_json: bool) -> int:
    """Runs the scenario, approves it, and stops everything; returns 0 only when the fault is resolved."""
    folder = Path(tempfile.mkdtemp(prefix="firstmate-demo-"))
    reporter = NoProgress() if as_json else ProgressBar()
    try:
        if isinstance(reporter, ProgressBar):
            with reporter:
                state = bring_up(folder, progress=reporter, vitess=scenario.vitess)
        else:
            state = bring_up(folder, progress=reporter, vitess=scenario.vitess)
        with running_bot(state.config, log=folder / "logs" / "bot.log"):
            mended = _observe(scenario, state, Transcript(as_json))
    finally:
        tear_down(folder)
    return Exit.DONE if mended else Exit.FOUND


def _observe(scenario: DemoScenario, state: LabState, transcript: Transcript) -> bool:
    database = open_database(load(state.config), exclusive=False)
    observer = DemoObserver(scenario, state, WorkspaceClient(state.urls.workspace), database)
    try:
        return _run_steps(observer, transcript)
    except Unreachable as error:
        transcript.record("failed", str(error))
        return False
    finally:
        database.close()


def _run_steps(observer: DemoObserver, transcript: Transcript) -> bool:
    """Waits for the events in their usual order; returns whether the fault is resolved."""
    scenario = observer.scenario
    fault = inject_fault(observer.state.folder, scenario.fault)
    transcript.began = time.time()
    transcript.record(
        "fault", f"injected on {scenario.place}: {fault.says}", instance=scenario.place, fault=scenario.fault
    )
    transcript.record(
        "firing", f"{scenario.alert} fires in Prometheus", at=observer.wait_for_alert(), alert=scenario.alert
    )
    webhook = observer.wait_for_audit_event("alert.received")
    transcript.record("webhook", "Firstmate has stored and answered Alertmanager's webhook", at=webhook)
    card = observer.wait_for_call("chat.postMessage", lambda e: scenario.alert in str(e), "The first card")
    transcript.record(
        "card",
        "the card is in the channel",
        at=_call_time(card),
        after_webhook=round(_call_time(card) - webhook, 3),
    )
    cause = observer.wait_for_call(
        "chat.update", lambda e: scenario.alert in str(e) and INVESTIGATING not in str(e), "The cause"
    )
    says = str(_arguments(cause).get("text", ""))
    transcript.record("cause", says, at=_call_time(cause), after_webhook=round(_call_time(cause) - webhook, 3))
    approval = observer.wait_for_button("run.approve")
    statements = _statements(approval)
    transcript.record("approval", f"approval requested for: {'; '.join(statements)}", statements=statements)
    observer.workspace.click(
        APPROVER, CHANNEL, str(approval["ts"]), "run.approve", _button_value(approval, "run.approve")
    )
    transcript.record("approved", f"{APPROVER} pressed Approve", at=observer.wait_for_audit_event("approval.decided"))
    transcript.record("change", "the change has started", at=observer.wait_for_audit_event("change.started"))
    endings = [
        (observer.wait_for_audit_event("run.mended"), "verified", "the result is verified, and the thread says so"),
        (
            observer.wait_for_audit_event("alert.resolved"),
            "resolved",
            "the alert has resolved, which the same thread reports",
        ),
    ]
    for at, event, told in sorted(endings):
        transcript.record(event, told, at=at)
    mended = observer.becomes_resolved(fault)
    transcript.record("end", scenario.resolved if mended else scenario.unresolved, mended=mended)
    return mended


def run_interactive(scenario: DemoScenario) -> int:
    """Starts lab, workspace and bot, injects the fault, and waits for Ctrl-C while a person resolves it in Slack."""
    folder = Path(FOLDER)
    try:
        with ProgressBar() as reporter:
            state = bring_up(folder, progress=reporter, vitess=scenario.vitess)
        with running_bot(state.config, log=folder / "logs" / "bot.log"):
            inject_fault(folder, scenario.fault)
            err.print(f"\n{scenario.introduction}. Within seconds [bold]#db-alerts[/] shows the alert and its cause:")
            err.print(f"    [bold]{state.urls.workspace}[/]\n")
            err.print(
                "Act as Bob and press Approve: Firstmate fixes the fault and verifies the result. Ctrl-C stops it all."
            )
            webbrowser.open(state.urls.workspace)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        err.print("\nStopping the demo and the lab.")
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
    """Returns the statements that an approval card shows."""
    texts = [e["elements"][0]["text"] for e in _elements(message) if e.get("type") == "rich_text_preformatted"]
    return texts[0].splitlines() if texts else []
