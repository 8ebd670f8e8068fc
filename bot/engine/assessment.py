"""Assesses a run: gathers the evidence of its runbooks, finds the leading cause, and goes on where a cause says so.

Several runbooks may match an alert equally well: all of them are asked, and the better proved cause leads. A leading
cause may name another runbook: the run goes on with it once. Stores nothing and changes nothing on servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.engine.evidence_memory import EvidenceMemory
from bot.engine.found_causes import Answer, Cause, HandOver
from bot.engine.gather_evidence import Gathered, Gatherer, view
from bot.engine.planner import inputs_of
from bot.engine.run import Run
from bot.engine.runbook_of_run import parsed, stricter, under
from bot.engine.server_kinds import ReadKind
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.runbook.diagnosis.card_fields import render_card_fields
from bot.runbook.diagnosis.causes import UNKNOWN_TARGET, CauseStatus, Diagnosis, JudgedCause, diagnose
from bot.runbook.diagnosis.step_values import evaluate_value
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError
from bot.runbook.language.kinds import not_answered
from bot.runbook.language.schema import Continuation, Runbook
from bot.runbook.library.load_runbooks import parse

Show: TypeAlias = Callable[[Run], None]
"""Shows how far a run is; it may store it."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A run with its evidence and diagnosis, under the runbook that leads."""

    run: Run
    diagnosis: Diagnosis
    gathered: Gathered
    runbook: Runbook
    target: Target | None


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses runs."""

    gatherer: Gatherer
    find: Callable[[str], Runbook]
    """Finds a runbook that a cause goes on with, by name; raises RunbookError."""

    def assess(self, run: Run, target: Target | None, progress: Show, going_on: Show) -> Assessment:
        """Assesses all runbooks of a run, and the one that the leading cause goes on with.

        `going_on` is called before that one is asked, with the run as it goes on: once this is stored, the run
        continues there after a crash. A diagnostic whose answer is known is not asked again on the same target.
        """
        memory = EvidenceMemory()
        found = self._best(run, target, progress, memory)
        lead = found.diagnosis.lead
        if lead is None or not lead.continues or run.handed_over is not None:
            return found
        return self._go_on(found, lead, progress, going_on, memory)

    def diagnose(
        self, run: Run, runbook: Runbook, target: Target | None, progress: Show, memory: EvidenceMemory | None = None
    ) -> Assessment:
        """Gathers the evidence of one runbook and evaluates its causes; none where it does not speak for the server."""
        labels = dict(run.alert.labels) if run.alert else {}
        inputs = inputs_of(run, runbook)
        read = self.gatherer.kinds.of(target) if target else None
        run = replace(run, kind=read.known if read else None)
        if not_spoken_for(run, runbook):
            silent = replace(run, steps=(), causes=(), shown=())
            return Assessment(silent, Diagnosis(()), Gathered((), {}), runbook, target)
        gathered = self.gatherer.gather(
            runbook,
            target,
            inputs,
            labels,
            lambda steps: progress(replace(run, steps=steps)),
            _shared(runbook, read),
            memory,
        )
        here = view(target) if target else UNKNOWN_TARGET
        diagnosis = diagnose(runbook, gathered.evidence, inputs, here)
        fields = render_card_fields(runbook, gathered.evidence, inputs, here)
        judged = tuple(map(recorded, diagnosis.causes))
        return Assessment(
            replace(run, steps=gathered.steps, causes=judged, shown=fields), diagnosis, gathered, runbook, target
        )

    def _best(self, run: Run, target: Target | None, progress: Show, memory: EvidenceMemory) -> Assessment:
        """Returns the assessment of the runbook that leads, with what the others found."""
        if not run.rivals:
            return self.diagnose(run, parse(run.runbook_text, run.runbook), target, progress, memory)
        found = []
        for copy in run.rivals:
            runbook = parsed(copy)
            found.append(self.diagnose(under(run, runbook, matched=copy.matched), runbook, target, progress, memory))
        best = min(found, key=lambda each: proof(each.diagnosis))
        answers = tuple(
            Answer(each.runbook.runbook, each.diagnosis.lead.says if each.diagnosis.lead else "")
            for each in found
            if each is not best
        )
        return replace(best, run=replace(best.run, answers=answers))

    def _go_on(
        self, found: Assessment, lead: JudgedCause, progress: Show, going_on: Show, memory: EvidenceMemory
    ) -> Assessment:
        """Goes on with the runbook that the leading cause names; without it the cause stays the leading one."""
        try:
            run, other = self._handed_over(found, lead)
        except (FirstmateError, EvidenceMissing, ExpressionError):
            return found  # the card says which runbook goes on, and a person can start it
        going_on(run)
        second = self.diagnose(replace(run, causes=()), other, found.target, progress, memory)
        proved = second.diagnosis.lead
        if proved is not None and not proved.over:
            return second
        # Both looked at the same moment: what holds now leads, and not that all is well elsewhere.
        causes = (lead, *second.diagnosis.causes)
        assert second.run.handed_over is not None
        stays = replace(second.run.handed_over, stays=True)
        staying = replace(second.run, causes=tuple(map(recorded, causes)), handed_over=stays)
        return replace(second, run=staying, diagnosis=Diagnosis(causes))

    def _handed_over(self, found: Assessment, lead: JudgedCause) -> tuple[Run, Runbook]:
        """Returns the run under the other runbook; raises FirstmateError, EvidenceMissing or ExpressionError."""
        going_on = _continuation(found.runbook, lead.id)
        other, run = self.find(going_on.runbook), found.run
        here = view(found.target) if found.target else UNKNOWN_TARGET
        scope = {**found.gathered.evidence, "inputs": inputs_of(run, found.runbook), "target": here}
        given = evaluate_value(going_on.parameters, scope)
        handed = replace(
            under(run, other, matched=f"{found.runbook.runbook} goes on with it"),
            autonomy=stricter(run.autonomy, other.autonomy),
            overrides=dict(given),
            rivals=(),
            handed_over=HandOver(run.runbook, recorded(lead)),
        )
        inputs_of(handed, other)
        return handed, other


def proof(diagnosis: Diagnosis) -> tuple[int, bool, int, int]:
    """Returns how well a diagnosis is proved; the smallest is the best.

    A cause that holds now goes before one that says that the trouble is over, and that before none. Then a cause that
    is named goes before one that another runbook is to find, and then the one with fewer undecided causes before it,
    each of which may be the better answer, and in all.
    """
    lead = diagnosis.lead
    before = diagnosis.causes[: diagnosis.causes.index(lead)] if lead is not None else diagnosis.causes
    earlier, in_all = map(_undecided, (before, diagnosis.causes))
    if lead is None:
        return 2, False, earlier, in_all
    return int(lead.over), bool(lead.continues), earlier, in_all


def _undecided(causes: Sequence[JudgedCause]) -> int:
    return sum(each.verdict is CauseStatus.UNDECIDED for each in causes)


def recorded(cause: JudgedCause) -> Cause:
    """Returns a judged cause as a run keeps it."""
    return Cause(cause.id, cause.verdict.value, cause.says, cause.remedies, cause.continues)


def _continuation(runbook: Runbook, cause: str) -> Continuation:
    found = next(each.continue_ for each in runbook.causes if each.id == cause)
    assert found is not None
    return found


def show_nothing(_: Run) -> None:
    """Shows no progress."""


def not_spoken_for(run: Run, runbook: Runbook) -> str:
    """Returns why the runbook does not answer for the kind of the run's target, or ''."""
    return not_answered(runbook.runbook, runbook.kinds, run.target, run.kind) if run.kind is not None else ""


def _shared(runbook: Runbook, read: ReadKind | None) -> Mapping[str, object]:
    """Returns the steps that ask the target itself for its kind, which is known already."""
    if read is None or read.evidence is None:
        return {}
    asks = {
        name: step
        for name, step in runbook.gather.items()
        if step.use == "mysql.server_kind" and step.on == "target" and step.when is None and step.each is None
    }
    return dict.fromkeys(asks, read.evidence)
