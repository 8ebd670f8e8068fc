"""After a verified change the cause is judged once more: it helped, it did not, or that is unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.engine import segments
from bot.engine.effect_summary import next_cause
from bot.engine.run import Cause, Helped, Run, RunState
from bot.errors import NotAllowed
from bot.store import audit_log
from bot.store.database import Database
from bot.store.segment_queue import DirectSteps
from tests import samples
from tests.engine.commands_fixture import commands_of
from tests.engine.scene import REMEDY, RUNBOOK, TARGET, Scene
from tests.samples import NOW

FEW: dict[str, Any] = dict(RUNBOOK["causes"][0])
MANY = {
    "id": "many",
    "when": 'limits.values["max_connections"] == "120"',
    "says": "120 is not enough.",
    "remedy": "fix",
}
OTHER = {**MANY, "id": "note", "remedy": []}


def runbook(*causes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**RUNBOOK, "causes": list(causes) or [FEW], "remedies": {"fix": REMEDY}, **more}


@dataclass
class Watched:
    """A run whose change is made, with a clock that each check moves on."""

    scene: Scene
    seconds: float = 0.0
    checks: int = 0
    during: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens before a check, by its number."""

    def check_once(self) -> Run:
        self.checks += 1
        self.during.get(self.checks, lambda: None)()
        now = NOW + timedelta(seconds=self.seconds)
        replace(self.scene.effects, now=lambda: now).check("r-1", self.checks)
        self.seconds += 1
        return self.run

    def end(self) -> Run:
        while self.run.state is RunState.WATCHING:
            assert self.checks < 200
            self.check_once()
        return self.run

    @property
    def run(self) -> Run:
        found = self.scene.store.run("r-1")
        assert found is not None
        return found

    @property
    def server(self) -> Any:
        return self.scene.fleet.servers[TARGET]


def watched(database: Database, book: dict[str, Any], **more: Any) -> Watched:
    """Approves and makes the change of a runbook whose first cause holds."""
    first = book["causes"][0]
    causes = (Cause(first["id"], "holds", first["says"], ("fix",)),)
    run = samples.run(target=TARGET, runbook="mysql/x", runbook_text=json.dumps(book), causes=causes)
    scene = Scene(database, run=run, **more)
    scene.approve()
    scene.rollout.change(DirectSteps(), "r-1")
    return Watched(scene)


def test_a_verified_change_is_watched_and_the_first_check_is_queued_at_once(database: Database):
    found = watched(database, runbook())
    assert found.run.state is RunState.WATCHING
    assert found.run.says.endswith("Firstmate watches until 03:00:10 UTC whether it helped.")
    assert ("r-1", segments.encode(segments.Effect(1))) in found.scene.queue.waiting
    assert found.scene.store.holder("orders", besides="nobody") is None


def test_it_is_mended_once_the_cause_is_gone(database: Database):
    found = watched(database, runbook())
    ended = found.end()
    assert (ended.state, found.checks) == (RunState.MENDED, 1)
    assert ended.says == "max_connections of orders-2:3306 is 120. It helped: the cause is gone."
    assert ended.effect is not None
    assert ended.effect.helped is Helped.YES
    assert ended.revert_at is not None


def test_a_cause_that_still_holds_after_its_time_means_that_it_did_not_help(database: Database):
    found = watched(database, runbook({**FEW, "when": 'limits.values["max_connections"] in ["100", "120"]'}))
    ended = found.end()
    assert ended.state is RunState.NOT_HELPED
    assert ended.says.startswith("The change was made and verified, but the trouble is not over: few.")
    assert found.seconds == pytest.approx(11)


def test_a_cause_that_has_taken_its_place_means_that_it_did_not_help_and_is_named_with_its_remedy(database: Database):
    ended = watched(database, runbook(FEW, MANY)).end()
    assert ended.state is RunState.NOT_HELPED
    assert "120 is not enough." in ended.says
    assert next_cause(ended) == Cause("many", "holds", "120 is not enough.", ("fix",))


def test_a_finding_without_a_remedy_does_not_take_its_place(database: Database):
    assert watched(database, runbook(FEW, OTHER)).end().state is RunState.MENDED


def test_a_cause_that_held_before_and_still_holds_means_that_it_helped_only_partly_and_is_named(database: Database):
    book = runbook(FEW, {**MANY, "when": 'limits.values["max_connections"] != "1"'})
    causes = (Cause("few", "holds", "few", ("fix",)), Cause("many", "holds", "many", ("fix",)))
    run = samples.run(target=TARGET, runbook="mysql/x", runbook_text=json.dumps(book), causes=causes)
    scene = Scene(database, run=run)
    scene.approve()
    scene.rollout.change(DirectSteps(), "r-1")
    found = Watched(scene)
    found.check_once()
    assert found.run.state is RunState.WATCHING, "what else holds has the same time to go"
    ended = found.end()
    assert ended.state is RunState.PARTLY_HELPED
    assert ended.says.endswith(
        "This cause is gone, but the trouble is not over: 120 is not enough. Start a new run for its remedy: fix."
    )
    assert ended.effect is not None
    assert ended.effect.helped is Helped.PARTLY
    assert next_cause(ended) is not None
    assert ended.stands
    assert found.seconds == pytest.approx(11)


def test_a_cause_that_held_before_and_goes_in_time_means_that_it_is_mended(database: Database):
    book = runbook(FEW, {**MANY, "when": 'limits.values["max_connections"] in ["100", "120"]'})
    causes = (Cause("few", "holds", "few", ("fix",)), Cause("many", "holds", "many", ("fix",)))
    run = samples.run(target=TARGET, runbook="mysql/x", runbook_text=json.dumps(book), causes=causes)
    scene = Scene(database, run=run)
    scene.approve()
    scene.rollout.change(DirectSteps(), "r-1")
    found = Watched(scene)
    found.during[4] = lambda: setattr(found.server, "value", 150)
    assert found.end().state is RunState.MENDED
    assert found.checks == 4


def test_a_server_that_does_not_answer_any_more_leaves_it_unknown(database: Database):
    found = watched(database, runbook())
    found.server.down = True
    ended = found.end()
    assert ended.state is RunState.UNKNOWN
    assert "whether it helped is unknown: limits is missing: orders-2:3306 does not accept connections." in ended.says
    assert ended.stands


def test_trouble_that_was_seen_last_counts_although_the_server_then_fell_silent(database: Database):
    found = watched(database, runbook({**FEW, "when": 'limits.values["max_connections"] != "1"'}))
    found.during[3] = lambda: setattr(found.server, "down", True)
    assert found.end().state is RunState.NOT_HELPED


def test_what_must_last_is_watched_until_it_has_lasted(database: Database):
    found = watched(database, runbook({**FEW, "helped": {"holds_for": "30s"}}))
    found.check_once()
    assert found.run.state is RunState.WATCHING
    ended = found.end()
    assert ended.state is RunState.MENDED
    assert ended.says.endswith("It helped: the cause has been gone for 30 s.")
    assert found.seconds == pytest.approx(31)


def test_trouble_that_comes_back_means_that_it_did_not_help(database: Database):
    found = watched(database, runbook({**FEW, "helped": {"holds_for": "50s"}}))
    found.during[20] = lambda: setattr(found.server, "value", 100)
    ended = found.end()
    assert ended.state is RunState.NOT_HELPED
    assert found.seconds == pytest.approx(20)


@pytest.mark.parametrize(("value", "state"), [(120, RunState.MENDED), (100, RunState.NOT_HELPED)])
def test_a_condition_of_its_own_compares_with_before(database: Database, value: int, state: RunState):
    more = "limits.values.max_connections != before.limits.values.max_connections"
    found = watched(database, runbook({**FEW, "when": "limits.values", "helped": {"when": more, "within": "5s"}}))
    found.server.value = value
    ended = found.end()
    assert ended.state is state
    assert ended.effect is not None
    assert ended.effect.before["limits"]["values"] == {"max_connections": "100"}


def test_a_check_after_a_crash_begins_again_and_a_second_one_after_the_end_does_nothing(database: Database):
    found = watched(database, runbook())
    found.scene.rollout.change(DirectSteps(), "r-1")
    ended = found.end()
    assert (ended.state, found.checks) == (RunState.MENDED, 1)
    found.scene.effects.check("r-1", 7)
    assert found.run == ended
    assert len(found.scene.fleet.log) == 1


def test_an_undo_while_it_is_watched_ends_the_watch(database: Database):
    found = watched(database, runbook())
    found.scene.undo.undo(DirectSteps(), "r-1", "a person")
    assert found.run.state is RunState.UNDONE
    assert found.check_once().state is RunState.UNDONE
    assert found.server.value == 100


@pytest.mark.parametrize("state", [RunState.NOT_HELPED, RunState.UNKNOWN])
def test_a_change_that_did_not_help_can_be_undone_and_tried_again(database: Database, state: RunState):
    found = watched(database, runbook({**FEW, "when": 'limits.values["max_connections"] in ["100", "120"]'}))
    if state is RunState.UNKNOWN:
        found.server.down = True
    ended = found.end()
    assert ended.state is state
    found.server.down = False
    assert ended.plan is not None
    commands_of(found.scene.store).undo("U1", "r-1", ended.plan.digest)
    found.scene.undo.undo(DirectSteps(), "r-1", "a person")
    assert found.run.state is RunState.UNDONE


def test_a_change_that_did_not_help_counts_for_the_cooldown_of_the_next_run(database: Database):
    found = watched(database, runbook({**FEW, "when": 'limits.values["max_connections"] in ["100", "120"]'}))
    found.end()
    begun = found.scene.store.changes(since=NOW - timedelta(hours=1), besides="r-2")
    assert [each.action for each in begun] == ["mysql.set_variable"]


def test_a_watched_run_cannot_be_stopped_and_says_why(database: Database):
    found = watched(database, runbook())
    with pytest.raises(NotAllowed, match="its changes are made"):
        found.scene.commands.stop("U1", "r-1")


def test_each_outcome_is_in_the_audit_log_with_its_cause(database: Database):
    found = watched(database, runbook(FEW, MANY))
    found.end()
    with database.reading() as connection:
        events = {each.event: json.loads(each.data) for each in audit_log.entries(connection, newest=50)}
    assert "run.watching" in events
    assert events["run.not_helped"]["cause"] == "few"
    assert events["run.not_helped"]["helped"] == "no"


def test_each_outcome_is_counted(database: Database):
    found = watched(database, runbook(FEW, MANY))
    assert found.scene.store.counts() == {"watching": 1}
    found.end()
    counted = found.scene.store.outcomes()
    assert (counted["not_helped"], counted["mended"]) == (1, 0)


def test_a_check_that_breaks_leaves_it_unknown_and_the_changes_can_still_be_undone(database: Database):
    found = watched(database, runbook())
    found.scene.store.save(replace(found.run, runbook_text="no runbook"), expect=RunState.WATCHING)
    ended = found.scene.advance("effect-1")
    assert ended.state is RunState.UNKNOWN
    assert "the step effect-1 failed" in ended.says
    assert ended.stands


def test_a_failed_change_is_not_watched(database: Database):
    book = runbook()
    run = samples.run(
        target=TARGET,
        runbook="mysql/x",
        runbook_text=json.dumps(book),
        causes=(Cause("few", "holds", "few", ("fix",)),),
    )
    scene = Scene(database, run=run)
    scene.fleet.servers[TARGET].stuck = True
    scene.approve()
    scene.rollout.change(DirectSteps(), "r-1")
    assert Watched(scene).run.state is RunState.FAILED
