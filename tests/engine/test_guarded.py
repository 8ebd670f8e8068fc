"""Each guard by what it is for: just before an approved change one thing is not in order, and nothing is changed.

Everything else is in order, so exactly one guard refuses; without it the change would be made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from actions.contract import MySQL, Refused
from actions.remediations.mysql.set_variable import SetVariable
from bot.config import Role
from bot.engine.run import Assignment, RunState
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.guards import ORDER
from bot.guards.facts import Answer, Halt, Repair
from bot.policy import Policy
from bot.store import audit_log
from bot.store.database import Database
from tests.engine.scene import APPROVER, REMEDY, TARGET, Scene
from tests.samples import NOW, begun, run

Break = Callable[[Scene, pytest.MonkeyPatch], None]
FREEZE = {"freezes": [{"name": "now", "reason": "a drill", "from": "2026-03-01", "to": "2026-03-02"}]}


@dataclass(frozen=True)
class Case:
    """What is not in order, and what the thread then says."""

    breaks: Break
    says: str
    policy: dict[str, Any] = field(default_factory=dict)
    remedy: dict[str, Any] = field(default_factory=lambda: dict(REMEDY))
    run: dict[str, Any] = field(default_factory=dict)


def _nothing(scene: Scene, _: pytest.MonkeyPatch) -> None:
    """The policy, or the run itself, is what is not in order."""


def _halted(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.store.set_halt(Halt("U0ALICE", "drill", NOW, "shard:orders"), actor="U0ALICE")


def _failed_over(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.fleet.servers["orders-1"].role = Role.REPLICA
    scene.fleet.servers[TARGET].role = Role.PRIMARY


def _only_read(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.fleet.shards = tuple(shard.model_copy(update={"changer": None}) for shard in scene.fleet.shards)


def _held(scene: Scene, _: pytest.MonkeyPatch) -> None:
    assert scene.store.lease("orders", "r-other", seconds=60) is not None


def _taken(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.store.take("r-1", Assignment("U0ALICE", NOW), expect=None, actor="U0ALICE")


def _vtorc_at_work(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    doing = Repair("VTOrc", doing="DeadPrimary of zone1-0000000100, seen for 2 s")
    patch.setattr(VtorcRepairs, "wait", lambda self, target, patience: doing)


def _done_before(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.store.intend("r-9", "change-0", "d")
    begun(scene.store, "r-9", "change-0", action="mysql.set_variable")
    scene.store.release("orders", "r-9")


def _takes_out(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SetVariable, "takes_out", True)


def _no_approver_any_more(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.directory.without.add((APPROVER, "approver"))


def _no_operator_any_more(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.directory.without.add(("U0CAROL", "operator"))


def _changed_by_somebody(scene: Scene, _: pytest.MonkeyPatch) -> None:
    scene.fleet.servers[TARGET].value = 90


def _refused(self: SetVariable, db: MySQL) -> None:
    raise Refused("The buffer pool is being resized.")


def _not_now(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SetVariable, "check", _refused)


CASES = {
    "halt": Case(_halted, "halted by <@U0ALICE>"),
    "freeze": Case(_nothing, "covers orders until 2026-03-02", policy=FREEZE),
    "caller": Case(_no_operator_any_more, "U0CAROL and operator", run={"requester": "U0CAROL"}),
    "target": Case(_failed_over, "the servers name orders-2"),
    "write_access": Case(_only_read, "orders-2 is read-only for Firstmate: no `changer` is configured"),
    "shard_lease": Case(_held, "Run r-other is changing orders"),
    "assignment": Case(_taken, "<@U0ALICE> took this incident"),
    "topology_repair": Case(_vtorc_at_work, "VTOrc is repairing orders: DeadPrimary of zone1-0000000100"),
    "cooldown": Case(_done_before, "Run r-9 used mysql.set_variable", policy={"cooldown": "15m"}),
    "budget": Case(_nothing, "0 made, 1 planned, 0 allowed", policy={"budgets": {"fleet": 0}}),
    "blast_radius": Case(
        _nothing,
        "The plan changes 5 of 5 replicas of orders; the policy allows 2",
        policy={"blast": {"reversible": {"share": 40}}},
        remedy={**REMEDY, "on": "replicas"},
    ),
    "serving_floor": Case(_takes_out, "0 replicas of orders serve"),
    "autonomy": Case(_nothing, "may only name causes (`autonomy: observe`)", run={"autonomy": "observe"}),
    "approval": Case(_no_approver_any_more, "0 of 1 required approvals"),
    # Where a person approved, the approval of another plan does not count either.
    "digest": Case(_changed_by_somebody, "The plan changed after it was approved", run={"autonomy": "auto"}),
    "precondition": Case(_not_now, "The buffer pool is being resized."),
}


def approved(database: Database, case: Case) -> Scene:
    scene = Scene(
        database,
        policy=Policy.model_validate(case.policy),
        remedy=case.remedy,
        run=run(target=TARGET, **case.run),
    )
    scene.approve()
    return scene


def test_every_guard_has_its_case():
    assert list(CASES) == [guard.__module__.rpartition(".")[2] for guard in ORDER]


def test_when_all_is_in_order_the_change_is_made(database: Database):
    ended = approved(database, Case(_nothing, "")).advance()
    assert ended.state is RunState.MENDED, ended.says


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES.keys())
def test_nothing_is_changed_that_one_guard_refuses(
    name: str, case: Case, database: Database, monkeypatch: pytest.MonkeyPatch
):
    scene = approved(database, case)
    case.breaks(scene, monkeypatch)
    ended = scene.advance()
    assert scene.issued == []
    assert [verdict.guard for verdict in ended.verdicts if verdict.answer is Answer.REFUSE] == [name]
    assert ended.state is RunState.REFUSED
    assert case.says in ended.says
    assert scene.publisher.runs[-1].says == ended.says, "the thread must tell it"
    with database.reading() as connection:
        [refused] = [row for row in audit_log.entries(connection) if row.event == "run.refused"]
    assert refused.subject == "r-1"
