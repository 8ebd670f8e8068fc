"""A rollout pauses, continues and stops between batches; a retry covers the targets that are left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.engine.pausing import PAUSED_FOR
from bot.engine.planner import Observations
from bot.engine.run import Run, RunState
from bot.errors import Busy, NotAllowed
from bot.store.database import Database
from bot.store.segment_queue import DirectSteps
from tests.engine.scene import REMEDY, TARGET, Scene
from tests.samples import NOW

T = TypeVar("T")
ALL = ["orders-2", "orders-3", "orders-4", "orders-5", "orders-6"]


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database, remedy={**REMEDY, "on": "replicas", "batches": [1, 2]})


def changed(scene: Scene) -> list[str]:
    return [name for name, _ in scene.issued]


class During(DirectSteps):
    """Steps between which somebody does something, before the step of this name."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self.name, self.do = name, do

    def step(self, name: str, do: Callable[[], T]) -> T:
        if name == self.name:
            self.do()
        return super().step(name, do)


def change(scene: Scene, during: str, do: Callable[[], object]) -> Run:
    scene.dispatcher.advance(During(during, do), "r-1", "change")
    return scene.stored


def next_segment(scene: Scene) -> str:
    return scene.queue.waiting[-1][1]


def test_a_change_pauses_before_its_next_batch_and_continues_there(scene: Scene):
    scene.approve()
    paused = change(scene, "change-0", lambda: scene.commands.pause("U0ALICE", "r-1"))
    assert changed(scene) == ALL[:1]
    assert (paused.state, paused.pause_request and paused.pause_request.until) == (RunState.PAUSED, NOW + PAUSED_FOR)
    assert scene.store.holder("orders", besides="nobody") is None, "others may change the shard meanwhile"
    assert scene.queue.later[-1] == ("r-1", f"unpause-{NOW.timestamp():.0f}")
    scene.commands.go_on("U0BOB", "r-1")
    ended = scene.advance(next_segment(scene))
    assert changed(scene) == ALL
    assert ended.state is RunState.MENDED
    assert [each.what for each in ended.timeline if "resumed" in each.what] == ["<@U0BOB> resumed the change."]


def test_a_pause_can_be_withdrawn_before_it_takes_effect(scene: Scene):
    scene.approve()

    def pause_and_on() -> None:
        scene.commands.pause("U0ALICE", "r-1")
        scene.commands.go_on("U0ALICE", "r-1")

    assert change(scene, "change-0", pause_and_on).state is RunState.MENDED


def test_all_guards_are_checked_again_after_a_pause(scene: Scene):
    scene.approve()
    change(scene, "change-0", lambda: scene.commands.pause("U0ALICE", "r-1"))
    scene.commands.go_on("U0BOB", "r-1")
    assert scene.store.lease("orders", "r-other", seconds=60) is not None
    ended = scene.advance(next_segment(scene))
    assert changed(scene) == ALL[:1]
    assert "Run r-other is changing orders" in ended.says


def test_a_change_stops_before_its_next_batch(scene: Scene):
    scene.approve()
    ended = change(scene, "change-0", lambda: scene.commands.stop("U0ALICE", "r-1"))
    assert changed(scene) == ALL[:1]
    assert ended.state is RunState.FAILED
    assert "<@U0ALICE> stopped the change before this batch" in ended.says
    assert "Made and verified: orders-2" in ended.says
    assert "Not started: orders-5, orders-6" in ended.says


def test_a_paused_change_can_be_stopped_and_reports_what_was_made(scene: Scene):
    scene.approve()
    change(scene, "change-0", lambda: scene.commands.pause("U0ALICE", "r-1"))
    scene.commands.stop("U0BOB", "r-1")
    ended = scene.advance(next_segment(scene))
    assert changed(scene) == ALL[:1]
    assert ended.state.ended
    assert "<@U0BOB> stopped the change before this batch" in ended.says


def test_a_change_that_stays_paused_is_stopped_at_the_deadline(scene: Scene):
    scene.approve()
    change(scene, "change-0", lambda: scene.commands.pause("U0ALICE", "r-1"))
    scene.advance(scene.queue.later[-1][1])
    ended = scene.advance(next_segment(scene))
    assert ended.state.ended
    assert "nobody resumed it in time" in ended.says


def test_the_deadline_of_an_earlier_pause_does_not_end_a_later_one(scene: Scene):
    scene.approve()
    change(scene, "change-0", lambda: scene.commands.pause("U0ALICE", "r-1"))
    assert scene.advance("unpause-1").state is RunState.PAUSED


@pytest.mark.parametrize("state", [RunState.TRIAGING, RunState.WAITING, RunState.APPROVED])
def test_a_run_that_has_changed_nothing_is_stopped_at_once(database: Database, state: RunState):
    scene = Scene(database)
    scene.store.save(replace(scene.run, state=state, plan=scene.plan()), expect=RunState.TRIAGING)
    scene.commands.stop("U0ALICE", "r-1")
    assert scene.stored.state is RunState.DENIED
    assert scene.advance().says == "<@U0ALICE> stopped the run; nothing was changed."
    assert scene.issued == []


def test_a_change_of_one_batch_cannot_be_paused(database: Database):
    scene = Scene(database)
    scene.approve()
    with pytest.raises(NotAllowed, match="only one batch"):
        scene.commands.pause("U0ALICE", "r-1")


def test_an_ended_run_can_be_neither_paused_stopped_nor_continued(scene: Scene):
    scene.approve()
    scene.advance()
    for ask in (scene.commands.stop, scene.commands.go_on, scene.commands.pause):
        with pytest.raises(NotAllowed, match="Fixed and verified"):
            ask("U0ALICE", "r-1")


def test_only_an_operator_pauses_stops_and_continues(scene: Scene):
    scene.approve()
    scene.directory.without.add(("U0CAROL", "operator"))
    for ask in (scene.commands.stop, scene.commands.go_on, scene.commands.pause, scene.commands.retry):
        with pytest.raises(NotAllowed, match="U0CAROL and operator"):
            ask("U0CAROL", "r-1")


def test_a_change_whose_state_has_changed_is_not_stopped_by_an_old_card(scene: Scene):
    scene.approve()
    old = scene.stored
    scene.advance()
    with pytest.raises(Busy, match="has just changed"):
        scene.pausing.stop("U0ALICE", old)


# -- the error budget ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("budget", "made"), [(0, ALL[:1]), (1, ALL[:3]), (2, ALL)])
def test_a_rollout_that_continues_after_failures_stops_at_its_error_budget(
    database: Database, budget: int, made: list[str]
):
    going_on = {**REMEDY, "on": "replicas", "batches": [1, 2], "on_failure": "continue", "error_budget": budget}
    scene = Scene(database, remedy=going_on)
    for name in ("orders-2", "orders-3"):
        scene.fleet.servers[name].stuck = True
    scene.approve()
    ended = scene.advance()
    assert changed(scene) == made
    assert ended.state is RunState.FAILED


def test_the_error_budget_is_part_of_what_is_approved(scene: Scene):
    plan = scene.plan()
    assert replace(plan, error_budget=1).digest != plan.digest


# -- once more ----------------------------------------------------------------------------------------------------


def test_a_retry_covers_only_the_targets_that_are_left(scene: Scene):
    scene.fleet.servers["orders-3"].stuck = True
    scene.approve()
    ended = scene.advance()
    assert changed(scene) == ALL[:3]
    assert [each.state for each in ended.outcomes] == ["mended", "failed", "mended"]
    again = scene.commands.retry("U0ALICE", "r-1")
    assert (again.only, again.requester, again.incident) == (("orders-3", "orders-5", "orders-6"), "U0ALICE", "i-1")
    assert again.timeline[-1].what == "<@U0ALICE> retried run r-1"
    assert scene.queue.waiting[-1] == (again.id, "triage")
    seen = Observations(scene.runbook, scene.fleet.find(TARGET), {}, {}, {}, again.only)
    assert scene.planner.plan(seen, "fix")[0].targets == again.only


def test_a_run_that_is_mended_or_under_way_cannot_be_retried(scene: Scene):
    scene.approve()
    with pytest.raises(NotAllowed, match="cannot be retried"):
        scene.commands.retry("U0ALICE", "r-1")
    scene.advance()
    with pytest.raises(NotAllowed, match="cannot be retried"):
        scene.commands.retry("U0ALICE", "r-1")
