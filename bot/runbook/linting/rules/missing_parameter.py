"""missing-parameter: a required parameter of an action is missing."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "missing-parameter"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Compares `with` of steps and remedies with the required parameters of the action."""
    for use in analysis.uses:
        for name in sorted(use.signature.required - use.parameters.keys()):
            message = f"{use.action} requires the parameter {name!r}"
            yield Problem(use.path, message, ID, "add it under `with`", on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A required parameter of an action is missing.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair:
    use: mysql.set_variable
    with: {name: max_connections, value: 500}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair:
    use: mysql.set_variable
    with: {name: max_connections}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    check=check,
)
