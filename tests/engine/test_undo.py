"""What a change replaced is restored once; where it cannot be, that is told and a person may try again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.engine.active_halts import Halts
from bot.engine.dispatcher import Dispatcher
from bot.engine.plan import Outcome, Plan
from bot.engine.run import Event, Run, RunState
from bot.engine.undo import Undo, intent
from bot.errors import NotAllowed
from bot.guards.facts import Halt
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from tests.engine.commands_fixture import commands_of
from tests.engine.servers import Fleet, Published, Server
from tests.samples import NOW, begun, change, plan, run

UNDO_SQL = "SET GLOBAL `max_connections` = 100"
PLAN: Plan = plan(
    changes=(
        change(
            action="mysql.set_variable",
            parameters={"name": "max_connections", "value": 150, "revert_after": 60.0},
            statements=("SET GLOBAL `max_connections` = 150",),
            undo=(UNDO_SQL,),
            revert_after=60.0,
        ),
    )
)


OUTCOMES = (Outcome(0, "mended", "It is 150."),)


@dataclass
class Scene:
    """A run whose change was made, and the remedy that may restore it."""

    fleet: Fleet
    store: RunStore
    queue: DirectQueue
    publisher: Published = field(default_factory=Published)

    @property
    def server(self) -> Server:
        return self.fleet.servers["orders-3"]

    @property
    def undo(self) -> Undo:
        return Undo(self.fleet, self.store, self.publisher, Halts(self.store), now=lambda: NOW)

    def revert(self) -> Run:
        """The timer's segment; returns the run as it is then."""
        self.undo.undo(DirectSteps(), "r-1", "Firstmate as scheduled", only=0)
        return self.run()

    def run(self) -> Run:
        found = self.store.run("r-1")
        assert found is not None
        return found

    def press_undo(self, user: str = "U1") -> str:
        """A person presses Undo; returns the segment that this asks for."""
        commands_of(self.store).undo(user, "r-1", PLAN.digest)
        run_id, name = self.queue.waiting[-1]
        unused: Any = None
        Dispatcher(self.store, self.publisher, unused, unused, unused, unused, self.undo, unused, unused).advance(
            DirectSteps(), run_id, name
        )
        return name


@pytest.fixture
def scene(database: Database) -> Scene:
    queue = DirectQueue()
    store = RunStore(database, queue)
    store.open_run(run(), key="k", actor="firstmate")
    made = run(
        state=RunState.MENDED, plan=PLAN, says="It is 150.", outcomes=OUTCOMES, timeline=(Event(NOW, "It is 150."),)
    )
    assert store.save(made, expect=RunState.TRIAGING)
    fleet = Fleet()
    fleet.servers["orders-3"].value, fleet.servers["orders-3"].uuid = 150, "uuid-3"
    return Scene(fleet, store, queue)


def test_the_old_value_is_restored_when_the_time_is_over(scene: Scene):
    found = scene.revert()
    assert scene.server.executed == [UNDO_SQL]
    assert (found.state, found.says) == (RunState.UNDONE, f"Undone by Firstmate as scheduled: {UNDO_SQL}")
    assert scene.publisher.runs[-1].state is RunState.UNDONE
    assert scene.store.holder("orders", besides="nobody") is None


def test_it_is_restored_once(scene: Scene):
    scene.revert()
    scene.server.value = 150
    scene.revert()
    assert scene.server.executed == [UNDO_SQL]


def test_a_restore_that_was_begun_before_a_crash_is_not_repeated(scene: Scene):
    scene.store.intend("r-1", intent(0), PLAN.digest)
    begun(scene.store, "r-1", intent(0))
    found = scene.revert()
    assert scene.server.executed == []
    assert found.state is RunState.MENDED
    assert "the undo was started before and is not repeated; check the server" in found.says


def test_a_server_that_does_not_answer_is_told_and_a_person_may_try_later(scene: Scene):
    scene.server.down = True
    found = scene.revert()
    assert found.state is RunState.MENDED
    assert found.says == (
        "It is 150. Not undone (Firstmate as scheduled): orders-3:3306 does not accept connections. "
        "Look whether it is up."
    )
    assert scene.publisher.runs[-1].says == found.says
    assert scene.store.holder("orders", besides="nobody") is None
    scene.server.down = False
    scene.press_undo()
    assert scene.server.executed == [UNDO_SQL]
    assert scene.run().state is RunState.UNDONE


def test_an_undo_that_failed_can_be_pressed_again_by_the_same_person(scene: Scene):
    scene.server.down = True
    first = scene.press_undo()
    scene.server.down = False
    second = scene.press_undo()
    assert first != second
    assert scene.run().state is RunState.UNDONE
    assert scene.run().says.startswith("Undone by <@U1>")


def test_a_change_that_cannot_be_undone_says_why(scene: Scene):
    final = replace(
        PLAN, changes=tuple(replace(each, undo=(), undo_says="Nothing to restore.") for each in PLAN.changes)
    )
    scene.store.save(replace(scene.run(), plan=final), expect=RunState.MENDED)
    with pytest.raises(NotAllowed, match=r"Run r-1 has nothing to undo\. Nothing to restore\."):
        scene.press_undo()
    assert scene.server.executed == []


def test_a_double_click_is_one_segment(scene: Scene):
    scene.server.down = True
    before = scene.run()
    first = scene.press_undo()
    scene.store.save(before, expect=RunState.MENDED)
    assert scene.press_undo() == first


def test_during_a_halt_nothing_is_restored_and_the_run_says_so(scene: Scene):
    scene.store.set_halt(Halt("U1", "failover drill", NOW), actor="U1")
    found = scene.revert()
    assert scene.server.executed == []
    assert "All changes have been halted by" in found.says
    assert "failover drill" in found.says
    with pytest.raises(NotAllowed, match="halted"):
        scene.press_undo()


def test_while_another_run_changes_the_shard_nothing_is_restored(scene: Scene):
    assert scene.store.lease("orders", "r-other", seconds=60) is not None
    assert "another run is changing orders" in scene.revert().says
    assert scene.server.executed == []
    assert scene.store.holder("orders", besides="nobody") is not None


def test_a_different_server_at_the_address_is_not_changed(scene: Scene):
    scene.server.uuid = "uuid-new"
    assert "a different server answers at orders-3 now" in scene.revert().says
    assert scene.server.executed == []


def test_a_value_that_was_changed_since_is_not_restored(scene: Scene):
    scene.server.value = 120
    assert "changed after Firstmate's change" in scene.revert().says
    assert (scene.server.executed, scene.server.value) == ([], 120)


def test_a_change_without_undo_is_left_as_it_is(scene: Scene):
    bare = replace(scene.run(), plan=replace(PLAN, changes=(replace(PLAN.changes[0], undo=()),)))
    scene.store.save(bare, expect=RunState.MENDED)
    assert scene.revert().says == "It is 150."
    assert scene.server.executed == []
