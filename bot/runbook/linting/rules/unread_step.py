"""unread-step: no expression reads the evidence of a step that is not marked `show`."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.name_usage import usage_by_step, usage_outside_steps
from bot.runbook.linting.rule import Rule, Severity

ID = "unread-step"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks for every step in the expressions outside it."""
    steps = analysis.runbook.gather
    outside = usage_outside_steps(analysis.runbook)
    by_step = {name: usage_by_step(step) for name, step in steps.items()}
    for name, step in steps.items():
        if step.show:
            continue
        usage = outside
        for other, used in by_step.items():
            if other != name:
                usage |= used
        if not usage.reads_step(name, steps):
            message = f"The evidence of step {name!r} is never read"
            yield Problem(("gather", name), message, ID, "remove the step or set `show: true`", on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="No expression reads the evidence of a step that is not marked `show`.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
""",
    check=check,
)
