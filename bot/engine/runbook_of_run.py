"""Puts a run under a runbook: the run keeps a copy of everything that it needs of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.found_causes import RunbookCopy
from bot.engine.run import Run
from bot.runbook.language.schema import AUTONOMY, Autonomy, Runbook
from bot.runbook.library.load_runbooks import parse


def under(run: Run, runbook: Runbook, *, matched: str) -> Run:
    """Returns the run with a copy of what it needs of its runbook, so that a reload does not affect it.

    The incident, and with it the scope, stays what it is; `opened_under` sets it.
    """
    return replace(
        run,
        runbook=runbook.runbook,
        runbook_digest=runbook.digest,
        runbook_text=runbook.text,
        title=runbook.title,
        autonomy=runbook.autonomy,
        repair_within=runbook.wait_for_repair,
        speaks_for=runbook.kinds,
        notes=runbook.notes or "",
        links=tuple((each.title, each.url) for each in runbook.links),
        matched=matched,
    )


def opened_under(run: Run, runbook: Runbook, *, matched: str) -> Run:
    """Returns a new run under its first runbook, whose scope says what the incident is about."""
    return replace(under(run, runbook, matched=matched), scope=runbook.scope)


def copy_of(runbook: Runbook, matched: str) -> RunbookCopy:
    """Returns what a run keeps of a runbook that it asks."""
    return RunbookCopy(runbook.text, runbook.runbook, matched)


def parsed(copy: RunbookCopy) -> Runbook:
    """Returns the runbook of a copy; raises RunbookRefused if this version of Firstmate does not accept it."""
    return parse(copy.text, copy.runbook)


def stricter(one: Autonomy, other: Autonomy) -> Autonomy:
    """Returns the autonomy of the two that leaves more to people."""
    return min(one, other, key=AUTONOMY.index)
