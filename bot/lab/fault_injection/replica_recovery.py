"""Lets the replicas of a shard catch up after a fault."""

from __future__ import annotations

from typing import Any

import pymysql

from bot.lab.connections import administrator, ask
from bot.lab.fault_injection.fault_file import Fault
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import replica_status, replication_problem
from bot.lab.waiting import START_AFRESH, log_of, wait_until

RECOVERS_WITHIN = 60.0
"""Seconds without progress after which a replica is given up."""
LOCK_ERRORS = (1205, 1213)
"""ER_LOCK_WAIT_TIMEOUT and ER_LOCK_DEADLOCK, after which an applier retries `replica_transaction_retries` times."""
UNKNOWN_LAG = 1e9
"""Stands for the delay of a replica that does not say it."""


def let_replicas_catch_up(state: LabState, fault: Fault, seconds: float = RECOVERS_WITHIN) -> None:
    """Restarts the appliers that gave up while the fault held their locks, and waits until every replica has caught up.

    With 10 retries and `innodb_lock_wait_timeout` of 50 s, an applier stops with error 1205 after some 8 minutes and
    does not start again by itself (MySQL manual, replica_transaction_retries). Raises FirstmateError that names the
    replica and what it reports, if the delay does not shrink for so many seconds.
    """
    for replica in _replicas(state, fault):
        _restart_applier(replica)
    for replica in _replicas(state, fault):
        wait_until(
            f"{replica.name} replicates from {replica.source} and has caught up",
            lambda replica=replica: not _problem(replica),  # type: ignore[misc]
            seconds,
            log=log_of(state, replica.name),
            observed=lambda replica=replica: _problem(replica),  # type: ignore[misc]
            left=lambda replica=replica: _delay(_status(replica)),  # type: ignore[misc]
            next_step=f"`firstmate lab status` lists the faults in place; one of them may affect it. {START_AFRESH}",
        )


def _replicas(state: LabState, fault: Fault) -> tuple[LabInstance, ...]:
    shard = state.instance(fault.instance).shard
    return tuple(each for each in state.instances if each.shard == shard and each.role == "replica")


def _status(replica: LabInstance) -> dict[str, Any] | None:
    try:
        return replica_status(replica)
    except (pymysql.err.MySQLError, OSError):
        return None


def _delay(status: dict[str, Any] | None) -> float:
    behind = (status or {}).get("Seconds_Behind_Source")
    return UNKNOWN_LAG if behind is None else float(behind)


def _problem(replica: LabInstance) -> str:
    status = _status(replica)
    return "it does not answer" if status is None else replication_problem(status)


def _restart_applier(replica: LabInstance) -> None:
    status = _status(replica) or {}
    if status.get("Replica_SQL_Running") == "No" and int(status.get("Last_SQL_Errno") or 0) in LOCK_ERRORS:
        with administrator(replica) as admin:
            ask(admin, "START REPLICA SQL_THREAD")
