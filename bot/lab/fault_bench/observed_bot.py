"""A running bot that a bench observes: sends it alerts, waits for its runs, and approves in the local workspace."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.config import Config
from bot.engine.run import Run, RunState
from bot.errors import Unreachable
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue

APPROVERS = ("U0BOB", "U0ALICE")


@dataclass(frozen=True)
class ObservedBot:
    """A bot with the store that it writes; `within` limits each wait for a run, in seconds."""

    state: LabState
    config: Config
    database: Database
    within: float

    def send(
        self, labels: Mapping[str, str], started: datetime, status: str = "firing", generator_url: str = ""
    ) -> list[str]:
        """Posts an alert, firing or resolved, as Alertmanager does; returns the ids of its runs."""
        alert = {
            "status": status,
            "labels": dict(labels),
            "startsAt": started.isoformat(),
            "endsAt": datetime.now(UTC).isoformat(),
            "generatorURL": generator_url,
        }
        intake = self.config.intake
        request = urllib.request.Request(
            f"http://{intake.host}:{intake.port}/alerts/alertmanager",
            data=json.dumps({"version": "4", "alerts": [alert]}).encode(),
            headers={"Authorization": f"Bearer {intake.token.read()}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return [str(run) for run in json.load(answer).get("runs") or ()]

    def wait_for_run(self, run_id: str, fits: Callable[[Run], bool], longer: float = 0.0) -> Run:
        """Returns the run once it fits; raises Unreachable if it does not in time."""
        within = longer + self.within
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            run = self.run(run_id)
            if run is not None and fits(run):
                return run
            time.sleep(0.02)
        raise Unreachable(f"Run {run_id} made no progress within {within:g} s.")

    def run(self, run_id: str) -> Run | None:
        """Returns the run as it is stored now; None for an unknown id."""
        return RunStore(self.database, DirectQueue()).run(run_id)

    def approve(self, run: Run) -> Run:
        """Approves the offered remedy in the workspace, and returns the run once it has ended.

        A run that watches whether its change helped is waited for until it must know. Raises Unreachable.
        """
        workspace = WorkspaceClient(self.state.urls.workspace)
        workspace.forget_limits()
        for user in APPROVERS[: max(1, run.approvals_needed)]:
            self._press_approve(workspace, run, user)
        ended = self.wait_for_run(run.id, lambda run: run.state.ended or run.state is RunState.WATCHING)
        if ended.state is RunState.WATCHING and ended.effect is not None and ended.effect.until is not None:
            left = (ended.effect.until - datetime.now(UTC)).total_seconds()
            ended = self.wait_for_run(run.id, lambda run: run.state.ended, longer=max(0.0, left))
        return ended

    def _press_approve(self, workspace: WorkspaceClient, run: Run, user: str) -> None:
        """Presses Approve in the run's thread when the button appears."""
        before = len(self._decisions(run.id))

        def pressed() -> bool:
            for message in workspace.messages(run.channel):
                for each in (message, *message.get("replies", [])):
                    key = ((each.get("metadata") or {}).get("event_payload") or {}).get("key", "")
                    if key == f"{run.id}:approval":
                        workspace.click(user, run.channel, str(each["ts"]), "run.approve")
                        return True
            return False

        workspace.wait_for(pressed, self.within, f"The approval of {run.id}")
        workspace.wait_for(lambda: len(self._decisions(run.id)) > before, self.within, f"{user}'s decision on {run.id}")

    def _decisions(self, run_id: str) -> Sequence[object]:
        run = self.run(run_id)
        return run.decisions if run is not None else ()
