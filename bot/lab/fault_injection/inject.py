"""Breaks the lab's servers for real, and mends them.

Each fault is one that fleets know, made the way it comes about: the errors, waits and counters are the servers' own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pymysql

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.fault_injection import vitess_steps
from bot.lab.fault_injection.fault_checks import check_passes, replicas_caught_up
from bot.lab.fault_injection.fault_file import Fault, known
from bot.lab.fault_injection.fault_process import FaultScript
from bot.lab.fault_injection.saved_values import saved_values_path
from bot.lab.lab_state import LabState, read
from bot.lab.lab_status import lab_status
from bot.lab.waiting import wait_until

MADE_WITHIN = 120.0
"""Seconds for all steps of a fault."""
RECOVERS_WITHIN = 60.0
"""Seconds in which the replicas of a shard catch up after a fault."""


def inject_fault(folder: Path, name: str) -> Fault:
    """Breaks what the name says and returns once the server shows it; of no effect when it is broken so already.

    Raises WrongUsage for a name that is not known, FirstmateError when no lab is up or the fault does not come about.
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
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            why = said[-1] if said else "it does not say why"
            raise FirstmateError(f"{name} could not be made on {fault.instance}: {why}")
        return made.exists() and check_passes(state, fault, fault.file.shows)

    try:
        wait_until(f"{fault.instance} shows {name}", in_place, MADE_WITHIN)
    except FirstmateError:
        fix_fault(folder, name)
        raise
    return fault


def fix_fault(folder: Path, name: str) -> Fault:
    """Mends what the name says and returns once the server shows it; of no effect when it is whole.

    Raises WrongUsage for a name that is not known, FirstmateError when no lab is up or the fault stays.
    """
    fault, state = _find(folder, name)
    processes.stop(state.folder, state.marker, [f"fault-{name}"])
    (state.folder / "run" / f"fault-{name}.made").unlink(missing_ok=True)
    script = FaultScript(state, fault)
    try:
        if state.vitess is not None:
            vitess_steps.restore_programs(state)
        script.play(fault.file.clean)
    except pymysql.err.MySQLError as error:
        raise FirstmateError(f"{fault.instance} cannot be mended: {error}; run `firstmate lab down`.") from error
    finally:
        script.end()
    if state.vitess is not None:
        vitess_steps.wait_until_healthy(state)
    if not fault.file.transient:
        wait_until(f"{fault.instance} no longer shows {name}", lambda: not check_passes(state, fault, fault.file.shows))
    if state.vitess is None:
        wait_until(f"the replicas recover from {name}", lambda: replicas_caught_up(state, fault), RECOVERS_WITHIN)
    saved_values_path(state, fault).unlink(missing_ok=True)
    return fault


def fix_all_faults(folder: Path) -> None:
    """Mends every fault that was broken and not mended yet."""
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
        raise WrongUsage(f"The lab knows no fault {name!r}; it knows {', '.join(lab)}.")
    if found.condition == "down" or found.state is None:
        raise FirstmateError(f"No lab is up in {folder}; run `firstmate lab up` first.")
    if found.condition == "half" and not _by_a_fault(found.missing, found.state):
        raise FirstmateError(
            f"The lab in {folder} is only half up ({', '.join(found.missing)}); "
            "run `firstmate lab down`, then `firstmate lab up`."
        )
    return fault, found.state


def _by_a_fault(missing: tuple[str, ...], state: LabState) -> bool:
    """Whether all that is missing are programs that a fault may have killed."""
    killed = {instance.name for instance in state.instances}
    if (vitess := state.vitess) is not None:
        killed = {"etcd", "vtctld", "vtorc", "vtgate"}
        killed |= {name for tablet in vitess.tablets for name in (tablet.vttablet, tablet.mysqld)}
    return set(missing) <= {f"{name} does not run" for name in killed}
