"""What a change replaced is restored once; where it cannot be, that is told and a person may try again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from actions.contract import Flavour, MySQL, Row, ServerVersion, Statement
from bot.config import Approvals, Instance, Role, Shard
from bot.engine.engine import Engine
from bot.engine.ports import Changer, Identity
from bot.engine.remedy import UNDO, Remedy
from bot.engine.state import Event, Plan, Run, RunState, Target
from bot.errors import NotAllowed, Unreachable
from bot.guards.facts import Halt
from bot.store.database import Database
from bot.store.durable import DirectQueue, DirectSteps
from bot.store.runs import RunStore
from tests.engine.test_change import SHARD
from tests.samples import NOW, plan, run

UNDO_SQL = "SET GLOBAL `max_connections` = 100"
PLAN: Plan = plan(
    action="mysql.set_variable",
    parameters={"name": "max_connections", "value": 150, "revert_after": 60.0},
    statements=("SET GLOBAL `max_connections` = 150",),
    undo=(UNDO_SQL,),
    revert_after=60.0,
)


@dataclass
class Server:
    """One server with one variable, and everything of the fleet that leads to it."""

    value: int = 150
    uuid: str = "uuid-3"
    down: bool = False
    executed: list[str] = field(default_factory=list)
    version: ServerVersion = field(default_factory=lambda: ServerVersion(Flavour.MYSQL, (9, 7, 4)))
    address: str = "h3:3306"
    prometheus: None = None

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        return [{"Variable_name": "max_connections", "Value": str(self.value)}]

    @property
    def reader(self) -> MySQL:
        return self

    def execute(self, statement: Statement, *, tag: str) -> None:
        self.executed.append(str(statement))
        self.value = int(str(statement).rsplit("=", 1)[1])

    def find(self, name: str) -> Target:
        return Target(SHARD.instances[2], SHARD)

    @contextmanager
    def read(self, shard: Shard, instance: Instance) -> Iterator[MySQL]:
        if self.down:
            raise Unreachable("h3:3306 does not accept connections. Look whether it is up.")
        yield self

    @contextmanager
    def change(self, shard: Shard, instance: Instance) -> Iterator[Changer]:
        yield self

    def identify(self, db: MySQL) -> Identity:
        return Identity(self.uuid, Role.REPLICA, "it replicates")


@dataclass
class Published:
    runs: list[Run] = field(default_factory=list)

    def publish(self, run: Run) -> None:
        self.runs.append(run)


class Everybody:
    """A directory in which all may do all."""

    def may(self, user: str, role: str, *, fresh: bool = False) -> tuple[bool, str]:
        return True, "yes"


@dataclass
class Scene:
    """A run whose change was made, and the remedy that may restore it."""

    server: Server
    store: RunStore
    queue: DirectQueue
    desk: Published = field(default_factory=Published)

    @property
    def remedy(self) -> Remedy:
        fleet: Any = self.server
        unused: Any = None
        return Remedy(fleet, self.store, self.desk, unused, now=lambda: NOW)

    def revert(self) -> Run:
        """The timer's segment; returns the run as it is then."""
        self.remedy.undo(DirectSteps(), "r-1", "its timer")
        return self.run()

    def run(self) -> Run:
        found = self.store.run("r-1")
        assert found is not None
        return found

    def press_undo(self, user: str = "U1") -> str:
        """A person presses Undo; returns the segment that this asks for."""
        unused: Any = None
        engine = Engine(
            library=unused,
            fleet=unused,
            store=self.store,
            directory=Everybody(),
            triage=unused,
            remedy=self.remedy,
            approvals=Approvals(),
            channel_of=unused,
        )
        engine.ask_undo(user, "r-1", PLAN.digest)
        run_id, segment = self.queue.waiting[-1]
        engine.advance(DirectSteps(), run_id, segment)
        return segment


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    database = Database(tmp_path / "data")
    queue = DirectQueue()
    store = RunStore(database, queue)
    store.open_run(run(), key="k", actor="firstmate")
    made = run(state=RunState.MENDED, plan=PLAN, says="It is 150.", timeline=(Event(NOW, "It is 150."),))
    assert store.save(made, expect=RunState.TRIAGING)
    yield Scene(Server(), store, queue)
    database.close()


def test_when_its_time_is_over_the_old_value_is_set(scene: Scene):
    found = scene.revert()
    assert scene.server.executed == [UNDO_SQL]
    assert (found.state, found.says) == (RunState.UNDONE, f"Undone by its timer: {UNDO_SQL}")
    assert scene.desk.runs[-1].state is RunState.UNDONE
    assert scene.store.holder("orders", besides="nobody") is None


def test_it_is_restored_once(scene: Scene):
    scene.revert()
    scene.server.value = 150
    scene.revert()
    assert scene.server.executed == [UNDO_SQL]


def test_a_restore_that_was_begun_before_a_crash_is_not_repeated(scene: Scene):
    scene.store.intend("r-1", UNDO, PLAN.digest)
    assert scene.store.begin("r-1", UNDO)
    found = scene.revert()
    assert scene.server.executed == []
    assert found.state is RunState.MENDED
    assert "the undo was begun before and is not repeated; look at the server" in found.says


def test_a_server_that_does_not_answer_is_told_and_a_person_may_try_later(scene: Scene):
    scene.server.down = True
    found = scene.revert()
    assert found.state is RunState.MENDED
    assert found.says == (
        "It is 150. Not undone (its timer): h3:3306 does not accept connections. Look whether it is up."
    )
    assert scene.desk.runs[-1].says == found.says
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


def test_a_double_click_is_one_segment(scene: Scene):
    scene.server.down = True
    before = scene.run()
    first = scene.press_undo()
    scene.store.save(before, expect=RunState.MENDED)
    assert scene.press_undo() == first


def test_while_all_is_halted_nothing_is_restored_and_that_is_told(scene: Scene):
    scene.store.set_halt(Halt("U1", "failover drill", NOW), actor="U1")
    found = scene.revert()
    assert scene.server.executed == []
    assert "all changes are halted by" in found.says
    assert "failover drill" in found.says
    with pytest.raises(NotAllowed, match="halted"):
        scene.press_undo()


def test_while_another_run_changes_the_shard_nothing_is_restored(scene: Scene):
    assert scene.store.lease("orders", "r-other", seconds=60) is not None
    assert "another run is changing orders" in scene.revert().says
    assert scene.server.executed == []
    assert scene.store.holder("orders", besides="nobody") is not None


def test_another_server_at_the_address_is_left_alone(scene: Scene):
    scene.server.uuid = "uuid-new"
    assert "another server answers at orders-3 now" in scene.revert().says
    assert scene.server.executed == []


def test_what_somebody_changed_since_is_left_to_them(scene: Scene):
    scene.server.value = 120
    assert "somebody changed it since" in scene.revert().says
    assert (scene.server.executed, scene.server.value) == ([], 120)


def test_a_change_without_undo_is_left_as_it_is(scene: Scene):
    bare = replace(scene.run(), plan=replace(PLAN, undo=()))
    scene.store.save(bare, expect=RunState.MENDED)
    assert scene.revert().says == "It is 150."
    assert scene.server.executed == []
