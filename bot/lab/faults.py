"""Breaks the lab's servers for real, and mends them.

Each fault is one that fleets know, made the way it comes about: the errors, waits and counters are the servers' own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.client import administrator, ask, session, wait_until
from bot.lab.fault_session import WAITERS, lock_heartbeat, waiting_for_metadata
from bot.lab.replication import replica_status, replicates
from bot.lab.servers import MAX_CONNECTIONS
from bot.lab.state import LabInstance, LabState
from bot.lab.status import status

LOCK_WAIT_TIMEOUT, TRANSACTION_RETRIES = 50, 10
"""The servers' own defaults, to which `fix` returns them."""


@dataclass(frozen=True)
class Fault:
    """One thing that can be broken: where, by which session (None: no session outlives it), and the alert it raises."""

    name: str
    instance: str
    session: str | None
    alert: str
    says: str


_GAVE_UP = "the applier gave up on a lock wait"
_REPORT = "a report holds rows of a replica that the applier needs"
_LEAK = "a connection pool leaks idle sessions"
_HELD = "an idle transaction holds a row that writers wait for"
_ALTER = "an ALTER waits for an idle reader, and others queue behind it"

_EVERY = (
    Fault("replication_stopped", "orders-3", None, "MySQLReplicationStopped", _GAVE_UP),
    Fault("replication_stopped_mariadb", "billing-2", None, "MySQLReplicationStopped", _GAVE_UP),
    Fault("replication_lag", "orders-2", "replica_rows", "MySQLReplicationLag", _REPORT),
    Fault("replication_lag_mariadb", "billing-2", "replica_rows", "MySQLReplicationLag", _REPORT),
    Fault("connections_exhausted", "orders-1", "connections", "MySQLTooManyConnections", _LEAK),
    Fault("connections_exhausted_mariadb", "billing-1", "connections", "MySQLTooManyConnections", _LEAK),
    Fault("row_locks", "orders-1", "row_locks", "MySQLBlockedWrites", _HELD),
    Fault("row_locks_mariadb", "billing-1", "row_locks", "MySQLBlockedWrites", _HELD),
    Fault("metadata_locks", "orders-1", "metadata_locks", "MySQLBlockedWrites", _ALTER),
    Fault("metadata_locks_mariadb", "billing-1", "metadata_locks", "MySQLBlockedWrites", _ALTER),
)
FAULTS = {fault.name: fault for fault in _EVERY}


def break_(folder: Path, name: str) -> Fault:
    """Breaks what the name says and returns once the server shows it; of no effect when it is broken so already.

    Raises WrongUsage for a name that is not known, FirstmateError when no lab is up or the fault does not come about.
    """
    fault, state = _find(folder, name)
    instance = state.instance(fault.instance)
    try:
        if not _in_place(fault, instance):
            _make(fault, state, instance)
    except pymysql.err.MySQLError as error:
        raise FirstmateError(
            f"{name} could not be made on {instance.name}: {error}; run `firstmate lab fix {name}`."
        ) from error
    return fault


def _make(fault: Fault, state: LabState, instance: LabInstance) -> None:
    if fault.session is None:
        _stop_applier(state, instance)
        return
    argv = [sys.executable, "-m", "bot.lab.fault_session", str(state.folder), fault.session, instance.name]
    process = processes.start(state.folder, state.marker, f"fault-{fault.name}", argv)

    def made() -> bool:
        if not processes.alive(process, state.marker):
            log = state.folder / "logs" / f"fault-{fault.name}.log"
            raise FirstmateError(f"The sessions of {fault.name} ended at once; {log} says why.")
        return _in_place(fault, instance)

    try:
        wait_until(f"{instance.name} shows {fault.name}", made)
    except FirstmateError:
        processes.stop(state.folder, state.marker, [f"fault-{fault.name}"])
        raise


def fix(folder: Path, name: str) -> Fault:
    """Mends what the name says and returns once the server shows it; of no effect when it is whole.

    Raises WrongUsage for a name that is not known, FirstmateError when no lab is up or the fault stays.
    """
    fault, state = _find(folder, name)
    instance = state.instance(fault.instance)
    processes.stop(state.folder, state.marker, [f"fault-{name}"])
    try:
        _restore(instance)
        wait_until(f"{instance.name} no longer shows {name}", partial(_gone, fault, instance))
    except pymysql.err.MySQLError as error:
        raise FirstmateError(f"{instance.name} cannot be mended: {error}; run `firstmate lab down`.") from error
    return fault


def _restore(instance: LabInstance) -> None:
    """Returns a server to its own settings, and a replica to its source."""
    with administrator(instance) as admin:
        if instance.role == "primary":
            ask(admin, "SET GLOBAL max_connections = %s", (MAX_CONNECTIONS,))
            return
        _give_up_after(admin, instance, LOCK_WAIT_TIMEOUT, TRANSACTION_RETRIES)
        ask(admin, "START REPLICA")
    wait_until(f"{instance.name} has caught up", lambda: _caught_up(instance))


def mend_all(folder: Path) -> None:
    """Mends every fault that is in place, and returns once no server shows one."""
    _, state = _find(folder, next(iter(FAULTS)))
    processes.stop(state.folder, state.marker, [f"fault-{name}" for name in FAULTS])
    for instance in state.instances:
        _restore(instance)
    for fault in FAULTS.values():
        instance = state.instance(fault.instance)
        wait_until(f"{instance.name} no longer shows {fault.name}", partial(_gone, fault, instance))


def _in_place(fault: Fault, instance: LabInstance) -> bool:
    return _SHOWN[fault.session](instance) >= _WHOLE.get(fault.session, 1)


def _gone(fault: Fault, instance: LabInstance) -> bool:
    return _SHOWN[fault.session](instance) == 0


def _stop_applier(state: LabState, replica: LabInstance) -> None:
    """Lets the applier run into a row lock and give up with error 1205, so that START REPLICA alone mends it."""
    holder = session(state, replica, "reports")
    try:
        with administrator(replica) as admin:
            ask(admin, "STOP REPLICA SQL_THREAD")
            lock_heartbeat(holder)
            # The applier's threads take the timeout as it is when they start, so the next start has the usual one.
            _give_up_after(admin, replica, 1, 0)
            try:
                ask(admin, "START REPLICA SQL_THREAD")
                wait_until(f"the applier of {replica.name} gives up", lambda: _given_up(replica))
            finally:
                _give_up_after(admin, replica, LOCK_WAIT_TIMEOUT, TRANSACTION_RETRIES)
    finally:
        holder.close()


def _give_up_after(admin: Connection[DictCursor], replica: LabInstance, seconds: int, retries: int) -> None:
    """Sets how long the applier waits for a row lock, and how often it tries again."""
    ask(admin, "SET GLOBAL innodb_lock_wait_timeout = %s", (seconds,))
    name = "replica_transaction_retries" if replica.flavour == "mysql" else "slave_transaction_retries"
    ask(admin, f"SET GLOBAL {name} = %s", (retries,))


def _given_up(replica: LabInstance) -> bool:
    found = replica_status(replica)
    return found["Replica_SQL_Running"] == "No" and int(found["Last_SQL_Errno"]) != 0


def _caught_up(replica: LabInstance) -> bool:
    found = replica_status(replica)
    behind = found.get("Seconds_Behind_Source")
    return replicates(replica) and behind is not None and int(behind) <= 1


def _row_waits(instance: LabInstance) -> int:
    return _counter(instance, "Innodb_row_lock_current_waits")


def _full(instance: LabInstance) -> bool:
    """Says whether all connections are taken, give or take two of somebody who looks in passing."""
    with administrator(instance) as admin:
        most = int(ask(admin, "SELECT @@GLOBAL.max_connections AS most")[0]["most"])
    return _counter(instance, "Threads_connected") >= most - 2


def _counter(instance: LabInstance, name: str) -> int:
    with administrator(instance) as admin:
        return int(ask(admin, "SHOW GLOBAL STATUS WHERE Variable_name = %s", (name,))[0]["Value"])


_SHOWN: dict[str | None, Callable[[LabInstance], int]] = {
    None: _given_up,
    "replica_rows": _row_waits,
    "connections": _full,
    "row_locks": _row_waits,
    "metadata_locks": waiting_for_metadata,
}
"""How much of a fault the server shows, by the session that makes it; 0 for none."""
_WHOLE: dict[str | None, int] = {"row_locks": WAITERS, "metadata_locks": WAITERS + 1}
"""From how much on it is in place, where that is more than 1."""


def _find(folder: Path, name: str) -> tuple[Fault, LabState]:
    fault = FAULTS.get(name)
    if fault is None:
        raise WrongUsage(f"The lab knows no fault {name!r}; it knows {', '.join(FAULTS)}.")
    found = status(folder)
    if found.condition == "down" or found.state is None:
        raise FirstmateError(f"No lab is up in {folder}; run `firstmate lab up` first.")
    if found.condition == "half":
        raise FirstmateError(
            f"The lab in {folder} is only half up ({', '.join(found.missing)}); "
            "run `firstmate lab down`, then `firstmate lab up`."
        )
    return fault, found.state
