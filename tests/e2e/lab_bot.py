"""What a test of the whole program does and sees: alerts in, cards and buttons, the store and the servers' own logs."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import yaml

from bot.config import Config, load
from bot.engine.run import Run, RunState
from bot.errors import FirstmateError
from bot.lab.connections import administrator, ask
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Json
from bot.store import audit_log
from bot.store.open_database import open_database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue

CHANNEL = "C0DBALERTS"
ALICE, BOB, CAROL, GUEST, STRANGER = "U0ALICE", "U0BOB", "U0CAROL", "U0GUEST", "U0STRANGER"
REPLICA = "orders-3"


def variant(lab: LabState, name: str, **changes: Any) -> Path:
    """The lab's configuration with another store and another port, so that only the test's own alerts come in."""
    document = yaml.safe_load(lab.config.read_text(encoding="utf-8"))
    document["intake"]["port"] = free_ports(1)[0]
    document["data"] = f"data-{name}"
    document.update(changes)
    path = lab.config.with_name(f"firstmate-{name}.yml")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@dataclass
class Play:
    """One configuration of the bot against one lab."""

    lab: LabState
    path: Path

    @property
    def config(self) -> Config:
        return load(self.path)

    @property
    def workspace(self) -> WorkspaceClient:
        return WorkspaceClient(self.lab.urls.workspace)

    @contextmanager
    def looking(self) -> Iterator[RunStore]:
        """The bot's store, read from outside."""
        database = open_database(self.config, exclusive=False)
        try:
            yield RunStore(database, DirectQueue())
        finally:
            database.close()

    # -- doing ----------------------------------------------------------------------------------------------------

    def send(self, *, status: str = "firing", starts_at: datetime | None = None, **labels: str) -> Json:
        """Sends an alert about the replica as Alertmanager would; returns the answer."""
        alert = {
            "status": status,
            "labels": {
                "alertname": "MySQLReplicationStopped",
                "instance": self.lab.instance(REPLICA).address,
                "severity": "critical",
                **labels,
            },
            "startsAt": (starts_at or datetime.now(UTC)).isoformat(),
            "endsAt": datetime.now(UTC).isoformat(),
        }
        intake = self.config.intake
        request = urllib.request.Request(
            f"http://{intake.host}:{intake.port}/alerts/alertmanager",
            data=json.dumps({"version": "4", "alerts": [alert]}).encode(),
            headers={"Authorization": f"Bearer {intake.token.read()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            return {"status": error.code, **json.load(error)}

    def fire(self) -> str:
        """Sends a new firing alert and returns its run."""
        return str(self.send()["runs"][0])

    def press(self, user: str, run: Run, action: str, *, seen: Json | None = None) -> None:
        """Presses a button of the run's thread, as it stands there or as this person saw it before."""
        message = seen or self.button(run.id, action)
        details = {"seen": message["blocks"]} if seen else {}
        self.workspace.click(user, CHANNEL, str(message["ts"]), action, **details)

    def approve(self, user: str, run: Run) -> None:
        """Presses Approve until it has arrived, as a person does: a press may go to a socket whose bot is gone."""

        def pressed() -> bool:
            with suppress(FirstmateError, OSError):
                self.press(user, run, "run.approve")
            deadline = time.monotonic() + 3.0
            while not self.audited("approval.decided", run.id) and time.monotonic() < deadline:
                time.sleep(0.05)
            return bool(self.audited("approval.decided", run.id))

        self.workspace.wait_for(pressed, 60.0, f"An approval of {run.id} that arrives")

    # -- seeing ---------------------------------------------------------------------------------------------------

    def run_in(self, run_id: str, *states: RunState, timeout: float = 60.0) -> Run:
        """Waits until the run is in one of the states."""

        def look() -> Run | None:
            with self.looking() as store:
                run = store.run(run_id)
            return run if run is not None and run.state in states else None

        names = " or ".join(states)
        return self.workspace.wait_for(look, timeout, f"Run {run_id} {names}")

    def messages(self, run_id: str) -> list[Json]:
        """The messages of a run: its card and what stands in its thread."""
        return [
            each
            for message in self.workspace.messages(CHANNEL)
            for each in (message, *message.get("replies", []))
            if key_of(each).startswith(f"{run_id}:")
        ]

    def message(self, run_id: str, part: str, *, holds: str = "", timeout: float = 30.0) -> Json:
        """Waits for one message of a run, with this text in it."""
        return self.workspace.wait_for(
            lambda: next(
                (m for m in self.messages(run_id) if key_of(m) == f"{run_id}:{part}" and holds in words(m)), None
            ),
            timeout,
            f"{part} of {run_id} with {holds!r}",
        )

    def button(self, run_id: str, action: str) -> Json:
        """Waits for the message of a run that has this button."""
        return self.workspace.wait_for(
            lambda: next(
                (m for m in self.messages(run_id) if any(e.get("action_id") == action for e in elements(m))), None
            ),
            30.0,
            f"A button {action} of {run_id}",
        )

    def told(self, user: str, text: str) -> str:
        """Waits for what only this person sees, with this text in it."""
        return words(self.workspace.wait_for_ephemeral(user, lambda m: text in words(m), what=f"{text!r} for {user}"))

    def audited(self, event: str, subject: str | None = None) -> list[audit_log.Entry]:
        """The rows of the audit log of one event."""
        with self.looking() as store, store.database.reading() as connection:
            return [e for e in audit_log.entries(connection) if e.event == event and subject in (None, e.subject)]

    def statements(self, tag: str) -> list[str]:
        """The changing statements of a run, by the replica's own general log."""
        with administrator(self.lab.instance(REPLICA)) as connection:
            rows = ask(
                connection,
                "SELECT CONVERT(argument USING utf8mb4) AS argument FROM mysql.general_log "
                "WHERE argument LIKE %s AND argument NOT LIKE 'SELECT%%'",
                (f"%firstmate {tag}%",),
            )
        return [str(row["argument"]) for row in rows]


@contextmanager
def general_log(lab: LabState, name: str = REPLICA) -> Iterator[None]:
    """Keeps the server's general log in its table for a while."""
    with administrator(lab.instance(name)) as connection:
        ask(connection, "SET GLOBAL log_output = 'TABLE'")
        ask(connection, "SET GLOBAL general_log = ON")
    try:
        yield
    finally:
        with administrator(lab.instance(name)) as connection:
            ask(connection, "SET GLOBAL general_log = OFF")


def elements(message: Json) -> list[Json]:
    return [e for block in message.get("blocks") or [] for e in block.get("elements") or [] if isinstance(e, dict)]


def key_of(message: Json) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("key", ""))


def words(value: Any) -> str:
    """All text of a message."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return " ".join(words(each) for each in value.values())
    if isinstance(value, list):
        return " ".join(map(words, value))
    return ""


def digest_of(message: Json) -> str:
    """The digest that the Approve button of a message holds."""
    return next(str(e["value"]).split(":")[1] for e in elements(message) if e.get("action_id") == "run.approve")
