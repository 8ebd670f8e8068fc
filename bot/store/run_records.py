"""Runs as they are kept: one document each, saved only from the state that was expected."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from bot.engine import segments
from bot.engine.run import Assignment, Choice, Decision, Event, PauseRequest, Run, RunState
from bot.engine.segments import Segment
from bot.store import audit_log
from bot.store.store_base import StoreBase
from bot.store.tables import decisions, runs

RUN: TypeAdapter[Run] = TypeAdapter(Run)
UNDER_WAY = [state.value for state in RunState if not state.ended]
CHANGED = [
    state.value
    for state in (
        RunState.MENDED,
        RunState.PARTLY_HELPED,
        RunState.NOT_HELPED,
        RunState.UNKNOWN,
        RunState.FAILED,
        RunState.UNDONE,
    )
]
WAITS = [RunState.WAITING.value, RunState.PAUSED.value]
TIMELINE = 60
"""Events of a run that are kept."""


def read_run(document: str) -> tuple[Run, tuple[str, ...]]:
    """The run of a document, and the keys that an older version wrote otherwise: they are left at their defaults."""
    try:
        return RUN.validate_json(document), ()
    except ValidationError as error:
        unfit = {str(each["loc"][0]) for each in error.errors()}
        rest = {key: value for key, value in json.loads(document).items() if key not in unfit}
        return RUN.validate_json(json.dumps(rest)), tuple(sorted(unfit))


class RunRecords(StoreBase):
    """Runs."""

    def run(self, run_id: str) -> Run | None:
        with self.database.reading() as connection:
            return self._load(connection, run_id)

    def _load(self, connection: sa.Connection, run_id: str) -> Run | None:
        found = connection.execute(sa.select(runs.c.document).where(runs.c.id == run_id)).scalar()
        if found is None:
            return None
        return self._decided(connection, [read_run(found)[0]])[0]

    def _decided(self, connection: sa.Connection, found: Sequence[Run]) -> list[Run]:
        """The runs with the decisions on them, which are kept in rows of their own."""
        query = sa.select(decisions).where(decisions.c.run.in_([run.id for run in found])).order_by(decisions.c.at)
        made: defaultdict[str, list[Decision]] = defaultdict(list)
        for row in connection.execute(query):
            at = datetime.fromtimestamp(row.at, UTC)
            made[row.run].append(Decision(row.user, Choice(row.choice), row.digest, at))
        return [replace(run, decisions=tuple(made[run.id])) for run in found]

    def runs(self, *, under_way: bool = False, limit: int = 50) -> Sequence[Run]:
        """The newest runs first."""
        query = sa.select(runs.c.document).order_by(runs.c.opened_at.desc()).limit(limit)
        if under_way:
            query = query.where(runs.c.state.in_(UNDER_WAY))
        with self.database.reading() as connection:
            return self._decided(connection, [read_run(row.document)[0] for row in connection.execute(query)])

    def runs_led_by(self, cause: str, shard: str, *, since: datetime, limit: int) -> Sequence[Run]:
        """The newest ended runs of a shard in which this cause led; see `Run.led_by`."""
        query = (
            sa.select(runs.c.document)
            .where(runs.c.shard == shard, runs.c.cause == cause, runs.c.opened_at >= since.timestamp())
            .where(runs.c.state.not_in(UNDER_WAY))
            .order_by(runs.c.opened_at.desc())
            .limit(limit)
        )
        try:
            with self.database.reading() as connection:
                return [read_run(row.document)[0] for row in connection.execute(query)]
        except sa.exc.ProgrammingError:
            return []  # a command that only reads, on a store that no bot of this version has upgraded yet

    def older(self) -> Sequence[tuple[Run, Sequence[str]]]:
        """Runs under way of which this version cannot read all, with the keys that it cannot read."""
        query = sa.select(runs.c.document).where(runs.c.state.in_(UNDER_WAY))
        with self.database.reading() as connection:
            found = [read_run(row.document) for row in connection.execute(query)]
        return [each for each in found if each[1]]

    def counts(self) -> Mapping[str, int]:
        """How many runs are under way, by state."""
        query = sa.select(runs.c.state, sa.func.count()).where(runs.c.state.in_(UNDER_WAY)).group_by(runs.c.state)
        with self.database.reading() as connection:
            return {str(state): int(count) for state, count in connection.execute(query)}

    def outcomes(self) -> Mapping[str, int]:
        """How many of the kept runs ended with a change, by what became of it."""
        query = sa.select(runs.c.state, sa.func.count()).where(runs.c.state.in_(CHANGED)).group_by(runs.c.state)
        with self.database.reading() as connection:
            return dict.fromkeys(CHANGED, 0) | {str(state): int(count) for state, count in connection.execute(query)}

    def still(self, *, before: datetime, limit: int = 100) -> Sequence[tuple[str, RunState]]:
        """Runs that should have moved since: opened before and not waiting, or waiting past their deadline."""
        moving = [state for state in UNDER_WAY if state not in WAITS]
        query = sa.select(runs.c.id, runs.c.state).where(
            sa.or_(
                sa.and_(runs.c.state.in_(moving), runs.c.opened_at < before.timestamp()),
                sa.and_(runs.c.state.in_(WAITS), runs.c.due_at < before.timestamp()),
            )
        )
        with self.database.reading() as connection:
            found = connection.execute(query.order_by(runs.c.opened_at).limit(limit)).all()
        return [(str(row.id), RunState(row.state)) for row in found]

    def save(self, run: Run, *, expect: RunState, event: str = "", actor: str = "firstmate", **data: Any) -> bool:  # noqa: ANN401
        with self.database.transaction() as connection:
            return self._save(connection, run, expect=expect, event=event, actor=actor, data=data)

    def _save(
        self, connection: sa.Connection, run: Run, *, expect: RunState, event: str, actor: str, data: dict[str, Any]
    ) -> bool:
        stored = self._load(connection, run.id)
        if stored is None or stored.state is not expect:
            return False
        # A resolution, a person or another alert may have come in while the segment held its own copy of the run.
        self._write(
            connection,
            replace(
                run,
                resolved_at=stored.resolved_at or run.resolved_at,
                taken=stored.taken,
                pause_request=stored.pause_request,
                joined=stored.joined,
            ),
        )
        if event:
            audit_log.append(connection, event, actor, run.id, {"state": run.state.value, **data})
        return True

    def _write(self, connection: sa.Connection, run: Run) -> None:
        bounded = replace(run, timeline=run.timeline[-TIMELINE:], decisions=())
        waits = run.expires_at if run.state is RunState.WAITING else None
        if run.state is RunState.PAUSED and run.pause_request is not None:
            waits = run.pause_request.until
        due = waits.timestamp() if waits is not None else None
        values = {
            "state": run.state.value,
            "document": RUN.dump_json(bounded).decode(),
            "due_at": due,
            "cause": run.led_by or None,
        }
        connection.execute(runs.update().where(runs.c.id == run.id).values(**values))

    def take(self, run_id: str, taken: Assignment | None, *, expect: Assignment | None, actor: str) -> bool:
        with self.database.transaction() as connection:
            stored = self._load(connection, run_id)
            if stored is None or stored.taken != expect:
                return False
            self._write(connection, replace(stored, taken=taken))
            event = "run.handed_back" if taken is None else "run.taken"
            silence = (taken or expect or Assignment("", self._now())).silence
            audit_log.append(connection, event, actor, run_id, {"silence": silence})
            return True

    def request_pause(self, run_id: str, request: PauseRequest | None, *, actor: str) -> bool:
        with self.database.transaction() as connection:
            stored = self._load(connection, run_id)
            if stored is None or stored.state not in (RunState.APPROVED, RunState.CHANGING):
                return False
            self._write(connection, replace(stored, pause_request=request))
            audit_log.append(connection, f"run.{request.kind if request else 'hold_lifted'}", actor, run_id, {})
            return True

    def go_on(self, run_id: str, request: PauseRequest | None, *, says: str, actor: str) -> bool:
        with self.database.transaction() as connection:
            stored = self._load(connection, run_id)
            if stored is None or stored.state is not RunState.PAUSED:
                return False
            event = Event(self._now(), says)
            self._write(
                connection,
                replace(
                    stored,
                    state=RunState.CHANGING,
                    pause_request=request,
                    says=says,
                    timeline=(*stored.timeline, event),
                ),
            )
            audit_log.append(connection, "run.stopped" if request else "run.resumed", actor, run_id, {})
            # The length of the timeline makes each continuation a segment of its own.
            self._queue.put(connection, run_id, segments.Change(len(stored.timeline)))
            return True

    def enqueue(self, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        with self.database.transaction() as connection:
            self._queue.put(connection, run_id, segment, delay=delay)

    def audit(self, event: str, *, actor: str, subject: str, **data: Any) -> None:  # noqa: ANN401
        with self.database.transaction() as connection:
            audit_log.append(connection, event, actor, subject, data)
