"""Runs faults against a bot: injects each one, sends its alert, and compares the run with what the fault expects.

For each fault and flavour it records whether the cause was right and how soon it was named, whether the right remedy
was offered, whether it resolved the fault, and whether anything else was affected.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console

from bot.config import load
from bot.engine.run import Run, RunState
from bot.errors import FirstmateError, Unreachable
from bot.lab.benchmarks.alert_latency import own_config
from bot.lab.bot_process import running_bot
from bot.lab.fault_bench.fault_queue import FaultQueue
from bot.lab.fault_bench.observed_bot import ObservedBot
from bot.lab.fault_bench.results import FaultResult
from bot.lab.fault_injection.fault_alerts import alert_labels, generator_url
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import Fault
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.waiting import log_of, wait_until
from bot.store import audit_log
from bot.store.open_database import open_database

WITHIN = 45.0
"""Seconds for a run to end."""
MENDED_WITHIN = 15.0
WITHIN_OF_VITESS = 120.0
"""The same for a cluster: VTOrc gets 30 s to repair, and vtgate takes as long to find a tablet again."""
REPAIRED = "VTOrc repaired"

err = Console(stderr=True)


@dataclass
class FaultBench:
    """Runs faults against one lab and one bot."""

    bot: ObservedBot

    @property
    def state(self) -> LabState:
        return self.bot.state

    def run(self, fault: Fault) -> FaultResult:
        """Injects the fault, sends its alert, observes the run to its end, and fixes the fault."""
        expected, started = fault.expect, datetime.now(UTC)
        blank = FaultResult(
            fault.name,
            fault.flavour,
            expected.cause,
            also=expected.also,
            remedy_expected=expected.remedy,
            within=fault.file.within,
        )
        try:
            inject_fault(self.state.folder, fault.name)
        except FirstmateError as error:
            return FaultResult(**{**asdict(blank), "failed": str(error)})
        try:
            found = self._observe_run(fault, blank, started)
        except FirstmateError as error:
            found = FaultResult(**{**asdict(blank), "failed": str(error)})
        self._send(fault, started, "resolved")
        try:
            fix_fault(self.state.folder, fault.name)
        except FirstmateError as error:
            return FaultResult(**{**asdict(found), "failed": f"{found.failed} It could not be fixed: {error}".strip()})
        return found

    def _observe_run(self, fault: Fault, blank: FaultResult, started: datetime) -> FaultResult:
        began = time.monotonic()
        runs = self._send(fault, started)
        if not runs:
            raise Unreachable(
                f"The alert of {fault.name} started no run, because another run for the same place is in progress."
            )
        run_id = runs[0]
        self.bot.wait_for_run(run_id, lambda run: bool(run.causes) or run.state is not RunState.TRIAGING)
        after = time.monotonic() - began
        # The remedy is planned, or VTOrc gets time to repair.
        run = self.bot.wait_for_run(run_id, lambda run: run.state is not RunState.TRIAGING)
        held = tuple(cause.id for cause in run.causes if cause.verdict == "holds")
        offered = run.plan.remedy if run.plan is not None else None
        mended: bool | None = None
        if fault.expect.remedy is not None:
            mended = offered == fault.expect.remedy and self._approve_remedy(fault, run)
        harm = self._harm_done(fault, run_id, offered)
        found = {
            "causes": held,
            "cause_after": round(after, 2),
            "remedy": offered,
            "says": run.says,
            "mended": mended,
            "repaired": _repaired_by_vtorc(run) if fault.expect.repaired else None,
            "harm": harm,
        }
        return FaultResult(**{**asdict(blank), **found})

    def _approve_remedy(self, fault: Fault, run: Run) -> bool:
        """Approves the remedy in the workspace, and tells whether the fault no longer shows."""
        ended = self.bot.approve(run)
        if ended.state is not RunState.MENDED:
            raise Unreachable(f'The run of {fault.name} ended with the state "{ended.state.label}": {ended.says}')
        if not fault.expect.mends:
            return True
        try:
            wait_until(
                f"{fault.instance} no longer shows {fault.name} after the change",
                lambda: not check_passes(self.state, fault, fault.file.shows),
                self._recovery_limit,
                log=log_of(self.state, fault.instance),
            )
        except FirstmateError:
            return False
        return True

    def _harm_done(self, fault: Fault, run_id: str, offered: str | None) -> str:
        """Returns what was affected by a change that should not have run, or beyond the fault; empty if nothing was."""
        with self.bot.database.reading() as connection:
            events = [e for e in audit_log.entries(connection, newest=500) if e.subject == run_id]
        changed = any(event.event == "change.started" for event in events)
        if changed and fault.expect.remedy is None:
            return "a change ran where none was expected"
        if changed and offered != fault.expect.remedy:
            return f"{offered} ran instead of {fault.expect.remedy}"
        affected = [check for check in fault.file.unharmed if not check_passes(self.state, fault, check)]
        return f"no longer passes: {affected[0]}" if affected else ""

    @property
    def _recovery_limit(self) -> float:
        return MENDED_WITHIN if self.state.vitess is None else WITHIN_OF_VITESS

    def _send(self, fault: Fault, started: datetime, status: str = "firing") -> list[str]:
        return self.bot.send(alert_labels(self.state, fault), started, status, generator_url(self.state, fault))


def _repaired_by_vtorc(run: Run) -> bool:
    """Returns whether the run ended with what VTOrc repaired, during the run or before it."""
    return any(text.startswith(REPAIRED) for text in (run.says, run.lead.says if run.lead else ""))


def run_faults(state: LabState, chosen: Sequence[Fault]) -> list[FaultResult]:
    """Runs the faults on a lab that is up, with a bot of its own."""
    path = own_config(state, "faults")
    results = []
    with running_bot(path, log=state.folder / "logs" / "faults.log"):
        config = load(path)
        database = open_database(config, exclusive=False)
        try:
            within = WITHIN if state.vitess is None else WITHIN_OF_VITESS
            bench = FaultBench(ObservedBot(state, config, database, within))
            order = FaultQueue(chosen)
            while (fault := order.next()) is not None:
                results.append(bench.run(fault))
                order.mark_finished(fault)
                _print_result(len(results), len(chosen), results[-1])
        finally:
            database.close()
    return results


def _print_result(number: int, of: int, result: FaultResult) -> None:
    mark = "ok" if result.good else result.failed or f"UNEXPECTED: {result.differs}"
    took = f"{result.cause_after:.2f} s" if result.cause_after is not None else ""
    err.print(f"{number:3}/{of}  {result.fault:<34} {took:>7}  {mark}", highlight=False, markup=False)
