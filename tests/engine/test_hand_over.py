"""A cause that names another runbook hands the run over to it, once; runbooks that match equally well are all asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import yaml

from actions.contract import Row
from bot.engine.active_halts import Halts
from bot.engine.assessment import proof
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gatherer
from bot.engine.other_runbooks import other_runbooks
from bot.engine.planner import Planner
from bot.engine.run import Run, RunState
from bot.engine.runbook_of_run import copy_of, opened_under
from bot.engine.triage import Triage
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.errors import RunbookError
from bot.runbook.diagnosis.causes import CauseStatus, Diagnosis, JudgedCause
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import parse
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from tests import samples
from tests.engine.servers import Everybody, Fleet, Published, Server, shard_of
from tests.samples import NOW

FEW = 'limits.values["max_connections"] == "100"'
MANY = 'limits.values["max_connections"] == "200"'
FIX = {"fix": {"use": "mysql.set_variable", "with": {"name": "max_connections", "value": 120}}}


def runbook(name: str, *causes: Mapping[str, Any], **others: Any) -> Runbook:
    text = {
        "runbook": name,
        "title": f"Title of {name}",
        "owner": "me",
        "gather": {"limits": {"use": "mysql.global_variables", "with": {"names": ["max_connections"]}}},
        "causes": list(causes),
        **({"remedies": FIX} if any("remedy" in each for each in causes) else {}),
        **others,
    }
    return parse(yaml.safe_dump(text, sort_keys=False), name)


def cause(name: str, when: str = FEW, **others: Any) -> dict[str, Any]:
    return {"id": name, "when": when, "says": f"It is {name}.", **others}


@dataclass
class Asked(Server):
    """A server that counts what it is asked, and that may end the bot at its next answer."""

    asked: list[str] = field(default_factory=list)
    dies: bool = False

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        self.asked.append(sql)
        return super().rows(sql, params, limit=limit, costly=costly)


class Crash(BaseException):
    """The end of the bot's process."""


class Bot:
    """A bot on one shard and a real store."""

    def __init__(self, database: Database, *runbooks: Runbook, asked: int = 1, **changes: Any) -> None:
        self.queue, self.publisher = DirectQueue(), Published()
        self.store = RunStore(database, self.queue, clock=NOW.timestamp)
        self.server = Asked()
        self.fleet = Fleet((shard_of("orders", 2),), {"orders-2": self.server})
        self.library = {each.runbook: each for each in runbooks}
        self.found: list[str] = []
        rivals = tuple(copy_of(each, "m") for each in runbooks[:asked]) if asked > 1 else ()
        opened = opened_under(samples.run(target="orders-2", **changes), runbooks[0], matched="m")
        self.store.open_run(replace(opened, rivals=rivals), key="k", actor="firstmate")

    def find(self, name: str) -> Runbook:
        self.found.append(name)
        if name not in self.library:
            raise RunbookError(f"Unknown runbook {name!r}.")
        return self.library[name]

    @property
    def triage(self) -> Triage:
        gatherer: Any = Gatherer(self.fleet)
        collector = Collector(self.fleet, self.store, Everybody(), Halts(self.store), VtorcRepairs(self.fleet))
        planner = Planner(self.fleet, gatherer, self.find)
        return Triage(self.fleet, self.store, self.publisher, collector, gatherer, planner, 300.0, lambda: NOW)

    def run(self) -> Run:
        self.triage.triage(DirectSteps(), "r-1")
        return self.stored

    @property
    def stored(self) -> Run:
        run = self.store.run("r-1")
        assert run is not None
        return run


FIRST = runbook("mysql/first-look", cause("seen", **{"continue": "mysql/second"}))
SECOND = runbook("mysql/second", cause("proved", remedy="fix"))


def test_the_run_goes_on_with_the_runbook_that_the_leading_cause_names(database):
    bot = Bot(database, FIRST, SECOND)
    run = bot.run()
    assert (run.runbook, run.title, run.runbook_digest) == (SECOND.runbook, SECOND.title, SECOND.digest)
    assert run.lead is not None
    assert run.lead.id == "proved"
    assert run.state is RunState.WAITING
    assert run.plan is not None
    assert run.plan.remedy == "fix"
    assert run.handed_over is not None
    assert (run.handed_over.runbook, run.handed_over.cause.id) == ("mysql/first-look", "seen")
    assert other_runbooks(run) == (
        "The first look found: It is seen. Firstmate went on with the runbook mysql/second.",
    )


def test_what_is_known_already_is_not_asked_again(database):
    alone = Bot(database, SECOND)
    alone.triage.diagnose(alone.stored, SECOND, alone.fleet.find("orders-2"))
    two = Bot(database, FIRST, SECOND)
    two.triage.assess(opened_under(samples.run(target="orders-2"), FIRST, matched=""), _silent, _silent)
    assert len(two.server.asked) == len(alone.server.asked) > 0


@pytest.mark.parametrize(
    "second",
    [
        runbook("mysql/second", cause("other", MANY)),
        runbook("mysql/second", cause("passed", over=True)),
    ],
    ids=["no cause", "only that it is over"],
)
def test_the_first_cause_stays_where_the_other_runbook_proves_none_that_holds_now(database, second):
    run = Bot(database, FIRST, second).run()
    assert run.lead is not None
    assert run.lead.id == "seen"
    assert run.state is RunState.DIAGNOSED
    assert run.says == "The runbook mysql/second found no cause that holds now. Check the evidence."
    assert other_runbooks(run) == ("Firstmate went on with the runbook mysql/second, which found no other cause.",)


def test_a_run_goes_on_once_and_names_the_runbook_that_a_person_can_start(database):
    second = runbook("mysql/second", cause("on", **{"continue": "mysql/third"}))
    bot = Bot(database, FIRST, second, runbook("mysql/third", cause("third")))
    run = bot.run()
    assert run.lead is not None
    assert run.lead.id == "on"
    assert bot.found == ["mysql/second"]
    assert run.says == "Continue with /runbook run mysql/third orders-2."


def test_a_runbook_that_is_gone_leaves_the_cause_in_the_lead(database):
    run = Bot(database, FIRST).run()
    assert run.runbook == "mysql/first-look"
    assert run.handed_over is None
    assert run.says == "Continue with /runbook run mysql/second orders-2."


def test_after_a_crash_in_between_the_run_goes_on_where_it_was_and_hands_over_no_more(database):
    bot = Bot(database, FIRST, SECOND)
    publish = bot.publisher.publish

    def crash(run: Run) -> None:
        publish(run)
        if run.handed_over is not None:
            raise Crash

    bot.publisher.publish = crash  # type: ignore[method-assign]
    with pytest.raises(Crash):
        bot.run()
    between = bot.stored
    assert (between.state, between.runbook) == (RunState.TRIAGING, "mysql/second")
    assert between.lead is not None
    assert between.lead.id == "seen"
    bot.publisher.publish = publish  # type: ignore[method-assign]
    run = bot.run()
    assert bot.found == ["mysql/second"]
    assert run.state is RunState.WAITING
    assert run.handed_over is not None
    assert run.handed_over.cause.id == "seen"


def test_the_other_runbook_gets_the_inputs_that_the_cause_gives_it(database):
    going_on: dict[str, Any] = {"runbook": "mysql/second", "with": {"limit": "{{ inputs.wanted }}"}}
    first = runbook("mysql/first", {**cause("seen"), "continue": going_on}, inputs={"wanted": _count(7)})
    second = runbook(
        "mysql/second", {**cause("seven", "inputs.limit == 7"), "says": "x"}, inputs={"limit": _count(None)}
    )
    run = Bot(database, first, second).run()
    assert run.lead is not None
    assert run.lead.id == "seven"
    assert run.overrides == {"limit": 7}


def test_the_stricter_autonomy_of_both_counts(database):
    first = runbook("mysql/first", cause("seen", **{"continue": "mysql/second"}), autonomy="observe")
    run = Bot(database, first, SECOND).run()
    assert run.autonomy == "observe"
    assert run.state is RunState.REFUSED


def test_of_two_runbooks_that_match_equally_well_the_better_proved_cause_leads(database):
    silent = runbook("mysql/a", cause("other", MANY))
    run = Bot(database, silent, runbook("mysql/b", cause("proved", remedy="fix")), asked=2).run()
    assert run.runbook == "mysql/b"
    assert run.state is RunState.WAITING
    assert run.plan is not None
    assert run.plan.remedy == "fix"
    assert run.rivals == ()
    assert other_runbooks(run) == (
        "mysql/a and mysql/b match this alert equally well, so both were asked. mysql/b leads. "
        "mysql/a found: no cause.",
    )


def test_both_are_asked_with_the_same_evidence(database):
    bot = Bot(database, runbook("mysql/a", cause("other", MANY)), runbook("mysql/b", cause("proved")), asked=2)
    bot.run()
    assert sum("max_connections" in sql or "Variable_name IN (%s)" in sql for sql in bot.server.asked) == 1


def test_of_two_that_match_equally_well_the_one_that_leads_hands_over(database):
    first = runbook("mysql/a", cause("seen", **{"continue": "mysql/second"}))
    passed = runbook("mysql/b", cause("passed", over=True))
    bot = Bot(database, first, passed, asked=2)
    bot.library["mysql/second"] = SECOND
    run = bot.run()
    assert run.runbook == "mysql/second"
    assert other_runbooks(run) == (
        "mysql/a and mysql/b match this alert equally well, so both were asked. mysql/a leads. "
        "mysql/b found: It is passed.",
        "The runbook mysql/a found: It is seen. Firstmate went on with the runbook mysql/second.",
    )


HOLDS, OVER, GOES_ON, UNDECIDED, NO = (
    JudgedCause("holds", CauseStatus.HOLDS, ""),
    JudgedCause("over", CauseStatus.HOLDS, "", over=True),
    JudgedCause("goes_on", CauseStatus.HOLDS, "", continues="mysql/second"),
    JudgedCause("undecided", CauseStatus.UNDECIDED, ""),
    JudgedCause("no", CauseStatus.NO, ""),
)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ((HOLDS,), (OVER,)),
        ((OVER,), (NO,)),
        ((UNDECIDED, HOLDS), (OVER,)),
        ((HOLDS,), (GOES_ON,)),
        ((HOLDS, UNDECIDED), (UNDECIDED, HOLDS)),
        ((HOLDS,), (HOLDS, UNDECIDED)),
        ((NO,), (UNDECIDED,)),
    ],
)
def test_what_holds_now_and_is_decided_is_the_better_proof(better, worse):
    assert proof(Diagnosis(better)) < proof(Diagnosis(worse))


def _count(default: int | None) -> dict[str, Any]:
    return {"type": "count", "says": "A number.", **({"default": default} if default is not None else {})}


def _silent(_: Run) -> None:
    """Shows nothing."""
