"""What comes in: alerts with their runs, runs that people ask for, and bodies that did not fit."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.alerts import Alert, AlertStatus
from bot.engine import segments
from bot.engine.ports import Receipt
from bot.engine.run import Assignment, Run
from bot.incidents.key import JOINS_WITHIN, is_loud
from bot.store import audit
from bot.store.run_records import RUN, UNDER_WAY, RunRecords, read_run
from bot.store.tables import alerts, refused_bodies, runs

_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
KEPT_BODIES = 200
KEPT_BYTES = 64 * 1024
MOST_JOINED = 20
"""Names of alerts that a card tells beside its own."""
LOOKED_AT = 20
"""The newest runs of a trouble among which it is looked how grave it was."""


class IncidentStore(RunRecords):
    """Stores what comes in, each with what is to be done about it, in one transaction."""

    def receive(self, alert: Alert, *, key: str, run: Run) -> Receipt:
        """Stores an alert; see the port. A resolved alert marks its runs and enqueues their resolution."""
        with self.database.transaction() as connection:
            known = connection.execute(
                sa.select(alerts.c.status, alerts.c.incident, alerts.c.run).where(_is(alert)).limit(1),
            ).first()
            if known is None and alert.status is AlertStatus.FIRING:
                return self._receive_new(connection, alert, key=key, run=run)
            if known is None:
                audit.append(connection, "alert.resolved_unknown", "intake", alert.fingerprint, {"alert": alert.name})
                return Receipt(fresh=False, incident="", run=None)
            if alert.status is AlertStatus.RESOLVED and known.status != AlertStatus.RESOLVED:
                self._resolve(connection, alert, known.incident, known.run)
            return Receipt(fresh=False, incident=known.incident, run=None)

    def _receive_new(self, connection: sa.Connection, alert: Alert, *, key: str, run: Run) -> Receipt:
        active = self._active(connection, key)
        run = run if active else self._in_thread(connection, key, alert, run)
        incident = active.incident if active else run.incident
        connection.execute(
            alerts.insert().values(
                fingerprint=alert.fingerprint,
                starts_at=alert.starts_at.isoformat(),
                status=alert.status.value,
                incident=incident,
                run=active.id if active else run.id,
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
        self._end_former(connection, alert)
        if active is not None:
            self._join(connection, active, alert)
            return Receipt(fresh=True, incident=incident, run=active.id)
        self._insert(connection, run, key, actor="firstmate")
        return Receipt(fresh=True, incident=incident, run=run.id)

    def _end_former(self, connection: sa.Connection, alert: Alert) -> None:
        """An alert that fires anew has ended before, though nobody told: it would keep its incident firing for ever."""
        same = sa.and_(alerts.c.fingerprint == alert.fingerprint, alerts.c.status == AlertStatus.FIRING.value)
        known = sa.select(alerts.c.document, alerts.c.incident, alerts.c.run).where(same)
        for row in connection.execute(known).all():
            former = _ALERT.validate_json(row.document)
            if former.starts_at < alert.starts_at:
                self._resolve(connection, replace(former, ends_at=alert.starts_at), row.incident, row.run)

    def _join(self, connection: sa.Connection, run: Run, alert: Alert) -> None:
        """Names the alert on the card of the run that is under way."""
        known = {*run.joined, run.alert.name if run.alert else ""}
        if alert.name not in known and len(run.joined) < MOST_JOINED:
            self._write(connection, replace(run, joined=(*run.joined, alert.name)))
            self._queue.put(connection, run.id, segments.Joined(len(known)))

    def _in_thread(self, connection: sa.Connection, key: str, alert: Alert, run: Run) -> Run:
        """The run in the thread of the same trouble, where that is still at hand; else as it is."""
        query = (
            sa.select(runs.c.document)
            .where(runs.c.incident_key == key, runs.c.opened_at >= self._clock() - JOINS_WITHIN.total_seconds())
            .order_by(runs.c.opened_at.desc())
            .limit(LOOKED_AT)
        )
        found = [read_run(row.document)[0] for row in connection.execute(query)]
        earlier = [each for each in found if each.alert is not None]
        if not earlier or self._load(connection, earlier[0].root) is None:
            return run
        newest = earlier[0]
        resolved = all(each.resolved_at is not None for each in earlier)
        return replace(
            run,
            incident=newest.incident,
            thread=newest.root,
            channel=newest.channel,
            loud=is_loud(alert, [each.alert for each in earlier if each.alert], resolved=resolved),
            # Only who, not what is silent: that was another alert.
            taken=Assignment(newest.taken.user, newest.taken.since) if newest.taken is not None else None,
        )

    def _resolve(self, connection: sa.Connection, alert: Alert, incident: str, answered_by: str | None) -> None:
        """Ends an alert, and tells the run that answers it, or all of the incident, where nothing else fires there."""
        connection.execute(alerts.update().where(_is(alert)).values(status=AlertStatus.RESOLVED.value))
        audit.append(connection, "alert.resolved", "intake", alert.fingerprint, {"alert": alert.name})
        fires = sa.and_(alerts.c.incident == incident, alerts.c.status == AlertStatus.FIRING.value)
        firing = {row.run for row in connection.execute(sa.select(alerts.c.run).where(fires))}
        query = sa.select(runs.c.document).where(runs.c.incident == incident)
        for row in connection.execute(query).all():
            run = read_run(row.document)[0]
            over = not firing or (run.id == answered_by and answered_by not in firing)
            if over and run.resolved_at is None:
                self._write(connection, replace(run, resolved_at=alert.ends_at or self._now()))
                self._queue.put(connection, run.id, segments.Resolved())

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
            )
        )
        data = {"runbook": run.runbook, "runbook_digest": run.runbook_digest, "target": run.target}
        audit.append(connection, "run.opened", actor, run.id, data)
        if run.override is not None:
            audit.append(connection, "glass.broken", run.override.by, run.id, {"reason": run.override.reason})
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
            audit.append(connection, "intake.refused", source, "body", {"reason": reason, "bytes": len(body)})


def _is(alert: Alert) -> sa.ColumnElement[bool]:
    return sa.and_(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.starts_at.isoformat())
