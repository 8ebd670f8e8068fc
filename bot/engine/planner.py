"""Plans a remedy: its targets, their order, and the exact statements. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actions.catalog import DIAGNOSTICS
from actions.contract import NoUndo, Refused, Remediation, Statement, Unreadable
from bot.engine.fact_collector import ResolvedChange
from bot.engine.gather_evidence import Gatherer, view
from bot.engine.plan import Change, Plan
from bot.engine.ports import Fleet, Identity
from bot.engine.run import Run
from bot.engine.target_selection import changed_at, described, out_of_place, places, refused_on_tablet, stand_in
from bot.engine.targets import Target
from bot.errors import FirstmateError, NotAllowed, UnknownTarget, WrongUsage
from bot.runbook.diagnosis.causes import Diagnosis, diagnose
from bot.runbook.diagnosis.remedies import build, rebuild, remedy_location, remedy_of
from bot.runbook.diagnosis.step_values import evaluate_value
from bot.runbook.expressions.evaluation import ExpressionError, Missing
from bot.runbook.language.inputs import resolve
from bot.runbook.language.remedy_schema import Remedy, RemedyStep
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import UnknownAction, did_you_mean, of_remediation

MAX_STATEMENTS = 500
"""The most statements of one change; an action that yields more has a bug."""
MAX_CHANGES = 50
"""The most changes of a plan that a person can review before approving it."""
LATER = "The undo of a later step is planned just before that step."
MAX_DEPTH = 3
"""How deep runbooks may refer to one another."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that has not been planned on its server yet."""

    target: Target
    use: str
    parameters: dict[str, Any]
    remediation: Remediation


@dataclass(frozen=True, slots=True)
class Observations:
    """What a runbook found on its target; its remedies are planned from this."""

    runbook: Runbook
    target: Target
    evidence: Mapping[str, object]
    inputs: Mapping[str, object]
    labels: Mapping[str, str]
    only: tuple[str, ...] = ()
    """Restricts a remedy to these of its targets; empty for all of them."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans, and makes them again from the current state of the servers."""

    fleet: Fleet
    gatherer: Gatherer
    find: Callable[[str], Runbook]
    """Finds a runbook that a step refers to, by name; raises RunbookError."""

    def plan(self, seen: Observations, remedy: str) -> tuple[Plan, tuple[ResolvedChange, ...]]:
        """Plans a remedy; raises Refused, Unreadable, EvidenceMissing or FirstmateError."""
        written = remedy_of(seen.runbook, remedy)
        planned = list(self._batches(seen, written, 0))
        if sum(map(len, planned)) > MAX_CHANGES:
            raise NotAllowed(f"The remedy {remedy!r} would make more than {MAX_CHANGES} changes; nothing was planned.")
        made: list[ResolvedChange] = []
        for number, batch in enumerate(planned):
            for draft in batch:
                follows = any(each.change.target == draft.target.name for each in made)
                change = self._dry(draft, number)
                if follows:
                    change = replace(change, undo=(), undo_says=LATER, follows=True)
                made.append(ResolvedChange(change, draft.target, draft.remediation, change.server, due=not follows))
        plan = Plan(
            remedy=remedy,
            title=written.title or remedy.replace("_", " "),
            changes=tuple(each.change for each in made),
            blast_radius=blast_radius(
                [each.target for each in made if each.target], [each.remediation.drains for each in made]
            ),
            on_failure=written.on_failure,
            error_budget=written.error_budget if written.on_failure == "continue" else 0,
        )
        return plan, tuple(made)

    def alone(self, use: str, written: Mapping[str, object], target: Target) -> tuple[Plan, tuple[ResolvedChange, ...]]:
        """Plans a single action on one target; if it cannot be planned, its ResolvedChange says why.

        Raises WrongUsage for an unknown action, and for parameters that do not fit.
        """
        try:
            takes = of_remediation(use).parameters
        except UnknownAction as error:
            suggestion = "" if error.suggestion else "."
            raise WrongUsage(f"{error}{suggestion} `firstmate actions` lists all actions.") from error
        for name in written:
            if name not in takes:
                raise WrongUsage(f"{use} has no parameter {name!r}{did_you_mean(name, takes) or '.'}")
        try:
            draft = drafted(use, written, {}, target)
        except ExpressionError as error:
            raise WrongUsage(str(error)) from error
        says = ""
        try:
            change = self._dry(draft, 0)
        except (FirstmateError, Refused, Unreadable) as error:
            says = str(error)
            change = self._empty(draft)
        plan = Plan(draft.use, draft.use, (change,), blast_radius([target], [draft.remediation.drains]))
        return plan, (ResolvedChange(change, target, draft.remediation, change.server, says=says),)

    def _empty(self, draft: Draft) -> Change:
        """Returns a change that could not be planned, with the server that answers at its target."""
        target, made = draft.target, draft.remediation
        try:
            with self.fleet.read(target.shard, target.instance, made.reader) as db:
                server = self.fleet.identify(db).server
        except (FirstmateError, Unreadable):
            server = ""
        says, address = "It cannot be planned.", target.instance.address
        return Change(0, draft.use, draft.parameters, target.name, address, server, (), (), says, made.risk.value)

    def again(self, plan: Plan, numbers: Sequence[int]) -> tuple[Plan, tuple[ResolvedChange, ...]]:
        """Plans these changes again from the current state of the servers; the other changes stay as they are.

        A change that cannot be planned stays as it is, too, and its ResolvedChange says why.
        """
        changes, made = list(plan.changes), []
        for number in numbers:
            old = plan.changes[number]
            # When all changes are planned, those that follow another one on their target wait for their own batch.
            made.append(self._again(old, due=not old.follows or len(numbers) < len(plan.changes)))
            changes[number] = made[-1].change
        return replace(plan, changes=tuple(changes)), tuple(made)

    def _again(self, old: Change, *, due: bool) -> ResolvedChange:
        remediation = rebuild(old.action, old.parameters)
        try:
            target = self.fleet.find(old.target)
        except UnknownTarget as error:
            return ResolvedChange(old, None, remediation, old.server, due, str(error))
        draft = Draft(target, old.action, old.parameters, remediation)
        try:
            change = replace(self._dry(draft, old.wave), follows=old.follows)
            if remediation.narrows and set(change.statements) <= set(old.statements):
                change = replace(change, statements=old.statements, cost=old.cost)
            return ResolvedChange(change, target, remediation, old.server, due)
        except (FirstmateError, Refused, Unreadable) as error:
            return ResolvedChange(old, target, remediation, old.server, due, str(error))

    # -- which changes, in which order ----------------------------------------------------------------------------

    def _batches(self, seen: Observations, remedy: Remedy, depth: int) -> Iterator[list[Draft]]:
        scope = {**seen.evidence, "inputs": dict(seen.inputs), "target": view(seen.target)}
        named = places(remedy_location(remedy, scope), seen.target, self.fleet.targets())
        targets = changed_at([each for each in named if not seen.only or each.name in seen.only])
        if not targets:
            raise NotAllowed(f"There is nothing to change: {seen.target.shard.name} has no {described(remedy.on)}.")
        strangers = [each.name for each in targets if each.shard.name != seen.target.shard.name]
        if strangers:
            raise NotAllowed(
                f"A change stays within one shard, and {', '.join(strangers[:5])} is not in {seen.target.shard.name}."
            )
        for batch in batches(targets, remedy.batches):
            for step in remedy.each_step:
                if step.use is not None:
                    yield [self._draft(seen, step.use, step, target) for target in batch]
                else:
                    yield from self._leaning(seen, step, depth + 1)

    def _draft(self, seen: Observations, use: str, step: RemedyStep, target: Target) -> Draft:
        scope = {**seen.evidence, "inputs": dict(seen.inputs), "target": view(target)}
        return drafted(use, step.parameters, scope, target)

    def _leaning(self, seen: Observations, step: RemedyStep, depth: int) -> Iterator[list[Draft]]:
        """Returns the batches of another runbook's remedy, after gathering that runbook's own evidence."""
        assert step.runbook is not None
        if depth > MAX_DEPTH:
            raise NotAllowed(f"{step.runbook}: runbooks refer to one another more than {MAX_DEPTH} levels deep.")
        other = self.find(step.runbook)
        scope = {**seen.evidence, "inputs": dict(seen.inputs), "target": view(seen.target)}
        inputs = resolve(other, seen.labels, evaluate_value(step.parameters, scope))
        given = costly_in_common(seen, other)
        gathered = self.gatherer.gather(other, seen.target, inputs, seen.labels, lambda _: None, given)
        diagnosis = diagnose(other, gathered.evidence, inputs, view(seen.target))
        offered = [name for cause in diagnosis.holding for name in cause.remedies]
        if step.remedy is not None and step.remedy not in offered:
            raise NotAllowed(f"{other.runbook} finds no cause on {seen.target.name} that offers {step.remedy!r}.")
        if not offered:
            raise NotAllowed(_without_remedy(other, seen.target, diagnosis))
        found = Observations(other, seen.target, gathered.evidence, inputs, seen.labels)
        yield from self._batches(found, remedy_of(other, step.remedy or offered[0]), depth)

    # -- what each would do ---------------------------------------------------------------------------------------

    def _dry(self, draft: Draft, batch: int) -> Change:
        """Runs the generator of the change without executing it, and returns the statements that it yields."""
        target = draft.target
        stranger = out_of_place(draft.use, draft.remediation.reader, target) or refused_on_tablet(
            draft.use, draft.remediation, target
        )
        if stranger:
            raise NotAllowed(stranger)
        with self.fleet.read(target.shard, target.instance, draft.remediation.reader) as db:
            identity: Identity = self.fleet.identify(db)
            cost = draft.remediation.cost(db)
            statements = tuple(_bounded(draft.remediation.change(db)))
            try:
                undo = tuple(_bounded(draft.remediation.undo(db)))
                undo_says = "The statements shown undo the change." if undo else "Nothing to restore."
            except NoUndo as none:
                undo, undo_says = (), f"Cannot be undone: {none}"
        return Change(
            wave=batch,
            action=draft.use,
            parameters=draft.parameters,
            target=target.name,
            address=target.instance.address,
            server=identity.server,
            statements=statements,
            undo=undo,
            undo_says=undo_says,
            risk=draft.remediation.risk.value,
            revert_after=draft.remediation.revert_after,
            cost=cost,
        )


def drafted(use: str, written: Mapping[str, object], scope: Mapping[str, object], target: Target) -> Draft:
    """The change of an action, or of the one that stands for it on a tablet, with the parameters that this one knows.

    Raises EvidenceMissing, and ExpressionError for values that do not fit.
    """
    remediation, parameters = build(use, written, scope)
    instead = stand_in(remediation, target)
    if not instead:
        return Draft(target, use, parameters, remediation)
    takes = of_remediation(instead).parameters
    remediation, parameters = build(instead, {name: each for name, each in written.items() if name in takes}, scope)
    return Draft(target, instead, parameters, remediation)


def _without_remedy(other: Runbook, target: Target, diagnosis: Diagnosis) -> str:
    """Returns what a runbook found that was asked for a remedy and has none."""
    if diagnosis.lead is None:
        return f"{other.runbook} finds no cause on {target.name}."
    return f"{other.runbook} offers no remedy on {target.name}. It found: {diagnosis.lead.says}"


def costly_in_common(seen: Observations, other: Runbook) -> dict[str, object]:
    """Returns the evidence of costly diagnostics that another runbook would run again; they are not run twice.

    By the names of the other runbook's steps; a question is the same at the same place and without parameters.
    """
    known = {
        (step.use, step.on): seen.evidence[name]
        for name, step in seen.runbook.gather.items()
        if step.each is None and not step.parameters and not isinstance(seen.evidence.get(name), Missing | None)
    }
    return {
        name: known[step.use, step.on]
        for name, step in other.gather.items()
        if DIAGNOSTICS[step.use].costly and step.each is None and not step.parameters and (step.use, step.on) in known
    }


def batches(targets: Sequence[Target], sizes: Sequence[int]) -> Iterator[tuple[Target, ...]]:
    """Splits the targets into batches of these sizes; the last size repeats."""
    left, number = list(targets), 0
    while left:
        size = sizes[min(number, len(sizes) - 1)]
        yield tuple(left[:size])
        left, number = left[size:], number + 1


def blast_radius(targets: Sequence[Target], drained: Sequence[str] = ()) -> str:
    """Describes the targets as a share of their shard, and the servers that the change takes out of service."""
    named = list({target.name: target for target in targets}.values())
    said = []
    if any(target.instance.role.value == "primary" for target in named):
        said.append(f"the primary of {named[0].shard.name}: all its writes")
    replicas = [target for target in named if target.instance.role.value == "replica"]
    if replicas:
        said.append(f"{len(replicas)} of {len(replicas[0].replicas)} replicas of {replicas[0].shard.name}")
    proxies = [target for target in named if target.is_proxy]
    if proxies:
        said.append(f"{len(proxies)} of {len(proxies[0].proxies)} proxies of {proxies[0].shard.name}")
    said += [f"{address} out of service" for address in dict.fromkeys(drained) if address]
    return " and ".join(said)


def inputs_of(run: Run, runbook: Runbook) -> dict[str, Any]:
    """Returns the inputs of a run: from the alert's labels, from the person who requested it, or the defaults."""
    return resolve(runbook, dict(run.alert.labels) if run.alert else {}, run.overrides)


def _bounded(statements: Iterator[Statement]) -> Iterator[str]:
    for number, statement in enumerate(statements):
        if number >= MAX_STATEMENTS:
            raise NotAllowed(f"The action yields more than {MAX_STATEMENTS} statements; nothing was planned.")
        yield str(statement)
