"""A change for a while is set back when its time is over, once, whatever happens to the bot meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.engine.run import Run, RunState
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.waiting import wait_until
from tests.e2e.bots import Bot, running_bot
from tests.e2e.lab_bot import BOB, REPLICA, Play, general_log, variant

pytestmark = pytest.mark.lab

NAME, BEFORE, WANTED = "innodb_lock_wait_timeout", 50, 60
RUNBOOK = """
runbook: test/wait-longer
title: Waits for row locks time out
owner: tests
match:
  - alertname = "LockWaitTimeouts"
gather:
  settings: {use: mysql.global_variables, with: {names: [innodb_lock_wait_timeout]}}
causes:
  - id: short
    when: settings.values.innodb_lock_wait_timeout == "50"
    says: Waits end after {{ settings.values.innodb_lock_wait_timeout }} s.
    remedy: longer
remedies:
  longer:
    use: mysql.set_variable
    with: {name: innodb_lock_wait_timeout, value: 60, revert_after: SECONDS}
tests:
  - given: {settings: {values: {innodb_lock_wait_timeout: "50"}}}
    expect: {cause: short, remedy: longer}
"""


@pytest.fixture
def play(lab: LabState, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Play]:
    """A configuration with one runbook, whose change lasts as many seconds as the test says."""
    WorkspaceClient(lab.urls.workspace).forget_limits()
    folder = tmp_path / "runbooks" / "test"
    folder.mkdir(parents=True)
    (folder / "wait-longer.yml").write_text(RUNBOOK.replace("SECONDS", request.param), encoding="utf-8")
    name = "revert-" + "".join(filter(str.isalnum, request.node.name))
    with general_log(lab):
        yield Play(lab, variant(lab, name, runbooks=[str(folder.parent)]))
    set_to(lab, BEFORE)


def lasts(seconds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("play", [seconds], indirect=True)


def value(lab: LabState) -> int:
    with administrator(lab.instance(REPLICA)) as admin:
        return int(ask(admin, f"SELECT @@GLOBAL.{NAME} AS value")[0]["value"])


def set_to(lab: LabState, number: int) -> None:
    with administrator(lab.instance(REPLICA)) as admin:
        ask(admin, f"SET GLOBAL {NAME} = {number}")


def bot(play: Play, point: str = "") -> AbstractContextManager[Bot]:
    """A bot that is killed at the end: it need not stop in order to be started again."""
    return running_bot(play.path, log=play.path.with_suffix(".log"), point=point, stop_within=0.1)


def killed_once_mended(play: Play) -> Run:
    """The change is approved, made and verified; the bot dies before it sees whether that helped."""
    with bot(play, "after:RunStore.release") as process:
        run = play.run_in(str(play.send(alertname="LockWaitTimeouts")["runs"][0]), RunState.WAITING)
        assert run.plan is not None
        assert run.plan.undo == (f"SET GLOBAL `{NAME}` = {BEFORE}",)
        play.press(BOB, run, "run.approve")
        assert process.wait(60) == -9
    run = play.run_in(run.id, RunState.WATCHING)
    assert run.revert_at is not None
    assert value(play.lab) == WANTED
    return run


@lasts("2s")
def test_the_time_is_kept_over_a_kill_of_the_bot(play: Play):
    run = killed_once_mended(play)
    with bot(play):
        play.run_in(run.id, RunState.UNDONE)
        assert value(play.lab) == BEFORE
        play.message(run.id, "outcome", holds="Undone by Firstmate as scheduled")
        made, undone = play.statements(run.id)
    assert made.startswith(f"SET GLOBAL `{NAME}` = {WANTED}")
    assert undone.startswith(f"SET GLOBAL `{NAME}` = {BEFORE}")
    [entry] = play.audited("run.undone", run.id)
    assert run.revert_at is not None
    assert datetime.fromisoformat(entry.at) >= run.revert_at - timedelta(seconds=1), (
        "the timer starts before the run ends"
    )
    with bot(play):
        assert play.run_in(run.id, RunState.UNDONE)
        assert len(play.statements(run.id)) == 2


@lasts("2s")
def test_killed_while_it_sets_the_value_back_it_does_so_once(play: Play):
    run = killed_once_mended(play)
    with bot(play, "after:MySQLChanger.execute") as process:
        assert process.wait(60) == -9
    assert value(play.lab) == BEFORE
    with bot(play):
        play.message(run.id, "outcome", holds="the undo was started before and is not repeated")
        assert len(play.statements(run.id)) == 2
        assert play.audited("run.not_undone", run.id)


@lasts("2s")
def test_what_somebody_changed_since_is_left_to_them(play: Play):
    run = killed_once_mended(play)
    set_to(play.lab, 55)
    with bot(play):
        play.message(run.id, "outcome", holds="changed after Firstmate's change")
        wait_until("it is audited", lambda: bool(play.audited("run.not_undone", run.id)))
        assert value(play.lab) == 55
        assert len(play.statements(run.id)) == 1
