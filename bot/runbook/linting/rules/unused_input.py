"""unused-input: no expression reads an input."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.name_usage import usage_by_step, usage_outside_steps
from bot.runbook.linting.rule import Rule, Severity

ID = "unused-input"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks for every input in all expressions."""
    inputs = analysis.runbook.inputs
    usage = usage_outside_steps(analysis.runbook)
    for step in analysis.runbook.gather.values():
        usage |= usage_by_step(step)
    for name in inputs:
        if not usage.reads_input(name, inputs):
            yield Problem(("inputs", name), f"Input {name!r} is never read", ID, on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="No expression reads an input.",
    passing="""\
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > inputs.limit', show: true}
""",
    failing="""\
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > 30', show: true}
""",
    check=check,
)
