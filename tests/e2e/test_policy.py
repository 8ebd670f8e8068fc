"""A freeze stops a change on the real servers, and broken glass lets it through, seen by all; roles are Slack's own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bot.engine.run import RunState
from bot.lab.lab_state import LabState
from bot.lab.replication import replicates
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import ALICE, BOB, CAROL, CHANNEL, REPLICA, Play, general_log, variant

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]

FREEZE = """\
freezes:
  - {name: sale, reason: the busiest weekend, shards: [orders], from: 2026-01-01, to: 2099-01-01}
"""


@pytest.fixture(scope="module")
def frozen(lab: LabState) -> Iterator[Play]:
    """A bot whose policy freezes the shard."""
    policy = lab.config.with_name("frozen-policy.yml")
    policy.write_text(FREEZE, encoding="utf-8")
    play = Play(lab, variant(lab, "frozen", policy=policy.name))
    with general_log(lab), running_bot(play.path, log=play.path.with_suffix(".log")):
        yield play


def test_what_a_freeze_refuses_takes_broken_glass_and_somebody_else_s_approval(frozen: Play):
    refused = frozen.run_in(frozen.fire(), RunState.REFUSED)
    assert "The freeze 'sale' in policy.yml covers orders until 2099-01-01 00:00 UTC" in refused.says
    frozen.message(refused.id, "card", holds="the busiest weekend")

    frozen.workspace.command(CAROL, CHANNEL, f"/mate break-glass {refused.id} the shop is down")
    frozen.told(CAROL, "may not use break-glass")
    frozen.workspace.command(ALICE, CHANNEL, f"/mate break-glass {refused.id} why")
    frozen.told(ALICE, "needs a reason of at least 10 characters")
    frozen.workspace.command(ALICE, CHANNEL, f"/mate break-glass {refused.id} the shop is down")
    frozen.told(ALICE, "freezes and cooldowns are overridden")

    [broken] = frozen.audited("glass.broken")
    assert (broken.actor, json.loads(broken.data)) == (ALICE, {"reason": "the shop is down"})
    again = frozen.run_in(broken.subject, RunState.WAITING)
    frozen.message(again.id, "card", holds="the shop is down")
    frozen.press(ALICE, again, "run.approve")
    frozen.told(ALICE, "asked for this change")
    frozen.press(BOB, again, "run.approve")
    mended = frozen.run_in(again.id, RunState.MENDED)
    assert replicates(frozen.lab.instance(REPLICA))
    freeze = next(verdict for verdict in mended.verdicts if verdict.guard == "freeze")
    assert freeze.says.startswith(f"<@{ALICE}> overrides it (the shop is down).")
    assert frozen.statements(refused.id) == []
    assert len(frozen.statements(again.id)) == 1


def test_who_held_which_role_by_what_is_in_the_audit_log(frozen: Play):
    held = {(row.actor, row.subject): json.loads(row.data)["says"] for row in frozen.audited("role.held")}
    assert held[ALICE, "break_glass"] == f"<@{ALICE}> may use break-glass according to firstmate.yml."
    assert held[BOB, "approver"] == f"<@{BOB}> is an approver as a member of the user group S0DBAONCALL."
