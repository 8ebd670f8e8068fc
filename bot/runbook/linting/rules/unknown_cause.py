"""unknown-cause: the list `unless` names a cause that is not defined before this one."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.signatures import suggestion_for
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-cause"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks up the causes of `unless` among the earlier causes."""
    earlier: set[str] = set()
    for number, cause in enumerate(analysis.runbook.causes):
        for index, name in enumerate(cause.unless):
            if name not in earlier:
                message = f"No cause {name!r} is defined before this one"
                yield Problem(("causes", number, "unless", index), message, ID, suggestion_for(name, earlier))
        earlier.add(cause.id)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The list `unless` names a cause that is not defined before this one.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
  - id: late
    unless: [broken]
    when: replica.delay > 60
    says: The replica is late.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
  - given: {replica: {delay: 90s}}
    expect: {cause: late}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
  - id: late
    unless: [brken]
    when: replica.delay > 60
    says: The replica is late.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
  - given: {replica: {delay: 90s}}
    expect: {cause: late}
""",
    check=check,
)
