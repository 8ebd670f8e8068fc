"""What a run would find and offer now, for a person who only looks: nothing is stored, asked or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from actions.contract import Refused, Unreadable
from bot.engine.assessment import not_spoken_for, show_nothing
from bot.engine.planner import Observations
from bot.engine.run import Run
from bot.engine.triage import Triage, seen_by
from bot.errors import FirstmateError
from bot.runbook.diagnosis.remedies import remedy_of
from bot.runbook.expressions.evaluation import EvidenceMissing
from bot.runbook.library.load_runbooks import parse


@dataclass(frozen=True, slots=True)
class Preview:
    """A run as it would be: with its evidence, its causes, and the plan of a remedy with the guards' verdicts."""

    run: Run
    evidence: Mapping[str, Any]
    seen: Observations | None
    """What remedies may build on; None when the inventory does not know the target."""
    not_offered: str
    """Why there is no plan, or which guard refuses it."""


def preview(triage: Triage, run: Run, remedy: str = "") -> Preview:
    """Gathers, judges, and plans the named remedy, or the first of the leading cause that can be planned.

    Raises RunbookError for a remedy that is not there.
    """
    own = parse(run.runbook_text, run.runbook)
    if remedy and not run.rivals:
        remedy_of(own, remedy)
        found = triage.diagnose(run, own, triage.target(run))
    else:
        found = triage.assess(run, show_nothing, show_nothing)
    run, diagnosis, runbook, target = found.run, found.diagnosis, found.runbook, found.target
    if remedy:
        remedy_of(runbook, remedy)
    evidence = {step.id: step.evidence for step in run.steps}
    silent = not_spoken_for(run, runbook)
    if target is None or silent:
        return Preview(run, evidence, None, silent)
    remedies = (remedy,) if remedy else diagnosis.lead.remedies if diagnosis.lead is not None else ()
    seen = seen_by(run, runbook, target, found.gathered)
    why: list[str] = []
    for each in remedies:
        try:
            proposal = triage.propose(run, seen, each)
        except (Refused, Unreadable, EvidenceMissing, FirstmateError) as error:
            why.append(str(error))
            continue
        planned = replace(run, plan=proposal.plan, verdicts=proposal.verdicts)
        return Preview(planned, evidence, seen, " ".join([*why, proposal.refused]).strip())
    return Preview(run, evidence, seen, " ".join(why))
