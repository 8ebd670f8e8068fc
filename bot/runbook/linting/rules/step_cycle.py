"""step-cycle: gather steps depend on each other in a cycle."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.diagnosis.gather_steps import needs
from bot.runbook.expressions.syntax import ExpressionError
from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "step-cycle"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Removes the steps that can run until only the steps of a cycle, and those that depend on it, are left."""
    steps = analysis.runbook.gather
    try:
        waiting = {name: needs(step, steps) for name, step in steps.items()}
    except ExpressionError:
        return  # expression-syntax reports it
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        others = ", ".join(sorted(waiting.keys() - {name}))
        message = f"Step {name!r} is in a dependency cycle with {others}" if others else f"Step {name!r} reads itself"
        yield Problem(("gather", name), message, ID, on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Gather steps depend on each other in a cycle.",
    passing="""\
gather:
  replica: {use: mysql.replica_status}
  use: {use: mysql.connection_use, when: replica.configured, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, when: use.running > 0}
  use: {use: mysql.connection_use, when: replica.configured}
""",
    check=check,
)
