"""Compares the cause of a run with the earlier runs of its shard in which the same cause led."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.engine.ports import Store
from bot.engine.run import Run, RunState
from bot.errors import FirstmateError
from bot.incidents.seen_before import LOOKED_BACK, MOST_EARLIER, Held, Occurrence, seen_before

log = logging.getLogger(__name__)

_HELD: Mapping[RunState, Held] = {
    RunState.MENDED: Held.HELD,
    RunState.WATCHING: Held.WATCHED,
    RunState.PARTLY_HELPED: Held.HELD,
    RunState.NOT_HELPED: Held.NOT_HELPED,
    RunState.UNKNOWN: Held.UNKNOWN,
    RunState.FAILED: Held.FAILED,
    RunState.UNDONE: Held.UNDONE,
}
_DONE: Mapping[str, str] = {
    "mysql.kill_connection": "the session was killed",
    "mysql.kill_query": "the statement was killed",
    "mysql.kill_statements": "the statements were killed",
    "mysql.kill_idle_sessions": "idle sessions were killed",
    "mysql.start_replica": "replication was started",
    "mysql.stop_replica": "replication was stopped",
    "mysql.skip_transaction": "a transaction was skipped",
    "mysql.purge_binary_logs": "binary logs were purged",
    "mysql.set_variable": "a variable was changed",
    "mysql.set_read_only": "read_only was changed",
    "mysql.resize_buffer_pool": "the buffer pool was resized",
    "mysql.fix_errant_gtid": "errant GTIDs were repaired",
    "proxysql.drain_server": "the server was drained",
}
MOST_VALUES = 2000
"""Values of the evidence that are searched for the name of a workload."""


def with_history(run: Run, store: Store, now: datetime) -> Run:
    """Returns the run with what is known of its leading cause from earlier runs."""
    if run.lead is None or not run.shard:
        return replace(run, seen_before=None)
    try:
        earlier = store.runs_led_by(run.led_by, run.shard, since=now - LOOKED_BACK, limit=MOST_EARLIER)
    except FirstmateError as error:
        # The diagnosis is worth more than its history.
        log.warning("the earlier runs of %s could not be read: %s", run.shard, error)
        return run
    found = seen_before(occurrence(run), [occurrence(each) for each in earlier if each.id != run.id])
    return replace(run, seen_before=found)


def occurrence(run: Run) -> Occurrence:
    """Returns what later runs need to know of a run."""
    plan = run.plan if run.outcomes or run.state in _HELD else None
    held = _HELD.get(run.state, Held.NOTHING_DONE) if plan is not None else Held.NOTHING_DONE
    since = run.effect.since if run.effect is not None else None
    ended = since or (run.timeline[-1].at if run.timeline else run.opened_at)
    alert = run.alert
    return Occurrence(
        run=run.id,
        firing=f"{alert.fingerprint} {alert.starts_at.isoformat()}" if alert is not None else run.incident,
        target=run.target,
        began=min(alert.starts_at, run.opened_at) if alert is not None else run.opened_at,
        ended=ended,
        held=held,
        done=" and ".join(_DONE.get(each, f"{each} was done") for each in plan.actions) if plan is not None else "",
        workload=workload_in(run),
    )


def workload_in(run: Run) -> str:
    """Returns the workload in the evidence that the sentence of the leading cause names, or ''."""
    lead = run.lead
    if lead is None:
        return ""
    names = (name for step in run.steps for name in _workloads(step.evidence))
    for _, name in zip(range(MOST_VALUES), names, strict=False):
        if name and f"({name})" in lead.says:
            return name
    return ""


def _workloads(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        for each in value:
            yield from _workloads(each)
    elif isinstance(value, dict):
        if isinstance(value.get("workload"), str):
            yield value["workload"]
        for each in value.values():
            yield from _workloads(each)
