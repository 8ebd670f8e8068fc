"""Several replicas of the bot on one PostgreSQL: the work of one that dies, or is stopped, is done by another, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.engine.run import Run, RunState
from bot.lab.lab_state import LabState
from bot.lab.replication import replicates
from bot.lab.waiting import wait_until
from bot.store import audit_log
from tests.e2e.bots import Bot, running_bot
from tests.e2e.lab_bot import BOB, REPLICA, Play, general_log, key_of, variant
from tests.postgresql_fixture import PostgreSQL

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.usefixtures("stopped")]

ENDED = (RunState.MENDED, RunState.UNKNOWN, RunState.FAILED, RunState.REFUSED)
SAYS = {RunState.MENDED: "Fixed and verified", RunState.UNKNOWN: "did not repeat it"}


@dataclass
class Scene:
    """Two configurations of the bot that share one store."""

    first: Play
    second: Play

    @contextmanager
    def replica(self, play: Play, point: str = "") -> Iterator[Bot]:
        """A replica; with a point it crashes or stops there."""
        with running_bot(play.path, log=play.path.with_suffix(".log"), point=point, stop_within=0) as process:
            yield process

    def approve(self) -> str:
        run_id = self.first.fire()
        self.first.press(BOB, self.first.run_in(run_id, RunState.WAITING), "run.approve")
        return run_id

    def is_true(self, run: Run) -> None:
        """What the thread says last is what happened, and it happened once at most."""
        self.second.message(run.id, "outcome", holds=SAYS[run.state])
        issued = len(self.second.statements(run.id))
        assert issued <= 1
        assert replicates(self.second.lab.instance(REPLICA)) is bool(issued)
        parts = sorted(key_of(each).partition(":")[2] for each in self.second.messages(run.id))
        assert parts == sorted(set(parts)), "a message was posted twice"
        with self.second.looking() as store, store.database.reading() as connection:
            assert audit_log.verify(audit_log.entries(connection))[1] is None
            self.second.workspace.wait_for(
                lambda: store.holder("orders", besides="nobody") is None, what="A free shard"
            )


def is_stopped(pid: int) -> bool:
    """Whether the process is, by the state that the kernel shows of it."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def scene(lab: LabState, postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Scene]:
    name = "".join(filter(str.isalnum, tmp_path.name))
    secret = tmp_path / "url"
    secret.write_text(postgresql.fresh(name), encoding="utf-8")
    plays = [Play(lab, variant(lab, f"{name}-{number}", postgresql={"file": str(secret)})) for number in (1, 2)]
    with general_log(lab):
        yield Scene(*plays)


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("after:RunStore.decide", RunState.MENDED),
        ("before:RunStore.begin", RunState.MENDED),
        ("before:MySQLChanger.execute", RunState.UNKNOWN),
        ("after:MySQLChanger.execute", RunState.UNKNOWN),
        ("before:RunStore.finish", RunState.MENDED),
    ],
)
def test_a_replica_that_dies_leaves_its_run_to_another(scene: Scene, point: str, state: RunState):
    with scene.replica(scene.first, point) as dying:
        run_id = scene.approve()
        assert dying.wait(30) == -signal.SIGKILL
    with scene.replica(scene.second):
        run = scene.second.run_in(run_id, *ENDED)
        assert run.state is state, run.says
        scene.is_true(run)


@pytest.mark.parametrize("point", ["stop-before:RunStore.begin", "stop-before:MySQLChanger.execute"])
def test_a_replica_that_is_stopped_and_woken_does_nothing_that_another_does(scene: Scene, point: str):
    with scene.replica(scene.first, point) as stopped:
        run_id = scene.approve()
        wait_until("the replica has stopped itself", lambda: is_stopped(stopped.pid))
        with scene.replica(scene.second):
            run = scene.second.run_in(run_id, *ENDED)
            os.kill(stopped.pid, signal.SIGCONT)
            assert stopped.wait(30) == 1, "it must end: the other one does its work"
            scene.is_true(run)
            assert len(scene.second.audited("replica.died")) == 1
    log = scene.first.path.with_suffix(".log").read_text(encoding="utf-8")
    assert "took this replica for dead" in log


def test_two_replicas_share_the_work_and_post_each_message_once(scene: Scene):
    with scene.replica(scene.first), scene.replica(scene.second):
        runs = [scene.approve()]
        scene.is_true(scene.second.run_in(runs[0], RunState.MENDED))


def test_a_store_that_cuts_all_connections_again_and_again_loses_nothing(scene: Scene, postgresql: PostgreSQL):
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'firstmate' AND pid <> pg_backend_pid()"
    )
    with scene.replica(scene.first) as process:
        answers = [scene.first.send()]
        for _ in range(20):
            postgresql.execute(cut)
            if "runs" not in answers[-1]:
                answers.append(scene.first.send())
        run_id = next(str(each["runs"][0]) for each in answers if each.get("runs"))
        run = scene.first.run_in(run_id, RunState.WAITING)
        seen = scene.first.button(run_id, "run.approve")
        for _ in range(20):
            postgresql.execute(cut)
            if not scene.first.audited("approval.decided", run_id):
                # Whose press was cut off is told so, and presses again; by then the button may be gone from the thread.
                scene.first.press(BOB, run, "run.approve", seen=seen)
        scene.is_true(scene.first.run_in(run_id, *ENDED))
        assert process.poll() is None
