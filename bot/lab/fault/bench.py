"""The fault bench: breaks each fault for real, sends its alert, and looks what the bot makes of it.

For each fault and flavour: was the cause right, how soon was it named, was the right remedy offered or rightly none,
did it mend, and was anybody harmed. Wrong ones stay in the table as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bot.config import Config, load
from bot.engine.run import Run, RunState
from bot.errors import Exit, FirstmateError, Unreachable
from bot.lab.benchmarks.alert_latency import own_config
from bot.lab.bot_process import running_bot
from bot.lab.client import wait_until
from bot.lab.fault.alerts import generator, labels_of
from bot.lab.fault.break_and_mend import break_, fix
from bot.lab.fault.checks import holds
from bot.lab.fault.model import Fault, known
from bot.lab.fault.order import Order, alternately
from bot.lab.fault.outcomes import Outcome, reached, show, totals
from bot.lab.lab import bring_up, tear_down
from bot.lab.progress import Bar, Silent
from bot.lab.state import LabState
from bot.lab.workspace.client import WorkspaceClient
from bot.store import audit
from bot.store.database import Database
from bot.store.open import open_database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue

APPROVERS = ("U0BOB", "U0ALICE")
WITHIN = 45.0
"""Seconds for a run to come to an end."""
MENDED_WITHIN = 15.0
WITHIN_OF_VITESS = 120.0
"""The same of a cluster: VTOrc has half a minute to repair, and vtgate takes as long to find a tablet again."""
REPAIRED = "VTOrc repaired"

err = Console(stderr=True)


@dataclass
class Bench:
    """Plays faults against one lab and one bot."""

    state: LabState
    config: Config
    database: Database

    def play(self, fault: Fault) -> Outcome:
        """Breaks it, sends the alert, follows the run to its end, and cleans up."""
        expected, started = fault.expect, datetime.now(UTC)
        blank = Outcome(fault.name, fault.flavour, expected.cause, also=expected.also, remedy_expected=expected.remedy)
        try:
            break_(self.state.folder, fault.name)
        except FirstmateError as error:
            return Outcome(**{**asdict(blank), "failed": str(error)})
        try:
            found = self._follow(fault, blank, started)
        except FirstmateError as error:
            found = Outcome(**{**asdict(blank), "failed": str(error)})
        send(self.config, self.state, fault, started, "resolved")
        try:
            fix(self.state.folder, fault.name)
        except FirstmateError as error:
            return Outcome(**{**asdict(found), "failed": f"{found.failed} It could not be cleaned up: {error}".strip()})
        return found

    def _follow(self, fault: Fault, blank: Outcome, started: datetime) -> Outcome:
        began = time.monotonic()
        runs = send(self.config, self.state, fault, started)
        if not runs:
            raise Unreachable(f"The alert of {fault.name} opened no run; one of the same place is under way.")
        run_id = runs[0]
        self._run(run_id, lambda run: bool(run.causes) or run.state is not RunState.TRIAGING)
        after = time.monotonic() - began
        # Meanwhile the remedy is planned, or VTOrc has time to repair.
        run = self._run(run_id, lambda run: run.state is not RunState.TRIAGING)
        held = tuple(cause.id for cause in run.causes if cause.verdict == "holds")
        offered = run.plan.remedy if run.plan is not None else None
        mended: bool | None = None
        if fault.expect.remedy is not None:
            mended = offered == fault.expect.remedy and self._approved(fault, run)
        harm = self._harm(fault, run_id, offered)
        found = {
            "causes": held,
            "cause_after": round(after, 2),
            "remedy": offered,
            "says": run.says,
            "mended": mended,
            "repaired": _repaired(run) if fault.expect.repaired else None,
            "harm": harm,
        }
        return Outcome(**{**asdict(blank), **found})

    def _approved(self, fault: Fault, run: Run) -> bool:
        """Approves as people do, and says whether the fault is gone in the end."""
        workspace = WorkspaceClient(self.state.urls.workspace)
        workspace.forget_limits()
        for user in APPROVERS[: max(1, run.approvals_needed)]:
            self._press(workspace, run, user)
        ended = self._run(run.id, lambda run: run.state.ended)
        if ended.state is not RunState.MENDED:
            raise Unreachable(f"The run of {fault.name} ended {ended.state.value}: {ended.says}")
        if not fault.expect.mends:
            return True
        try:
            wait_until("it is mended", lambda: not holds(self.state, fault, fault.file.shows), self._patience)
        except FirstmateError:
            return False
        return True

    def _press(self, workspace: WorkspaceClient, run: Run, user: str) -> None:
        """Presses Approve in the run's thread once it is there."""
        before = len(self._decisions(run.id))

        def pressed() -> bool:
            for message in workspace.messages(run.channel):
                for each in (message, *message.get("replies", [])):
                    key = ((each.get("metadata") or {}).get("event_payload") or {}).get("key", "")
                    if key == f"{run.id}:approval":
                        workspace.click(user, run.channel, str(each["ts"]), "run.approve")
                        return True
            return False

        workspace.wait_for(pressed, WITHIN, f"The approval of {run.id}")
        workspace.wait_for(lambda: len(self._decisions(run.id)) > before, WITHIN, f"{user}'s decision on {run.id}")

    def _decisions(self, run_id: str) -> Sequence[object]:
        run = RunStore(self.database, DirectQueue()).run(run_id)
        return run.decisions if run is not None else ()

    def _harm(self, fault: Fault, run_id: str, offered: str | None) -> str:
        """Who was harmed: by a change that was not to be, or by one that took more than its due."""
        with self.database.reading() as connection:
            events = [e for e in audit.entries(connection, newest=500) if e.subject == run_id]
        changed = any(event.event == "change.started" for event in events)
        if changed and fault.expect.remedy is None:
            return "something was changed where nothing was to be"
        if changed and offered != fault.expect.remedy:
            return f"{offered} was made instead of {fault.expect.remedy}"
        hurt = [check for check in fault.file.unharmed if not holds(self.state, fault, check)]
        return f"not as it was any more: {hurt[0]}" if hurt else ""

    @property
    def _patience(self) -> float:
        return MENDED_WITHIN if self.state.vitess is None else WITHIN_OF_VITESS

    def _run(self, run_id: str, fits: Callable[[Run], bool]) -> Run:
        store = RunStore(self.database, DirectQueue())
        within = WITHIN if self.state.vitess is None else WITHIN_OF_VITESS
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            run = store.run(run_id)
            if run is not None and fits(run):
                return run
            time.sleep(0.02)
        raise Unreachable(f"Run {run_id} did not come on within {within:g} s.")


def _repaired(run: Run) -> bool:
    """Whether the run ended with what VTOrc did, be it that it watched or came when all was done."""
    return any(text.startswith(REPAIRED) for text in (run.says, run.lead.says if run.lead else ""))


def send(config: Config, state: LabState, fault: Fault, started: datetime, status: str = "firing") -> list[str]:
    """Sends the fault's alert, firing or resolved, as Alertmanager does, and returns its runs."""
    ends = datetime.now(UTC).isoformat()
    alert = {
        "status": status,
        "labels": labels_of(state, fault),
        "startsAt": started.isoformat(),
        "endsAt": ends,
        "generatorURL": generator(state, fault),
    }
    intake = config.intake
    request = urllib.request.Request(
        f"http://{intake.host}:{intake.port}/alerts/alertmanager",
        data=json.dumps({"version": "4", "alerts": [alert]}).encode(),
        headers={"Authorization": f"Bearer {intake.token.read()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return [str(run) for run in json.load(answer).get("runs") or ()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays all faults on a lab of its own; 0 when the goals hold."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.fault.bench", description=__doc__)
    parser.add_argument("--vitess", action="store_true", help="those of a Vitess cluster")
    parser.add_argument("--only", default="", metavar="NAMES", help="only these faults, with commas between")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    given = parser.parse_args(arguments)
    lab = known(vitess=given.vitess)
    if unknown := {*filter(None, given.only.split(","))} - {*lab}:
        err.print(f"faults: no fault is called {', '.join(sorted(unknown))}.", style="red", markup=False)
        return int(Exit.USAGE)
    chosen = alternately([fault for name, fault in lab.items() if not given.only or name in given.only.split(",")])
    folder = Path(tempfile.mkdtemp(prefix="firstmate-faults-"))
    reporter = Silent() if given.json else Bar()
    try:
        with reporter if isinstance(reporter, Bar) else nullcontext():
            state = bring_up(folder, progress=reporter, vitess=given.vitess)
        outcomes = play_all(state, chosen)
    except FirstmateError as error:
        err.print(f"faults: {error}", style="red", markup=False)
        return int(error.exit_code)
    finally:
        tear_down(folder)
    found = totals(outcomes)
    if given.json:
        rows = [{**asdict(each), "good": each.good} for each in outcomes]
        sys.stdout.write(json.dumps({"faults": rows, "totals": found}) + "\n")
    else:
        show(outcomes, found)
    return int(Exit.DONE if reached(found) else Exit.FOUND)


def play_all(state: LabState, chosen: Sequence[Fault]) -> list[Outcome]:
    """Plays the faults on a lab that is up, with a bot of their own."""
    path = own_config(state, "faults")
    outcomes = []
    with running_bot(path, log=state.folder / "logs" / "faults.log"):
        config = load(path)
        database = open_database(config, exclusive=False)
        try:
            bench = Bench(state, config, database)
            order = Order(chosen)
            while (fault := order.next()) is not None:
                outcomes.append(bench.play(fault))
                order.played(fault)
                _tell(len(outcomes), len(chosen), outcomes[-1])
        finally:
            database.close()
    return outcomes


def _tell(number: int, of: int, outcome: Outcome) -> None:
    mark = "ok" if outcome.good else outcome.failed or f"NOT AS EXPECTED: {outcome.differs}"
    took = f"{outcome.cause_after:.2f} s" if outcome.cause_after is not None else ""
    err.print(f"{number:3}/{of}  {outcome.fault:<34} {took:>7}  {mark}", highlight=False, markup=False)


if __name__ == "__main__":
    raise SystemExit(main())
