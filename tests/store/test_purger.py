"""What has had its time is deleted in small pieces; what is under way stays, and the audit log stays a chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.config import Retention
from bot.engine.outbox_port import Message, Priority
from bot.engine.run import RunState
from bot.store import audit_log
from bot.store import purger as retention
from bot.store.database import Database
from bot.store.outbox_store import OutboxStore
from bot.store.purger import Deleted, Purger
from bot.store.run_store import RunStore
from bot.store.tables import alerts, decisions, intents, messages, runs
from tests import samples


class Segments:
    """A queue with so many segments that ended."""

    left = 5

    def forget(self, before: datetime, limit: int) -> int:
        taken = min(self.left, limit)
        self.left -= taken
        return taken


def run_of(store: RunStore, number: int, *, days_ago: float, state: RunState = RunState.DIAGNOSED) -> None:
    opened = datetime.now(UTC) - timedelta(days=days_ago)
    run = samples.run(id=f"r-{number}", incident=f"i-{number}", opened_at=opened)
    alert = samples.alert(labels={"alertname": "x", "number": str(number)})
    store.receive(alert, key=f"k-{number}", run=run)
    store.intend(run.id, "change-0", "d")
    OutboxStore(store.database).put(Message(f"{run.id}:card", "C1", None, Priority.NEWS, {"text": "x"}))
    if state is not RunState.TRIAGING:
        store.save(replace(run, state=state), expect=RunState.TRIAGING)


def purge(database: Database, keep: Retention | None = None, *, days: float = 0.0) -> Deleted:
    purger = Purger(database, Segments(), keep or Retention())
    return purger.purge_expired(datetime.now(UTC) + timedelta(days=days))


def left(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in (runs, alerts, intents, messages, decisions)
        }


def test_old_runs_go_with_all_that_belongs_to_them(store: RunStore, database: Database):
    run_of(store, 1, days_ago=91)
    run_of(store, 10, days_ago=89)
    assert purge(database) == Deleted(runs=1, segments=5, events=0)
    assert left(database) == {"runs": 1, "alerts": 1, "intents": 1, "messages": 1, "decisions": 0}
    assert store.run("r-10") is not None


def test_what_is_under_way_is_never_deleted(store: RunStore, database: Database):
    for number, state in enumerate([RunState.TRIAGING, RunState.CHANGING], 1):
        run_of(store, number, days_ago=400, state=state)
    assert purge(database).runs == 0
    assert left(database)["runs"] == 2


def test_a_run_stays_as_long_as_what_joined_its_thread(store: RunStore, database: Database):
    run_of(store, 1, days_ago=91)
    opened = datetime.now(UTC) - timedelta(days=89)
    joined = samples.run(id="r-2", incident="i-1", thread="r-1", opened_at=opened, state=RunState.DIAGNOSED)
    assert store.open_run(joined, key="k-1", actor="firstmate")
    assert purge(database).runs == 0
    assert purge(database, days=2).runs == 2
    assert left(database)["messages"] == 0


def test_it_is_done_in_pieces_and_stops_when_it_must(
    store: RunStore, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "PIECE", 2)
    for number in range(5):
        run_of(store, number, days_ago=100)
    pieces = iter([True, False])
    Purger(database, Segments(), Retention(), lambda: next(pieces, False)).purge_expired(datetime.now(UTC))
    assert left(database)["runs"] == 3
    assert purge(database).runs == 3


def verified(database: Database) -> tuple[int, str | None]:
    with database.reading() as connection:
        rows, fault = audit_log.verify(audit_log.entries(connection))
    return rows, fault.says if fault else None


def test_the_audit_log_is_kept_whole_unless_one_asks(store: RunStore, database: Database):
    store.audit("x", actor="a", subject="s")
    purge(database, days=10_000)
    assert verified(database) == (1, None)


def test_a_trimmed_audit_log_is_still_a_chain(store: RunStore, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "PIECE", 3)
    for number in range(7):
        store.audit("x", actor="a", subject=str(number))
    assert purge(database, Retention(audit_days=1), days=2).events >= 7
    rows, fault = verified(database)
    assert fault is None
    store.audit("x", actor="a", subject="after")
    assert verified(database) == (rows + 1, None)


def test_a_beginning_that_nobody_trimmed_is_missed(store: RunStore, database: Database):
    for number in range(4):
        store.audit("x", actor="a", subject=str(number))
    with database.transaction() as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE seq <= 2"))
    assert verified(database) == (2, "rows 1 to 2 are missing, and no row says that they were cut off")


def test_more_cut_off_than_was_said_is_missed(store: RunStore, database: Database):
    for number in range(4):
        store.audit("x", actor="a", subject=str(number))
    with database.transaction() as connection:
        audit_log.trim(connection, through=2, rows=2)
        connection.execute(sa.text("DELETE FROM audit WHERE seq <= 3"))
    assert verified(database)[1] == "rows 1 to 3 are missing, and no row says that they were cut off"
