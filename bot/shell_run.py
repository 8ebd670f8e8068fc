"""Runs from the shell: diagnoses an alert and, on request, makes a remedy. Needs neither Slack nor the bot."""

from __future__ import annotations

import getpass
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actions.contract import Refused, Unreadable
from bot.alerts import Alert, AlertStatus
from bot.config import Config
from bot.engine.guard_explanation import Explained
from bot.engine.planner import Observations
from bot.engine.ports import Directory, Fleet
from bot.engine.preview import Preview, preview
from bot.engine.run import Choice, Decision, Run, RunState, StepStatus
from bot.engine.run_json import effect_as_json, plan_as_json, seen_as_json
from bot.engine.stored_runs import known_run
from bot.engine_assembly import Engine, assemble, slack_directory
from bot.errors import FirstmateError, NotAllowed, UnknownTarget, WrongUsage
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.guards.facts import SHELL
from bot.intake import alertmanager
from bot.runbook.expressions.evaluation import EvidenceMissing
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load_runbooks import folders_of, shipped_folder
from bot.store.database import Database
from bot.store.open_database import open_database, there
from bot.store.run_store import RunStore
from bot.store.schema_upgrade import migrate
from bot.store.segment_queue import DirectQueue, DirectSteps
from bot.store.sqlite import SQLiteDatabase

MAX_ALERT_FILE = 1024 * 1024
CHECK_EVERY = 1.0
"""Seconds between two checks whether a change helped."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run from the shell."""

    run: Run
    evidence: Mapping[str, Any]
    not_offered: str = ""
    """Why the remedy of the leading cause has no plan, or which guard refuses it."""

    @property
    def ok(self) -> bool:
        """Whether a cause was found and, if a change was requested, it was made and verified, and it helped."""
        return self.run.lead is not None and self.run.state in (RunState.TRIAGING, RunState.MENDED)

    @property
    def missing(self) -> dict[str, str]:
        """The reason of each step without evidence, by its name; skipped steps are not included."""
        return {s.id: s.says for s in self.run.steps if s.says and s.status is not StepStatus.SKIPPED}

    def as_json(self) -> dict[str, Any]:
        """Returns the keys that docs/cli.md documents."""
        run, plan = self.run, self.run.plan
        lead = run.lead
        return {
            "runbook": run.runbook or None,
            "matched": run.matched,
            "target": run.target or None,
            "kinds": list(run.kind.kinds) if run.kind else [],
            "service": (run.kind.service or None) if run.kind else None,
            "causes": [
                {"id": c.id, "says": c.says, "remedy": first(c.remedies), "remedies": list(c.remedies)}
                for c in run.causes
                if c.verdict == "holds"
            ],
            "seen_before": seen_as_json(run.seen_before) if run.seen_before else None,
            "continued_from": _continued_from(run),
            "also_asked": [{"runbook": each.runbook, "says": each.says or None} for each in run.answers],
            "shows": dict(run.shown),
            "undecided": [{"id": c.id, "says": c.says} for c in run.causes if c.verdict == "undecided"],
            "remedy": plan.remedy if plan else first(lead.remedies) if lead else None,
            "plan": plan_as_json(plan) if plan else None,
            "approvals_needed": run.approvals_needed if plan else None,
            "guards": [{"guard": v.guard, "answer": v.answer.value, "says": v.says} for v in run.verdicts],
            "not_offered": self.not_offered or None,
            "effect": effect_as_json(run.effect) if run.effect else None,
            "state": run.state.value if run.state is not RunState.TRIAGING else "diagnosed",
            "says": run.says or None,
            "evidence": dict(self.evidence),
            "missing": self.missing,
        }


class _NoPublisher:
    def publish(self, run: Run) -> None:
        """Shows nothing: the command prints its own report."""


@dataclass(frozen=True, slots=True)
class _NoDirectory:
    why: str = "without Slack, only the user of the shell has a role"

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        return False, f"{user} has no role here: {self.why.removesuffix('.')}."


def read_alert(path: Path) -> Alert:
    """Reads an alert from a file: Alertmanager's webhook body (its first firing alert), or one alert with `labels`.

    Raises WrongUsage with the file and the field that is wrong.
    """
    try:
        body = path.read_bytes()[: MAX_ALERT_FILE + 1]
    except OSError as error:
        raise WrongUsage(f"The alert file {path} cannot be read: {error.strerror}.") from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WrongUsage(f"{path} is not JSON: {error}") from error
    if isinstance(document, dict) and "alerts" not in document and "labels" in document:
        alert = {"status": "firing", "startsAt": datetime.now(UTC).isoformat(), **document}
        body = json.dumps({"version": "4", "alerts": [alert]}).encode()
    try:
        alerts = alertmanager.parse(body)
    except WrongUsage as error:
        raise WrongUsage(f"{path} is not a valid alert: {error}") from error
    return next((alert for alert in alerts if alert.status is AlertStatus.FIRING), alerts[0])


def diagnose(config: Config, alert: Alert) -> Report:
    """Gathers the evidence of the alert's runbook and plans the remedy of the leading cause; changes nothing."""
    with read_only_engine(config) as engine:
        return _report(preview(engine.triage, opened(engine, alert)))


def remedy(config: Config, alert: Alert, name: str) -> Report:
    """Diagnoses, then makes the named remedy under all guards; the user of the shell is its approver.

    Raises Busy while a bot uses the store, and WrongUsage for a remedy that no confirmed cause offers.
    """
    user = f"{SHELL}{getpass.getuser()}"
    with _writing(config) as engine:
        run = replace(opened(engine, alert), requester=user)
        if not engine.store.open_run(run, key=f"{run.runbook}@{run.target}", actor=user):
            raise NotAllowed(
                f"Another run of {run.runbook} on {run.target} is in progress. See firstmate incident list."
            )
        found = preview(engine.triage, run)
        run, seen = found.run, found.seen
        offered = {each for cause in run.causes if cause.verdict == "holds" for each in cause.remedies}
        try:
            if seen is None or name not in offered:
                raise WrongUsage(
                    f"No proven cause offers the remedy {name!r}. Offered: {', '.join(sorted(offered)) or 'nothing'}."
                )
            return _make(engine, run, seen, name, _report(found), user)
        except FirstmateError as error:
            engine.store.save(
                replace(run, state=RunState.REFUSED, says=str(error)), expect=RunState.TRIAGING, event="run.refused"
            )
            raise


def plan(
    config: Config, runbook: str, target: str, remedy: str = "", inputs: Mapping[str, str] | None = None
) -> Report:
    """Plans a remedy on a target and checks the guards; changes nothing.

    Without a remedy, it plans that of the leading cause. Raises RunbookError, UnknownTarget or WrongUsage.
    """
    with read_only_engine(config) as engine:
        run = engine.run_factory.for_person(
            f"{SHELL}{getpass.getuser()}", runbook, target, channel="", inputs=inputs or {}
        )
        return _report(preview(engine.triage, run, remedy))


def explain(config: Config, user: str, action: str, target: str, given: Mapping[str, object]) -> Explained:
    """Returns the verdict of every guard if `user` requested this action now, with the roles from Slack."""
    try:
        directory: Directory = slack_directory(config)
    except FirstmateError as error:
        directory = _NoDirectory(str(error))
    with read_only_engine(config, directory=directory) as engine:
        return engine.explainer.explain(user, action, target, given)


def _make(engine: Engine, run: Run, seen: Observations, name: str, report: Report, user: str) -> Report:
    """Plans, approves and makes a remedy."""
    try:
        proposal = engine.triage.propose(run, seen, name)
    except (Refused, Unreadable, EvidenceMissing) as error:
        raise NotAllowed(str(error)) from error
    run = replace(run, plan=proposal.plan, verdicts=proposal.verdicts, approvals_needed=1)
    if proposal.refused:
        raise NotAllowed(proposal.refused)
    engine.store.wait(run, expires_in=60.0)
    decided = Decision(user, Choice.APPROVE, proposal.plan.digest, datetime.now(UTC))
    engine.store.decide(run.id, decided)
    engine.rollout.change(DirectSteps(), run.id)
    return replace(report, run=_watched(engine, run.id), not_offered="")


def _watched(engine: Engine, run_id: str) -> Run:
    """Checks whether the change helped until that is known; returns the run as it ended."""
    number = 1
    while True:
        engine.effects.check(run_id, number)
        run = known_run(engine.store, run_id)
        if run.state is not RunState.WATCHING:
            return run
        time.sleep(CHECK_EVERY)
        number += 1


def _report(found: Preview) -> Report:
    return Report(found.run, found.evidence, found.not_offered)


def first(remedies: Sequence[str]) -> str | None:
    """Returns the first remedy, or None."""
    return remedies[0] if remedies else None


def _continued_from(run: Run) -> dict[str, Any] | None:
    handed = run.handed_over
    return {"runbook": handed.runbook, "cause": handed.cause.id, "says": handed.cause.says} if handed else None


def opened(engine: Engine, alert: Alert) -> Run:
    """Returns the run of an alert; raises UnknownTarget or WrongUsage if it cannot be diagnosed."""
    target = engine.fleet.find_by_labels(alert.labels)
    run = engine.run_factory.for_alert(alert, target)
    if not run.runbook:
        raise WrongUsage(run.says)
    if target is None:
        named = alert.labels.get("instance", "")
        engine.fleet.find(named)
        raise UnknownTarget(f"The inventory has no instance {named!r}.")
    return run


def _scratch(folder: Path) -> Database:
    database = SQLiteDatabase(folder)
    database.create()
    return database


@contextmanager
def read_only_engine(
    config: Config, fleet: Fleet | None = None, directory: Directory | None = None
) -> Iterator[Engine]:
    """Yields an engine that reads the bot's store if there is one, and writes to none."""
    with tempfile.TemporaryDirectory(prefix="firstmate-") as scratch:
        database = open_database(config, exclusive=False) if there(config) else _scratch(Path(scratch))
        yield from _engine(config, database, fleet or ConfiguredFleet(config), directory or _NoDirectory())


@contextmanager
def _writing(config: Config) -> Iterator[Engine]:
    database = open_database(config)
    migrate(database)
    yield from _engine(config, database, ConfiguredFleet(config), _NoDirectory())


def _engine(config: Config, database: Database, fleet: Fleet, directory: Directory) -> Iterator[Engine]:
    try:
        store = RunStore(database, DirectQueue())
        runbooks = LiveLibrary(folders_of(config), shipped_folder()).require_valid()
        engine = assemble(config, store, fleet, directory, _NoPublisher(), runbooks)
        try:
            yield engine
        finally:
            engine.gatherer.close()
    finally:
        database.close()
