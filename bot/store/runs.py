"""Runs, alerts, decisions, intents, leases and the halt switch; each method is one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.sqlite import insert

from bot.alerts import Alert, AlertStatus
from bot.engine.ports import Begun, Receipt
from bot.engine.state import Choice, Decision, Event, Run, RunState, Takeover
from bot.errors import NotAllowed
from bot.guards.facts import Halt, mention
from bot.store import audit
from bot.store.database import Database
from bot.store.durable import SegmentQueue
from bot.store.tables import acknowledgements, alerts, changes, decisions, halts, intents, leases, refused_bodies, runs

_RUN: TypeAdapter[Run] = TypeAdapter(Run)
_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)

UNDER_WAY = [state.value for state in RunState if not state.ended]
KEPT_BODIES = 200
KEPT_BYTES = 64 * 1024
TIMELINE = 60


class RunStore:
    """Implements bot.engine.ports.Store on a Database."""

    def __init__(self, database: Database, queue: SegmentQueue, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._queue = queue
        self._clock = clock

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    # -- alerts and runs ------------------------------------------------------------------------------------------

    def receive(self, alert: Alert, *, key: str, run: Run) -> Receipt:
        """Stores an alert; see the port. A resolved alert marks its runs and enqueues their resolution."""
        with self.database.transaction() as connection:
            known = connection.execute(
                sa.select(alerts.c.status, alerts.c.incident).where(_is(alert)).limit(1),
            ).first()
            if known is None and alert.status is AlertStatus.FIRING:
                return self._receive_new(connection, alert, key=key, run=run)
            if known is None:
                audit.append(connection, "alert.resolved_unknown", "intake", alert.fingerprint, {"alert": alert.name})
                return Receipt(fresh=False, incident="", run=None)
            if alert.status is AlertStatus.RESOLVED and known.status != AlertStatus.RESOLVED:
                self._resolve(connection, alert, known.incident)
            return Receipt(fresh=False, incident=known.incident, run=None)

    def _receive_new(self, connection: sa.Connection, alert: Alert, *, key: str, run: Run) -> Receipt:
        active = self._active(connection, key)
        incident = active.incident if active else run.incident
        connection.execute(
            alerts.insert().values(
                fingerprint=alert.fingerprint,
                starts_at=alert.starts_at.isoformat(),
                status=alert.status.value,
                incident=incident,
                document=_ALERT.dump_json(alert).decode(),
                received_at=self._clock(),
            )
        )
        audit.append(
            connection,
            "alert.received",
            "intake",
            alert.fingerprint,
            {"alert": alert.name, "labels": dict(alert.labels), "incident": incident},
        )
        if active is not None:
            return Receipt(fresh=True, incident=incident, run=active.id)
        self._insert(connection, run, key, actor="firstmate")
        return Receipt(fresh=True, incident=incident, run=run.id)

    def _resolve(self, connection: sa.Connection, alert: Alert, incident: str) -> None:
        connection.execute(alerts.update().where(_is(alert)).values(status=AlertStatus.RESOLVED.value))
        audit.append(connection, "alert.resolved", "intake", alert.fingerprint, {"alert": alert.name})
        firing = connection.execute(
            sa.select(sa.func.count())
            .select_from(alerts)
            .where(alerts.c.incident == incident, alerts.c.status == AlertStatus.FIRING.value)
        ).scalar_one()
        if firing:
            return
        query = sa.select(runs.c.document).where(runs.c.incident == incident)
        for row in connection.execute(query).all():
            run = _RUN.validate_json(row.document)
            if run.resolved_at is None:
                self._write(connection, replace(run, resolved_at=alert.ends_at or self._now()))
                self._queue.put(connection, run.id, "resolved")

    def open_run(self, run: Run, *, key: str, actor: str) -> bool:
        with self.database.transaction() as connection:
            if self._active(connection, key) is not None:
                return False
            self._insert(connection, run, key, actor=actor)
            return True

    def _insert(self, connection: sa.Connection, run: Run, key: str, *, actor: str) -> None:
        connection.execute(
            runs.insert().values(
                id=run.id,
                incident=run.incident,
                incident_key=key,
                state=run.state.value,
                shard=run.shard,
                opened_at=run.opened_at.timestamp(),
                document=_RUN.dump_json(run).decode(),
            )
        )
        data = {"runbook": run.runbook, "runbook_digest": run.runbook_digest, "target": run.target}
        audit.append(connection, "run.opened", actor, run.id, data)
        if run.override is not None:
            audit.append(connection, "glass.broken", run.override.by, run.id, {"reason": run.override.reason})
        self._queue.put(connection, run.id, "triage")

    def _active(self, connection: sa.Connection, key: str) -> Run | None:
        query = sa.select(runs.c.document).where(runs.c.incident_key == key, runs.c.state.in_(UNDER_WAY)).limit(1)
        found = connection.execute(query).scalar()
        return _RUN.validate_json(found) if found else None

    def run(self, run_id: str) -> Run | None:
        with self.database.reading() as connection:
            return self._load(connection, run_id)

    def _load(self, connection: sa.Connection, run_id: str) -> Run | None:
        found = connection.execute(sa.select(runs.c.document).where(runs.c.id == run_id)).scalar()
        if found is None:
            return None
        run = _RUN.validate_json(found)
        rows = connection.execute(sa.select(decisions).where(decisions.c.run == run_id).order_by(decisions.c.at))
        made = tuple(
            Decision(row.user, Choice(row.choice), row.digest, datetime.fromtimestamp(row.at, UTC)) for row in rows
        )
        return replace(run, decisions=made)

    def runs(self, *, under_way: bool = False, limit: int = 50) -> Sequence[Run]:
        """The newest runs first."""
        query = sa.select(runs.c.document).order_by(runs.c.opened_at.desc()).limit(limit)
        if under_way:
            query = query.where(runs.c.state.in_(UNDER_WAY))
        with self.database.reading() as connection:
            return [_RUN.validate_json(row.document) for row in connection.execute(query)]

    def save(self, run: Run, *, expect: RunState, event: str = "", actor: str = "firstmate", **data: Any) -> bool:  # noqa: ANN401
        with self.database.transaction() as connection:
            return self._save(connection, run, expect=expect, event=event, actor=actor, data=data)

    def _save(
        self, connection: sa.Connection, run: Run, *, expect: RunState, event: str, actor: str, data: dict[str, Any]
    ) -> bool:
        stored = self._load(connection, run.id)
        if stored is None or stored.state is not expect:
            return False
        # A resolution, or a person, may have come in while the segment held its own copy of the run.
        self._write(connection, replace(run, resolved_at=stored.resolved_at or run.resolved_at, taken=stored.taken))
        if event:
            audit.append(connection, event, actor, run.id, {"state": run.state.value, **data})
        return True

    def _write(self, connection: sa.Connection, run: Run) -> None:
        bounded = replace(run, timeline=run.timeline[-TIMELINE:], decisions=())
        values = {"state": run.state.value, "document": _RUN.dump_json(bounded).decode()}
        connection.execute(runs.update().where(runs.c.id == run.id).values(**values))

    def take(self, run_id: str, taken: Takeover | None, *, expect: Takeover | None, actor: str) -> bool:
        with self.database.transaction() as connection:
            stored = self._load(connection, run_id)
            if stored is None or stored.taken != expect:
                return False
            self._write(connection, replace(stored, taken=taken))
            event = "run.handed_back" if taken is None else "run.taken"
            silence = (taken or expect or Takeover("", self._now())).silence
            audit.append(connection, event, actor, run_id, {"silence": silence})
            return True

    def enqueue(self, run_id: str, segment: str, *, delay: float = 0.0) -> None:
        with self.database.transaction() as connection:
            self._queue.put(connection, run_id, segment, delay=delay)

    # -- decisions ------------------------------------------------------------------------------------------------

    def wait(self, run: Run, *, expires_in: float) -> bool:
        now = self._now()
        waiting = replace(run, state=RunState.WAITING, expires_at=now + timedelta(seconds=expires_in))
        plans = [plan for plan in (run.plan, *run.alternatives) if plan is not None]
        offered = [{"digest": plan.digest, "statements": list(plan.statements)} for plan in plans]
        data = {"plans": offered, "target": run.target}
        with self.database.transaction() as connection:
            saved = self._save(
                connection,
                waiting,
                expect=RunState.TRIAGING,
                event="approval.asked",
                actor="firstmate",
                data=data,
            )
            if saved:
                self._queue.put(connection, run.id, "expire", delay=expires_in)
        return saved

    def approve_alone(self, run: Run) -> bool:
        assert run.plan is not None
        data = {"digest": run.plan.digest, "statements": list(run.plan.statements), "target": run.target}
        with self.database.transaction() as connection:
            saved = self._save(
                connection,
                run,
                expect=RunState.TRIAGING,
                event="approval.not_needed",
                actor="firstmate",
                data=data,
            )
            if saved:
                self._queue.put(connection, run.id, "change")
        return saved

    def decide(self, run_id: str, decision: Decision) -> Run:
        with self.database.transaction() as connection:
            run = self._load(connection, run_id)
            if run is None:
                raise NotAllowed(f"There is no run {run_id}; its records may have been deleted.")
            _may_decide(run, decision)
            mine = sa.and_(
                decisions.c.run == run_id, decisions.c.user == decision.user, decisions.c.digest == decision.digest
            )
            revoked = connection.execute(decisions.delete().where(mine)).rowcount == 1
            connection.execute(
                decisions.insert().values(
                    run=run_id,
                    digest=decision.digest,
                    user=decision.user,
                    choice=decision.choice.value,
                    at=decision.at.timestamp(),
                )
            )
            data = {"digest": decision.digest, "choice": "revoke" if revoked else decision.choice.value}
            audit.append(connection, "approval.decided", decision.user, run_id, data)
            run = replace(run, decisions=(*(d for d in run.decisions if d.user != decision.user), decision))
            if decision.choice is Choice.DENY:
                who = mention(decision.user)
                says = f"{who} revoked the approval" if revoked else f"{who} denied it"
                run = _ended(run, RunState.DENIED, f"{says}; nothing was changed.", decision.at)
                self._write(connection, run)
                self._queue.put(connection, run_id, "report")
            elif _approvals(run, decision.digest) >= run.approvals_needed:
                says = "Approved; looking again before the change."
                chosen = run.offered(decision.digest)
                run = replace(run, state=RunState.APPROVED, plan=chosen, alternatives=(), says=says)
                run = replace(
                    run, timeline=(*run.timeline, Event(decision.at, f"approved by {mention(decision.user)}"))
                )
                self._write(connection, run)
                self._queue.put(connection, run_id, "change")
            return run

    # -- at most once ---------------------------------------------------------------------------------------------

    def intend(self, run_id: str, what: str, digest: str) -> None:
        values = {"run": run_id, "what": what, "state": "intent", "digest": digest, "at": self._clock()}
        with self.database.transaction() as connection:
            done = connection.execute(insert(intents).values(**values).on_conflict_do_nothing())
            if done.rowcount:
                audit.append(connection, "change.intended", "firstmate", run_id, {"what": what, "digest": digest})

    def begin(self, run_id: str, what: str, *, shard: str = "", action: str = "") -> bool:
        row = sa.and_(intents.c.run == run_id, intents.c.what == what)
        with self.database.transaction() as connection:
            begun = connection.execute(
                intents.update().where(row, intents.c.state == "intent").values(state="started", at=self._clock())
            )
            if begun.rowcount == 1:
                audit.append(connection, "change.started", "firstmate", run_id, {"what": what})
                if action:
                    values = {"run": run_id, "what": what, "shard": shard, "action": action, "at": self._clock()}
                    connection.execute(changes.insert().values(**values))
                return True
            audit.append(connection, "change.not_repeated", "firstmate", run_id, {"what": what})
            return False

    def finish(self, run_id: str, what: str, outcome: str) -> None:
        row = sa.and_(intents.c.run == run_id, intents.c.what == what)
        with self.database.transaction() as connection:
            connection.execute(intents.update().where(row).values(state="ended", outcome=outcome, at=self._clock()))
            audit.append(connection, "change.ended", "firstmate", run_id, {"what": what, "outcome": outcome})

    def changes(self, *, since: datetime, besides: str) -> Sequence[Begun]:
        query = sa.select(changes).where(changes.c.at >= since.timestamp(), changes.c.run != besides)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(changes.c.at)).all()
        return [Begun(row.run, row.shard, row.action, datetime.fromtimestamp(row.at, UTC)) for row in rows]

    def acknowledge(self, shard: str, *, actor: str) -> None:
        values = {"shard": shard, "by": actor, "at": self._clock()}
        with self.database.transaction() as connection:
            done = insert(acknowledgements).values(**values).on_conflict_do_update(["shard"], set_=values)
            connection.execute(done)
            audit.append(connection, "cooldown.acknowledged", actor, shard, {})

    def acknowledged(self, shard: str) -> datetime | None:
        query = sa.select(acknowledgements.c.at).where(acknowledgements.c.shard == shard)
        with self.database.reading() as connection:
            at = connection.execute(query).scalar()
        return None if at is None else datetime.fromtimestamp(at, UTC)

    # -- one change per shard -------------------------------------------------------------------------------------

    def lease(self, shard: str, run_id: str, *, seconds: float) -> int | None:
        now = self._clock()
        with self.database.transaction() as connection:
            held = connection.execute(sa.select(leases).where(leases.c.shard == shard)).first()
            if held is not None and held.run not in ("", run_id) and held.until > now:
                return None
            token = (held.token if held else 0) + 1
            values = {"shard": shard, "run": run_id, "token": token, "until": now + seconds}
            connection.execute(insert(leases).values(**values).on_conflict_do_update(["shard"], set_=values))
            audit.append(connection, "lease.taken", "firstmate", run_id, {"shard": shard, "token": token})
            return token

    def release(self, shard: str, run_id: str) -> None:
        # The row stays, so that the fencing token only ever grows.
        with self.database.transaction() as connection:
            connection.execute(
                leases.update().where(leases.c.shard == shard, leases.c.run == run_id).values(run="", until=0.0)
            )

    def holder(self, shard: str, *, besides: str) -> tuple[str, datetime] | None:
        with self.database.reading() as connection:
            held = connection.execute(sa.select(leases).where(leases.c.shard == shard)).first()
        if held is None or held.run in ("", besides) or held.until <= self._clock():
            return None
        return held.run, datetime.fromtimestamp(held.until, UTC)

    # -- the halt switch, the audit log, and what did not fit -----------------------------------------------------

    def halts(self) -> Sequence[Halt]:
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(halts).order_by(halts.c.scope)).all()
        return [Halt(row.by, row.reason, datetime.fromtimestamp(row.since, UTC), row.scope) for row in rows]

    def set_halt(self, halt: Halt, *, actor: str) -> None:
        values = {"scope": halt.scope, "by": halt.by, "reason": halt.reason, "since": halt.since.timestamp()}
        with self.database.transaction() as connection:
            connection.execute(insert(halts).values(**values).on_conflict_do_update(["scope"], set_=values))
            audit.append(connection, "halt.set", actor, halt.scope or "everything", {"reason": halt.reason})

    def lift_halt(self, scope: str, *, actor: str) -> bool:
        with self.database.transaction() as connection:
            lifted = connection.execute(halts.delete().where(halts.c.scope == scope)).rowcount > 0
            if lifted:
                audit.append(connection, "halt.lifted", actor, scope or "everything", {})
            return lifted

    def audit(self, event: str, *, actor: str, subject: str, **data: Any) -> None:  # noqa: ANN401
        with self.database.transaction() as connection:
            audit.append(connection, event, actor, subject, data)

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        """Keeps a body that did not fit for a look: the newest 200, 64 KiB of each."""
        with self.database.transaction() as connection:
            connection.execute(
                refused_bodies.insert().values(
                    received_at=self._clock(), source=source, reason=reason, body=body[:KEPT_BYTES]
                )
            )
            newest = sa.select(refused_bodies.c.id).order_by(refused_bodies.c.id.desc()).limit(KEPT_BODIES)
            connection.execute(refused_bodies.delete().where(refused_bodies.c.id.not_in(newest)))
            audit.append(connection, "intake.refused", source, "body", {"reason": reason, "bytes": len(body)})


def _is(alert: Alert) -> sa.ColumnElement[bool]:
    return sa.and_(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.starts_at.isoformat())


def _ended(run: Run, state: RunState, says: str, at: datetime) -> Run:
    return replace(run, state=state, says=says, timeline=(*run.timeline, Event(at, says)))


def _approvals(run: Run, digest: str) -> int:
    return sum(each.choice is Choice.APPROVE and each.digest == digest for each in run.decisions)


def _may_decide(run: Run, decision: Decision) -> None:
    """Raises NotAllowed when this decision cannot count; the sentence says what stands.

    Who approved may still deny, which voids the plan, until the change begins.
    """
    mine = [d.choice for d in run.decisions if d.user == decision.user and d.digest == decision.digest]
    revokes = decision.choice is Choice.DENY and mine == [Choice.APPROVE]
    if mine and not revokes:
        raise NotAllowed(f"You decided on run {run.id} already; the run is {run.state.value}.")
    if run.state is not RunState.WAITING and not (run.state is RunState.APPROVED and decision.choice is Choice.DENY):
        raise NotAllowed(f"Run {run.id} does not wait for an approval any more: it is {run.state.value}. {run.says}")
    if run.offered(decision.digest) is None:
        raise NotAllowed(
            f"The plan of run {run.id} is not the one that you saw; look at the newest card and decide there."
        )
    if run.expires_at is not None and decision.at >= run.expires_at:
        raise NotAllowed(f"The approval of run {run.id} expired at {run.expires_at:%H:%M:%S} UTC; ask for a new plan.")
