"""Stores what comes in: alerts with the runs that answer them, runs that people ask for, and refused bodies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.alerts import Alert, AlertStatus
from bot.engine import segments
from bot.engine.ports import Receipt
from bot.engine.run import Assignment, Run
from bot.incidents.alert_deduplication import Arrival, arrival, supersedes
from bot.incidents.joined_names import joined_names
from bot.incidents.reopened_thread import MOST_EARLIER, REOPENS_WITHIN, EarlierRun, reopened
from bot.incidents.resolved_runs import resolved_runs
from bot.store import audit_log
from bot.store.run_records import RUN, UNDER_WAY, RunRecords, read_run
from bot.store.tables import alerts, refused_bodies, runs

_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
KEPT_BODIES = 200
KEPT_BYTES = 64 * 1024


class IncidentStore(RunRecords):
    """Stores what comes in, and what follows from it, in one transaction; bot.incidents decides what follows."""

    def receive(self, alert: Alert, *, key: str, run: Run) -> Receipt:
        """Stores an alert; see the port. A resolved alert marks its runs and enqueues their resolution."""
        with self.database.transaction() as connection:
            known = self._stored(connection, alert)
            match arrival(alert.status, AlertStatus(known.status) if known is not None else None):
                case Arrival.FIRED:
                    return self._fired(connection, alert, key=key, run=run)
                case Arrival.NEVER_FIRED:
                    data = {"alert": alert.name}
                    audit_log.append(connection, "alert.resolved_unknown", "intake", alert.fingerprint, data)
                    return Receipt(fresh=False, incident="", run=None)
                case Arrival.RESOLVED:
                    assert known is not None
                    self._resolve(connection, alert, known.incident, known.run)
            assert known is not None
            return Receipt(fresh=False, incident=known.incident, run=None)

    def resolve(self, alert: Alert) -> None:
        """Ends a stored alert; one that has ended already, or is not stored, is left alone."""
        with self.database.transaction() as connection:
            known = self._stored(connection, alert)
            if known is not None and arrival(AlertStatus.RESOLVED, AlertStatus(known.status)) is Arrival.RESOLVED:
                self._resolve(connection, alert, known.incident, known.run)

    def _stored(self, connection: sa.Connection, alert: Alert) -> Any:  # noqa: ANN401 - a row, or None where it is not stored
        query = sa.select(alerts.c.status, alerts.c.incident, alerts.c.run).where(_is(alert)).limit(1)
        return connection.execute(query).first()

    def _fired(self, connection: sa.Connection, alert: Alert, *, key: str, run: Run) -> Receipt:
        """Stores a new firing; it joins the run of its key that is under way, or opens one."""
        active = self._active(connection, key)
        answering = active or self._in_thread(connection, key, alert, run)
        connection.execute(
            alerts.insert().values(
                fingerprint=alert.fingerprint,
                starts_at=alert.starts_at.isoformat(),
                status=alert.status.value,
                incident=answering.incident,
                run=answering.id,
                document=_ALERT.dump_json(alert).decode(),
                received_at=self._clock(),
            )
        )
        data = {"alert": alert.name, "labels": dict(alert.labels), "incident": answering.incident}
        audit_log.append(connection, "alert.received", "intake", alert.fingerprint, data)
        self._end_former(connection, alert)
        if active is not None:
            self._join(connection, active, alert)
        else:
            self._insert(connection, answering, key, actor="firstmate")
        return Receipt(fresh=True, incident=answering.incident, run=answering.id)

    def _end_former(self, connection: sa.Connection, alert: Alert) -> None:
        """Ends the former firings of the same labels whose end was never sent."""
        same = sa.and_(alerts.c.fingerprint == alert.fingerprint, alerts.c.status == AlertStatus.FIRING.value)
        known = sa.select(alerts.c.document, alerts.c.incident, alerts.c.run).where(same)
        for row in connection.execute(known).all():
            former = _ALERT.validate_json(row.document)
            if supersedes(alert, former):
                self._resolve(connection, replace(former, ends_at=alert.starts_at), row.incident, row.run)

    def _join(self, connection: sa.Connection, run: Run, alert: Alert) -> None:
        """Names the alert on the card of the run that is under way."""
        names = joined_names(run.alert.name if run.alert else "", run.joined, alert.name)
        if names is not None:
            self._write(connection, replace(run, joined=names))
            self._queue.put(connection, run.id, segments.Joined(len(names)))

    def _in_thread(self, connection: sa.Connection, key: str, alert: Alert, run: Run) -> Run:
        """The run in the thread of the incident that it reopens, or as it is where it begins a thread of its own."""
        query = (
            sa.select(runs.c.document)
            .where(runs.c.incident_key == key, runs.c.opened_at >= self._clock() - REOPENS_WITHIN.total_seconds())
            .order_by(runs.c.opened_at.desc())
            .limit(MOST_EARLIER)
        )
        earlier = [_earlier(read_run(row.document)[0]) for row in connection.execute(query)]
        roots = sa.select(runs.c.id).where(runs.c.id.in_({each.thread for each in earlier}))
        stored = set(connection.execute(roots).scalars())
        thread = reopened(alert, earlier, now=self._now(), stored_roots=stored)
        if thread is None:
            return run
        # Only the person is carried over: the silence is of another alert.
        taken = Assignment(*thread.assigned) if thread.assigned is not None else None
        return replace(
            run, incident=thread.incident, thread=thread.root, channel=thread.channel, loud=thread.loud, taken=taken
        )

    def _resolve(self, connection: sa.Connection, alert: Alert, incident: str, answered_by: str | None) -> None:
        """Ends an alert, and marks the runs of its incident that are over with it."""
        connection.execute(alerts.update().where(_is(alert)).values(status=AlertStatus.RESOLVED.value))
        audit_log.append(connection, "alert.resolved", "intake", alert.fingerprint, {"alert": alert.name})
        fires = sa.and_(alerts.c.incident == incident, alerts.c.status == AlertStatus.FIRING.value)
        firing = {row.run for row in connection.execute(sa.select(alerts.c.run).where(fires))}
        query = sa.select(runs.c.document).where(runs.c.incident == incident)
        found = {run.id: run for run in (read_run(row.document)[0] for row in connection.execute(query).all())}
        states = [(run.id, run.resolved_at is not None) for run in found.values()]
        for run_id in resolved_runs(states, answered_by=answered_by, firing=firing):
            self._write(connection, replace(found[run_id], resolved_at=alert.ends_at or self._now()))
            self._queue.put(connection, run_id, segments.Resolved())

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
                document=RUN.dump_json(run).decode(),
                cause=run.led_by or None,
            )
        )
        data = {"runbook": run.runbook, "runbook_digest": run.runbook_digest, "target": run.target}
        audit_log.append(connection, "run.opened", actor, run.id, data)
        if run.override is not None:
            audit_log.append(connection, "glass.broken", run.override.by, run.id, {"reason": run.override.reason})
        self._queue.put(connection, run.id, segments.Triage())

    def _active(self, connection: sa.Connection, key: str) -> Run | None:
        query = sa.select(runs.c.document).where(runs.c.incident_key == key, runs.c.state.in_(UNDER_WAY)).limit(1)
        found = connection.execute(query).scalar()
        return read_run(found)[0] if found else None

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        """Keeps a body that did not fit for a look: the newest 200, 64 KiB of each."""
        with self.database.transaction() as connection:
            connection.execute(
                refused_bodies.insert().values(
                    received_at=self._clock(), source=source, reason=reason.replace("\0", " "), body=body[:KEPT_BYTES]
                )
            )
            newest = sa.select(refused_bodies.c.id).order_by(refused_bodies.c.id.desc()).limit(KEPT_BODIES)
            connection.execute(refused_bodies.delete().where(refused_bodies.c.id.not_in(newest)))
            audit_log.append(connection, "intake.refused", source, "body", {"reason": reason, "bytes": len(body)})


def _is(alert: Alert) -> sa.ColumnElement[bool]:
    return sa.and_(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.starts_at.isoformat())


def _earlier(run: Run) -> EarlierRun:
    return EarlierRun(
        id=run.id,
        incident=run.incident,
        thread=run.root,
        channel=run.channel,
        opened_at=run.opened_at,
        alert=run.alert,
        resolved=run.resolved_at is not None,
        assigned=(run.taken.user, run.taken.since) if run.taken is not None else None,
    )
