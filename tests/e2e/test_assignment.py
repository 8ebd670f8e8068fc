"""A person takes an incident: everybody sees who, and the real Alertmanager is silent until it is mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.engine.run import RunState
from tests.alertmanager import alertmanager
from tests.e2e.lab_bot import ALICE, BOB, GUEST, REPLICA, Play

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]


def test_while_somebody_works_on_it_alertmanager_is_silent(play: Play):
    labels = {
        "alertname": "MySQLReplicationStopped",
        "instance": play.lab.instance(REPLICA).address,
        "severity": "critical",
        "drill": datetime.now(UTC).isoformat(),
    }
    alertmanager(play.lab, "alerts", [{"labels": labels}])

    def state() -> str:
        return next(
            str(each["status"]["state"]) for each in alertmanager(play.lab, "alerts") if each["labels"] == labels
        )

    run_id = str(play.send(drill=labels["drill"])["runs"][0])
    run = play.run_in(run_id, RunState.WAITING)

    play.press(GUEST, run, "run.take")
    play.told(GUEST, "is a guest")
    assert state() != "suppressed"

    play.press(BOB, run, "run.take")
    play.message(run_id, "card", holds="alert silenced until")
    assert state() == "suppressed"
    play.press(ALICE, run, "run.take")
    play.message(run_id, "card", holds=f"Assigned to <@{ALICE}>")
    assert state() == "suppressed"
    play.press(ALICE, run, "run.hand_back")
    play.workspace.wait_for(lambda: state() != "suppressed", what="The end of the silence")
    play.press(BOB, run, "run.take")
    # The alert is silent before the store knows who works on it.
    play.workspace.wait_for(lambda: len(play.audited("run.taken", run_id)) == 3, what="The third assignment")
    assert state() == "suppressed"

    play.press(ALICE, run, "run.approve")
    play.told(ALICE, f"<@{BOB}> took this incident")
    play.press(BOB, run, "run.approve")
    play.run_in(run_id, RunState.MENDED)
    play.workspace.wait_for(lambda: state() != "suppressed", what="The end of the silence")
    assert [entry.actor for entry in play.audited("run.taken", run_id)] == [BOB, ALICE, BOB, "firstmate"]
    ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    alertmanager(play.lab, "alerts", [{"labels": labels, "startsAt": ended, "endsAt": ended}])
