"""Records that many tests start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.alerts import Alert, AlertStatus
from bot.engine.plan import Change, Plan
from bot.engine.ports import StartResult, Store
from bot.engine.run import Run, RunState

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def alert(**changes: Any) -> Alert:
    """A replica's replication stopped."""
    labels = {"alertname": "MySQLReplicationStopped", "instance": "127.0.0.1:3308", "severity": "critical"}
    return replace(Alert(labels=labels, status=AlertStatus.FIRING, starts_at=NOW), **changes)


def plan(**changes: Any) -> Plan:
    """Starting the applier of a replica."""
    sample = Plan(
        remedy="start_applier",
        title="Start the applier",
        changes=(change(),),
        blast_radius="1 of 2 replicas of orders",
    )
    return replace(sample, **changes)


def change(**changes: Any) -> Change:
    """START REPLICA on one replica."""
    sample = Change(
        wave=0,
        action="mysql.start_replica",
        parameters={"thread": "applier"},
        target="orders-3",
        address="127.0.0.1:3308",
        server="uuid-3",
        statements=("START REPLICA SQL_THREAD",),
        undo=("STOP REPLICA SQL_THREAD",),
        undo_says="The statements shown undo the change.",
        risk="reversible",
    )
    return replace(sample, **changes)


def run(**changes: Any) -> Run:
    """A run that has just been opened by an alert."""
    sample = Run(
        id="r-1",
        incident="i-1",
        channel="C0DBALERTS",
        state=RunState.TRIAGING,
        opened_at=NOW,
        alert=alert(),
        requester="firstmate",
        runbook="mysql/replication-stopped",
        runbook_digest="d" * 64,
        runbook_text="",
        title="Replication stopped",
        target="orders-3",
        shard="orders",
    )
    return replace(sample, **changes)


def waiting(**changes: Any) -> Run:
    """A run that waits for one approval."""
    return run(**{"state": RunState.WAITING, "plan": plan(), "expires_at": NOW + timedelta(minutes=5), **changes})


def begun(store: Store, run_id: str, what: str, *, shard: str = "orders", action: str = "") -> StartResult:
    """A change that a run begins while it holds its shard."""
    token = store.lease(shard, run_id)
    assert token is not None
    return store.begin(run_id, what, shard=shard, token=token, action=action)
