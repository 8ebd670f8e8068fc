"""Says in sentences which other runbooks a run asked, and where it went on. Pure."""

from __future__ import annotations

from bot.engine.run import Cause, Run

FIRST_LOOK = "first-look"


def other_runbooks(run: Run) -> tuple[str, ...]:
    """Returns what the runbooks found that do not lead, and which one the run went on with; nothing without others."""
    return (*_equally_good(run), *_handed_over(run))


def with_next_step(cause: Cause) -> str:
    """Returns the sentence of a cause that does not lead, with the runbook that goes on from it."""
    return f"{cause.says} Continue with the runbook {cause.continues}." if cause.continues else cause.says


def _handed_over(run: Run) -> tuple[str, ...]:
    handed = run.handed_over
    if handed is None:
        return ()
    if handed.stays:
        return (f"Firstmate went on with the runbook {run.runbook}, which found no other cause.",)
    first = handed.runbook.rpartition("/")[2] == FIRST_LOOK
    who = "The first look" if first else f"The runbook {handed.runbook}"
    return (f"{who} found: {handed.cause.says} Firstmate went on with the runbook {run.runbook}.",)


def _equally_good(run: Run) -> tuple[str, ...]:
    if not run.answers:
        return ()
    leader = run.handed_over.runbook if run.handed_over is not None else run.runbook
    *others, last = sorted({leader, *(each.runbook for each in run.answers)})
    names = f"{', '.join(others)} and {last}"
    found = " ".join(f"{each.runbook} found: {each.says or 'no cause.'}" for each in run.answers)
    asked = "both" if len(run.answers) == 1 else "all"
    return (f"{names} match this alert equally well, so {asked} were asked. {leader} leads. {found}",)
