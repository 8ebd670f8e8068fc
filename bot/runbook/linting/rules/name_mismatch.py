"""name-mismatch: the name of the runbook differs from its path below the runbook folder."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.rule import Rule, Severity

ID = "name-mismatch"


def check_name(name: str, expected: str) -> Iterator[Problem]:
    """Yields a problem if a runbook is not named after its path."""
    if name != expected:
        yield Problem(("runbook",), f"Runbook is named {name!r}, but its path requires {expected!r}", ID)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The name of the runbook differs from its path below the runbook folder.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
# FILE example.yml
runbook: other
title: Replica lag
owner: datastores
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    reported_by="bot.runbook.linting.lint_files",
)
