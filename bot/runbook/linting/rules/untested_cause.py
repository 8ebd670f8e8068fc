"""untested-cause: no test expects a cause."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.name_usage import corrected
from bot.runbook.linting.rule import Rule, Severity

ID = "untested-cause"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks for every cause in the tests; a misspelt name, which test-of-nothing reports, counts as the closest one."""
    causes = analysis.runbook.causes
    named = {name for test in analysis.runbook.tests for name in (test.expect.cause, *(test.expect.causes or ()))}
    expected = corrected((name for name in named if name is not None), [cause.id for cause in causes])
    for number, cause in enumerate(causes):
        if cause.id not in expected:
            path = ("causes", number, "id")
            yield Problem(path, f"No test expects the cause {cause.id!r}", ID, "add a test under `tests`")


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="No test expects a cause.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - expect: {cause: null}
""",
    check=check,
)
