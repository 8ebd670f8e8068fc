"""Checks of all runbooks together: names that stand twice, runbooks that lean on others, and matches that tie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Matching, RemedyStep, Runbook
from bot.runbook.language.signatures import nearest
from bot.runbook.linting.examine import Examined
from bot.runbook.matching.ties import ties

Told: TypeAlias = tuple[Examined, Problem]
"""A problem, and the file that it is in."""


def check_together(examined: Sequence[Examined], around: Iterable[Runbook] = ()) -> Iterator[Told]:
    """Everything that is wrong between runbooks; `around` are others that those examined may lean on."""
    yield from _leaning(examined, around)
    yield from _equal(examined)


def same_names(examined: Sequence[Examined]) -> Iterator[Told]:
    """Files of one folder that hold the same runbook."""
    seen: dict[str, str] = {}
    for each in examined:
        if each.runbook is None:
            continue
        name = each.runbook.runbook
        if name in seen:
            yield each, Problem(("runbook",), f"{seen[name]} holds the runbook {name!r} too", "same-name")
        seen.setdefault(name, each.file)


def _leaning(examined: Sequence[Examined], around: Iterable[Runbook]) -> Iterator[Told]:
    """Remedies that are another runbook's: it must be there, with that remedy and those inputs."""
    known = {runbook.runbook: runbook for runbook in around}
    known.update((each.runbook.runbook, each.runbook) for each in examined if each.runbook is not None)
    for each in examined:
        for name, remedy in each.runbook.remedies.items() if each.runbook is not None else ():
            for number, step in enumerate(remedy.each_step):
                path: Path = ("remedies", name, *(("steps", number) if remedy.steps else ()))
                for problem in _step(path, step, known):
                    yield each, problem


def _step(path: Path, step: RemedyStep, known: dict[str, Runbook]) -> Iterator[Problem]:
    if step.runbook is None:
        return
    other = known.get(step.runbook)
    if other is None:
        says = f"there is no runbook {step.runbook!r}"
        yield Problem((*path, "runbook"), says, "unknown-runbook", nearest(step.runbook, known))
        return
    if step.remedy is not None and step.remedy not in other.remedies:
        says = f"{step.runbook} has no remedy {step.remedy!r}"
        yield Problem((*path, "remedy"), says, "unknown-runbook", nearest(step.remedy, other.remedies))
    for name in step.parameters:
        if name not in other.inputs:
            says = f"{step.runbook} has no input {name!r}"
            yield Problem((*path, "with", name), says, "unknown-runbook", nearest(name, other.inputs), on_key=True)


def _equal(examined: Sequence[Examined]) -> Iterator[Told]:
    usable = [each for each in examined if each.runbook is not None]
    runbooks = [each.runbook for each in usable if each.runbook is not None]
    for tie in ties(runbooks):
        where = usable[tie.second]
        says = f"{runbooks[tie.first].runbook} answers {tie.alert} as well as this one, so neither would run"
        yield where, Problem(_entry(where, tie.entry), says, "equal-match", "make one of them more specific")


def _entry(examined: Examined, number: int) -> Path:
    """Where an alternative of `match` stands: in a list, or under `any`."""
    nested = examined.runbook is not None and isinstance(examined.runbook.match, Matching)
    return ("match", "any", number) if nested else ("match", number)
