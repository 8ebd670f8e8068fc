"""Injects faults into the lab's real servers, and fixes them.

Every fault is one that occurs in production, caused in the same way, so that all errors, waits and counters are real.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pymysql

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.fault_injection import vitess_steps
from bot.lab.fault_injection.fault_checks import check_passes
from bot.lab.fault_injection.fault_file import Fault, known
from bot.lab.fault_injection.fault_process import FaultScript
from bot.lab.fault_injection.replica_recovery import let_replicas_catch_up
from bot.lab.fault_injection.saved_values import saved_values_path
from bot.lab.lab_state import LabState, read
from bot.lab.lab_status import lab_status
from bot.lab.waiting import log_of, wait_until
from bot.spelling import close_matches, or_list

INJECTED_WITHIN = 120.0
"""Seconds for all steps of a fault."""


def inject_fault(folder: Path, name: str) -> Fault:
    """Injects the named fault and returns when the server shows it; does nothing if it is already in place.

    Raises WrongUsage for an unknown name, FirstmateError when no lab is up or the fault does not show in time.
    """
    fault, state = _find(folder, name)
    process = f"fault-{name}"
    made = state.folder / "run" / f"{process}.made"
    if processes.find_running(state.folder, state.marker, process) and check_passes(state, fault, fault.file.shows):
        return fault
    processes.stop(state.folder, state.marker, [process])
    made.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "bot.lab.fault_injection.fault_process", str(state.folder), name]
    started = processes.start(state.folder, state.marker, process, argv)

    def in_place() -> bool:
        if not processes.is_running(started, state.marker):
            log = state.folder / "logs" / f"{process}.log"
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            reason = lines[-1] if lines else "no reason given"
            raise FirstmateError(f"{name} could not be injected on {fault.instance}: {reason}")
        return made.exists() and check_passes(state, fault, fault.file.shows)

    try:
        wait_until(
            f"{fault.instance} shows {name}",
            in_place,
            INJECTED_WITHIN,
            log=state.folder / "logs" / f"{process}.log",
            next_step=f"The fault was undone; run `firstmate lab break {name}` again.",
        )
    except FirstmateError:
        fix_fault(folder, name)
        raise
    return fault


def fix_fault(folder: Path, name: str) -> Fault:
    """Fixes the named fault and returns when the server no longer shows it; does nothing if it is not in place.

    Raises WrongUsage for an unknown name, FirstmateError when no lab is up or the fault still shows after some time.
    """
    fault, state = _find(folder, name)
    processes.stop(state.folder, state.marker, [f"fault-{name}"])
    (state.folder / "run" / f"fault-{name}.made").unlink(missing_ok=True)
    script = FaultScript(state, fault)
    try:
        if state.vitess is not None:
            vitess_steps.restore_programs(state)
        script.run(fault.file.clean)
    except pymysql.err.MySQLError as error:
        raise FirstmateError(f"{fault.instance} cannot be fixed: {error}; run `firstmate lab down`.") from error
    finally:
        script.end()
    if state.vitess is not None:
        vitess_steps.wait_until_healthy(state)
    if not fault.file.transient:
        wait_until(
            f"{fault.instance} no longer shows {name}",
            lambda: not check_passes(state, fault, fault.file.shows),
            log=log_of(state, fault.instance),
        )
    if state.vitess is None:
        let_replicas_catch_up(state, fault)
    saved_values_path(state, fault).unlink(missing_ok=True)
    return fault


def fix_all_faults(folder: Path) -> None:
    """Fixes every fault that is in place."""
    state = read(folder.resolve())
    if state is None:
        return
    for process in processes.recorded(state.folder):
        if process.name.startswith("fault-"):
            fix_fault(folder, process.name.removeprefix("fault-"))


def _find(folder: Path, name: str) -> tuple[Fault, LabState]:
    found = lab_status(folder)
    lab = known(vitess=found.state is not None and found.state.vitess is not None)
    fault = lab.get(name)
    if fault is None:
        near = close_matches(name, lab)
        suggestion = f"; did you mean {or_list(near)}?" if near else "."
        raise WrongUsage(f"The lab has no fault {name!r}{suggestion} `firstmate lab faults` lists all {len(lab)}.")
    if found.condition == "down" or found.state is None:
        raise FirstmateError(f"No lab is up in {folder}; run `firstmate lab up` first.")
    if found.condition == "half" and not _explained_by_fault(found.missing, found.state):
        raise FirstmateError(
            f"The lab in {folder} is only partly up ({', '.join(found.missing)}); "
            "run `firstmate lab down`, then `firstmate lab up`."
        )
    return fault, found.state


def _explained_by_fault(missing: tuple[str, ...], state: LabState) -> bool:
    """Returns whether a fault may have killed everything that is missing."""
    killed = {instance.name for instance in state.instances}
    if (vitess := state.vitess) is not None:
        killed = {"etcd", "vtctld", "vtorc", "vtgate"}
        killed |= {name for tablet in vitess.tablets for name in (tablet.vttablet, tablet.mysqld)}
    return set(missing) <= {f"{name} is not running" for name in killed}
