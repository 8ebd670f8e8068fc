"""Somebody takes an incident; its alert is silent meanwhile, and heard again in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.alerts import ALERTMANAGER
from bot.engine.incident_assignment import AssignmentPublisher, Assignments
from bot.engine.run import Assignment, Run, RunState
from bot.engine.silencing import Silencing
from bot.errors import Busy, NotAllowed, Unreachable
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.engine.servers import Published
from tests.samples import NOW, alert, run

RUNBOOK = """\
runbook: mysql/replication-stopped
title: T
owner: me
silence: 30m
gather: {replica: mysql.replica_status}
"""


@dataclass
class Silencer:
    """Stands where Alertmanager stands; the real one is in tests/fleet/test_alertmanager_silences.py."""

    silences: dict[str, tuple[dict[str, str], float, str]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    firing: bool = True
    down: bool = False

    def silence(self, labels: Mapping[str, str], *, seconds: float, by: str, why: str) -> str:
        if self.down:
            raise Unreachable("Alertmanager at http://am does not answer.")
        name = f"a-b-{len(self.silences) + 1}"
        self.silences[name] = (dict(labels), seconds, by)
        return name

    def end(self, silence: str) -> None:
        if self.down:
            raise Unreachable("Alertmanager at http://am does not answer.")
        self.ended.append(silence)

    def fires(self, labels: Mapping[str, str]) -> bool:
        if self.down:
            raise Unreachable("Alertmanager at http://am does not answer.")
        return self.firing


@dataclass
class Scene:
    """A run whose alert fires."""

    store: RunStore
    queue: DirectQueue
    silencer: Silencer = field(default_factory=Silencer)
    publisher: Published = field(default_factory=Published)
    minutes: int = 0

    @property
    def assignments(self) -> Assignments:
        return Assignments(
            self.store,
            self.publisher,
            Silencing({ALERTMANAGER: self.silencer}),
            lambda: NOW + timedelta(minutes=self.minutes),
        )

    def run(self) -> Run:
        found = self.store.run("r-1")
        assert found is not None
        return found

    def taken(self) -> Assignment:
        found = self.run().taken
        assert found is not None
        return found

    def take(self, user: str = "U1") -> Run:
        return self.assignments.take(user, self.run())

    def segments(self) -> list[str]:
        return [segment for _, segment in self.queue.later if segment.startswith("silenced")]

    def look(self) -> None:
        """The next look at the silent alert."""
        self.assignments.check_silenced("r-1", len(self.segments()) - 1)


@pytest.fixture
def scene(database: Database) -> Scene:
    queue = DirectQueue()
    store = RunStore(database, queue)
    store.receive(alert(), key="k", run=run(runbook_text=RUNBOOK))
    return Scene(store, queue)


def test_the_alert_is_silent_for_as_long_as_the_runbook_says(scene: Scene):
    scene.take()
    assert scene.silencer.silences == {"a-b-1": (dict(alert().labels), 1800.0, "U1")}
    assert scene.taken() == Assignment("U1", NOW, "a-b-1", NOW + timedelta(minutes=30))
    assert scene.publisher.runs[-1].taken == scene.taken()
    assert scene.segments() == ["silenced-0-a-b-1"]


def test_pressing_twice_is_one_silence(scene: Scene):
    scene.take()
    scene.take()
    assert list(scene.silencer.silences) == ["a-b-1"]


def test_another_person_takes_over_and_the_first_silence_ends(scene: Scene):
    scene.take()
    scene.take("U2")
    assert (scene.taken().user, scene.taken().silence, scene.silencer.ended) == ("U2", "a-b-2", ["a-b-1"])


def test_who_was_slower_is_told_and_leaves_no_silence(scene: Scene):
    before = scene.run()
    scene.take()
    with pytest.raises(Busy, match=r"Somebody else took this incident first"):
        scene.assignments.take("U2", before)
    assert scene.taken().user == "U1"
    assert scene.silencer.ended == ["a-b-2"]


def test_handing_back_ends_the_silence(scene: Scene):
    scene.take()
    scene.assignments.hand_back("U2", scene.run())
    assert (scene.run().taken, scene.silencer.ended) == (None, ["a-b-1"])


def test_without_a_silence_in_the_runbook_there_is_none(scene: Scene):
    scene.store.save(replace(scene.run(), runbook_text=RUNBOOK.replace("silence: 30m\n", "")), expect=scene.run().state)
    scene.take()
    assert scene.silencer.silences == {}
    assert (scene.taken().user, scene.taken().says) == ("U1", "")


def test_an_alertmanager_that_does_not_answer_is_told_on_the_card(scene: Scene):
    scene.silencer.down = True
    scene.take()
    assert scene.taken().says == "Not silenced: Alertmanager at http://am does not answer."


def test_without_an_alertmanager_that_is_told(scene: Scene):
    Assignments(scene.store, scene.publisher, Silencing({}), lambda: NOW).take("U1", scene.run())
    assert scene.taken().says == "Not silenced: prometheus.alertmanager is not set in firstmate.yml."


@pytest.fixture
def of_grafana(database: Database) -> Scene:
    """A run whose alert was sent by another source than Alertmanager, which has never heard of it."""
    queue = DirectQueue()
    store = RunStore(database, queue)
    sent = replace(alert(), source="grafana")
    store.receive(sent, key="k", run=run(alert=sent, runbook_text=RUNBOOK))
    return Scene(store, queue, Silencer(firing=False))


def test_an_alert_is_silenced_at_its_own_source_alone(of_grafana: Scene):
    of_grafana.take()
    assert of_grafana.silencer.silences == {}
    assert of_grafana.taken().says == "Not silenced: Firstmate cannot silence alerts from grafana; silence it there."


def test_the_end_of_an_alert_is_asked_of_its_own_source_alone(of_grafana: Scene):
    of_grafana.take()
    assert of_grafana.segments() == []
    of_grafana.store.take(
        "r-1", replace(of_grafana.taken(), silence="a-b-1"), expect=of_grafana.taken(), actor="firstmate"
    )
    of_grafana.assignments.check_silenced("r-1", 0)
    assert of_grafana.run().resolved_at is None
    assert not of_grafana.run().state.ended


def test_what_a_person_asked_for_or_is_over_cannot_be_taken(scene: Scene):
    for over in (replace(scene.run(), alert=None), replace(scene.run(), resolved_at=NOW)):
        with pytest.raises(NotAllowed, match=r"no firing alert"):
            scene.assignments.take("U1", over)


def test_the_silence_of_a_verified_change_ends_so_that_the_end_of_the_alert_is_heard(scene: Scene):
    scene.take()
    scene.assignments.settle("r-1")
    assert scene.silencer.ended == []
    scene.store.save(replace(scene.run(), state=RunState.MENDED), expect=scene.run().state)
    scene.assignments.settle("r-1")
    assert scene.silencer.ended == ["a-b-1"]
    assert (scene.taken().user, scene.taken().silence) == ("U1", "")


def test_a_silent_alert_that_is_over_is_taken_for_resolved(scene: Scene):
    scene.take()
    scene.look()
    assert scene.run().resolved_at is None
    scene.silencer.firing = False
    scene.minutes = 2
    scene.look()
    assert scene.run().resolved_at == NOW + timedelta(minutes=2)
    assert ("r-1", "resolved") in scene.queue.waiting


def test_the_looks_end_with_the_silence(scene: Scene):
    scene.take()
    scene.look()
    assert scene.segments() == ["silenced-0-a-b-1", "silenced-1-a-b-1"]
    scene.minutes = 31
    scene.look()
    assert len(scene.segments()) == 2
    assert scene.taken().silence == ""


def test_a_source_that_does_not_answer_resolves_nothing(scene: Scene):
    scene.take()
    scene.silencer.down = True
    scene.look()
    assert scene.run().resolved_at is None
    assert len(scene.segments()) == 2


def test_a_segment_under_way_neither_forgets_nor_hides_who_works_on_it(scene: Scene):
    own_copy = scene.run()
    scene.take()
    AssignmentPublisher(scene.store, scene.publisher).publish(own_copy)
    assert scene.publisher.runs[-1].taken == scene.taken()
    scene.store.save(replace(own_copy, says="Done looking."), expect=own_copy.state)
    assert scene.taken().user == "U1"


def test_it_is_audited(scene: Scene):
    scene.take()
    scene.assignments.hand_back("U1", scene.run())
    events = [
        row.event
        for row in scene.store.database.engine.connect().exec_driver_sql("select event from audit order by seq")
    ]
    assert events[-2:] == ["run.taken", "run.handed_back"]
