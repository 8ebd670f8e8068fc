"""An approval that nobody gives in time is a no."""

from __future__ import annotations

import pytest

from bot.engine.run import RunState
from bot.lab.lab_state import LabState
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import BOB, Play, general_log, variant

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]


EXPIRES_AFTER = 10
"""Seconds: enough for the question to reach the channel on a slow machine, since its button is pressed too late."""


def test_after_its_expiry_nothing_is_changed(lab: LabState):
    play = Play(lab, variant(lab, "expiry", approvals={"count": 1, "expires_after": EXPIRES_AFTER}))
    with general_log(lab), running_bot(play.path, log=lab.folder / "logs" / "expiry.log"):
        run_id = play.fire()
        run = play.run_in(run_id, RunState.WAITING, RunState.EXPIRED)
        seen = play.button(run_id, "run.approve")
        play.run_in(run_id, RunState.EXPIRED)
        play.message(run_id, "outcome", holds="The approval request expired")
        play.press(BOB, run, "run.approve", seen=seen)
        play.told(BOB, "The approval request expired")
        assert play.statements(run_id) == []
        assert play.audited("run.expired", run_id)
