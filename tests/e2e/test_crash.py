"""kill -9 at each step of a run: the change is issued once at most, and the thread tells how it ended."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from bot.engine.run import RunState
from bot.lab.lab_state import LabState
from bot.lab.replication import replicates
from tests.e2e.bots import Bot, running_bot
from tests.e2e.lab_bot import BOB, REPLICA, Play, general_log, key_of, variant

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.usefixtures("stopped")]

BEFORE_APPROVAL = [
    "after:RunStore.receive",
    "before:RunStore.wait",
    "after:RunStore.wait",
    "after:OutboxStore.sending",
]
AFTER_APPROVAL = [
    ("after:RunStore.decide", RunState.MENDED),
    ("after:RunStore.lease", RunState.MENDED),
    ("before:RunStore.intend", RunState.MENDED),
    ("after:RunStore.intend", RunState.MENDED),
    ("before:RunStore.begin", RunState.MENDED),
    ("after:RunStore.begin", RunState.UNKNOWN),
    ("before:MySQLChanger.execute", RunState.UNKNOWN),
    ("after:MySQLChanger.execute", RunState.UNKNOWN),
    ("before:RunStore.finish", RunState.MENDED),
    ("after:RunStore.finish", RunState.MENDED),
    ("before:RunStore.release", RunState.MENDED),
]


ENDED = (RunState.MENDED, RunState.UNKNOWN, RunState.FAILED, RunState.REFUSED)
SAYS = {RunState.MENDED: "Fixed and verified", RunState.UNKNOWN: "did not repeat it"}


@pytest.fixture
def play(lab: LabState, request: pytest.FixtureRequest) -> Play:
    return Play(lab, variant(lab, "crash-" + "".join(filter(str.isalnum, request.node.name))))


def die(play: Play, point: str, *, approve: bool) -> str:
    """Runs a bot on a new alert until it dies at the point; returns the run."""
    log = play.path.with_suffix(".log")
    with running_bot(play.path, log=log, point=point) as process:
        try:
            run_id = play.fire()
        except (OSError, ValueError):
            # It died while it answered: what is stored is what counts.
            process.wait(30)
            with play.looking() as store:
                return store.runs()[0].id
        if approve:
            run = play.run_in(run_id, RunState.WAITING)
            play.press(BOB, run, "run.approve")
        assert process.wait(30) == -9
        return run_id


def started_again(play: Play) -> AbstractContextManager[Bot]:
    """The bot at its next start; it is killed at the end, which is quicker than a stop."""
    return running_bot(play.path, log=play.path.with_suffix(".log"), stop_within=0)


@pytest.mark.parametrize("point", BEFORE_APPROVAL)
def test_killed_before_the_approval_the_run_goes_on_as_if_nothing_had_been(play: Play, point: str):
    with general_log(play.lab):
        run_id = die(play, point, approve=False)
        with started_again(play):
            run = play.run_in(run_id, RunState.WAITING)
            play.press(BOB, run, "run.approve")
            play.run_in(run_id, RunState.MENDED)
            play.message(run_id, "outcome", holds=SAYS[RunState.MENDED])
            assert len(play.statements(run_id)) == 1
            keys = [part for part in ("card", "approval", "outcome") for m in play.messages(run_id) if _is(m, part)]
            assert keys == ["card", "approval", "outcome"], "a message was posted twice"


@pytest.mark.parametrize(("point", "state"), AFTER_APPROVAL)
def test_killed_after_the_approval_the_change_is_issued_once_at_most(play: Play, point: str, state: RunState):
    with general_log(play.lab):
        run_id = die(play, point, approve=True)
        with started_again(play):
            run = play.run_in(run_id, *ENDED)
            assert run.state is state, run.says
            play.message(run_id, "outcome", holds=SAYS[state])
            issued = len(play.statements(run_id))
            assert issued <= 1
            assert replicates(play.lab.instance(REPLICA)) is bool(issued)
            if state is RunState.MENDED:
                assert issued == 1
            with play.looking() as store:
                play.workspace.wait_for(lambda: store.holder("orders", besides="nobody") is None, what="A free shard")


def _is(message: dict[str, object], part: str) -> bool:
    return key_of(message).endswith(f":{part}")
