"""unknown-action: a step or remedy uses an action that the catalog does not contain."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-action"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Yields every action that was not found in the catalog."""
    for path, error in analysis.unknown_actions:
        yield Problem(path, error.message, ID, error.suggestion)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A step or remedy uses an action that the catalog does not contain.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_state, show: true}
""",
    check=check,
)
