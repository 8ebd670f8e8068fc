"""Several replicas of the bot: one leads, and the work of a dead one is handed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from bot.errors import StoreDown
from bot.store import audit_log
from bot.store.bot_replicas import Replica
from bot.store.database import Database
from bot.store.tables import leaders, replicas


@dataclass
class Scene:
    """A store, and what was handed on and who was told."""

    database: Database
    handed_on: list[list[str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def replica(self, name: str, version: str = "interp-2") -> Replica:
        found = Replica(
            self.database, self._recover, version, lambda: self.told.append(name), id=name, clock=lambda: self.seconds
        )
        found.register()
        return found

    def _recover(self, alive: Sequence[str]) -> None:
        self.handed_on.append(sorted(alive))

    def silent(self, name: str) -> None:
        """A replica has not beaten for a minute, and leads no more."""
        with self.database.transaction() as connection:
            connection.execute(replicas.update().where(replicas.c.id == name).values(beat_at=replicas.c.beat_at - 60))
            connection.execute(leaders.update().where(leaders.c.replica == name).values(until=leaders.c.until - 60))

    def listed(self) -> list[str]:
        with self.database.reading() as connection:
            return [str(row.id) for row in connection.execute(sa.select(replicas.c.id).order_by("id"))]


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


def test_one_of_them_leads(scene: Scene):
    first, second = scene.replica("a"), scene.replica("b")
    assert (first.leads(), second.leads()) == (True, False)
    assert first.beaten()
    assert second.beaten()
    assert (first.leads(), second.leads()) == (True, False)


def test_when_the_leader_stops_another_leads_at_its_next_beat(scene: Scene):
    first, second = scene.replica("a"), scene.replica("b")
    first.stop()
    assert scene.listed() == ["b"]
    assert second.beaten()
    assert second.leads()


def test_the_work_of_a_silent_one_is_handed_on_and_audited(scene: Scene):
    leader = scene.replica("a")
    scene.replica("b")
    scene.replica("c")
    scene.silent("b")
    assert leader.beaten()
    assert scene.listed() == ["a", "c"]
    assert scene.handed_on[-1] == ["a", "c"]
    with scene.database.reading() as connection:
        died = [(row.subject, row.data) for row in audit_log.entries(connection) if row.event == "replica.died"]
    assert died == [("b", '{"found_by":"a"}')]


def test_a_silent_leader_is_replaced_and_finds_itself_off_the_list(scene: Scene):
    first, second = scene.replica("a"), scene.replica("b")
    scene.silent("a")
    assert second.beaten()
    assert second.leads()
    assert scene.listed() == ["b"]
    assert not first.beaten()


def test_a_leader_that_was_stopped_does_not_lead_when_it_wakes(scene: Scene):
    first = scene.replica("a")
    assert first.leads()
    scene.seconds += first.dead_after
    assert not first.leads()


def test_who_does_not_lead_hands_nothing_on(scene: Scene):
    scene.replica("a")
    second = scene.replica("b")
    assert second.beaten()
    assert scene.handed_on == []


def test_who_was_taken_for_dead_is_told_once(scene: Scene):
    replica = scene.replica("a")
    replica.beat = 0.01
    with scene.database.transaction() as connection:
        connection.execute(replicas.delete())
    replica.start()
    replica._thread.join(5)
    assert scene.told == ["a"]
    assert not replica.leads()


def test_versions_are_those_of_all_that_live(scene: Scene):
    first = scene.replica("a", "interp-1")
    scene.replica("b", "interp-2")
    assert first.versions() == {"interp-1", "interp-2"}


def test_without_the_store_a_heartbeat_says_so_and_nobody_leads_on(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    replica = scene.replica("a")

    def down() -> None:
        raise StoreDown("The store does not take it.")

    monkeypatch.setattr(scene.database, "briefly", down)
    with pytest.raises(StoreDown):
        replica.beaten()
    scene.seconds += replica.dead_after
    assert not replica.leads()
